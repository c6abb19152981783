"""A wall clock that jumped: what was used before is closed by the old clock, what comes after counts by the new.

So a jump invents no rate and no hour: no interval lies across it. Order is the monotonic clock's, which never jumps.
"""

from dataclasses import replace
from typing import Literal

import msgspec

from edge_agent.core.decision import Decision, Steps
from edge_agent.core.intervals import close_interval
from edge_agent.core.place import Place
from edge_agent.core.state import BoxState, Now
from protocol.records import ClockStep


def clock_stepped(
    place: Place,
    state: BoxState,
    offset_before_ms: int,
    sure_before: bool,
    now: Now,
    source: Literal["server", "none"] = "none",
) -> Decision:
    """Record the jump and part the intervals at it. `offset_before_ms`: wall less monotonic time before the jump.

    `source`: whose time it was set by; none where the clock jumped of itself.

    A meter that has not been read since the start keeps its interval: nobody knows what it used before the jump.
    """
    steps = Steps(state)
    offset_ms = now.wall_ms - now.mono_ms
    for meter, latest in state.latest.items():
        row = steps.state.meters.get(meter)
        if row is None or meter not in place.meters or row.state.held or row.released or row.state.read_at_ms is None:
            continue
        at_ms = max(latest.mono_ms + offset_before_ms, row.state.read_at_ms)
        steps.take(close_interval(place, steps.state, meter, latest.raw_wh, at_ms, sure_before))
        row, kept = steps.state.meters[meter], steps.state.latest[meter]
        begins_ms = max(latest.mono_ms + offset_ms, 0)
        begun = msgspec.structs.replace(row.state, read_at_ms=begins_ms)
        steps.take(
            Decision(
                meters=(msgspec.structs.replace(row, state=begun),),
                latest=((meter, replace(kept, wall_ms=begins_ms)),),
            )
        )
    from_ms = max(0, now.mono_ms + offset_before_ms)
    step = ClockStep(at_ms=now.wall_ms, from_ms=from_ms, to_ms=now.wall_ms, source=source)
    steps.take(Decision(records=(step,), urgent=True))
    return steps.decision()
