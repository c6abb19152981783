"""The load over a day as a drawing: each interval as long as it was, and nothing where nothing is known. Pure."""

from collections.abc import Callable, Sequence
from typing import Final

from cloud_server.core.views import IntervalRow
from cloud_server.web.charts import Chart, Series, TimeAxis
from cloud_server.web.word_tables import N_
from protocol.units import Ms

MINUTE_MS: Final = 60_000
TICK_MINUTES: Final = 180
"""Eight hours of the day on the axis: they stand beside each other on a tablet too."""
SHORT_AXES: Final = {30: 5, 60: 10, 180: 30, 360: 60, 720: 120}
"""Minutes of an axis that is shorter than a day, and minutes from tick to tick."""
HALF_HOUR_MS: Final = 30 * MINUTE_MS


def stretch_of_first_day(intervals: Sequence[IntervalRow], from_ms: Ms, to_ms: Ms) -> tuple[Ms, Ms]:
    """The part of its first day that a meter's load is drawn over: on the axis of a whole day its first hours would be
    a speck, and there is nothing before them that could be missed."""
    if not intervals:
        return from_ms, to_ms
    begin_ms = min(max(row.from_ms, from_ms) for row in intervals)
    begin_ms -= (begin_ms - from_ms) % HALF_HOUR_MS
    known_ms = max(row.to_ms for row in intervals) - begin_ms
    length_ms = next((axis * MINUTE_MS for axis in SHORT_AXES if known_ms <= axis * MINUTE_MS), to_ms - from_ms)
    begin_ms = max(from_ms, min(begin_ms, to_ms - length_ms))
    return begin_ms, begin_ms + length_ms


def load_curve(
    intervals: Sequence[IntervalRow],
    from_ms: Ms,
    to_ms: Ms,
    minute_text: Callable[[Ms], str],
    translate: Callable[[str], str],
) -> Chart:
    """Mean power in kW of each interval between `from_ms` and `to_ms`, and the greatest where the box has told it.

    A value holds from its point to the next; time that no interval covers is left out of the line.
    """
    points: list[tuple[Ms, float | None, float | None]] = []
    rows = sorted((row for row in intervals if max(row.from_ms, from_ms) < min(row.to_ms, to_ms)), key=_begin)
    for row in rows:
        begin = max(row.from_ms, from_ms)
        if points and points[-1][0] < begin:
            points.append((points[-1][0], None, None))
        elif points:
            points.pop()
        mean = round(row.energy_wh * 3_600_000 / (row.to_ms - row.from_ms)) / 1000
        most = None if row.max_power_w is None else row.max_power_w / 1000
        points += [(begin, mean, most), (min(row.to_ms, to_ms), mean, most)]
    series = [Series(name=translate(N_("Mean power")), unit="kW", shape="step", values=tuple(p[1] for p in points))]
    if any(most is not None for _, _, most in points):
        greatest = tuple(p[2] for p in points)
        series.append(Series(name=translate(N_("Greatest power")), unit="kW", shape="dashed", values=greatest))
    length = (to_ms - from_ms) // MINUTE_MS
    tick = SHORT_AXES.get(length, TICK_MINUTES)
    axis = TimeAxis(
        at=tuple(round((at_ms - from_ms) / MINUTE_MS, 1) for at_ms, _, _ in points),
        length_minutes=length,
        tick_minutes=tick,
        ticks=tuple(minute_text(from_ms + minute * MINUTE_MS) for minute in range(0, length + 1, tick)),
    )
    return Chart(labels=tuple(minute_text(at_ms) for at_ms, _, _ in points), series=tuple(series), time=axis)


def _begin(row: IntervalRow) -> Ms:
    return row.from_ms
