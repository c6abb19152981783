"""The database engine: one writing connection, pooled readers, units of work, and guards on rows that never change.

Everything that only one engine understands stands in this file. Nothing here knows a table.
"""

import re
import threading
from collections.abc import Iterable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, Protocol

import peewee
from playhouse.pool import PooledSqliteDatabase

from cloud_server.store.unit_memory import Remembering

READERS_MAX: Final = 48
"""More than the 40 threads in which the web framework runs endpoints, so that none waits for a connection in vain."""
READER_WAIT_S: Final = 5.0
"""A reader that gets no connection in five seconds is told so, rather than the whole house standing still."""
WRITER_WAIT_MS: Final = 5_000
"""How long SQLite itself waits for a lock that another process holds (a backup, `verify`)."""
READER_IDLE_S: Final = 300
"""Connections that nobody used for five minutes are closed."""
WAL_RESET_FAULT: Final = ((3, 7, 0), (3, 51, 2))
"""SQLite releases that may lose pages in WAL mode when two connections write or checkpoint at once. Here only the one
writing connection ever does either."""


class DatabaseFault(Exception):
    """The database cannot be used as it is; the text says why and what would be right."""


@dataclass(frozen=True, slots=True)
class Guarded:
    """A table whose rows are never deleted, and never updated but for `changeable` columns that go from 0 to 1."""

    table: str
    changeable: tuple[str, ...] = ()


class Engine(Protocol):
    """What the stores need of an engine."""

    def write(self) -> AbstractContextManager[peewee.Database]:
        """A unit of work that may write: begins at entry, commits at exit, rolls back on an error.

        SQLite lets one in at a time. PostgreSQL lets in many, each of which locks what it decides upon.
        """
        ...

    def read(self) -> AbstractContextManager[peewee.Database]:
        """One consistent look that cannot write."""
        ...

    def missing_guards(self, tables: Sequence[Guarded]) -> list[str]:
        """Names of guards that are not as they should be."""
        ...

    def set_guards(self, database: peewee.Database, tables: Sequence[Guarded]) -> None:
        """Put all guards back, inside the given unit of work."""
        ...

    def size_bytes(self) -> int | None:
        """How much room the database takes; None where that cannot be told."""
        ...

    def close(self) -> None: ...


class SqliteEngine:
    """SQLite in WAL mode with full synchronisation: what is committed outlives the loss of power."""

    def __init__(self, path: Path) -> None:
        """Open or create the database file. Raises DatabaseFault."""
        self.path = path
        self._lock = threading.Lock()
        self._writer = _Writer(
            str(path), pragmas=_WRITER_PRAGMAS, thread_safe=False, check_same_thread=False, autoconnect=False
        )
        self._readers = _Readers(
            str(path),
            pragmas=_READER_PRAGMAS,
            check_same_thread=False,
            autoconnect=False,
            max_connections=READERS_MAX,
            timeout=READER_WAIT_S,
            stale_timeout=READER_IDLE_S,
        )
        try:
            self._writer.connect()
            mode = run_sql(self._writer, "PRAGMA journal_mode")[0][0]
        except peewee.DatabaseError as fault:
            raise DatabaseFault(f"{path}: {fault}") from None
        if str(mode).lower() != "wal":
            raise DatabaseFault(f"{path}: the file system does not allow WAL (journal_mode is {mode})")

    @contextmanager
    def write(self) -> Iterator[peewee.Database]:
        """One writer at a time in this process; BEGIN IMMEDIATE keeps other processes out."""
        with self._lock, self._writer.atomic("IMMEDIATE"):
            memory = self._writer.begin_memory()
            yield self._writer
            memory.finish()

    @contextmanager
    def read(self) -> Iterator[peewee.Database]:
        """A snapshot: what is committed meanwhile is not seen."""
        with self._readers.connection_context(), self._readers.atomic():
            self._readers.begin_memory(may_write=False)
            yield self._readers

    def missing_guards(self, tables: Sequence[Guarded]) -> list[str]:
        """Compare the triggers of the file with those that must be there, to the letter."""
        with self.read() as database:
            present = dict(run_sql(database, "SELECT name, sql FROM sqlite_master WHERE type = 'trigger'"))
        return [name for name, sql in _triggers(tables) if present.get(name) != sql]

    def set_guards(self, database: peewee.Database, tables: Sequence[Guarded]) -> None:
        """A migration that rebuilds a table loses its triggers without a word; hence always all of them."""
        for name, sql in _triggers(tables):
            run_sql(database, f'DROP TRIGGER IF EXISTS "{name}"')
            run_sql(database, sql)

    def size_bytes(self) -> int | None:
        """The file and what its log has not folded in yet."""
        files = (self.path, self.path.with_name(self.path.name + "-wal"))
        return sum(file.stat().st_size for file in files if file.exists())

    def close(self) -> None:
        """Close the readers, then the writer, which folds the WAL into the file."""
        self._readers.close_all()
        with self._lock:
            self._writer.close()


