"""One box as a machine: the real loop of its owner thread over a real store, dead at any line, started again.

The loop is given its messages one by one, as its inbox would; what the agent's other threads do, the world does.
"""

import contextlib
import queue
import random
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from edge_agent.agent.buses import Buses
from edge_agent.agent.enrol import _keep as keep_enrolment
from edge_agent.agent.owner import FromBus, Message, Owner
from edge_agent.agent.run import Around, make_owner
from edge_agent.core.limits import BoxLimits
from edge_agent.core.place import Place
from edge_agent.flows.box import Who
from edge_agent.health import EndOfLast, RunMarks, Watchdog, Why
from edge_agent.ports import LocalRequest, RelayOrder, StoreFull
from edge_agent.schedule import BoundaryDue, Schedule
from edge_agent.store.opening import open_store
from edge_agent.store.records import Store
from edge_agent.sync.identity import ClaimedPlace, Identity
from protocol.envelope import Line
from protocol.signing import PublicKey, SigningKey
from tests.simulation.clocks import BoxClock, Timeline
from tests.simulation.crash import Crash, Fuse
from tests.simulation.meters import SimBus, SimMeter
from tests.simulation.network import Fibre, SimUplink

FLOWS: Final = ("/edge_agent/flows/", "/edge_agent/store/", "/edge_agent/agent/")
AGENT: Final = "edge-agent simulated"
WAIT_S: Final = 25
BUSY_MS: Final = 20
"""Least pause between two turns of the loop that nothing woke."""


def _no_room(*_: object) -> None:
    raise StoreFull("the disk of this world is full")


class SimBuses(Buses):
    """Workers of one run, made as the configuration wants them."""

    def __init__(self, box: "SimBox") -> None:
        super().__init__({}, box.clock, lambda _bus, _report: None)
        self._box = box

    def follow(self, place: Place) -> None:
        for bus in place.config.buses:
            polled = tuple(self._polled_meter(place, m) for m in place.meters if place.bus_of[m] == bus.bus)
            if bus.bus not in self.workers:
                self.workers[bus.bus] = self._box.make_bus(bus.name, bus.bus, place.config.defaults.lost_after_tries)
                self.workers[bus.bus].reconfigure(polled)
                self.workers[bus.bus].start()
            else:
                self.workers[bus.bus].reconfigure(polled)


class SimSchedule(Schedule):
    """Waits as a timer does: for as long as it was told when it was set."""

    def __init__(self, box: "SimBox") -> None:
        self._box = box
        self._number = 0

    def start(self) -> None: ...

    def stop(self) -> None:
        self._number += 1

    def set_anew(self, zone: str) -> None: ...

    def boundary_at(self, at_ms: int, in_ms: int) -> None:
        self._number += 1
        run, number = self._box.run, self._number

        def due() -> None:
            if number == self._number:
                run.give(BoundaryDue(at_ms))

        self._box.time.after(max(in_ms, 1), due, exact=True)


class SimMarks(RunMarks):
    """What the world knows of the last run, instead of time stamps of files."""

    def __init__(self, state_dir: Path, last: EndOfLast) -> None:
        super().__init__(state_dir)
        self._last = last

    def end_of_last(self, boot_id: str, agent: str, now_ms: int) -> EndOfLast:
        return self._last

    def alive(self) -> None: ...


@dataclass
class Run:
    """One run of the agent, from its start to its end or death."""

    box: "SimBox"
    files: contextlib.ExitStack
    store: Store
    alive: bool = True
    owner: Owner | None = None
    uplink: SimUplink | None = None
    wake_at: int | None = None
    wake_number: int = 0

    def give(self, message: Message | None) -> None:
        """One turn of the owner's loop."""
        if self.alive:
            self.box.turn(self, message)


