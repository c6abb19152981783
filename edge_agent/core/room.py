"""Room on the disk: when it is told of, when there is enough again, and how long batches are kept meanwhile. Pure."""

from typing import Final

from edge_agent.core.box_alarm import box_alarm
from edge_agent.core.decision import Decision, join
from edge_agent.core.place import Place
from edge_agent.core.state import Marks, Now
from protocol.units import DAY_MS

MIB: Final = 1024 * 1024
NEARLY_FULL_BYTES: Final = 64 * MIB
"""Less than this is told of: a box of 60 meters grows by a few megabytes a day, so somebody has two weeks."""
ROOMY_BYTES: Final = 96 * MIB
"""So much clears it, well above, so that a log that comes and goes does not make an alarm each hour."""
FLOOR_MS: Final = 90 * DAY_MS
"""Acknowledged batches younger than this stay even on a disk that is nearly full: they are the centre's backup."""


def judge_room(place: Place, marks: Marks, free_bytes: int, *, failing: bool, now: Now) -> Decision:
    """Alarms: the disk is nearly full, with what is free as value; the store takes no writes."""
    nearly = is_nearly_full(marks, free_bytes)
    told = box_alarm(place, marks, "store_nearly_full", now, nearly, free_bytes)
    after = marks if told.marks is None else told.marks
    return join(told, box_alarm(place, after, "store_full", now, failing, None))


def is_nearly_full(marks: Marks, free_bytes: int) -> bool:
    """Below the lower bound; once told of, until above the upper one."""
    return free_bytes < (ROOMY_BYTES if "store_nearly_full" in marks.alarms else NEARLY_FULL_BYTES)


def keep_from_ms(retain_days: int, *, nearly_full: bool, now: Now) -> int:
    """Acknowledged batches sealed before this may go; what is not acknowledged never goes."""
    keep_ms = retain_days * DAY_MS
    return now.wall_ms - (min(keep_ms, FLOOR_MS) if nearly_full else keep_ms)
