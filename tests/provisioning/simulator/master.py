"""A Modbus master of the tests' own: raw frames on a raw terminal, its own CRC, nothing shared with the simulator."""

import os
import select
import struct
import termios
import time
import tty
from pathlib import Path
from types import TracebackType
from typing import Self

SPEEDS = {1200: termios.B1200, 9600: termios.B9600, 19200: termios.B19200, 115200: termios.B115200}


def crc(data: bytes) -> bytes:
    """CRC-16/MODBUS, bit by bit, low byte first."""
    value = 0xFFFF
    for byte in data:
        value ^= byte
        for _ in range(8):
            value = (value >> 1) ^ (0xA001 if value & 1 else 0)
    return struct.pack("<H", value)


def framed(data: bytes) -> bytes:
    """`data` with its CRC."""
    return data + crc(data)


def read_frame(unit: int, address: int, count: int) -> bytes:
    """A function 3 request."""
    return framed(struct.pack(">BBHH", unit, 3, address, count))


def write_frame(unit: int, address: int, *words: int) -> bytes:
    """A function 16 request."""
    return framed(struct.pack(f">BBHHB{len(words)}H", unit, 16, address, len(words), 2 * len(words), *words))


class Refused(Exception):
    """The meter answered with an exception code."""

    def __init__(self, code: int) -> None:
        super().__init__(f"exception {code}")
        self.code = code


class Master:
    """Opens a terminal and asks. It keeps a generous silence unless told otherwise."""

    def __init__(self, path: Path, baud: int = 9600) -> None:
        self.character_s = 10 / baud
        self._fd = os.open(path, os.O_RDWR | os.O_NOCTTY)
        tty.setraw(self._fd)
        settings = termios.tcgetattr(self._fd)
        settings[4] = settings[5] = SPEEDS[baud]
        termios.tcsetattr(self._fd, termios.TCSANOW, settings)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        os.close(self._fd)

    def keep_silence(self) -> None:
        """Wait four characters."""
        time.sleep(4 * self.character_s)

    def send(self, frame: bytes) -> None:
        """Put bytes on the line, at once."""
        os.write(self._fd, frame)

    def receive(self, length: int, timeout_s: float = 1.0) -> bytes:
        """Up to `length` bytes, fewer where no more come within the timeout."""
        got = b""
        ends = time.monotonic() + timeout_s
        while len(got) < length and (left := ends - time.monotonic()) > 0:
            if select.select([self._fd], [], [], left)[0]:
                got += os.read(self._fd, length - len(got))
        return got

    def ask(self, frame: bytes, length: int, timeout_s: float = 1.0) -> bytes:
        """Keep the silence, send, receive."""
        self.keep_silence()
        self.send(frame)
        return self.receive(length, timeout_s)

    def read(self, unit: int, address: int, count: int) -> tuple[int, ...]:
        """Registers; raises Refused, or TimeoutError for anything that is no whole answer."""
        reply = self._whole(read_frame(unit, address, count), 5 + 2 * count)
        if reply[:3] != bytes((unit, 3, 2 * count)):
            raise TimeoutError(f"another answer: {reply.hex()}")
        return struct.unpack(f">{count}H", reply[3:-2])

    def write(self, unit: int, address: int, *words: int) -> None:
        """Write registers with function 16; raises Refused or TimeoutError."""
        frame = write_frame(unit, address, *words)
        if self._whole(frame, 8) != framed(frame[:6]):
            raise TimeoutError("another answer")

    def _whole(self, frame: bytes, length: int) -> bytes:
        self.keep_silence()
        self.send(frame)
        reply = self.receive(5)
        if len(reply) == 5 and reply[1] & 0x80 and reply == framed(reply[:3]):
            raise Refused(reply[2])
        reply += self.receive(length - len(reply))
        if len(reply) != length or reply != framed(reply[:-2]):
            raise TimeoutError(f"no whole answer: {reply.hex()}")
        return reply

    def read32(self, unit: int, address: int) -> int:
        """An unsigned number of two registers, high word first."""
        high, low = self.read(unit, address, 2)
        return high << 16 | low
