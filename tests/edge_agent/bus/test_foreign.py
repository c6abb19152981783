"""Another master on the line: its questions are known for what they are, and what answers them is nobody's here."""

from __future__ import annotations

import random
import time
from collections.abc import Sequence
from threading import Timer

import pytest

from edge_agent.bus.foreign import foreign_questions
from edge_agent.bus.verdict import LineFault, Reply
from protocol.meter_profile.frames import read_request, rtu_frame, write_request
from tests.edge_agent.bus.line_to_peer import ASKED, PACE, TURNAROUND_S, WORDS, answer, clean, line_to, silent
from tests.edge_agent.bus.scripted_peer import Part, read_reply

THEIRS = read_request(9, 3, 0x0000, 4).frame
SAME_UNIT = read_request(5, 3, 0x0400, len(WORDS)).frame
THEIR_WRITE = write_request(9, 16, 0x0804, (0x0101,))


@pytest.mark.parametrize(
    ("heard", "found", "open_at_end"),
    [
        (b"", 0, False),
        (THEIRS, 1, True),
        (THEIRS + read_reply(THEIRS, (1, 2, 3, 4)), 1, False),
        (read_reply(THEIRS, (1, 2, 3, 4)), 0, False),
        (b"\x00\x17" + THEIRS, 1, True),
        (THEIRS + read_reply(THEIRS, (1, 2, 3, 4)) + THEIRS, 2, True),
        (THEIR_WRITE.frame, 1, True),
        # What confirms a write, and a single write: they are their own answers, and do not tell who wrote.
        (rtu_frame(9, b"\x10" + THEIR_WRITE.write_echo), 0, False),
        (write_request(9, 6, 0x0801, (0x0100,)).frame, 0, False),
        (read_request(9, 1, 0x0000, 16).frame, 1, True),
        (rtu_frame(9, b"\x83\x02"), 0, False),
        # A count that nobody may ask for, a unit beyond the bus, a CRC that is wrong.
        (rtu_frame(9, b"\x03\x00\x00\x00\x7e"), 0, False),
        (rtu_frame(248, b"\x03\x00\x00\x00\x04"), 0, False),
        (THEIRS[:-1] + b"\x00", 0, False),
    ],
)
def test_what_is_a_question_and_what_is_not(heard: bytes, found: int, open_at_end: bool) -> None:
    told = foreign_questions(heard)
    assert len(told.frames) == found
    assert told.open_at_end is open_at_end


def test_ours_that_echoes_is_no_foreign_question() -> None:
    assert foreign_questions(THEIRS, own=THEIRS).frames == ()


def test_a_question_within_the_data_of_an_answer_is_none() -> None:
    inside = read_reply(read_request(9, 3, 0, 4).frame, tuple(int.from_bytes(THEIRS[i : i + 2]) for i in (0, 2, 4, 6)))
    assert foreign_questions(inside).frames == ()


def test_noise_is_not_taken_for_a_master() -> None:
    chance = random.Random(7)
    assert not any(foreign_questions(chance.randbytes(64)).frames for _ in range(5_000))


def test_a_question_heard_before_ours_is_told_once_and_its_answer_is_let_pass() -> None:
    """The answer to theirs is as long as that to ours: without the pause it would be taken for it."""
    with line_to(clean) as (line, peer):
        peer.say(SAME_UNIT)
        late = read_reply(SAME_UNIT, (9, 9, 9, 9, 9, 9))
        began = time.monotonic()
        Timer(0.05, peer.say, (late,)).start()
        outcome = line.transact(ASKED, PACE)
        assert isinstance(outcome, Reply)
        assert outcome.words == WORDS
        assert time.monotonic() - began > 0.05
        assert line.take_foreign() == (SAME_UNIT,)
        assert line.take_foreign() == ()


def test_a_question_heard_in_place_of_an_answer_ends_ours_as_a_fault() -> None:
    def between(request: bytes) -> Sequence[Part]:
        return [(TURNAROUND_S, SAME_UNIT), (0.06, answer(request))]

    with line_to(between) as (line, _):
        assert isinstance(line.transact(ASKED, PACE), LineFault)
        assert line.take_foreign() == (SAME_UNIT,)


def test_a_question_to_another_unit_does_not_cost_our_answer() -> None:
    def between(request: bytes) -> Sequence[Part]:
        return [(TURNAROUND_S, THEIRS), (0.06, answer(request))]

    with line_to(between) as (line, _):
        assert isinstance(line.transact(ASKED, PACE), Reply)
        assert line.take_foreign() == (THEIRS,)


def test_nothing_is_written_once_another_master_was_heard() -> None:
    with line_to(silent) as (line, peer):
        peer.say(THEIRS)
        time.sleep(0.02)
        outcome = line.transact(THEIR_WRITE, PACE)
        assert isinstance(outcome, LineFault)
        assert "nothing was written" in outcome.detail
        assert peer.requests == []


def test_our_own_unanswered_question_that_comes_back_late_is_no_master() -> None:
    with line_to(silent, clean) as (line, peer):
        assert isinstance(line.transact(ASKED, PACE), LineFault)
        peer.say(ASKED.frame)
        time.sleep(0.02)
        line.transact(read_request(7, 3, 0, 1), PACE)
        assert line.take_foreign() == ()
