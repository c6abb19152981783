"""The journal: every signed line of the centre in one file on another disk, flushed before anything is shown.

Only appends. Which lines are in it for certain is marked in the database by whoever calls `append`.
"""

import fcntl
import os
import threading
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Final

from cloud_server.ports import JournalFault
from protocol.limits import LINE_BYTES_MAX

FILE_NAME: Final = "centre.lines"
FILE_MODE: Final = 0o600


class JournalFile:
    """One file a host, for all processes on it. Thread-safe; the file is opened at the first append and stays open."""

    def __init__(self, folder: Path, name: str = FILE_NAME) -> None:
        self.path = folder / name
        self._lock = threading.Lock()
        self._descriptor: int | None = None

    def append(self, lines: Iterable[bytes]) -> int:
        """Append lines and flush them to the disk; the file's length after it, in bytes. Raises JournalFault.

        After a fault the descriptor is given up: a failed flush may have dropped pages that a second flush of the same
        descriptor would call safe.
        """
        with self._lock:
            try:
                descriptor = self._open()
                fcntl.flock(descriptor, fcntl.LOCK_EX)
                _end_torn_line(descriptor)
                _write_all(descriptor, b"".join(line + b"\n" for line in lines))
                os.fsync(descriptor)
                length = os.fstat(descriptor).st_size
                fcntl.flock(descriptor, fcntl.LOCK_UN)
                return length
            except OSError as fault:
                self._give_up()
                raise JournalFault(f"{self.path}: {fault.strerror or fault}") from None

    def lines(self) -> Iterator[bytes]:
        """Every line of the file, in its order. Raises JournalFault."""
        try:
            with self.path.open("rb") as file:
                for raw in file:
                    if raw.strip():
                        yield raw.strip()
        except FileNotFoundError:
            return
        except OSError as fault:
            raise JournalFault(f"{self.path}: {fault.strerror or fault}") from None

    def line_behind(self, offset: int) -> bytes | None:
        """The first whole line that begins at or behind an offset; None where there is none. Raises JournalFault."""
        try:
            with self.path.open("rb") as file:
                file.seek(offset)
                raw = file.readline(LINE_BYTES_MAX + 1)
        except OSError as fault:
            raise JournalFault(f"{self.path}: {fault.strerror or fault}") from None
        return raw.strip() if raw.endswith(b"\n") and raw.strip() else None

    def length(self) -> int | None:
        """Bytes in the file, or None where there is no file. Raises JournalFault."""
        try:
            return self.path.stat().st_size
        except FileNotFoundError:
            return None
        except OSError as fault:
            raise JournalFault(f"{self.path}: {fault.strerror or fault}") from None

    def close(self) -> None:
        """Close the file."""
        with self._lock:
            self._give_up()

    def _open(self) -> int:
        if self._descriptor is not None:
            return self._descriptor
        self.path.parent.mkdir(parents=True, exist_ok=True)
        is_new = not self.path.exists()
        self._descriptor = os.open(self.path, os.O_RDWR | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC, FILE_MODE)
        if is_new:
            folder = os.open(self.path.parent, os.O_RDONLY)
            try:
                os.fsync(folder)
            finally:
                os.close(folder)
        return self._descriptor

    def _give_up(self) -> None:
        if self._descriptor is not None:
            os.close(self._descriptor)
            self._descriptor = None


def _end_torn_line(descriptor: int) -> None:
    """A line that a crash cut short is ended, so that the next one begins at its own beginning."""
    size = os.fstat(descriptor).st_size
    if size and os.pread(descriptor, 1, size - 1) != b"\n":
        _write_all(descriptor, b"\n")


def _write_all(descriptor: int, data: bytes) -> None:
    view = memoryview(data)
    while view:
        view = view[os.write(descriptor, view) :]
