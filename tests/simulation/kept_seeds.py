"""Worlds that once broke something, kept for ever: seed and steps, and what they found."""

from typing import Final

KEPT: Final[tuple[tuple[int, int, str], ...]] = ()
