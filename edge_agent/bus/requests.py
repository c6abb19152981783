"""Questions for a meter as bytes, and clean answers as words; home of pymodbus's PDUs.

What a clean answer is, is decided in `verdict`; when bytes may be sent is decided in `line`.
"""

from __future__ import annotations

from dataclasses import dataclass

from pymodbus.framer import FramerRTU, FramerSocket
from pymodbus.pdu import DecodePDU, ModbusPDU
from pymodbus.pdu.bit_message import (
    ReadCoilsRequest,
    ReadDiscreteInputsRequest,
    WriteMultipleCoilsRequest,
    WriteSingleCoilRequest,
)
from pymodbus.pdu.register_message import (
    ReadHoldingRegistersRequest,
    ReadInputRegistersRequest,
    WriteMultipleRegistersRequest,
    WriteSingleRegisterRequest,
)

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

_FRAMER = FramerRTU(DecodePDU(False))
_SOCKET_FRAMER = FramerSocket(DecodePDU(False))


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


def read_request(unit: int, function: int, address: int, count: int) -> Request:
    """A read of registers (3, 4) or bits (1, 2). Raises ValueError beyond what the protocol allows."""
    kinds = {
        1: ReadCoilsRequest,
        2: ReadDiscreteInputsRequest,
        3: ReadHoldingRegistersRequest,
        4: ReadInputRegistersRequest,
    }
    if function not in kinds:
        raise ValueError(f"function {function} reads nothing; right would be 1, 2, 3 or 4")
    data_length = (count + 7) // 8 if function in READ_BIT_FUNCTIONS else 2 * count
    pdu = kinds[function](address=address, count=count, dev_id=unit)
    return Request(unit, function, address, count, _FRAMER.buildFrame(pdu), READ_FRAME_EXTRA + data_length)


def write_request(unit: int, function: int, address: int, values: tuple[int, ...]) -> Request:
    """A write of one or more registers (6, 16) or coils (5, 15; any value but 0 is on)."""
    if function in SINGLE_WRITE_FUNCTIONS and len(values) != 1:
        raise ValueError(f"function {function} writes one value, not {len(values)}")
    pdu = _write_pdu(unit, function, address, values)
    return Request(unit, function, address, len(values), _FRAMER.buildFrame(pdu), WRITE_REPLY_LENGTH)


def vendor_request(unit: int, function: int, send: bytes, answer: bytes) -> Request:
    """A function of the maker's own: any but the standard's reads and writes."""
    frame = rtu_frame(unit, bytes((function,)) + send)
    return Request(unit, function, 0, 0, frame, VENDOR_FRAME_EXTRA + len(answer), answer)


def _write_pdu(unit: int, function: int, address: int, values: tuple[int, ...]) -> ModbusPDU:
    registers = list(values)
    bits = [value != 0 for value in values]
    if function == 5:
        return WriteSingleCoilRequest(dev_id=unit, address=address, bits=bits)
    if function == 6:
        return WriteSingleRegisterRequest(dev_id=unit, address=address, registers=registers)
    if function == 15:
        return WriteMultipleCoilsRequest(dev_id=unit, address=address, bits=bits)
    if function == 16:
        return WriteMultipleRegistersRequest(dev_id=unit, address=address, registers=registers)
    raise ValueError(f"function {function} writes nothing; right would be 5, 6, 15 or 16")


def rtu_frame(unit: int, pdu: bytes) -> bytes:
    """A PDU that came without a CRC as the frame that it would be on a serial line."""
    return _FRAMER.encode(pdu, unit, 0)


def mbap_frame(request: Request, transaction: int) -> bytes:
    """The question for Modbus TCP, which has transaction numbers instead of a CRC."""
    return _SOCKET_FRAMER.encode(request.frame[1:-CRC_LENGTH], request.unit, transaction)


def read_words(request: Request, frame: bytes) -> tuple[int, ...]:
    """The words (bits: 0 or 1) in a frame that `verdict` found clean; none for a write."""
    if not request.is_read:
        return ()
    pdu = _FRAMER.decoder.decode(frame[1:-CRC_LENGTH])
    assert pdu is not None  # function and lengths were checked before
    if request.function in READ_BIT_FUNCTIONS:
        return tuple(int(bit) for bit in pdu.bits[: request.count])
    return tuple(pdu.registers)


def crc_is_right(frame: bytes) -> bool:
    """Whether the last two bytes are the CRC of the others."""
    if len(frame) <= CRC_LENGTH:
        return False
    return bool(FramerRTU.compute_CRC(frame[:-CRC_LENGTH]) == int.from_bytes(frame[-CRC_LENGTH:], "big"))
