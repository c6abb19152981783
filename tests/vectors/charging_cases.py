"""Charging vectors: two registers and a tariff text in, parts and carries out. Values only, and one function to price.

Each case is one that an accountant could check with pencil and paper; `why` says what it shows.
"""

from dataclasses import dataclass
from datetime import datetime
from fractions import Fraction
from typing import Any, Final
from zoneinfo import ZoneInfo

import msgspec

from protocol.charging import IntervalInput, price_interval
from protocol.tariff import TariffBook, read_tariff
from tests.vectors.cast import TARIFF, TARIFF_TEXT, ZONE

FLAT_TEXT: Final = """\
name = "flat"
starts_at = 2026-01-01T00:00:00
fallback_rate = "flat"
rates = { flat = { price_micro = 1000000 } }
days = { all = { switches = ["00:00 flat"] } }
calendar = { default = "all" }
"""
DEARER_TEXT: Final = FLAT_TEXT.replace("2026-01-01T00:00:00", "2026-12-01T10:15:00").replace("1000000", "1100000")
SEASONS_TEXT: Final = """\
name = "seasons"
starts_at = 2020-01-01T00:00:00
fallback_rate = "normal"
[rates]
normal = { price_micro = 700000 }
summer = { price_micro = 900000 }
winter = { price_micro = 1100000 }
free = { price_micro = 0 }
[days]
normal = { switches = ["00:00 normal"] }
summer = { switches = ["00:00 normal", "10:00 summer", "22:00 normal"] }
summer_weekend = { switches = ["00:00 normal", "12:00 summer", "20:00 normal"] }
winter = { switches = ["00:00 winter"] }
holiday = { switches = ["00:00 free"] }
[calendar]
default = "normal"
seasons = [
  { from = "07-01", to = "09-30", default = "summer", weekdays = { sat = "summer_weekend", sun = "summer_weekend" } },
  { from = "12-16", to = "01-15", default = "winter" },
]
dates = { "2027-01-01" = "holiday" }
"""
BERLIN_TEXT: Final = """\
name = "Berlin"
starts_at = 2026-01-01T00:00:00
fallback_rate = "day"
[rates]
night = { price_micro = 200000 }
odd = { price_micro = 250000 }
day = { price_micro = 300000 }
[days]
all = { switches = ["00:00 night", "02:30 odd", "06:00 day", "23:30 night"] }
[calendar]
default = "all"
"""
STEPS_TEXT: Final = (
    FLAT_TEXT
    + """\
[[steps]]
from_kwh = 0
add_micro = 0
[[steps]]
from_kwh = 200
add_micro = 50000
[[steps]]
from_kwh = 400
add_micro = 300000
"""
)

BOOKS: Final[dict[str, tuple[str, tuple[str, ...]]]] = {
    "shops": (ZONE, (TARIFF_TEXT,)),
    "flat": (ZONE, (FLAT_TEXT, DEARER_TEXT)),
    "seasons": (ZONE, (SEASONS_TEXT,)),
    "steps": (ZONE, (STEPS_TEXT,)),
    "berlin": ("Europe/Berlin", (BERLIN_TEXT,)),
}
"""Name -> zone and the texts of versions 1, 2, …"""


@dataclass(frozen=True)
class Case:
    """One interval to price. Times are local to the book's zone; one that comes twice may end in `again`."""

    name: str
    book: str
    begin: str
    end: str
    used_raw_wh: int
    why: str
    ratio: tuple[int, int] = (1, 1)
    energy_carry: tuple[int, int] = (0, 1)
    money_carry_nano: int = 0
    clock_sure: bool = True
    charged: bool = True
    month_wh: int = 0


FROM_RAW_WH: Final = 1_000
"""Where each case's register stands at its beginning."""

_OVER = ("shops", "2026-11-23 17:30", "2026-11-23 18:30")
_HALF = ("2026-11-23 09:00", "2026-11-23 09:30")

