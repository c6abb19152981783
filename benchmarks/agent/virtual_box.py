"""One box in virtual time: the agent's own loop over a real store on the disk, its meters and its centre played.

Nothing waits: a day passes as fast as the machine computes it. The meters answer once a minute, so that a month ends
within minutes; what reaches the disk does not depend on how often they are read between two boundaries.
"""

import contextlib
import queue
import random
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

import msgspec

from edge_agent.agent.buses import Buses
from edge_agent.agent.owner import FromBus, Message, Owner
from edge_agent.agent.run import Around, make_owner
from edge_agent.core.limits import BoxLimits
from edge_agent.core.opening import open_epoch
from edge_agent.core.place import Place
from edge_agent.flows.box import DEFER_MS, Who
from edge_agent.health import RunMarks, Watchdog
from edge_agent.ports import Exchange, ExchangeAnswered, ExchangeReport
from edge_agent.schedule import BoundaryDue, HousekeepingDue, Schedule
from edge_agent.store.opening import open_store
from edge_agent.store.records import Store
from protocol.box_config import BoxConfig, BusConfig, DeviceConfig
from protocol.config_text import read_config
from protocol.envelope import Line
from protocol.ids import NO_HASH
from protocol.messages import Answer, Batch, BatchHead, ChainHead, Epoch, Sync
from protocol.payload import read_payload
from protocol.state import WalletState
from protocol.units import DAY_MS
from tests.edge_agent.core.street import BOX, SITE, TARIFF, YUAN, box_config, meter_config, tariff, wallet_config
from tests.edge_agent.rig import ANSWER_KEY, RECORD_KEY, ROOT, TERM, epoch_line, keys_line, read_place, sealed
from tests.simulation.clocks import START_MS, BoxClock, Timeline
from tests.simulation.meters import SimBus, SimMeter

METERS_ON_A_BUS: Final = 20
CYCLE_MS: Final = 60_000
"""How often a meter is read, unless the box says otherwise."""
ANSWER_MS: Final = 20
SECOND_MS: Final = 1_000
TIME_OF_USE: Final = """
name = "tou"
starts_at = 2025-01-01T00:00:00
fallback_rate = "flat"
[rates.flat]
price_micro = 800000
[rates.peak]
price_micro = 1200000
[rates.valley]
price_micro = 400000
[days.all]
switches = ["00:00 valley", "08:00 flat", "18:00 peak", "22:00 flat"]
[calendar]
default = "all"
"""


def many_meters(count: int) -> BoxConfig:
    """A box of so many shops, twenty a bus, each with its wallet, under a tariff of four stretches a day."""
    buses: list[BusConfig] = []
    devices: list[DeviceConfig] = []
    meters, wallets = [], []
    for number in range(count):
        bus = f"{0x5000 + number // METERS_ON_A_BUS:032x}"
        if number % METERS_ON_A_BUS == 0:
            buses.append(BusConfig(bus=bus, name=f"A{len(buses) + 1}"))
            devices.append(DeviceConfig(device=f"{int(bus, 16) + 0x100:032x}", bus=bus, name=f"D{len(buses)}"))
        name, wallet, point = (f"{base + number:032x}" for base in (0x1000, 0x2000, 0x3000))
        where = {"bus": bus, "device": devices[-1].device, "unit": number % METERS_ON_A_BUS + 1}
        meters.append(meter_config(0, meter=name, point=point, name=f"M{number}", **where))
        wallets.append(msgspec.structs.replace(wallet_config(0), wallet=wallet, meters=[name]))
    config = box_config(tuple(meters), tuple(wallets), (tariff(TIME_OF_USE),))
    assert all(meter.tariff == TARIFF for meter in meters)
    return msgspec.structs.replace(config, buses=buses, devices=devices)


class _Bus(SimBus):
    """Asks each meter as seldom as the box says."""

    cycle_ms: int = CYCLE_MS

    def _later(self, delay_ms: int, what: Callable[[], None], *, exact: bool = False) -> None:
        super()._later(max(delay_ms, self.cycle_ms) if what == self._round else delay_ms, what, exact=exact)


class _Buses(Buses):
    def __init__(self, box: "VirtualBox") -> None:
        super().__init__({}, box.clock, lambda _bus, _report: None)
        self._box = box

    def follow(self, place: Place) -> None:
        for bus in place.config.buses:
            if bus.bus not in self.workers:
                self.workers[bus.bus] = self._box.make_bus(bus.name, bus.bus)
                self.workers[bus.bus].start()
            mine = [meter for meter in place.meters if place.bus_of[meter] == bus.bus]
            self.workers[bus.bus].reconfigure(tuple(self._polled_meter(place, meter) for meter in mine))


class _Schedule(Schedule):
    """What the calendar asks for, in virtual time."""

    def __init__(self, box: "VirtualBox") -> None:
        self._box, self._number = box, 0

    def start(self) -> None: ...

    def stop(self) -> None: ...

    def set_anew(self, zone: str) -> None: ...

    def boundary_at(self, at_ms: int, in_ms: int) -> None:
        self._number += 1
        number = self._number

        def due() -> None:
            if number == self._number:
                self._box.give(BoundaryDue(at_ms))

        self._box.time.after(max(in_ms, 1), due)


