"""The wall clock against the monotonic one, looked at before anything is decided by it."""

import logging
from dataclasses import dataclass

from edge_agent.core.stepping import clock_stepped
from edge_agent.core.timekeeping import EARLIEST_MS, STEP_MS
from edge_agent.flows.box import Box

log = logging.getLogger(__name__)


@dataclass(slots=True)
class ClockWatch:
    """Remembers how far the two clocks were apart. One for each run of the agent."""

    box: Box
    offset_ms: int | None = None

    def look(self) -> bool:
        """Tell whether the wall clock has jumped since the last look; what follows from it has taken hold."""
        now = self.box.now()
        offset_ms = now.wall_ms - now.mono_ms
        before_ms, self.offset_ms = self.offset_ms, offset_ms
        if before_ms is None or abs(offset_ms - before_ms) <= STEP_MS:
            return False
        from_ms = now.mono_ms + before_ms
        log.warning("clock_step", extra={"fields": {"from_ms": from_ms, "to_ms": now.wall_ms}})
        sure_before = from_ms >= EARLIEST_MS
        self.box.take(clock_stepped(self.box.place, self.box.state, before_ms, sure_before, now))
        return True
