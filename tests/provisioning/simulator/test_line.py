"""The line in time, with instants as arguments: frames, silences, pieces."""

import pytest

from provisioning.simulator.line import HeardFrame, Hearing, Line, plan_pieces
from tests.provisioning.simulator.master import framed, read_frame

CHARACTER_NS = 1_041_666
SILENCE_NS = 3_645_833
REQUEST = read_frame(1, 0, 10)
START_NS = 10**12


def line() -> Line:
    return Line(9600)


def heard(on: Line, data: bytes, at_ns: int) -> HeardFrame | None:
    on.hear(data, at_ns)
    return on.frame_at(at_ns + len(data) * CHARACTER_NS + SILENCE_NS + len(data))


def test_a_request_ends_when_its_last_character_and_the_silence_are_over() -> None:
    bus = line()
    bus.hear(REQUEST, START_NS)
    over_ns = START_NS + 8 * CHARACTER_NS + SILENCE_NS
    assert bus.next_ns() == over_ns
    assert bus.frame_at(over_ns - 1) is None
    assert bus.frame_at(over_ns) == HeardFrame(REQUEST, over_ns)
    assert bus.frame_at(over_ns) is None


def test_a_request_that_arrives_in_pieces_is_one_frame() -> None:
    bus = line()
    bus.hear(REQUEST[:3], START_NS)
    bus.hear(REQUEST[3:], START_NS + 3 * CHARACTER_NS + CHARACTER_NS // 2)
    frame = bus.frame_at(START_NS + 20 * CHARACTER_NS)
    assert frame is not None
    assert frame.data == REQUEST
    assert bus.counters.broken_silences == 0


@pytest.mark.parametrize(("pause_characters", "broken"), [(0.0, 1), (1.0, 1), (2.0, 1), (3.4, 1), (3.6, 0), (50.0, 0)])
def test_a_request_too_soon_after_a_reply_is_ignored_and_counted(pause_characters: float, broken: int) -> None:
    bus = line()
    frame = heard(bus, REQUEST, START_NS)
    assert frame is not None
    bus.send(framed(b"reply"), frame.ended_ns)
    ends_ns = frame.ended_ns + 7 * CHARACTER_NS
    pieces = bus.pieces_at(ends_ns)
    assert b"".join(piece.data for piece in pieces) == framed(b"reply")
    for piece in pieces:
        bus.handed_over(piece, piece.hand_over_ns)
    again = heard(bus, REQUEST, ends_ns + int(pause_characters * CHARACTER_NS))
    assert bus.counters.broken_silences == broken
    assert again is not None
    assert again.hearing is (Hearing.BROKEN_SILENCE if broken else Hearing.CLEAR)


@pytest.mark.parametrize("pause_characters", [0.0, 1.0, 2.0, 3.4])
def test_a_request_too_soon_after_an_unanswered_one_is_ignored_and_counted(pause_characters: float) -> None:
    bus = line()
    bus.hear(REQUEST, START_NS)
    second_ns = START_NS + 8 * CHARACTER_NS + int(pause_characters * CHARACTER_NS)
    second, third = heard(bus, REQUEST, second_ns), heard(bus, REQUEST, second_ns + 100 * CHARACTER_NS)
    assert second is not None
    assert second.hearing is Hearing.BROKEN_SILENCE
    assert bus.counters.broken_silences == 1
    assert third is not None
    assert third == HeardFrame(REQUEST, third.ended_ns)


def test_a_request_during_a_reply_is_ignored_and_counted_once() -> None:
    bus = line()
    frame = heard(bus, REQUEST, START_NS)
    assert frame is not None
    bus.send(bytes(100), frame.ended_ns)
    for piece in bus.pieces_at(frame.ended_ns + 3 * CHARACTER_NS):
        bus.handed_over(piece, piece.hand_over_ns)
    bus.hear(REQUEST[:4], frame.ended_ns + 10 * CHARACTER_NS)
    bus.hear(REQUEST[4:], frame.ended_ns + 14 * CHARACTER_NS)
    assert (bus.counters.broken_silences, bus.counters.collisions) == (1, 0)
    again = bus.frame_at(frame.ended_ns + 50 * CHARACTER_NS)
    assert again is not None
    assert again.hearing is Hearing.BROKEN_SILENCE


@pytest.mark.parametrize("pieces", [0, 1])
def test_a_request_that_could_not_know_of_a_late_reply_has_collided(pieces: int) -> None:
    bus = line()
    bus.send(bytes(50), START_NS)
    bus.pieces_at(START_NS)
    begins_ns = START_NS + CHARACTER_NS
    for piece in bus.pieces_at(START_NS + 3 * CHARACTER_NS) if pieces else []:
        bus.handed_over(piece, piece.hand_over_ns)
        begins_ns = piece.hand_over_ns + 500_000
    bus.hear(REQUEST, begins_ns)
    assert (bus.counters.broken_silences, bus.counters.collisions) == (0, 1)
    frame = bus.frame_at(begins_ns + 50 * CHARACTER_NS)
    assert frame is not None
    assert frame.hearing is Hearing.COLLISION


def test_a_late_reply_waits_until_the_request_on_the_line_is_over_and_comes_first() -> None:
    bus = line()
    late_ns = START_NS + 4 * CHARACTER_NS
    bus.send(b"late", late_ns)
    frame = None
    bus.hear(REQUEST, START_NS)
    assert bus.pieces_at(late_ns) == []
    frame = bus.frame_at(START_NS + 8 * CHARACTER_NS + SILENCE_NS)
    assert frame is not None
    bus.send(b"fresh", frame.ended_ns + 5_000_000)
    sent = bus.pieces_at(frame.ended_ns + 6 * CHARACTER_NS)
    assert b"".join(piece.data for piece in sent) == b"late"
    for piece in sent:
        bus.handed_over(piece, piece.hand_over_ns)
    fresh = bus.pieces_at(frame.ended_ns + 100 * CHARACTER_NS)
    assert b"".join(piece.data for piece in fresh) == b"fresh"
    assert fresh[0].ends_ns > sent[-1].ends_ns + SILENCE_NS


def test_an_echo_comes_back_as_the_request_goes_out() -> None:
    bus = Line(9600, echo=True)
    bus.hear(REQUEST, START_NS)
    assert bus.pieces_at(START_NS + 7 * CHARACTER_NS) == []
    assert b"".join(piece.data for piece in bus.pieces_at(START_NS + 8 * CHARACTER_NS)) == REQUEST


@pytest.mark.parametrize("baud", [1200, 2400, 9600, 19200, 115200])
def test_pieces_follow_the_line_and_never_leave_a_gap_like_a_silence(baud: int) -> None:
    bus = Line(baud)
    pieces = plan_pieces(bytes(range(125)), 0, bus.character_ns, bus.silence_ns, 0)
    assert b"".join(piece.data for piece in pieces) == bytes(range(125))
    assert pieces[-1].hand_over_ns == 125 * bus.character_ns
    assert all(piece.hand_over_ns == piece.ends_ns for piece in pieces)
    longest_ns = max(len(piece.data) for piece in pieces) * bus.character_ns
    assert longest_ns <= max(4_000_000, bus.character_ns)
    assert longest_ns < bus.silence_ns


def test_an_adapter_with_a_latency_timer_hands_over_late_but_the_line_is_judged_as_it_was() -> None:
    bus = Line(9600, latency_ns=16_000_000)
    pieces = plan_pieces(bytes(33), 0, bus.character_ns, bus.silence_ns, bus.latency_ns)
    assert [len(piece.data) for piece in pieces] == [15, 15, 3]
    assert pieces[-1].ends_ns == 33 * bus.character_ns
    assert pieces[-1].hand_over_ns == 30 * bus.character_ns + 16_000_000
    bus.handed_over(pieces[-1], pieces[-1].hand_over_ns)
    # The master has the reply late, so it asks late: a whole silence has long passed on the line itself.
    bus.hear(REQUEST, pieces[-1].hand_over_ns)
    assert bus.counters.broken_silences == 0


def test_another_master_is_heard_by_the_meters_and_by_the_first_master() -> None:
    bus = line()
    assert bus.silent_at(START_NS)
    bus.hear_other(REQUEST, START_NS)
    assert not bus.silent_at(START_NS)
    ended_ns = START_NS + len(REQUEST) * CHARACTER_NS
    assert [piece.data for piece in bus.pieces_at(ended_ns)] == [REQUEST]
    assert bus.frame_at(ended_ns + SILENCE_NS + 8) == HeardFrame(REQUEST, ended_ns + SILENCE_NS)


def test_who_speaks_while_another_master_does_has_collided_and_broken_nothing() -> None:
    bus = line()
    bus.hear_other(REQUEST, START_NS)
    bus.hear(REQUEST, START_NS + 3 * CHARACTER_NS)
    assert (bus.counters.collisions, bus.counters.broken_silences) == (1, 0)
