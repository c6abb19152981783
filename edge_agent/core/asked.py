"""A command in the course of being carried out: what its effect may look at, and the checks that several share."""

from collections.abc import Callable
from dataclasses import dataclass

import msgspec

from edge_agent.core.decision import Decision, Steps
from edge_agent.core.holds import let_go, standing
from edge_agent.core.intervals import close_at_latest, close_at_typed
from edge_agent.core.limits import BoxLimits
from edge_agent.core.place import Place
from edge_agent.core.readings import Doubted, Typed, fresh_reading, judge_typed
from edge_agent.core.refusal import Refusal
from edge_agent.core.state import MeterRow, Now
from protocol.box_config import BoxConfig
from protocol.commands import Command, TypedReading
from protocol.records import MeterEvent


@dataclass(frozen=True, slots=True)
class Asked:
    """One command in the course of being carried out, and what it may look at.

    Attributes:
        known_money: whether a grant or reclaim id was applied before.
        read_place: looks a configuration up; raises BadTariff or KeyError.
        withdrawn: reclaims that a command held behind this one withdraws.
    """

    place: Place
    now: Now
    command: Command
    known_money: Callable[[str], bool]
    limits: BoxLimits
    read_place: Callable[[BoxConfig], Place]
    withdrawn: frozenset[str] = frozenset()


def meter_row(steps: Steps, asked: Asked, meter: str) -> MeterRow | Refusal:
    """The row of a meter that this box serves."""
    row = steps.state.meters.get(meter)
    if row is None or row.released or meter not in asked.place.meters:
        return Refusal("unknown_meter", f"meter {meter}")
    return row


def typed_register(steps: Steps, asked: Asked, meter: str, shown_wh: int) -> Typed | Refusal:
    """What people read on a meter's display, as its register; refused where it cannot be."""
    judged = judge_typed(asked.place, steps.state, meter, shown_wh, asked.now)
    if isinstance(judged, Doubted):
        return Refusal("register_impossible", f"meter {meter}: {judged.reason}")
    return judged


def unheld(steps: Steps, asked: Asked, row: MeterRow) -> MeterRow:
    """The row without its holds, told, so that its interval can be closed: a person has judged its register."""
    for reason in standing(row):
        steps.take(let_go(asked.place, steps.state.meters[row.meter], reason, asked.now))
    after = steps.state.meters[row.meter]
    if after.state.held:  # carried over from another epoch, whose alarms are not known here
        after = msgspec.structs.replace(after, state=msgspec.structs.replace(after.state, held=False))
        event = MeterEvent(at_ms=asked.now.wall_ms, meter=row.meter, event="released_hold")
        steps.take(Decision(records=(event,), meters=(after,)))
    return after


def close_for_settling(steps: Steps, asked: Asked, meter: str, typed: TypedReading | None) -> Refusal | None:
    """Close a meter's interval at a fresh reading, or at the register that two people typed for it."""
    row = steps.state.meters[meter]
    if typed is not None and typed.meter == meter:
        if typed.who == typed.second:
            return Refusal("bad_body", f"typed register of meter {meter}: {typed.who} cannot be both people")
        register = typed_register(steps, asked, meter, typed.raw_wh)
        if isinstance(register, Refusal):
            return register
        unheld(steps, asked, row)
        steps.take(close_at_typed(asked.place, steps.state, meter, register, asked.now, "typed"))
        steps.take(Decision(forget=(meter,)))
        return None
    if row.state.held:
        return Refusal("stale_reading", f"the register of meter {meter} is held until a person judges it")
    if not fresh_reading(asked.place, steps.state, meter, asked.now):
        return Refusal("stale_reading", f"meter {meter} has not been read lately")
    steps.take(close_at_latest(asked.place, steps.state, meter, asked.now.sure))
    return None
