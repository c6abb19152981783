"""A test of the last guard on one meter: a top-up of 0.01, with its count, its unit and its read-back.

With a person's yes. It moves no relay; what it adds is the smallest amount there is, once.
"""

import logging
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from edge_agent.core.guard import TEST_TOP_UP_MICRO, Account, judge_test, read_account, top_up
from edge_agent.core.refusal import Refusal
from edge_agent.core.testing import may_test_guard, note_test
from edge_agent.flows.box import Box
from edge_agent.ports import PrepaidOrder, PrepaidReport, RelayReport
from protocol.meter_profile.values import RegisterWrite

STEP_MS: Final = 20_000
"""One visit to the account, behind whatever the bus does at the moment."""

log = logging.getLogger(__name__)


@dataclass(slots=True)
class GuardTest:
    """One running test. `done` is told once whether it was passed, and in words what was seen."""

    box: Box
    meter: str
    who: str
    done: Callable[[bool, str], None]
    running: bool = False
    _before: Account | None = None
    _order_id: str = ""
    _until: int = 0

    def begin(self) -> Refusal | None:
        """Read the account, or say why not."""
        refused = may_test_guard(self.box.place, self.box.state, self.meter, self.box.now())
        if refused is not None:
            return refused
        if self.box.place.bus_of[self.meter] not in self.box.buses:
            return Refusal("stale_reading", "the meter's bus does not run")
        self.box.lent.add(self.meter)
        self.running = True
        self._visit(())
        return None

    def _visit(self, writes: tuple[RegisterWrite, ...]) -> None:
        self._order_id, self._until = self.box.new_id(), self.box.clock.mono_ms() + STEP_MS
        bus = self.box.buses.get(self.box.place.bus_of.get(self.meter, ""))
        if bus is not None:
            bus.order_prepaid(PrepaidOrder(self._order_id, self.meter, writes))

    def take(self, report: RelayReport | PrepaidReport) -> None:
        """A visit ended; go on where it is ours."""
        if not self.running or not isinstance(report, PrepaidReport) or report.order_id != self._order_id:
            return
        account = None if report.values is None else read_account(report.values, report.at_mono_ms)
        if account is None:
            self._end(passed=False, detail=f"the account could not be read: {report.detail}")
        elif self._before is None:
            self._before = account
            prepaid = self.box.place.profile_of[self.meter].prepaid
            self._visit((top_up(prepaid, account, TEST_TOP_UP_MICRO),))
        else:
            passed, detail = judge_test(self._before, account)
            self._end(passed=passed, detail=detail)

    def pulse(self) -> None:
        """A second passed: a step without an end has failed."""
        if self.running and self.box.clock.mono_ms() > self._until:
            self._end(passed=False, detail=f"no report within {STEP_MS // 1_000} s")

    def _end(self, *, passed: bool, detail: str) -> None:
        self.running = False
        self.box.lent.discard(self.meter)
        log.info("guard_tested", extra={"fields": {"meter": self.meter, "passed": passed, "detail": detail}})
        self.box.take(note_test(self.box.state, self.meter, "guard", passed, self.who, detail, self.box.now()))
        self.done(passed, detail)
