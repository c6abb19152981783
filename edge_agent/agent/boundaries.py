"""The ends of intervals and rates: which instant is next, all meters read then, and the end of it when the last bus is
done. What an interval is worth is reckoned elsewhere (`core`).
"""

from dataclasses import dataclass
from typing import Final

from edge_agent.agent.buses import Buses
from edge_agent.core.place import next_boundary_ms
from edge_agent.flows.box import Box
from edge_agent.flows.poll_meters import Polling
from edge_agent.schedule import Schedule

ENDS_WITHIN_MS: Final = 15_000
"""A boundary is sealed when all its readings are in, or after this: the tolerance and a slow bus."""


@dataclass(slots=True)
class Boundaries:
    """The boundary that runs, if one does, and the next one in the schedule. For the owner's thread alone."""

    box: Box
    buses: Buses
    polling: Polling
    schedule: Schedule
    _open: frozenset[str] = frozenset()
    """Buses that still read for the boundary that runs."""
    _until: int = 0
    _at_ms: int = 0

    def follow_place(self) -> None:
        """Buses and calendar as the configuration wants them."""
        self.buses.follow(self.box.place)
        self.box.buses = self.buses.workers
        self.set_schedule()

    def set_schedule(self) -> None:
        """The calendar anew: the configuration changed, or the clock was set."""
        self.schedule.set_anew(self.box.state.config.site.zone)
        self._set_next(self.box.clock.wall_ms())

    def _set_next(self, after_ms: int) -> None:
        at_ms = next_boundary_ms(self.box.place, after_ms)
        self.schedule.boundary_at(at_ms, at_ms - self.box.clock.wall_ms())

    def begin(self, at_ms: int) -> None:
        """An interval or a rate ends: all meters are read now. Not yet, where our clock has been led back meanwhile.

        What is read before the end says nothing of it: its intervals would miss the batch, and wait for the next end.
        """
        if self.box.clock.wall_ms() < at_ms:
            self._set_next(self.box.clock.wall_ms())
            return
        self.buses.follow(self.box.place)
        for bus_id, bus in self.buses.workers.items():
            bus.boundary(at_ms, [meter for meter, on in self.box.place.bus_of.items() if on == bus_id])
        self._at_ms = at_ms
        self._open = frozenset(self.buses.workers)
        self._until = self.box.clock.mono_ms() + ENDS_WITHIN_MS
        self._set_next(max(at_ms, self.box.clock.wall_ms()))

    def bus_done(self, bus_id: str, at_ms: int) -> None:
        """A bus has read all it could; with the last one the boundary ends."""
        if at_ms == self._at_ms:
            self._open -= {bus_id}
            if not self._open:
                self._end()

    def look(self) -> None:
        """A bus that does not end its boundary does not hold up the others."""
        if self._open and self.box.clock.mono_ms() >= self._until:
            self._end()

    def _end(self) -> None:
        self._open = frozenset()
        if not self.box.state.no_room:
            self.box.take(self.polling.end_of_interval(self.box.clock.wall_ms()))
        self.box.urgent = True
