"""Keeps the accounts of meters that are last guards at their level: a visit reads, decides afresh, writes, reads.

A visit that could not be read is repeated later from the beginning: what was written is then seen, never assumed.
Runs on the owner thread. Guards are visited every few minutes, and at once when their wallet's balance rose.
"""

import logging
from dataclasses import dataclass, field
from typing import Final

from edge_agent.core.decision import Decision
from edge_agent.core.foreign_master import foreign_master
from edge_agent.core.guard import Account, exposure_micro, read_account, writes_for
from edge_agent.core.guarding import Keeping, keeping, wanted_account
from edge_agent.core.state import Now
from edge_agent.flows.box import Box
from edge_agent.ports import PrepaidOrder, PrepaidReport
from protocol.meter_profile.values import RegisterWrite

VISIT_EVERY_MS: Final = 600_000
"""Between two visits with nothing new: use lowers box and meter alike, so only grants, fees and prices part them."""
AGAIN_AFTER_MS: Final = 15_000
"""After a visit that failed, or a level that rose without an answer."""
VISIT_ENDS_MS: Final = 20_000
"""A visit without a report by then has failed: its bus went down."""
WRITES_IN_A_ROW: Final = 3
"""Visits that write, one after the other: a meter that does not take them is left until the next time."""
RISE_MICRO: Final = 10_000
"""A level that rose by less is noise of two readings."""

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Visit:
    """A visit under way."""

    order_id: str
    until_ms: int
    written: int


@dataclass(frozen=True, slots=True)
class Left:
    """How a meter was left: what for, at which level, and when it is visited next."""

    keeping: Keeping
    level_micro: int
    next_ms: int


@dataclass(slots=True)
class GuardKeeper:
    """One for each run of the agent."""

    box: Box
    _visits: dict[str, Visit] = field(default_factory=dict)
    _left: dict[str, Left] = field(default_factory=dict)

    def pulse(self) -> None:
        """A second passed: begin the visits that are due, one at a time on a bus."""
        box, now = self.box, self.box.now()
        for meter, visit in list(self._visits.items()):
            if now.mono_ms >= visit.until_ms:
                self._leave(meter, AGAIN_AFTER_MS)
        busy = {box.place.bus_of.get(meter) for meter in (*self._visits, *box.lent)}
        busy |= {bus for bus in box.buses if foreign_master(box.state, bus)}
        for meter, bus in box.place.bus_of.items():
            if bus not in busy and self._is_due(meter, now):
                self._visit(meter, (), 0)
                busy.add(bus)

    def _is_due(self, meter: str, now: Now) -> bool:
        kept = keeping(self.box.place, self.box.state, meter, now)
        if kept in (Keeping.NOT_OURS, Keeping.REST):
            return False
        left = self._left.get(meter)
        if left is None or left.keeping is not kept or now.mono_ms >= left.next_ms:
            return True
        return kept is Keeping.ON and self._level(meter) > left.level_micro + RISE_MICRO

    def _level(self, meter: str) -> int:
        wanted = wanted_account(self.box.place, self.box.state, meter, self.box.now())
        return 0 if wanted is None else wanted.level_micro

    def _visit(self, meter: str, writes: tuple[RegisterWrite, ...], written: int) -> None:
        box = self.box
        bus = box.buses.get(box.place.bus_of.get(meter, ""))
        if bus is None:
            return
        order_id = box.new_id()
        self._visits[meter] = Visit(order_id, box.clock.mono_ms() + VISIT_ENDS_MS, written)
        bus.order_prepaid(PrepaidOrder(order_id, meter, writes))

    def take(self, report: PrepaidReport) -> None:
        """A visit ended: go on from what it read."""
        box, visit = self.box, self._visits.get(report.meter)
        account = None if report.values is None else read_account(report.values, report.at_mono_ms)
        if account is not None and report.meter in box.state.meters:
            box.take(Decision(accounts=((report.meter, account),)))
        if visit is None or visit.order_id != report.order_id or report.meter not in box.place.meters:
            return
        now = box.now()
        kept = keeping(box.place, box.state, report.meter, now)
        if account is None or kept in (Keeping.NOT_OURS, Keeping.REST):
            log.warning("guard_not_read", extra={"fields": {"meter": report.meter, "reason": report.detail}})
            self._leave(report.meter, AGAIN_AFTER_MS)
            return
        wanted = wanted_account(box.place, box.state, report.meter, now) if kept is Keeping.ON else None
        writes = writes_for(box.place.profile_of[report.meter], account, wanted)
        if writes and visit.written < WRITES_IN_A_ROW:
            log.info("guard_written", extra={"fields": {"meter": report.meter, "writes": len(writes)}})
            self._visit(report.meter, writes, visit.written + 1)
            return
        if writes:
            log.error("guard_deaf", extra={"fields": {"meter": report.meter, "writes": len(writes)}})
        elif wanted is not None:
            self._tell(report.meter, account, wanted.level_micro)
        self._leave(report.meter, VISIT_EVERY_MS)

    def _tell(self, meter: str, account: Account, level_micro: int) -> None:
        """What the meter holds, and by how much it would go on too long, for people."""
        shown = {"own_balance_micro": account.balance_micro, "exposure_micro": exposure_micro(account, level_micro)}
        self.box.details.setdefault(meter, {}).update(shown)
        log.info("guard_kept", extra={"fields": {"meter": meter, "level_micro": level_micro, **shown}})

    def _leave(self, meter: str, pause_ms: int) -> None:
        """The visit is over; `pause_ms` until the next one, unless something changes."""
        self._visits.pop(meter, None)
        now = self.box.now()
        kept = keeping(self.box.place, self.box.state, meter, now)
        self._left[meter] = Left(kept, self._level(meter), now.mono_ms + pause_ms)
