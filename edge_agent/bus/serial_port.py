"""One serial port, opened for us alone: bytes out, bytes in, and the time that a character takes.

Home of pyserial, which sets the port up; no word of Modbus here.
"""

from __future__ import annotations

import errno
import os
import select
import termios
from dataclasses import dataclass

import serial

from edge_agent.bus.port_holder import holders

START_BITS = 1
DATA_BITS = 8

SILENCE_CHARACTERS_TENTHS = 35
"""Between two frames: 3.5 characters (MODBUS over Serial Line V1.02, 2.5.1.1)."""
FAST_BAUD = 19_200
FAST_SILENCE_US = 1_750
"""Above 19200 baud the silence is fixed at 1.75 ms (same place)."""

READ_AT_MOST = 1_024
"""Bytes: four times the longest frame."""
WRITE_TIMEOUT_S = 2.0
"""The longest frame takes 2.3 s at 1200 baud, but a driver takes its bytes at once; a port that does not is gone."""

_BUSY_ERRORS = (errno.EAGAIN, errno.EBUSY)


class LineDown(Exception):
    """The world's fault: the adapter or gateway is not there, or is held by another program. Try again later."""


@dataclass(frozen=True, slots=True)
class SerialSettings:
    """A port and how it talks.

    Attributes:
        port: a name that stays with the adapter or its socket: `/dev/serial/by-id/...` or `/dev/serial/by-path/...`.
        parity: "N", "E" or "O"; stop_bits: 1 or 2.
        local_echo: the adapter hears what it sends.
        silence_ms: between frames, where more than 3.5 characters are wanted; 0 means 3.5 characters.
        late_window_ms: how long a question that had no clean answer is taken to be open.
    """

    port: str
    baud: int = 9_600
    parity: str = "N"
    stop_bits: int = 1
    local_echo: bool = False
    silence_ms: int = 0
    late_window_ms: int = 2_000

    @property
    def bits_per_character(self) -> int:
        """Start, data, parity and stop bits."""
        return START_BITS + DATA_BITS + (self.parity != "N") + self.stop_bits

    def characters_us(self, count: int) -> int:
        """Time on the line of so many characters, rounded up."""
        return -(-count * self.bits_per_character * 1_000_000 // self.baud)

    @property
    def silence_us(self) -> int:
        """Silence before a frame."""
        if self.silence_ms:
            standard = 0
        elif self.baud > FAST_BAUD:
            standard = FAST_SILENCE_US
        else:
            standard = -(-self.characters_us(SILENCE_CHARACTERS_TENTHS) // 10)
        return max(standard, self.silence_ms * 1_000)


class SerialPort:
    """An open port. Every failure of the world is LineDown, after which the port is closed."""

    def __init__(self, settings: SerialSettings) -> None:
        """Open it. Raises LineDown with words for a technician."""
        try:
            self._port = serial.Serial(
                port=settings.port,
                baudrate=settings.baud,
                bytesize=DATA_BITS,
                parity=settings.parity,
                stopbits=settings.stop_bits,
                timeout=0,
                write_timeout=WRITE_TIMEOUT_S,
                exclusive=True,
            )
        except (OSError, ValueError) as error:
            raise LineDown(_why_not_opened(settings.port, error)) from error
        self._fd: int = self._port.fileno()

    def close(self) -> None:
        """Let go of the port; harmless when it is gone."""
        self._port.close()

    def write(self, frame: bytes) -> None:
        """Hand a frame to the driver."""
        try:
            self._port.write(frame)
        except OSError as error:
            self.close()
            raise LineDown(f"{self._port.port}: cannot be written: {error}") from error

    def read(self, wait_us: int, at_most: int = READ_AT_MOST) -> bytes:
        """What has come in, waiting at most so long for the first byte; nothing when nothing came."""
        try:
            ready, _, _ = select.select((self._fd,), (), (), max(0, wait_us) / 1_000_000)
            if not ready:
                return b""
            chunk = os.read(self._fd, at_most)
        except (OSError, ValueError) as error:
            self.close()
            raise LineDown(f"{self._port.port}: cannot be read: {error}") from error
        if not chunk:  # ready, yet nothing there: how a vanished adapter looks on Linux
            self.close()
            raise LineDown(f"{self._port.port}: the adapter is gone")
        return chunk


def _why_not_opened(port: str, error: OSError | ValueError) -> str:
    number = getattr(error, "errno", None)
    if number == errno.ENOENT:
        return f"{port}: there is no such port; is the adapter plugged in?"
    if number == errno.EACCES:
        return f"{port}: not allowed; the agent's user must be in the group that owns the port (dialout)"
    if number in _BUSY_ERRORS:
        found = ", ".join(str(holder) for holder in holders(port))
        return f"{port}: held by {found or 'another program'}"
    if number == errno.EISDIR or isinstance(error.__context__, termios.error):
        return f"{port}: it is no serial port"
    return f"{port}: {error}"
