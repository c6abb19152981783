"""Number, link, head."""

import pytest

from protocol.chain import EMPTY_COMMANDS, Head, Link, link
from protocol.ids import NO_HASH

A, B, C = "a" * 64, "b" * 64, "c" * 64


@pytest.mark.parametrize(
    ("head", "seq", "prev", "expected"),
    [
        (EMPTY_COMMANDS, 1, NO_HASH, Link.NEXT),
        (EMPTY_COMMANDS, 1, A, Link.FORK),
        (EMPTY_COMMANDS, 2, NO_HASH, Link.GAP),
        (EMPTY_COMMANDS, 0, NO_HASH, Link.KNOWN),
        (Head(0, A), 1, A, Link.NEXT),
        (Head(0, A), 1, NO_HASH, Link.FORK),
        (Head(7, A), 8, A, Link.NEXT),
        (Head(7, A), 8, B, Link.FORK),
        (Head(7, A), 9, A, Link.GAP),
        (Head(7, A), 9, B, Link.GAP),
        (Head(7, A), 7, C, Link.KNOWN),
        (Head(7, A), 1, A, Link.KNOWN),
        (Head(2**53 - 2, A), 2**53 - 1, A, Link.NEXT),
    ],
)
def test_how_a_line_stands_to_a_head(head: Head, seq: int, prev: str, expected: Link) -> None:
    assert link(head, seq, prev) is expected
