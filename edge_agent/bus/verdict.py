"""What bytes on a line mean as the answer to one question: clean, or which fault. Pure; no time, no port.

RTU has no transaction number, so everything that a frame does say is compared with the question: unit, function,
byte count, in writes the echo of address and count, and the CRC. (MODBUS over Serial Line V1.02, 2.5.1 and 2.6.2.)
"""

from __future__ import annotations

from dataclasses import dataclass

from edge_agent.bus.requests import crc_is_right, read_words
from edge_agent.core.measured import FaultKind
from protocol.meter_profile.frames import EXCEPTION_REPLY_LENGTH, Request

EXCEPTION_FLAG = 0x80
EXCEPTION_WORDS = {
    1: "illegal function",
    2: "illegal data address",
    3: "illegal data value",
    4: "device failure",
    5: "acknowledged, still working",
    6: "device busy",
    8: "memory parity error",
    10: "gateway path unavailable",
    11: "gateway target does not answer",
}
"""MODBUS Application Protocol V1.1b3, section 7."""


@dataclass(frozen=True, slots=True)
class Reply:
    """A clean answer: registers, or bits as 0 and 1; none for a write. `at_mono_ms` is when its last byte was in."""

    request: Request
    words: tuple[int, ...]
    at_mono_ms: int


@dataclass(frozen=True, slots=True)
class LineFault:
    """Why there is no clean answer. `detail` is for people; `heard` are the bytes; `code` that of an exception."""

    kind: FaultKind
    detail: str
    heard: bytes = b""
    code: int = 0


def wanted_length(request: Request, heard: bytes | bytearray) -> int | None:
    """How long the frame that began with these bytes will be, as far as one can tell yet.

    None when it cannot be an answer to this question: then only silence tells where it ends.
    """
    if len(heard) < EXCEPTION_REPLY_LENGTH:
        return EXCEPTION_REPLY_LENGTH
    if begins_as_echo(request, heard) and request.is_read:
        return len(request.frame)
    if heard[0] != request.unit:
        return None
    if heard[1] == request.function | EXCEPTION_FLAG:
        return EXCEPTION_REPLY_LENGTH
    if heard[1] != request.function:
        return None
    if not request.is_read:
        return _wanted_of_write(request, heard)
    return request.reply_length if heard[2] == request.data_length else None


def _wanted_of_write(request: Request, heard: bytes | bytearray) -> int:
    """The answer to 15 and 16 begins as the question does; where the CRC does not end it, it is an echo."""
    complete = len(heard) >= request.reply_length
    if complete and begins_as_echo(request, heard) and not crc_is_right(bytes(heard[: request.reply_length])):
        return len(request.frame)
    return request.reply_length


def begins_as_echo(request: Request, heard: bytes | bytearray) -> bool:
    """Whether what was heard could be our own question coming back, or its beginning."""
    length = min(len(heard), len(request.frame))
    return length > 0 and heard[:length] == request.frame[:length]


def is_echo(request: Request, heard: bytes | bytearray) -> bool:
    """Whether our own question stands at the beginning and cannot be the answer to itself (as in 5 and 6)."""
    own = request.frame
    return heard[: len(own)] == own and (request.is_read or len(own) != request.reply_length)


def judge(request: Request, frame: bytes, at_mono_ms: int) -> Reply | LineFault:
    """Whether this frame, ended by its length or by silence, answers the question."""
    if not frame:
        return LineFault(FaultKind.TIMEOUT, "no answer")
    if crc_is_right(frame):
        return _judge_sound(request, frame, at_mono_ms)
    return _judge_broken(request, frame)


def _judge_sound(request: Request, frame: bytes, at_mono_ms: int) -> Reply | LineFault:
    """A frame whose CRC is right."""
    unit, function = frame[0], frame[1]
    if unit != request.unit:
        return _fault(FaultKind.WRONG_UNIT, f"unit {unit} answered, {request.unit} was asked", frame)
    if function == request.function | EXCEPTION_FLAG and len(frame) == EXCEPTION_REPLY_LENGTH:
        words = EXCEPTION_WORDS.get(frame[2], "unknown to the standard")
        return LineFault(FaultKind.EXCEPTION, f"exception {frame[2]} ({words})", frame, frame[2])
    if function != request.function:
        return _fault(FaultKind.WRONG_FUNCTION, f"function {function} answered, {request.function} was asked", frame)
    if is_echo(request, frame):
        return _fault(FaultKind.ECHO, "our own request came back", frame)
    if len(frame) > request.reply_length and _header_fits(request, frame):  # zeros behind a CRC leave it right
        return _fault(FaultKind.LONG, f"{len(frame)} bytes where {request.reply_length} were due", frame)
    if request.is_read and (frame[2] != request.data_length or len(frame) != request.reply_length):
        detail = f"{frame[2]} bytes of data in a frame of {len(frame)}, {request.data_length} in {request.reply_length}"
        return _fault(FaultKind.WRONG_COUNT, f"{detail} were due", frame)
    if not request.is_read and frame[2:-2] != request.write_echo:
        detail = f"the write was confirmed as {frame[2:-2].hex(' ')}, {request.write_echo.hex(' ')} was due"
        return _fault(FaultKind.WRONG_COUNT, detail, frame)
    return Reply(request, read_words(request, frame), at_mono_ms)


def _judge_broken(request: Request, frame: bytes) -> LineFault:
    """A frame whose CRC is wrong: cut off, with something at its end, or damaged within."""
    if is_echo(request, frame):
        return _fault(FaultKind.ECHO, "our own request came back, and more", frame)
    if len(frame) < request.reply_length and _header_fits(request, frame):
        return _fault(FaultKind.SHORT, f"{len(frame)} bytes of {request.reply_length}, then silence", frame)
    if len(frame) > request.reply_length and _header_fits(request, frame):
        return _fault(FaultKind.LONG, f"{len(frame)} bytes where {request.reply_length} were due", frame)
    return _fault(FaultKind.CRC, f"damaged frame of {len(frame)} bytes", frame)


def _header_fits(request: Request, frame: bytes) -> bool:
    """Whether as much of the header as is there is that of a clean answer."""
    header = bytes((request.unit, request.function))
    header += bytes((request.data_length,)) if request.is_read else request.write_echo
    return frame[: len(header)] == header[: len(frame)]


def _fault(kind: FaultKind, detail: str, frame: bytes) -> LineFault:
    return LineFault(kind, detail, frame)
