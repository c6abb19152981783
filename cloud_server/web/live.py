"""What moves by itself: the monitor's changes, worked out once for everybody who looks, and the wire of an event.

A reader names the newest change it has (the event's id); it gets what is new since, or everything where that is too
long ago. So neither a reconnect nor a page from before a restart shows a mixture.
"""

import asyncio
import secrets
import threading
from collections import deque
from dataclasses import dataclass
from typing import Any, Final

import msgspec
from starlette.concurrency import run_in_threadpool

from cloud_server.core.views import BoxRow, Monitor, PointRow
from cloud_server.ports import Books, LiveFeed
from protocol.units import FEN_MICRO

HISTORY: Final = 300
"""Changes kept for readers that come back: some minutes of a busy site."""
REFRESH_S: Final = 5.0
"""Some states come about by time alone (a box that says nothing): look at least this often."""
SPACING_S: Final = 0.25
"""Least time between two events to one reader: faster than an eye, slower than a burst."""
HUBS_KEPT_MAX: Final = 64
"""Different parts of the site looked at at once; beyond, all begin anew, and pages draw themselves once more."""
STREAMS_MOST: Final = 400
"""Open streams of one process: 50 monitors and every other page of a large site, with room."""
STREAMS_OF_ONE: Final = 24
"""Open streams of one session: more tabs than anybody reads."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Snapshot:
    """The monitor at one change. `structure` changes when points come or go: then a page has to be drawn anew."""

    number: int
    structure: int
    monitor: Monitor
    rows: dict[str, tuple[Any, ...]]


class MonitorHub:
    """Looks at the site once for all readers."""

    def __init__(self, books: Books, feed: LiveFeed) -> None:
        self._books = books
        self.feed = feed
        self._run = secrets.token_hex(4)
        """Ids of another run of this program mean nothing here."""
        self._lock = threading.Lock()
        self._turn: asyncio.Lock | None = None
        self._snapshot: Snapshot | None = None
        self._feed_number = -1
        self._history: deque[tuple[int, frozenset[str]]] = deque(maxlen=HISTORY)

    def id_of(self, snapshot: Snapshot) -> str:
        """The event id of a snapshot; the structure is in it, so that an old page is told to draw itself anew."""
        return f"{self._run}-{snapshot.structure}-{snapshot.number}"

    def refresh(self) -> Snapshot:
        """The newest snapshot. Blocking: from a worker thread."""
        with self._lock:
            feed_number = self.feed.number()
            last = self._snapshot
            monitor = None if last is not None and feed_number == self._feed_number else self._books.monitor()
            if monitor is None and last is not None:
                return last
            assert monitor is not None
            self._feed_number = feed_number
            self._snapshot = self._next(last, monitor)
            return self._snapshot

    def look_again(self) -> Snapshot:
        """As `refresh`, but look although nothing was announced. Blocking."""
        with self._lock:
            self._feed_number = -1
        return self.refresh()

    def _next(self, last: Snapshot | None, monitor: Monitor) -> Snapshot:
        rows = {row.point: live_row(row) for row in monitor.points}
        if last is None:
            return Snapshot(number=1, structure=1, monitor=monitor, rows=rows)
        changed = frozenset(point for point, row in rows.items() if last.rows.get(point) != row)
        same = _skeleton(monitor) == _skeleton(last.monitor)
        number = last.number + 1
        self._history.append((number, changed))
        return Snapshot(
            number=number, structure=last.structure if same else last.structure + 1, monitor=monitor, rows=rows
        )

    async def newest(self, *, again: bool) -> Snapshot:
        """The newest snapshot, made once however many readers wake at the same moment."""
        if self._turn is None:
            self._turn = asyncio.Lock()
        async with self._turn:
            return await run_in_threadpool(self.look_again if again else self.refresh)

    def event_since(self, after: str, snapshot: Snapshot) -> bytes | None:
        """The event that brings a reader from `after` to the snapshot; None where there is nothing to tell."""
        run, structure, number = _parse_id(after)
        if run != self._run or structure != snapshot.structure:
            return make_event("anew", {"now": snapshot.monitor.as_of_ms}, self.id_of(snapshot))
        if number >= snapshot.number:
            return None
        with self._lock:
            known = {at: changed for at, changed in self._history if number < at <= snapshot.number}
        whole = len(known) < snapshot.number - number
        points = snapshot.rows.keys() if whole else frozenset().union(*known.values())
        body = {
            "now": snapshot.monitor.as_of_ms,
            "points": [snapshot.rows[point] for point in points if point in snapshot.rows],
            "boxes": [live_box(box) for building in snapshot.monitor.buildings for box in building.boxes],
        }
        return make_event("monitor", body, self.id_of(snapshot))


class MonitorHubs:
    """One hub for all who see the same part of the site; most see all of it."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._hubs: dict[int, MonitorHub] = {}

    def of(self, books: Books, feed: LiveFeed) -> MonitorHub:
        """The hub over these books."""
        with self._lock:
            if id(books) not in self._hubs and len(self._hubs) >= HUBS_KEPT_MAX:
                self._hubs.clear()
            return self._hubs.setdefault(id(books), MonitorHub(books, feed))


def live_row(row: PointRow) -> tuple[Any, ...]:
    """A supply point's moving values, in the order that `monitor.js` reads."""
    return (
        row.point,
        row.state,
        row.lost_with or "",
        row.badges,
        None if row.balance_micro is None else row.balance_micro // FEN_MICRO,
        row.balance_at_ms,
        row.relay,
        row.power_w,
        row.power_estimated,
        row.seen_at_ms,
    )


def live_box(box: BoxRow) -> tuple[Any, ...]:
    """A box's moving values, in the order that `monitor.js` reads."""
    return (
        box.box,
        box.lost_since_ms,
        box.seen_at_ms,
        box.waiting,
        [(bus.bus, bus.lost_since_ms) for bus in box.buses],
    )


def _skeleton(monitor: Monitor) -> tuple[Any, ...]:
    """What the page draws once: places and names."""
    points = tuple((row.point, row.number, row.name, row.customer, row.meter_number, row.bus) for row in monitor.points)
    boxes = tuple(
        (
            building.name,
            tuple((box.box, box.name, box.standing, box.recovering, len(box.buses)) for box in building.boxes),
        )
        for building in monitor.buildings
    )
    return points, boxes


def _parse_id(text: str) -> tuple[str, int, int]:
    parts = text.split("-")
    if len(parts) != 3 or not (parts[1].isdecimal() and parts[2].isdecimal()) or len(text) > 64:
        return "", 0, 0
    return parts[0], int(parts[1]), int(parts[2])


def make_event(name: str, body: Any, event_id: str = "") -> bytes:
    """One server-sent event (HTML standard, 9.2): its data is JSON on one line."""
    head = f"id: {event_id}\n" if event_id else ""
    return f"{head}event: {name}\ndata: ".encode() + msgspec.json.encode(body) + b"\n\n"


class StreamSlots:
    """Counts open streams, so that one browser gone wild cannot take all of them. Used in the event loop only."""

    def __init__(self) -> None:
        self._open: dict[str, int] = {}

    def take(self, session: str) -> bool:
        """Take a slot; False where there is none."""
        if sum(self._open.values()) >= STREAMS_MOST or self._open.get(session, 0) >= STREAMS_OF_ONE:
            return False
        self._open[session] = self._open.get(session, 0) + 1
        return True

    def give_back(self, session: str) -> None:
        """The stream has ended."""
        left = self._open[session] - 1
        if left:
            self._open[session] = left
        else:
            del self._open[session]
