"""Worlds that once broke something, kept for ever: seed and steps, and what they found."""

from typing import Final

KEPT: Final[tuple[tuple[int, int, str], ...]] = (
    (6, 25, "what would be done flapped with the age of readings; back in observe, nothing was told"),
    (301, 20, "an agent whose disk was full could not start"),
    (403, 4, "a clock of 2056 after a loss of power charged 400 days of fees at once"),
    (429, 30, "what a doubted clock had stamped made it look right after a restart"),
    (409, 40, "a meter that was lost before a restart stayed lost though it answered"),
)
"""Before there was an office in these worlds: they are run without it."""

KEPT_WITH_OFFICE: Final[tuple[tuple[int, int, str], ...]] = (
    (3002, 40, "energy behind a closed wallet was told as charged to the wrong one"),
    (77, 40, "a relay whose cause alone changed was not told of before the next boundary"),
    (3014, 40, "the close of a day passed over the day before it"),
)
"""The same for worlds with an office."""

KEPT_WITH_LOSSES: Final[tuple[tuple[int, int, bool, str], ...]] = (
    (6004, 18, True, "an epoch that was not fetched before the command key changed was refused for ever"),
)
"""The same for worlds in which memory is lost: seed, steps, whether there is an office."""

KEPT_LATE_WITH_LOSSES: Final[tuple[tuple[int, int, str], ...]] = (
    (20012, 18, "two machines of one key that parted while their centre recovered kept that recovery open for ever"),
)
"""The same where memory is lost and requests come late, without an office."""

KEPT_LATE: Final[tuple[tuple[int, int, str], ...]] = (
    (301, 5, "a request that was overtaken on the way made its box one that had lost its memory"),
    (302, 12, "so did two that were sent before their box's clock was set"),
)
"""The same for worlds in which requests come late, without an office.

302 broke while requests could lie for hours in coarse time; since they cannot, it is `tests/cloud_server/flows` that
holds what it found (`test_requests_from_before_a_clock_was_set_are_no_loss_of_memory`).
"""
