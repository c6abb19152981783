"""What a unit of work can tell of many boxes at once."""

from collections.abc import Collection, Iterable
from typing import Protocol

from cloud_server.core.standing import Standing
from protocol.units import Ms


class Standings(Protocol):
    """Where boxes stand, found by the keys that sign for them."""

    def of_keys(self, keyids: Iterable[str]) -> dict[str, Standing]:
        """By the id of a record key: its box. A key that no box has, or that two have, is left out."""
        ...

    def note_heard(self, boxes: Collection[str], at_ms: Ms) -> int:
        """These boxes were heard at an instant, or later; how many rows say so now."""
        ...
