"""A box of real core, real flows and a real store, with a clock, buses and an uplink that obey the test."""

import itertools
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import msgspec

from edge_agent.bus.packaged import builtin_profile
from edge_agent.core.decision import Decision
from edge_agent.core.limits import BoxLimits
from edge_agent.core.measured import UNKNOWN, MeterReading, RelayPosition
from edge_agent.core.meeting import take_reading
from edge_agent.core.opening import open_epoch
from edge_agent.core.place import Place, make_place
from edge_agent.flows.box import Box, Who
from edge_agent.flows.seal_batches import Sealing
from edge_agent.flows.start_up import begin_sealing, load_box
from edge_agent.flows.synchronise import Synchroniser
from edge_agent.ports import Exchange, ExchangeAnswered, LentQuestion, PolledMeter, PrepaidOrder, RelayOrder
from edge_agent.store.opening import open_store
from edge_agent.store.records import Store
from protocol.box_config import BoxConfig
from protocol.commands import KIND_OF, Body, Command, write_command_body
from protocol.config_text import read_config, write_config
from protocol.envelope import Line, seal
from protocol.ids import NO_HASH
from protocol.messages import Answer, Batch, BatchHead, ChainHead, Epoch, Keys, Sync
from protocol.payload import Payload, read_payload, write_payload
from protocol.signing import SigningKey, signing_key
from protocol.state import EpochState
from protocol.units import DAY_MS
from tests.edge_agent.core.street import BOX, BUS, METERS, SITE, box_config
from tests.edge_agent.core.street import START_MS as STREET_START_MS

TERM = 1_000
START_MS = STREET_START_MS + 365 * DAY_MS
"""2026-11-22 10:00:00 in Asia/Shanghai: a time that the program believes."""


def key(number: int) -> SigningKey:
    """A key of the tests; the same number is the same key."""
    return signing_key(bytes([number]) * 32)


ROOT, COMMAND_KEY, ANSWER_KEY, RECORD_KEY = (key(n) for n in (1, 2, 3, 4))


class RigClock:
    """Moves when told."""

    def __init__(self) -> None:
        self.mono = 1_000_000
        self.wall = START_MS

    def wall_ms(self) -> int:
        return self.wall

    def set_wall(self, at_ms: int) -> None:
        self.wall = at_ms

    def mono_ms(self) -> int:
        return self.mono

    def mono_us(self) -> int:
        return self.mono * 1_000

    def pause_us(self, duration_us: int) -> None:
        self.mono += duration_us // 1_000

    def go_on(self, ms: int) -> None:
        self.mono += ms
        self.wall += ms


@dataclass
class RigBus:
    """Remembers what it was asked."""

    name: str = "A1"
    orders: list[RelayOrder] = field(default_factory=list)
    on_order: Callable[[], None] = lambda: None
    reads: list[str] = field(default_factory=list)
    serials: list[str] = field(default_factory=list)
    clocks: list[tuple[str, int]] = field(default_factory=list)
    visits: list[PrepaidOrder] = field(default_factory=list)
    lent: list[LentQuestion] = field(default_factory=list)
    last_progress_mono_ms: int = 0

    def start(self) -> None: ...

    def stop(self, timeout_s: float = 5.0) -> bool:
        return True

    def order_relay(self, order: RelayOrder) -> None:
        self.on_order()
        self.orders.append(order)

    def read_now(self, meters: Sequence[str]) -> None:
        self.reads += meters

    def read_serial(self, meters: Sequence[str]) -> None:
        self.serials += meters

    def set_clock(self, meters: Sequence[str], utc_offset_s: int) -> None:
        self.clocks += [(meter, utc_offset_s) for meter in meters]

    def order_prepaid(self, order: PrepaidOrder) -> None:
        self.visits.append(order)

    def lend(self, question: LentQuestion) -> None:
        self.lent.append(question)

    def boundary(self, at_wall_ms: int, meters: Sequence[str]) -> None: ...

    def reconfigure(self, meters: Sequence[PolledMeter]) -> None: ...


@dataclass
class RigUplink:
    """Remembers what it was to send."""

    sent: list[Exchange] = field(default_factory=list)
    last_progress_mono_ms: int = 0

    def start(self) -> None: ...

    def stop(self, timeout_s: float = 5.0) -> bool:
        return True

    def certificate_changed(self) -> None: ...

    def send(self, exchange: Exchange) -> None:
        self.sent.append(exchange)


def keys_line(generation: int = 1, command: SigningKey = COMMAND_KEY, answer: SigningKey = ANSWER_KEY) -> Line:
    keys = Keys(
        site=SITE,
        key_generation=generation,
        command_keys=[command.public.text],
        answer_keys=[answer.public.text],
        issued_at_ms=1,
    )
    return sealed("keys", keys, ROOT)


def sealed(type_name: str, value: Payload, by: SigningKey) -> Line:
    return seal(type_name, write_payload(value), by)


