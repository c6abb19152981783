"""Tariff texts: the TOML that people write, read into typed values with every mistake named.

What holds at an instant is answered by `protocol.tariff`; money is made in `protocol.charging`.
"""

import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any, Final

from protocol import tariff_reasons as reasons
from protocol.errors import BadTariff
from protocol.reason import Reason
from protocol.toml_reasons import toml_reason

WEEKDAYS: Final = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
PRICE_MICRO_MAX: Final = 1_000_000_000
"""Greatest price: 1,000 yuan per kWh, a thousand times any real one; keeps every product far below 2^63."""
STEPS_MAX: Final = 10
"""Steps of price. Published step tariffs have three to five."""
STEP_KWH_MAX: Final = 1_000_000_000
"""Where the highest step may begin: a month of a steelworks."""
SWITCHES_MAX: Final = 48
"""Changes of rate in one day: every half hour. Meters hold 14."""
STARTS: Final = (datetime(2000, 1, 1), datetime(2999, 12, 31))  # noqa: DTZ001 - local time of a site named elsewhere
"""First and last start of a version: before the first the program did not exist, after the last no instant is read."""
_SHOWN_CHARACTERS: Final = 80
"""How much of a wrong value is shown."""
_RATE_NAME: Final = re.compile(r"[^\s\x00-\x1f\x7f]{1,100}")
_DATE: Final = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")


@dataclass(frozen=True, slots=True)
class Step:
    """A step of price: from this energy of the site's calendar month on, so much is added to every rate's price."""

    from_wh: int
    add_micro: int


@dataclass(frozen=True, slots=True)
class Season:
    """Days from (month, day) to (month, day), both included, may run over the turn of the year."""

    first: tuple[int, int]
    last: tuple[int, int]
    default: str
    weekdays: Mapping[int, str]

    def holds(self, day: date) -> bool:
        now = (day.month, day.day)
        if self.first <= self.last:
            return self.first <= now <= self.last
        return now >= self.first or now <= self.last


@dataclass(frozen=True, slots=True)
class Tariff:
    """One version of a tariff, as read from its text.

    `starts_at` is local time of the site. `days` maps a day's name to its switches: (minute of the day, rate), the
    first at minute 0. Prices are micro-units per kWh.
    """

    name: str
    starts_at: datetime
    fallback_rate: str
    price_micro: Mapping[str, int]
    days: Mapping[str, tuple[tuple[int, str], ...]]
    default: str
    weekdays: Mapping[int, str]
    seasons: tuple[Season, ...]
    dates: Mapping[date, str]
    steps: tuple[Step, ...] = ()

    def day_name(self, day: date) -> str:
        """Which of the named days a date is: a date of its own, else its season, else its weekday, else the default."""
        if day in self.dates:
            return self.dates[day]
        for season in self.seasons:
            if season.holds(day):
                return season.weekdays.get(day.weekday(), season.default)
        return self.weekdays.get(day.weekday(), self.default)


