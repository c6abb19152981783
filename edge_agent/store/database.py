"""Opening the store's file: lock, pragmas, version, quick check; one connection, one kind of transaction.

What the tables mean is not known here. Sources: sqlite.org/wal.html, sqlite.org/pragma.html.
"""

import fcntl
import os
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Final

import peewee

from edge_agent.ports import NEEDS_RIGHTS, StoreFault, StoreFull, StoreUnusable
from edge_agent.store.migrations import STEPS, VERSION

APPLICATION_ID: Final = 0x54414C59
"""“TALY”: tells our file from any other SQLite database."""
BUSY_TIMEOUT_S: Final = 5
"""Nobody else writes; a technician's reader may hold a lock for a moment."""
WAL_BYTES_MAX: Final = 4 * 1024 * 1024
"""What the WAL file is cut back to after a checkpoint: more only wears small flash."""
WAL_RESET_BUG_UNTIL: Final = (3, 51, 2)
"""SQLite 3.7.0 to 3.51.2 can lose pages in WAL mode when two connections write or checkpoint at once."""

PRAGMAS: Final = (
    ("journal_mode", "WAL"),
    ("synchronous", "FULL"),
    ("foreign_keys", "ON"),
    ("trusted_schema", "OFF"),
    ("cell_size_check", "ON"),
    ("mmap_size", 0),
    ("cache_size", -500),
    ("journal_size_limit", WAL_BYTES_MAX),
)
"""WAL with FULL keeps each acknowledged commit through a power cut; NORMAL does not. Half a megabyte of cache holds
a boundary of eighty meters four times; SQLite's own two would fill over days and look like memory that leaks."""

LOOKING_PRAGMAS: Final = (("query_only", "ON"), ("trusted_schema", "OFF"), ("cell_size_check", "ON"), ("mmap_size", 0))

_NO_ROOM: Final = ("full", "disk i/o error", "readonly", "read-only", "unable to open", "locked")


class StoreLocked(StoreFault):
    """Another agent works in this state directory."""


