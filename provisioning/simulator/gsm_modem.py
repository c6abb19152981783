"""A GSM modem on a pty: as strict as a real one (3GPP TS 27.005, 27.007, PDU mode), and as unruly on request.

Knows nothing of who talks to it. What the network took is kept in `taken`, and in a file where one is named.
"""

import json
import time
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path

from provisioning.simulator.gsm_manners import Manners, Taken, whole
from provisioning.simulator.gsm_pdu import Submitted, WrongPdu, read_submit, write_report
from provisioning.simulator.gsm_port import ModemPort

_ESCAPE, _CONTROL_Z = 0x1B, 0x1A
_LINE_MAX = 512
_CME_SIM_PIN, _CME_WRONG_PIN, _CME_PUK = 11, 16, 12
_CMS_MEMORY_FULL, _CMS_BAD_PDU, _CMS_TIMEOUT, _CMS_NO_NETWORK = 322, 304, 332, 331


class SimulatedModem(ModemPort):
    """One modem, on the port that `link` leads to."""

    def __init__(self, link: Path, log: Path | None = None, clock: Callable[[], float] = time.time) -> None:
        super().__init__(link)
        self.manners = Manners()
        self.taken: list[Taken] = []
        self.commands: list[str] = []
        self._log = log
        self._clock = clock
        self._pin_tries = 3
        self._submits = 0
        self._number = 0
        self._stored: dict[int, tuple[str, int]] = {}
        self._reset()

    def _reset(self) -> None:
        """What does not outlive the power."""
        self._heard = bytearray()
        self._pdu: tuple[int, bytearray] | None = None
        self._is_pdu_mode = False
        self._is_unlocked = False
        self._echoes = True
        self._wants_reports = 0
        self._numeric_errors = False
        self._busy = False

    # ----------------------------------------------------------------------------------------------------------- line

    def _answer(self, *lines: str) -> None:
        for line in self.manners.noise:
            self._say(f"\r\n{line}\r\n")
        for line in lines:
            self._say(f"\r\n{line}\r\n")
        self._busy = False

    def unsolicited(self, line: str) -> None:
        """Say a line that nobody asked for, now."""
        with self._lock:
            self._say(f"\r\n{line}\r\n")

    def _hear(self, octet: int) -> None:
        if self._master < 0:
            return
        if self._pdu is not None:
            self._hear_pdu(octet)
            return
        if self._echoes and self.manners.echo:
            self._say(chr(octet))
        if octet == _ESCAPE:
            return
        if octet not in (0x0D, 0x0A):
            if len(self._heard) < _LINE_MAX:
                self._heard.append(octet)
            return
        line = self._heard.decode("latin-1").strip()
        self._heard.clear()
        if line:
            self._command(line)

    # ------------------------------------------------------------------------------------------------------- commands

    def _command(self, line: str) -> None:
        self.commands.append(line)
        if self._busy:
            return
        if self.manners.silent:
            self.manners.silent -= 1
            return
        upper = line.upper()
        if not upper.startswith("AT"):
            return
        body = upper[2:]
        for begin, act in _ACTS:
            if body.startswith(begin):
                getattr(self, act)(body[len(begin) :])
                return
        self._answer("OK" if body == "" else "ERROR")

    def _error(self, kind: str, code: int) -> None:
        self._answer(f"+{kind} ERROR: {code}" if self._numeric_errors or kind == "CMS" else "ERROR")

    @property
    def _is_locked(self) -> bool:
        return bool(self.manners.pin) and not self._is_unlocked

    def _echo(self, rest: str) -> None:
        self._echoes = rest != "0"
        self._answer("OK")

    def _errors(self, rest: str) -> None:
        self._numeric_errors = rest == "1"
        self._answer("OK")

    def _pin(self, rest: str) -> None:
        if rest == "?":
            state = "SIM PUK" if self._pin_tries == 0 else "SIM PIN" if self._is_locked else "READY"
            self._answer(f"+CPIN: {state}", "OK")
        elif not self._is_locked or self._pin_tries == 0:
            self._error("CME", 3 if self._pin_tries else _CME_PUK)
        elif rest.strip('="') == self.manners.pin:
            self._is_unlocked, self._pin_tries = True, 3
            self._answer("OK")
        else:
            self._pin_tries -= 1
            self._error("CME", _CME_WRONG_PIN)

    def _registration(self, rest: str) -> None:
        if rest == "?":
            self._answer(f"+CREG: 0,{1 if self.manners.registered and not self._is_locked else 2}", "OK")
        else:
            self._answer("OK")

    def _signal(self, _: str) -> None:
        self._answer(f"+CSQ: {self.manners.signal},0", "OK")

    def _format(self, rest: str) -> None:
        self._is_pdu_mode = rest == "=0"
        self._answer("OK" if rest in ("=0", "=1") else "ERROR")

    def _indications(self, rest: str) -> None:
        if self._is_locked:
            self._error("CMS", 311)
            return
        fields = rest.lstrip("=").split(",")
        if len(fields) > 3 and fields[3] == "2" and not self.manners.stores_reports:
            self._error("CMS", 303)
            return
        self._wants_reports = int(fields[3]) if len(fields) > 3 and fields[3].isdigit() else 0
        self._answer("OK")

    def _choose_memory(self, rest: str) -> None:
        if "SR" in rest and not self.manners.stores_reports:
            self._error("CMS", 302)
        else:
            self._answer(f"+CPMS: {len(self._stored)},20,0,20,0,20", "OK")

    def _list_stored(self, _: str) -> None:
        lines = []
        for place, (pdu, octets) in sorted(self._stored.items()):
            lines += [f"+CMGL: {place},0,,{octets}", pdu]
        self._answer(*lines, "OK")

    def _read_stored(self, rest: str) -> None:
        found = self._stored.get(int(rest.lstrip("=") or -1)) if rest.lstrip("=").isdigit() else None
        if found is None:
            self._error("CMS", 321)
        else:
            self._answer(f"+CMGR: 0,,{found[1]}", found[0], "OK")

    def _delete_stored(self, rest: str) -> None:
        self._stored.pop(int(rest.lstrip("=").split(",")[0]), None)
        self._answer("OK")

    def _accept(self, _: str) -> None:
        self._answer("OK")

    def _send(self, rest: str) -> None:
        if self._is_locked:
            self._error("CMS", 311)
        elif not self._is_pdu_mode or not rest.lstrip("=").isdigit():
            self._error("CMS", _CMS_BAD_PDU)
        elif self.manners.no_prompt:
            self.manners.no_prompt -= 1
        else:
            self._pdu = (int(rest.lstrip("=")), bytearray())
            for line in self.manners.noise:
                self._say(f"\r\n{line}\r\n")
            self._say("\r\n> ")

    def _hear_pdu(self, octet: int) -> None:
        assert self._pdu is not None
        said, heard = self._pdu
        if octet == _ESCAPE:
            self._pdu = None
            self._answer("OK")
        elif octet == _CONTROL_Z:
            self._pdu = None
            self._busy = True
            self._submit(said, bytes(heard))
        else:
            heard.append(octet)
            if self._echoes and self.manners.echo:
                self._say(chr(octet))

    # -------------------------------------------------------------------------------------------------------- network

    def _submit(self, said: int, heard: bytes) -> None:
        self._submits += 1
        try:
            part = read_submit(bytes.fromhex(heard.decode("ascii").strip()), said)
        except (WrongPdu, ValueError):
            self._error("CMS", _CMS_BAD_PDU)
            return
        if self.manners.cut_before_take:
            self.manners.cut_before_take -= 1
            self._power_off()
            return
        if not self.manners.registered:
            self._error("CMS", _CMS_NO_NETWORK)
            return
        refused = self.manners.refuse.get(self._submits)
        if refused is not None:
            self._later(self.manners.network_s, lambda: self._error("CMS", refused))
            return
        self._later(self.manners.network_s, lambda: self._take(part))

    def _take(self, part: Submitted) -> None:
        self._number = (self._number + 1) % 256
        number, at_s = self._number, self._clock()
        taken = Taken(int(at_s * 1000), number, part.recipient, part.text, part.reference, part.of, part.n, part.smsc)
        self.taken.append(taken)
        if self._log is not None:
            with self._log.open("a", encoding="utf-8") as file:
                file.write(json.dumps(asdict(taken), ensure_ascii=False) + "\n")
        if part.wants_report and self.manners.report_s is not None:
            self._later(self.manners.report_s, lambda: self._report(part, number, at_s))
        if self.manners.cut_after_take:
            self.manners.cut_after_take -= 1
            # The network keeps its report for when the modem is back.
            self._power_off()
        elif self.manners.lose_answer:
            self.manners.lose_answer -= 1
            self._busy = False
        else:
            self._answer(f"+CMGS: {number}", "OK")

    def _report(self, part: Submitted, number: int, at_s: float) -> None:
        if self._master < 0 or not self._wants_reports:
            # The network tries again when the modem is back.
            self._later(0.1, lambda: self._report(part, number, at_s))
            return
        pdu, octets = write_report(number, part.address, at_s, self._clock(), self.manners.status)
        if self._wants_reports == 2:
            place = max(self._stored, default=0) + 1
            self._stored[place] = (pdu, octets)
            self._say(f'\r\n+CDSI: "SM",{place}\r\n')
        else:
            self._say(f"\r\n+CDS: {octets}\r\n{pdu}\r\n")

    def messages(self) -> list[tuple[str, str]]:
        """Recipient and text of every message whose parts have all been taken, in the order of their last part."""
        with self._lock:
            return whole(self.taken)


_ACTS = (
    ("E", "_echo"),
    ("+CMEE=", "_errors"),
    ("+CPIN", "_pin"),
    ("+CREG", "_registration"),
    ("+CSQ", "_signal"),
    ("+CMGF", "_format"),
    ("+CNMI", "_indications"),
    ("+CPMS", "_choose_memory"),
    ("+CMGL", "_list_stored"),
    ("+CMGR", "_read_stored"),
    ("+CMGD", "_delete_stored"),
    ("+CSMS", "_accept"),
    ("+CMGS", "_send"),
    ("+CFUN", "_accept"),
    ("Z", "_accept"),
)
