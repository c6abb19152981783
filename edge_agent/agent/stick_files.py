"""The files of one stick, touched with care: regular files in its own folder, by handles that no link leads astray.

What is on a stick was written by strangers, and it may be pulled out at any moment. Nothing is carried out, nothing is
followed, nothing is read without a bound; what is written is whole or not there.
"""

import contextlib
import errno
import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Final

from protocol.courier import STICK_FOLDER

FILES_MAX: Final = 500
"""Names looked at in a stick's folder; a year of courier files of a whole site is fewer."""
FILE_MODE: Final = 0o644
"""A stick of a file system with owners is read by another computer."""
_FOLDER_FLAGS: Final = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
_READ_FLAGS: Final = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
_WRITE_FLAGS: Final = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
_MOUNTS: Final = Path("/proc/self/mountinfo")


@dataclass(frozen=True, slots=True)
class Seen:
    """A file as it lay there: when any of it differs at the next look, it is still being written, or another one."""

    name: str
    size: int
    changed_ns: int
    inode: int


class StickFolder:
    """The folder `tallybox` of one stick, held open. Every call may raise OSError: pulled out, full, read-only."""

    def __init__(self, descriptor: int) -> None:
        self._descriptor = descriptor
        self._device = os.fstat(descriptor).st_dev

    def files(self) -> list[Seen]:
        """Regular files of the stick itself, by name; links, pipes, folders and what is mounted there are not seen."""
        found = []
        with os.scandir(self._descriptor) as entries:
            for number, entry in enumerate(entries):
                if number >= FILES_MAX:
                    break
                told = entry.stat(follow_symlinks=False)
                if stat.S_ISREG(told.st_mode) and told.st_dev == self._device:
                    found.append(Seen(entry.name, told.st_size, told.st_mtime_ns, told.st_ino))
        return sorted(found, key=lambda seen: seen.name)

    def read(self, name: str, bytes_max: int) -> bytes | None:
        """A file's bytes; None where it is longer than it may be, or no regular file of this stick."""
        descriptor = os.open(name, _READ_FLAGS, dir_fd=self._descriptor)
        with os.fdopen(descriptor, "rb") as file:
            told = os.fstat(descriptor)
            if not stat.S_ISREG(told.st_mode) or told.st_dev != self._device or told.st_size > bytes_max:
                return None
            body = file.read(bytes_max + 1)
        return None if len(body) > bytes_max else body

    def copy_out(self, name: str, to: Path, bytes_max: int) -> bool:
        """Copy a file off the stick, piece by piece; False where it is longer than it may be, or no regular file."""
        descriptor = os.open(name, _READ_FLAGS, dir_fd=self._descriptor)
        with os.fdopen(descriptor, "rb") as file:
            told = os.fstat(descriptor)
            if not stat.S_ISREG(told.st_mode) or told.st_dev != self._device or told.st_size > bytes_max:
                return False
            with to.open("wb") as copy:
                left = bytes_max
                while piece := file.read(min(1024 * 1024, left + 1)):
                    left -= len(piece)
                    if left < 0:
                        return False
                    copy.write(piece)
        return True

    def write(self, name: str, body: bytes) -> None:
        """Put a file in place, whole and on the stick when this returns."""
        part = f"{name}.part"
        with contextlib.suppress(FileNotFoundError):
            os.unlink(part, dir_fd=self._descriptor)
        descriptor = os.open(part, _WRITE_FLAGS, FILE_MODE, dir_fd=self._descriptor)
        try:
            with os.fdopen(descriptor, "wb") as file:
                file.write(body)
                file.flush()
                os.fsync(descriptor)
            os.replace(part, name, src_dir_fd=self._descriptor, dst_dir_fd=self._descriptor)
        except OSError:
            with contextlib.suppress(OSError):
                os.unlink(part, dir_fd=self._descriptor)
            raise
        os.fsync(self._descriptor)

    def remove(self, name: str) -> None:
        """Take a file away that is there no more need for."""
        with contextlib.suppress(FileNotFoundError):
            os.unlink(name, dir_fd=self._descriptor)


@contextmanager
def open_stick(root: Path) -> Iterator[StickFolder | None]:
    """The folder of a stick, or None where it has none. Raises OSError where the stick cannot be read."""
    try:
        descriptor = os.open(root / STICK_FOLDER, _FOLDER_FLAGS)
    except (FileNotFoundError, NotADirectoryError):
        yield None
        return
    except OSError as fault:
        if fault.errno == errno.ELOOP:
            # The folder is a link, which leads anywhere.
            yield None
            return
        raise
    try:
        yield StickFolder(descriptor)
    finally:
        os.close(descriptor)


def sticks_below(folders: tuple[Path, ...]) -> list[Path]:
    """What is mounted below these folders, and these themselves where they hold a stick's folder of their own."""
    mounted = set(_mount_points())
    found = [folder for folder in folders if _holds_folder(folder) and folder / STICK_FOLDER not in mounted]
    found += [point for point in mounted if any(folder in point.parents for folder in folders)]
    return sorted(found)


def _holds_folder(folder: Path) -> bool:
    try:
        return stat.S_ISDIR((folder / STICK_FOLDER).lstat().st_mode)
    except OSError:
        return False


def _mount_points() -> tuple[Path, ...]:
    """Where file systems are mounted, as this process sees them (man 5 proc: mountinfo; field 5, escaped in octal)."""
    try:
        return _points_of(_MOUNTS.read_text(encoding="utf-8", errors="surrogateescape"))
    except OSError:
        return ()


@lru_cache(maxsize=1)
def _points_of(text: str) -> tuple[Path, ...]:
    """The last answer is kept: a path interns each of its parts, and twenty that come and go every two seconds make
    Python's table of such strings twice as large, a mebibyte, within the hour."""
    fields = (line.split(" ") for line in text.splitlines())
    return tuple(Path(_unescaped(field[4])) for field in fields if len(field) > 4)


def _unescaped(text: str) -> str:
    for code, character in (("\\040", " "), ("\\011", "\t"), ("\\012", "\n"), ("\\134", "\\")):
        text = text.replace(code, character)
    return text