class _Reader:
    """Reads one tariff text and gathers every mistake on the way."""

    def __init__(self, data: dict[str, Any]) -> None:
        self.data = data
        self.mistakes: list[Reason] = []

    def wrong(self, place: str, value: object, right: Reason) -> None:
        shown = value.isoformat() if isinstance(value, date) else repr(value)
        self.mistakes.append(reasons.AT(place=place, value=shown[:_SHOWN_CHARACTERS], right=right))

    def only(self, place: str, table: Mapping[str, Any], known: tuple[str, ...]) -> None:
        for key in table:
            if key not in known:
                self.wrong(f"{place}{key}", table[key], reasons.UNKNOWN_KEY(known=", ".join(known)))

    def table(self, key: str) -> dict[str, Any]:
        value = self.data.get(key, {})
        if not isinstance(value, dict):
            self.wrong(key, value, reasons.TABLE)
            return {}
        return value

    def rates(self) -> dict[str, int]:
        prices: dict[str, int] = {}
        for name, rate in self.table("rates").items():
            if _RATE_NAME.fullmatch(name) is None:
                self.wrong("rates", name, reasons.RATE_NAME)
            price = rate.get("price_micro") if isinstance(rate, dict) else None
            if isinstance(rate, dict):
                self.only(f"rates.{name}.", rate, ("price_micro",))
            if type(price) is int and 0 <= price <= PRICE_MICRO_MAX:
                prices[name] = price
            else:
                self.wrong(f"rates.{name}.price_micro", price, reasons.PRICE(most=PRICE_MICRO_MAX))
                prices[name] = 0
        if not prices:
            self.wrong("rates", self.data.get("rates"), reasons.A_RATE)
        return prices

    def days(self, rates: Mapping[str, int]) -> dict[str, tuple[tuple[int, str], ...]]:
        found = {}
        for name, day in self.table("days").items():
            place = f"days.{name}.switches"
            if isinstance(day, dict):
                self.only(f"days.{name}.", day, ("switches",))
            texts = day.get("switches") if isinstance(day, dict) else None
            if not isinstance(texts, list) or not 1 <= len(texts) <= SWITCHES_MAX:
                self.wrong(place, texts, reasons.SWITCHES(most=SWITCHES_MAX))
                continue
            found[name] = self._switches(place, texts, rates)
        if not found:
            self.wrong("days", self.data.get("days"), reasons.A_DAY)
        return found

    def _switches(self, place: str, texts: list[Any], rates: Mapping[str, int]) -> tuple[tuple[int, str], ...]:
        switches: list[tuple[int, str]] = []
        for text in texts:
            words = text.split() if isinstance(text, str) else []
            minute = _minute(words[0]) if len(words) == 2 else None
            if minute is None:
                self.wrong(place, text, reasons.SWITCH)
                continue
            if words[1] not in rates:
                self.wrong(place, text, reasons.UNKNOWN_RATE(known=", ".join(rates)))
            if switches and minute <= switches[-1][0]:
                self.wrong(place, text, reasons.RISING)
            switches.append((minute, words[1]))
        if switches and switches[0][0] != 0:
            self.wrong(place, texts[0], reasons.FROM_MIDNIGHT)
        return tuple(switches)

    def steps(self, prices: Mapping[str, int]) -> tuple[Step, ...]:
        texts = self.data.get("steps", [])
        if not isinstance(texts, list) or len(texts) > STEPS_MAX or not all(isinstance(text, dict) for text in texts):
            self.wrong("steps", texts, reasons.STEPS(most=STEPS_MAX))
            return ()
        found: list[Step] = []
        add_most = PRICE_MICRO_MAX - max(prices.values(), default=0)
        for index, text in enumerate(texts):
            place = f"steps[{index}]"
            self.only(f"{place}.", text, ("from_kwh", "add_micro"))
            from_kwh, add_micro = text.get("from_kwh"), text.get("add_micro")
            least = found[-1].from_wh // 1000 + 1 if found else 0
            if not _whole(from_kwh, least, STEP_KWH_MAX if found else 0):
                right = reasons.STEP_ABOVE(most=STEP_KWH_MAX) if found else reasons.STEP_FIRST
                self.wrong(f"{place}.from_kwh", from_kwh, right)
                from_kwh = least
            if not _whole(add_micro, 0, add_most):
                self.wrong(f"{place}.add_micro", add_micro, reasons.STEP_ADDS(most=add_most))
                add_micro = 0
            found.append(Step(from_kwh * 1000, add_micro))
        return tuple(found)

    def day_of(self, place: str, value: object, days: Mapping[str, object]) -> str:
        if not isinstance(value, str) or value not in days:
            self.wrong(place, value, reasons.ONE_OF_DAYS(known=", ".join(days)) if days else reasons.NO_DAYS)
            return ""
        return value

    def weekdays(self, place: str, table: object, days: Mapping[str, object]) -> dict[int, str]:
        if not isinstance(table, dict):
            self.wrong(place, table, reasons.WEEKDAYS)
            return {}
        self.only(f"{place}.", table, WEEKDAYS)
        return {WEEKDAYS.index(k): self.day_of(f"{place}.{k}", v, days) for k, v in table.items() if k in WEEKDAYS}

    def seasons(self, calendar: Mapping[str, Any], days: Mapping[str, object]) -> tuple[Season, ...]:
        found = []
        seasons = calendar.get("seasons", [])
        if not isinstance(seasons, list) or not all(isinstance(season, dict) for season in seasons):
            self.wrong("calendar.seasons", seasons, reasons.TABLES)
            return ()
        for index, season in enumerate(seasons):
            place = f"calendar.seasons[{index}]"
            self.only(f"{place}.", season, ("from", "to", "default", "weekdays"))
            first = self._month_day(f"{place}.from", season.get("from"))
            last = self._month_day(f"{place}.to", season.get("to"))
            default = self.day_of(f"{place}.default", season.get("default"), days)
            weekdays = self.weekdays(f"{place}.weekdays", season.get("weekdays", {}), days)
            found.append(Season(first, last, default, weekdays))
        return tuple(found)

    def _month_day(self, place: str, value: object) -> tuple[int, int]:
        day = _date(f"2024-{value}")
        if day is None:
            self.wrong(place, value, reasons.MONTH_DAY)
            return (1, 1)
        return day.month, day.day

    def dates(self, calendar: Mapping[str, Any], days: Mapping[str, object]) -> dict[date, str]:
        found = {}
        table = calendar.get("dates", {})
        if not isinstance(table, dict):
            self.wrong("calendar.dates", table, reasons.DATES)
            return {}
        for text, name in table.items():
            day = _date(text)
            if day is None:
                self.wrong(f"calendar.dates.{text}", name, reasons.DATE_KEY)
            else:
                found[day] = self.day_of(f"calendar.dates.{text}", name, days)
        return found


