"""Charging: tables that an accountant can check, and what must hold for any registers, tariffs and cuts.

Energy in Wh, prices in yuan per kWh where a table shows them, money in micro-yuan, carries in nano-yuan.
"""

from datetime import datetime
from fractions import Fraction
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from protocol.charging import IntervalInput, Priced, charge_for, energy_between, price_interval
from protocol.limits import PARTS_MAX
from protocol.tariff import TariffBook, read_tariff
from protocol.zone import site_zone
from tests.vectors.charging_cases import BOOKS, FLAT_TEXT

T = "tariff"
NO_CARRY = (Fraction(0), 0)
ONE = Fraction(1)


def book(name: str) -> TariffBook:
    """One of the books of the vectors."""
    zone, texts = BOOKS[name]
    return TariffBook(zone, {(T, n): read_tariff(text) for n, text in enumerate(texts, start=1)})


SHOPS, FLAT, SEASONS, BERLIN = book("shops"), book("flat"), book("seasons"), book("berlin")


def ms(tariffs: TariffBook, local: str) -> int:
    return int(datetime.fromisoformat(local).replace(tzinfo=site_zone(tariffs.zone)).timestamp()) * 1_000


def price(
    tariffs: TariffBook,
    from_ms: int,
    to_ms: int,
    used_wh: int,
    ratio: Fraction = ONE,
    carries: tuple[Fraction, int] = NO_CARRY,
    clock_sure: bool = True,
    charged: bool = True,
) -> Priced:
    return price_interval(
        tariffs,
        IntervalInput(
            tariff=T,
            from_raw_wh=7_000,
            from_ms=from_ms,
            to_raw_wh=7_000 + used_wh,
            to_ms=to_ms,
            ratio=ratio,
            energy_carry=carries[0],
            money_carry_nano=carries[1],
            clock_sure=clock_sure,
            charged=charged,
        ),
    )


def between(tariffs: TariffBook, begin: str, end: str, used_wh: int, clock_sure: bool = True) -> Priced:
    return price(tariffs, ms(tariffs, begin), ms(tariffs, end), used_wh, clock_sure=clock_sure)


# --------------------------------------------------------------------------------------------------------------- tables


@pytest.mark.parametrize(
    ("energy_wh", "price_micro", "carry_nano", "charge_micro", "carry_after"),
    [
        # 1 kWh at 0.812345 is 0.812345
        (1_000, 812_345, 0, 812_345, 0),
        # 1 Wh is 0.000812345: 812 micro and 345 nano
        (1, 812_345, 0, 812, 345),
        (1, 812_345, 345, 812, 690),
        (1, 812_345, 690, 813, 35),
        (0, 812_345, 999, 0, 999),
        (7, 0, 5, 0, 5),
        (1, 1, 999, 1, 0),
        (999, 1, 0, 0, 999),
        (10**9, 1_000_000_000, 999, 10**15, 999),
    ],
)
def test_a_charge_and_its_carry(
    energy_wh: int, price_micro: int, carry_nano: int, charge_micro: int, carry_after: int
) -> None:
    assert charge_for(energy_wh, price_micro, carry_nano) == (charge_micro, carry_after)


@pytest.mark.parametrize(
    ("from_raw_wh", "to_raw_wh", "ratio", "carry", "energy_wh", "carry_after"),
    [
        (100, 350, "1", "0", 250, "0"),
        (100, 350, "40", "0", 10_000, "0"),
        (100, 100, "40", "1/3", 0, "1/3"),
        (0, 1, "200/3", "0", 66, "2/3"),
        (1, 2, "200/3", "2/3", 67, "1/3"),
        (2, 3, "200/3", "1/3", 67, "0"),
        (0, 1, "1/7", "6/7", 1, "0"),
        (0, 1, "1/7", "5/7", 0, "6/7"),
        (-5, 5, "1", "0", 10, "0"),
        (0, 3, "1/2", "1/3", 1, "5/6"),
    ],
)
def test_energy_behind_a_transformer(
    from_raw_wh: int, to_raw_wh: int, ratio: str, carry: str, energy_wh: int, carry_after: str
) -> None:
    found = energy_between(from_raw_wh, to_raw_wh, Fraction(ratio), Fraction(carry))
    assert found == (energy_wh, Fraction(carry_after))


