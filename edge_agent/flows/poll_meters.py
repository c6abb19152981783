"""What the buses report becomes decisions: readings, relays, lost meters, and the tally of tries and faults.

Runs on the owner thread for each report; the way of a reading itself is the core's.
"""

import hashlib
import logging
from collections import Counter
from dataclasses import dataclass, field
from typing import Final

from edge_agent.core.decision import Decision
from edge_agent.core.details import take_detail
from edge_agent.core.foreign_master import foreign_master, hear_foreign
from edge_agent.core.identity import take_serial
from edge_agent.core.measured import seen_position
from edge_agent.core.meeting import bus_changed, meter_back, meter_lost, relay_reported, take_reading
from edge_agent.flows.box import Box
from edge_agent.flows.daily_meters import note_clock
from edge_agent.flows.keep_guard import GuardKeeper
from edge_agent.ports import (
    BoundaryDone,
    BusDown,
    BusReport,
    BusUp,
    ClockReport,
    CycleDone,
    DetailReport,
    FaultReport,
    ForeignMaster,
    MeterBack,
    MeterLost,
    PrepaidReport,
    ReadingReport,
    RelayOutcome,
    RelayReport,
    SerialReport,
    ValueRefused,
)
from protocol.records import FaultKind, Link

_NEVER_WRITTEN: Final = frozenset({RelayOutcome.REPLACED, RelayOutcome.EXPIRED, RelayOutcome.WITHHELD})
"""Orders that never reached the wire say nothing about the relay."""

log = logging.getLogger(__name__)


@dataclass(slots=True)
class LinkTally:
    """Tries and faults by meter since an instant, for the `link` records. In memory alone."""

    from_ms: int
    tries: Counter[str] = field(default_factory=Counter)
    faults: dict[str, Counter[FaultKind]] = field(default_factory=dict)

    def records(self, to_ms: int) -> tuple[Link, ...]:
        """One record for each meter that was asked; the tally begins anew."""
        links = tuple(
            Link(
                at_ms=to_ms,
                meter=meter,
                from_ms=min(self.from_ms, to_ms),
                to_ms=to_ms,
                tries=self.tries[meter],
                faults=dict(self.faults.get(meter, {})),
            )
            for meter in sorted(set(self.tries) | set(self.faults))
        )
        self.from_ms = to_ms
        self.tries.clear()
        self.faults.clear()
        return links


@dataclass(slots=True)
class BusView:
    """What is known of one bus, for people. `down` is why it is gone, or None."""

    down: str | None = None
    cycle_ms: int | None = None
    cycles: int = 0


@dataclass(slots=True)
class Polling:
    """Takes what the buses say. One for each run of the agent."""

    box: Box
    tally: LinkTally
    buses: dict[str, BusView] = field(default_factory=dict)
    """By bus id."""
    guards: GuardKeeper = field(init=False)

    def __post_init__(self) -> None:
        self.guards = GuardKeeper(self.box)

    def take(self, bus_id: str, report: BusReport) -> None:
        """Let one report of a bus have its effect."""
        box = self.box
        now = box.now()
        match report:
            case ReadingReport(reading=reading):
                if reading.meter in box.state.lost:
                    # Lost in an earlier run of the agent: the bus of this run has nothing to report it back from.
                    box.take(meter_back(box.place, box.state, reading.meter, now))
                box.take(take_reading(box.place, box.state, reading, now))
            case DetailReport(reading=detail):
                box.details.setdefault(detail.meter, {}).update(detail.values)
                box.take(take_detail(box.place, box.state, detail, now))
            case FaultReport(meter=meter, kind=kind):
                self.tally.faults.setdefault(meter, Counter())[kind.value] += 1
            case RelayReport():
                self._relay(report)
            case MeterLost(meter=meter):
                log.warning("meter_lost", extra={"fields": {"meter": meter}})
                box.take(meter_lost(box.place, box.state, meter, now))
            case MeterBack(meter=meter):
                log.info("meter_back", extra={"fields": {"meter": meter}})
                box.take(meter_back(box.place, box.state, meter, now))
            case BusDown(reason=reason):
                self._bus(bus_id, reason)
            case BusUp():
                self._bus(bus_id, None)
            case ForeignMaster(frames=frames):
                self._foreign(bus_id, frames)
            case _:
                self._note(bus_id, report)

    def _relay(self, report: RelayReport) -> None:
        box = self.box
        fields = {"meter": report.meter, "wanted": report.wanted.value, "outcome": report.outcome.value}
        seen = seen_position(report.contact, report.order_register)
        log.info("relay_reported", extra={"fields": {**fields, "seen": seen.value}})
        if report.outcome not in _NEVER_WRITTEN:
            register = report.order_register
            box.take(relay_reported(box.place, box.state, report.meter, seen, report.ok, box.now(), register))

    def _bus(self, bus_id: str, reason: str | None) -> None:
        view = self.buses.setdefault(bus_id, BusView())
        if view.down != reason:
            log.log(
                logging.INFO if reason is None else logging.WARNING,
                "bus_up" if reason is None else "bus_down",
                extra={"fields": {"bus": bus_id, "reason": reason}},
            )
        view.down = reason
        self.box.take(bus_changed(self.box.place, self.box.state, bus_id, reason is not None, self.box.now()))

    def _foreign(self, bus_id: str, frames: tuple[bytes, ...]) -> None:
        """Another master asks on this bus: said once, until it has been quiet for long."""
        box = self.box
        words = frames[0].hex(" ").upper()
        if not foreign_master(box.state, bus_id):
            log.error("foreign_master", extra={"fields": {"bus": bus_id, "asked": words}})
        digests = tuple(dict.fromkeys(hashlib.sha256(frame).hexdigest() for frame in frames))
        box.take(hear_foreign(box.place, box.state, bus_id, digests, words, box.now()))

    def _note(self, bus_id: str, report: BusReport) -> None:
        """Reports that seldom change anything."""
        match report:
            case CycleDone(asked=asked, duration_ms=duration_ms, cycle=cycle):
                self.tally.tries.update(asked)
                view = self.buses.setdefault(bus_id, BusView())
                view.cycle_ms, view.cycles = duration_ms, cycle
            case ValueRefused(meter=meter, quantity=quantity, reason=reason):
                log.warning("value_refused", extra={"fields": {"meter": meter, "quantity": quantity, "reason": reason}})
            case BoundaryDone(missed=missed):
                if missed:
                    log.info("boundary_missed", extra={"fields": {"bus": bus_id, "meters": len(missed)}})
            case PrepaidReport():
                self.guards.take(report)
            case ClockReport():
                note_clock(report)
            case SerialReport(meter=meter, serial=serial):
                log.debug("serial_read", extra={"fields": {"meter": meter, "serial": serial}})
                self.box.take(take_serial(self.box.place, self.box.state, meter, serial, self.box.now()))
            case _:
                pass

    def end_of_interval(self, at_ms: int) -> Decision:
        """The `link` records of the stretch that ends now."""
        return Decision(records=self.tally.records(at_ms))
