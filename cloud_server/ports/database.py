"""Which database holds the books, and how one says that a unit of work has to be taken again."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol


@dataclass(frozen=True, slots=True)
class PostgresAddress:
    """Where a PostgreSQL database is: `postgresql://…`, with as many hosts as there are servers that may be primary."""

    text: str


class TryAgain(Exception):
    """The database did not take a unit of work: others were in its way, or the server was lost.

    `unknown` False: nothing of it is there. `unknown` True: the connection broke while it was being committed, and
    nobody can tell; only a step that looks its idempotency key or its batch up first may be taken again.
    """

    def __init__(self, why: str, *, unknown: bool = False) -> None:
        super().__init__(why)
        self.unknown = unknown


class WiderUnit(Exception):
    """A unit for one box came upon something that only the site's own writer may do: take it again as that."""


class Neighbours(Protocol):
    """Other server processes of the same centre on the same database."""

    def start(self, hear: Callable[[str], None]) -> None:
        """Begin to listen; `hear` gets each word of the others, in a thread of its own."""
        ...

    def tell(self, word: str) -> None:
        """Tell the others. A word may be lost with a connection: whoever waits for one looks for itself too."""
        ...

    def has_turn(self) -> bool:
        """Whether work that one process does for all is this one's."""
        ...

    def close(self) -> None: ...
