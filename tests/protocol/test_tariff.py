"""Which rate and price hold when: calendars, versions, zones with leaping clocks; stretches without gap or overlap.

What must hold for any tariff is checked against `tests.vectors.independent`, which walks over minutes.
"""

from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from protocol.tariff import Stretch, TariffBook, read_tariff
from tests.vectors import independent
from tests.vectors.cast import TARIFF_TEXT
from tests.vectors.charging_cases import BERLIN_TEXT, DEARER_TEXT, FLAT_TEXT, SEASONS_TEXT

HOUR_MS = 3_600_000
T = "tariff"


def book(zone: str, *texts: str) -> TariffBook:
    return TariffBook(zone, {(T, n): read_tariff(text) for n, text in enumerate(texts, start=1)})


def ms(zone: str, text: str, fold: int = 0) -> int:
    """A local time as an instant."""
    return int(datetime.fromisoformat(text).replace(tzinfo=ZoneInfo(zone), fold=fold).timestamp()) * 1_000


def table(tariffs: TariffBook, begin: str, end: str) -> list[tuple[str, str, str]]:
    """Stretches as people read them: UTC from, UTC to, rate."""
    found = tariffs.stretches(T, ms(tariffs.zone, begin), ms(tariffs.zone, end))
    return [(shown(stretch.from_ms), shown(stretch.to_ms), stretch.rate) for stretch in found]


def shown(at_ms: int) -> str:
    return f"{datetime.fromtimestamp(at_ms // 1000, UTC):%d %H:%M}"


SHANGHAI = book("Asia/Shanghai", TARIFF_TEXT)
BERLIN = book("Europe/Berlin", BERLIN_TEXT)


@pytest.mark.parametrize(
    ("local", "rate"),
    [
        ("2026-11-23 00:00", "valley"),
        ("2026-11-23 07:59:59", "valley"),
        ("2026-11-23 08:00", "flat"),
        ("2026-11-23 17:59:59", "flat"),
        ("2026-11-23 18:00", "peak"),
        ("2026-11-23 22:00", "flat"),
        ("2026-11-23 23:59:59", "flat"),
        ("2026-11-28 09:00", "valley"),  # Saturday
        ("2026-11-28 10:00", "flat"),
        ("2026-11-28 19:00", "flat"),
        ("2026-11-29 19:00", "peak"),  # Sunday is a workday here
        ("2026-10-01 09:00", "valley"),  # Thursday, but named
        ("2025-06-02 09:00", "flat"),  # before the first version
    ],
)
def test_the_rate_at_an_instant(local: str, rate: str) -> None:
    found = SHANGHAI.at(T, ms("Asia/Shanghai", local))
    assert (found.rate, found.version, found.step) == (rate, 1, 0)
    assert found.price_micro == {"valley": 398_765, "flat": 812_345, "peak": 1_234_567}[rate]
    assert found.from_ms <= ms("Asia/Shanghai", local) < found.to_ms


def test_a_millisecond_before_the_switch_is_before_it() -> None:
    at = ms("Asia/Shanghai", "2026-11-23 18:00")
    assert SHANGHAI.at(T, at - 1).rate == "flat"
    assert SHANGHAI.at(T, at).rate == "peak"


def test_a_day_has_its_stretches_and_ends_at_midnight() -> None:
    assert table(SHANGHAI, "2026-11-23 12:00", "2026-11-24 09:00") == [
        ("23 04:00", "23 10:00", "flat"),
        ("23 10:00", "23 14:00", "peak"),
        ("23 14:00", "23 16:00", "flat"),
        ("23 16:00", "24 00:00", "valley"),
        ("24 00:00", "24 01:00", "flat"),
    ]


def test_in_spring_a_day_of_23_hours() -> None:
    """02:30 does not come: its rate begins when the clock leaps from 02:00 to 03:00."""
    assert table(BERLIN, "2026-03-29 00:00", "2026-03-30 00:00") == [
        ("28 23:00", "29 01:00", "night"),
        ("29 01:00", "29 04:00", "odd"),
        ("29 04:00", "29 21:30", "day"),
        ("29 21:30", "29 22:00", "night"),
    ]
    assert BERLIN.midnight_ms(date(2026, 3, 30)) - BERLIN.midnight_ms(date(2026, 3, 29)) == 23 * HOUR_MS


def test_in_autumn_a_day_of_25_hours() -> None:
    """02:30 comes twice: its rate begins at the first and is not taken back when the clock is."""
    assert table(BERLIN, "2026-10-25 00:00", "2026-10-26 00:00") == [
        ("24 22:00", "25 00:30", "night"),
        ("25 00:30", "25 05:00", "odd"),
        ("25 05:00", "25 22:30", "day"),
        ("25 22:30", "25 23:00", "night"),
    ]
    assert BERLIN.midnight_ms(date(2026, 10, 26)) - BERLIN.midnight_ms(date(2026, 10, 25)) == 25 * HOUR_MS


