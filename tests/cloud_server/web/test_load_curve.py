"""The drawing of a day's load: intervals as long as they were, gaps as gaps, the day as long as the site had it."""

from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import pytest

from cloud_server.core.views import IntervalRow
from cloud_server.web.charts import Chart
from cloud_server.web.load_curve import load_curve, stretch_of_first_day
from cloud_server.web.pages.point import day_bounds_ms

SHANGHAI = ZoneInfo("Asia/Shanghai")
HOUR_MS = 3_600_000


Row = tuple[float, float, int, int | None]
"""Hours of the day from and to, Wh, greatest W."""


def intervals_of(from_ms: int, *rows: Row) -> list[IntervalRow]:
    return [
        IntervalRow(
            from_ms=from_ms + round(begin * HOUR_MS), to_ms=from_ms + round(end * HOUR_MS), from_wh=0, to_wh=wh,
            energy_wh=wh, charge_micro=0, rates=(), max_power_w=most,
        )
        for begin, end, wh, most in rows
    ]  # fmt: skip


def drawn(zone: ZoneInfo, day: str, *rows: Row, is_first_day: bool = False) -> Chart:
    from_ms, to_ms = day_bounds_ms(day, zone)
    intervals = intervals_of(from_ms, *rows)
    if is_first_day:
        from_ms, to_ms = stretch_of_first_day(intervals, from_ms, to_ms)

    def minute(at_ms: int) -> str:
        return datetime.fromtimestamp(at_ms / 1000, UTC).astimezone(zone).strftime("%H:%M")

    return load_curve(intervals, from_ms, to_ms, minute, lambda word: word)


def points(chart: Chart, series: int = 0) -> list[tuple[float, float | None]]:
    assert chart.time is not None
    return list(zip(chart.time.at, chart.series[series].values, strict=True))


def test_each_interval_is_as_long_as_it_was() -> None:
    chart = drawn(SHANGHAI, "2026-11-23", (0, 0.5, 1_000, None), (0.5, 6.5, 3_000, None))
    assert points(chart) == [(0, 2.0), (30, 0.5), (390, 0.5)]
    assert chart.labels == ("00:00", "00:30", "06:30")
    assert [series.name for series in chart.series] == ["Mean power"]


def test_where_nothing_is_known_nothing_is_drawn() -> None:
    chart = drawn(SHANGHAI, "2026-11-23", (5, 6, 500, 900), (8, 9, 700, None))
    assert points(chart) == [(300, 0.5), (360, 0.5), (360, None), (480, 0.7), (540, 0.7)]
    assert points(chart, 1) == [(300, 0.9), (360, 0.9), (360, None), (480, None), (540, None)]


def test_what_began_the_day_before_is_cut_at_midnight_and_keeps_its_mean() -> None:
    chart = drawn(SHANGHAI, "2026-11-23", (22, 26, 4_000, None), (-4, 2, 6_000, None), (3, 3, 0, None))
    assert points(chart) == [(0, 1.0), (120, 1.0), (120, None), (1320, 1.0), (1440, 1.0)]


@pytest.mark.parametrize(
    ("hours", "wanted"),
    [
        ((), (0, 24)),
        (((10.1, 10.2),), (10, 10.5)),
        (((10.1, 10.2), (10.2, 10.9)), (10, 11)),
        (((10.1, 10.2), (10.2, 11.1)), (10, 13)),
        (((10.1, 10.5), (10.5, 13)), (10, 13)),
        (((10.1, 10.5), (10.5, 13.2)), (10, 16)),
        (((-1, 0.5),), (0, 0.5)),
        (((0.2, 11.9),), (0, 12)),
        (((0.2, 12.5),), (0, 24)),
        (((22.7, 23.9),), (21, 24)),
        (((13.9, 24),), (12, 24)),
    ],
)
def test_the_first_hours_of_a_meter_fill_the_drawing(
    hours: tuple[tuple[float, float], ...], wanted: tuple[float, float]
) -> None:
    from_ms, to_ms = day_bounds_ms("2026-11-23", SHANGHAI)
    rows = intervals_of(from_ms, *((begin, end, 500, None) for begin, end in hours))
    begin_ms, end_ms = stretch_of_first_day(rows, from_ms, to_ms)
    assert ((begin_ms - from_ms) / HOUR_MS, (end_ms - from_ms) / HOUR_MS) == wanted


def test_a_short_axis_has_its_own_ticks() -> None:
    chart = drawn(SHANGHAI, "2026-11-23", (10.1, 10.2, 500, None), is_first_day=True)
    assert chart.time is not None
    assert chart.time.ticks == ("10:00", "10:05", "10:10", "10:15", "10:20", "10:25", "10:30")
    assert points(chart) == [(6, 5.0), (12, 5.0)]


@pytest.mark.parametrize(
    ("zone", "day", "minutes", "ticks"),
    [
        ("Asia/Shanghai", "2026-11-23", 1_440, "00:00 03:00 06:00 09:00 12:00 15:00 18:00 21:00 00:00"),
        ("Europe/Berlin", "2026-03-29", 1_380, "00:00 04:00 07:00 10:00 13:00 16:00 19:00 22:00"),
        ("Europe/Berlin", "2026-10-25", 1_500, "00:00 02:00 05:00 08:00 11:00 14:00 17:00 20:00 23:00"),
    ],
)
def test_the_axis_is_the_day_of_the_site(zone: str, day: str, minutes: int, ticks: str) -> None:
    chart = drawn(ZoneInfo(zone), day, (0, 1, 100, None))
    assert chart.time is not None
    assert (chart.time.length_minutes, " ".join(chart.time.ticks)) == (minutes, ticks)
