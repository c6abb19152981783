"""The meters that may be kept closed without the store, in a small file beside it: renamed and flushed."""

import json
import os
from pathlib import Path
from typing import Final

from edge_agent.store.head_file import flush_folder

NAME: Final = "protect.json"


def read_protected(folder: Path) -> tuple[str, ...]:
    """The meters, or none where the file is missing or cannot be understood: then relays stay as they are."""
    try:
        found = json.loads((folder / NAME).read_text(encoding="ascii"))
    except (OSError, ValueError):
        return ()
    meters = found.get("meters") if isinstance(found, dict) else None
    if not isinstance(meters, list) or not all(isinstance(meter, str) for meter in meters):
        return ()
    return tuple(meters)


def write_protected(folder: Path, meters: tuple[str, ...]) -> None:
    """Put the meters in place of the former ones. Raises OSError."""
    beside = folder / f"{NAME}.new"
    descriptor = os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o600)
    try:
        os.write(descriptor, json.dumps({"meters": meters}).encode("ascii"))
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
    beside.replace(folder / NAME)
    flush_folder(folder)
