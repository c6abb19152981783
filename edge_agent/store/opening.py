"""Opening a state directory: lock it, open the file, look at everything, or set it aside untouched.

A store that cannot be trusted is never worked with and never deleted.
"""

import logging
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from edge_agent.ports import StoreFault, StoreUnusable
from edge_agent.store import verify
from edge_agent.store.database import FolderLock, connect, connect_to_look, faults_named, is_older, library_warning
from edge_agent.store.head_file import HeadUnreadable, StoreHead, flush_folder, read_head
from edge_agent.store.records import Store
from edge_agent.store.steps import NO_STEP, Commits, Steps

FILE_NAME: Final = "box.db"
HEAD_NAME: Final = "box.head"
SET_ASIDE: Final = "set-aside"

log = logging.getLogger(__name__)


@contextmanager
def open_store(folder: Path, now_ms: int, *, begin_anew: bool = False) -> Iterator[Store]:
    """The store of a state directory, verified, for as long as the block lasts.

    With `begin_anew` one that was set aside is followed by an empty one, which the centre gives a new epoch.
    Raises StoreLocked, StoreUnusable (files set aside where they are damaged or set back), StoreFull.
    """
    lock = FolderLock(folder)
    try:
        lock.take()
        store = _open(folder, now_ms, begin_anew=begin_anew)
        try:
            yield store
        finally:
            store.close()
    finally:
        lock.release()


def _open(folder: Path, now_ms: int, *, begin_anew: bool) -> Store:
    warning = library_warning()
    if warning is not None:
        log.info("sqlite_version", extra={"fields": {"version": sqlite3.sqlite_version, "note": warning}})
    try:
        return _open_verified(folder)
    except StoreUnusable as fault:
        if begin_anew and fault.alarm == "store_lost":
            return _open_empty(folder)
        if fault.alarm not in ("store_damaged", "store_rolled_back"):
            raise
        aside = set_aside(folder, now_ms, str(fault))
        if begin_anew:
            log.error("store_set_aside", extra={"fields": {"reason": str(fault), "folder": str(aside)}})
            return _open_empty(folder)
        raise StoreUnusable(fault.alarm, f"{_text(fault)}. The files are untouched in {aside}") from fault


def _text(fault: StoreUnusable) -> str:
    return str(fault).removeprefix(f"{fault.alarm}: ")


def _open_verified(folder: Path) -> Store:
    path, head_path = folder / FILE_NAME, folder / HEAD_NAME
    on_file: StoreHead | HeadUnreadable | None
    try:
        on_file = read_head(head_path)
    except HeadUnreadable as fault:
        on_file = fault
    if not path.exists() and on_file is not None:
        raise verify.rolled_back(f"{HEAD_NAME} is there, {FILE_NAME} is not")
    if not path.exists() and (folder / SET_ASIDE).is_dir():
        raise StoreUnusable(
            "store_lost", f"the store was set aside in {folder / SET_ASIDE}; the centre has to open a new epoch"
        )
    if path.exists():
        _look_through(path, on_file)
    store, commits = _connect(path, head_path)
    if commits.head not in (NO_STEP, on_file):
        store.flush_head()
    return store


def _open_empty(folder: Path) -> Store:
    """A new store beside the one that was set aside."""
    return _connect(folder / FILE_NAME, folder / HEAD_NAME)[0]


def _connect(path: Path, head_path: Path) -> tuple[Store, Commits]:
    database = connect(path)
    try:
        with faults_named():
            rows = verify.read_rows(database)
            commits = verify.check_digest(database, rows)
            return Store(database, Steps(database, head_path, commits, rows)), commits
    except StoreFault:
        database.close()
        raise


def _look_through(path: Path, on_file: StoreHead | HeadUnreadable | None) -> None:
    """Verify a file that is there without writing a byte of it. Raises StoreUnusable."""
    database = connect_to_look(path)
    try:
        if is_older(database):
            return
        with faults_named():
            commits = verify.check_digest(database, verify.read_rows(database))
            verify.check_head_file(commits, on_file)
            verify.check_lines(database)
            verify.check_batches(database)
            verify.check_configurations(database)
    finally:
        database.close()


def set_aside(folder: Path, now_ms: int, why: str) -> Path:
    """Move the store's files, as they are, to a folder of their own, with a note that says why."""
    aside = folder / SET_ASIDE / str(now_ms)
    aside.mkdir(parents=True, exist_ok=True)
    for name in (FILE_NAME, f"{FILE_NAME}-wal", f"{FILE_NAME}-shm", HEAD_NAME):
        if (folder / name).exists():
            (folder / name).rename(aside / name)
    (aside / "why.txt").write_text(f"{why}\n", encoding="utf-8")
    flush_folder(aside)
    flush_folder(folder)
    return aside
