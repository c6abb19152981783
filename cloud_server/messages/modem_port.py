"""Where a modem is, how long its steps may take, and its serial port as bytes. Home of pyserial at the centre."""

import logging
import termios
from dataclasses import dataclass
from pathlib import Path

import serial

from cloud_server.messages.at_line import LineGone

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class Patience:
    """How long each step may take, in seconds."""

    command_s: float = 5.0
    pin_s: float = 20.0
    """A SIM checks its PIN and reads its files."""
    prompt_s: float = 5.0
    sending_s: float = 90.0
    """27.005 leaves it open; networks take seconds, and a minute on a bad day."""
    probe_s: float = 0.4
    """How long a modem takes to say that it left its prompt."""
    tries: int = 3
    """Questions until a modem counts as silent: the first ones teach it the baud rate."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ModemSettings:
    """Where the modem is and what it needs. `refused_pin` is a file that remembers a PIN that the SIM refused: three
    tries lock it, so the same PIN is never tried twice."""

    port: str
    baud: int = 115_200
    pin: str = ""
    smsc: str = ""
    refused_pin: Path | None = None
    patience: Patience = Patience()


class SerialPort:
    """A serial port as bytes."""

    def __init__(self, name: str, baud: int) -> None:
        """Raises LineGone."""
        try:
            self._serial = serial.Serial(name, baud, timeout=0, write_timeout=5, exclusive=True)
        except (OSError, ValueError, termios.error) as fault:
            raise LineGone(f"{name}: {fault}") from None

    def read(self, within_s: float) -> bytes:
        """What has come, waiting at most so long for the first byte."""
        try:
            self._serial.timeout = within_s
            first = self._serial.read(1)
            return first + self._serial.read(self._serial.in_waiting) if first else b""
        except (OSError, TypeError, termios.error) as fault:
            raise LineGone(str(fault)) from None

    def write(self, data: bytes) -> None:
        """All of it."""
        try:
            self._serial.write(data)
            self._serial.flush()
        except (OSError, TypeError, termios.error) as fault:
            raise LineGone(str(fault)) from None

    def close(self) -> None:
        """A port that is gone is closed too."""
        try:
            self._serial.close()
        except (OSError, termios.error) as fault:
            log.info("modem_port_gone_at_close", extra={"fault": str(fault)})
