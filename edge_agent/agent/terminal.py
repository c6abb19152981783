"""What every command of `edge-agent` is given to speak through, and the exit codes it may end with."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

OK: Final = 0
FAILED: Final = 1
WRONG: Final = 2


@dataclass(frozen=True, slots=True)
class Terminal:
    """Where words go: `say` to stdout, `complain` to stderr; `ask` waits for a typed line."""

    say: Callable[[str], None]
    complain: Callable[[str], None]
    ask: Callable[[str], str]
