"""Alarms that several readings in a row must agree on: raised once, cleared once, never a storm. Pure.

How often in a row a reading spoke for an alarm (above 0) or against it (below 0) is kept in memory alone: after a
restart the count begins anew, the standing alarms are on the meter's row.
"""

from collections.abc import Iterable
from typing import Final

from edge_agent.core.decision import Decision, Steps
from edge_agent.core.holds import HOLDS, hold, let_go, meter_alarm, with_alarm
from edge_agent.core.place import Place
from edge_agent.core.state import BoxState, Now
from edge_agent.core.wiring import Says
from protocol.records import AlarmKind

IN_A_ROW: Final = 3
"""Readings that must agree: a motor that starts pulls a phase down for seconds, a reading straddles a switching."""


def suspect(
    place: Place,
    state: BoxState,
    meter: str,
    said: Iterable[tuple[AlarmKind, Says]],
    now: Now,
    value: int | None = None,
) -> Decision:
    """Count what one reading said about some alarms, and raise or clear those that are sure."""
    steps = Steps(state)
    counts = dict(state.suspicions.get(meter, {}))
    for kind, says in said:
        if says is Says.NOTHING:
            continue
        step = 1 if says is Says.FOR else -1
        count = counts.get(kind, 0)
        counts[kind] = max(-IN_A_ROW, min(IN_A_ROW, count + step if count * step > 0 else step))
        if abs(counts[kind]) == IN_A_ROW:
            steps.take(_settle(place, steps.state, meter, kind, now, raised=step > 0, value=value))
    if counts != state.suspicions.get(meter, {}):
        steps.take(Decision(suspicions=((meter, counts),)))
    return steps.decision()


def _settle(
    place: Place, state: BoxState, meter: str, kind: AlarmKind, now: Now, *, raised: bool, value: int | None
) -> Decision:
    row = state.meters[meter]
    if raised == (kind in row.alarms):
        return Decision()
    if kind in HOLDS:
        return hold(place, row, kind, now, value) if raised else let_go(place, row, kind, now)
    record = meter_alarm(place, meter, kind, now, raised=raised, value=value)
    return Decision(records=(record,), meters=(with_alarm(row, kind, raised=raised),), urgent=True)
