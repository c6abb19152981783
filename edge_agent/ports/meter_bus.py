"""The port to the meters on one bus: what a bus is asked, and the reports that come of it.

Messages are frozen and carry their own instants, so that they may wait in a queue.
"""

from __future__ import annotations

import enum
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Protocol

from edge_agent.core.measured import (
    DetailReading,
    FaultKind,
    MeterReading,
    ReadPurpose,
    RelayOrdered,
    RelayPosition,
)
from edge_agent.core.meter_profile import Profile, RegisterWrite
from edge_agent.ports.lending import LentQuestion


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
    `not_readable`: the write was confirmed, and the profile can read nothing back. `impossible`: the meter is unknown
    on this bus, or its profile has no relay or no such wish. Never written: `expired`, `replaced`, `withheld` (another
    master is on the bus).
    """

    DONE = "done"
    NOT_OBEYED = "not_obeyed"
    UNANSWERED = "unanswered"
    NOT_READABLE = "not_readable"
    EXPIRED = "expired"
    REPLACED = "replaced"
    WITHHELD = "withheld"
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
class ClockReport:
    """A meter's clock was looked at, and set where it was off. Not readable or writable: a FaultReport instead.

    `before_ms`, `after_ms`: how far it was ahead of ours, and is; None where it told no time. `detail`: right or set.
    """

    bus: str
    meter: str
    before_ms: int | None
    after_ms: int | None
    detail: str
    at_mono_ms: int


@dataclass(frozen=True, slots=True)
class PrepaidOrder:
    """One visit to a meter's own prepaid account: these writes in this order, each once, then all of it is read."""

    order_id: str
    meter: str
    writes: tuple[RegisterWrite, ...] = ()


@dataclass(frozen=True, slots=True)
class PrepaidReport:
    """The account as it stands after a visit, once for each order; `values` None where it could not be read.

    Then nothing is known of the writes either: the next visit sees what they did.
    """

    bus: str
    meter: str
    order_id: str
    values: Mapping[str, int] | None
    detail: str
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


@dataclass(frozen=True, slots=True)
class ForeignMaster:
    """Questions that are not ours were heard. The bus writes nothing more until it has been quiet for long."""

    bus: str
    at_mono_ms: int
    frames: tuple[bytes, ...]


@dataclass(frozen=True, slots=True)
class WorkerDied:
    """Our own fault: the bus's thread ended by an error that nobody foresaw. `trace` is for the log."""

    bus: str
    at_mono_ms: int
    trace: str


BusReport = (
    ReadingReport
    | DetailReport
    | FaultReport
    | ValueRefused
    | MeterLost
    | MeterBack
    | RelayReport
    | SerialReport
    | ClockReport
    | PrepaidReport
    | BoundaryDone
    | CycleDone
    | BusDown
    | BusUp
    | ForeignMaster
    | WorkerDied
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

    def set_clock(self, meters: Sequence[str], utc_offset_s: int) -> None:
        """Look at these clocks, and set those that are off to ours at that offset from UTC."""
        ...

    def order_prepaid(self, order: PrepaidOrder) -> None:
        """Visit a meter's own account; a later order for the same meter takes the place of one that still waits."""
        ...

    def lend(self, question: LentQuestion) -> None:
        """Ask this for a guest, behind all that is urgent and in turns with the round."""
        ...

    def boundary(self, at_wall_ms: int, meters: Sequence[str]) -> None:
        """Read all of these now, for the end of an interval or a change of rate at that instant."""
        ...

    def reconfigure(self, meters: Sequence[PolledMeter]) -> None:
        """Take this list instead; what is known of meters that stay (lost, back-off) is kept."""
        ...
