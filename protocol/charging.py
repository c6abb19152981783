"""From two registers to money, exact to the last digit: the one function that box and centre both compute with.

Source: domain.md, "Charging, exact to the last digit". Pure integers and fractions; no clock, no float.
`RULES_VERSION` names these rules in each batch; the centre keeps the old ones to check old intervals.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from fractions import Fraction
from typing import Final, Literal

from protocol.ids import Id
from protocol.limits import PARTS_MAX
from protocol.records import Interval, IntervalFlag, Part
from protocol.tariff import Stretch, TariffBook
from protocol.tariff_text import Step
from protocol.units import NANO_PER_MICRO, split_largest_remainder

RULES_VERSION: Final = 1
_NO_CARRY: Final = Fraction(0)
_NO_STEPS: Final = (Step(0, 0),)
_PRICE_FLAGS: Final = frozenset({"estimated_split", "fallback_rate"})
"""Flags that only the pricing itself gives; the box adds others for what it knows of the reading."""


@dataclass(frozen=True, slots=True)
class IntervalInput:
    """What one interval of one meter is priced from.

    Registers are unwrapped and without ratio, in Wh, `to_raw_wh` >= `from_raw_wh`. `ratio` is CT × PT. The carries
    are those after the interval before: energy below 1 Wh, money in 0…999 nano-units. With `clock_sure` false the
    whole stretch has the tariff's fallback rate. With `charged` false (no wallet: vacant use, main and public meters)
    energy and prices are recorded, the charge is 0 and the money carry stays. `month_wh`: energy of the site's calendar
    month of `from_ms` before this interval, on which the steps of a tariff count. `rate_wh`: by how much the meter's
    own registers by rate moved meanwhile, raw, where they decide how energy is split over several rates; else None.
    """

    tariff: Id
    from_raw_wh: int
    from_ms: int
    to_raw_wh: int
    to_ms: int
    ratio: Fraction
    energy_carry: Fraction
    money_carry_nano: int
    clock_sure: bool = True
    charged: bool = True
    month_wh: int = 0
    rate_wh: Mapping[str, int] | None = None


@dataclass(frozen=True, slots=True)
class Priced:
    """An interval's energy and money, with the carries to go on from."""

    parts: tuple[Part, ...]
    energy_wh: int
    energy_carry: Fraction
    charge_micro: int
    money_carry_nano: int
    flags: tuple[IntervalFlag, ...]
    month_wh: int
    """Energy of the calendar month in which the interval ends, up to its end."""
    source: Literal["total", "rates"] = "total"
    """What split the energy over its rates: time, or the meter's own registers."""


def energy_between(from_raw_wh: int, to_raw_wh: int, ratio: Fraction, carry: Fraction) -> tuple[int, Fraction]:
    """Whole watt-hours between two registers, and the remainder below 1 Wh that is carried on."""
    if to_raw_wh < from_raw_wh:
        raise ValueError(f"register ran back from {from_raw_wh} to {to_raw_wh}: it must be held, not priced")
    if ratio.denominator == 1 and not carry:
        return (to_raw_wh - from_raw_wh) * ratio.numerator, _NO_CARRY
    total = (to_raw_wh - from_raw_wh) * ratio + carry
    whole = total.numerator // total.denominator
    return whole, total - whole


def charge_for(energy_wh: int, price_micro: int, carry_nano: int) -> tuple[int, int]:
    """Money for energy at one price: (charge in micro-units, carry in nano-units 0…999)."""
    return divmod(carry_nano + energy_wh * price_micro, NANO_PER_MICRO)


def price_interval(book: TariffBook, given: IntervalInput) -> Priced:
    """Split an interval's energy over its stretches and price each part; charges of parts add up exactly.

    Split by time, or by the meter's own registers where `rate_wh` is given and names each rate that held, and no other.
    """
    energy_wh, energy_carry = energy_between(given.from_raw_wh, given.to_raw_wh, given.ratio, given.energy_carry)
    stretches, flags = _stretches(book, given)
    shares = [energy_wh]
    by_meter = _split_by_meter(stretches, energy_wh, given.rate_wh) if len(stretches) > 1 else None
    if by_meter is not None:
        shares, flags = by_meter, _flags_by_meter(stretches, flags)
    elif len(stretches) > 1:
        shares = split_largest_remainder(energy_wh, [s.to_ms - s.from_ms for s in stretches])
    dated = "fallback_rate" not in flags
    pieces, month_wh = _cut_by_steps(book, given, list(zip(stretches, shares, strict=True)), dated)
    parts, carry = [], given.money_carry_nano
    for piece, piece_wh in pieces:
        charge = 0
        if given.charged:
            charge, carry = charge_for(piece_wh, piece.price_micro, carry)
        parts.append(_part(given.tariff, piece, piece_wh, charge))
    charge_micro = sum(part.charge_micro for part in parts)
    source: Literal["total", "rates"] = "total" if by_meter is None else "rates"
    return Priced(tuple(parts), energy_wh, energy_carry, charge_micro, carry, flags, month_wh, source)


