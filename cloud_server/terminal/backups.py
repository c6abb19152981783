"""`cloud-server backup` and `restore --check`: make one now, prove one."""

import argparse
import tempfile
from pathlib import Path
from typing import Any

from cloud_server.authority import KeyFolder, KeysFault
from cloud_server.backup import CONFIG_NAME, DATABASE_NAME, BackupFault, open_backup, read_passphrase
from cloud_server.config import Config
from cloud_server.flows.verify import verify
from cloud_server.store.database import DatabaseFault, SqliteEngine
from cloud_server.store.schema import check_schema
from cloud_server.store.unit import StoredBooks
from cloud_server.terminal.came import Came
from cloud_server.terminal.wired import wired


def backup_now(config: Config, _options: argparse.Namespace) -> Came:
    """Make a backup; the file's name."""
    with wired(config) as parts:
        fault = parts.backups.make()
        state = parts.backups.state()
    if fault is not None or state.good is None:
        return Came(1, {"fault": fault}, f"no backup was made: {fault}")
    facts = {"file": state.good.file, "bytes": state.good.size_bytes}
    return Came(0, facts, f"{state.good.file}: {state.good.size_bytes} bytes; prove it with: restore FILE --check")


def check_backup(config: Config, file: Path, passphrase_file: Path) -> Came:
    """Open a backup in a folder of its own, and look at its keys, its database and every invariant of its books."""
    with tempfile.TemporaryDirectory(prefix="tallybox-check-") as folder:
        into = Path(folder)
        try:
            names = open_backup(file, read_passphrase(passphrase_file), into)
            facts = _look(config, into, names)
        except (BackupFault, DatabaseFault, KeysFault) as fault:
            return Came(1, {"fault": str(fault)}, f"{file} is no backup to rely on: {fault}")
    breaches = facts["breaches"]
    words = [
        f"{file}: {facts['files']} files, database of {facts['database_bytes']} bytes, schema as this program wants"
    ]
    words += [f"books: {facts['boxes']} boxes, {facts['sales']} sales, newest step {facts['newest_ms']} ms"]
    words += [f"BROKEN: {breach}" for breach in breaches] or ["every invariant of its books holds"]
    return Came(1 if breaches else 0, facts, "\n".join(words))


def _look(config: Config, into: Path, names: list[str]) -> dict[str, Any]:
    """What is in it. Raises BackupFault, DatabaseFault, KeysFault."""
    wanted = {DATABASE_NAME, CONFIG_NAME}
    if not wanted <= set(names):
        raise BackupFault(f"{', '.join(sorted(wanted - set(names)))} is not in it")
    keys = KeyFolder(
        into / "keys", into / "keys" / "keys.line", None, into / "keys" / "root.pub", config.site.site
    ).command_keys
    engine = SqliteEngine(into / DATABASE_NAME)
    try:
        check_schema(engine, config.site.site)
        store = StoredBooks(engine, config.site.site)
        report = verify(store, keys)
        with store.read() as unit:
            boxes, newest = unit.fleet.boxes(), unit.audit.newest_ms()
            sales = len(unit.books.sales())
    finally:
        engine.close()
    return {
        "files": len(names),
        "database_bytes": (into / DATABASE_NAME).stat().st_size,
        "boxes": len(boxes),
        "sales": sales,
        "newest_ms": newest,
        "breaches": [f"{result.name}: {breach}" for result in report for breach in result.breaches],
    }
