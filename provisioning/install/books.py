"""What the installed program keeps, as the installer may see it: copied, and looked at by a version's own `check`."""

import json
import shutil
import sqlite3
import tomllib
from contextlib import closing
from pathlib import Path
from typing import Any, Final

from provisioning.install.machine import MachineFault
from provisioning.install.versions import Versions

SECRET: Final = 0o600
TRIAL_STORE: Final = "trial-install"
HEAD_ENDING: Final = ".head"
"""Beside a store (`box.head`): a store without the one that belongs to it would be taken for an older image."""
_SQLITE_HEAD: Final = b"SQLite format 3\0"


def is_used(versions: Versions) -> bool:
    """Whether there are books yet."""
    return bool(databases(versions))


def settings_path(versions: Versions) -> str:
    return str(versions.machine.at(f"{versions.kind.config_dir}/{versions.kind.settings}"))


def faults_by(versions: Versions, version: str) -> list[str]:
    """What a version's own `check` finds wrong here; a box's store is looked at as a copy. Raises MachineFault."""
    machine, kind = versions.machine, versions.kind
    line = [versions.command(version, kind.program), "check", "--config", settings_path(versions), "--json"]
    copy = machine.at(kind.state_dir) / TRIAL_STORE
    try:
        if kind.name == "box":
            _copy_store(versions, copy)
            line += ["--store", str(copy)]
        done = machine.run(line, kind.user)
    finally:
        shutil.rmtree(copy, ignore_errors=True)
    try:
        told: Any = json.loads(done.stdout)
        return [str(fault) for key in ("faults", "mistakes") for fault in told.get(key, [])]
    except (ValueError, AttributeError):
        return [last_words(done.stdout, done.stderr)]


def _copy_store(versions: Versions, into: Path) -> None:
    """What a box's store consists of: the database, and the small file beside it that says how long it is."""
    shutil.rmtree(into, ignore_errors=True)
    into.mkdir(mode=0o700)
    for path in databases(versions):
        copy_database(path, into / path.name)
        head = path.with_suffix(HEAD_ENDING)
        if head.is_file():
            shutil.copyfile(head, into / head.name)
    for path in (into, *into.iterdir()):
        versions.machine.own(path, versions.kind.user, 0o700 if path == into else SECRET)


def last_words(told: str, complained: str) -> str:
    lines = [line for line in (complained or told).splitlines() if line.strip()]
    return lines[-1].strip() if lines else "it said nothing"


def databases(versions: Versions) -> list[Path]:
    """The SQLite files that the program keeps: in its state folder, and the one that centre.toml names."""
    found = [path for path in sorted(versions.machine.at(versions.kind.state_dir).glob("*.db")) if _is_database(path)]
    try:
        named = str(tomllib.loads(Path(settings_path(versions)).read_text(encoding="utf-8")).get("database", ""))
    except (OSError, tomllib.TOMLDecodeError):
        named = ""
    if named.startswith("sqlite:///"):
        path = Path(settings_path(versions)).parent / named.removeprefix("sqlite:///")
        if _is_database(path) and path not in found:
            found.append(path)
    return found


def _is_database(path: Path) -> bool:
    try:
        with path.open("rb") as file:
            return file.read(len(_SQLITE_HEAD)) == _SQLITE_HEAD
    except OSError:
        return False


def keep_state(versions: Versions, version: str) -> dict[Path, Path]:
    """Copy the books as they are before a version may change their form: each to its copy. Raises MachineFault."""
    kept = {}
    for path in databases(versions):
        copy = path.with_name(f"{path.name}.before-{version}")
        copy.unlink(missing_ok=True)
        copy_database(path, copy)
        versions.machine.own(copy, versions.kind.user, SECRET)
        kept[path] = copy
    return kept


def copy_database(source: Path, target: Path) -> None:
    """What one holds into the other, which may be open elsewhere. Raises MachineFault."""
    try:
        with closing(sqlite3.connect(source)) as read, closing(sqlite3.connect(target)) as written:
            read.backup(written)
    except sqlite3.Error as fault:
        raise MachineFault(f"{source} cannot be copied to {target}: {fault}") from None
