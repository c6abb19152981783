"""A relay test: open, closed, and as it was found, each read back. One at a time on a bus.

Many meters tell their order and not their contact: a relay that confirms and does not move is seen by its load, which
has to fall while it is open.

While it runs the core's own orders for that meter wait; the next second gives them again if they still hold.
"""

import logging
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Final

from edge_agent.core.decision import Decision, join
from edge_agent.core.measured import RelayOrdered
from edge_agent.core.refusal import Refusal
from edge_agent.core.testing import may_test_relay, note_test
from edge_agent.flows.box import ORDER_GOOD_FOR_MS, Box
from edge_agent.ports import PrepaidReport, RelayOrder, RelayReport

STEP_MS: Final = 20_000
"""One order with its read-back, behind whatever the bus does at the moment."""

LOAD_LEAST_W: Final = 50
"""Below it there is nothing that could be seen to fall: a lamp left on, or the meter's own noise."""
FALLEN_SHARE: Final = 2
"""A load that is less than half of what it was has been cut."""
LOOKS_MAX: Final = 4
"""Readings within which it must have fallen: some meters tell a mean over a second or two."""

log = logging.getLogger(__name__)


@dataclass(slots=True)
class RelayTest:
    """One running test. `done` is told once whether it was passed, and in words what was seen."""

    box: Box
    meter: str
    who: str
    done: Callable[[bool, str], None]
    found: str = "unknown"
    _steps: list[str] = field(default_factory=list)
    _order_id: str = ""
    _until: int = 0
    _seen: list[str] = field(default_factory=list)
    _load_w: int | None = None
    _watched_from: int | None = None
    _looks: int = 0

    def begin(self) -> Refusal | None:
        """Give the first order, or say why not."""
        box, now = self.box, self.box.now()
        refused = may_test_relay(box.place, box.state, box.limits, self.meter, now)
        if refused is not None:
            return refused
        bus = box.place.bus_of[self.meter]
        if bus not in box.buses:
            return Refusal("stale_reading", "the meter's bus does not run")
        busy = [meter for meter in box.lent if box.place.bus_of.get(meter) == bus]
        if busy:
            return Refusal("meter_in_use", f"a test of meter {busy[0]} runs on the same bus")
        box.lent.add(self.meter)
        box.take(Decision(testing=((self.meter, True),)))
        self.found = box.state.meters[self.meter].seen
        self._load_w = self._measured_w() if self.found != "open" else None
        self._steps = ["open", "closed", *(["open"] if self.found == "open" else [])]
        self._order()
        return None

    @property
    def running(self) -> bool:
        return bool(self._steps)

    def _order(self) -> None:
        now = self.box.clock.mono_ms()
        self._order_id, self._until = self.box.new_id(), now + STEP_MS
        bus = self.box.buses.get(self.box.place.bus_of.get(self.meter, ""))
        if bus is None:
            return
        bus.order_relay(RelayOrder(self._order_id, self.meter, RelayOrdered(self._steps[0]), now + ORDER_GOOD_FOR_MS))

    def take(self, report: RelayReport | PrepaidReport) -> None:
        """An order came to its end; go on where it is ours."""
        if not self.running or not isinstance(report, RelayReport) or report.order_id != self._order_id:
            return
        self._seen.append(f"{self._steps[0]}: {report.outcome.value}")
        if not report.ok:
            self._end(passed=False)
            return
        if self._steps[0] == "open" and self._load_w is not None and self._load_w >= LOAD_LEAST_W:
            self._watch_load()
        else:
            self._go_on()

    def _go_on(self) -> None:
        self._steps.pop(0)
        if self._steps:
            self._order()
        else:
            self._end(passed=True)

    def _watch_load(self) -> None:
        """Open, it says: the next readings tell whether anything still flows."""
        self._watched_from = self.box.clock.mono_ms()
        self._until = self._watched_from + STEP_MS
        bus = self.box.buses.get(self.box.place.bus_of.get(self.meter, ""))
        if bus is not None:
            bus.read_now([self.meter])

    def look(self) -> None:
        """Readings came in: see whether the load has fallen."""
        latest = self.box.state.latest.get(self.meter)
        if self._watched_from is None or latest is None or latest.mono_ms <= self._watched_from:
            return
        load_w, before_w = self._measured_w(), self._load_w
        if load_w is None or before_w is None:
            return
        self._watched_from, self._looks = latest.mono_ms, self._looks + 1
        if load_w * FALLEN_SHARE < before_w:
            self._seen.append(f"load fell from {before_w} W to {load_w} W")
            self._watched_from, self._load_w = None, None
            self._go_on()
        elif self._looks >= LOOKS_MAX:
            self._seen.append(f"{load_w} W flow on")
            self._end(passed=False)

    def _measured_w(self) -> int | None:
        """The load as the meter measures it; None where it is not known, or only estimated."""
        latest = self.box.state.latest.get(self.meter)
        if latest is None or latest.power_w is None or latest.power_estimated:
            return None
        return abs(latest.power_w)

    def pulse(self) -> None:
        """A second passed: a step without an end has failed."""
        if self.running and self.box.clock.mono_ms() > self._until:
            what = "report" if self._watched_from is None else "reading of its load"
            self._seen.append(f"{self._steps[0]}: no {what} within {STEP_MS // 1_000} s")
            self._end(passed=False)

    def _end(self, *, passed: bool) -> None:
        self._steps, self._watched_from = [], None
        self.box.lent.discard(self.meter)
        detail = ", ".join(self._seen)
        log.info("relay_tested", extra={"fields": {"meter": self.meter, "passed": passed, "detail": detail}})
        noted = note_test(self.box.state, self.meter, "relay", passed, self.who, detail, self.box.now())
        self.box.take(join(noted, Decision(testing=((self.meter, False),))))
        self.done(passed, detail)
