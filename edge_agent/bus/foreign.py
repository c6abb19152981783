"""Whether somebody else asks questions on our line: requests of another master within what was heard. Pure.

A line has one master. An old box that came back to life, or a laptop that somebody left clamped on, asks the same
meters; its questions look like ours, but we did not send them. What answers to such a question is nobody's answer here.
"""

from __future__ import annotations

from dataclasses import dataclass

from edge_agent.bus.requests import crc_is_right
from edge_agent.bus.verdict import EXCEPTION_FLAG
from protocol.meter_profile.frames import (
    EXCEPTION_REPLY_LENGTH,
    READ_BIT_FUNCTIONS,
    READ_FRAME_EXTRA,
    READ_REGISTER_FUNCTIONS,
)

QUESTION_LENGTH = 8
"""Unit, function, address, count, CRC: each of the four reads (MODBUS Application Protocol V1.1b3, 6.1 to 6.4)."""
WRITE_MANY = (15, 16)
WRITE_MANY_EXTRA = 9
"""Unit, function, address, count, byte count, CRC around the values (same place, 6.11 and 6.12)."""
BYTES_AT = 6
MOST_REGISTERS = 125
MOST_BITS = 2_000
GREATEST_UNIT = 247


@dataclass(frozen=True, slots=True)
class ForeignQuestions:
    """What another master asked. `open_at_end`: nothing came after the last one, so its answer may be on its way."""

    frames: tuple[bytes, ...] = ()
    open_at_end: bool = False


def foreign_questions(heard: bytes, own: bytes = b"") -> ForeignQuestions:
    """Whole questions in what was heard beside our answers; `own` is one of ours that may still echo.

    Answers are stepped over whole, so that nothing within their data is taken for a question. Single writes (5, 6)
    are answered by themselves, and do not tell who wrote: another master is known by its reads and its longer writes.
    """
    found: list[bytes] = []
    at = ends_at = 0
    while at < len(heard):
        question = _question(heard[at:])
        length = len(question) or _answer_length(heard[at:])
        if question and question != own:
            found.append(question)
            ends_at = at + length
        at += length or 1
    return ForeignQuestions(tuple(found), bool(found) and ends_at == len(heard))


def _question(heard: bytes) -> bytes:
    """The question with which these bytes begin; nothing where they do not."""
    if len(heard) < QUESTION_LENGTH or not 1 <= heard[0] <= GREATEST_UNIT:
        return b""
    function = heard[1]
    if function in WRITE_MANY:
        return _whole(heard, WRITE_MANY_EXTRA + heard[BYTES_AT])
    if function in READ_REGISTER_FUNCTIONS:
        most = MOST_REGISTERS
    elif function in READ_BIT_FUNCTIONS:
        most = MOST_BITS
    else:
        return b""
    frame = _whole(heard, QUESTION_LENGTH)
    return frame if 1 <= int.from_bytes(frame[4:6], "big") <= most else b""


def _answer_length(heard: bytes) -> int:
    """Bytes of the answer with which these begin; 0 where they do not."""
    if len(heard) < EXCEPTION_REPLY_LENGTH:
        return 0
    if heard[1] & EXCEPTION_FLAG:
        return len(_whole(heard, EXCEPTION_REPLY_LENGTH))
    if heard[1] in READ_REGISTER_FUNCTIONS + READ_BIT_FUNCTIONS:
        return len(_whole(heard, READ_FRAME_EXTRA + heard[2]))
    return len(_whole(heard, QUESTION_LENGTH))


def _whole(heard: bytes, length: int) -> bytes:
    frame = heard[:length]
    return frame if len(frame) == length and crc_is_right(frame) else b""
