"""The owner thread's loop over the rig, one message at a time: buses, schedule and watchdog only remember."""

import queue
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from edge_agent.agent.buses import Buses
from edge_agent.agent.owner import FromBus, Message, Owner
from edge_agent.core.measured import RelayOrdered, RelayPosition
from edge_agent.core.place import Place
from edge_agent.flows.poll_meters import LinkTally, Polling
from edge_agent.health import RunMarks, Watchdog
from edge_agent.ports import LocalRequest, RelayOrder, RelayOutcome, RelayReport
from edge_agent.schedule import Schedule
from protocol.box_config import BoxConfig
from tests.edge_agent.core.street import BUS
from tests.edge_agent.rig import Rig, rig


class StillBuses(Buses):
    """Workers that are the rig's own."""

    def __init__(self, a: Rig) -> None:
        super().__init__({}, a.clock, lambda _bus, _report: None)
        self.workers = {BUS: a.bus}
        self.followed: list[int] = []

    def follow(self, place: Place) -> None:
        self.followed.append(len(place.meters))


class StillSchedule(Schedule):
    """Remembers what it was set to."""

    def __init__(self) -> None:
        self.boundaries: list[int] = []
        self.zones: list[str] = []

    def start(self) -> None: ...

    def stop(self) -> None: ...

    def boundary_at(self, at_ms: int, in_ms: int) -> None:
        self.boundaries.append(at_ms)

    def set_anew(self, zone: str) -> None:
        self.zones.append(zone)


class ToldWatchdog(Watchdog):
    """Remembers what it was told."""

    def __init__(self) -> None:
        self.told: list[str] = []

    def tell(self, words: str) -> None:
        self.told.append(words)


@dataclass
class OwnerRig:
    """The loop and what it moves."""

    a: Rig
    owner: Owner
    buses: StillBuses
    schedule: StillSchedule
    watchdog: ToldWatchdog
    state_dir: Path
    answered: list[dict[str, Any]] = field(default_factory=list)

    def give(self, message: Message | None = None) -> None:
        """One turn of the loop, with this message or none."""
        self.owner._guarded(message)

    def seconds(self, count: int) -> None:
        for _ in range(count):
            self.a.clock.go_on(1_000)
            self.give()

    def confirm(self) -> None:
        """Exchange until nothing waits."""
        self.give()
        while self.a.store.first_unacknowledged() is not None or not self.a.sealing.head_confirmed:
            self.a.deliver(self.a.answer_line())
            self.a.clock.go_on(300)
            self.give()

    def ask(self, op: str, **arguments: object) -> dict[str, Any] | None:
        """What somebody at the box asks; None where the answer is still to come."""
        request = LocalRequest(op, arguments, queue.SimpleQueue())
        self.give(request)
        self.waiting = request
        return self.answer()

    def answer(self) -> dict[str, Any] | None:
        try:
            return dict(self.waiting.answer.get_nowait())
        except queue.Empty:
            return None

    def obey(self, outcome: RelayOutcome = RelayOutcome.DONE) -> RelayOrder:
        """The bus carries its newest order out."""
        order = self.a.bus.orders[-1]
        done = outcome is RelayOutcome.DONE
        contact = RelayPosition(order.wanted.value) if done else RelayPosition.UNKNOWN
        report = RelayReport(
            "A1", order.meter, order.order_id, order.wanted, outcome, contact, RelayOrdered.UNKNOWN,
            self.a.clock.mono, self.a.clock.wall, "",
        )  # fmt: skip
        self.give(FromBus(BUS, report))
        return order


@contextmanager
def owner_rig(folder: Path, config: BoxConfig | None = None) -> Iterator[OwnerRig]:
    """An enrolled box with its loop, before its first turn."""
    with rig(folder, config) as a:
        buses, schedule, watchdog = StillBuses(a), StillSchedule(), ToldWatchdog()
        owner = Owner(
            box=a.box,
            buses=buses,
            polling=Polling(a.box, LinkTally(a.clock.wall)),
            sealing=a.sealing,
            sync=a.sync,
            schedule=schedule,
            inbox=queue.SimpleQueue(),
            marks=RunMarks(folder),
            watchdog=watchdog,
        )
        a.box.place_changed = owner.boundaries.follow_place
        owner.boundaries.follow_place()
        a.bus.last_progress_mono_ms = a.uplink.last_progress_mono_ms = a.clock.mono
        yield OwnerRig(a, owner, buses, schedule, watchdog, folder)
