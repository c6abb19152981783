"""The backup file: database, configuration and keys in one file, encrypted to a passphrase. Home of its cryptography.

The form: one line of JSON (what it is, how the key is derived), then pieces of a tar archive, each a length and an
AES-256-GCM ciphertext. A piece is bound to the header, to its number and to whether it is the last, so that nothing can
be cut off, exchanged or put in another file. The key comes from the passphrase by scrypt (RFC 7914).
"""

import io
import json
import os
import secrets
import sqlite3
import struct
import tarfile
from collections.abc import Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import BinaryIO, Final

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.kdf.scrypt import Scrypt

from cloud_server.ports.memory import BackupNotMade

FORMAT: Final = "tallybox-backup 1"
ENDING: Final = ".backup"
DATABASE_NAME: Final = "centre.db"
CONFIG_NAME: Final = "centre.toml"
SCRYPT_N: Final = 2**16
"""With r = 8 sixty-four MiB and a fifth of a second for each guess (RFC 7914, 2; OWASP Password Storage, scrypt)."""
SCRYPT_R: Final = 8
SCRYPT_P: Final = 1
SCRYPT_N_MAX: Final = 2**20
"""A header that asks for a gigabyte and more is none of ours."""
SALT_BYTES: Final = 16
PIECE_BYTES: Final = 1024 * 1024
HEADER_BYTES_MAX: Final = 4_096
FILE_MODE: Final = 0o600
PASSPHRASE_LEAST: Final = 12
"""The file lies on sticks and in offices: what guards it is the passphrase alone."""
_TAG_BYTES: Final = 16


class BackupFault(Exception):
    """A backup that cannot be made, or a file that cannot be used as one; the text says why."""


@dataclass(frozen=True, slots=True)
class Made:
    """A backup file as it was written."""

    path: Path
    size_bytes: int


def read_passphrase(path: Path) -> str:
    """The passphrase that a file holds. Raises BackupFault where it is missing, open to others, or too short."""
    try:
        mode = path.stat().st_mode
        text = path.read_text(encoding="utf-8").rstrip("\r\n")
    except (OSError, UnicodeDecodeError) as fault:
        raise BackupFault(f"{path}: {fault}") from None
    if mode & 0o077:
        raise BackupFault(f"{path}: others can read it; chmod 0400")
    if len(text) < PASSPHRASE_LEAST:
        raise BackupFault(f"{path}: {len(text)} characters; at least {PASSPHRASE_LEAST}")
    return text


def make_backup(to: Path, passphrase: str, database: Path | None, files: Sequence[tuple[str, Path]]) -> Made:
    """Write a backup of a SQLite database (as of one moment, while it is used) and of files under their names.

    The file is there whole or not at all. Raises BackupFault.
    """
    beside, copy = to.with_name(f"{to.name}.part"), to.with_name(f"{to.name}.db")
    try:
        to.parent.mkdir(parents=True, exist_ok=True)
        if database is not None:
            _copy_database(database, copy)
            files = (*files, (DATABASE_NAME, copy))
        with os.fdopen(os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, FILE_MODE), "wb") as out:
            writer = _Writer(out, passphrase)
            with tarfile.open(fileobj=writer, mode="w|", format=tarfile.PAX_FORMAT) as tar:  # type: ignore[call-overload]  # a stream needs write() alone
                for name, path in files:
                    tar.add(path, arcname=name, recursive=False)
            writer.finish()
            out.flush()
            os.fsync(out.fileno())
        beside.replace(to)
        _flush_folder(to.parent)
        return Made(to, to.stat().st_size)
    except (OSError, sqlite3.Error, tarfile.TarError) as fault:
        beside.unlink(missing_ok=True)
        raise BackupFault(f"{to}: {fault}") from None
    finally:
        copy.unlink(missing_ok=True)


def open_backup(path: Path, passphrase: str, into: Path) -> list[str]:
    """Decrypt a backup into an empty folder; the names of its files. Raises BackupFault with nothing half believed.

    A piece is written only after it was found whole; the folder is usable when this has returned.
    """
    try:
        with path.open("rb") as file:
            reader = _Reader(file, passphrase)
            with tarfile.open(fileobj=reader, mode="r|") as tar:
                names = []
                for member in tar:
                    if not member.isreg() or "/" in member.name.replace("keys/", "", 1) or ".." in member.name:
                        raise BackupFault(f"{path}: holds {member.name!r}, which no backup of ours does")
                    tar.extract(member, into, filter="data")
                    names.append(member.name)
            reader.drain()
            return names
    except (OSError, tarfile.TarError, ValueError) as fault:
        raise BackupFault(f"{path}: {fault}") from None


def _copy_database(database: Path, copy: Path) -> None:
    """SQLite's online backup: one moment, whoever writes meanwhile (sqlite.org/backup.html)."""
    os.close(os.open(copy, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, FILE_MODE))
    uri = f"{database.resolve().as_uri()}?mode=ro"
    with closing(sqlite3.connect(uri, uri=True)) as source, closing(sqlite3.connect(copy)) as target:
        source.backup(target)
        found = target.execute("PRAGMA integrity_check").fetchall()
        if found != [("ok",)]:
            raise BackupFault(f"{database}: the copy is damaged: {found[0][0]}")
        target.execute("PRAGMA journal_mode = DELETE")


