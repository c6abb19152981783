"""Answers of a meter as words, and questions for Modbus TCP; home of pymodbus's PDUs.

Questions are made in `protocol/meter_profile/frames`; what a clean answer is, is decided in `verdict`; when bytes
may be sent is decided in `line`.
"""

from __future__ import annotations

from pymodbus.framer import FramerRTU, FramerSocket
from pymodbus.pdu import DecodePDU

from protocol.meter_profile.frames import CRC_LENGTH, READ_BIT_FUNCTIONS, Request

_FRAMER = FramerRTU(DecodePDU(False))
_SOCKET_FRAMER = FramerSocket(DecodePDU(False))


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
