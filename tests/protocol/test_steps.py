"""Steps of price by the energy of the calendar month: tables, and any cutting gives the same sum."""

import itertools
from datetime import datetime
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from protocol.charging import IntervalInput, price_interval
from protocol.errors import BadTariff
from protocol.tariff import TariffBook, read_tariff
from protocol.zone import site_zone

TARIFF = "1" * 32
ZONE = "Asia/Shanghai"
TEXT = """
name = "steps"
starts_at = 2025-01-01T00:00:00
fallback_rate = "flat"
steps = [{ from_kwh = 0, add_micro = 0 }, { from_kwh = 200, add_micro = 50000 }, { from_kwh = 400, add_micro = 300000 }]
[rates.flat]
price_micro = 600000
[days.all]
switches = ["00:00 flat"]
[calendar]
default = "all"
"""
BOOK = TariffBook(ZONE, {(TARIFF, 1): read_tariff(TEXT)})


def at(text: str) -> int:
    return int(datetime.fromisoformat(text).replace(tzinfo=site_zone(ZONE)).timestamp()) * 1000


def used(from_wh: int, to_wh: int, begins: str, ends: str, month_wh: int, carry: int = 0) -> IntervalInput:
    return IntervalInput(
        tariff=TARIFF, from_raw_wh=from_wh, from_ms=at(begins), to_raw_wh=to_wh, to_ms=at(ends), ratio=Fraction(1),
        energy_carry=Fraction(0), money_carry_nano=carry, month_wh=month_wh,
    )  # fmt: skip


@pytest.mark.parametrize(
    ("month_kwh", "used_kwh", "parts"),
    [
        # energy of the month before, energy used, (step, kWh, yuan) of each part
        (0, 200, [(0, 200, 120)]),
        (0, 201, [(0, 200, 120), (1, 1, 0.65)]),
        (150, 300, [(0, 50, 30), (1, 200, 130), (2, 50, 45)]),
        (200, 10, [(1, 10, 6.5)]),
        (1_000, 10, [(2, 10, 9)]),
        (150, 0, [(0, 0, 0)]),
    ],
)
def test_a_stretch_is_cut_where_a_step_begins(
    month_kwh: int, used_kwh: int, parts: list[tuple[int, int, float]]
) -> None:
    priced = price_interval(
        BOOK, used(0, used_kwh * 1000, "2026-05-10T10:00:00", "2026-05-10T11:00:00", month_kwh * 1000)
    )
    told = [(part.step, part.energy_wh // 1000, part.charge_micro / 1_000_000) for part in priced.parts]
    assert told == parts
    assert priced.parts[0].from_ms == at("2026-05-10T10:00:00")
    assert priced.parts[-1].to_ms == at("2026-05-10T11:00:00")
    assert all(a.to_ms == b.from_ms for a, b in zip(priced.parts, priced.parts[1:], strict=False))
    assert priced.month_wh == (month_kwh + used_kwh) * 1000
    assert "estimated_split" not in priced.flags


def test_the_month_starts_anew_at_the_sites_first() -> None:
    over = price_interval(BOOK, used(0, 20_000, "2026-05-31T23:00:00", "2026-06-01T01:00:00", 500_000))
    assert [(part.step, part.energy_wh) for part in over.parts] == [(2, 10_000), (0, 10_000)]
    assert over.month_wh == 10_000
    ends = price_interval(BOOK, used(0, 20_000, "2026-05-31T23:00:00", "2026-06-01T00:00:00", 500_000))
    assert ends.month_wh == 0, "what begins at midnight of the first begins a month"


@given(
    registers=st.lists(st.integers(0, 900_000), min_size=1, max_size=12).map(lambda cuts: sorted({0, 900_000, *cuts})),
    month_wh=st.integers(0, 500_000),
)
def test_any_cutting_gives_the_same_money(registers: list[int], month_wh: int) -> None:
    begins, ends = "2026-05-10T10:00:00", "2026-05-10T11:00:00"
    whole = price_interval(BOOK, used(0, 900_000, begins, ends, month_wh))
    total, carry, month = 0, 0, month_wh
    for a, b in itertools.pairwise(registers):
        piece = price_interval(BOOK, used(a, b, begins, ends, month, carry))
        total, carry, month = total + piece.charge_micro, piece.money_carry_nano, piece.month_wh
    assert (total, carry, month) == (whole.charge_micro, whole.money_carry_nano, whole.month_wh)


def test_bad_steps_are_all_named() -> None:
    bad = TEXT.replace(
        TEXT.splitlines()[4],
        "steps = [{ from_kwh = 5, add_micro = -1 }, { from_kwh = 3, add_micro = 0, extra = 1 }]",
    )
    with pytest.raises(BadTariff) as caught:
        read_tariff(bad)
    assert [mistake.split(" = ")[0] for mistake in caught.value.mistakes] == [
        "steps[0].from_kwh",
        "steps[0].add_micro",
        "steps[1].extra",
    ]