def test_a_register_that_ran_back_is_not_priced() -> None:
    with pytest.raises(ValueError, match="ran back from 5 to 4"):
        energy_between(5, 4, ONE, Fraction(0))


@pytest.mark.parametrize(
    ("begin", "end", "used_wh", "parts", "flags"),
    [
        # Monday 23 November 2026: valley 0.398765 to 8:00, flat 0.812345 to 18:00, peak 1.234567 to 22:00, flat
        ("2026-11-23 09:00", "2026-11-23 09:30", 500, [("flat", 500, 406_172)], ()),
        ("2026-11-23 17:30", "2026-11-23 18:00", 500, [("flat", 500, 406_172)], ()),
        ("2026-11-23 18:00", "2026-11-23 18:30", 500, [("peak", 500, 617_283)], ()),
        (
            "2026-11-23 17:30", "2026-11-23 18:30", 1_000,
            [("flat", 500, 406_172), ("peak", 500, 617_284)], ("estimated_split",),
        ),
        (
            "2026-11-23 17:30", "2026-11-23 18:30", 1,
            [("flat", 1, 812), ("peak", 0, 0)], ("estimated_split",),
        ),
        (
            "2026-11-23 17:45", "2026-11-23 18:30", 1_000,
            [("flat", 333, 270_510), ("peak", 667, 823_457)], ("estimated_split",),
        ),
        (
            "2026-11-23 23:30", "2026-11-24 00:30", 10,
            [("flat", 5, 4_061), ("valley", 5, 1_994)], ("estimated_split", "midnight"),
        ),
        (
            "2026-11-23 00:00", "2026-11-24 00:00", 24_000,
            [("valley", 8_000, 3_190_120), ("flat", 10_000, 8_123_450),
             ("peak", 4_000, 4_938_268), ("flat", 2_000, 1_624_690)],
            ("estimated_split",),
        ),
    ],
)  # fmt: skip
def test_an_interval_of_a_shop(
    begin: str, end: str, used_wh: int, parts: list[tuple[str, int, int]], flags: tuple[str, ...]
) -> None:
    found = between(SHOPS, begin, end, used_wh)
    assert [(part.rate, part.energy_wh, part.charge_micro) for part in found.parts] == parts
    assert found.flags == flags
    assert found.energy_wh == used_wh
    assert found.charge_micro == sum(charge for _, _, charge in parts)


def test_three_half_hours_add_up_with_their_carries() -> None:
    """500 Wh at 0.812345 are 406,172.5 micro: the half is carried and comes back in the second."""
    carries, told = NO_CARRY, []
    for hour in ("09", "10", "11"):
        begin, end = (ms(SHOPS, f"2026-11-23 {hour}:{minute}") for minute in ("00", "30"))
        found = price(SHOPS, begin, end, 500, carries=carries)
        carries = (found.energy_carry, found.money_carry_nano)
        told.append((found.charge_micro, found.money_carry_nano))
    assert told == [(406_172, 500), (406_173, 0), (406_172, 500)]


def test_one_rate_over_midnight_is_cut_but_nothing_is_estimated() -> None:
    found = between(FLAT, "2026-11-23 23:00", "2026-11-24 01:00", 1_001)
    assert [(part.energy_wh, part.charge_micro) for part in found.parts] == [(501, 501_000), (500, 500_000)]
    assert found.flags == ("midnight",)


def test_a_new_price_at_its_minute() -> None:
    found = between(FLAT, "2026-12-01 10:00", "2026-12-01 10:30", 1_000)
    assert [(part.tariff_version, part.price_micro, part.energy_wh, part.charge_micro) for part in found.parts] == [
        (1, 1_000_000, 500, 500_000),
        (2, 1_100_000, 500, 550_000),
    ]
    assert found.flags == ("estimated_split",)


def test_a_day_of_23_and_one_of_25_hours() -> None:
    spring = between(BERLIN, "2026-03-29 00:00", "2026-03-30 00:00", 23_000)
    assert [(part.rate, part.energy_wh) for part in spring.parts] == [
        ("night", 2_000),
        ("odd", 3_000),
        ("day", 17_500),
        ("night", 500),
    ]
    autumn = between(BERLIN, "2026-10-25 00:00", "2026-10-26 00:00", 25_000)
    assert [(part.rate, part.energy_wh) for part in autumn.parts] == [
        ("night", 2_500),
        ("odd", 4_500),
        ("day", 17_500),
        ("night", 500),
    ]


