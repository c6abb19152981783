"""A meter's own registers by rate against its total and the tariff: a cross-check, never a charge. Pure.

Always: over one stretch of the tariff the rate registers together have moved as the total did. Where the site says that
the meters' calendars are the tariff's (`rate_registers = "check"`), the register of the rate that holds moved alone.
A stretch is looked at from a first reading in it; what lies near a change of rate belongs to neither side, since the
meter's clock may be off. Source: domain.md, "Charging, exact to the last digit".
"""

from collections.abc import Mapping
from typing import Final

from edge_agent.core.measured import DetailReading
from edge_agent.core.meter_profile import Quantity
from edge_agent.core.place import Place
from edge_agent.core.state import BoxState, Noted, RateMark
from edge_agent.core.wiring import Says

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
    latest, tariff = state.latest.get(detail.meter), place.meters[detail.meter].tariff
    at_ms = detail.at_wall_ms
    rates = {rate: raw for rate, (raw, read_ms) in noted.rates.items() if abs(at_ms - read_ms) <= TOGETHER_MS}
    if latest is None or set(rates) != set(place.profile_of[detail.meter].rates):
        return None
    if abs(detail.at_mono_ms - latest.mono_ms) > TOGETHER_MS:
        return None
    holding = place.book.at(tariff, at_ms).rate
    near = [place.book.at(tariff, at_ms + off_ms).rate for off_ms in (-CLOCK_OFF_MS, CLOCK_OFF_MS)]
    return RateMark(rates, latest.raw_wh, at_ms, holding) if near == [holding, holding] else None


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
    by_rate = place.config.defaults.rate_registers == "check" and now.rate in quantities
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
