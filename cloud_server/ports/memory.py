"""What flows ask of the rows about memory lost on either side."""

from __future__ import annotations

from typing import Protocol


class MemoryBook(Protocol):
    """Boxes heard behind their own chain, keys believed no more."""

    def heard_behind(self, box: str) -> str | None:
        """The nonce of the request in which it was first heard so."""
        ...

    def note_behind(self, box: str, nonce: str, at_ms: int) -> None: ...

    def forget_behind(self, box: str) -> None: ...

    def revoke_key(self, keyid: str, box: str, at_ms: int, by: str, reason: str) -> None: ...

    def is_revoked(self, keyid: str) -> bool: ...
