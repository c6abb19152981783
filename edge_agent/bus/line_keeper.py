"""Keeps one line open: an adapter that vanishes is taken up again when it returns, and each is told once."""

from __future__ import annotations

from edge_agent.bus.serial_port import LineDown
from edge_agent.bus.transaction import Line
from edge_agent.ports import BusDown, BusUp, Clock, ReportSink

REOPEN_FIRST_MS = 100
REOPEN_MOST_MS = 2_000
"""A vanished adapter is tried again after 0.1 s, doubled up to 2 s: looking for a file costs nothing."""


class LineKeeper:
    """For the worker's thread alone."""

    def __init__(self, bus: str, line: Line, reports: ReportSink, clock: Clock) -> None:
        """Nothing is opened yet."""
        self._bus = bus
        self._line = line
        self._reports = reports
        self._clock = clock
        self._told_down = False
        self.is_open = False
        self.down = "not opened yet"
        """Why there is no line."""
        self.rest_ms = REOPEN_FIRST_MS
        """How long to rest before the next try."""

    def open(self) -> bool:
        """Try to take the line; whether it is open."""
        try:
            self._line.open()
        except LineDown as error:
            self.lost(error)
            self.rest_ms = min(2 * self.rest_ms, REOPEN_MOST_MS)
            return False
        self.is_open = True
        self._told_down = False
        self.rest_ms = REOPEN_FIRST_MS
        self._reports.put(BusUp(self._bus, self._clock.mono_ms()))
        return True

    def lost(self, error: LineDown) -> None:
        """The line is gone; told once, however often it is tried again."""
        self.is_open = False
        self.down = str(error)
        if not self._told_down:
            self._reports.put(BusDown(self._bus, self._clock.mono_ms(), self.down))
        self._told_down = True