def test_of_two_switches_in_the_hour_that_is_leapt_over_the_later_holds() -> None:
    text = BERLIN_TEXT.replace('"02:30 odd", "06:00 day"', '"02:10 odd", "02:50 day"')
    tariffs = book("Europe/Berlin", text)
    assert table(tariffs, "2026-03-29 00:00", "2026-03-29 12:00") == [
        ("28 23:00", "29 01:00", "night"),
        ("29 01:00", "29 10:00", "day"),
    ]
    text = BERLIN_TEXT.replace('"02:30 odd", "06:00 day"', '"02:30 odd", "03:00 day"')
    assert table(book("Europe/Berlin", text), "2026-03-29 00:00", "2026-03-29 12:00") == [
        ("28 23:00", "29 01:00", "night"),
        ("29 01:00", "29 10:00", "day"),
    ]


@pytest.mark.parametrize(
    ("zone", "day", "hours"),
    [
        ("Africa/Cairo", date(2026, 4, 24), 23),  # 00:00 does not come
        ("Africa/Cairo", date(2026, 10, 29), 25),
        ("America/Havana", date(2024, 11, 3), 25),  # 00:30 comes twice
        ("America/Santiago", date(2026, 9, 6), 23),
        ("Australia/Lord_Howe", date(2026, 10, 4), 23.5),
        ("Australia/Lord_Howe", date(2026, 4, 5), 24.5),
        ("Asia/Shanghai", date(2026, 4, 5), 24),
    ],
)
def test_a_day_begins_once_wherever_clocks_leap(zone: str, day: date, hours: float) -> None:
    tariffs = book(zone, BERLIN_TEXT)
    begin, end = tariffs.midnight_ms(day), tariffs.midnight_ms(day + timedelta(days=1))
    assert end - begin == hours * HOUR_MS
    assert tariffs.local_day(begin) == tariffs.local_day(end - 1) == day
    assert tariffs.local_day(begin - 1) == day - timedelta(days=1)
    assert tariffs.at(T, begin).from_ms == begin
    assert tariffs.at(T, begin).rate == "night"


def test_old_energy_at_the_old_price_and_the_new_one_at_its_minute() -> None:
    tariffs = book("Asia/Shanghai", FLAT_TEXT, DEARER_TEXT)
    start = ms("Asia/Shanghai", "2026-12-01 10:15")
    assert [(s.version, s.price_micro, s.to_ms) for s in tariffs.stretches(T, start - 60_000, start + 60_000)] == [
        (1, 1_000_000, start),
        (2, 1_100_000, start + 60_000),
    ]
    assert tariffs.version_at(T, start - 1) == 1
    assert tariffs.version_at(T, start) == 2
    assert tariffs.next_change_ms(T, start - 60_000) == start
    assert tariffs.at(T, start).from_ms == start


def test_the_version_that_started_last_holds_whatever_its_number() -> None:
    tariffs = book("Asia/Shanghai", DEARER_TEXT, FLAT_TEXT)
    start = ms("Asia/Shanghai", "2026-12-01 10:15")
    assert [tariffs.version_at(T, at) for at in (0, start - 1, start)] == [2, 2, 1]


def test_of_two_versions_that_start_together_the_higher_holds() -> None:
    tariffs = book("Asia/Shanghai", FLAT_TEXT, FLAT_TEXT.replace("1000000", "5"))
    assert tariffs.at(T, ms("Asia/Shanghai", "2026-06-01 00:00")).price_micro == 5


def test_the_turn_of_the_year_runs_through_a_season() -> None:
    assert table(book("Asia/Shanghai", SEASONS_TEXT), "2026-12-31 12:00", "2027-01-02 12:00") == [
        ("31 04:00", "31 16:00", "winter"),
        ("31 16:00", "01 16:00", "free"),
        ("01 16:00", "02 04:00", "winter"),
    ]


def test_the_fallback_is_that_of_the_version_in_force() -> None:
    tariffs = book("Asia/Shanghai", FLAT_TEXT, DEARER_TEXT)
    at = ms("Asia/Shanghai", "2026-12-02 00:00")
    assert tariffs.fallback(T, at) == Stretch(at, at, "flat", 0, 2, 1_100_000)
    assert tariffs.fallback(T, 0).version == 1
    assert SHANGHAI.fallback(T, at).rate == "flat"


def test_the_next_change_is_a_switch_or_midnight() -> None:
    for local, change in [
        ("2026-11-23 17:59", "2026-11-23 18:00"),
        ("2026-11-23 18:00", "2026-11-23 22:00"),
        ("2026-11-23 22:00", "2026-11-24 00:00"),
        ("2026-12-31 23:00", "2027-01-01 00:00"),
    ]:
        assert SHANGHAI.next_change_ms(T, ms("Asia/Shanghai", local)) == ms("Asia/Shanghai", change)


def test_nothing_lies_between_an_instant_and_itself() -> None:
    assert SHANGHAI.stretches(T, 1_000, 1_000) == []
    assert SHANGHAI.stretches(T, 2_000, 1_000) == []


