"""The port to the disk that holds the state directory: how much is free, and a ballast that can be dropped."""

from __future__ import annotations

from typing import Final, Protocol

NEEDS_RIGHTS: Final = "right would be root or the agent's user, for example by sudo"
"""Behind what the machine does not let this person do."""


class Disk(Protocol):
    """Room, apart from what the store does with it."""

    def free_bytes(self) -> int:
        """What an ordinary user may still write."""
        ...

    def hold_ballast(self) -> bool:
        """Take the ballast's room where it is not held; whether it is held now."""
        ...

    def drop_ballast(self) -> bool:
        """Give the ballast's room back; whether there was any."""
        ...
