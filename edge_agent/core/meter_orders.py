"""Meters that come, go, or are judged: replaced, released, adopted, a held register resolved by a person."""

import msgspec

from edge_agent.core.asked import Asked, close_for_settling, meter_row, typed_register, unheld
from edge_agent.core.decision import Decision, Steps
from edge_agent.core.identity import accept_serial
from edge_agent.core.intervals import close_at_latest, close_at_typed
from edge_agent.core.meeting import judge_supply
from edge_agent.core.opening import new_meter
from edge_agent.core.refusal import Refusal
from edge_agent.core.state import MeterRow
from protocol.commands import AdoptMeter, Body, ReleaseMeter, ReplaceMeter, ResolveRegister
from protocol.records import Released, Replaced


def replace(steps: Steps, asked: Asked, body: Body) -> Refusal | None:
    """The old meter is charged up to its last register and given up; the new one begins at its first.

    The configuration that follows puts the new meter at the address; until then nothing there is charged.
    """
    assert isinstance(body, ReplaceMeter)
    row = meter_row(steps, asked, body.old)
    if isinstance(row, Refusal):
        return row
    if body.new in steps.state.meters:
        return Refusal("meter_in_use", f"meter {body.new}")
    register = typed_register(steps, asked, body.old, body.old_raw_wh)
    if isinstance(register, Refusal):
        return register
    now, place = asked.now, asked.place
    row = unheld(steps, asked, row)
    charged_until_ms = row.state.read_at_ms
    steps.take(close_at_typed(place, steps.state, body.old, register, now, "replaced"))
    fresh = new_meter(place, place.meters[body.old], now.wall_ms)
    begun = msgspec.structs.replace(
        fresh, meter=body.new, serial=body.serial, raw_wh=body.new_raw_wh, read_at_ms=now.wall_ms,
        mode=row.state.mode, mode_until_ms=row.state.mode_until_ms, locked_out=row.state.locked_out,
    )  # fmt: skip
    record = Replaced(
        at_ms=now.wall_ms, point=body.point, old=body.old, old_raw_wh=register.raw_wh, new=body.new,
        serial=body.serial, new_raw_wh=body.new_raw_wh, old_display=register.display,
    )  # fmt: skip
    gone = msgspec.structs.replace(steps.state.meters[body.old], released=True)
    hung = MeterRow(state=begun, hung_since_ms=charged_until_ms)
    steps.take(Decision(records=(record,), meters=(gone, hung), forget=(body.old,)))
    return None


def release_meter(steps: Steps, asked: Asked, body: Body) -> Refusal | None:
    """Give a meter up at a fresh register, for another box to go on from exactly there."""
    assert isinstance(body, ReleaseMeter)
    row = meter_row(steps, asked, body.meter)
    if isinstance(row, Refusal):
        return row
    refused = close_for_settling(steps, asked, body.meter, body.typed)
    if refused is not None:
        return refused
    kept = steps.state.meters[body.meter]
    if kept.state.raw_wh is None:
        return Refusal("stale_reading", f"meter {body.meter} has never been read")
    record = Released(
        at_ms=asked.now.wall_ms,
        meter=body.meter,
        raw_wh=kept.state.raw_wh,
        rates_raw_wh=kept.state.rates_raw_wh,
        energy_carry=kept.state.energy_carry,
        money_carry_nano=kept.state.money_carry_nano,
    )
    gone = msgspec.structs.replace(kept, released=True)
    steps.take(Decision(records=(record,), meters=(gone,), forget=(body.meter,)))
    return None


def adopt(steps: Steps, asked: Asked, body: Body) -> Refusal | None:
    """Take a meter over at exactly the registers at which another box released it; it must not have been read here."""
    assert isinstance(body, AdoptMeter)
    row = meter_row(steps, asked, body.meter)
    if isinstance(row, Refusal):
        return row
    if body.state.meter != body.meter:
        return Refusal("bad_body", f"the state is that of meter {body.state.meter}")
    if row.counted:
        return Refusal("meter_in_use", f"meter {body.meter} has been charged here already")
    steps.take(Decision(meters=(MeterRow(state=body.state),), forget=(body.meter,)))
    return None


def resolve(steps: Steps, asked: Asked, body: Body) -> Refusal | None:
    """A person judges a held register: what it says is right (charged), or a new base counts (nothing charged)."""
    assert isinstance(body, ResolveRegister)
    row = meter_row(steps, asked, body.meter)
    if isinstance(row, Refusal):
        return row
    if body.who == body.second:
        return Refusal("bad_body", f"{body.who} cannot be both people")
    unheld(steps, asked, row)
    steps.take(close_at_latest(asked.place, steps.state, body.meter, asked.now.sure))
    row = steps.state.meters[body.meter]
    if body.base_raw_wh is not None:
        based = msgspec.structs.replace(row.state, raw_wh=body.base_raw_wh, read_at_ms=asked.now.wall_ms)
        row = msgspec.structs.replace(row, state=based)
    else:
        row = msgspec.structs.replace(row, accept_next=True)
    row = accept_serial(asked.place, row)
    steps.take(Decision(meters=(row,), forget=(body.meter,), doubts=((body.meter, 0),)))
    judge_supply(asked.place, steps, body.meter, asked.now, asked.command.seq)
    return None
