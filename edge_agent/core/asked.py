"""A command in the course of being carried out: what its effect may look at, and the checks that several share."""

from collections.abc import Callable
from dataclasses import dataclass

from edge_agent.core.decision import Decision, Steps
from edge_agent.core.intervals import close_at_latest, close_interval
from edge_agent.core.limits import BoxLimits
from edge_agent.core.place import Place
from edge_agent.core.readings import fresh_reading
from edge_agent.core.refusal import Refusal
from edge_agent.core.state import MeterRow, Now
from protocol.box_config import BoxConfig
from protocol.commands import Command, TypedReading


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


def close_for_settling(steps: Steps, asked: Asked, meter: str, typed: TypedReading | None) -> Refusal | None:
    """Close a meter's interval at a fresh reading, or at the register that two people typed for it."""
    row = steps.state.meters[meter]
    if typed is not None and typed.meter == meter:
        if typed.who == typed.second:
            return Refusal("bad_body", f"typed register of meter {meter}: {typed.who} cannot be both people")
        if row.state.raw_wh is not None and typed.raw_wh < row.state.raw_wh:
            return Refusal("bad_body", f"typed register {typed.raw_wh} is below the {row.state.raw_wh} last charged")
        now = asked.now
        steps.take(close_interval(asked.place, steps.state, meter, typed.raw_wh, now.wall_ms, now.sure, ("typed",)))
        steps.take(Decision(forget=(meter,)))
        return None
    if row.state.held:
        return Refusal("stale_reading", f"the register of meter {meter} is held until a person judges it")
    if not fresh_reading(asked.place, steps.state, meter, asked.now):
        return Refusal("stale_reading", f"meter {meter} has not been read lately")
    steps.take(close_at_latest(asked.place, steps.state, meter, asked.now.sure))
    return None
