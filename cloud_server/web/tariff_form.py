"""A tariff as a form: typed fields to its text, and a tariff back to fields. The text stays the one thing that holds.

What a form cannot say (a season with days of its own but for Saturday and Sunday) is edited as text. No page.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal, InvalidOperation
from typing import Final

from cloud_server.core.mistakes import FieldErrorCode
from cloud_server.web.forms import clean_amount
from protocol.errors import BadTariff
from protocol.tariff_text import PRICE_MICRO_MAX, WEEKDAYS, Tariff, read_tariff
from protocol.units import UNIT_MICRO

STANDARD_RATES: Final = ("sharp", "peak", "flat", "valley", "deep_valley")
SPARE_SWITCHES: Final = 3
"""Rows that stand open below those that are filled."""
ROWS_MOST: Final = 60
"""Rows of one list that a form is read to."""
_TIME: Final = re.compile(r"([01]\d|2[0-3]):[0-5]\d")

Fields = dict[str, str]


@dataclass(frozen=True, slots=True)
class DayRows:
    """One named day as the form shows it: the number in its fields' names, and how many switches have a row."""

    number: int
    rows: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Shape:
    """How many rows of each list a form shows, and what may be chosen in them."""

    rates: tuple[str, ...]
    own_rates: int
    days: tuple[DayRows, ...]
    day_names: tuple[str, ...]
    seasons: int
    steps: int


@dataclass(frozen=True, slots=True)
class ReadTariff:
    """What was typed: a text, or what is wrong by field."""

    text: str
    mistakes: dict[str, FieldErrorCode]


def blank(now: datetime) -> Fields:
    """A new tariff: one rate all year round, from the next month on."""
    year, month = (now.year + 1, 1) if now.month == 12 else (now.year, now.month + 1)
    return {
        "starts_at": f"{year:04d}-{month:02d}-01T00:00",
        "fallback": "flat",
        "day-0-name": "every",
        "day-0-0-at": "00:00",
        "day-0-0-rate": "flat",
        "default": "every",
    }


def fill(text: str) -> Fields | None:
    """The fields of a text; None where a form cannot say it."""
    try:
        tariff = read_tariff(text)
    except BadTariff:
        return None
    fields = _fields(tariff)
    read = read_fields(fields)
    try:
        return fields if not read.mistakes and read_tariff(read.text) == tariff else None
    except BadTariff:
        return None


