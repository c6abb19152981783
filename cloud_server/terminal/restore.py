"""`cloud-server restore`: a backup in the place of a database that is gone, then what journal and boxes know."""

import socket
import tempfile
import time
from dataclasses import replace
from pathlib import Path

from cloud_server.app import wire
from cloud_server.backup import DATABASE_NAME, BackupFault, open_backup, read_passphrase
from cloud_server.config import Config
from cloud_server.flows.replay_journal import newest_term, replay
from cloud_server.flows.restore_centre import raise_term
from cloud_server.ports import JournalFault
from cloud_server.store.database import DatabaseFault, SqliteEngine
from cloud_server.store.journal_file import JournalFile
from cloud_server.store.schema import make_schema, restore_guards
from cloud_server.terminal.came import Came

ANSWERS_WITHIN_S = 1.0


def restore(config: Config, file: Path | None, passphrase_file: Path | None) -> Came:
    """Put a backup in place (None: the database is in place already), raise the term, take in the journal.

    What stood there is moved beside it, never deleted. Every box that has served is heard before it gets a command.
    """
    if not isinstance(config.database, Path):
        return Came(1, {"fault": "postgresql"}, "PostgreSQL is restored by its own tools; then: restore --in-place")
    if _answers(config):
        return Came(1, {"fault": "running"}, f"a centre answers on {config.host}:{config.port}: stop it first")
    try:
        moved = _put_in_place(config, config.database, file, passphrase_file) if file is not None else []
        engine = SqliteEngine(config.database)
        try:
            make_schema(engine, config.site.site)
            restore_guards(engine)
        finally:
            engine.close()
        return _recover(config, moved)
    except (BackupFault, DatabaseFault, JournalFault, OSError) as fault:
        return Came(1, {"fault": str(fault)}, f"not restored: {fault}")


def _answers(config: Config) -> bool:
    """Whether somebody listens where the centre does."""
    try:
        with socket.create_connection((config.host, config.port), ANSWERS_WITHIN_S):
            return True
    except OSError:
        return False


def _put_in_place(config: Config, database: Path, file: Path, passphrase_file: Path | None) -> list[str]:
    """The backup's database where the configuration wants it, its keys where they are missing; what was moved away."""
    if passphrase_file is None:
        raise BackupFault("--passphrase-file FILE is needed: the configuration has no [backup]")
    moved = []
    database.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="tallybox-restore-", dir=database.parent) as folder:
        into = Path(folder)
        names = open_backup(file, read_passphrase(passphrase_file), into)
        if DATABASE_NAME not in names:
            raise BackupFault(f"{file}: holds no database")
        aside = database.with_name(f"{database.name}.before-restore-{time.time_ns() // 1_000_000}")
        for ending in ("", "-wal", "-shm"):
            old = database.with_name(f"{database.name}{ending}")
            if old.exists():
                old.rename(aside.with_name(f"{aside.name}{ending}"))
                moved.append(str(aside.with_name(f"{aside.name}{ending}")))
        (into / DATABASE_NAME).rename(database)
        for key in sorted((into / "keys").iterdir()) if (into / "keys").is_dir() else ():
            if not (config.keys_dir / key.name).exists() and not key.name.startswith("tls."):
                key.rename(config.keys_dir / key.name)
    return moved


def _recover(config: Config, moved: list[str]) -> Came:
    journal = JournalFile(config.journal)
    parts = wire(config)
    try:
        term = raise_term(parts.centre, [newest_term(journal.lines())])
        centre = replace(parts.centre, term=term)
        done = replay(centre, journal.lines())
        with centre.store.write() as unit:
            unit.site.put_fact("journal_bytes", str(journal.length() or 0))
            waiting = [box.name for box in unit.fleet.boxes() if box.recovery]
            questions = [question for question in unit.recovery.questions() if question.answer is None]
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
        "boxes_to_hear": waiting,
        "questions": len(questions),
    }
    words = [
        f"term {term}; the journal had {done.looked_at} lines, taken: "
        + (", ".join(f"{count} {kind}" for kind, count in sorted(taken.items())) or "none were missing"),
        f"to be heard: {', '.join(waiting) or 'no box'}; each sells as soon as it has been",
        f"{len(questions)} questions for people; see: cloud-server recovery",
        *(f"set aside: {path}" for path in moved),
        "Start the centre now: cloud-server run",
    ]
    return Came(0, facts, "\n".join(words))