@dataclass
class SimBox:
    """One shaft: machine, meters, fibre, and the agent while it runs."""

    box: str
    site: str
    folder: Path
    root: PublicKey
    key: SigningKey
    time: Timeline
    chance: random.Random
    fibre: Fibre
    clock: BoxClock
    meters: dict[str, SimMeter]
    ordered: Callable[["SimBox", RelayOrder], None]
    died: Callable[["SimBox"], None]
    boot: int = 1
    run: Run = field(init=False)
    fuse: Fuse | None = None
    deaths: list[str] = field(default_factory=list)
    last_seen_ms: int = 0
    disk_full: bool = False
    round_done: Callable[["SimBox"], None] = lambda _: None

    # --- life -------------------------------------------------------------------------------------------------------

    def enrol(self, lines: tuple[Line, ...]) -> None:
        """What `edge-agent enrol` leaves."""
        self.folder.mkdir(parents=True)
        with open_store(self.folder, self.clock.wall_ms()) as store:
            place = ClaimedPlace(self.site, self.box, "A", "https://127.0.0.1", self.root.text)
            keep_enrolment(store, Identity(self.folder, place, self.key, self.root), lines, self.clock.wall_ms())

    def start(self, why: Why = "clean") -> None:
        """Start the agent, as `edge_agent.agent.run` does."""
        self._burn(lambda: self._open(why))

    def _open(self, why: Why) -> None:
        with contextlib.ExitStack() as files:
            store = files.enter_context(open_store(self.folder, self.clock.wall_ms()))
            self.run = Run(self, files.pop_all(), store)
        self.fill(self.disk_full)
        self._wire(self.run, why)
        self._wake_later(self.run)

    def _wire(self, run: Run, why: Why) -> None:
        """The agent's own wiring, with a world of ours around it."""
        who = Who(self.site, self.box, self.key, self.root.keyid, AGENT, f"{self.boot:032x}")
        run.uplink = SimUplink(self.fibre, self.clock, run.give)
        around = Around(
            clock=self.clock,
            chance=self.chance.randbytes,
            buses=SimBuses(self),
            uplink=run.uplink,
            schedule=lambda _zone: SimSchedule(self),
            inbox=queue.SimpleQueue(),
            marks=SimMarks(self.folder, EndOfLast(why, self.last_seen_ms)),
            watchdog=Watchdog(None),
        )
        run.owner = make_owner(who, self.root, run.store, around, BoxLimits(), WAIT_S)
        run.owner.boundaries.follow_place()

    def make_bus(self, name: str, bus_id: str, lost_after: int) -> SimBus:
        """A worker of this run."""
        run = self.run
        return SimBus(
            name, bus_id, self.time, self.clock, self.chance, self.meters,
            lambda bus, report: run.give(FromBus(bus, report)), lambda order: self.ordered(self, order), lost_after,
            lambda: self.round_done(self),
        )  # fmt: skip

    def die(self, where: str = "at rest") -> None:
        """Everything in memory is gone; what was committed is on the disk."""
        run = self.run
        self.deaths.append(where)
        self.last_seen_ms = self.clock.wall_ms()
        self.fuse, run.alive = None, False
        if run.owner is not None:
            run.owner.schedule.stop()
            run.owner.buses.stop()
        if run.uplink is not None:
            run.uplink.stop()
        run.files.close()
        self.died(self)

    def light(self, lines: int) -> None:
        """Let it die so many lines from now."""
        self.fuse = Fuse(lines, FLOWS)

    def fill(self, full: bool) -> None:
        """The disk has no room, or has some again: reading goes on, nothing is kept."""
        self.disk_full = full
        store = self.run.store
        for name in ("commit", "seal", "acknowledge", "thin_out"):
            store.__dict__.pop(name, None)
            if full:
                store.__dict__[name] = _no_room

    @property
    def alive(self) -> bool:
        return self.run.alive

    @property
    def owner(self) -> Owner:
        """The loop of a run that is alive."""
        assert self.run.owner is not None
        return self.run.owner

    # --- the loop ---------------------------------------------------------------------------------------------------

    def turn(self, run: Run, message: Message | None) -> None:
        """One turn, with this message or because its time has come."""
        assert run.owner is not None
        owner = run.owner
        self._burn(lambda: owner._guarded(message))
        self._wake_later(run)

    def _burn(self, work: Callable[[], None]) -> None:
        if self.fuse is None:
            work()
            return
        try:
            self.fuse.burn(work)
        except Crash as crash:
            self.die(str(crash))

    def _wake_later(self, run: Run) -> None:
        """The loop wakes by itself when something is due."""
        if not run.alive or run.owner is None:
            return
        wait_ms = max(run.owner._wait_ms(), BUSY_MS, self.time.grain_ms)
        at_ms = self.time.now_ms + wait_ms
        if run.wake_at is not None and run.wake_at <= at_ms:
            return
        run.wake_at = at_ms
        run.wake_number += 1
        number = run.wake_number

        def wake() -> None:
            if run.wake_number == number:
                run.wake_at = None
                run.give(None)

        self.time.after(wait_ms, wake)

    def ask(self, op: str, **arguments: object) -> "queue.SimpleQueue[dict[str, object]]":
        """Somebody at the box asks the agent."""
        request = LocalRequest(op, arguments, queue.SimpleQueue())
        self.run.give(request)
        return request.answer
