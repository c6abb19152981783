"""Why something is wrong and what would be right, as a sentence with places for values.

English is what it says by itself; a console puts the same sentence into its reader's language.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Final


@dataclass(frozen=True, slots=True)
class Reason:
    """One sentence: its pattern, and what stands in its places, as `%(name)s`. A place may hold a sentence again."""

    pattern: str
    said: Mapping[str, object] = field(default_factory=dict)

    def __str__(self) -> str:
        """The sentence in English."""
        return self.pattern % self.said

    def __call__(self, **said: object) -> Reason:
        """The same sentence with these values in its places."""
        return Reason(self.pattern, said)

    def told(self, translate: Callable[[str], str]) -> str:
        """The sentence, and every one within it, in the language of `translate`."""
        said = {name: each.told(translate) if isinstance(each, Reason) else each for name, each in self.said.items()}
        return translate(self.pattern) % said

    def renamed(self, rename: Callable[[str], str]) -> Reason:
        """The same sentence with other names in its places."""
        said = {
            name: each.renamed(rename) if isinstance(each, Reason) else rename(each) if isinstance(each, str) else each
            for name, each in self.said.items()
        }
        return Reason(self.pattern, said)


PLAIN: Final = Reason("%(text)s")
"""What is the same in every language: numbers, names, bytes."""


def reasons_in(names: Mapping[str, object]) -> tuple[Reason, ...]:
    """The sentences among a module's names, in order; those of a table of sentences too."""
    found: dict[str, Reason] = {}
    for each in names.values():
        for one in each.values() if isinstance(each, dict) else (each,):
            if isinstance(one, Reason) and one is not PLAIN:
                found.setdefault(one.pattern, one)
    return tuple(found.values())