@dataclass
class _Centre:
    """Acknowledges whatever comes and holds a request that carries nothing; satisfies `ports.Uplink`."""

    box: "VirtualBox"
    epoch: Line
    head: BatchHead
    batches: int = 0
    lines_bytes: int = 0
    records: int = 0
    newest: int = 0

    @property
    def last_progress_mono_ms(self) -> int:
        return self.box.clock.mono_ms()

    def start(self) -> None: ...

    def stop(self, timeout_s: float = 5.0) -> bool:
        return True

    def certificate_changed(self) -> None: ...

    def send(self, exchange: Exchange) -> None:
        self.newest = exchange.number
        held_ms = exchange.wait_s * SECOND_MS if len(exchange.lines) == 1 else 0
        self.box.time.after(held_ms + ANSWER_MS, lambda: self._answer(exchange))

    def _answer(self, exchange: Exchange) -> None:
        if exchange.number != self.newest:
            return
        *batches, last = exchange.lines
        for line in batches:
            batch = read_payload(line.payload, Batch)
            self.head = BatchHead(epoch=batch.epoch, seq=batch.seq, hash=line.hash)
            self.batches += 1
            self.lines_bytes += len(line.raw)
            self.records += len(batch.records)
        answer = Answer(
            site=SITE,
            box=BOX,
            nonce=read_payload(last.payload, Sync).nonce,
            server_time_ms=self.box.clock.wall_ms(),
            term=TERM,
            batch_ack=self.head,
            command_head=ChainHead(seq=0, hash=NO_HASH),
            audit_head=NO_HASH,
            verdicts=[],
        )
        now = self.box.clock.mono_ms()
        self.box.give(ExchangeAnswered(exchange.number, (sealed("answer", answer, ANSWER_KEY),), ANSWER_MS, now))


@dataclass
class VirtualBox:
    """A running agent of so many meters in a folder. Made by `virtual_box`."""

    folder: Path
    config: BoxConfig
    time: Timeline = field(default_factory=Timeline)
    chance: random.Random = field(default_factory=lambda: random.Random(1))
    owner: Owner = field(init=False)
    centre: _Centre = field(init=False)
    store: Store = field(init=False)
    cycle_ms: int = CYCLE_MS
    grain_ms: int = DEFER_MS
    """The loop is not woken by itself sooner than that."""
    _wake_number: int = 0

    def __post_init__(self) -> None:
        self.clock = BoxClock(self.time)
        self.meters = {
            meter.meter: SimMeter(meter.meter, self.time, self.chance.randrange(200, 3_000), 10**6, True, "1")
            for meter in self.config.meters
        }

    def make_bus(self, name: str, bus_id: str) -> SimBus:
        bus = _Bus(
            name, bus_id, self.time, self.clock, self.chance, self.meters,
            lambda bus, report: self.give(FromBus(bus, report)), lambda _: None, 5, lambda: None,
        )  # fmt: skip
        bus.cycle_ms = self.cycle_ms
        return bus

    def wire(self, store: Store) -> None:
        """Enrol, and wire the agent as `edge_agent.agent.run` does."""
        self.store = store
        line = epoch_line(self.config)
        self._enrol(store, line)
        self.centre = _Centre(self, line, BatchHead(epoch=1, seq=0, hash=line.hash))
        who = Who(SITE, BOX, RECORD_KEY, ROOT.public.keyid, "edge-agent measured", "b" * 32)
        around = Around(
            clock=self.clock,
            chance=self.chance.randbytes,
            buses=_Buses(self),
            uplink=self.centre,
            schedule=lambda _zone: _Schedule(self),
            inbox=queue.SimpleQueue[Message](),
            marks=RunMarks(self.folder),
            watchdog=Watchdog(None),
        )
        self.owner = make_owner(who, ROOT.public, store, around, BoxLimits(), 25)
        self.owner.boundaries.follow_place()
        self._daily()
        self._wake()

    def _enrol(self, store: Store, line: Line) -> None:
        epoch = read_payload(line.payload, Epoch)
        rich = [
            WalletState(wallet=w.wallet, book_micro=10**6 * YUAN, arrears_open=False, alarm_level=0, alarm2_used=False)
            for w in self.config.wallets
        ]
        state = msgspec.structs.replace(epoch.state, wallets=rich)
        place = read_place(BOX, read_config(epoch.config))
        opened = open_epoch(place, msgspec.structs.replace(epoch, state=state), line.hash, 1, START_MS)
        store.commit(opened, (keys_line(), line))

    def give(self, message: FromBus | ExchangeReport | BoundaryDue | HousekeepingDue | None) -> None:
        """One turn of the owner's loop."""
        self.owner._guarded(message)
        self._wake()

    def _wake(self) -> None:
        self._wake_number += 1
        number = self._wake_number
        wait_ms = max(self.owner._wait_ms(), self.grain_ms)

        def wake() -> None:
            if number == self._wake_number:
                self.give(None)

        self.time.after(wait_ms, wake)

    def _daily(self) -> None:
        def due() -> None:
            self.give(HousekeepingDue())
            self.time.after(DAY_MS, due)

        self.time.after(DAY_MS // 2, due)


@contextlib.contextmanager
def virtual_box(folder: Path, meters: int, cycle_ms: int = CYCLE_MS, grain_ms: int = DEFER_MS) -> Iterator[VirtualBox]:
    """An agent that has just started, its first boundary before it."""
    box = VirtualBox(folder, many_meters(meters), cycle_ms=cycle_ms, grain_ms=grain_ms)
    with open_store(folder, START_MS) as store:
        box.wire(store)
        yield box
