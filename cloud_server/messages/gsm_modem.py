"""A GSM modem on a serial port: made ready, watched, and given parts one by one (3GPP TS 27.005, 27.007, PDU mode).

Decides nothing about messages: what is certain after each step is said by the error.
"""

import hashlib
import logging
import re
from collections.abc import Callable
from typing import Final

from cloud_server.core.sms_text import Coding
from cloud_server.messages.at_line import CONTROL_Z, ESCAPE, AtLine, LineGone, ModemRefused, ModemSilent
from cloud_server.messages.modem_port import ModemSettings, SerialPort
from cloud_server.messages.sms_pdu import BadPdu, StatusReport, Submit, decode_incoming, encode_submit
from cloud_server.ports.messages import LeftBehind, ModemProblem, ModemState, NotKnown, NotSent, OnePart, PartFate

WEAK_RSSI: Final = 6
"""27.007 8.5: below -101 dBm messages begin to fail."""
UNKNOWN_RSSI: Final = 99
CMS_NETWORK_TIMEOUT: Final = 332
"""27.005 3.2.5: the network did not acknowledge in time; it may have the message."""
LASTING_CMS: Final = frozenset({1, 8, 10, 21, 28, 29, 30, 50, 69, 96, 97, 304, 305})
"""Numbers that do not exist or are barred, services not subscribed, and PDUs that are refused as such: the same part
will be refused again (27.005 3.2.5, 24.011 E-2)."""
UNUSABLE_CMS: Final = frozenset({310, 311, 312, 313, 314, 315, 316, 317, 318, 330})
"""No SIM, PIN or PUK wanted, SMSC unknown: nothing about this part, all about the modem."""

log = logging.getLogger(__name__)


