"""Why a meter is held: alarms of which each alone keeps its register from being charged. Raised, cleared, resolved.

A meter is held as long as one of them stands; what a held meter tells does not count (core/meeting).
"""

from typing import Final

import msgspec

from edge_agent.core.decision import Decision
from edge_agent.core.place import Place
from edge_agent.core.state import MeterRow, Now
from protocol.records import Alarm, AlarmKind, MeterEvent, Record, Subject

HOLDS: Final[tuple[AlarmKind, ...]] = ("register_held", "serial_differs", "ratio_differs")


def meter_alarm(
    place: Place, meter: str, kind: AlarmKind, now: Now, *, raised: bool, value: int | None = None
) -> Alarm:
    """The record of an alarm about one meter."""
    subject = Subject(box=place.box, bus=place.bus_of[meter], device=place.meters[meter].device, meter=meter)
    return Alarm(at_ms=now.wall_ms, alarm=kind, subject=subject, state="raised" if raised else "cleared", value=value)


def with_alarm(row: MeterRow, kind: AlarmKind, *, raised: bool) -> MeterRow:
    """The row with an alarm standing or gone."""
    others = tuple(alarm for alarm in row.alarms if alarm != kind)
    return msgspec.structs.replace(row, alarms=(*others, kind) if raised else others)


def hold(place: Place, row: MeterRow, kind: AlarmKind, now: Now, value: int | None = None) -> Decision:
    """Hold a meter for one more reason; a reason that stands already is told once."""
    if kind in row.alarms:
        return Decision()
    held = with_alarm(row, kind, raised=True)
    held = msgspec.structs.replace(held, state=msgspec.structs.replace(held.state, held=True))
    records: list[Record] = []
    if kind in ("serial_differs", "ratio_differs"):
        records.append(MeterEvent(at_ms=now.wall_ms, meter=row.meter, event=kind))
    if not row.state.held:
        records.append(MeterEvent(at_ms=now.wall_ms, meter=row.meter, event="held"))
    records.append(meter_alarm(place, row.meter, kind, now, raised=True, value=value))
    return Decision(records=tuple(records), meters=(held,), urgent=True)


def let_go(place: Place, row: MeterRow, kind: AlarmKind, now: Now) -> Decision:
    """One reason is over; the meter counts again where no other stands."""
    if kind not in row.alarms:
        return Decision()
    free = with_alarm(row, kind, raised=False)
    records: list[Record] = []
    if not any(reason in free.alarms for reason in HOLDS):
        free = msgspec.structs.replace(free, state=msgspec.structs.replace(free.state, held=False))
        records.append(MeterEvent(at_ms=now.wall_ms, meter=row.meter, event="released_hold"))
    records.append(meter_alarm(place, row.meter, kind, now, raised=False))
    return Decision(records=tuple(records), meters=(free,), urgent=True)


def standing(row: MeterRow) -> tuple[AlarmKind, ...]:
    """The reasons that hold it."""
    return tuple(reason for reason in HOLDS if reason in row.alarms)
