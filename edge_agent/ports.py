"""The wall between deciding and doing: what the one thread that owns the state asks of the world, and hears from it.

Protocols, the messages that cross them, and their errors. No implementation lives here; fakes and real parts both
satisfy these. Messages are frozen and carry their own instants, so that they may wait in a queue.
"""

from __future__ import annotations

import enum
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from queue import SimpleQueue
from typing import Protocol

from edge_agent.core.decision import Decision
from edge_agent.core.measured import (
    DetailReading,
    FaultKind,
    MeterReading,
    ReadPurpose,
    RelayOrdered,
    RelayPosition,
)
from edge_agent.core.meter_profile import Profile
from edge_agent.core.state import Marks, MeterRow, WalletRow
from protocol.chain import Head
from protocol.envelope import Line

# --- time ---------------------------------------------------------------------------------------------------------


class Clock(Protocol):
    """Wall and monotonic time. Nothing else in the agent reads a clock."""

    def wall_ms(self) -> int:
        """UTC milliseconds since 1970 as the system believes; may step."""
        ...

    def mono_ms(self) -> int:
        """Milliseconds since boot; never runs back within a boot."""
        ...

    def mono_us(self) -> int:
        """The same in microseconds, for the line, where a character takes about one thousand of them."""
        ...

    def pause_us(self, duration_us: int) -> None:
        """Let this thread rest for so long, at least. For pauses within a transaction on a line, no longer."""
        ...


# --- meters on a bus ----------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class PolledMeter:
    """One meter as its bus needs to know it.

    Attributes:
        meter: id; unit: 1 to 247, unique on the bus.
        ct, pt: ratios that hold now, for what is shown and for overload; registers are reported without them.
        poll_ms: least time between two enforcement readings; 0 means every cycle.
        detail_ms: least time between two readings of one detail block.
    """

    meter: str
    unit: int
    profile: Profile
    ct: Fraction = Fraction(1)
    pt: Fraction = Fraction(1)
    poll_ms: int = 0
    detail_ms: int = 60_000


@dataclass(frozen=True, slots=True)
class RelayOrder:
    """One wish for one relay. A later order for the same meter takes the place of one that still waits.

    Attributes:
        order_id: named again in the report.
        wanted: open, closed or released; `unknown` is no order.
        not_after_mono_ms: an order that could not reach the wire by then is dropped and reported as `expired`,
            so that an old decision never moves a relay when a dead bus comes back.
    """

    order_id: str
    meter: str
    wanted: RelayOrdered
    not_after_mono_ms: int


class RelayOutcome(enum.StrEnum):
    """How an order ended.

    `done`: the meter's registers read back as ordered. `not_obeyed`: it answered, and reads back otherwise.
    `unanswered`: written or tried, no clean answer to the write or the read-back: the relay may have moved.
    `not_readable`: the write was confirmed, and the profile can read nothing back. `expired`, `replaced`: never
    written. `impossible`: the meter is unknown on this bus, or its profile has no relay or no such wish.
    """

    DONE = "done"
    NOT_OBEYED = "not_obeyed"
    UNANSWERED = "unanswered"
    NOT_READABLE = "not_readable"
    EXPIRED = "expired"
    REPLACED = "replaced"
    IMPOSSIBLE = "impossible"


@dataclass(frozen=True, slots=True)
class ReadingReport:
    """A meter was read. `boundary_at_ms` (wall time asked for) is set for boundary readings alone."""

    bus: str
    reading: MeterReading
    purpose: ReadPurpose
    boundary_at_ms: int | None = None


@dataclass(frozen=True, slots=True)
class DetailReport:
    """A detail block was read."""

    bus: str
    reading: DetailReading


@dataclass(frozen=True, slots=True)
class FaultReport:
    """One question failed, or (`late`) an answer came after its time. `detail` is for people."""

    bus: str
    meter: str
    kind: FaultKind
    at_mono_ms: int
    detail: str


@dataclass(frozen=True, slots=True)
class ValueRefused:
    """A clean frame held a number that cannot be: not a number, infinite, or beyond what is believable."""

    bus: str
    meter: str
    quantity: str
    address: int
    words: tuple[int, ...]
    at_mono_ms: int
    reason: str


@dataclass(frozen=True, slots=True)
class MeterLost:
    """A meter has not answered for its limit of tries."""

    bus: str
    meter: str
    at_mono_ms: int


@dataclass(frozen=True, slots=True)
class MeterBack:
    """A lost meter answered again; its reading follows."""

    bus: str
    meter: str
    at_mono_ms: int