def _whole(value: object, least: int, most: int) -> bool:
    return type(value) is int and least <= value <= most


def _date(text: str) -> date | None:
    try:
        return date.fromisoformat(text) if _DATE.fullmatch(text) else None
    except ValueError:
        return None


def _minute(text: str) -> int | None:
    hour, colon, minute = text.partition(":")
    if colon and len(hour) == len(minute) == 2 and text.replace(":", "").isdecimal() and text.isascii():
        value = int(hour) * 60 + int(minute)
        if int(minute) < 60 and value < 1440:
            return value
    return None


def read_tariff(text: str) -> Tariff:
    """Read one tariff version from its text. Raises BadTariff with every mistake: place, value, what would be right."""
    try:
        data = tomllib.loads(text)
    except (ValueError, RecursionError) as fault:
        raise BadTariff((toml_reason(fault),)) from None
    reader = _Reader(data)
    reader.only("", data, ("name", "starts_at", "fallback_rate", "rates", "days", "calendar", "steps"))
    name, starts_at = data.get("name"), data.get("starts_at")
    if not isinstance(name, str) or not name.strip():
        reader.wrong("name", name, reasons.NAME)
    if not _is_start(starts_at):
        reader.wrong("starts_at", starts_at, reasons.START(first=STARTS[0].year, last=STARTS[1].year))
    prices = reader.rates()
    fallback_rate = data.get("fallback_rate")
    if not isinstance(fallback_rate, str) or fallback_rate not in prices:
        reader.wrong("fallback_rate", fallback_rate, reasons.ONE_OF_RATES(known=", ".join(prices)))
    days = reader.days(prices)
    calendar = reader.table("calendar")
    reader.only("calendar.", calendar, ("default", "weekdays", "seasons", "dates"))
    default = reader.day_of("calendar.default", calendar.get("default"), days)
    weekdays = reader.weekdays("calendar.weekdays", calendar.get("weekdays", {}), days)
    seasons, dates, steps = reader.seasons(calendar, days), reader.dates(calendar, days), reader.steps(prices)
    if reader.mistakes:
        raise BadTariff(tuple(reader.mistakes))
    return Tariff(
        data["name"], data["starts_at"], data["fallback_rate"], prices, days, default, weekdays, seasons, dates, steps
    )


def _is_start(value: object) -> bool:
    if not isinstance(value, datetime) or value.tzinfo is not None or value.microsecond:
        return False
    return STARTS[0] <= value <= STARTS[1]