def test_a_span_out_of_all_reason_costs_no_more_than_asked() -> None:
    begin = ms("Asia/Shanghai", "2026-01-01 00:00")
    few = SHANGHAI.stretches(T, begin, 32_000_000_000_000, 7)
    assert len(few) == 7
    assert few == SHANGHAI.stretches(T, begin, few[-1].to_ms)


def test_years_can_be_asked_for_without_keeping_them_all() -> None:
    tariffs = book("Asia/Shanghai", SEASONS_TEXT)
    begin, end = ms("Asia/Shanghai", "2026-01-01 00:00"), ms("Asia/Shanghai", "2029-01-01 00:00")
    first = tariffs.stretches(T, begin, end)
    assert first == tariffs.stretches(T, begin, end)
    assert first[0].from_ms == begin
    assert first[-1].to_ms == end


RATES = ("a", "b", "c")


STARTS = ("2020-01-01T00:00:00", "2026-03-29T02:30:00", "2026-10-25T11:17:00")
DAYS = ("d1", "d2", "d3")


@st.composite
def tariff_texts(draw: st.DrawFn) -> str:
    """Any tariff with three named days, weekdays, a season and a date around the days that are looked at."""
    rate, day = st.sampled_from(RATES), st.sampled_from(DAYS)
    lines = ['name = "any"', 'fallback_rate = "a"', f"starts_at = {draw(st.sampled_from(STARTS))}"]
    lines += [f"rates.{name}.price_micro = {price}" for price, name in enumerate(RATES)]
    for name in DAYS:
        minutes = sorted(draw(st.sets(st.integers(1, 1_439) | st.sampled_from([60, 120, 150, 180]), max_size=6)))
        switches = [f"{m // 60:02d}:{m % 60:02d} {draw(rate)}" for m in [0, *minutes]]
        lines.append(f"days.{name}.switches = {switches}")
    lines.append(f'calendar.default = "{draw(day)}"')
    lines += [f'calendar.weekdays.{name} = "{draw(day)}"' for name in draw(st.sampled_from([(), ("sat",), ("sun",)]))]
    first, last = draw(st.sampled_from(["03-29", "10-25", "12-31"])), draw(st.sampled_from(["03-29", "01-01", "11-01"]))
    lines.append(f'calendar.seasons = [{{ from = "{first}", to = "{last}", default = "{draw(day)}" }}]')
    lines.append(f'calendar.dates = {{ "2026-10-25" = "{draw(day)}" }}')
    return "\n".join(lines)


ZONES = ("Europe/Berlin", "Africa/Cairo", "America/Havana", "Australia/Lord_Howe", "Asia/Shanghai", "America/Santiago")
AROUND = (
    "2026-03-29",
    "2026-10-25",
    "2026-04-24",
    "2026-10-29",
    "2024-11-03",
    "2026-10-04",
    "2026-12-31",
    "2026-09-06",
)


@settings(max_examples=60)
@given(
    st.lists(tariff_texts(), min_size=1, max_size=2),
    st.sampled_from(ZONES),
    st.sampled_from(AROUND),
    st.integers(-26 * HOUR_MS, 26 * HOUR_MS),
    st.integers(1, 14 * HOUR_MS),
)
def test_stretches_cover_a_span_and_agree_with_a_walk_over_its_minutes(
    texts: list[str], zone: str, day: str, offset: int, length: int
) -> None:
    begin = ms(zone, f"{day} 00:00") + offset
    end = begin + length
    tariffs = book(zone, *texts)
    found = tariffs.stretches(T, begin, end)
    assert [found[0].from_ms, *(s.to_ms for s in found)] == [*(s.from_ms for s in found), end], "no gap, no overlap"
    assert found[0].from_ms == begin
    for stretch in found:
        assert stretch.from_ms < stretch.to_ms
        assert tariffs.local_day(stretch.from_ms) == tariffs.local_day(stretch.to_ms - 1), "never over midnight"
        for at in (stretch.from_ms, (stretch.from_ms + stretch.to_ms) // 2, stretch.to_ms - 1):
            there = tariffs.at(T, at)
            assert (there.rate, there.version) == (stretch.rate, stretch.version)
    walked = independent.walk(independent.book(zone, texts), begin, end)
    assert merged([(s.from_ms, s.to_ms, s.rate, s.version, tariffs.local_day(s.from_ms)) for s in found]) == merged(
        [(w["from_ms"], w["to_ms"], w["rate"], w["version"] + 1, w["key"][2]) for w in walked]
    )


def merged(stretches: list[tuple[int, int, str, int, date]]) -> list[tuple[int, int, str, int, date]]:
    """Neighbours of one rate, version and day as one: a switch may lead from a rate to itself."""
    found: list[tuple[int, int, str, int, date]] = []
    for stretch in stretches:
        if found and found[-1][2:] == stretch[2:]:
            found[-1] = (found[-1][0], *stretch[1:])
        else:
            found.append(stretch)
    return found
