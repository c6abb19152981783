"""Who holds a serial port: found in /proc, so that a technician need not guess. Linux alone; reads, nothing else.

Two signs: the lock that a program takes on the device (seen for every process), and its open file (seen for our own
processes and by root). Where neither can be seen, nobody is named.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

PROC = Path("/proc")
WORDS_SHOWN = 4
"""Of a command line: `python3 -m edge_agent run`; what follows may be long, and is nobody's business."""


@dataclass(frozen=True, slots=True)
class Holder:
    """A process that holds a port, and the first words of its command line."""

    pid: int
    command: str

    def __str__(self) -> str:
        """For a person."""
        return f"{self.command} (process {self.pid})"


def holders(port: str, proc: Path = PROC) -> list[Holder]:
    """The processes that hold this port, but ours; empty where none can be seen."""
    try:
        device = Path(port).stat()
    except OSError:
        return []
    pids = {*_lockers(device, proc), *_openers(device, proc)} - {os.getpid()}
    return [Holder(pid, _command(pid, proc)) for pid in sorted(pids)]


def _lockers(device: os.stat_result, proc: Path) -> Iterator[int]:
    """Who has locked it: `1: FLOCK  ADVISORY  WRITE 4242 00:18:5 0 EOF` (man 5 proc)."""
    place = f"{os.major(device.st_dev):02x}:{os.minor(device.st_dev):02x}:{device.st_ino}"
    try:
        lines = (proc / "locks").read_text(encoding="ascii").splitlines()
    except (OSError, UnicodeDecodeError):
        return
    for line in lines:
        words = line.split()
        if place in words and "->" not in words:  # an arrow marks one that waits
            pid = words[words.index(place) - 1]
            if pid.isdecimal():
                yield int(pid)


def _openers(device: os.stat_result, proc: Path) -> Iterator[int]:
    """Who has it open, as far as we may look."""
    for folder in proc.iterdir():
        if not folder.name.isdecimal():
            continue
        try:
            opened = [link.stat() for link in (folder / "fd").iterdir()]
        except OSError:
            continue
        if any(one.st_rdev == device.st_rdev and one.st_ino == device.st_ino for one in opened):
            yield int(folder.name)


def _command(pid: int, proc: Path) -> str:
    try:
        words = (proc / str(pid) / "cmdline").read_bytes().split(b"\0")
        name = Path(words[0].decode(errors="replace")).name
        rest = [word.decode(errors="replace") for word in words[1:WORDS_SHOWN] if word]
    except OSError:
        return "a process that has just ended"
    return " ".join([name, *rest]) or "a process without a name"