class _Writer(Remembering, peewee.SqliteDatabase):
    """The one connection that writes."""


class _Readers(Remembering, PooledSqliteDatabase):  # type: ignore[misc]  # the library has no types here
    """Those that read."""


_WRITER_PRAGMAS: Final = {
    "journal_mode": "wal",
    "synchronous": 2,
    "foreign_keys": 1,
    "busy_timeout": WRITER_WAIT_MS,
    "journal_size_limit": 64 * 1024 * 1024,
    "cell_size_check": 1,
    "trusted_schema": 0,
    "mmap_size": 0,
}
_READER_PRAGMAS: Final = {"query_only": 1, "busy_timeout": WRITER_WAIT_MS, "trusted_schema": 0, "mmap_size": 0}


def _triggers(tables: Iterable[Guarded]) -> Iterator[tuple[str, str]]:
    for guarded in tables:
        table = guarded.table
        name = f"{table}_keeps_its_rows"
        yield (
            name,
            f'CREATE TRIGGER "{name}" BEFORE DELETE ON "{table}" '
            f"BEGIN SELECT RAISE(ABORT, 'rows of {table} are never deleted'); END",
        )
        name = f"{table}_never_changes"
        yield (
            name,
            f'CREATE TRIGGER "{name}" BEFORE UPDATE ON "{table}" {_unless_only(guarded.changeable)}'
            f"BEGIN SELECT RAISE(ABORT, 'rows of {table} are never changed'); END",
        )


def _unless_only(changeable: tuple[str, ...]) -> str:
    """A mark may be set once (0 to 1); an update of any other column does not name only marks, and is refused.

    SQLite cannot ask which columns an UPDATE names, so the guard compares the primary facts: see `store.schema`,
    where a table with a mark keeps everything else under the hash that is its key.
    """
    if not changeable:
        return ""
    allowed = " AND ".join(f'OLD."{c}" = 0 AND NEW."{c}" = 1' for c in changeable)
    same = " AND ".join(f'NEW."{c}" IS OLD."{c}"' for c in ("hash", "type", "box", "number", "line", "made_at_ms"))
    return f"WHEN NOT ({allowed} AND {same}) "


def run_sql(database: peewee.Database, sql: str, parameters: Sequence[object] = ()) -> list[tuple[Any, ...]]:
    """Run one statement and fetch all of its rows."""
    cursor = database.execute_sql(sql, parameters)  # type: ignore[no-untyped-call]  # the library has no types here
    return list(cursor.fetchall())


def run_many(database: peewee.Database, sql: str, rows: Sequence[Sequence[object]]) -> None:
    """Run one statement for each row of parameters, with the library's own errors."""
    if isinstance(database, Remembering):
        database.memory.before(sql)
    with peewee.__exception_wrapper__:  # type: ignore[attr-defined]  # left out of the library's types
        database.cursor().executemany(sql, rows)  # type: ignore[no-untyped-call]  # the library has no types here


def run_ddl(database: peewee.Database, statement: str) -> None:
    """Run a statement of a migration, written as SQLite takes it, on either engine."""
    if isinstance(database, peewee.PostgresqlDatabase):
        for word, right in _POSTGRES_TYPES:
            statement = word.sub(right, statement)
    database.execute_sql(statement)  # type: ignore[no-untyped-call]  # the library has no types here


_POSTGRES_TYPES: Final = (
    (re.compile(r'(?<=" )TEXT\b'), 'TEXT COLLATE "C"'),
    (re.compile(r'(?<=" )BLOB\b'), "BYTEA"),
    (re.compile(r'(?<=" )INTEGER\b'), "BIGINT"),
)
"""Types behind a column's quoted name."""
