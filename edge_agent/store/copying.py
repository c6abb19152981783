"""A copy of the store beside it, as of one commit, while somebody works with it or nobody does.

The copy is made over a connection that only reads: it writes nothing and takes in no journal.
"""

import shutil
import sqlite3
from pathlib import Path

from edge_agent.ports import StoreFull
from edge_agent.store import schema
from edge_agent.store.database import connect_to_look, faults_named
from edge_agent.store.head_file import StoreHead, flush_folder, write_head
from edge_agent.store.opening import FILE_NAME, HEAD_NAME


def copy_store(state_dir: Path, to: Path) -> None:
    """Copy the store into a folder, whole or not at all; what was there goes. Raises StoreFull, StoreUnusable."""
    beside = to.with_name(f"{to.name}.part")
    shutil.rmtree(beside, ignore_errors=True)
    try:
        beside.mkdir(parents=True)
        database = connect_to_look(state_dir / FILE_NAME)
        try:
            target = sqlite3.connect(beside / FILE_NAME)
            try:
                database.connection().backup(target)  # type: ignore[no-untyped-call]  # peewee leaves it untyped
            finally:
                target.close()
        finally:
            database.close()
        copied = connect_to_look(beside / FILE_NAME)
        try:
            with faults_named():
                heads = list(schema.Head.select().execute(copied))
        finally:
            copied.close()
        if heads:
            write_head(beside / HEAD_NAME, StoreHead(heads[0].epoch, heads[0].step, heads[0].hashes.split(" ")[0]))
        shutil.rmtree(to, ignore_errors=True)
        beside.rename(to)
        flush_folder(to.parent)
    except (OSError, sqlite3.Error) as fault:
        shutil.rmtree(beside, ignore_errors=True)
        raise StoreFull(f"the store could not be copied to {to}: {fault}") from fault


def store_form(folder: Path) -> int | None:
    """The form (`user_version`) of the store in a folder; None where there is none that can be read."""
    try:
        database = sqlite3.connect(f"{(folder / FILE_NAME).resolve().as_uri()}?mode=ro", uri=True)
        try:
            return int(database.execute("PRAGMA user_version").fetchone()[0])
        finally:
            database.close()
    except sqlite3.Error:
        return None


def put_back(backup: Path, state_dir: Path, aside: Path) -> None:
    """Put a copy in the store's place; the store that stood there is set aside, untouched. Raises OSError."""
    aside.mkdir(parents=True, exist_ok=True)
    for name in (FILE_NAME, f"{FILE_NAME}-wal", f"{FILE_NAME}-shm", HEAD_NAME):
        if (state_dir / name).exists():
            (state_dir / name).rename(aside / name)
    for name in (HEAD_NAME, FILE_NAME):
        if (backup / name).exists():
            shutil.copyfile(backup / name, state_dir / name)
            (state_dir / name).chmod(0o600)
    flush_folder(state_dir)