class FolderLock:
    """One agent a state directory: an flock that ends with the process, however it ends.

    Raises StoreFault where the folder takes no file. Release it, whatever `take` said.
    """

    def __init__(self, folder: Path) -> None:
        try:
            self._descriptor = os.open(folder / "lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        except OSError as fault:
            right = (
                NEEDS_RIGHTS if isinstance(fault, PermissionError) else "right would be a folder of the agent's user"
            )
            raise StoreFault(f"{folder}: {fault.strerror}; {right}") from None
        self._folder = folder

    def take(self) -> None:
        """Take it, or raise StoreLocked with the process that has it."""
        try:
            fcntl.flock(self._descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            holder = os.read(self._descriptor, 20).decode("ascii", "replace").strip() or "unknown"
            raise StoreLocked(
                f"{self._folder}: another edge-agent (process {holder}) works in this state_dir; end it first"
            ) from None
        with suppress(OSError):  # who has it is only told; a full disk does not keep the agent from starting
            os.ftruncate(self._descriptor, 0)
            os.pwrite(self._descriptor, str(os.getpid()).encode(), 0)

    def release(self) -> None:
        """Let the next one in; it need not have been taken."""
        os.close(self._descriptor)


def library_warning() -> str | None:
    """What to know about the SQLite library, or None. With our single connection the bug cannot strike."""
    if sqlite3.sqlite_version_info <= WAL_RESET_BUG_UNTIL:
        return "releases up to 3.51.2 can lose pages when two connections write; nothing else may write this file"
    return None


def connect(path: Path) -> peewee.SqliteDatabase:
    """Open the file with the one writing connection, made and migrated where needed.

    Raises StoreUnusable when it is of a newer program or not ours, StoreFull when the disk takes nothing.
    """
    database = peewee.SqliteDatabase(str(path), pragmas=PRAGMAS, timeout=BUSY_TIMEOUT_S, autoconnect=False)
    return _connected(database, path, _migrate, _check_journal)


def connect_to_look(path: Path) -> peewee.SqliteDatabase:
    """Open an existing file for reading alone: not even its WAL is taken in, so that it can be set aside as it is."""
    database = peewee.SqliteDatabase(
        f"{path.resolve().as_uri()}?mode=ro",
        uri=True,
        pragmas=LOOKING_PRAGMAS,
        timeout=BUSY_TIMEOUT_S,
        autoconnect=False,
    )
    return _connected(database, path, _quick_check)


def _connected(
    database: peewee.SqliteDatabase, path: Path, *steps: Callable[[peewee.SqliteDatabase, Path], None]
) -> peewee.SqliteDatabase:
    try:
        with faults_named():
            database.connect()
            for step in (_check_kind, *steps):
                step(database, path)
    except StoreFault:
        database.close()
        raise
    return database


def is_older(database: peewee.SqliteDatabase) -> bool:
    """Whether the file has a form that this program migrates (or none yet: it died while it was made)."""
    return _pragma(database, "user_version") < VERSION


@contextmanager
def transaction(database: peewee.SqliteDatabase) -> Iterator[None]:
    """All or nothing: BEGIN IMMEDIATE … COMMIT. Raises StoreFull or StoreUnusable with nothing kept.

    Not `atomic`: on a full disk SQLite has rolled back already, and a second rollback would hide why.
    """
    with faults_named():
        _execute(database, "BEGIN IMMEDIATE")
        try:
            yield
            _execute(database, "COMMIT")
        except BaseException:
            if database.connection().in_transaction:  # type: ignore[no-untyped-call]  # peewee leaves it untyped
                _execute(database, "ROLLBACK")
            raise


@contextmanager
def faults_named() -> Iterator[None]:
    """Turn the library's errors into ours: no room, or not to be worked with. A broken constraint is our bug."""
    try:
        yield
    except peewee.IntegrityError:
        raise
    except (peewee.OperationalError, peewee.InternalError) as fault:
        if any(word in str(fault).lower() for word in _NO_ROOM):
            raise StoreFull(f"the store takes no writes: {fault}") from fault
        raise StoreUnusable("store_damaged", str(fault)) from fault
    except peewee.DatabaseError as fault:
        raise StoreUnusable("store_damaged", str(fault)) from fault


def rows(database: peewee.SqliteDatabase, query: str) -> list[tuple[object, ...]]:
    """All rows of a statement that peewee has no words for (pragmas)."""
    return list(database.execute_sql(query).fetchall())  # type: ignore[no-untyped-call]  # peewee leaves it untyped


def _execute(database: peewee.SqliteDatabase, statement: str) -> None:
    database.execute_sql(statement)  # type: ignore[no-untyped-call]  # peewee leaves it untyped


def _pragma(database: peewee.SqliteDatabase, name: str) -> int:
    value = rows(database, f"PRAGMA {name}")[0][0]
    return int(str(value))


def _check_kind(database: peewee.SqliteDatabase, path: Path) -> None:
    """Refuse a file that is another program's or a newer program's."""
    kind = _pragma(database, "application_id")
    version = _pragma(database, "user_version")
    empty = not rows(database, "SELECT 1 FROM sqlite_schema LIMIT 1")
    if kind != APPLICATION_ID and not (empty and kind == 0):
        raise StoreUnusable(
            "store_damaged", f"{path}: application_id {kind:#x}, a store of ours has {APPLICATION_ID:#x}"
        )
    if version > VERSION:
        raise StoreUnusable(
            "store_newer", f"{path}: written by a newer program (form {version}); this one knows up to {VERSION}"
        )


def _migrate(database: peewee.SqliteDatabase, path: Path) -> None:  # noqa: ARG001 - one of the steps of opening
    """Take the file to this program's form, one step a transaction, structure included."""
    for version in range(_pragma(database, "user_version"), VERSION):
        with transaction(database):
            for statement in STEPS[version]:
                _execute(database, statement)
            _execute(database, f"PRAGMA user_version = {version + 1}")
            _execute(database, f"PRAGMA application_id = {APPLICATION_ID}")


def _quick_check(database: peewee.SqliteDatabase, path: Path) -> None:
    """The library's own check of pages; our digest looks at what they say."""
    found = [str(row[0]) for row in rows(database, "PRAGMA quick_check")]
    if found != ["ok"]:
        raise StoreUnusable("store_damaged", f"{path}: quick_check says {'; '.join(found[:3])}")


def _check_journal(database: peewee.SqliteDatabase, path: Path) -> None:
    mode = str(rows(database, "PRAGMA journal_mode")[0][0])
    if mode != "wal":
        raise StoreUnusable("store_damaged", f"{path}: journal mode {mode}; this file system does not allow WAL")
