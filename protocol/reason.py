"""Why something is wrong and what would be right, as a sentence with places for values.

English is what it says by itself; a console puts the same sentence into its reader's language.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Reason:
    """One sentence: its pattern, and what stands in its places, as `%(name)s`."""

    pattern: str
    said: Mapping[str, object] = field(default_factory=dict)

    def __str__(self) -> str:
        """The sentence in English."""
        return self.pattern % self.said

    def __call__(self, **said: object) -> Reason:
        """The same sentence with these values in its places."""
        return Reason(self.pattern, said)