def test_with_the_clock_unsure_the_fallback_rate_holds_for_all() -> None:
    found = between(SHOPS, "2026-11-23 17:30", "2026-11-23 18:30", 1_000, clock_sure=False)
    assert [(part.rate, part.charge_micro) for part in found.parts] == [("flat", 812_345)]
    assert found.flags == ("clock_unsure", "fallback_rate")


def test_an_interval_that_ends_before_it_begins_is_priced_as_with_the_clock_unsure() -> None:
    found = between(SHOPS, "2026-11-23 19:00", "2026-11-23 09:00", 1_000)
    (part,) = found.parts
    assert (part.rate, part.from_ms, part.to_ms) == (
        "flat",
        ms(SHOPS, "2026-11-23 09:00"),
        ms(SHOPS, "2026-11-23 09:00"),
    )
    assert found.charge_micro == 812_345
    assert found.flags == ("clock_unsure", "fallback_rate")


@pytest.mark.parametrize(("local", "charge_micro"), [("2026-11-23 18:00", 123_456), ("2026-11-23 17:59:59", 81_234)])
def test_energy_between_two_readings_of_one_instant_has_the_rate_that_begins(local: str, charge_micro: int) -> None:
    found = between(SHOPS, local, local, 100)
    assert found.charge_micro == charge_micro
    assert len(found.parts) == 1
    assert found.flags == ()


def test_without_a_wallet_nothing_is_charged_and_all_is_recorded() -> None:
    begin, end = ms(SHOPS, "2026-11-23 17:30"), ms(SHOPS, "2026-11-23 18:30")
    found = price(SHOPS, begin, end, 999, carries=(Fraction(1, 3), 77), charged=False)
    assert [(part.rate, part.energy_wh, part.price_micro, part.charge_micro) for part in found.parts] == [
        ("flat", 500, 812_345, 0),
        ("peak", 499, 1_234_567, 0),
    ]
    assert (found.charge_micro, found.money_carry_nano, found.energy_carry) == (0, 77, Fraction(1, 3))


def test_a_silence_of_decades_is_priced_in_one_part() -> None:
    found = price(SEASONS, 0, ms(SEASONS, "2999-01-01 00:00"), 10_000)
    (part,) = found.parts
    assert (part.rate, part.energy_wh, found.flags) == ("normal", 10_000, ("fallback_rate",))


def test_years_of_silence_are_still_split() -> None:
    found = between(SEASONS, "2026-01-01 00:00", "2033-01-01 00:00", 10_000_000)
    assert 7 * 365 < len(found.parts) <= PARTS_MAX
    assert sum(part.energy_wh for part in found.parts) == 10_000_000


# ------------------------------------------------------------------------------------------------------ for any numbers

RATIOS = st.fractions(min_value=Fraction(1, 50), max_value=500, max_denominator=60)
DAY_MS = 86_400_000
BEGIN_MS = ms(FLAT, "2026-03-10 00:00")


def exact_nano(parts: list[tuple[int, int]], carry: int) -> int:
    return carry + sum(energy_wh * price_micro for energy_wh, price_micro in parts)


@given(
    st.lists(st.tuples(st.integers(0, 50_000), st.integers(1, 5 * 3_600_000)), min_size=1, max_size=20),
    RATIOS,
    st.fractions(min_value=0, max_value=Fraction(59, 60), max_denominator=60),
    st.integers(0, 999),
    st.integers(0, 3_000_000),
)
def test_any_cutting_of_a_stretch_gives_the_same_sum(
    pieces: list[tuple[int, int]], ratio: Fraction, energy_carry: Fraction, money_carry: int, price_micro: int
) -> None:
    """One rate, any registers, any ratio: a thousand readings or one, the same energy, money and carries."""
    flat = TariffBook("Asia/Shanghai", {(T, 1): read_tariff(FLAT_TEXT.replace("1000000", str(price_micro)))})
    whole = price(
        flat,
        BEGIN_MS,
        BEGIN_MS + sum(length for _, length in pieces),
        sum(wh for wh, _ in pieces),
        ratio,
        (energy_carry, money_carry),
    )
    at_ms, carries, energy, charge = BEGIN_MS, (energy_carry, money_carry), 0, 0
    for used_wh, length in pieces:
        piece = price(flat, at_ms, at_ms + length, used_wh, ratio, carries)
        at_ms += length
        carries = (piece.energy_carry, piece.money_carry_nano)
        energy += piece.energy_wh
        charge += piece.charge_micro
    assert (energy, charge, *carries) == (
        whole.energy_wh,
        whole.charge_micro,
        whole.energy_carry,
        whole.money_carry_nano,
    )


