"""Raising and clearing alarms of the centre's own watch, inside the caller's unit of work. Both may be said again."""

from cloud_server.core.batch_facts import AlarmChange
from cloud_server.ports import Unit
from protocol.records import AlarmKind, CentreAlarmKind, Subject
from protocol.units import Ms

CENTRE: Subject = Subject(box="")
"""What an alarm is about that concerns no box: the centre itself."""


def raise_alarm(
    unit: Unit, kind: AlarmKind | CentreAlarmKind, at_ms: Ms, subject: Subject | None = None, value: int | None = None
) -> bool:
    """Raise it where it does not stand. True where it did not stand; said again, it changes nothing."""
    return bool(unit.alarms.change_alarms([AlarmChange(kind, subject or CENTRE, True, at_ms, value)]))


def clear_alarm(unit: Unit, kind: AlarmKind | CentreAlarmKind, at_ms: Ms, subject: Subject | None = None) -> bool:
    """End it where it stands. True where it stood; said again, it changes nothing."""
    return bool(unit.alarms.change_alarms([AlarmChange(kind, subject or CENTRE, False, at_ms, None)]))
