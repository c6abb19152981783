"""Nothing is written while another master is about: heard on this bus, and for a long quiet after it.

The owner thread decides so too, and tells people; here it holds from the very moment, whatever is on its way already.
"""

from __future__ import annotations

from edge_agent.bus.transaction import Line
from edge_agent.core.foreign_master import QUIET_MS
from edge_agent.ports import Clock, ForeignMaster, ReportSink

FOREIGN = "another master was heard on this bus"
TELL_EVERY_MS = 1_000
"""One that asks without end is told of once a second."""


class Withholding:
    """For the worker's thread alone."""

    def __init__(self, bus: str, line: Line, reports: ReportSink, clock: Clock) -> None:
        """Nobody was heard yet."""
        self._bus = bus
        self._line = line
        self._reports = reports
        self._clock = clock
        self._until_ms = 0
        self._told_ms = -TELL_EVERY_MS

    def listen(self) -> bool:
        """Take what the line has heard of another master; whether it heard any."""
        frames = self._line.take_foreign()
        if not frames:
            return False
        now_ms = self._clock.mono_ms()
        self._until_ms = now_ms + QUIET_MS
        if now_ms - self._told_ms >= TELL_EVERY_MS:
            self._told_ms = now_ms
            self._reports.put(ForeignMaster(self._bus, now_ms, frames))
        return True

    def holds(self) -> bool:
        """Whether nothing may be written now."""
        return self._clock.mono_ms() < self._until_ms
