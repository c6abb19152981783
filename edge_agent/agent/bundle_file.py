"""A bundle as a file: looked through before anything is believed, then laid out as a program that can be started.

Nothing of it is carried out here. What the root has not signed, byte for byte, does not reach the program's folder.
"""

import hashlib
import os
import shutil
import stat
import zipfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import IO, Final

from protocol.bundle import (
    BUNDLE_BYTES_MAX,
    FILE_BYTES_MAX,
    FILES_MAX,
    LINE_NAME,
    STARTER_NAME,
    is_wheel_name,
    version_number,
)
from protocol.envelope import check_signature, read_line
from protocol.errors import WireError
from protocol.limits import LINE_BYTES_MAX
from protocol.messages import Bundle
from protocol.payload import read_payload
from protocol.signing import PublicKey

PIECE_BYTES: Final = 1024 * 1024
UNPACKED_BYTES_MAX: Final = 1024 * 1024 * 1024
UNPACKED_FILES_MAX: Final = 20_000
START: Final = "start.py"
LIBRARY: Final = "lib"
BUNDLE_HASH: Final = "bundle.hash"
_START_TEXT: Final = """\
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent / "lib"))
from edge_agent.cli import main

sys.exit(main())
"""


class BadBundle(Exception):
    """A bundle that is not installed; the text says why, and what would be right."""


@dataclass(frozen=True, slots=True)
class CheckedBundle:
    """A bundle whose line the root signed and whose files are those of the line. `hash` names the line."""

    path: Path
    hash: str
    version: str
    files: Mapping[str, str]


def check_bundle(path: Path, root: PublicKey, site: str) -> CheckedBundle:
    """Look a bundle through. Raises BadBundle."""
    try:
        if path.stat().st_size > BUNDLE_BYTES_MAX:
            raise BadBundle(f"{path}: more than {BUNDLE_BYTES_MAX} bytes")
        with zipfile.ZipFile(path) as archive:
            entries = {entry.filename: entry for entry in archive.infolist()}
            if len(entries) != len(archive.infolist()) or len(entries) > FILES_MAX:
                raise BadBundle(f"{path}: a name stands twice in it, or it holds more than {FILES_MAX} files")
            line = read_line(_read_small(archive, entries))
            check_signature(line, {root.keyid: root})
            bundle = read_payload(line.payload, Bundle)
            _compare(path, bundle, site, entries.keys() - {LINE_NAME})
            for name, wanted in bundle.files.items():
                if _hash(archive, entries[name]) != wanted:
                    raise BadBundle(f"{path}: {name} is not the file that the root signed")
    except OSError as fault:
        raise BadBundle(f"{path}: {fault.strerror or fault}; right would be a file that the root signed") from None
    except (zipfile.BadZipFile, WireError, RuntimeError, NotImplementedError) as fault:
        raise BadBundle(f"{path}: {fault}") from None
    return CheckedBundle(path, line.hash, bundle.version, bundle.files)


def _read_small(archive: zipfile.ZipFile, entries: Mapping[str, zipfile.ZipInfo]) -> bytes:
    entry = entries.get(LINE_NAME)
    if entry is None or entry.file_size > LINE_BYTES_MAX:
        raise BadBundle(f"{archive.filename}: no {LINE_NAME} in it; right would be a file that `provision bundle` made")
    with archive.open(entry) as file:
        return file.read(LINE_BYTES_MAX + 1).strip()


def _compare(path: Path, bundle: Bundle, site: str, names: set[str]) -> None:
    wrong = [name for name in bundle.files if not is_wheel_name(name) and name != STARTER_NAME]
    if bundle.site != site:
        raise BadBundle(f"{path}: made for site {bundle.site}; this machine is of site {site}")
    if version_number(bundle.version) is None:
        raise BadBundle(f"{path}: version {bundle.version!r}; right would be numbers, for example 1.4.0")
    if wrong or names != set(bundle.files):
        raise BadBundle(f"{path}: its files are not those that the root signed, or are no wheels")


