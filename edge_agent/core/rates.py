"""A meter's own registers by rate against its total and the tariff: a cross-check, and where it holds, a judge. Pure.

Always: over one stretch of the tariff the rate registers together have moved as the total did. Where the site says that
the meters' calendars are the tariff's (`rate_registers = "check"`), the register of the rate that holds moved alone.
A stretch is looked at from a first reading in it; what lies near a change of rate belongs to neither side, since the
meter's clock may be off. Source: domain.md, "Charging, exact to the last digit".

As judge (`rate_registers = "judge"`) they split an interval that straddles a change of rate, in place of time: only
after they followed the tariff at each of its rates, and not while the alarm stands. The total is what is charged.
"""

from collections.abc import Mapping
from typing import Final

import msgspec

from edge_agent.core.decision import Decision, Steps
from edge_agent.core.measured import DetailReading, MeterReading
from edge_agent.core.place import Place
from edge_agent.core.state import BoxState, MeterRow, Noted, Now, RateMark
from edge_agent.core.suspicion import suspect
from edge_agent.core.wiring import Says
from protocol.meter_profile.values import Quantity

CLOCK_OFF_MS: Final = 70_000
"""A meter's clock may be a minute off before it is set, and its reading ten seconds late (domain.md)."""
TOGETHER_MS: Final = 15_000
"""The total is read each cycle, the rates more seldom: two readings within this belong together."""
STEPS: Final = 3
"""Of a register's resolution that it may differ by: each reading is cut off, that of the total too."""
LEAST_STEPS: Final = 20
"""Of energy in a stretch, before it says anything."""


def mark_rates(place: Place, state: BoxState, detail: DetailReading, noted: Noted) -> RateMark | None:
    """What was read of the rates, with the total beside it; None where that cannot be compared with anything.

    A meter may keep its rates in two places that are read one after the other: `noted` has them all.
    """
    latest, at_ms = state.latest.get(detail.meter), detail.at_wall_ms
    rates = {rate: raw for rate, (raw, read_ms) in noted.rates.items() if abs(at_ms - read_ms) <= TOGETHER_MS}
    if latest is None or set(rates) != set(place.profile_of[detail.meter].rates):
        return None
    if abs(detail.at_mono_ms - latest.mono_ms) > TOGETHER_MS:
        return None
    return _mark(place, detail.meter, rates, latest.raw_wh, at_ms)


def mark_reading(place: Place, reading: MeterReading, raw_wh: int) -> RateMark | None:
    """The same from a reading that holds both; `raw_wh`: the total, unwrapped."""
    if not reading.rates_raw_wh or set(reading.rates_raw_wh) != set(place.profile_of[reading.meter].rates):
        return None
    return _mark(place, reading.meter, reading.rates_raw_wh, raw_wh, reading.at_wall_ms)


def _mark(place: Place, meter: str, rates: Mapping[str, int], raw_wh: int, at_ms: int) -> RateMark | None:
    tariff = place.meters[meter].tariff
    holding = place.book.at(tariff, at_ms).rate
    near = [place.book.at(tariff, at_ms + off_ms).rate for off_ms in (-CLOCK_OFF_MS, CLOCK_OFF_MS)]
    return RateMark(dict(rates), raw_wh, at_ms, holding) if near == [holding, holding] else None


def compare_rates(place: Place, state: BoxState, meter: str, mark: RateMark | None, now: Now) -> Decision:
    """Let the registers say what they say, each time from the first reading of the stretch of the tariff."""
    if mark is None or not now.sure or state.meters[meter].state.held:
        return Decision()
    before = state.rate_marks.get(meter)
    says = rates_say(place, meter, before, mark)
    steps = Steps(state)
    if before is None or not same_stretch(place, meter, before, mark):
        steps.take(Decision(rate_marks=((meter, mark),)))
    steps.take(_agreement(place, steps.state, meter, mark, says))
    steps.take(suspect(place, steps.state, meter, [("rates_differ", says)], now))
    return steps.decision()


def _agreement(place: Place, state: BoxState, meter: str, mark: RateMark, says: Says) -> Decision:
    """Note at which rates the registers followed the tariff; forget all of it where they did not."""
    row = state.meters[meter]
    if place.config.defaults.rate_registers != "judge" or says is Says.NOTHING:
        return Decision()
    name = f"{place.book.version_at(place.meters[meter].tariff, mark.at_ms)}:{mark.rate}"
    agree = () if says is Says.FOR else tuple(dict.fromkeys((*row.rates_agree, name)))
    if agree == row.rates_agree:
        return Decision()
    return Decision(meters=(msgspec.structs.replace(row, rates_agree=agree),))


def judged_wh(place: Place, row: MeterRow, rates: Mapping[str, int], at_ms: int) -> dict[str, int] | None:
    """By how much the registers moved since the last interval, where they may judge between rates; else None."""
    before = row.state.rates_raw_wh
    if place.config.defaults.rate_registers != "judge" or not rates or before is None or "rates_differ" in row.alarms:
        return None
    tariff = place.meters[row.meter].tariff
    version = place.book.version_at(tariff, at_ms)
    proved = all(f"{version}:{rate}" in row.rates_agree for rate in place.book.tariffs[tariff, version].price_micro)
    known = set(place.profile_of[row.meter].rates)
    if not proved or set(before) != known or set(rates) != known:
        return None
    moved = {rate: raw - before[rate] for rate, raw in rates.items()}
    return moved if min(moved.values()) >= 0 else None


def rates_say(place: Place, meter: str, before: RateMark | None, now: RateMark) -> Says:
    """Whether the meter's rates moved as they should between two readings of one stretch."""
    if before is None or not same_stretch(place, meter, before, now):
        return Says.NOTHING
    quantities = place.profile_of[meter].rates
    step_wh = max(1, *(int(quantity.scale) for quantity in quantities.values()))
    total_wh = now.raw_wh - before.raw_wh
    if total_wh < LEAST_STEPS * step_wh:
        return Says.NOTHING
    moved = moved_wh(quantities, before.rates, now.rates)
    within_wh = STEPS * step_wh + _drawn_between_wh(before, now, total_wh)
    if abs(sum(moved.values()) - total_wh) > within_wh:
        return Says.FOR
    by_rate = place.config.defaults.rate_registers != "sum" and now.rate in quantities
    if by_rate and abs(moved[now.rate] - total_wh) > within_wh:
        return Says.FOR
    return Says.AGAINST


def same_stretch(place: Place, meter: str, before: RateMark, now: RateMark) -> bool:
    """Whether one rate held from the one reading to the other."""
    if not before.at_ms <= now.at_ms or before.rate != now.rate:
        return False
    return place.book.next_change_ms(place.meters[meter].tariff, before.at_ms) > now.at_ms


def moved_wh(quantities: Mapping[str, Quantity], before: Mapping[str, int], now: Mapping[str, int]) -> dict[str, int]:
    """By how much each register moved, unwrapped at its width."""
    moved = {}
    for rate, quantity in quantities.items():
        step = now[rate] - before[rate]
        moved[rate] = step % quantity.wrap if step < 0 and quantity.wrap else step
    return moved


def _drawn_between_wh(before: RateMark, now: RateMark, total_wh: int) -> int:
    """What may have flowed between the reading of the total and that of the rates, at the power of this stretch."""
    return -(-total_wh * TOGETHER_MS // max(now.at_ms - before.at_ms, TOGETHER_MS))
