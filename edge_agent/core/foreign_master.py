"""Another master on a bus: no relay is written there, an alarm stands, and it clears itself after a long quiet. Pure.

Two masters that switch the same relays would undo each other's work, and neither could trust what it reads. So ours
gives way at once, even with a lock-out: it goes on reading and charging, tells people, and takes up its work when
nobody else has asked a question for `QUIET_MS` while the bus was there to be heard. A restart begins the quiet anew.
"""

from typing import Final

import msgspec

from edge_agent.core.decision import NOTHING, Decision, Steps, join
from edge_agent.core.place import Place
from edge_agent.core.state import BoxState, Now
from protocol.records import Alarm, Evidence, Subject

QUIET_MS: Final = 600_000
"""An old box asks every few seconds, a person with a laptop every few minutes; ten minutes of silence say that it is
gone, and are short beside a day without power for want of a person."""
_KIND: Final = "foreign_master"


def alarm_name(bus: str) -> str:
    """The alarm as it stands in the marks."""
    return f"{_KIND}/{bus}"


def foreign_master(state: BoxState, bus: str) -> bool:
    """Whether somebody else is known to ask questions on this bus."""
    return alarm_name(bus) in state.marks.alarms


def hear_foreign(place: Place, state: BoxState, bus: str, digests: tuple[str, ...], words: str, now: Now) -> Decision:
    """Questions of another master were heard. `digests`: SHA-256 of their frames; `words`: the first, for people."""
    heard = Decision(foreign_mono_ms=((bus, now.mono_ms),))
    if foreign_master(state, bus):
        return heard
    evidence = Evidence(at_ms=now.wall_ms, evidence=_KIND, lines=list(digests[:16]), detail=f"bus {bus}: {words}")
    raised = _alarm(place, state, bus, now, stands=True)
    return join(heard, Decision(records=(evidence,)), raised)


def foreign_over(place: Place, state: BoxState, now: Now) -> Decision:
    """A second passed: clear what has been quiet for long enough, on buses that can be heard, or that are gone."""
    there = {bus.bus for bus in place.config.buses}
    steps = Steps(state)
    for name in state.marks.alarms:
        kind, _, bus = name.partition("/")
        if kind == _KIND:
            step = _quiet(place, steps.state, bus, now)
            steps.take(step if bus in there else _alarm(place, steps.state, bus, now, stands=False))
    return steps.decision()


def _quiet(place: Place, state: BoxState, bus: str, now: Now) -> Decision:
    since = state.foreign_mono_ms.get(bus)
    if since is None or f"bus_lost/{bus}" in state.marks.alarms:
        return Decision(foreign_mono_ms=((bus, now.mono_ms),))
    if now.mono_ms - since < QUIET_MS:
        return NOTHING
    return _alarm(place, state, bus, now, stands=False)


def _alarm(place: Place, state: BoxState, bus: str, now: Now, *, stands: bool) -> Decision:
    name = alarm_name(bus)
    alarms = tuple(alarm for alarm in state.marks.alarms if alarm != name) + ((name,) if stands else ())
    subject = Subject(box=place.box, bus=bus)
    record = Alarm(at_ms=now.wall_ms, alarm=_KIND, subject=subject, state="raised" if stands else "cleared")
    return Decision(records=(record,), marks=msgspec.structs.replace(state.marks, alarms=alarms), urgent=True)
