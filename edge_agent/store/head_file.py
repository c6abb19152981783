"""The head of the store in a small file beside it: what tells that the database has lost its tail.

Written after each commit: a file that is behind was interrupted and is caught up, one that is ahead means loss.
"""

import json
import os
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True)
class StoreHead:
    """The newest commit: the epoch it belongs to, its number (counts up for the life of the store), its hash."""

    epoch: int
    seq: int
    hash: str


class HeadUnreadable(Exception):
    """The file is there and cannot be understood."""


def read_head(path: Path) -> StoreHead | None:
    """The head as it was last flushed, or None where there is no file. Raises HeadUnreadable."""
    try:
        text = path.read_text(encoding="ascii")
    except FileNotFoundError:
        return None
    except (OSError, UnicodeDecodeError) as fault:
        raise HeadUnreadable(f"{path.name}: {fault}") from None
    try:
        found = json.loads(text)
        return StoreHead(int(found["epoch"]), int(found["seq"]), str(found["hash"]))
    except (ValueError, KeyError, TypeError) as fault:
        raise HeadUnreadable(f"{path.name} holds {text[:80]!r}: {fault!r}") from None


def write_head(path: Path, head: StoreHead) -> None:
    """Put the head in place of the former one, flushed: after a power cut there is the old or the new, never half."""
    beside = path.with_suffix(".new")
    body = json.dumps({"epoch": head.epoch, "seq": head.seq, "hash": head.hash}).encode("ascii")
    descriptor = os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o600)
    try:
        os.write(descriptor, body)
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
    beside.replace(path)
    flush_folder(path.parent)


def flush_folder(folder: Path) -> None:
    """Make renames in a folder outlive the power."""
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
