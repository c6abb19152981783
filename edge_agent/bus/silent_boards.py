"""Boards that do not answer rest, longer each time, so that the meters whose relays they hold are read on without them.

A meter that does not answer is `core/polling`'s; a board has no place in the round, it is asked beside its meters.
"""

from __future__ import annotations

REST_FIRST_MS = 2_000
REST_MOST_MS = 60_000
"""The pauses of a dead meter (`PollingLimits`): doubled from the first, up to the most."""


class SilentBoards:
    """For the worker's thread alone."""

    def __init__(self) -> None:
        """All are taken to answer."""
        self._resting: dict[int, tuple[int, int]] = {}

    def rests(self, unit: int, now_ms: int) -> bool:
        """Whether this board is not to be read now; a relay order goes to it all the same."""
        return unit in self._resting and now_ms < self._resting[unit][1]

    def failed(self, unit: int, now_ms: int) -> None:
        """It did not answer."""
        failures = self._resting.get(unit, (0, 0))[0]
        rest_ms = min(REST_FIRST_MS << min(failures, 16), REST_MOST_MS)
        self._resting[unit] = (failures + 1, now_ms + rest_ms)

    def answered(self, unit: int) -> None:
        """It did."""
        self._resting.pop(unit, None)
