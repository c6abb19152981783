"""The one thread that owns state and store: takes a message, lets it have its effect, seals, asks the centre.

Everything that happens on a box goes through `Owner.take`, one message after another. No locks, no other writer.
"""

import logging
import queue
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Final

from edge_agent.agent.boundaries import Boundaries
from edge_agent.agent.buses import Buses
from edge_agent.agent.requests import answer_request
from edge_agent.agent.signs_of_life import SignsOfLife
from edge_agent.agent.worker_deaths import WorkerDeaths
from edge_agent.core.limits import BoxLimits
from edge_agent.core.link_watch import judge_link
from edge_agent.core.meeting import tick
from edge_agent.core.protection import may_be_kept_closed
from edge_agent.core.timekeeping import judge_clock
from edge_agent.flows.box import Box
from edge_agent.flows.daily_meters import visit_meters
from edge_agent.flows.guard_test import GuardTest
from edge_agent.flows.keep_room import RoomKeeper
from edge_agent.flows.poll_meters import Polling
from edge_agent.flows.relay_test import RelayTest
from edge_agent.flows.seal_batches import Sealing, seal_pending
from edge_agent.flows.synchronise import Synchroniser
from edge_agent.flows.watch_clock import ClockWatch
from edge_agent.health import RunMarks, Watchdog
from edge_agent.ports import (
    BoundaryDone,
    BusReport,
    Disk,
    ExchangeAnswered,
    ExchangeFailed,
    ExchangeReport,
    LocalRequest,
    PrepaidReport,
    RelayReport,
    StoreFull,
    WorkerDied,
)
from edge_agent.schedule import BoundaryDue, Due, HousekeepingDue, Schedule, SetClocksDue
from protocol.limits import RECORDS_MAX

SECOND_MS: Final = 1_000
SEAL_PAUSE_MS: Final = 200
"""Urgent things within this time of each other share a batch: a street that comes back does not make hundreds."""
LAST_WORDS_MS: Final = 1_500
"""At the end, how long to wait for the centre to take what was sealed last."""

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class FromBus:
    """A report with the id of its bus."""

    bus_id: str
    report: BusReport


@dataclass(frozen=True, slots=True)
class Stop:
    """The service manager or a person wants the agent to end."""


@dataclass(frozen=True, slots=True)
class Errand:
    """Something that another thread found, to be done on this one."""

    do: Callable[[], None]


Message = FromBus | ExchangeReport | Due | LocalRequest | Errand | Stop
_STILL_COUNTS: Final = (FromBus, ExchangeAnswered, ExchangeFailed)


