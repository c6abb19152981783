"""The audit: an interval computed again agrees to the last digit, and any field that was changed is found."""

from fractions import Fraction
from typing import Any

import msgspec
import pytest

from protocol.charging import differences
from protocol.limits import INSTANT_MS_MAX
from protocol.records import Interval, Reading
from tests.vectors.cast import TARIFF, an_id, at
from tests.vectors.chronicle import BOOK, STRADDLING, UNCHARGED, interval

replace = msgspec.structs.replace
BEFORE = (Fraction(0), 321)


def found(said: Interval, ratio: Fraction = Fraction(1), carries: tuple[Fraction, int] = BEFORE) -> list[str]:
    """The names of the fields that differ."""
    return [difference.partition(":")[0] for difference in differences(BOOK, said, ratio, *carries)]


def part(index: int, **fields: Any) -> Interval:
    """The interval with one of its parts changed."""
    parts = list(STRADDLING.parts)
    parts[index] = replace(parts[index], **fields)
    return replace(STRADDLING, parts=parts)


def test_box_and_centre_agree() -> None:
    assert found(STRADDLING) == []
    assert found(UNCHARGED, Fraction(200, 3), (Fraction(1, 3), 0)) == []


def test_what_the_box_alone_can_know_is_not_judged() -> None:
    for said in (
        replace(STRADDLING, max_power_w=99_999),
        replace(STRADDLING, rates_raw_wh=None),
        replace(STRADDLING, other_raw={"reactive": 1}),
        replace(STRADDLING, flags=[*STRADDLING.flags, "catch_up", "wrap", "replaced", "typed", "confirmed_twice"]),
        replace(STRADDLING, flags=[*reversed(STRADDLING.flags)]),
    ):
        assert found(said) == []


@pytest.mark.parametrize(
    ("said", "fields"),
    [
        (replace(STRADDLING, energy_wh=STRADDLING.energy_wh + 1), ["energy_wh"]),
        (replace(STRADDLING, energy_carry=(1, 2)), ["energy_carry"]),
        (replace(STRADDLING, energy_carry=(0, 2)), ["energy_carry"]),
        (replace(STRADDLING, charge_micro=STRADDLING.charge_micro - 1), ["charge_micro"]),
        (replace(STRADDLING, money_carry_nano=0), ["money_carry_nano"]),
        (replace(STRADDLING, parts=STRADDLING.parts[:1]), ["parts"]),
        (replace(STRADDLING, parts=STRADDLING.parts[::-1]), ["parts"]),
        (part(0, from_ms=at(17)), ["parts"]),
        (part(0, to_ms=at(17)), ["parts"]),
        (part(1, rate="flat"), ["parts"]),
        (part(1, step=1), ["parts"]),
        (part(1, tariff=an_id("another tariff")), ["parts"]),
        (part(1, tariff_version=2), ["parts"]),
        (part(1, price_micro=1), ["parts"]),
        (part(0, energy_wh=0), ["parts"]),
        (part(1, charge_micro=0), ["parts"]),
        (replace(STRADDLING, flags=[]), ["flags"]),
        (replace(STRADDLING, flags=["estimated_split", "fallback_rate"]), ["flags"]),
        (replace(STRADDLING, wallet=None), ["parts", "charge_micro", "money_carry_nano"]),
        (replace(STRADDLING, to=Reading(raw_wh=1_235_135, at_ms=at(18, 30))),
         ["energy_wh", "parts", "charge_micro", "money_carry_nano"]),
        (replace(STRADDLING, from_=Reading(raw_wh=1_234_568, at_ms=at(17, 30))),
         ["energy_wh", "parts", "charge_micro", "money_carry_nano"]),
        (replace(STRADDLING, from_=Reading(raw_wh=1_234_567, at_ms=at(17, 31))),
         ["parts", "charge_micro", "money_carry_nano"]),
        (replace(STRADDLING, flags=["estimated_split", "clock_unsure"]),
         ["parts", "charge_micro", "money_carry_nano", "flags"]),
    ],
)  # fmt: skip
def test_each_changed_field_is_named(said: Interval, fields: list[str]) -> None:
    assert found(said) == fields


def test_what_stood_before_counts() -> None:
    assert "money_carry_nano" in found(STRADDLING, carries=(Fraction(0), 322))
    assert "energy_carry" in found(STRADDLING, carries=(Fraction(1, 2), 321))
    assert "energy_wh" in found(STRADDLING, Fraction(2))


def test_a_difference_shows_both_numbers() -> None:
    said = replace(STRADDLING, charge_micro=1)
    right = f"charge_micro: the box says 1, computed again {STRADDLING.charge_micro}"
    assert differences(BOOK, said, Fraction(1), *BEFORE) == [right]


def test_an_interval_that_cannot_be_priced_is_a_difference_and_no_crash() -> None:
    assert found(replace(STRADDLING, parts=[])) == ["tariff none is unknown"]
    assert found(part(0, tariff=an_id("another tariff"))) == [f"tariff {an_id('another tariff')} is unknown"]
    back = replace(STRADDLING, to=Reading(raw_wh=0, at_ms=at(18, 30)))
    assert found(back) == ["register ran back from 1234567 to 0"]


@pytest.mark.parametrize(("begin", "end"), [(0, INSTANT_MS_MAX), (INSTANT_MS_MAX, 0), (INSTANT_MS_MAX, INSTANT_MS_MAX)])
def test_wild_times_are_a_difference_and_no_crash(begin: int, end: int) -> None:
    wild = replace(STRADDLING, from_=Reading(raw_wh=0, at_ms=begin), to=Reading(raw_wh=2**53 - 1, at_ms=end))
    assert "parts" in found(wild)


def test_an_interval_flagged_unsure_is_priced_at_the_fallback_rate() -> None:
    """The box may say that its clock was unsure; then the whole interval has the fallback rate, and only then."""
    begin, end = Reading(raw_wh=0, at_ms=at(18)), Reading(raw_wh=1_000, at_ms=at(19))
    peak = interval(STRADDLING.meter, STRADDLING.wallet, begin, end, Fraction(1), (Fraction(0), 0))
    assert [p.rate for p in peak.parts] == ["peak"]
    assert found(peak, carries=(Fraction(0), 0)) == []
    claimed = replace(peak, flags=["clock_unsure", "fallback_rate"])
    assert found(claimed, carries=(Fraction(0), 0)) == ["parts", "charge_micro"]
    assert peak.parts[0].tariff == TARIFF
