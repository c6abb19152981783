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
LATEST_MS: Final = EARLIEST_MS + 25 * 365 * 86_400_000
"""A clock that shows a later time than any box of this program will see is wrong: batteries that die leave 2099 too."""
STEP_MS: Final = 1_500
"""A wall clock that moves by more than this against the monotonic one has been set; less is one being disciplined."""
AGREEMENT_MS: Final = 300_000
"""Signed time further away than this changes nothing: the centre's clock may be the wrong one."""


SHORT_ROUND_TRIP_MS: Final = 5_000
"""Signed time is used to set a clock only where asking for it took no longer: it is right to half of that."""
DRIFT_MS: Final = 500
"""What a clock that is believed may be away before it is led back: crystals lose a second or two a day."""
LED_BACK_MS: Final = 500
"""How much of a drift is taken back at once: less than a step, so that no interval is parted for it."""


def can_be_now(wall_ms: int) -> bool:
    """Whether this program can be running at that time at all: not before it was made, not in another generation."""
    return EARLIEST_MS <= wall_ms <= LATEST_MS


def right_time_ms(now: Now, server_ms: int, round_trip_ms: int) -> int | None:
    """What the wall should show after a fresh, signed time of the server; None: leave it.

    A clock that is not believed is put right. One that is believed is led back by less than a step from a drift of up
    to five minutes; further away than that, nothing is changed: the server's clock may be the wrong one.
    """
    if not can_be_now(server_ms) or round_trip_ms > SHORT_ROUND_TRIP_MS:
        return None
    away_ms = server_ms + round_trip_ms // 2 - now.wall_ms
    if not now.sure:
        return now.wall_ms + away_ms if abs(away_ms) > STEP_MS else None
    if not max(DRIFT_MS, round_trip_ms) < abs(away_ms) <= AGREEMENT_MS:
        return None
    return now.wall_ms + max(-LED_BACK_MS, min(LED_BACK_MS, away_ms))


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
        if not can_be_now(wall_ms):
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
        agrees = abs(wall_ms - server_ms) <= AGREEMENT_MS and can_be_now(wall_ms)
        return replace(self, offset_ms=wall_ms - mono_ms) if agrees else self


def trust_at_start(state: BoxState) -> ClockTrust:
    """What a run begins with, from what the store holds."""
    stamped = [row for row in state.meters.values() if row.state.read_at_ms is not None]
    # A meter that was lost while the clock was wrong keeps its false stamp until it answers again.
    answering = [row for row in stamped if "meter_lost" not in row.alarms] or stamped
    read_at = [row.state.read_at_ms for row in answering if row.state.read_at_ms is not None]
    return ClockTrust(recorded_ms=max(read_at, default=None), doubted="clock_unsure" in state.marks.alarms)


def judge_clock(place: Place, marks: Marks, now: Now, ahead_ms: int | None) -> Decision:
    """Alarms: the clock is not believed; or it is, and the centre says otherwise (`ahead_ms`: ours less theirs)."""
    disagrees = now.sure and ahead_ms is not None and abs(ahead_ms) > AGREEMENT_MS
    unsure = box_alarm(place, marks, "clock_unsure", now, not now.sure, None)
    after = marks if unsure.marks is None else unsure.marks
    return join(unsure, box_alarm(place, after, "clock_disagrees", now, disagrees, ahead_ms))
