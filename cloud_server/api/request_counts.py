"""How many requests came, how they ended and how long they took: counted in memory for `/metrics`."""

import threading
from collections import defaultdict
from dataclasses import dataclass, field
from typing import Final

BOUNDS_S: Final = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 10.0, 30.0)
"""Upper bounds of the histogram. A box's held request takes up to 25 s, a sale tens of milliseconds."""


@dataclass
class Durations:
    """One histogram: how many were at most each bound (the last without one), and their sum."""

    counts: list[int] = field(default_factory=lambda: [0] * (len(BOUNDS_S) + 1))
    sum_s: float = 0.0


class RequestCounts:
    """Counted by the door, read by `/metrics`."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._ended: dict[tuple[str, str, int], int] = defaultdict(int)
        self._took: dict[str, Durations] = defaultdict(Durations)

    def note(self, method: str, route: str, status: int, took_s: float) -> None:
        """One request has ended. `route` is the address as it is written in code, never what a stranger typed."""
        place = next((i for i, bound in enumerate(BOUNDS_S) if took_s <= bound), len(BOUNDS_S))
        with self._lock:
            self._ended[method, route, status] += 1
            durations = self._took[route]
            durations.counts[place] += 1
            durations.sum_s += took_s

    def ended(self) -> dict[tuple[str, str, int], int]:
        """Requests by method, route and status."""
        with self._lock:
            return dict(self._ended)

    def took(self) -> dict[str, tuple[tuple[int, ...], float]]:
        """Counts by bound (each request in one of them) and sum of seconds, by route."""
        with self._lock:
            return {route: (tuple(one.counts), one.sum_s) for route, one in self._took.items()}
