"""`cloud-server restore`: a backup in the place of a database that is gone, then what journal and boxes know."""

import socket
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path

from cloud_server.backup import DATABASE_NAME, BackupFault, open_backup, read_passphrase
from cloud_server.clock import SystemClock
from cloud_server.config import Config
from cloud_server.flows.replay_journal import newest_term, replay
from cloud_server.flows.restore_centre import raise_term
from cloud_server.flows.set_up import set_up_centre
from cloud_server.ports import JournalFault
from cloud_server.store.database import DatabaseFault
from cloud_server.store.engines import open_engine
from cloud_server.store.journal_file import FILE_NAME, JournalFile
from cloud_server.store.schema import make_months_ahead, make_schema, restore_guards
from cloud_server.store.unit import StoredBooks
from cloud_server.terminal.came import Came
from cloud_server.wiring import wire

ANSWERS_WITHIN_S = 1.0
NO_PEOPLE = "people and tokens are in no journal: cloud-server setup gives the first administrator a link"


def restore(config: Config, file: Path | None, passphrase_file: Path | None) -> Came:
    """Put a backup in place (None: the database is in place already), raise the term, take in the journal.

    What stood there is moved beside it, never deleted. Every box that has served is heard before it gets a command.
    """
    if file is not None and not isinstance(config.database, Path):
        return Came(1, {"fault": "postgresql"}, "PostgreSQL is restored by its own tools; then: restore --in-place")
    return _restored(config, (), lambda: _put_in_place(config, file, passphrase_file) if file is not None else [])


def restore_from_journal(config: Config, more: Sequence[Path]) -> Came:
    """Begin new books out of nothing but the journal: that of the configuration, and those of other hosts (`more`).

    The keys must be there. A database that stood in the place is moved beside it; one on a server must be empty.
    """
    missing = [str(path) for path in more if not path.is_file()]
    if missing:
        return Came(1, {"fault": "journal"}, f"not restored: no such file: {', '.join(missing)}")
    if not any(True for _ in _journal_lines(config, more)):
        text = f"not restored: {config.journal} holds no journal; give the file of another host with --journal FILE"
        return Came(1, {"fault": "journal"}, text)
    return _restored(config, more, lambda: _begin_anew(config))


def _restored(config: Config, more: Sequence[Path], prepare: Callable[[], list[str]]) -> Came:
    if _answers(config):
        return Came(1, {"fault": "running"}, f"a centre answers on {config.host}:{config.port}: stop it first")
    try:
        moved = prepare()
        engine = open_engine(config.database)
        try:
            make_schema(engine, config.site.site)
            restore_guards(engine)
            make_months_ahead(engine, SystemClock().wall_ms())
            set_up_centre(StoredBooks(engine, config.site.site), SystemClock())
        finally:
            engine.close()
        return _recover(config, more, moved)
    except (BackupFault, DatabaseFault, JournalFault, OSError) as fault:
        return Came(1, {"fault": str(fault)}, f"not restored: {fault}")


def _begin_anew(config: Config) -> list[str]:
    """Make room for a new database; what was moved away. Raises DatabaseFault."""
    if isinstance(config.database, Path):
        config.database.parent.mkdir(parents=True, exist_ok=True)
        return _move_aside(config.database)
    engine = open_engine(config.database)
    try:
        with engine.read() as database:
            if database.get_tables():
                raise DatabaseFault("the database is not empty: make a new one, and name it in centre.toml")
    finally:
        engine.close()
    return []


def _journal_lines(config: Config, more: Sequence[Path]) -> Iterator[bytes]:
    """Every line of the journals, one after the other."""
    for path in (config.journal / FILE_NAME, *more):
        yield from JournalFile(path.parent, path.name).lines()


def _answers(config: Config) -> bool:
    """Whether somebody listens where the centre does."""
    try:
        with socket.create_connection((config.host, config.port), ANSWERS_WITHIN_S):
            return True
    except OSError:
        return False


def _put_in_place(config: Config, file: Path, passphrase_file: Path | None) -> list[str]:
    """The backup's database where the configuration wants it, its keys where they are missing; what was moved away."""
    database = config.database
    assert isinstance(database, Path)
    if passphrase_file is None:
        raise BackupFault("--passphrase-file FILE is needed: the configuration has no [backup]")
    database.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="tallybox-restore-", dir=database.parent) as folder:
        into = Path(folder)
        names = open_backup(file, read_passphrase(passphrase_file), into)
        if DATABASE_NAME not in names:
            raise BackupFault(f"{file}: holds no database")
        moved = _move_aside(database)
        (into / DATABASE_NAME).rename(database)
        for key in sorted((into / "keys").iterdir()) if (into / "keys").is_dir() else ():
            if not (config.keys_dir / key.name).exists() and not key.name.startswith("tls."):
                key.rename(config.keys_dir / key.name)
    return moved


def _move_aside(database: Path) -> list[str]:
    """What stands in the place of the database, moved beside it."""
    moved = []
    aside = database.with_name(f"{database.name}.before-restore-{time.time_ns() // 1_000_000}")
    for ending in ("", "-wal", "-shm"):
        old = database.with_name(f"{database.name}{ending}")
        if old.exists():
            old.rename(aside.with_name(f"{aside.name}{ending}"))
            moved.append(str(aside.with_name(f"{aside.name}{ending}")))
    return moved


def _recover(config: Config, more: Sequence[Path], moved: list[str]) -> Came:
    journal = JournalFile(config.journal)
    parts = wire(config)
    try:
        term = raise_term(parts.centre, [newest_term(_journal_lines(config, more))])
        centre = replace(parts.centre, term=term)
        done = replay(centre, lambda: _journal_lines(config, more))
        with centre.store.write() as unit:
            unit.site.put_fact("journal_bytes", str(journal.length() or 0))
            waiting = [box.name for box in unit.fleet.boxes() if box.recovery]
            questions = [question for question in unit.recovery.questions() if question.answer is None]
        nobody = not parts.staff.everybody()
    finally:
        parts.close()
        journal.close()
    taken = dict(done.taken)
    facts = {
        "term": term,
        "moved": moved,
        "journal_lines": done.looked_at,
        "taken": taken,
        "not_taken": done.not_taken,
        "plan_taken": done.plan_taken,
        "boxes_to_hear": waiting,
        "questions": len(questions),
    }
    words = [
        f"term {term}; the journal had {done.looked_at} lines, taken: "
        + (", ".join(f"{count} {kind}" for kind, count in sorted(taken.items())) or "none were missing"),
        *([f"{done.not_taken} lines could not be taken: the log names them"] if done.not_taken else []),
        f"to be heard: {', '.join(waiting) or 'no box'}; each sells as soon as it has been",
        f"{len(questions)} questions for people; see: cloud-server recovery",
        *(f"set aside: {path}" for path in moved),
        *([NO_PEOPLE] if nobody else []),
        "Start the centre now: cloud-server run",
    ]
    return Came(0, facts, "\n".join(words))
