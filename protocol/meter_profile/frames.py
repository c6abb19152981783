"""Questions for a meter as bytes on a serial line (Modbus RTU): the eight standard reads and writes, and makers' own.

What a clean answer is, and when bytes may be sent, is the bus's business.
"""

from __future__ import annotations

from dataclasses import dataclass

READ_BIT_FUNCTIONS = (1, 2)
READ_REGISTER_FUNCTIONS = (3, 4)
WRITE_COIL_FUNCTIONS = (5, 15)
WRITE_REGISTER_FUNCTIONS = (6, 16)
SINGLE_WRITE_FUNCTIONS = (5, 6)

READ_FRAME_EXTRA = 5
"""Unit, function, byte count and two of CRC around the data of a read's answer."""
WRITE_REPLY_LENGTH = 8
"""Unit, function, address, count or value, CRC: the answer to each of the four writes."""
EXCEPTION_REPLY_LENGTH = 5
VENDOR_FRAME_EXTRA = 4
"""Unit, function and two of CRC around what a maker's own function sends and answers."""
CRC_LENGTH = 2
COIL_ON = 0xFF00
"""What function 5 writes for on (MODBUS Application Protocol V1.1b3, 6.5); 0 is off."""
MOST_BITS_READ = 2_000
MOST_REGISTERS_READ = 125
"""In one read (same place, 6.1 to 6.4)."""
_CRC_POLYNOMIAL = 0xA001
"""Reflected (MODBUS over Serial Line V1.02, 6.2.2)."""


def _crc_step(byte: int) -> int:
    crc = byte
    for _ in range(8):
        crc = crc >> 1 ^ (_CRC_POLYNOMIAL if crc & 1 else 0)
    return crc


_CRC_TABLE = tuple(_crc_step(byte) for byte in range(256))


@dataclass(frozen=True, slots=True)
class Request:
    """One question.

    Attributes:
        count: registers or bits, read or written.
        frame: the RTU frame with its CRC.
        reply_length: bytes of a clean RTU reply; an exception reply has 5.
        answer: what must come back after unit and function, where a maker's own function says; else None.
    """

    unit: int
    function: int
    address: int
    count: int
    frame: bytes
    reply_length: int
    answer: bytes | None = None

    @property
    def is_read(self) -> bool:
        """Whether the answer carries data rather than an echo of address and count."""
        return self.function in READ_BIT_FUNCTIONS or self.function in READ_REGISTER_FUNCTIONS

    @property
    def data_length(self) -> int:
        """Bytes of data that the answer to a read must announce."""
        return self.reply_length - READ_FRAME_EXTRA

    @property
    def write_echo(self) -> bytes:
        """What the answer to a write repeats: address, then count or value; or what the maker's function answers."""
        return self.frame[2:6] if self.answer is None else self.answer


def crc_of(data: bytes) -> bytes:
    """The two bytes that end a frame of this content, low one first."""
    crc = 0xFFFF
    for byte in data:
        crc = crc >> 8 ^ _CRC_TABLE[(crc ^ byte) & 0xFF]
    return crc.to_bytes(2, "little")


def rtu_frame(unit: int, pdu: bytes) -> bytes:
    """A PDU as the frame that it is on a serial line."""
    content = bytes((unit,)) + pdu
    return content + crc_of(content)


def read_request(unit: int, function: int, address: int, count: int) -> Request:
    """A read of registers (3, 4) or bits (1, 2). Raises ValueError beyond what the protocol allows."""
    bits = function in READ_BIT_FUNCTIONS
    if not bits and function not in READ_REGISTER_FUNCTIONS:
        raise ValueError(f"function {function} reads nothing; right would be 1, 2, 3 or 4")
    most = MOST_BITS_READ if bits else MOST_REGISTERS_READ
    if not 1 <= count <= most:
        raise ValueError(f"one read has 1 to {most}, not {count}")
    data_length = (count + 7) // 8 if bits else 2 * count
    frame = rtu_frame(unit, bytes((function,)) + _words(address, count))
    return Request(unit, function, address, count, frame, READ_FRAME_EXTRA + data_length)


def write_request(unit: int, function: int, address: int, values: tuple[int, ...]) -> Request:
    """A write of one or more registers (6, 16) or coils (5, 15; any value but 0 is on)."""
    if function in SINGLE_WRITE_FUNCTIONS and len(values) != 1:
        raise ValueError(f"function {function} writes one value, not {len(values)}")
    frame = rtu_frame(unit, bytes((function,)) + _words(address) + _written(function, values))
    return Request(unit, function, address, len(values), frame, WRITE_REPLY_LENGTH)


def vendor_request(unit: int, function: int, send: bytes, answer: bytes) -> Request:
    """A function of the maker's own: any but the standard's reads and writes."""
    frame = rtu_frame(unit, bytes((function,)) + send)
    return Request(unit, function, 0, 0, frame, VENDOR_FRAME_EXTRA + len(answer), answer)


def _written(function: int, values: tuple[int, ...]) -> bytes:
    """What follows the address: the value, or count, bytes and values."""
    if function == 5:
        return _words(COIL_ON if values[0] else 0)
    if function == 6:
        return _words(values[0])
    if function == 15:
        bits = sum(1 << place for place, value in enumerate(values) if value)
        data = bits.to_bytes((len(values) + 7) // 8, "little")
    elif function == 16:
        data = _words(*values)
    else:
        raise ValueError(f"function {function} writes nothing; right would be 5, 6, 15 or 16")
    return _words(len(values)) + bytes((len(data),)) + data


def _words(*words: int) -> bytes:
    return b"".join(word.to_bytes(2, "big") for word in words)
