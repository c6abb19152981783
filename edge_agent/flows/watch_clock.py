"""The wall clock against the monotonic one, looked at before anything is decided by it; put right by the centre."""

import logging
from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

from edge_agent.core.stepping import clock_stepped
from edge_agent.core.timekeeping import STEP_MS, right_time_ms
from edge_agent.flows.box import Box

log = logging.getLogger(__name__)


@dataclass(slots=True)
class ClockWatch:
    """Remembers how far the two clocks were apart. One for each run of the agent.

    Attributes:
        follows_centre: false where something else sets this machine's clock; then it is only judged.
        stepped: called after each jump has taken hold: what was computed by the old clock does not hold.
    """

    box: Box
    follows_centre: bool = True
    stepped: Callable[[], None] = lambda: None
    offset_ms: int | None = None

    def look(self, source: Literal["server", "none"] = "none") -> None:
        """Where the wall clock has jumped since the last look, let what follows from it take hold."""
        now = self.box.now()
        offset_ms = now.wall_ms - now.mono_ms
        before_ms, self.offset_ms = self.offset_ms, offset_ms
        if before_ms is None or abs(offset_ms - before_ms) <= STEP_MS:
            return
        from_ms = now.mono_ms + before_ms
        fields = {"from_ms": from_ms, "to_ms": now.wall_ms, "source": source}
        log.warning("clock_step", extra={"fields": fields})
        sure_before = self.box.trust.believes(from_ms, now.mono_ms)
        self.box.take(clock_stepped(self.box.place, self.box.state, before_ms, sure_before, now, source))
        self.stepped()

    def wants_time(self) -> bool:
        """Whether the clock is not believed and may be put right by the centre's."""
        return self.follows_centre and not self.box.now().sure

    def take_server_time(self, server_ms: int, round_trip_ms: int) -> None:
        """A fresh answer said what time it is: put a clock right that is not believed, lead back one that drifted."""
        box = self.box
        self.look()
        now = box.now()
        right_ms = right_time_ms(now, server_ms, round_trip_ms) if self.follows_centre else None
        if right_ms is not None:
            box.clock.set_wall(right_ms)
            log.info("clock_set", extra={"fields": {"by_ms": right_ms - now.wall_ms, "believed_before": now.sure}})
            if now.sure:
                self.offset_ms = box.clock.wall_ms() - box.clock.mono_ms()
                box.trust = box.trust.followed(box.now())
            else:
                self.look("server")
        box.trust = box.trust.confirmed(box.clock.wall_ms(), box.clock.mono_ms(), server_ms)
