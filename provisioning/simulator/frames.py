"""Modbus RTU frames as a slave sees them: CRC, requests in, replies out (Modbus over Serial Line V1.02).

Bytes in, values out. No time, no line, no registers.
"""

import struct
from dataclasses import dataclass
from enum import IntEnum

BROADCAST_UNIT = 0
# Unit, function and CRC: less than this cannot be a frame (Serial Line V1.02, 2.5.1).
MINIMUM_FRAME_BYTES = 4
# Modbus Application Protocol V1.1b3, 6.3 and 6.12: what fits the 253 bytes of a PDU.
MAXIMUM_REGISTERS_READ = 125
MAXIMUM_REGISTERS_WRITTEN = 123

READ_HOLDING = 0x03
WRITE_SINGLE = 0x06
WRITE_MULTIPLE = 0x10
EXCEPTION_FLAG = 0x80


class ExceptionCode(IntEnum):
    """Why a meter refuses (Application Protocol V1.1b3, 7)."""

    ILLEGAL_FUNCTION = 1
    ILLEGAL_ADDRESS = 2
    ILLEGAL_VALUE = 3
    DEVICE_FAILURE = 4


class Refusal(Exception):
    """The meter refuses a request with an exception code."""

    def __init__(self, code: ExceptionCode, reason: str) -> None:
        super().__init__(reason)
        self.code = code


@dataclass(frozen=True, slots=True)
class Request:
    """A frame with a good CRC: the unit asked, the function, and the bytes between function and CRC."""

    unit: int
    function: int
    body: bytes


@dataclass(frozen=True, slots=True)
class ReadRegisters:
    """Function 3: `count` registers from `address`."""

    address: int
    count: int


@dataclass(frozen=True, slots=True)
class WriteRegisters:
    """Functions 6 and 16: `words` into the registers from `address`."""

    address: int
    words: tuple[int, ...]


def _crc_table() -> tuple[int, ...]:
    table = []
    for byte in range(256):
        crc = byte
        for _ in range(8):
            crc = (crc >> 1) ^ 0xA001 if crc & 1 else crc >> 1
        table.append(crc)
    return tuple(table)


_CRC_TABLE = _crc_table()


def crc16(data: bytes) -> int:
    """CRC-16/MODBUS of `data` (Serial Line V1.02, 6.2.2)."""
    crc = 0xFFFF
    for byte in data:
        crc = (crc >> 8) ^ _CRC_TABLE[(crc ^ byte) & 0xFF]
    return crc


def with_crc(data: bytes) -> bytes:
    """`data` and its CRC, low byte first as it goes on the line."""
    return data + struct.pack("<H", crc16(data))


def is_whole_frame(frame: bytes) -> bool:
    """Whether `frame` is long enough and its CRC is right."""
    return len(frame) >= MINIMUM_FRAME_BYTES and crc16(frame[:-2]) == struct.unpack("<H", frame[-2:])[0]


def parse_request(frame: bytes) -> Request | None:
    """The request in `frame`, or None where the CRC or the length is wrong (a meter is then silent)."""
    if not is_whole_frame(bytes(frame)):
        return None
    return Request(unit=frame[0], function=frame[1], body=bytes(frame[2:-2]))


def read_request(body: bytes) -> ReadRegisters:
    """What a function 3 body asks for; raises Refusal 3 for a wrong length or count."""
    if len(body) != 4:
        raise Refusal(ExceptionCode.ILLEGAL_VALUE, f"a read has 4 bytes of address and count, not {len(body)}")
    address, count = struct.unpack(">HH", body)
    if not 1 <= count <= MAXIMUM_REGISTERS_READ:
        raise Refusal(ExceptionCode.ILLEGAL_VALUE, f"{count} registers asked, 1..{MAXIMUM_REGISTERS_READ} possible")
    return ReadRegisters(address, count)


def write_multiple_request(body: bytes) -> WriteRegisters:
    """What a function 16 body writes; raises Refusal 3 for a wrong length or count."""
    if len(body) < 5:
        raise Refusal(ExceptionCode.ILLEGAL_VALUE, f"a write of {len(body)} bytes has no registers")
    address, count, byte_count = struct.unpack(">HHB", body[:5])
    if not 1 <= count <= MAXIMUM_REGISTERS_WRITTEN or byte_count != 2 * count or len(body) != 5 + byte_count:
        raise Refusal(ExceptionCode.ILLEGAL_VALUE, f"{count} registers, {byte_count} bytes told, {len(body) - 5} came")
    return WriteRegisters(address, struct.unpack(f">{count}H", body[5:]))


def write_single_request(body: bytes) -> WriteRegisters:
    """What a function 6 body writes; raises Refusal 3 for a wrong length."""
    if len(body) != 4:
        raise Refusal(ExceptionCode.ILLEGAL_VALUE, f"a single write has 4 bytes, not {len(body)}")
    address, word = struct.unpack(">HH", body)
    return WriteRegisters(address, (word,))


def read_reply(request: Request, words: tuple[int, ...]) -> bytes:
    """The frame that answers a read with `words`."""
    return with_crc(struct.pack(f">BBB{len(words)}H", request.unit, request.function, 2 * len(words), *words))


def write_reply(request: Request) -> bytes:
    """The frame that confirms a write: address and count (16), or address and value (6), as they came."""
    return with_crc(bytes((request.unit, request.function)) + request.body[:4])


def exception_reply(request: Request, code: int) -> bytes:
    """The frame that refuses `request` with `code`."""
    return with_crc(bytes((request.unit, request.function | EXCEPTION_FLAG, code)))
