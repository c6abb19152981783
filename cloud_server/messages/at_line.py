"""The AT dialogue over a serial line: commands with their answers, the prompt, and what comes unasked in between.

Knows bytes and lines (3GPP TS 27.007, V.250); knows neither pyserial nor short messages.
"""

import re
import time
from collections.abc import Callable
from typing import Final, Protocol

ESCAPE: Final = b"\x1b"
CONTROL_Z: Final = b"\x1a"
LINE_BYTES_MAX: Final = 4_096
"""No answer is longer; what is, is noise of a wrong baud rate."""
_ERROR: Final = re.compile(r"\+CM([ES]) ERROR: *(\d+)$|(ERROR)$")
_LATE_NUMBER: Final = re.compile(r"\+CMGS: *(\d+)")


class LineGone(Exception):
    """The port is not there any more."""


class ModemSilent(Exception):
    """No answer within its time; names the command and how long was waited."""


class ModemRefused(Exception):
    """An error as the answer. `kind` is E for the equipment (CME), S for the message service (CMS), empty for a bare
    ERROR."""

    def __init__(self, name: str, kind: str, code: int) -> None:
        super().__init__(f"{name}: +CM{kind} ERROR {code}" if kind else f"{name}: ERROR")
        self.kind = kind
        self.code = code


class BytePort(Protocol):
    """What is needed of a port. Both raise LineGone."""

    def read(self, within_s: float) -> bytes:
        """What has come, waiting at most so long for the first byte."""
        ...

    def write(self, data: bytes) -> None: ...


class AtLine:
    """One dialogue. `unasked` gathers lines that belong to no command; a line and the PDU after it as one pair."""

    def __init__(self, port: BytePort, monotonic_s: Callable[[], float] = time.monotonic) -> None:
        self._port = port
        self._now_s = monotonic_s
        self._buffer = b""
        self._sent = ""
        self.unasked: list[tuple[str, str]] = []
        self.late_number: int | None = None

    def write(self, data: bytes) -> None:
        """Bytes as they are."""
        self._port.write(data)

    def command(
        self, text: str, within_s: float, want: str = "", *, has_pdu: bool = False, may_be_none: bool = False
    ) -> list[str]:
        """Send a command and wait for its end; its information lines that match `want` (a pattern).

        With `want`, an OK before any such line is a straggler of an earlier command, and is passed over. `has_pdu`:
        the line after the wanted one belongs to it. `may_be_none`: an OK alone is an answer as well.

        Raises ModemSilent, ModemRefused, LineGone.
        """
        self._sent = text
        self.write(text.encode("ascii") + b"\r")
        return self.answer(text, within_s, want, has_pdu=has_pdu, may_be_none=may_be_none)

    def answer(
        self, name: str, within_s: float, want: str = "", *, has_pdu: bool = False, may_be_none: bool = False
    ) -> list[str]:
        """Wait for the end of a command that was sent; as `command`."""
        deadline_s, found = self._now_s() + within_s, list[str]()
        while (line := self.next_line(deadline_s)) is not None:
            if want and re.match(want, line):
                found.append(line)
                if has_pdu:
                    found.append(self.next_line(deadline_s) or "")
            elif line == "OK":
                if found or not want or may_be_none:
                    return found
            elif (error := _ERROR.match(line)) is not None:
                raise ModemRefused(name, error[1] or "", int(error[2] or 0))
            else:
                self._take_unasked(line, deadline_s)
        raise ModemSilent(f"{name}: no answer within {within_s:g} s")

    def prompt(self, text: str, within_s: float) -> None:
        """Send a command that is answered by a prompt. Raises as `command`."""
        self._sent = text
        self.write(text.encode("ascii") + b"\r")
        deadline_s = self._now_s() + within_s
        while (line := self.next_line(deadline_s, prompt=True)) is not None:
            if line == ">":
                return
            if (error := _ERROR.match(line)) is not None:
                raise ModemRefused(text, error[1] or "", int(error[2] or 0))
            self._take_unasked(line, deadline_s)
        raise ModemSilent(f"{text}: no prompt within {within_s:g} s")

    def listen(self, within_s: float) -> list[str]:
        """Take what comes unasked for so long; lines that may be answers to nobody are handed back."""
        deadline_s, strays = self._now_s() + within_s, list[str]()
        while (line := self.next_line(deadline_s)) is not None:
            if line == "OK":
                strays.append(line)
            else:
                self._take_unasked(line, deadline_s)
        return strays

    def next_line(self, deadline_s: float, *, prompt: bool = False) -> str | None:
        """The next line that is neither empty nor an echo; None when the time is over."""
        while True:
            line = self._line_in_buffer(prompt=prompt)
            if line is not None:
                if line and line != self._sent:
                    return line
                continue
            left_s = deadline_s - self._now_s()
            if left_s <= 0:
                return None
            self._buffer = (self._buffer + self._port.read(left_s))[-LINE_BYTES_MAX:]

    def expect_echo(self, text: str) -> None:
        """A line like this is an echo of what was written."""
        self._sent = text

    def _line_in_buffer(self, *, prompt: bool) -> str | None:
        begin = self._buffer.lstrip(b"\r\n\0 ")
        if begin.startswith(b">"):
            # A prompt ends without a line end; outside `prompt` it is noise before an echo.
            self._buffer = begin[1:].lstrip(b" ")
            return ">" if prompt else ""
        ends = [at for at in (self._buffer.find(b"\r"), self._buffer.find(b"\n")) if at >= 0]
        if not ends:
            return None
        end = min(ends)
        line, self._buffer = self._buffer[:end], self._buffer[end + 1 :]
        return line.decode("latin-1").strip("\0 ")

    def _take_unasked(self, line: str, deadline_s: float) -> None:
        late = _LATE_NUMBER.match(line)
        if late is not None:
            self.late_number = int(late[1])
        elif line.startswith(("+CDS:", "+CMT:")):
            self.unasked.append((line, self.next_line(max(deadline_s, self._now_s() + 1)) or ""))
        else:
            self.unasked.append((line, ""))
