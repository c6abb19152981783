"""Alarms about the box itself: raised once, cleared once, and kept in the marks meanwhile."""

import msgspec

from edge_agent.core.decision import NOTHING, Decision
from edge_agent.core.place import Place
from edge_agent.core.state import Marks, Now
from protocol.records import Alarm, AlarmKind, Subject


def box_alarm(place: Place, marks: Marks, kind: AlarmKind, now: Now, stands: bool, value: int | None) -> Decision:
    """Raise or clear an alarm where it does not stand as it should."""
    if stands == (kind in marks.alarms):
        return NOTHING
    alarms = tuple(name for name in marks.alarms if name != kind) + ((kind,) if stands else ())
    record = Alarm(
        at_ms=now.wall_ms,
        alarm=kind,
        subject=Subject(box=place.box),
        state="raised" if stands else "cleared",
        value=value,
    )
    return Decision(records=(record,), marks=msgspec.structs.replace(marks, alarms=alarms), urgent=True)
