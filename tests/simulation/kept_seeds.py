"""Worlds that once broke something, kept for ever: seed and steps, and what they found."""

from typing import Final

KEPT: Final[tuple[tuple[int, int, str], ...]] = (
    (6, 25, "records of what would be done flapped with the age of readings; back in observe, nothing was told"),
)