CASES: Final = (
    Case("half_hour", "shops", *_HALF, 500, "500 Wh at 0.812345"),
    Case("carry_in", "shops", *_HALF, 1, "999 nano-units and 1 Wh", money_carry_nano=999),
    Case("no_energy", "shops", *_HALF, 0, "nothing used, the carries stay", (40, 1), (1, 3), 17),
    Case("up_to_a_switch", "shops", "2026-11-23 17:30", "2026-11-23 18:00", 567, "read at 18:00 sharp: all at flat"),
    Case("over_a_switch", *_OVER, 567, "the box was down at 18:00: split by time"),
    Case("tie", *_OVER, 1, "1 Wh over two equal stretches goes to the earlier"),
    Case("one_second_over", "shops", "2026-11-23 17:00:01", "2026-11-23 18:00:01", 3_600, "1 s of 1 h lies at peak"),
    Case("a_day_dark", "shops", "2026-11-23 12:00", "2026-11-24 12:00", 10_001, "an outage", money_carry_nano=5),
    Case("saturday", "shops", "2026-11-28 09:00", "2026-11-28 11:00", 1_000, "the weekday has its own day"),
    Case("named_date", "shops", "2026-10-01 09:00", "2026-10-01 11:00", 1_000, "a date goes before its weekday"),
    Case("midnight", "flat", "2026-11-23 23:00", "2026-11-24 01:00", 1_001, "one rate, two days: nothing is estimated"),
    Case("before_the_start", "flat", "2025-12-31 23:00", "2026-01-01 01:00", 10, "the first version holds before it"),
    Case("dearer_at_10:15", "flat", "2026-12-01 10:00", "2026-12-01 10:30", 999, "old energy at the old price"),
    Case("ratio", "flat", *_HALF, 10, "200:3, a third of a Wh carried in, none out", (200, 3), (1, 3)),
    Case("small_ratio", "flat", *_HALF, 5, "1:7, two thirds carried in", (1, 7), (2, 3)),
    Case("clock_unsure", *_OVER, 567, "the whole stretch at the fallback rate", clock_sure=False),
    Case(
        "clock_back",
        "shops",
        "2026-11-23 09:00",
        "2026-11-23 08:00",
        100,
        "it ends before it begins: as with the clock unsure",
    ),
    Case("one_instant", "shops", "2026-11-23 18:00", "2026-11-23 18:00", 100, "energy between two readings at once"),
    Case("uncharged", *_OVER, 999, "priced, charged to nobody, the carry stays", money_carry_nano=77, charged=False),
    Case("summer_begins", "seasons", "2026-06-30 22:00", "2026-07-01 11:00", 13_000, "a season's first day"),
    Case("summer_weekend", "seasons", "2026-08-01 09:00", "2026-08-01 21:00", 12_000, "a season's own weekdays"),
    Case("new_year", "seasons", "2026-12-31 12:00", "2027-01-02 12:00", 48_000, "winter runs over it, the day is free"),
    Case("up_to_a_step", "steps", *_HALF, 1_000, "the 200th kWh is the last of the first step", month_wh=199_000),
    Case("over_two_steps", "steps", *_HALF, 210_001, "cut in time as the energy is cut", month_wh=195_000),
    Case("turn_of_the_month", "steps", "2026-11-30 23:00", "2026-12-01 01:00", 401, "steps begin anew", month_wh=10**6),
    Case("step_undated", "steps", *_HALF, 2_000, "no month begins unsure", clock_sure=False, month_wh=399_000),
    Case(
        "step_back", "steps", "2026-11-23 09:00", "1970-01-01 09:00", 9, "nor when the clock is reset", month_wh=10**6
    ),
    Case("23_hours", "berlin", "2026-03-29 00:00", "2026-03-30 00:00", 23_000, "no 02:30: odd begins at 03:00"),
    Case("25_hours", "berlin", "2026-10-25 00:00", "2026-10-26 00:00", 25_000, "02:30 twice: odd begins at the first"),
    Case("second_of_two", "berlin", "2026-10-25 02:15", "2026-10-25 02:15 again", 60, "from the first to the second"),
    Case("very_much", "shops", *_HALF, 10**9, "a milliard watt-hours", money_carry_nano=1),
)


def book_of(name: str) -> TariffBook:
    """The tariffs of one of the books."""
    zone, texts = BOOKS[name]
    return TariffBook(zone, {(TARIFF, n): read_tariff(text) for n, text in enumerate(texts, start=1)})


def instant(case: Case, local: str) -> int:
    """A local time of a case in UTC milliseconds."""
    text = local.removesuffix(" again")
    at = datetime.fromisoformat(text).replace(tzinfo=ZoneInfo(BOOKS[case.book][0]), fold=int(text != local))
    return int(at.timestamp()) * 1_000


def priced(case: Case) -> dict[str, Any]:
    """A case with its result, as it stands in the file."""
    from_ms, to_ms = instant(case, case.begin), instant(case, case.end)
    found = price_interval(
        book_of(case.book),
        IntervalInput(
            tariff=TARIFF,
            from_raw_wh=FROM_RAW_WH,
            from_ms=from_ms,
            to_raw_wh=FROM_RAW_WH + case.used_raw_wh,
            to_ms=to_ms,
            ratio=Fraction(*case.ratio),
            energy_carry=Fraction(*case.energy_carry),
            money_carry_nano=case.money_carry_nano,
            clock_sure=case.clock_sure,
            charged=case.charged,
            month_wh=case.month_wh,
        ),
    )
    return {
        "name": case.name,
        "why": case.why,
        "book": case.book,
        "local": f"{case.begin} to {case.end}",
        "from": {"raw_wh": FROM_RAW_WH, "at_ms": from_ms},
        "to": {"raw_wh": FROM_RAW_WH + case.used_raw_wh, "at_ms": to_ms},
        "ratio": case.ratio,
        "energy_carry": case.energy_carry,
        "money_carry_nano": case.money_carry_nano,
        "clock_sure": case.clock_sure,
        "charged": case.charged,
        "month_wh": case.month_wh,
        "result": {
            "energy_wh": found.energy_wh,
            "energy_carry": [found.energy_carry.numerator, found.energy_carry.denominator],
            "parts": msgspec.to_builtins(found.parts),
            "charge_micro": found.charge_micro,
            "money_carry_nano": found.money_carry_nano,
            "month_wh": found.month_wh,
            "flags": list(found.flags),
        },
    }
