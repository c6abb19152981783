"""An interval that straddles rates, split by the meter's own registers where they decide: exact, and checked again."""

from fractions import Fraction
from itertools import product

import msgspec
import pytest

from protocol.charging import IntervalInput, Priced, differences, price_interval
from protocol.records import Interval, Reading
from protocol.tariff import TariffBook
from protocol.tariff_text import read_tariff

TARIFF = "f" * 32
TEXT = """
name = "time of use"
starts_at = 2025-01-01T00:00:00
fallback_rate = "flat"
[rates.flat]
price_micro = 1000000
[rates.peak]
price_micro = 2000000
[rates.valley]
price_micro = 500000
[days.all]
switches = ["00:00 valley", "08:00 flat", "10:00 peak", "12:00 flat"]
[calendar]
default = "all"
"""
BOOK = TariffBook("Asia/Shanghai", {(TARIFF, 1): read_tariff(TEXT)})
HOUR_MS = 3_600_000
NINE_MS = 1_795_309_200_000
"""2026-11-22 09:00 in Asia/Shanghai: flat until 10, peak until 12, flat again."""


def given(hours: int, energy_wh: int, rate_wh: dict[str, int] | None, ratio: int = 1) -> IntervalInput:
    return IntervalInput(
        tariff=TARIFF,
        from_raw_wh=1_000,
        from_ms=NINE_MS,
        to_raw_wh=1_000 + energy_wh,
        to_ms=NINE_MS + hours * HOUR_MS,
        ratio=Fraction(ratio),
        energy_carry=Fraction(0),
        money_carry_nano=0,
        rate_wh=rate_wh,
    )


def by_rate(priced: Priced) -> dict[str, int]:
    found: dict[str, int] = {}
    for part in priced.parts:
        found[part.rate] = found.get(part.rate, 0) + part.energy_wh
    return found


def test_the_clock_of_the_test_is_right() -> None:
    assert [(s.rate, s.to_ms - s.from_ms) for s in BOOK.stretches(TARIFF, NINE_MS, NINE_MS + 4 * HOUR_MS)] == [
        ("flat", HOUR_MS),
        ("peak", 2 * HOUR_MS),
        ("flat", HOUR_MS),
    ]


@pytest.mark.parametrize(
    ("rate_wh", "expected", "source"),
    [
        (None, {"flat": 500, "peak": 500}, "total"),
        ({"flat": 900, "peak": 100}, {"flat": 900, "peak": 100}, "rates"),
        ({"flat": 0, "peak": 1_000}, {"flat": 0, "peak": 1_000}, "rates"),
        ({"flat": 900, "peak": 100, "valley": 0, "sharp": 0}, {"flat": 900, "peak": 100}, "rates"),
        # Cut off at another digit than the total: the shares are kept, the whole is the total's.
        ({"flat": 890, "peak": 100}, {"flat": 899, "peak": 101}, "rates"),
        # A register of another rate moved, one is missing, one ran back, none moved: time splits it, and says so.
        ({"flat": 800, "peak": 100, "valley": 100}, {"flat": 500, "peak": 500}, "total"),
        ({"flat": 1_000}, {"flat": 500, "peak": 500}, "total"),
        ({"flat": 1_100, "peak": -100}, {"flat": 500, "peak": 500}, "total"),
        ({"flat": 0, "peak": 0}, {"flat": 500, "peak": 500}, "total"),
    ],
)
def test_what_the_registers_say_counts_where_it_can(
    rate_wh: dict[str, int] | None, expected: dict[str, int], source: str
) -> None:
    priced = price_interval(BOOK, given(4, 1_000, rate_wh))
    assert (by_rate(priced), priced.source) == (expected, source)
    assert ("estimated_split" in priced.flags) is (source == "total")
    assert sum(part.charge_micro for part in priced.parts) == priced.charge_micro
    flat, peak = expected["flat"], expected["peak"]
    assert priced.charge_micro * 1_000 + priced.money_carry_nano == flat * 1_000_000 + peak * 2_000_000


def test_one_rate_alone_is_nobodys_to_split() -> None:
    priced = price_interval(BOOK, given(1, 500, {"flat": 100, "peak": 400}))
    assert (by_rate(priced), priced.source, priced.flags) == ({"flat": 500}, "total", ())


def test_any_split_adds_up_to_the_last_watt_hour() -> None:
    for energy_wh, flat, peak, ratio in product((0, 1, 7, 999), (0, 1, 5, 400), (0, 3, 600), (1, 3)):
        priced = price_interval(BOOK, given(4, energy_wh, {"flat": flat, "peak": peak}, ratio))
        assert sum(part.energy_wh for part in priced.parts) == energy_wh * ratio == priced.energy_wh


def interval_of(priced: Priced, after: dict[str, int]) -> Interval:
    return Interval(
        at_ms=NINE_MS + 4 * HOUR_MS,
        meter="a" * 32,
        wallet="b" * 32,
        from_=Reading(raw_wh=1_000, at_ms=NINE_MS),
        to=Reading(raw_wh=2_000, at_ms=NINE_MS + 4 * HOUR_MS),
        source=priced.source,
        ratio_version=1,
        energy_wh=priced.energy_wh,
        energy_carry=(0, 1),
        parts=list(priced.parts),
        charge_micro=priced.charge_micro,
        money_carry_nano=priced.money_carry_nano,
        rates_raw_wh=after,
        flags=list(priced.flags),
    )


def test_the_other_side_counts_the_same_from_the_registers_before() -> None:
    before, after = {"flat": 400, "peak": 600}, {"flat": 1_300, "peak": 700}
    said = interval_of(price_interval(BOOK, given(4, 1_000, {"flat": 900, "peak": 100})), after)
    assert differences(BOOK, said, Fraction(1), Fraction(0), 0, 0, before) == []
    for wrong in ({"flat": 500, "peak": 600}, None, {"flat": 400}):
        found = differences(BOOK, said, Fraction(1), Fraction(0), 0, 0, wrong)
        assert found, wrong
    forged = msgspec.structs.replace(said, rates_raw_wh={"flat": 1_200, "peak": 800})
    assert any(text.startswith("parts") for text in differences(BOOK, forged, Fraction(1), Fraction(0), 0, 0, before))
    unsaid = msgspec.structs.replace(said, source="total")
    assert any("parts" in text for text in differences(BOOK, unsaid, Fraction(1), Fraction(0), 0, 0, before))