def _split_by_meter(stretches: list[Stretch], energy_wh: int, rate_wh: Mapping[str, int] | None) -> list[int] | None:
    """Energy of each stretch as the meter's registers by rate say; within one rate by time. None where they cannot."""
    rates = list(dict.fromkeys(stretch.rate for stretch in stretches))
    if rate_wh is None or len(rates) < 2 or not all(rate in rate_wh for rate in rates):
        return None
    elsewhere = any(wh for rate, wh in rate_wh.items() if rate not in rates)
    if elsewhere or min(rate_wh.values()) < 0 or sum(rate_wh.values()) == 0:
        return None
    of_rate = dict(zip(rates, split_largest_remainder(energy_wh, [rate_wh[rate] for rate in rates]), strict=True))
    shares = [0] * len(stretches)
    for rate in rates:
        places = [place for place, stretch in enumerate(stretches) if stretch.rate == rate]
        lengths = [stretches[place].to_ms - stretches[place].from_ms for place in places]
        for place, share in zip(places, split_largest_remainder(of_rate[rate], lengths), strict=True):
            shares[place] = share
    return shares


def _flags_by_meter(stretches: list[Stretch], flags: tuple[IntervalFlag, ...]) -> tuple[IntervalFlag, ...]:
    """Nothing is estimated between rates any more; between two versions of one rate it still is."""
    versions = {(stretch.rate, stretch.version) for stretch in stretches}
    if len(versions) > len({rate for rate, _ in versions}):
        return flags
    return tuple(flag for flag in flags if flag != "estimated_split")


def _cut_by_steps(
    book: TariffBook, given: IntervalInput, stretches: list[tuple[Stretch, int]], dated: bool
) -> tuple[list[tuple[Stretch, int]], int]:
    """Cut stretches where a step of price begins; the month's energy starts anew at the site's first of the month.

    Without a date to believe (`dated` false) no month begins: a clock gone wrong must not give the low steps away.
    """
    pieces: list[tuple[Stretch, int]] = []
    month, month_wh = book.local_month(given.from_ms), given.month_wh
    for stretch, energy_wh in stretches:
        now = book.local_month(stretch.from_ms)
        if dated and now != month:
            month, month_wh = now, 0
        steps = book.tariffs[given.tariff, stretch.version].steps or _NO_STEPS
        pieces += _step_pieces(stretch, energy_wh, month_wh, steps)
        month_wh += energy_wh
    ended = dated and book.local_month(given.to_ms) != month
    return pieces, 0 if ended else month_wh


def _step_pieces(stretch: Stretch, energy_wh: int, month_wh: int, steps: tuple[Step, ...]) -> list[tuple[Stretch, int]]:
    """One stretch as pieces of one step each, cut in time as its energy is cut."""
    pieces: list[tuple[Stretch, int]] = []
    length_ms, used_wh, at_ms = stretch.to_ms - stretch.from_ms, 0, stretch.from_ms
    while True:
        number = max(n for n, step in enumerate(steps) if step.from_wh <= month_wh + used_wh)
        room_wh = steps[number + 1].from_wh - month_wh - used_wh if number + 1 < len(steps) else energy_wh - used_wh
        piece_wh = min(room_wh, energy_wh - used_wh)
        used_wh += piece_wh
        to_ms = stretch.to_ms if used_wh == energy_wh else stretch.from_ms + length_ms * used_wh // energy_wh
        price_micro = stretch.price_micro + steps[number].add_micro
        pieces.append((Stretch(at_ms, to_ms, stretch.rate, number, stretch.version, price_micro), piece_wh))
        at_ms = to_ms
        if used_wh == energy_wh:
            return pieces


