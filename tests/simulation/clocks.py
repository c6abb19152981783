"""Virtual time: one true time for the world, a clock of its own for each box, chance that a seed decides."""

import heapq
import itertools
import random
from collections.abc import Callable
from dataclasses import dataclass, field

from tests.fakes.centre_clock import NOON_MS

START_MS = NOON_MS


@dataclass(order=True)
class Coming:
    """Something to happen. `wait_ms`: how long it would wait of itself; None where it is bound to its instant."""

    at_ms: int
    number: int
    wait_ms: int | None = field(compare=False)
    what: Callable[[], None] = field(compare=False)


@dataclass
class Timeline:
    """The true time and what is to come. `grain_ms`: nothing is scheduled sooner than that, so that weeks pass fast."""

    now_ms: int = START_MS
    grain_ms: int = 0
    _heap: list[Coming] = field(default_factory=list)
    _numbers: "itertools.count[int]" = field(default_factory=itertools.count)

    def after(self, delay_ms: int, what: Callable[[], None], *, exact: bool = False) -> None:
        """Let something happen later: never sooner than the grain, unless it is bound to its instant (`exact`)."""
        wait_ms = max(delay_ms, 0)
        at_ms = self.now_ms + (wait_ms if exact else max(wait_ms, self.grain_ms))
        heapq.heappush(self._heap, Coming(at_ms, next(self._numbers), None if exact else wait_ms, what))

    def go_on(self, ms: int) -> None:
        """Let everything happen that is due within `ms`, in its order."""
        until = self.now_ms + ms
        while self._heap and self._heap[0].at_ms <= until:
            coming = heapq.heappop(self._heap)
            self.now_ms = max(self.now_ms, coming.at_ms)
            coming.what()
        self.now_ms = until

    def fine(self) -> None:
        """No grain any more: what waited for it alone happens as soon as it would have of itself."""
        self.grain_ms = 0
        for coming in self._heap:
            if coming.wait_ms is not None:
                coming.at_ms = min(coming.at_ms, self.now_ms + coming.wait_ms)
        heapq.heapify(self._heap)


@dataclass
class BoxClock:
    """The clocks of one machine; satisfies `edge_agent.ports.Clock`. The wall may be wrong, the monotonic one never."""

    time: Timeline
    false_by_ms: int = 0
    booted_at_ms: int = START_MS - 60_000

    def wall_ms(self) -> int:
        return max(0, self.time.now_ms + self.false_by_ms)

    def set_wall(self, at_ms: int) -> None:
        self.false_by_ms = at_ms - self.time.now_ms

    def mono_ms(self) -> int:
        return self.time.now_ms - self.booted_at_ms

    def mono_us(self) -> int:
        return self.mono_ms() * 1_000

    def pause_us(self, duration_us: int) -> None: ...

    def boot(self) -> None:
        """The machine starts anew."""
        self.booted_at_ms = self.time.now_ms - 20_000


@dataclass
class CentreClock:
    """The centre's clock is right; satisfies `cloud_server.ports.WallClock`."""

    time: Timeline

    def wall_ms(self) -> int:
        return self.time.now_ms


@dataclass
class SeededChance:
    """Bytes that a seed decides and that no restart repeats; satisfies `cloud_server.ports.Chance`."""

    source: random.Random

    def draw(self, count: int) -> bytes:
        return self.source.randbytes(count)
