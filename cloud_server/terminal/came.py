"""What a command came to: its exit code, the facts for a script, the words for a person."""

from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class Came:
    """Printed by the command line as JSON or as words. `code`: 0 done, 1 something is wrong."""

    code: int
    facts: Any
    words: str
