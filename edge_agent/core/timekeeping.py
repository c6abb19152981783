"""Whether the wall clock may be believed, and the alarms that say so. Pure: clocks are read elsewhere.

The monotonic clock never jumps. A wall clock that has moved against it since it was last believed is not believed
until a fresh answer of the centre agrees with it, or it comes back by itself.
"""

from dataclasses import dataclass, replace
from typing import Final

from edge_agent.core.box_alarm import box_alarm
from edge_agent.core.decision import Decision, join
from edge_agent.core.place import Place
from edge_agent.core.readings import OUTAGE_MS_MAX
from edge_agent.core.state import BoxState, Marks, Now

EARLIEST_MS: Final = 1_793_491_200_000
"""2026-11-01 UTC: a clock that shows an earlier time than this program's making is wrong."""
STEP_MS: Final = 1_500
"""A wall clock that moves by more than this against the monotonic one has been set; less is one being disciplined."""
AGREEMENT_MS: Final = 300_000
"""Signed time further away than this changes nothing: the centre's clock may be the wrong one."""


@dataclass(frozen=True, slots=True)
class ClockTrust:
    """What a reading of the wall clock is held against.

    Attributes:
        offset_ms: wall less monotonic time when the wall clock was last believed; None before anything is known.
        recorded_ms: the newest instant that the store held at the start; None where it held none.
        doubted: the clock was not believed when the run before ended: what it stamped then says nothing of this one.
    """

    offset_ms: int | None = None
    recorded_ms: int | None = None
    doubted: bool = False

    def believes(self, wall_ms: int, mono_ms: int) -> bool:
        """May this reading of the wall clock be believed?"""
        if wall_ms < EARLIEST_MS:
            return False
        if self.offset_ms is None:
            return self._can_follow(wall_ms)
        return abs(wall_ms - mono_ms - self.offset_ms) <= STEP_MS

    def _can_follow(self, wall_ms: int) -> bool:
        """Whether what was recorded can lie as far back: a battery that died in the outage shows itself so."""
        if self.doubted:
            return False
        if self.recorded_ms is None:
            return True
        return self.recorded_ms - AGREEMENT_MS <= wall_ms <= self.recorded_ms + OUTAGE_MS_MAX

    def followed(self, now: Now) -> "ClockTrust":
        """Follow a clock that is disciplined slowly, as long as it is believed."""
        return replace(self, offset_ms=now.wall_ms - now.mono_ms) if now.sure else self

    def confirmed(self, wall_ms: int, mono_ms: int, server_ms: int) -> "ClockTrust":
        """A fresh answer with the server's time came at this instant: believe the wall clock where both agree."""
        agrees = abs(wall_ms - server_ms) <= AGREEMENT_MS and wall_ms >= EARLIEST_MS
        return replace(self, offset_ms=wall_ms - mono_ms) if agrees else self


def trust_at_start(state: BoxState) -> ClockTrust:
    """What a run begins with, from what the store holds."""
    read_at = [row.state.read_at_ms for row in state.meters.values() if row.state.read_at_ms is not None]
    return ClockTrust(recorded_ms=max(read_at, default=None), doubted="clock_unsure" in state.marks.alarms)


def judge_clock(place: Place, marks: Marks, now: Now, ahead_ms: int | None) -> Decision:
    """Alarms: the clock is not believed; or it is, and the centre says otherwise (`ahead_ms`: ours less theirs)."""
    disagrees = now.sure and ahead_ms is not None and abs(ahead_ms) > AGREEMENT_MS
    unsure = box_alarm(place, marks, "clock_unsure", now, not now.sure, None)
    after = marks if unsure.marks is None else unsure.marks
    return join(unsure, box_alarm(place, after, "clock_disagrees", now, disagrees, ahead_ms))
