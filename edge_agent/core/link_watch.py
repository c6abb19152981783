"""Whether the centre is heard as it should be: an alarm when fresh answers stay out, or commands are held back."""

import msgspec

from edge_agent.core.decision import NOTHING, Decision
from edge_agent.core.place import Place
from edge_agent.core.state import Marks, Now
from protocol.records import Alarm, Subject

FROZEN = "link_frozen"


def judge_link(place: Place, marks: Marks, current_mono_ms: int, now: Now) -> Decision:
    """Raise `link_frozen` when the last answer that was fresh and complete is too old; clear it with the next one."""
    frozen = now.mono_ms - current_mono_ms > place.config.defaults.frozen_after_s * 1_000
    if frozen == (FROZEN in marks.alarms):
        return NOTHING
    alarms = tuple(name for name in marks.alarms if name != FROZEN) + ((FROZEN,) if frozen else ())
    record = Alarm(
        at_ms=now.wall_ms,
        alarm="link_frozen",
        subject=Subject(box=place.box),
        state="raised" if frozen else "cleared",
    )
    return Decision(records=(record,), marks=msgspec.structs.replace(marks, alarms=alarms), urgent=True)
