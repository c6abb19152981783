"""Files that provisioning writes: whole or not at all, with the mode that their content asks for."""

import os
import secrets
from pathlib import Path
from typing import Final

SECRET_MODE: Final = 0o400
"""A key: its owner may read it, nobody may change it."""
PUBLIC_MODE: Final = 0o444
SETTINGS_MODE: Final = 0o600
"""What a person may edit, and may name a secret's place."""
FOLDER_MODE: Final = 0o700


def make_folder(folder: Path) -> None:
    """Make a folder that only its owner enters; an existing one stays as it is."""
    folder.mkdir(mode=FOLDER_MODE, parents=True, exist_ok=True)


def write_file(path: Path, content: bytes, mode: int) -> None:
    """Write a file through a flushed neighbour and a rename, so that a power cut leaves the old one or the new one."""
    neighbour = path.with_name(f".{path.name}.{secrets.token_hex(4)}")
    handle = os.open(neighbour, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode)
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(content)
            file.flush()
            os.fchmod(file.fileno(), mode)
            os.fsync(file.fileno())
        neighbour.replace(path)
    except BaseException:
        neighbour.unlink(missing_ok=True)
        raise
    folder = os.open(path.parent, os.O_RDONLY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)