def _stretches(book: TariffBook, given: IntervalInput) -> tuple[list[Stretch], tuple[IntervalFlag, ...]]:
    if not given.clock_sure or given.to_ms < given.from_ms:
        return [_whole(book, given)], ("clock_unsure", "fallback_rate")
    if given.to_ms == given.from_ms:
        at = book.at(given.tariff, given.from_ms)
        return [Stretch(given.from_ms, given.to_ms, at.rate, at.step, at.version, at.price_micro)], ()
    stretches = book.stretches(given.tariff, given.from_ms, given.to_ms, PARTS_MAX + 1)
    if len(stretches) > PARTS_MAX:
        return [_whole(book, given)], ("fallback_rate",)
    flags: list[IntervalFlag] = []
    if len({(s.rate, s.version) for s in stretches}) > 1:
        flags.append("estimated_split")
    if len(stretches) > 1 and book.local_day(stretches[-1].from_ms) != book.local_day(given.from_ms):
        flags.append("midnight")
    return stretches, tuple(flags)


def _whole(book: TariffBook, given: IntervalInput) -> Stretch:
    """The whole interval at the fallback rate, never ending before it begins."""
    at = book.fallback(given.tariff, given.to_ms)
    from_ms = min(given.from_ms, given.to_ms)
    return Stretch(from_ms, given.to_ms, at.rate, at.step, at.version, at.price_micro)


def _part(tariff: Id, stretch: Stretch, energy_wh: int, charge_micro: int) -> Part:
    return Part(
        from_ms=stretch.from_ms,
        to_ms=stretch.to_ms,
        rate=stretch.rate,
        step=stretch.step,
        tariff=tariff,
        tariff_version=stretch.version,
        price_micro=stretch.price_micro,
        energy_wh=energy_wh,
        charge_micro=charge_micro,
    )


def differences(
    book: TariffBook,
    said: Interval,
    ratio: Fraction,
    energy_carry: Fraction,
    money_carry_nano: int,
    month_wh: int = 0,
    rates_before: Mapping[str, int] | None = None,
) -> list[str]:
    """Price an interval of a batch again from what stood before it, and name every field that differs.

    `ratio` is CT × PT of the interval's `ratio_version`; the carries are those after the meter's interval before, and
    `month_wh` the energy of the calendar month before it, which counts where the tariff has steps; `rates_before`: the
    registers by rate of that interval, from which those of this one are counted where its source is `rates`.
    An empty list means that box and centre agree to the last digit.
    """
    given = IntervalInput(
        tariff=said.parts[0].tariff if said.parts else "",
        from_raw_wh=said.from_.raw_wh,
        from_ms=said.from_.at_ms,
        to_raw_wh=said.to.raw_wh,
        to_ms=said.to.at_ms,
        ratio=ratio,
        energy_carry=energy_carry,
        money_carry_nano=money_carry_nano,
        clock_sure="clock_unsure" not in said.flags,
        charged=said.wallet is not None,
        month_wh=month_wh,
        rate_wh=_rate_wh(said, rates_before),
    )
    if not any(given.tariff == tariff for tariff, _ in book.tariffs):
        return [f"tariff {given.tariff or 'none'} is unknown"]
    if given.to_raw_wh < given.from_raw_wh:
        return [f"register ran back from {given.from_raw_wh} to {given.to_raw_wh}"]
    return _compared(said, price_interval(book, given))


def _compared(said: Interval, right: Priced) -> list[str]:
    carry = (right.energy_carry.numerator, right.energy_carry.denominator)
    compared = (
        ("energy_wh", said.energy_wh, right.energy_wh),
        ("energy_carry", tuple(said.energy_carry), carry),
        ("parts", tuple(said.parts), right.parts),
        ("source", said.source, right.source),
        ("charge_micro", said.charge_micro, right.charge_micro),
        ("money_carry_nano", said.money_carry_nano, right.money_carry_nano),
        ("flags", sorted({*said.flags} & {*right.flags, *_PRICE_FLAGS}), sorted(right.flags)),
    )
    return [f"{name}: the box says {a}, computed again {b}" for name, a, b in compared if a != b]


def _rate_wh(said: Interval, before: Mapping[str, int] | None) -> dict[str, int] | None:
    """By how much the registers by rate moved in an interval that was split by them."""
    if said.source == "total" or said.rates_raw_wh is None or before is None or set(before) != set(said.rates_raw_wh):
        return None
    return {rate: raw - before[rate] for rate, raw in said.rates_raw_wh.items()}
