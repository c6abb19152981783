"""The line master against answers that are late, damaged, cut off, too long, another's, or our own."""

from __future__ import annotations

import itertools
import threading
import time
from collections.abc import Sequence

import pytest

from edge_agent.bus.transaction import Pace
from edge_agent.bus.verdict import LineFault, Reply
from edge_agent.clock import SystemClock
from edge_agent.core.measured import FaultKind
from protocol.meter_profile.frames import read_request, write_request
from tests.edge_agent.bus.line_to_peer import (
    ASKED,
    LATE_WINDOW_MS,
    PACE,
    QUICK,
    TURNAROUND_S,
    WORDS,
    answer,
    clean,
    line_to,
    outcome_of,
    sent,
    silent,
    stray_kinds,
)
from tests.edge_agent.bus.scripted_peer import Part, ScriptedPeer, framed, read_reply


def test_clean_answer_gives_its_words() -> None:
    outcome = outcome_of(clean)
    assert isinstance(outcome, Reply)
    assert outcome.words == WORDS


def test_an_answer_in_pieces_is_one_answer() -> None:
    whole = answer(ASKED.frame)
    outcome = outcome_of(lambda _: [(0.002, whole[:1]), (0.01, whole[1:4]), (0.01, whole[4:9]), (0.01, whole[9:])])
    assert isinstance(outcome, Reply)
    assert outcome.words == WORDS


WHOLE = read_reply(ASKED.frame, WORDS)
FAULTY = {
    "nothing at all": (silent, FaultKind.TIMEOUT),
    "one flipped bit in the data": (sent(WHOLE[:7] + bytes((WHOLE[7] ^ 4,)) + WHOLE[8:]), FaultKind.CRC),
    "one flipped bit in the unit": (sent(bytes((WHOLE[0] ^ 1,)) + WHOLE[1:]), FaultKind.CRC),
    "one flipped bit in the byte count": (sent(WHOLE[:2] + bytes((WHOLE[2] ^ 2,)) + WHOLE[3:]), FaultKind.CRC),
    "one flipped bit in the CRC": (sent(WHOLE[:-1] + bytes((WHOLE[-1] ^ 128,))), FaultKind.CRC),
    "exception 2": (sent(framed(bytes((5, 0x83, 2)))), FaultKind.EXCEPTION),
    "another unit": (sent(read_reply(bytes((6, 3)), WORDS)), FaultKind.WRONG_UNIT),
    "another unit's exception": (sent(framed(bytes((6, 0x83, 2)))), FaultKind.WRONG_UNIT),
    "another function": (sent(read_reply(bytes((5, 4)), WORDS)), FaultKind.WRONG_FUNCTION),
    "fewer registers, sound": (sent(read_reply(ASKED.frame, WORDS[:4])), FaultKind.WRONG_COUNT),
    "more registers, sound": (sent(read_reply(ASKED.frame, (*WORDS, 7))), FaultKind.WRONG_COUNT),
    "the answer to a write": (sent(framed(bytes((5, 16, 3, 2, 0, 6)))), FaultKind.WRONG_FUNCTION),
    "cut off after the header": (sent(WHOLE[:3]), FaultKind.SHORT),
    "cut off before the CRC": (sent(WHOLE[:-2]), FaultKind.SHORT),
    "one byte alone": (sent(WHOLE[:1]), FaultKind.SHORT),
    "five bytes too many": (sent(WHOLE + bytes(range(5))), FaultKind.LONG),
    "five zeros too many, which leave the CRC right": (sent(WHOLE + bytes(5)), FaultKind.LONG),
    "twice the answer in one go": (sent(WHOLE + WHOLE), FaultKind.LONG),
    "noise": (sent(bytes(range(200, 230))), FaultKind.CRC),
}


@pytest.mark.parametrize("name", FAULTY)
def test_each_fault_has_its_own_name(name: str) -> None:
    script, kind = FAULTY[name]
    outcome = outcome_of(script)
    assert isinstance(outcome, LineFault)
    assert outcome.kind is kind, outcome.detail


def test_a_byte_of_noise_behind_a_clean_answer_is_counted_and_does_no_harm() -> None:
    with line_to(sent(WHOLE + b"\x00")) as (line, _):
        outcome = line.transact(ASKED, PACE)
        assert isinstance(outcome, Reply)
        assert outcome.words == WORDS
        assert stray_kinds(line) == [(5, FaultKind.LONG)]


def test_an_exception_says_its_code() -> None:
    outcome = outcome_of(sent(framed(bytes((5, 0x83, 6)))))
    assert isinstance(outcome, LineFault)
    assert (outcome.code, outcome.detail) == (6, "exception 6 (device busy)")