@dataclass(frozen=True, slots=True)
class RelayReport:
    """An order came to its end, once for each order given."""

    bus: str
    meter: str
    order_id: str
    wanted: RelayOrdered
    outcome: RelayOutcome
    contact: RelayPosition
    order_register: RelayOrdered
    at_mono_ms: int
    at_wall_ms: int
    detail: str

    @property
    def ok(self) -> bool:
        """Whether the meter holds what was ordered, as far as its profile lets one know."""
        return self.outcome in (RelayOutcome.DONE, RelayOutcome.NOT_READABLE)


@dataclass(frozen=True, slots=True)
class SerialReport:
    """The serial number as the meter tells it. Not readable: a FaultReport instead."""

    bus: str
    meter: str
    serial: str
    at_mono_ms: int


@dataclass(frozen=True, slots=True)
class BoundaryDone:
    """All readings asked for at a boundary were made or given up; `missed` could not be read in time."""

    bus: str
    at_ms: int
    missed: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class CycleDone:
    """Every meter that was due has been asked once.

    Attributes:
        cycle: counts from 1 since the worker started.
        asked: how many questions each meter was sent since the last CycleDone (the `tries` of a `link` record).
    """

    bus: str
    cycle: int
    at_mono_ms: int
    duration_ms: int
    asked: Mapping[str, int]


@dataclass(frozen=True, slots=True)
class BusDown:
    """The adapter or gateway is gone; it is tried again by itself."""

    bus: str
    at_mono_ms: int
    reason: str


@dataclass(frozen=True, slots=True)
class BusUp:
    """The line is open: at start, and after a BusDown."""

    bus: str
    at_mono_ms: int


BusReport = (
    ReadingReport
    | DetailReport
    | FaultReport
    | ValueRefused
    | MeterLost
    | MeterBack
    | RelayReport
    | SerialReport
    | BoundaryDone
    | CycleDone
    | BusDown
    | BusUp
)


class ReportSink(Protocol):
    """Where a bus puts its reports; `queue.SimpleQueue` is one. Must not block."""

    def put(self, report: BusReport) -> None:
        """Take one report; called on the bus's own thread."""
        ...


class MeterBus(Protocol):
    """One bus with its worker. Every call returns at once; what comes of it arrives as a report."""

    @property
    def name(self) -> str:
        """The bus's name in the configuration."""
        ...

    @property
    def last_progress_mono_ms(self) -> int:
        """When the worker last did something, be it waiting for a vanished adapter: what feeds the watchdog."""
        ...

    def start(self) -> None:
        """Begin to work; once."""
        ...

    def stop(self, timeout_s: float = 5.0) -> bool:
        """End after the running transaction. True when the worker has ended within the time."""
        ...

    def order_relay(self, order: RelayOrder) -> None:
        """Goes before everything else on this bus."""
        ...

    def read_now(self, meters: Sequence[str]) -> None:
        """Read these on demand, before boundary and round."""
        ...

    def read_serial(self, meters: Sequence[str]) -> None:
        """Read the serial numbers, with the same urgency."""
        ...

    def boundary(self, at_wall_ms: int, meters: Sequence[str]) -> None:
        """Read all of these now, for the end of an interval or a change of rate at that instant."""
        ...

    def reconfigure(self, meters: Sequence[PolledMeter]) -> None:
        """Take this list instead; what is known of meters that stay (lost, back-off) is kept."""
        ...


# --- what is remembered -------------------------------------------------------------------------------------------


class StoreFault(Exception):
    """The store cannot do what was asked. The text is for people; the subclass says what follows from it."""


class StoreFull(StoreFault):
    """There is no room, or the disk takes no writes (the world's fault): nothing of the transaction was kept."""


class StoreUnusable(StoreFault):
    """What is on the disk must not be worked with: damaged, set back, of a newer program, or another's."""

    def __init__(self, alarm: str, text: str) -> None:
        super().__init__(f"{alarm}: {text}")
        self.alarm = alarm


@dataclass(frozen=True, slots=True)
class Remembered:
    """The durable rows as they were last committed."""

    marks: Marks
    meters: tuple[MeterRow, ...]
    wallets: tuple[WalletRow, ...]


@dataclass(frozen=True, slots=True)
class PendingRecord:
    """A record that is committed and not yet sealed into a batch.

    Attributes:
        number: their order.
        step: the commit that wrote it; records of one step stay together.
        commands_applied: the command head as of that commit.
        raw: the record's bytes as they will stand in the batch.
    """

    number: int
    step: int
    commands_applied: Head
    raw: bytes


