"""A clock that stands until it is told, and chance that repeats: for the centre's flows and pages."""

import hashlib

NOON_MS = 1_795_320_000_000
"""2026-11-22 12:00:00 in Asia/Shanghai."""


class FakeClock:
    """Wall time as a test says."""

    def __init__(self, now_ms: int = NOON_MS) -> None:
        self.now_ms = now_ms

    def wall_ms(self) -> int:
        return self.now_ms

    def advance(self, ms: int) -> None:
        self.now_ms += ms


class FakeChance:
    """Bytes that differ at each call and are the same in each run."""

    def __init__(self, seed: str = "chance") -> None:
        self._seed = seed
        self._drawn = 0

    def draw(self, count: int) -> bytes:
        self._drawn += 1
        return hashlib.shake_128(f"{self._seed} {self._drawn}".encode()).digest(count)