def _flush_folder(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _key(passphrase: str, header: dict[str, object]) -> AESGCM:
    salt = bytes.fromhex(str(header["salt"]))
    n, r, p = int(str(header["n"])), int(str(header["r"])), int(str(header["p"]))
    if not (2 <= n <= SCRYPT_N_MAX and r == SCRYPT_R and p == SCRYPT_P):
        raise BackupFault(f"its key is derived with n = {n}, r = {r}, p = {p}; no backup of ours says so")
    return AESGCM(Scrypt(salt=salt, length=32, n=n, r=r, p=p).derive(passphrase.encode("utf-8")))


def _nonce(number: int, last: bool) -> bytes:
    """A number of its own for each piece of a file whose key is its own; the last one is marked (STREAM)."""
    return struct.pack(">7xIB", number, last)


class _Writer:
    """Cuts what is written into pieces and encrypts each."""

    def __init__(self, out: BinaryIO, passphrase: str) -> None:
        header = {"format": FORMAT, "salt": secrets.token_hex(SALT_BYTES), "n": SCRYPT_N, "r": SCRYPT_R, "p": SCRYPT_P}
        self._head = json.dumps(header).encode("ascii") + b"\n"
        self._key = _key(passphrase, header)
        self._out = out
        self._number = 0
        self._buffer = bytearray()
        out.write(self._head)

    def write(self, data: bytes) -> int:
        self._buffer += data
        while len(self._buffer) > PIECE_BYTES:
            self._piece(bytes(self._buffer[:PIECE_BYTES]), last=False)
            del self._buffer[:PIECE_BYTES]
        return len(data)

    def finish(self) -> None:
        self._piece(bytes(self._buffer), last=True)

    def _piece(self, data: bytes, *, last: bool) -> None:
        sealed = self._key.encrypt(_nonce(self._number, last), data, self._head)
        self._out.write(struct.pack(">IB", len(sealed), last) + sealed)
        self._number += 1


class _Reader(io.RawIOBase):
    """Gives the plain bytes of pieces, each checked before a byte of it is given."""

    def __init__(self, file: BinaryIO, passphrase: str) -> None:
        self._head = file.readline(HEADER_BYTES_MAX)
        try:
            header = json.loads(self._head)
            if header["format"] != FORMAT:
                raise BackupFault(f"says that it is {header['format']!r}; right would be {FORMAT!r}")
            key = _key(passphrase, header)
        except (ValueError, KeyError, TypeError):
            raise BackupFault("does not begin as a backup does") from None
        self._pieces = self._read_pieces(file, key)
        self._rest = b""

    def _read_pieces(self, file: BinaryIO, key: AESGCM) -> Iterator[bytes]:
        number, last = 0, False
        while not last:
            front = file.read(5)
            if len(front) != 5:
                raise BackupFault("ends before its last piece: the file was cut short")
            length, flag = struct.unpack(">IB", front)
            last = bool(flag)
            if length > PIECE_BYTES + _TAG_BYTES:
                raise BackupFault(f"piece {number} says that it has {length} bytes")
            try:
                yield key.decrypt(_nonce(number, last), file.read(length), self._head)
            except InvalidTag:
                first = "the passphrase is wrong, or the file was changed"
                raise BackupFault(first if number == 0 else f"piece {number} was changed") from None
            number += 1
        if file.read(1):
            raise BackupFault("something follows behind its last piece")

    def readable(self) -> bool:
        return True

    def read(self, size: int = -1) -> bytes:
        while size < 0 or len(self._rest) < size:
            piece = next(self._pieces, None)
            if piece is None:
                break
            self._rest += piece
        given, self._rest = (self._rest, b"") if size < 0 else (self._rest[:size], self._rest[size:])
        return given

    def drain(self) -> None:
        """Read on to the end, so that what was cut off or added is noticed."""
        while self.read(PIECE_BYTES):
            pass


@dataclass(frozen=True, slots=True)
class BackupFolder:
    """Satisfies `ports.memory.BackupMaker`: one file a backup in a folder, the newest of them kept."""

    folder: Path
    passphrase_file: Path
    keep: int
    database: Path | None
    files: tuple[tuple[str, Path], ...]
    code: str

    def make(self, now_ms: int) -> tuple[str, int]:
        """Write one and thin the folder out. Raises BackupNotMade."""
        at = datetime.fromtimestamp(now_ms / 1000, UTC).strftime("%Y%m%dT%H%M%SZ")
        try:
            passphrase = read_passphrase(self.passphrase_file)
            made = make_backup(
                self.folder / f"tallybox-{self.code}-{at}{ENDING}", passphrase, self.database, self.files
            )
        except BackupFault as fault:
            raise BackupNotMade(str(fault)) from None
        for old in sorted(self.folder.glob(f"tallybox-{self.code}-*{ENDING}"))[: -self.keep]:
            old.unlink(missing_ok=True)
        return str(made.path), made.size_bytes