@given(
    st.sampled_from([SHOPS, SEASONS, BERLIN]),
    st.integers(0, 300 * DAY_MS),
    st.integers(1, 3 * DAY_MS),
    st.integers(0, 1_000_000),
    RATIOS,
    st.integers(0, 999),
)
def test_parts_cover_the_interval_and_add_up_to_the_last_digit(
    tariffs: TariffBook, offset: int, length: int, used_wh: int, ratio: Fraction, carry: int
) -> None:
    begin = BEGIN_MS + offset
    found = price(tariffs, begin, begin + length, used_wh, ratio, (Fraction(0), carry))
    assert (found.parts[0].from_ms, found.parts[-1].to_ms) == (begin, begin + length)
    assert all(before.to_ms == after.from_ms for before, after in pairwise(found.parts))
    assert sum(part.energy_wh for part in found.parts) == found.energy_wh
    assert found.energy_wh + found.energy_carry == used_wh * ratio
    assert 0 <= found.energy_carry < 1
    assert sum(part.charge_micro for part in found.parts) == found.charge_micro
    nano = exact_nano([(part.energy_wh, part.price_micro) for part in found.parts], carry)
    assert found.charge_micro * 1_000 + found.money_carry_nano == nano
    assert 0 <= found.money_carry_nano <= 999
    for part in found.parts:
        share = Fraction(found.energy_wh * (part.to_ms - part.from_ms), length)
        assert abs(part.energy_wh - share) < 1


@given(st.integers(0, 300), st.lists(st.integers(0, 5_000), min_size=24, max_size=24))
def test_read_at_every_boundary_nothing_is_estimated(days: int, hours_wh: list[int]) -> None:
    """A box that reads at each change of rate charges each hour at its own price, and a day's sum has no drift."""
    midnight = ms(SHOPS, "2026-01-05 00:00") + days * DAY_MS
    carries, charge, expected = NO_CARRY, 0, 0
    for hour, used_wh in enumerate(hours_wh):
        begin = midnight + hour * 3_600_000
        found = price(SHOPS, begin, begin + 3_600_000, used_wh, carries=carries)
        assert found.flags == ()
        carries = (found.energy_carry, found.money_carry_nano)
        charge += found.charge_micro
        expected += used_wh * SHOPS.at(T, begin).price_micro
    assert charge * 1_000 + carries[1] == expected


def test_a_hundred_thousand_intervals_do_not_drift() -> None:
    """200:3 behind 1.234567 at peak: after each interval money and energy equal the exact fractions, less a carry."""
    ratio, price_micro = Fraction(200, 3), 1_234_567
    energy_carry, money_carry, energy, charge = Fraction(0), 0, 0, 0
    raw = 0
    for n in range(100_000):
        used = n * 7919 % 13
        raw += used
        used_wh, energy_carry = energy_between(raw - used, raw, ratio, energy_carry)
        charged, money_carry = charge_for(used_wh, price_micro, money_carry)
        energy += used_wh
        charge += charged
    assert energy + energy_carry == raw * ratio
    assert charge * 1_000 + money_carry == energy * price_micro
    assert 0 <= raw * ratio * price_micro - charge * 1_000 < 1_000 + price_micro


def test_a_change_of_price_keeps_the_carry() -> None:
    """The carry is money, not energy: at which price 999 nano-units were left over does not matter."""
    begin, end = ms(SHOPS, "2026-11-23 18:00"), ms(SHOPS, "2026-11-23 18:30")
    kept = price(SHOPS, begin - 1_800_000, begin, 0, carries=(Fraction(0), 999))
    assert (kept.charge_micro, kept.money_carry_nano) == (0, 999)
    found = price(SHOPS, begin, end, 1, carries=(kept.energy_carry, kept.money_carry_nano))
    assert (found.charge_micro, found.money_carry_nano) == (1_235, 566)  # 999 + 1,234,567 nano
