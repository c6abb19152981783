"""Requests of one box that were taken in out of order, told by the box's own clock."""

import pytest

from cloud_server.core.box_memory import OVERTAKEN_WITHIN_MS, newest_said, was_overtaken

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