@dataclass(slots=True)
class Owner:
    """The owner thread's own view of everything that runs."""

    box: Box
    buses: Buses
    polling: Polling
    sealing: Sealing
    sync: Synchroniser
    schedule: Schedule
    inbox: "queue.SimpleQueue[Message]"
    marks: RunMarks
    watchdog: Watchdog
    tests: list[RelayTest | GuardTest] = field(default_factory=list)
    disk: Disk | None = None
    note_protected: Callable[[tuple[str, ...]], None] = lambda _: None
    """Keeps the meters that may be closed without the store where the next run finds them."""
    _protected: tuple[str, ...] | None = None
    local_limits: BoxLimits = field(default_factory=BoxLimits)
    """As `box.toml` says; the root's may be tighter."""
    upgrade: Callable[[str, Callable[[dict[str, Any]], None]], None] | None = None
    """Given a bundle's path and whom to tell: begins an upgrade; what comes of it is told later."""
    upgrade_fault: str | None = None
    """Why the version that the centre ordered does not run, once it was tried."""
    successor: str | None = None
    """The version of the program that this process becomes when it ends."""
    minders: list[Callable[[], None]] = field(default_factory=list)
    """What else is looked at once a second: the certificate, the stick."""
    deaths: WorkerDeaths = field(default_factory=WorkerDeaths)
    failed: str | None = None
    """Why the agent cannot go on and has to be started again."""
    clock_watch: ClockWatch = field(init=False)
    room: RoomKeeper = field(init=False)
    boundaries: Boundaries = field(init=False)
    signs: SignsOfLife = field(init=False)
    _second_at: int = 0
    _sealed_at: int = -SEAL_PAUSE_MS

    def __post_init__(self) -> None:
        self.clock_watch = self.sync.clock_watch
        self.signs = SignsOfLife(self.buses, self.sync.uplink, self.marks, self.watchdog)
        self.boundaries = Boundaries(self.box, self.buses, self.polling, self.schedule)
        self.clock_watch.stepped = self.boundaries.set_schedule
        self.room = RoomKeeper(self.box, self.disk)

    # --- the loop -----------------------------------------------------------------------------------------------

    def run(self) -> None:
        """Take messages until one says stop."""
        self.boundaries.follow_place()
        self.watchdog.tell("READY=1")
        while True:
            message = self._next(self._wait_ms())
            if isinstance(message, Stop):
                return
            self._guarded(message)

    def _next(self, wait_ms: int) -> Message | None:
        try:
            return self.inbox.get(timeout=max(wait_ms, 0) / 1_000)
        except queue.Empty:
            return None

    def _wait_ms(self) -> int:
        now = self.box.clock.mono_ms()
        due = [self._second_at]
        exchange_at = self.sync.next_due()
        if exchange_at is not None:
            due.append(exchange_at)
        if self.box.urgent and self.sealing.allowed(now):
            due.append(self._sealed_at + SEAL_PAUSE_MS)
        return min(due) - now

    def _guarded(self, message: Message | None) -> None:
        """One message and what follows from it. Each part stands alone: a full disk stops none of the others."""
        if message is not None:
            self._with_room(self.clock_watch.look)
            self._with_room(lambda: self.take(message))
        if self.box.clock.mono_ms() >= self._second_at:
            self._second_at = self.box.clock.mono_ms() + SECOND_MS
            for part in (
                self._flush,
                self._watch_clock,
                self._judge,
                self.boundaries.look,
                self._seal_full,
                lambda: self.signs.show(self.box.clock.mono_ms()),
                self.room.look,
                *self.minders,
            ):
                self._with_room(part)
        self._with_room(self._seal_urgent)
        self._with_room(self.sync.pulse)

    def _with_room(self, part: Callable[[], None]) -> None:
        """Do one part. What a store without room could not keep comes again: levels, readings, commands."""
        try:
            part()
        except StoreFull as fault:
            self.room.failed(fault)

    def take(self, message: Message) -> None:
        """Let one message have its effect."""
        match message:
            case FromBus(bus_id=bus_id, report=report):
                self._from_bus(bus_id, report)
            case ExchangeAnswered():
                self.sync.answered(message)
            case ExchangeFailed():
                self.sync.failed(message)
            case Errand(do=do):
                do()
            case LocalRequest():
                answer_request(self, message)
            case BoundaryDue(at_ms=at_ms):
                self.boundaries.begin(at_ms)
            case HousekeepingDue():
                self.room.thin_out()
            case SetClocksDue():
                visit_meters(self.box)
            case Stop():
                pass

    def _from_bus(self, bus_id: str, report: BusReport) -> None:
        self.polling.take(bus_id, report)
        if isinstance(report, WorkerDied):
            self._worker_died(bus_id, report)
        for test in self.tests:
            if isinstance(report, (RelayReport, PrepaidReport)):
                test.take(report)
            elif isinstance(test, RelayTest):
                test.look()
        if isinstance(report, BoundaryDone):
            self.boundaries.bus_done(bus_id, report.at_ms)

    def _worker_died(self, bus_id: str, report: WorkerDied) -> None:
        """A bus is never left without a worker: another one is begun, and with many deaths the whole agent."""
        log.critical("worker_died", extra={"fields": {"bus": report.bus, "trace": report.trace}})
        self.failed = self.deaths.too_many(report)
        if self.failed is not None:
            self.inbox.put(Stop())
            return
        self.buses.begin_anew(bus_id, self.box.place)
        self.box.buses = self.buses.workers

    def _seal_urgent(self) -> None:
        now = self.box.clock.mono_ms()
        if self.box.urgent and now >= self._sealed_at + SEAL_PAUSE_MS:
            self._sealed_at = now
            if seal_pending(self.box, self.sealing):
                self.sync.wake()

    # --- time ---------------------------------------------------------------------------------------------------

    def _flush(self) -> None:
        """Commit what has waited for company long enough."""
        self.box.flush(due_only=True)

    def _judge(self) -> None:
        """Modes that end, closings that wait, orders to be given again; alarms about the centre; tests without end."""
        self.box.take(tick(self.box.place, self.box.state, self.box.now()))
        self.box.take(judge_link(self.box.place, self.box.state.marks, self.sync.current_at, self.box.now()))
        self._note_protected()
        self.polling.guards.pulse()
        for test in self.tests:
            test.pulse()
        self.tests = [test for test in self.tests if test.running]

    def _note_protected(self) -> None:
        """Write down, beside the store, which relays may be kept closed should it be lost."""
        meters = may_be_kept_closed(self.box.place, self.box.state)
        if meters != self._protected:
            try:
                self.note_protected(meters)
                self._protected = meters
            except OSError as fault:
                log.warning("protect_file_not_written", extra={"fields": {"reason": str(fault)}})

    def _seal_full(self) -> None:
        """A full list of records is sealed, whatever it holds."""
        if self.sealing.allowed(self.box.clock.mono_ms()) and self.box.store.pending_count() >= RECORDS_MAX:
            self.box.urgent = True

    def _watch_clock(self) -> None:
        """Follow a clock that is believed; alarms say what is not."""
        self.clock_watch.look()
        now = self.box.now()
        self.box.trust = self.box.trust.followed(now)
        self.box.take(judge_clock(self.box.place, self.box.state.marks, now, self.sync.ahead_ms))

    # --- the end ------------------------------------------------------------------------------------------------

    def end(self) -> None:
        """Stop what runs, seal what is pending, give the centre a moment to take it, and say that this was tidy."""
        self.watchdog.tell("STOPPING=1")
        self.schedule.stop()
        self.buses.stop()
        self.box.buses = {}
        store, clock = self.box.store, self.box.clock
        until = clock.mono_ms() + LAST_WORDS_MS
        self._drain()
        self.box.flush()
        if seal_pending(self.box, self.sealing):
            self.sync.wake()
            self.sync.pulse()
        while self.sync.next_due() is None and store.first_unacknowledged() and clock.mono_ms() < until:
            message = self._next(until - clock.mono_ms())
            if isinstance(message, _STILL_COUNTS):
                self.take(message)
        self.sync.uplink.stop(1.0)
        self.marks.end("clean" if self.failed is None else "watchdog")
        log.info("stopped", extra={"fields": {"records_not_sealed": store.pending_count()}})

    def _drain(self) -> None:
        """What the buses and the centre said before the end still counts."""
        while (message := self._next(0)) is not None:
            if isinstance(message, _STILL_COUNTS):
                self.take(message)
