"""How values are written: signs, decimals, ages; never rounded in the house's favour."""

import pytest

from cloud_server.web.show import Show, parse_day
from tests.fakes.centre_clock import NOON_MS

SHOW = Show(lambda words: words, "Asia/Shanghai", "CNY", NOON_MS)


@pytest.mark.parametrize(
    ("micro", "text"),
    [
        (0, "¥0.00"),
        (10_000, "¥0.01"),
        (9_999, "¥0.00"),
        (-1, "−¥0.01"),
        (-12_700_000, "−¥12.70"),
        (1_234_567_890_000, "¥1,234,567.89"),
        (None, "–"),
    ],
)
def test_money(micro: int | None, text: str) -> None:
    assert SHOW.money(micro) == text
    assert SHOW.figure(micro) == text.replace("¥", "")


def test_other_units() -> None:
    assert SHOW.price(812_345) == "¥0.8123"
    assert SHOW.plain(1_234_500_000) == "1234.50"
    assert (SHOW.power(1_234), SHOW.power(-50), SHOW.power(None)) == ("1.23", "−0.05", "–")
    assert (SHOW.energy(12_356_579), SHOW.energy(9), SHOW.energy(None)) == ("12,356.57", "0.00", "–")
    assert Show(lambda words: words, "Europe/Berlin", "SEK", NOON_MS).money(1_000_000) == "SEK 1.00"


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(0, "0 s"), (59, "59 s"), (60, "1 min"), (3_599, "59 min"), (3_600, "1 h"), (172_799, "47 h"), (172_800, "2 d")],
)
def test_ages(seconds: int, text: str) -> None:
    assert SHOW.age(NOON_MS - seconds * 1_000) == text


def test_an_age_never_lies_in_the_future_and_nothing_is_never() -> None:
    assert SHOW.age(NOON_MS + 5_000) == "0 s"
    assert SHOW.age(None) == "never"
    assert SHOW.is_old(None)
    assert SHOW.is_old(NOON_MS - 60_001)
    assert not SHOW.is_old(NOON_MS - 60_000)


def test_times_stand_on_the_sites_clock() -> None:
    assert SHOW.clock(NOON_MS) == "12:00:00"
    assert SHOW.clock(NOON_MS - 86_400_000) == "11-21 12:00"
    assert SHOW.clock(NOON_MS - 400 * 86_400_000) == "2025-10-18 12:00"
    assert SHOW.full(NOON_MS) == "2026-11-22 12:00:00"
    assert SHOW.iso(NOON_MS) == "2026-11-22T04:00:00Z"
    assert SHOW.today() == "2026-11-22"
    assert SHOW.day_before("2026-03-01") == "2026-02-28"
    assert SHOW.day_before("2026-12-31", -1) == "2027-01-01"


@pytest.mark.parametrize("text", [None, "", "x", "2026-02-30", "2026-11-22; DROP", "../../etc"])
def test_what_is_no_day_is_none(text: str | None) -> None:
    assert parse_day(text) is None
    assert parse_day("2026-11-22") == "2026-11-22"


def test_exact_money_has_the_same_digits_on_both_sides_of_zero() -> None:
    show = Show(str, "Asia/Shanghai", "CNY", 0)
    assert show.exact(341_699) == "0.3416"
    assert show.exact(-341_699) == "\u22120.3416"
    assert show.exact(1_234_567_890_000) == "1,234,567.8900"