@pytest.mark.parametrize("name", ["cut off before the CRC", "noise", "fewer registers, sound"])
def test_a_bad_frame_ends_by_silence_and_not_by_the_time_out(name: str) -> None:
    script, _ = FAULTY[name]
    with line_to(script) as (line, _):
        before = time.monotonic()
        line.transact(ASKED, Pace(turnaround_ms=3_000))
        assert time.monotonic() - before < 1.0


def test_an_exception_does_not_wait_for_the_bytes_of_a_reading() -> None:
    with line_to(sent(framed(bytes((5, 0x83, 2))))) as (line, _):
        before = time.monotonic()
        line.transact(read_request(5, 3, 0, 125), Pace(turnaround_ms=3_000))
        assert time.monotonic() - before < 1.0


def test_silence_before_each_request_is_kept() -> None:
    times: list[float] = []

    def note(request: bytes) -> Sequence[Part]:
        times.append(time.monotonic())
        return [(TURNAROUND_S, answer(request))]

    with line_to(note) as (line, _):
        for _ in range(20):
            assert isinstance(line.transact(ASKED, Pace(silence_ms=25, turnaround_ms=300)), Reply)
    gaps = [after - before for before, after in itertools.pairwise(times)]
    assert min(gaps) >= 0.025


def test_silence_counts_from_the_last_byte_of_a_stray() -> None:
    with line_to(clean) as (line, peer):
        assert isinstance(line.transact(ASKED, PACE), Reply)
        peer.say(b"\x07\x08")
        told = time.monotonic()
        line.transact(ASKED, Pace(silence_ms=60, turnaround_ms=300))
        assert peer.request_times[-1] - told >= 0.060
        assert stray_kinds(line) == [(5, FaultKind.LONG)]


def test_a_late_answer_is_thrown_away_in_its_window() -> None:
    stale = read_reply(ASKED.frame, (9,) * 6)
    with line_to(lambda _: [(0.12, stale)], clean) as (line, peer):
        first = line.transact(ASKED, QUICK)
        assert isinstance(first, LineFault)
        assert first.kind is FaultKind.TIMEOUT
        ended = time.monotonic()
        second = line.transact(ASKED, PACE)
        assert isinstance(second, Reply)
        assert second.words == WORDS
        assert stray_kinds(line) == [(5, FaultKind.LATE)]
        assert peer.request_times[1] - ended >= LATE_WINDOW_MS / 1000 - 0.005


def test_a_late_answer_in_another_meters_turn_is_not_its_answer() -> None:
    stale = read_reply(ASKED.frame, (9,) * 6)
    with line_to(silent, lambda request: [(0.005, stale), (0.005, answer(request))]) as (line, _):
        assert isinstance(line.transact(ASKED, QUICK), LineFault)
        other = line.transact(read_request(6, 3, 0x0302, 6), PACE)
        assert isinstance(other, Reply)
        assert other.words == WORDS
        assert stray_kinds(line) == [(5, FaultKind.LATE)]


def test_a_late_answer_alone_leaves_the_other_meter_unanswered() -> None:
    stale = read_reply(ASKED.frame, (9,) * 6)
    with line_to(silent, lambda _: [(0.005, stale)]) as (line, _):
        line.transact(ASKED, QUICK)
        other = line.transact(read_request(6, 3, 0x0302, 6), PACE)
        assert isinstance(other, LineFault)
        assert other.kind is FaultKind.TIMEOUT
        assert stray_kinds(line) == [(5, FaultKind.LATE)]


def test_a_late_answer_after_its_window_is_told_by_its_length() -> None:
    stale = read_reply(ASKED.frame, (9,) * 6)
    block_two = read_request(5, 3, 0x0302, 7)
    with line_to(silent, lambda _: [(0.005, stale)]) as (line, _):
        line.transact(ASKED, QUICK)
        time.sleep(LATE_WINDOW_MS / 1000)
        outcome = line.transact(block_two, PACE)
        assert isinstance(outcome, LineFault)
        assert outcome.kind is FaultKind.WRONG_COUNT


def test_what_was_on_its_way_before_the_question_is_not_its_answer() -> None:
    """A stale answer of the right length, after its window, handed over sooner than the meter could have spoken."""
    stale = read_reply(ASKED.frame, (9,) * 6)
    with line_to(lambda request: [(0, stale), (0.3, answer(request))], baud=1_200) as (line, _):
        outcome = line.transact(ASKED, Pace(turnaround_ms=500))
        assert isinstance(outcome, Reply)
        assert outcome.words == WORDS
        assert stray_kinds(line) == [(5, FaultKind.LATE)]


