"""The disk under the state directory, and a file of nothing on it that is given up when money needs the room."""

import logging
import os
import shutil
from pathlib import Path
from typing import Final

NAME: Final = "ballast"
BALLAST_BYTES: Final = 8 * 1024 * 1024
"""Room for some thousand commands with their records, WAL included."""

log = logging.getLogger(__name__)


class StateDisk:
    """The disk of one state directory. Implements `ports.Disk`."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._ballast = folder / NAME

    def free_bytes(self) -> int:
        """What an ordinary user may still write."""
        return shutil.disk_usage(self._folder).free

    def hold_ballast(self) -> bool:
        """Take the ballast's room where it is not held; whether it is held now. It is real room, not a sparse file."""
        if self._ballast.exists():
            return True
        beside = self._ballast.with_suffix(".new")
        try:
            descriptor = os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o600)
            try:
                os.posix_fallocate(descriptor, 0, BALLAST_BYTES)
            finally:
                os.close(descriptor)
            beside.replace(self._ballast)
        except OSError as fault:
            beside.unlink(missing_ok=True)
            log.warning("ballast_not_held", extra={"fields": {"reason": str(fault)}})
            return False
        return True

    def drop_ballast(self) -> bool:
        """Give the ballast's room back; whether there was any."""
        try:
            self._ballast.unlink()
        except OSError:
            return False
        return True