def epoch_line(config: BoxConfig, number: int = 1, /, **changes: Any) -> Line:
    epoch = Epoch(
        site=SITE,
        box=BOX,
        epoch=number,
        term=TERM,
        record_key=RECORD_KEY.public.text,
        commands_base=ChainHead(seq=0, hash=NO_HASH),
        config_version=1,
        config=write_config(config),
        state=EpochState(wallets=[], meters=[], open_reclaims=[]),
        why="enrolled" if number == 1 else "restored",
        issued_at_ms=1,
    )
    return sealed("epoch", msgspec.structs.replace(epoch, **changes), COMMAND_KEY)


def read_place(box: str, config: BoxConfig) -> Place:
    return make_place(box, config, {meter.profile: builtin_profile(meter.profile) for meter in config.meters})


def enrol(store: Store, config: BoxConfig) -> None:
    """What `edge-agent enrol` leaves in the store."""
    line = epoch_line(config)
    epoch = read_payload(line.payload, Epoch)
    decision = open_epoch(read_place(BOX, read_config(epoch.config)), epoch, line.hash, 1, START_MS)
    store.commit(decision, (keys_line(), line))


@dataclass
class Rig:
    """The box under test and everything around it."""

    box: Box
    store: Store
    clock: RigClock
    bus: RigBus
    uplink: RigUplink
    sealing: Sealing
    sync: Synchroniser
    commands: list[Line] = field(default_factory=list)

    def read(self, index: int, raw_wh: int, relay: RelayPosition = RelayPosition.CLOSED) -> Decision:
        """One meter was read now."""
        reading = MeterReading(
            meter=METERS[index],
            at_mono_ms=self.clock.mono,
            at_wall_ms=self.clock.wall,
            raw_wh=raw_wh,
            power_w=UNKNOWN,
            contact=relay,
        )
        decision = take_reading(self.box.place, self.box.state, reading, self.box.now())
        self.box.take(decision)
        return decision

    def command(self, body: Body, /, by: SigningKey = COMMAND_KEY, **changes: Any) -> Line:
        """The next command of the centre, signed; not delivered yet."""
        command = Command(
            site=SITE,
            box=BOX,
            seq=len(self.commands) + 1,
            prev=self.commands[-1].hash if self.commands else NO_HASH,
            term=TERM,
            issued_at_ms=self.clock.wall,
            kind=KIND_OF[type(body)],
            body=write_command_body(body),
        )
        line = sealed("command", msgspec.structs.replace(command, **changes), by)
        self.commands.append(line)
        return line

    # --- exchange -----------------------------------------------------------------------------------------------

    def ask(self) -> Sync:
        """Let the box send its next request."""
        before = len(self.uplink.sent)
        self.sync.pulse()
        assert len(self.uplink.sent) == before + 1, "no request was sent"
        return self.last_sync()

    def last_sync(self) -> Sync:
        return read_payload(self.uplink.sent[-1].lines[-1].payload, Sync)

    def answer_line(self, by: SigningKey = ANSWER_KEY, /, **changes: Any) -> Line:
        """A fresh answer to the newest request that acknowledges all the box has sealed."""
        sync = self.last_sync()
        marks = self.box.state.marks
        head = self.store.batch_head(marks.epoch)
        answer = Answer(
            site=SITE,
            box=BOX,
            nonce=sync.nonce,
            server_time_ms=self.clock.wall,
            term=TERM,
            batch_ack=BatchHead(
                epoch=marks.epoch, seq=head.seq if head else 0, hash=head.hash if head else marks.epoch_hash
            ),
            command_head=ChainHead(seq=len(self.commands), hash=self.commands[-1].hash if self.commands else NO_HASH),
            audit_head=NO_HASH,
            verdicts=[],
        )
        return sealed("answer", msgspec.structs.replace(answer, **changes), by)

    def deliver(self, *lines: Line) -> None:
        """Lines come back for the newest request."""
        exchange = self.uplink.sent[-1]
        self.sync.answered(ExchangeAnswered(exchange.number, lines, 5, self.clock.mono))

    def exchange(self, *lines: Line, **changes: Any) -> None:
        """Ask, and be answered with these lines before a fresh answer."""
        self.ask()
        self.deliver(*lines, self.answer_line(**changes))

    def batches(self) -> list[Batch]:
        """Every batch that is kept."""
        found = self.store.batches(self.box.state.marks.epoch, 1, 2**30)
        return [read_payload(batch.line.payload, Batch) for batch in found]


@contextmanager
def rig(folder: Path, config: BoxConfig | None = None, *, fresh: bool = True, wait_s: int = 25) -> Iterator[Rig]:
    """A box that has been enrolled (`fresh`), or one that starts again from what the folder holds."""
    clock = RigClock()
    with open_store(folder, clock.wall) as store:
        if fresh:
            enrol(store, config or box_config())
        who = Who(SITE, BOX, RECORD_KEY, ROOT.public.keyid, "edge-agent test", "b" * 32)
        chance = itertools.count(1)
        box, ring = load_box(
            who, ROOT.public, store, clock, lambda n: next(chance).to_bytes(n, "big"), read_place, BoxLimits()
        )
        bus, uplink = RigBus(), RigUplink()
        box.buses = {BUS: bus}
        sealing = begin_sealing(box)
        sync = Synchroniser(box, sealing, uplink, ring, ROOT.public, wait_s, lambda: None, clock.mono)
        yield Rig(box, store, clock, bus, uplink, sealing, sync)
