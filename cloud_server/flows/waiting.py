"""Those who wait: boxes that hold a request open, and pages that want to know of changes. Called from any thread.

A waiter is made before one looks, so that nothing which happens in between is missed.
"""

import asyncio
import threading
from collections.abc import Iterable
from types import TracebackType
from typing import Self

from cloud_server.core.limits import LOOK_LASTS_MS
from cloud_server.ports import LiveMeter, WakeUp, WallClock


class _Bell:
    """One waiter on one event loop; rung from any thread."""

    def __init__(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._event = asyncio.Event()

    def ring(self) -> None:
        if not self._loop.is_closed():
            self._loop.call_soon_threadsafe(self._event.set)

    async def rung(self, timeout_s: float) -> bool:
        """True when rung, False when the time is over."""
        try:
            await asyncio.wait_for(self._event.wait(), timeout_s)
        except TimeoutError:
            return False
        return True


class BoxBells:
    """Which boxes hold a request open; satisfies `ports.WakeUp`. Of two requests of one box the newest is held."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._bells: dict[str, _Bell] = {}
        self._closed = False

    def wake(self, box: str) -> None:
        """There is something for this box."""
        with self._lock:
            bell = self._bells.get(box)
        if bell is not None:
            bell.ring()

    def wake_all(self) -> None:
        """There is something for every box."""
        with self._lock:
            bells = list(self._bells.values())
        for bell in bells:
            bell.ring()

    def listening(self, box: str) -> bool:
        """Whether the box holds a request open now."""
        with self._lock:
            return box in self._bells

    def close(self) -> None:
        """Let all go, and hold nobody any more: the program ends."""
        self._closed = True
        self.wake_all()

    def hold(self, box: str) -> "HeldRequest":
        """Begin to hold a request of this box; an older one that is still held is let go."""
        return HeldRequest(self, box)

    def enter(self, box: str, bell: _Bell) -> None:
        """Called by `HeldRequest`."""
        with self._lock:
            older = self._bells.get(box)
            self._bells[box] = bell
        if older is not None:
            older.ring()
        if self._closed:
            bell.ring()

    def leave(self, box: str, bell: _Bell) -> None:
        """Called by `HeldRequest`."""
        with self._lock:
            if self._bells.get(box) is bell:
                del self._bells[box]


class HeldRequest:
    """A request that is held open, as a context."""

    def __init__(self, bells: BoxBells, box: str) -> None:
        self._bells = bells
        self._box = box
        self._bell = _Bell()

    def __enter__(self) -> Self:
        self._bells.enter(self._box, self._bell)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, fault: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._bells.leave(self._box, self._bell)

    async def woken(self, timeout_s: float) -> bool:
        """True when there is something, or a newer request took this one's place; False when the time is over."""
        return await self._bell.rung(timeout_s)


class LiveRoom:
    """Live values in memory and the number of the newest change; satisfies `ports.LiveBoard` and `ports.LiveFeed`."""

    def __init__(self, clock: WallClock, boxes: WakeUp) -> None:
        self._clock = clock
        self._boxes = boxes
        self._lock = threading.Lock()
        self._values: dict[str, LiveMeter] = {}
        self._number = 0
        self._wanted_until_ms = 0
        self._bells: set[_Bell] = set()

    def show(self, values: Iterable[LiveMeter]) -> None:
        """Take what boxes sent. What is heard last counts, whatever a box's clock says: it may have been put right."""
        with self._lock:
            self._values.update({value.meter: value for value in values})
        self.changed()

    def values(self) -> dict[str, LiveMeter]:
        """The newest value of each meter."""
        with self._lock:
            return dict(self._values)

    def wanted_until_ms(self) -> int:
        """Until when somebody looks; 0 where nobody does."""
        now_ms = self._clock.wall_ms()
        with self._lock:
            return self._wanted_until_ms if self._wanted_until_ms > now_ms else 0

    def changed(self) -> None:
        """Something that pages show has changed."""
        with self._lock:
            self._number += 1
            bells = list(self._bells)
        for bell in bells:
            bell.ring()

    def number(self) -> int:
        """The number of the newest change."""
        with self._lock:
            return self._number

    async def wait(self, after: int, timeout_s: float) -> int:
        """Return the newest number once it is above `after`, or when the time is over."""
        bell = _Bell()
        with self._lock:
            self._bells.add(bell)
            number = self._number
        try:
            if number <= after:
                await bell.rung(timeout_s)
        finally:
            with self._lock:
                self._bells.discard(bell)
        return self.number()

    def look(self) -> None:
        """Somebody looks: boxes that were not asked for live values learn it at once."""
        now_ms = self._clock.wall_ms()
        with self._lock:
            is_new = self._wanted_until_ms <= now_ms
            self._wanted_until_ms = now_ms + LOOK_LASTS_MS
        if is_new:
            self._boxes.wake_all()
