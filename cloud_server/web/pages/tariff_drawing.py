"""A tariff's calendar drawn as a day and a year: each named day with its stretches, each date with its day. No prices
are made here; the text is read by the same reader that boxes use."""

from dataclasses import dataclass
from datetime import date, timedelta
from itertools import pairwise

from protocol.errors import BadTariff
from protocol.reason import Reason
from protocol.tariff_text import Tariff, read_tariff
from protocol.units import Ms

DAY_MINUTES = 1_440
MARKS = 5
"""How many textures tell rates apart on paper."""


@dataclass(frozen=True, slots=True)
class Stretch:
    """Part of a day at one rate, in minutes."""

    begin: int
    minutes: int
    rate: str
    mark: int


@dataclass(frozen=True, slots=True)
class DrawnDay:
    """One named day of the tariff."""

    name: str
    mark: int
    stretches: tuple[Stretch, ...]


@dataclass(frozen=True, slots=True)
class DrawnMonth:
    """One month: for each day its number, mark and name; `lead` weekdays stand before the first."""

    month: int
    lead: int
    days: tuple[tuple[int, int, str], ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class DrawnTariff:
    """A tariff as a picture, or every mistake in its text."""

    name: str = ""
    starts_at: str = ""
    rates: tuple[tuple[str, int, int], ...] = ()
    """Name, price, mark."""
    days: tuple[DrawnDay, ...] = ()
    year: int = 0
    months: tuple[DrawnMonth, ...] = ()
    mistakes: tuple[Reason, ...] = ()


def draw_tariff(text: str, now_ms: Ms) -> DrawnTariff | None:
    """The picture of a text; None for an empty one."""
    if not text.strip():
        return None
    try:
        tariff = read_tariff(text)
    except BadTariff as fault:
        return DrawnTariff(mistakes=fault.reasons)
    # The dearer, the darker; with three rates the darkest is as dark as with five.
    by_price = sorted(tariff.price_micro, key=lambda rate: tariff.price_micro[rate])
    last = max(len(by_price) - 1, 1)
    marks = {rate: index * (MARKS - 1) // last for index, rate in enumerate(by_price)}
    day_marks = {name: index % MARKS for index, name in enumerate(tariff.days)}
    year = max(tariff.starts_at.year, date.fromordinal(719_163 + now_ms // 86_400_000).year)
    return DrawnTariff(
        name=tariff.name,
        starts_at=tariff.starts_at.isoformat(sep=" "),
        rates=tuple((rate, price, marks[rate]) for rate, price in tariff.price_micro.items()),
        days=tuple(DrawnDay(name, day_marks[name], _stretches(tariff, name, marks)) for name in tariff.days),
        year=year,
        months=tuple(_month(tariff, year, month, day_marks) for month in range(1, 13)),
    )


def _stretches(tariff: Tariff, name: str, marks: dict[str, int]) -> tuple[Stretch, ...]:
    switches = [*tariff.days[name], (DAY_MINUTES, "")]
    return tuple(Stretch(begin, end - begin, rate, marks[rate]) for (begin, rate), (end, _) in pairwise(switches))


def _month(tariff: Tariff, year: int, month: int, marks: dict[str, int]) -> DrawnMonth:
    first, days = date(year, month, 1), []
    day = first
    while day.month == month:
        name = tariff.day_name(day)
        days.append((day.day, marks[name], name))
        day += timedelta(days=1)
    return DrawnMonth(month, first.weekday(), tuple(days))
