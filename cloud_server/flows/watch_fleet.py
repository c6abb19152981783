"""Looking every few seconds for boxes that have gone silent, and telling it once."""

from cloud_server.core.batch_facts import AlarmChange
from cloud_server.core.fleet_health import box_is_lost
from cloud_server.flows.centre import Centre
from protocol.records import Subject


def watch_fleet(centre: Centre) -> int:
    """Raise `box_lost` for every box that is lost and has none; how many. It is cleared when the box is heard."""
    now_ms = centre.clock.wall_ms()
    with centre.store.read() as unit:
        told = {box for box, _ in unit.alarms.standing_alarms("box_lost")}
        lost = [
            box
            for box in unit.fleet.boxes()
            if box.box not in told and box_is_lost(box, centre.wake.listening(box.box), now_ms)
        ]
    if not lost:
        return 0
    with centre.store.write() as unit:
        seen = [unit.fleet.box(box.box) for box in lost]
        still = [
            box.box for box in seen if box is not None and box_is_lost(box, centre.wake.listening(box.box), now_ms)
        ]
        raised = unit.alarms.change_alarms(
            AlarmChange("box_lost", Subject(box=box), True, now_ms, None) for box in still
        )
    centre.live.changed()
    return raised