def _hash(archive: zipfile.ZipFile, entry: zipfile.ZipInfo) -> str:
    digest, left = hashlib.sha256(), FILE_BYTES_MAX
    with archive.open(entry) as file:
        while piece := file.read(PIECE_BYTES):
            left -= len(piece)
            if left < 0:
                raise BadBundle(f"{archive.filename}: {entry.filename} has more than {FILE_BYTES_MAX} bytes")
            digest.update(piece)
    return digest.hexdigest()


def lay_out(bundle: CheckedBundle, folder: Path) -> None:
    """Make a folder in which `start.py` starts the program: the wheels' packages side by side. Raises BadBundle.

    A wheel is a ZIP archive whose top is what belongs on the path (PyPA, binary distribution format); nothing of it is
    run to install it.
    """
    beside = folder.with_name(f"{folder.name}.part")
    shutil.rmtree(beside, ignore_errors=True)
    try:
        unpack_wheels(bundle, beside / LIBRARY)
        (beside / START).write_text(_START_TEXT, encoding="ascii")
        (beside / BUNDLE_HASH).write_text(bundle.hash, encoding="ascii")
        _flush(beside)
    except (OSError, BadBundle) as fault:
        shutil.rmtree(beside, ignore_errors=True)
        raise BadBundle(str(fault) if isinstance(fault, BadBundle) else f"{bundle.path}: {fault}") from None
    shutil.rmtree(folder, ignore_errors=True)
    beside.rename(folder)


def unpack_wheels(bundle: CheckedBundle, library: Path) -> None:
    """Lay the packages of all wheels side by side into a folder that is made. Raises BadBundle."""
    left = [UNPACKED_BYTES_MAX, UNPACKED_FILES_MAX]
    try:
        library.mkdir(parents=True)
        with zipfile.ZipFile(bundle.path) as archive:
            for name in filter(is_wheel_name, bundle.files):
                # Hashed once more while it is read: the stick may have been exchanged since.
                if _hash(archive, archive.getinfo(name)) != bundle.files[name]:
                    raise BadBundle(f"{bundle.path}: {name} has changed while it was read")
                with archive.open(name) as packed, zipfile.ZipFile(packed) as wheel:
                    _unpack(wheel, library, left)
    except (OSError, zipfile.BadZipFile, KeyError, RuntimeError, NotImplementedError) as fault:
        raise BadBundle(f"{bundle.path}: {fault}") from None


def _unpack(wheel: zipfile.ZipFile, library: Path, left: list[int]) -> None:
    for entry in wheel.infolist():
        parts = PurePosixPath(entry.filename).parts
        if entry.is_dir() or not parts:
            continue
        if entry.filename.startswith("/") or ".." in parts or "\\" in entry.filename:
            raise BadBundle(f"{entry.filename!r} leads out of its wheel")
        if stat.S_ISLNK(entry.external_attr >> 16):
            raise BadBundle(f"{entry.filename!r} is a link")
        if parts[0].endswith(".data"):
            # Only what belongs on the path; scripts and headers are no part of a box's program.
            if len(parts) < 3 or parts[1] not in ("purelib", "platlib"):
                continue
            parts = parts[2:]
        left[0] -= entry.file_size
        left[1] -= 1
        if min(left) < 0:
            raise BadBundle(f"unpacked it has more than {UNPACKED_BYTES_MAX} bytes or {UNPACKED_FILES_MAX} files")
        target = library.joinpath(*parts)
        target.parent.mkdir(parents=True, exist_ok=True)
        with wheel.open(entry) as source, target.open("xb") as copy:
            _copy(source, copy, entry.file_size)


def _copy(source: IO[bytes], copy: IO[bytes], size: int) -> None:
    while piece := source.read(PIECE_BYTES):
        size -= len(piece)
        if size < 0:
            raise BadBundle("a file is longer than its archive says")
        copy.write(piece)


def _flush(folder: Path) -> None:
    """Let all of it be on the disk before it gets its name."""
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
    os.sync()
