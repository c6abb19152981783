"""Requests of one box that were taken in out of order, told by the box's own clock."""

import pytest

from cloud_server.core.box_memory import (
    HEARD_LATELY_MS,
    OVERTAKEN_WITHIN_MS,
    newest_said,
    was_overtaken,
    was_sent_before_its_clock_was_set,
)

SAID = 1_800_000_000_000


@pytest.mark.parametrize(
    ("said_at_ms", "sent_at_ms", "overtaken", "newest"),
    [
        (None, SAID, False, SAID),
        (SAID, SAID, False, SAID),
        (SAID, SAID + 1, False, SAID + 1),
        (SAID, SAID - 1, True, SAID),
        (SAID, SAID - OVERTAKEN_WITHIN_MS, True, SAID),
        # A clock that was set back by more is another machine's, or one that lost its time: it counts as it is.
        (SAID, SAID - OVERTAKEN_WITHIN_MS - 1, False, SAID - OVERTAKEN_WITHIN_MS - 1),
        (SAID, 0, False, 0),
    ],
)
def test_what_was_sent_before_the_newest_is_late(
    said_at_ms: int | None, sent_at_ms: int, overtaken: bool, newest: int
) -> None:
    assert was_overtaken(said_at_ms, sent_at_ms) is overtaken
    assert newest_said(said_at_ms, sent_at_ms) == newest


@pytest.mark.parametrize(
    ("said_at_ms", "sent_at_ms", "now_ms", "before"),
    [
        (None, 0, SAID, False),
        (SAID, SAID + 1, SAID + 1, False),
        # Its clock was set from 1970, or back from next year, by an answer that overtook this request.
        (SAID, 0, SAID + 1, True),
        (SAID, SAID + 31_536_000_000, SAID + 1, True),
        (SAID, SAID + 1 - OVERTAKEN_WITHIN_MS, SAID + 1, False),
        (SAID, SAID - OVERTAKEN_WITHIN_MS, SAID + 1, True),
        # Not heard for long, or never with the right time: whatever its clock shows, it may have lost its memory.
        (SAID, 0, SAID + HEARD_LATELY_MS, True),
        (SAID, 0, SAID + HEARD_LATELY_MS + 1, False),
        (0, 1_000, SAID, False),
    ],
)
def test_what_was_sent_before_its_clock_was_set_tells_nothing(
    said_at_ms: int | None, sent_at_ms: int, now_ms: int, before: bool
) -> None:
    assert was_sent_before_its_clock_was_set(said_at_ms, sent_at_ms, now_ms) is before
