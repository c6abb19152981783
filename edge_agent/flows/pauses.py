"""How long the box waits before it asks the centre again. Chance is an argument: so many random bytes."""

from collections.abc import Callable
from typing import Final

RETRY_FIRST_MS: Final = 1_000
RETRY_LAST_MS: Final = 8_000
"""Pauses after a failure double from the first to the last, each shortened by chance so that a site does not return
as one. The last is short: somebody in the dark may have paid, and a busy centre says so itself (retry_after_s)."""
IDLE_LEAST_MS: Final = 500
"""Least time between two requests with nothing to send: a centre that does not hold them is not flooded."""
_GREATEST_CHANCE: Final = 65_535

Chance = Callable[[int], bytes]


def retry_pause_ms(failures: int) -> int:
    """The pause after so many failures in a row, from 1 on."""
    return min(RETRY_FIRST_MS << min(failures - 1, 10), RETRY_LAST_MS)


def jittered(pause_ms: int, chance: Chance) -> int:
    """Half of a pause to all of it."""
    return pause_ms // 2 + pause_ms * int.from_bytes(chance(2), "big") // 2 // _GREATEST_CHANCE


def spread_ms(retry_after_s: int | None, chance: Chance) -> int:
    """As late as the centre asked for, and up to half as much later: a whole site does not come back as one."""
    asked_ms = (retry_after_s or 0) * 1_000
    return asked_ms + asked_ms // 2 * int.from_bytes(chance(2), "big") // _GREATEST_CHANCE