class GsmModem:
    """Satisfies `ports.messages.Modem`."""

    def __init__(self, settings: ModemSettings) -> None:
        self._settings = settings
        self._patience = settings.patience
        self._port: SerialPort | None = None
        self._line: AtLine | None = None
        self._state = ModemState(problem="no_port")
        self._fates: list[PartFate] = []

    def is_open(self) -> bool:
        """Whether it was made ready and has answered since."""
        return self._line is not None

    def state(self) -> ModemState:
        """As last seen."""
        return self._state

    # ---------------------------------------------------------------------------------------------------------- ready

    def open(self) -> LeftBehind:
        """Open the port, leave a prompt that is still open, make the modem ready. Raises NotSent."""
        self.close()
        try:
            self._port = SerialPort(self._settings.port, self._settings.baud)
            line = AtLine(self._port)
            line.write(ESCAPE)
            at_prompt = "OK" in line.listen(self._patience.probe_s) and line.late_number is None
            self._wake(line)
            self._make_ready(line)
            left = LeftBehind(at_prompt=at_prompt, number=line.late_number)
            line.late_number = None
            self._line = line
        except LineGone as fault:
            raise self._give_up("no_port", fault) from None
        except ModemSilent as fault:
            raise self._give_up("silent", fault) from None
        except ModemRefused as fault:
            raise self._give_up("silent", fault) from None
        self.look()
        return left

    def close(self) -> None:
        """Let the port go."""
        if self._port is not None:
            self._port.close()
        self._port = self._line = None

    def _wake(self, line: AtLine) -> None:
        for attempt in range(self._patience.tries):
            try:
                line.command("AT", self._patience.command_s)
                return
            except ModemSilent:
                if attempt + 1 == self._patience.tries:
                    raise
                # A command cut off by the end of an earlier run is still in its buffer.
                line.write(b"\r")

    def _make_ready(self, line: AtLine) -> None:
        within_s = self._patience.command_s
        line.command("ATE0", within_s)
        line.command("AT+CMEE=1", within_s)
        self._unlock(line)
        line.command("AT+CMGF=0", within_s)
        self._ask_for_reports(line)

    def _ask_for_reports(self, line: AtLine) -> None:
        """No indication of messages that come in; reports into the modem's memory, where they outlive us; straight to
        us where it has none (27.005 3.4.1: ds 2, 1)."""
        within_s = self._patience.command_s
        try:
            line.command('AT+CPMS="SR"', within_s)
            line.command("AT+CNMI=2,0,0,2,0", within_s)
        except ModemRefused:
            line.command("AT+CNMI=2,0,0,1,0", within_s)
            return
        for head, pdu in _pairs(line.command("AT+CMGL=4", within_s, r"\+CMGL:", has_pdu=True, may_be_none=True)):
            line.unasked.append((f'+CDSI: "SR",{head.partition(":")[2].split(",")[0].strip()}', pdu))

    def _unlock(self, line: AtLine) -> None:
        answer = line.command("AT+CPIN?", self._patience.pin_s, r"\+CPIN:")[0]
        if answer.endswith("READY"):
            return
        if not answer.endswith("SIM PIN"):
            raise self._give_up("puk_wanted", answer)
        if not self._settings.pin:
            raise self._give_up("pin_wanted", "the SIM asks for a PIN and none is configured")
        if self._was_refused():
            raise self._give_up("pin_refused", "the SIM refused this PIN before; it is not tried again")
        try:
            line.command(f'AT+CPIN="{self._settings.pin}"', self._patience.pin_s)
        except ModemRefused as fault:
            self._remember_refusal()
            raise self._give_up("pin_refused", str(fault).replace(self._settings.pin, "****")) from None

    def _was_refused(self) -> bool:
        path = self._settings.refused_pin
        return path is not None and path.is_file() and path.read_text("ascii").strip() == self._pin_hash()

    def _remember_refusal(self) -> None:
        if self._settings.refused_pin is not None:
            self._settings.refused_pin.write_text(self._pin_hash() + "\n", "ascii")

    def _pin_hash(self) -> str:
        return hashlib.sha256(f"{self._settings.port} {self._settings.pin}".encode()).hexdigest()

    def _give_up(self, problem: ModemProblem, why: object) -> NotSent:
        self.close()
        self._state = ModemState(problem=problem, detail=str(why))
        return NotSent(f"{problem}: {why}")

    # ---------------------------------------------------------------------------------------------------------- watch

    def look(self) -> ModemState:
        """Registration and signal, now."""
        if self._line is None:
            return self._state
        try:
            within_s = self._patience.command_s
            registered = self._line.command("AT+CREG?", within_s, r"\+CREG: *\d+ *, *\d+")[0]
            strength = self._line.command("AT+CSQ", within_s, r"\+CSQ: *\d+")[0]
        except LineGone as fault:
            self._give_up("no_port", fault)
        except (ModemSilent, ModemRefused) as fault:
            self._give_up("silent", fault)
        else:
            self._state = _state_from(registered, strength)
        return self._state

    # ----------------------------------------------------------------------------------------------------------- send

    def send(self, part: OnePart, hand_over: Callable[[], None]) -> int:
        """Send one part; its number. See the port for what each error makes certain."""
        if self._line is None:
            raise NotSent("the modem is not open")
        try:
            pdu = encode_submit(self._submit(part))
        except ValueError as fault:
            raise NotSent(str(fault), lasting=True) from None
        line = self._line
        try:
            line.prompt(f"AT+CMGS={pdu.tpdu_octets}", self._patience.prompt_s)
            line.expect_echo(pdu.hex)
            line.write(pdu.hex.encode("ascii"))
        except ModemRefused as fault:
            raise _refusal(fault) from None
        except (ModemSilent, LineGone) as fault:
            self._leave_prompt(line)
            raise self._give_up("silent" if isinstance(fault, ModemSilent) else "no_port", fault) from None
        try:
            hand_over()
        except BaseException:
            self._leave_prompt(line)
            self.close()
            raise
        return self._finish(line)

    def _submit(self, part: OnePart) -> Submit:
        return Submit(
            number=part.number,
            text=part.text,
            coding=Coding.UCS2 if part.wide else Coding.GSM7,
            reference=part.reference,
            of=part.of,
            n=part.n,
            validity_min=part.validity_min,
            smsc=self._settings.smsc,
        )

    def _finish(self, line: AtLine) -> int:
        """From here on the part may have left."""
        try:
            line.write(CONTROL_Z)
            answer = line.answer("AT+CMGS", self._patience.sending_s, r"\+CMGS: *\d+")[0]
        except ModemRefused as fault:
            if fault.kind == "S" and fault.code == CMS_NETWORK_TIMEOUT:
                raise NotKnown(str(fault)) from None
            raise _refusal(fault) from None
        except ModemSilent as fault:
            self._give_up("silent", fault)
            raise NotKnown(str(fault)) from None
        except LineGone as fault:
            self._give_up("no_port", fault)
            raise NotKnown(str(fault)) from None
        return int(answer.partition(":")[2])

    @staticmethod
    def _leave_prompt(line: AtLine) -> None:
        try:
            line.write(ESCAPE)
        except LineGone as fault:
            log.info("modem_gone_at_prompt", extra={"fault": str(fault)})

    # -------------------------------------------------------------------------------------------------------- reports

    def reports(self, wait_s: float) -> list[PartFate]:
        """Reports that came by themselves, and those that the SIM keeps for us."""
        if self._line is not None:
            try:
                self._line.listen(wait_s)
                self._take_reports(self._line)
            except LineGone as fault:
                self._give_up("no_port", fault)
            except (ModemSilent, ModemRefused) as fault:
                self._give_up("silent", fault)
        fates, self._fates = self._fates, []
        return fates

    def _take_reports(self, line: AtLine) -> None:
        while line.unasked:
            head, pdu = line.unasked.pop(0)
            if head.startswith("+CDS:"):
                self._take_report(pdu)
            elif (stored := re.match(r"\+CDSI: *\"\w+\" *, *(\d+)", head)) is not None:
                read = line.command(f"AT+CMGR={stored[1]}", self._patience.command_s, r"\+CMGR:", has_pdu=True)
                self._take_report(read[1])
                line.command(f"AT+CMGD={stored[1]}", self._patience.command_s)

    def _take_report(self, pdu: str) -> None:
        try:
            report = decode_incoming(pdu)
        except BadPdu as fault:
            log.warning("report_not_readable", extra={"fault": str(fault)})
            return
        if isinstance(report, StatusReport):
            self._fates.append(
                PartFate(
                    number=report.number, recipient=report.recipient, accepted_at_ms=report.accepted_at_ms,
                    ended_at_ms=report.ended_at_ms, fate=report.fate, status=report.status,
                )
            )  # fmt: skip


def _pairs(lines: list[str]) -> list[tuple[str, str]]:
    return list(zip(lines[::2], lines[1::2], strict=False))


def _refusal(fault: ModemRefused) -> NotSent:
    return NotSent(str(fault), lasting=fault.kind == "S" and fault.code in LASTING_CMS)


def _state_from(registered: str, strength: str) -> ModemState:
    stat = int(registered.rpartition("+CREG:")[2].split(",")[1].strip())
    rssi = int(strength.partition(":")[2].split(",")[0])
    dbm = None if rssi == UNKNOWN_RSSI else -113 + 2 * rssi
    # 27.007 7.2: 1 at home, 5 roaming.
    if stat not in (1, 5):
        return ModemState(problem="not_registered", detail=f"+CREG {stat}", signal_dbm=dbm)
    if rssi < WEAK_RSSI:
        return ModemState(problem="weak_signal", detail=f"{dbm} dBm", signal_dbm=dbm)
    return ModemState(problem="", signal_dbm=dbm)
