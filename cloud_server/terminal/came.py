"""What a command came to: its exit code, the facts for a script, the words for a person; or that it was misused."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class Came:
    """Printed by the command line as JSON or as words. `code`: 0 done, 1 something is wrong."""

    code: int
    facts: Any
    words: str


class Misused(Exception):
    """Arguments that cannot be used: where they stand, and each mistake with what would be right."""

    def __init__(self, place: str, mistakes: Sequence[str]) -> None:
        super().__init__(f"{place}: {'; '.join(mistakes)}")
        self.place = place
        self.mistakes = tuple(mistakes)
