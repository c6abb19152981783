"""What follows from a box that says to stand behind its chain: told by who is heard beside it, and for how long."""

import pytest

from cloud_server.core.box_memory import ALONE_AFTER_MS, Behind, Note, judge_behind, read_note

BEGAN_MS = 1_000_000


def note(alternations: int, *, good: bool = False) -> Note:
    return Note(alternations, "first", good_since=good, behind_since_ms=BEGAN_MS)


@pytest.mark.parametrize(
    ("before", "nonce", "listening", "after_ms", "what", "alternations", "since_ms"),
    [
        (None, "first", False, 0, Behind.WAIT, 0, BEGAN_MS),
        (note(0), "first", False, 1_000, Behind.WAIT, 0, BEGAN_MS),
        (note(0), "second", False, 1_000, Behind.RENEW, 0, BEGAN_MS),
        (note(0), "second", True, 1_000, Behind.WAIT, 0, BEGAN_MS),
        (note(0, good=True), "second", False, 1_000, Behind.WAIT, 1, BEGAN_MS + 1_000),
        (note(2, good=True), "second", False, 1_000, Behind.TWO, 3, BEGAN_MS + 1_000),
        (note(1), "second", False, 1_000, Behind.WAIT, 1, BEGAN_MS),
        (note(1), "second", False, ALONE_AFTER_MS - 1, Behind.WAIT, 1, BEGAN_MS),
        (note(1), "second", False, ALONE_AFTER_MS, Behind.RENEW, 1, BEGAN_MS),
        (note(2), "second", True, ALONE_AFTER_MS, Behind.WAIT, 2, BEGAN_MS),
        (note(2, good=True), "second", False, ALONE_AFTER_MS, Behind.TWO, 3, BEGAN_MS + ALONE_AFTER_MS),
    ],
)
def test_one_that_was_set_back_is_told_from_two(
    before: Note | None, nonce: str, listening: bool, after_ms: int, what: Behind, alternations: int, since_ms: int
) -> None:
    found, after = judge_behind(before, nonce, listening, BEGAN_MS + after_ms)
    assert found is what
    assert (after.alternations, after.behind_since_ms) == (alternations, since_ms)
    assert after == before or after.nonce == nonce


def test_a_note_is_read_as_it_was_written_and_an_older_one_is_none() -> None:
    assert read_note(note(2, good=True).text) == note(2, good=True)
    assert read_note("2 first 1") is None