def _fields(tariff: Tariff) -> Fields:
    fields = {
        "name": tariff.name,
        "starts_at": tariff.starts_at.isoformat(timespec="seconds").removesuffix(":00"),
        "fallback": tariff.fallback_rate,
        "default": tariff.default,
        "dates": "\n".join(f"{day.isoformat()} {name}" for day, name in tariff.dates.items()),
    }
    own = [rate for rate in tariff.price_micro if rate not in STANDARD_RATES]
    fields |= {f"price-{rate}": _price(price) for rate, price in tariff.price_micro.items() if rate in STANDARD_RATES}
    for at, rate in enumerate(own):
        fields |= {f"own-{at}-name": rate, f"own-{at}-price": _price(tariff.price_micro[rate])}
    for at, (name, switches) in enumerate(tariff.days.items()):
        fields[f"day-{at}-name"] = name
        for row, (minute, rate) in enumerate(switches):
            fields |= {f"day-{at}-{row}-at": f"{minute // 60:02d}:{minute % 60:02d}", f"day-{at}-{row}-rate": rate}
    fields |= {f"week-{day}": name for day, name in tariff.weekdays.items()}
    for at, season in enumerate(tariff.seasons):
        fields |= {f"season-{at}-from": _month_day(season.first), f"season-{at}-to": _month_day(season.last)}
        fields |= {f"season-{at}-day": season.default}
        fields |= {f"season-{at}-{day}": season.weekdays.get(day, "") for day in (5, 6)}
    for at, step in enumerate(tariff.steps):
        fields |= {f"step-{at}-from": str(step.from_wh // 1000), f"step-{at}-add": _price(step.add_micro)}
    return fields


def shape(fields: Mapping[str, str]) -> Shape:
    """The rows that the form shows for these fields: each list has some to spare."""
    own = _filled(fields, "own-{}-name")
    days = _filled(fields, "day-{}-name")
    named = tuple(fields[f"day-{at}-name"].strip() for at in days)
    rates = (*STANDARD_RATES, *(fields[f"own-{at}-name"].strip() for at in own))
    return Shape(
        rates=rates,
        own_rates=max(own, default=-1) + 2,
        days=tuple(
            DayRows(at, max(_filled(fields, f"day-{at}-{{}}-at"), default=-1) + 1 + SPARE_SWITCHES)
            for at in range(max(days, default=-1) + 2)
        ),
        day_names=named,
        seasons=max(_filled(fields, "season-{}-from"), default=-1) + 2,
        steps=max(_filled(fields, "step-{}-from"), default=-1) + 2,
    )


def read_fields(fields: Mapping[str, str]) -> ReadTariff:
    """The text that the fields say. What the text itself does not allow is told by its own reader."""
    wrong: dict[str, FieldErrorCode] = {}
    lines = [f"name = {_quoted(fields.get('name', '').strip())}"]
    if not fields.get("name", "").strip():
        wrong["name"] = "required"
    lines += _start(fields, wrong)
    lines.append(f"fallback_rate = {_quoted(fields.get('fallback', ''))}")
    lines += _steps(fields, wrong)
    lines += _rates(fields, wrong)
    lines += _days(fields, wrong)
    lines += _calendar(fields, wrong)
    return ReadTariff("\n".join(lines) + "\n", wrong)


def _start(fields: Mapping[str, str], wrong: dict[str, FieldErrorCode]) -> list[str]:
    try:
        starts_at = datetime.fromisoformat(fields.get("starts_at", "").strip())
    except ValueError:
        wrong["starts_at"] = "required"
        return []
    return [f"starts_at = {starts_at.replace(tzinfo=None, microsecond=0).isoformat(timespec='seconds')}"]


def _rates(fields: Mapping[str, str], wrong: dict[str, FieldErrorCode]) -> list[str]:
    priced = [(rate, f"price-{rate}") for rate in STANDARD_RATES if fields.get(f"price-{rate}", "").strip()]
    priced += [(fields[f"own-{at}-name"].strip(), f"own-{at}-price") for at in _filled(fields, "own-{}-name")]
    if not priced:
        wrong["price-flat"] = "required"
    lines = []
    for rate, field in priced:
        lines += [f"[rates.{_quoted(rate)}]", f"price_micro = {_micro(fields, field, wrong)}"]
    return lines


def _days(fields: Mapping[str, str], wrong: dict[str, FieldErrorCode]) -> list[str]:
    lines = []
    for at in _filled(fields, "day-{}-name"):
        switches = []
        for row in _filled(fields, f"day-{at}-{{}}-at"):
            time, rate = fields[f"day-{at}-{row}-at"].strip(), fields.get(f"day-{at}-{row}-rate", "")
            if _TIME.fullmatch(time) is None:
                wrong[f"day-{at}-{row}-at"] = "not_a_time"
            switches.append(f"{time} {rate}")
        shown = ", ".join(_quoted(switch) for switch in sorted(switches))
        lines += [f"[days.{_quoted(fields[f'day-{at}-name'].strip())}]", f"switches = [{shown}]"]
    return lines


def _calendar(fields: Mapping[str, str], wrong: dict[str, FieldErrorCode]) -> list[str]:
    lines = ["[calendar]", f"default = {_quoted(fields.get('default', ''))}"]
    week = [f"{WEEKDAYS[day]} = {_quoted(fields[f'week-{day}'])}" for day in range(7) if fields.get(f"week-{day}")]
    if week:
        lines.append(f"weekdays = {{ {', '.join(week)} }}")
    dates = []
    for line in fields.get("dates", "").splitlines():
        day, _, name = line.strip().partition(" ")
        if day and not name.strip():
            wrong["dates"] = "required"
        elif day:
            dates.append(f"{_quoted(day)} = {_quoted(name.strip())}")
    if dates:
        lines.append(f"dates = {{ {', '.join(dates)} }}")
    for at in _filled(fields, "season-{}-from"):
        lines += ["[[calendar.seasons]]", f"from = {_quoted(fields[f'season-{at}-from'].strip())}"]
        lines += [f"to = {_quoted(fields.get(f'season-{at}-to', '').strip())}"]
        lines += [f"default = {_quoted(fields.get(f'season-{at}-day', ''))}"]
        days = [(day, fields.get(f"season-{at}-{day}", "")) for day in (5, 6)]
        said = ", ".join(f"{WEEKDAYS[day]} = {_quoted(name)}" for day, name in days if name)
        if said:
            lines.append(f"weekdays = {{ {said} }}")
    return lines


def _steps(fields: Mapping[str, str], wrong: dict[str, FieldErrorCode]) -> list[str]:
    """As one value above all tables: what follows a table's head belongs to it."""
    steps = []
    for at in _filled(fields, "step-{}-from"):
        from_kwh = clean_amount(fields[f"step-{at}-from"])
        if not (from_kwh.isascii() and from_kwh.isdecimal()):
            wrong[f"step-{at}-from"] = "not_a_number"
        steps.append(f"{{ from_kwh = {from_kwh}, add_micro = {_micro(fields, f'step-{at}-add', wrong)} }}")
    return [f"steps = [{', '.join(steps)}]"] if steps else []


def _filled(fields: Mapping[str, str], name: str) -> list[int]:
    """Numbers of the rows in which a field is filled."""
    return [at for at in range(ROWS_MOST) if fields.get(name.format(at), "").strip()]


def _micro(fields: Mapping[str, str], field: str, wrong: dict[str, FieldErrorCode]) -> int:
    try:
        price = Decimal(clean_amount(fields.get(field, ""))) * UNIT_MICRO
    except InvalidOperation:
        wrong[field] = "not_a_price"
        return 0
    if not price.is_finite() or price != price.to_integral_value() or not 0 <= price <= PRICE_MICRO_MAX:
        wrong[field] = "not_a_price"
        return 0
    return int(price)


def _price(micro: int) -> str:
    """With two decimals at least and six at most."""
    whole, part = divmod(micro, UNIT_MICRO)
    digits = f"{part:06d}"
    return f"{whole}.{digits[:2]}{digits[2:].rstrip('0')}"


def _month_day(day: tuple[int, int]) -> str:
    return f"{day[0]:02d}-{day[1]:02d}"


def _quoted(text: str) -> str:
    """As a text, or a quoted key, of TOML."""
    escaped = text.replace("\\", "\\\\").replace('"', '\\"')
    return '"' + "".join(one if one.isprintable() else f"\\u{ord(one):04x}" for one in escaped) + '"'
