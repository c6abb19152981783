"""Signs of life: the service manager's watchdog, how the last run ended, room on the disk.

Nothing is decided here; files and a datagram socket, no threads.
"""

import contextlib
import json
import os
import shutil
import socket
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Literal

Why = Literal["clean", "killed", "power", "watchdog", "upgrade"]
ALIVE_EVERY_MS: Final = 30_000
"""How often the sign of life is renewed: what `last_seen` is exact to."""
STALLED_AFTER_MS: Final = 60_000
"""A worker that has not moved for so long is stuck: the longest exchange lasts 55 s, but its loop stirs each second."""
_BOOT_ID: Final = Path("/proc/sys/kernel/random/boot_id")


def read_boot_id() -> str:
    """The machine's boot id as 32 hex digits."""
    return _BOOT_ID.read_text(encoding="ascii").strip().replace("-", "")


class Watchdog:
    """systemd's notify socket; silent where there is none (man 3 sd_notify)."""

    def __init__(self, address: str | None) -> None:
        self._address = None if not address else (f"\0{address[1:]}" if address.startswith("@") else address)

    def tell(self, words: str) -> None:
        """Send a notification, for example READY=1, WATCHDOG=1, STOPPING=1."""
        if self._address is None:
            return
        with contextlib.suppress(OSError), socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as sender:
            sender.sendto(words.encode(), self._address)


@dataclass(frozen=True, slots=True)
class EndOfLast:
    """How the run before this one ended, as well as can be told, and when it was last seen alive."""

    why: Why
    seen_ms: int


class RunMarks:
    """Files that tell the next run how this one ended: who ran since when, a sign of life, a tidy end."""

    def __init__(self, state_dir: Path) -> None:
        self._run = state_dir / "run.json"
        self._alive = state_dir / "alive"
        self._ended = state_dir / "ended"

    def end_of_last(self, boot_id: str, agent: str, now_ms: int) -> EndOfLast:
        """Look at what the last run left. Without any, this is the first: clean."""
        try:
            run = json.loads(self._run.read_bytes())
            seen_ms = self._alive.stat().st_mtime_ns // 1_000_000
        except (OSError, ValueError):
            return EndOfLast("clean", now_ms)
        ended = self._ended.read_text(encoding="ascii").strip() if self._ended.exists() else ""
        if ended == "watchdog":
            return EndOfLast("watchdog", seen_ms)
        if ended == "clean":
            return EndOfLast("clean" if run.get("agent") == agent else "upgrade", seen_ms)
        return EndOfLast("killed" if run.get("boot_id") == boot_id else "power", seen_ms)

    def begin(self, boot_id: str, agent: str) -> None:
        """This run has begun."""
        self._run.write_text(json.dumps({"boot_id": boot_id, "agent": agent, "pid": os.getpid()}), encoding="ascii")
        self._ended.unlink(missing_ok=True)
        self.alive()

    def alive(self) -> None:
        """Renew the sign of life: a time stamp, no content, so that flash wears little."""
        self._alive.touch()

    def end(self, how: Literal["clean", "watchdog"]) -> None:
        """Say how this run ends."""
        self.alive()
        self._ended.write_text(how, encoding="ascii")


def free_bytes(folder: Path) -> int:
    """Room left for an ordinary user on the disk that holds a folder."""
    return shutil.disk_usage(folder).free
