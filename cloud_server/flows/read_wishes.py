"""Readings that somebody wants now: kept in memory until the box is told, and the pace of a whole site that returns."""

import threading
from collections import defaultdict
from typing import Final

from cloud_server.core.limits import READ_WISH_LASTS_MS
from cloud_server.ports import WallClock

BUSY_EXCHANGES: Final = 16
"""Exchanges under way at once beyond which boxes are asked to come slower: the books take one writer at a time, and
sixteen that wait for it are a second or two on a small machine."""
SLOWER_STEP_S: Final = 2
SLOWER_MAX_S: Final = 30


class ReadWishes:
    """Which meters of which box somebody pressed *read* for. Thread-safe; a wish that reached nobody is forgotten."""

    def __init__(self, clock: WallClock) -> None:
        self._clock = clock
        self._lock = threading.Lock()
        self._wanted: dict[str, dict[str, int]] = defaultdict(dict)

    def want(self, box: str, meter: str) -> None:
        """Somebody wants a reading of this meter now."""
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
    """How many exchanges are under way: when a whole site returns, boxes are asked to come slower."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._count = 0

    def __enter__(self) -> None:
        with self._lock:
            self._count += 1

    def __exit__(self, *_: object) -> None:
        with self._lock:
            self._count -= 1

    def retry_after_s(self) -> int | None:
        """After how many seconds a box should come again; None where there is no crowd."""
        with self._lock:
            above = self._count - BUSY_EXCHANGES
        return min(SLOWER_MAX_S, SLOWER_STEP_S * (1 + above // BUSY_EXCHANGES)) if above > 0 else None