def test_a_unit_is_closed_for_its_late_window_after_a_fault_and_open_after_an_answer() -> None:
    clock = SystemClock()
    with line_to(silent, clean) as (line, _):
        assert line.closed_until_ms(5) <= clock.mono_ms()
        line.transact(ASKED, QUICK)
        assert 0 < line.closed_until_ms(5) - clock.mono_ms() <= LATE_WINDOW_MS + 1
        line.transact(ASKED, PACE)
        assert line.closed_until_ms(5) <= clock.mono_ms()


def test_an_unexpected_echo_is_counted_and_the_answer_behind_it_taken() -> None:
    with line_to(lambda request: [(0.002, request), (TURNAROUND_S, answer(request))]) as (line, _):
        outcome = line.transact(ASKED, PACE)
        assert isinstance(outcome, Reply)
        assert outcome.words == WORDS
        assert stray_kinds(line) == [(5, FaultKind.ECHO)]


def test_an_echo_alone_is_no_answer() -> None:
    with line_to(lambda request: [(0.002, request)]) as (line, _):
        outcome = line.transact(ASKED, PACE)
        assert isinstance(outcome, LineFault)
        assert outcome.kind is FaultKind.TIMEOUT
        assert stray_kinds(line) == [(5, FaultKind.ECHO)]


def test_the_echo_of_a_single_write_is_not_its_confirmation() -> None:
    single = write_request(5, 6, 0x0801, (0x0100,))
    with line_to(lambda request: [(0, request)], baud=1_200) as (line, _):
        outcome = line.transact(single, PACE)
        assert isinstance(outcome, LineFault)
        assert outcome.kind is FaultKind.TIMEOUT
        assert stray_kinds(line) == [(5, FaultKind.ECHO)]


WRITES = {
    5: write_request(5, 5, 0x0010, (1,)),
    6: write_request(5, 6, 0x0801, (0x0100,)),
    15: write_request(5, 15, 0x0010, (1, 0, 1)),
    16: write_request(5, 16, 0x0057, (1, 0)),
}


@pytest.mark.parametrize("function", WRITES)
def test_a_write_is_confirmed_by_address_and_count(function: int) -> None:
    request = WRITES[function]
    outcome = outcome_of(lambda _: [(0.005, framed(request.frame[:6]))], request)
    assert isinstance(outcome, Reply)


@pytest.mark.parametrize("function", WRITES)
@pytest.mark.parametrize("place", [3, 5])
def test_a_write_confirmed_for_another_address_or_count_is_refused(function: int, place: int) -> None:
    request = WRITES[function]
    body = bytearray(request.frame[:6])
    body[place] ^= 1
    outcome = outcome_of(lambda _: [(0.005, framed(bytes(body)))], request)
    assert isinstance(outcome, LineFault)
    assert outcome.kind is FaultKind.WRONG_COUNT


def test_relay_frames_are_those_of_the_manuals() -> None:
    """Acrel ADF400L manual and EMS4J, both with their CRC."""
    assert write_request(1, 16, 0x0804, (0x0101,)).frame.hex(" ") == "01 10 08 04 00 01 02 01 01 ee 44"
    assert write_request(1, 16, 0x0804, (0x0100,)).frame.hex(" ") == "01 10 08 04 00 01 02 01 00 2f 84"
    assert write_request(1, 16, 0x0057, (1, 1)).frame.hex(" ") == "01 10 00 57 00 02 04 00 01 00 01 27 75"
    assert read_request(1, 4, 0x0156, 2).frame.hex(" ") == "01 04 01 56 00 02 90 27"


def test_bits_keep_their_order() -> None:
    request = read_request(5, 1, 0, 10)
    outcome = outcome_of(sent(framed(bytes((5, 1, 2, 0b0000_0101, 0b10)))), request)
    assert isinstance(outcome, Reply)
    assert outcome.words == (1, 0, 1, 0, 0, 0, 0, 0, 0, 1)


def babble(peer: ScriptedPeer, ended: threading.Event) -> None:
    """Speak without a pause."""
    while not ended.wait(0.002):
        peer.say(bytes(20))


def test_what_piled_up_while_nobody_listened_costs_no_answer() -> None:
    with line_to(clean) as (line, peer):
        peer.say(bytes(1_500))
        time.sleep(0.02)
        assert isinstance(line.transact(ASKED, PACE), Reply)


def test_babble_is_given_up() -> None:
    with line_to(clean) as (line, peer):
        ended = threading.Event()
        babbler = threading.Thread(target=babble, args=(peer, ended))
        babbler.start()
        outcome = line.transact(ASKED, Pace(silence_ms=50, turnaround_ms=20))
        ended.set()
        babbler.join()
        assert isinstance(outcome, LineFault)
        assert outcome.kind is FaultKind.LONG
        assert peer.requests == []
