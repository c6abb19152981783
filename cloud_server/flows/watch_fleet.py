"""Looking every few seconds for boxes that have gone silent, and telling it once."""

from typing import Final

from cloud_server.core.batch_facts import AlarmChange
from cloud_server.core.fleet_health import box_is_lost
from cloud_server.core.limits import LOST_AFTER_MS
from cloud_server.flows.centre import Centre
from cloud_server.flows.give_way import spread
from protocol.records import Subject

LOST_AT_ONCE: Final = 5
"""Boxes in one unit of work, each locked by a statement of a millisecond: when the fibre of a whole city is cut, sales
are not kept waiting for it."""


def watch_fleet(centre: Centre) -> int:
    """Raise `box_lost` for every box that is lost and has none; how many. It is cleared when the box is heard."""
    now_ms = centre.clock.wall_ms()
    with centre.store.read() as unit:
        told = {box for box, _ in unit.alarms.standing_alarms("box_lost")}
        silent = unit.fleet.silent_boxes(now_ms - LOST_AFTER_MS)
    lost = [box for box in silent if box not in told and not centre.wake.listening(box)]
    if not lost:
        return 0
    raised, done = 0, 0

    def step() -> bool:
        nonlocal raised, done
        raised += _raise(centre, lost[done : done + LOST_AT_ONCE], now_ms)
        done += LOST_AT_ONCE
        return done < len(lost)

    spread(step)
    centre.live.changed()
    return raised


def _raise(centre: Centre, lost: list[str], now_ms: int) -> int:
    with centre.store.write() as unit:
        seen = [unit.fleet.box(box) for box in lost]
        still = [
            box.box for box in seen if box is not None and box_is_lost(box, centre.wake.listening(box.box), now_ms)
        ]
        return unit.alarms.change_alarms(AlarmChange("box_lost", Subject(box=box), True, now_ms, None) for box in still)
