"""The chain of commits: every writing transaction is one step, hashed over all rows as they are after it.

Knows rows by key and hash, not what they mean. The head file is written after the commit.
"""

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Protocol

import peewee

from edge_agent.store import schema
from edge_agent.store.database import transaction
from edge_agent.store.digest import RowKey, row_hash, step_hash
from edge_agent.store.head_file import StoreHead, write_head
from protocol.ids import NO_HASH

HASHES_KEPT: Final = 32
"""Hashes of commits kept for comparison with a head file that is behind: it is so by one after a crash."""

NO_STEP: Final = StoreHead(0, 0, NO_HASH)

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Commits:
    """The newest commit and the hashes of it and of those before it that are still known, newest first."""

    head: StoreHead
    hashes: tuple[str, ...]

    def hash_of(self, step: int) -> str | None:
        """The hash of a commit, where it is still known."""
        back = self.head.seq - step
        return self.hashes[back] if 0 <= back < len(self.hashes) else None


NO_COMMITS: Final = Commits(NO_STEP, ())


class Changes:
    """The rows that one step writes or removes."""

    def __init__(self) -> None:
        self.written: dict[RowKey, bytes] = {}
        self.removed: set[RowKey] = set()
        self.epoch: int | None = None

    def write(self, table: str, key: str, body: bytes) -> None:
        self.written[(table, key)] = row_hash((table, key), body)
        self.removed.discard((table, key))

    def remove(self, table: str, key: str) -> None:
        self.removed.add((table, key))
        self.written.pop((table, key), None)


class Rider(Protocol):
    """Whose rows go with the transaction of another."""

    def write_what_waits(self, changes: Changes) -> None:
        """A transaction is about to be committed: write into it."""
        ...

    def ended(self, *, kept: bool) -> None:
        """It was committed, or came to nothing."""
        ...


class Steps:
    """The newest step and the hashes of all rows. Used by one thread."""

    def __init__(
        self, database: peewee.SqliteDatabase, head_path: Path, commits: "Commits", rows: dict[RowKey, bytes]
    ) -> None:
        self._database = database
        self._head_path = head_path
        self._rows = rows
        self._hashes = commits.hashes
        self._open: Changes | None = None
        self.head = commits.head
        self.rider: Rider | None = None

    @contextmanager
    def step(self) -> Iterator[Changes]:
        """One transaction: the caller writes its rows and names them in the changes it is given.

        A step within a step is part of it.
        """
        if self._open is not None:
            yield self._open
            return
        changes = self._open = Changes()
        kept = False
        try:
            with self._transaction(changes):
                yield changes
            kept = True
        finally:
            self._open = None
            if self.rider is not None:
                self.rider.ended(kept=kept)
        self.flush_head()

    @contextmanager
    def _transaction(self, changes: Changes) -> Iterator[None]:
        """Commit the rows, the hash over all of them, and the head."""
        with transaction(self._database):
            yield
            if self.rider is not None:
                self.rider.write_what_waits(changes)
            rows = {key: value for key, value in self._rows.items() if key not in changes.removed}
            rows.update(changes.written)
            number = self.head.seq + 1
            epoch = self.head.epoch if changes.epoch is None else changes.epoch
            head = StoreHead(epoch, number, step_hash(number, self.head.hash, rows))
            hashes = (head.hash, *self._hashes)[:HASHES_KEPT]
            newest = schema.Head.insert(id=1, epoch=head.epoch, step=head.seq, hashes=" ".join(hashes))
            newest.on_conflict_replace().execute(self._database)
        self._rows, self._hashes, self.head = rows, hashes, head

    def flush_head(self) -> None:
        """Bring the head file up to the database. A disk that takes no file leaves it behind, which is no loss."""
        try:
            write_head(self._head_path, self.head)
        except OSError as fault:
            log.warning("store_head_not_written", extra={"fields": {"reason": str(fault)}})
