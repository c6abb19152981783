"""What comes back from a bus, one message for each thing that happened. What a bus is asked stands in `meter_bus`.

Messages are frozen and carry their own instants, so that they may wait in a queue.
"""

from __future__ import annotations

import enum
from collections.abc import Mapping
from dataclasses import dataclass

from edge_agent.core.measured import (
    DetailReading,
    FaultKind,
    MeterReading,
    ReadPurpose,
    RelayOrdered,
    RelayPosition,
)


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
