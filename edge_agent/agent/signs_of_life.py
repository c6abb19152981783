"""Whether this process still moves: a time stamp for the next run, and the watchdog fed while every worker moves."""

import logging
from dataclasses import dataclass

from edge_agent.agent.buses import Buses
from edge_agent.health import ALIVE_EVERY_MS, STALLED_AFTER_MS, RunMarks, Watchdog
from edge_agent.memory import give_back_memory
from edge_agent.ports import Uplink

log = logging.getLogger(__name__)


@dataclass(slots=True)
class SignsOfLife:
    """For the owner's thread, once a second: that it gets here is the sign that it moves itself."""

    buses: Buses
    uplink: Uplink
    marks: RunMarks
    watchdog: Watchdog
    _alive_at: int = 0
    _stalled: bool = False

    def show(self, now: int) -> None:
        """Renew the time stamp, give memory back, feed the watchdog while all workers move; say once who does not."""
        if now >= self._alive_at:
            self._alive_at = now + ALIVE_EVERY_MS
            self.marks.alive()
            give_back_memory()
        workers = {bus.name: bus.last_progress_mono_ms for bus in self.buses.workers.values()}
        workers["uplink"] = self.uplink.last_progress_mono_ms
        stalled = sorted(name for name, moved in workers.items() if now - moved > STALLED_AFTER_MS)
        if not stalled:
            self.watchdog.tell("WATCHDOG=1")
        elif not self._stalled:
            log.error("worker_stalled", extra={"fields": {"workers": ",".join(stalled)}})
            self.marks.end("watchdog")
        self._stalled = bool(stalled)
