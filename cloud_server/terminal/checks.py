"""`cloud-server check` and `verify`: what can be looked at without running, and whether the books hold."""

import argparse
import sqlite3
import ssl
from pathlib import Path

from cloud_server.authority import KeyFolder
from cloud_server.config import Config
from cloud_server.flows.verify import verify
from cloud_server.store.database import WAL_RESET_FAULT
from cloud_server.store.engines import open_engine
from cloud_server.store.server_check import server_warnings
from cloud_server.store.unit import StoredBooks
from cloud_server.terminal.came import Came
from cloud_server.terminal.wired import wired


def check_centre(config: Config, _options: argparse.Namespace) -> Came:
    """Everything that can be looked at without running: faults end with code 1, warnings do not."""
    with wired(config) as parts:
        parts.centre.journal.check_at_start()
        faults = [parts.centre.journal.fault] if parts.centre.journal.fault is not None else []
    try:
        ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER).load_cert_chain(config.certificate, config.certificate_key)
    except (OSError, ssl.SSLError) as fault:
        faults.append(f"tls.certificate and tls.key do not belong together or cannot be read: {fault}")
    warnings = []
    if isinstance(config.database, Path):
        warnings += _sqlite_warnings(config.database, config.journal)
    else:
        warnings += server_warnings(config.database)
    if config.backup is None:
        warnings.append("no [backup] is configured: nothing is backed up by itself, and backup_old will be raised")
    lines = [*(f"fault: {fault}" for fault in faults), *(f"warning: {warning}" for warning in warnings)]
    return Came(1 if faults else 0, {"faults": faults, "warnings": warnings}, "\n".join(lines) or "all is well")


def _sqlite_warnings(database: Path, journal: Path) -> list[str]:
    warnings = []
    if _same_disk(journal, database):
        warnings.append(f"journal {journal} lies on the disk of the database: one dead disk takes both")
    if WAL_RESET_FAULT[0] <= sqlite3.sqlite_version_info <= WAL_RESET_FAULT[1]:
        warnings.append(
            f"SQLite {sqlite3.sqlite_version} can lose pages when two connections write; this program writes with one, "
            "so let no other program write to the database"
        )
    return warnings


def _same_disk(one: Path, other: Path) -> bool:
    try:
        return one.stat().st_dev == other.stat().st_dev
    except OSError:
        return False


def verify_books(config: Config, options: argparse.Namespace) -> Came:
    """Every invariant of the books, with the rows that break it."""
    keys = KeyFolder(
        config.keys_dir, config.keys_line, config.limits_line, config.root_public, config.site.site
    ).command_keys
    engine = open_engine(config.database)
    try:
        report = verify(StoredBooks(engine, config.site.site), keys)
    finally:
        engine.close()
    text = []
    for result in report:
        mark = "holds" if not result.breaches else f"BROKEN, {len(result.breaches)} breaches"
        text.append(f"{result.name}: {mark} ({result.looked_at})")
        text += [f"    {breach}" for breach in result.breaches[: options.rows]]
    shown = [{"invariant": r.name, "looked_at": r.looked_at, "breaches": list(r.breaches)} for r in report]
    return Came(1 if any(result.breaches for result in report) else 0, shown, "\n".join(text))
