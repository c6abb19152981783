"""Those who wait: boxes that hold a request open, and pages that want to know of changes. Called from any thread.

A waiter is made before one looks, so that nothing which happens in between is missed. What happens here is told to
other processes of the centre as words, and `hear` does here what they tell.
"""

import asyncio
import threading
from collections.abc import Callable, Iterable, Sequence
from itertools import islice
from types import TracebackType
from typing import Final, Self

import msgspec

from cloud_server.core.limits import LOOK_LASTS_MS
from cloud_server.flows.read_wishes import ReadWishes
from cloud_server.ports import LiveMeter, WakeUp, WallClock

LIVE_METERS_A_WORD: Final = 10
"""A meter's live values are some 400 bytes at most, and a word between processes holds under 8000."""


LIVE_BOXES_MAX: Final = 200
"""Boxes that send live values to one process at once, a request every two seconds each: a tenth of a processor. Of the
others pages show the newest batch; a thousand at this pace would leave nothing for those who sell."""


def _tell_nobody(_word: str) -> None:
    """One process serves the whole centre."""


class _Bell:
    """One waiter on one event loop; rung from any thread."""

    def __init__(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._event = asyncio.Event()

    def ring(self) -> None:
        if not self._loop.is_closed():
            self._loop.call_soon_threadsafe(self._event.set)

    async def rung(self, timeout_s: float) -> bool:
        """True when rung since one waited last, False when the time is over."""
        try:
            async with asyncio.timeout(timeout_s):
                await self._event.wait()
        except TimeoutError:
            return False
        self._event.clear()
        return True


class BoxBells:
    """Which boxes hold a request open; satisfies `ports.WakeUp`. Of two requests of one box the newest is held."""

    def __init__(self, tell: Callable[[str], None] = _tell_nobody) -> None:
        self._tell = tell
        self._lock = threading.Lock()
        self._bells: dict[str, _Bell] = {}
        self._rings = 0
        self._rung: dict[str, int] = {}
        self._rung_all = 0
        self._closed = False

    def wake(self, box: str) -> None:
        """There is something for this box, whichever process holds its request."""
        self.ring(box)
        self._tell(f"wake {box}")

    def wake_some(self, most: int) -> None:
        """Wake some of those whose requests are held here."""
        with self._lock:
            bells = list(islice(self._bells.values(), most))
        for bell in bells:
            bell.ring()

    def ring(self, box: str) -> None:
        """Wake the box if its request is held here."""
        with self._lock:
            self._rings += 1
            self._rung[box] = self._rings
            bell = self._bells.get(box)
        if bell is not None:
            bell.ring()

    def ring_all(self) -> None:
        """Wake all whose requests are held here."""
        with self._lock:
            self._rings += 1
            self._rung_all = self._rings
            bells = list(self._bells.values())
        for bell in bells:
            bell.ring()

    def rings(self) -> int:
        """How often anything was rung: to be noted before one looks."""
        with self._lock:
            return self._rings

    def rung_since(self, box: str, rings: int) -> bool:
        """Whether this box was rung since so many rings were counted; if not, nothing can have come for it since."""
        with self._lock:
            return max(self._rung.get(box, 0), self._rung_all) > rings

    def listening(self, box: str) -> bool:
        """Whether the box holds a request open now."""
        with self._lock:
            return box in self._bells

    def close(self) -> None:
        """Let all go, and hold nobody any more: the program ends."""
        self._closed = True
        self.ring_all()

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

    def holds(self, box: str, bell: _Bell) -> bool:
        """Called by `HeldRequest`."""
        with self._lock:
            return self._bells.get(box) is bell and not self._closed

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

    @property
    def holds(self) -> bool:
        """False when a newer request took this one's place, or nobody is held any more."""
        return self._bells.holds(self._box, self._bell)

    def wake(self) -> None:
        """End the waiting of this request alone."""
        self._bell.ring()

    async def woken(self, timeout_s: float) -> bool:
        """True when there may be something for the box, or it is held no more; False when the time is over."""
        return await self._bell.rung(timeout_s)


class LiveRoom:
    """Live values in memory and the number of the newest change; satisfies `ports.LiveBoard` and `ports.LiveFeed`."""

    def __init__(self, clock: WallClock, boxes: WakeUp, tell: Callable[[str], None] = _tell_nobody) -> None:
        self._clock = clock
        self._boxes = boxes
        self._tell = tell
        self._lock = threading.Lock()
        self._values: dict[str, LiveMeter] = {}
        self._number = 0
        self._wanted_until_ms = 0
        self._invited: dict[str, int] = {}
        self._bells: set[_Bell] = set()
        self._closed = False

    def show(self, values: Iterable[LiveMeter]) -> None:
        """Take what boxes sent. What is heard last counts, whatever a box's clock says: it may have been put right."""
        shown = list(values)
        self.take(shown)
        for first in range(0, len(shown), LIVE_METERS_A_WORD):
            self._tell(f"live {msgspec.json.encode(shown[first : first + LIVE_METERS_A_WORD]).decode()}")

    def take(self, values: Sequence[LiveMeter]) -> None:
        """Take what boxes sent to this process or to another."""
        with self._lock:
            self._values.update({value.meter: value for value in values})
        self.ring()

    def values(self) -> dict[str, LiveMeter]:
        """The newest value of each meter."""
        with self._lock:
            return dict(self._values)

    def wanted_until_ms(self) -> int:
        """Until when somebody looks; 0 where nobody does."""
        now_ms = self._clock.wall_ms()
        with self._lock:
            return self._wanted_until_ms if self._wanted_until_ms > now_ms else 0

    def invite(self, box: str) -> int:
        """Until when this box is to send live values; 0 where nobody looks, or where there is no more room."""
        until_ms, now_ms = self.wanted_until_ms(), self._clock.wall_ms()
        with self._lock:
            if len(self._invited) >= LIVE_BOXES_MAX:
                self._invited = {one: ends_ms for one, ends_ms in self._invited.items() if ends_ms > now_ms}
            if not until_ms or (len(self._invited) >= LIVE_BOXES_MAX and box not in self._invited):
                return 0
            self._invited[box] = until_ms
        return until_ms

    def changed(self) -> None:
        """Something that pages show has changed."""
        self.ring()
        self._tell("changed")

    def ring(self) -> None:
        """Tell the pages that are watched here."""
        with self._lock:
            self._number += 1
            bells = list(self._bells)
        for bell in bells:
            bell.ring()

    def close(self) -> None:
        """Let all who watch go: the program ends."""
        self._closed = True
        self.ring()

    def is_closed(self) -> bool:
        """Whether the program ends: nobody is held any more, and who streams lets go."""
        return self._closed

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
            if number <= after and not self._closed:
                await bell.rung(timeout_s)
        finally:
            with self._lock:
                self._bells.discard(bell)
        return self.number()

    def look(self) -> None:
        """Somebody looks: boxes that were not asked for live values learn it at once, as many as there is room for."""
        until_ms = self._clock.wall_ms() + LOOK_LASTS_MS
        self.want(until_ms)
        self._tell(f"look {until_ms}")

    def want(self, until_ms: int) -> None:
        """Somebody looks, here or at another process, until an instant."""
        now_ms = self._clock.wall_ms()
        with self._lock:
            is_new = self._wanted_until_ms <= now_ms
            self._wanted_until_ms = max(self._wanted_until_ms, min(until_ms, now_ms + LOOK_LASTS_MS))
        if is_new:
            self._boxes.wake_some(LIVE_BOXES_MAX)


def hear(bells: BoxBells, live: LiveRoom, wishes: ReadWishes, word: str) -> None:
    """Do what another process told. Raises ValueError for a word that no process of this version tells."""
    kind, _, rest = word.partition(" ")
    match kind:
        case "wake" if rest == "*":
            bells.ring_all()
            live.ring()
        case "wake":
            bells.ring(rest)
        case "read":
            box, _, meter = rest.partition(" ")
            wishes.note(box, meter)
        case "changed":
            live.ring()
        case "look":
            live.want(int(rest))
        case "live":
            live.take(msgspec.json.decode(rest, type=list[LiveMeter]))
        case _:
            raise ValueError(f"unknown word {kind!r}")
