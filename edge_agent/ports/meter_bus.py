"""The port to the meters on one bus: what a bus is asked. The reports that come of it stand in `bus_reports`."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Protocol

from edge_agent.core.measured import RelayOrdered
from edge_agent.ports.bus_reports import BusReport
from edge_agent.ports.lending import LentQuestion
from protocol.meter_profile.values import Profile, RegisterWrite


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


@dataclass(frozen=True, slots=True)
class PrepaidOrder:
    """One visit to a meter's own prepaid account: these writes in this order, each once, then all of it is read."""

    order_id: str
    meter: str
    writes: tuple[RegisterWrite, ...] = ()


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
