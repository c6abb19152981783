"""Readings that somebody wants now: kept in memory until the box is told, and the pace of a whole site that returns."""

import threading
from collections import defaultdict
from collections.abc import Callable
from typing import Final

from cloud_server.core.limits import READ_WISH_LASTS_MS
from cloud_server.ports import WallClock

BUSY_EXCHANGES: Final = 16
"""Exchanges under way at once beyond which boxes are asked to come slower: the books take one writer at a time, and
sixteen that wait for it are a second or two on a small machine."""
SLOWER_STEP_S: Final = 2
SLOWER_MAX_S: Final = 30
LINE_MAX: Final = 1_000
"""Requests that stand in line for an exchange: served within the 30 s for which a box waits at fifty a second."""
LINE_BYTES_MAX: Final = 256 * 1024 * 1024
"""Their bodies as sent: 8 MiB each at most, and a box in a long line mostly brings a megabyte."""


def _tell_nobody(_word: str) -> None:
    """One process serves the whole centre."""


class ReadWishes:
    """Which meters of which box somebody pressed *read* for. Thread-safe; a wish that reached nobody is forgotten.

    Other processes are told by `tell`, which the wiring sets: the box's request may be held there.
    """

    def __init__(self, clock: WallClock) -> None:
        self.tell: Callable[[str], None] = _tell_nobody
        self._clock = clock
        self._lock = threading.Lock()
        self._wanted: dict[str, dict[str, int]] = defaultdict(dict)

    def want(self, box: str, meter: str) -> None:
        """Somebody wants a reading of this meter now."""
        self.note(box, meter)
        self.tell(f"read {box} {meter}")

    def note(self, box: str, meter: str) -> None:
        """Somebody wants it, here or at another process."""
        with self._lock:
            self._wanted[box][meter] = self._clock.wall_ms() + READ_WISH_LASTS_MS

    def waiting(self, box: str) -> bool:
        """Whether there is something to tell this box."""
        now_ms = self._clock.wall_ms()
        with self._lock:
            return any(ends_ms > now_ms for ends_ms in self._wanted.get(box, {}).values())

    def take(self, box: str) -> tuple[str, ...]:
        """The meters to read; they are told once."""
        now_ms = self._clock.wall_ms()
        with self._lock:
            wanted = self._wanted.pop(box, {})
        return tuple(sorted(meter for meter, ends_ms in wanted.items() if ends_ms > now_ms))


class Crowd:
    """Who stands in line for an exchange in this process: when a whole site returns, boxes are asked to come slower.

    Each process counts its own line, since it is its own threads that are waited for.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._count = 0
        self._bytes = 0

    def enter(self, size: int) -> bool:
        """Stand in line with a body of so many bytes; False where the line is too long."""
        with self._lock:
            if self._count >= LINE_MAX or (self._count and self._bytes + size > LINE_BYTES_MAX):
                return False
            self._count += 1
            self._bytes += size
            return True

    def leave(self, size: int) -> None:
        """The exchange is over, or given up."""
        with self._lock:
            self._count -= 1
            self._bytes -= size

    def retry_after_s(self) -> int | None:
        """After how many seconds a box should come again; None where there is no crowd."""
        with self._lock:
            above = self._count - BUSY_EXCHANGES
        return min(SLOWER_MAX_S, SLOWER_STEP_S * (1 + above // BUSY_EXCHANGES)) if above > 0 else None