@dataclass(frozen=True, slots=True)
class SealedBatch:
    """A batch as it is kept: its place in the chain and its line."""

    epoch: int
    seq: int
    line: Line
    acknowledged: bool


class RecordStore(Protocol):
    """What outlives the power. Used by the owner thread alone; each writing call is one transaction."""

    def load(self) -> Remembered | None:
        """All rows, or None where no epoch was ever opened."""
        ...

    def commit(self, decision: Decision, lines: Sequence[Line] = ()) -> None:
        """Keep a decision and the signed lines that caused it. Raises StoreFull with nothing kept."""
        ...

    def knows_money(self, money_id: str) -> bool:
        """Whether a grant or reclaim with this id was ever applied."""
        ...

    def pending(self, limit: int) -> list[PendingRecord]:
        """The oldest records not yet sealed, in their order."""
        ...

    def pending_count(self) -> int:
        """How many records are not yet sealed."""
        ...

    def seal(self, batch: SealedBatch, prev: str, sealed_at_ms: int, last_number: int) -> None:
        """Keep a batch that holds all pending records up to `last_number`; they are pending no more."""
        ...

    def batch_head(self, epoch: int) -> Head | None:
        """The newest batch of an epoch, or None where it has none."""
        ...

    def batch_hash(self, epoch: int, seq: int) -> str | None:
        """The hash of a batch that is kept."""
        ...

    def batches(self, epoch: int, from_seq: int, bytes_max: int) -> list[SealedBatch]:
        """Batches of an epoch in order, at least one where there is one, until their lines exceed the bytes."""
        ...

    def first_unacknowledged(self) -> tuple[int, int] | None:
        """Epoch and number of the oldest batch that the centre has not acknowledged."""
        ...

    def acknowledge(self, epoch: int, seq: int, at_ms: int) -> int:
        """Mark all batches of an epoch up to `seq` as held by the centre; returns how many were new."""
        ...

    def command_lines(self, from_seq: int, bytes_max: int) -> list[Line]:
        """Kept command lines from a number on, oldest first."""
        ...

    def newest_line(self, type_name: str) -> Line | None:
        """The newest kept line of a type: keys, limits, epoch."""
        ...

    def configurations(self) -> list[str]:
        """Configuration texts that were in force, newest first."""
        ...

    def command_hash(self, seq: int) -> str | None:
        """The hash of the command that was applied or refused under this number."""
        ...

    def thin_out(self, before_ms: int) -> int:
        """Delete acknowledged batches sealed before an instant; returns how many went. Others never go."""
        ...

    def close(self) -> None:
        """End tidily: checkpoint, unlock."""
        ...


# --- the centre ---------------------------------------------------------------------------------------------------


class Blame(enum.StrEnum):
    """Whose fault a failed exchange is: the fibre's, the centre's, or ours."""

    WORLD = "world"
    THEIRS = "theirs"
    OURS = "ours"


@dataclass(frozen=True, slots=True)
class Exchange:
    """One request to the centre. `number` is named again in what comes of it."""

    number: int
    path: str
    lines: tuple[Line, ...]
    wait_s: int


@dataclass(frozen=True, slots=True)
class ExchangeAnswered:
    """The centre answered with lines; nothing of them has been believed yet."""

    number: int
    lines: tuple[Line, ...]
    round_trip_ms: int
    at_mono_ms: int


@dataclass(frozen=True, slots=True)
class ExchangeFailed:
    """Nothing usable came. `retry_after_s` is what the centre asked for, if it did."""

    number: int
    blame: Blame
    detail: str
    retry_after_s: int | None
    at_mono_ms: int


ExchangeReport = ExchangeAnswered | ExchangeFailed


class Uplink(Protocol):
    """The way to the centre. Every call returns at once; what comes of it arrives as a report."""

    @property
    def last_progress_mono_ms(self) -> int:
        """When the worker last moved: what feeds the watchdog."""
        ...

    def start(self) -> None:
        """Begin to work; once."""
        ...

    def stop(self, timeout_s: float = 5.0) -> bool:
        """End, dropping what is under way. True when the worker has ended within the time."""
        ...

    def send(self, exchange: Exchange) -> None:
        """Send this; a request that still waits for its answer is dropped: the newest wins."""
        ...


# --- people at the box ------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class LocalRequest:
    """What somebody at the box asks for through the local socket; the owner thread puts one answer."""

    op: str
    arguments: Mapping[str, object]
    answer: SimpleQueue[dict[str, object]]
