"""One supply point: what it does now, what it did on a day, and the orders that the person may give."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final
from zoneinfo import ZoneInfo

from starlette.responses import Response

from cloud_server.core.views import DayEnergy, IntervalRow, PointPage, PointRow
from cloud_server.ports import KeyReused, Operation, OperationKind, Refused
from cloud_server.web.charts import Chart, Series
from cloud_server.web.load_curve import load_curve, stretch_of_first_day
from cloud_server.web.measured import measured
from cloud_server.web.pages import errors
from cloud_server.web.pages.page import Console
from cloud_server.web.render import see_other
from cloud_server.web.show import parse_day
from cloud_server.web.visit import Visit
from cloud_server.web.word_tables import N_
from protocol.units import Ms

KINDS_OF: Final[dict[str, tuple[OperationKind, ...]]] = {
    "mode": ("prepaid", "protected", "forced_off"),
    "service": ("in_service", "observe"),
    "lock-out": ("lock_out",),
    "lift-lock-out": ("lift_lock_out",),
}
"""The orders behind each address, and so behind each right."""
TYPED_KINDS: Final = frozenset({"forced_off", "lock_out"})
"""Orders that put a shop in the dark: its number has to be typed."""
ENDING_KINDS: Final = frozenset({"protected", "forced_off"})
UNTIL_FORMAT: Final = "%Y-%m-%dT%H:%M"
"""What a browser's date-and-time field sends."""
UNTIL_MOST_MS: Final = 366 * 86_400_000
"""An end more than a year away is a typing mistake."""
DAYS_SHOWN: Final = 31
"""Energy by day: a month, so that every weekday stands there four times."""
CHART_WIDTH: Final = 960
CHART_HEIGHT: Final = 120


@dataclass(frozen=True, slots=True)
class Event:
    """One line of the day's timeline; `item` is the row as `core.views` has it."""

    at_ms: Ms
    kind: str
    item: Any


@dataclass(frozen=True, slots=True)
class Bar:
    """One interval as a bar of the day's chart, in units of the drawing."""

    x: float
    width: float
    y: float
    height: float
    interval: IntervalRow


def show(console: Console, visit: Visit) -> Response:
    """The whole page."""
    day = parse_day(visit.query.get("day"))
    page = visit.services.books.point(visit.parts["point"], day)
    if page is None:
        return errors.not_found(console, visit)
    visit.services.feed.look()
    return console.renderer.page(
        visit,
        "point.html",
        page=page,
        is_today=page.day == console.renderer.show_for(visit).today(),
        ordered=visit.query.get("ordered", ""),
        days=(days := visit.services.books.energy_by_day(page.row.point, page.day, DAYS_SHOWN)),
        curve=_curve_chart(console, visit, page, is_first_day=not any(row.intervals for row in days[:-1])),
        by_day=_days_chart(console, visit, days),
        **_live_values(console, visit, page),
    )


def _curve_chart(console: Console, visit: Visit, page: PointPage, *, is_first_day: bool) -> Chart:
    """The load over the day on the site's clock."""
    show, translate = console.renderer.show_for(visit), console.renderer.translate_for(visit)
    from_ms, to_ms = day_bounds_ms(page.day, ZoneInfo(visit.services.books.site().zone))
    if is_first_day:
        from_ms, to_ms = stretch_of_first_day(page.intervals, from_ms, to_ms)
    return load_curve(page.intervals, from_ms, to_ms, show.minute, translate)


def _days_chart(console: Console, visit: Visit, days: tuple[DayEnergy, ...]) -> Chart:
    """Energy by day as bars."""
    translate = console.renderer.translate_for(visit)
    energy = Series(
        name=translate(N_("Energy")), unit="kWh", shape="bar", values=tuple(row.energy_wh / 1000 for row in days)
    )
    return Chart(labels=tuple(row.day[5:] for row in days), series=(energy,))


def draw_live_part(console: Console, visit: Visit, page: PointPage) -> str:
    """The part that the stream replaces."""
    return console.renderer.text(visit, "point_live.html", page=page, **_live_values(console, visit, page))


def _live_values(console: Console, visit: Visit, page: PointPage) -> dict[str, Any]:
    zone = ZoneInfo(visit.services.books.site().zone)
    return {
        "events": timeline(page),
        "bars": bars_of(page.intervals, *day_bounds_ms(page.day, zone)),
        "chart_width": CHART_WIDTH,
        "chart_height": CHART_HEIGHT,
        "day_wh": sum(row.energy_wh for row in page.intervals),
        "day_micro": sum(row.charge_micro for row in page.intervals),
        "measured": measured(
            page.meter.values if page.meter is not None else (),
            console.renderer.show_for(visit),
            console.renderer.translate_for(visit),
        ),
        "shown_state": "lost" if page.row.lost_with else page.row.state,
    }


def timeline(page: PointPage) -> tuple[Event, ...]:
    """Sales, switchings, alarms, replaced meters and orders of the day in one line, newest first."""
    events = [
        *(Event(row.paid_at_ms, "sale", row) for row in page.sales),
        *(Event(row.at_ms, "switching", row) for row in page.switchings),
        *(Event(row.at_ms, "alarm", row) for row in page.alarms),
        *(Event(row.at_ms, "test", row) for row in page.tests),
        *(Event(row.at_ms, "swap", row) for row in page.swaps),
        *(Event(row.issued_at_ms, "command", row) for row in page.commands),
    ]
    return tuple(sorted(events, key=lambda event: event.at_ms, reverse=True))


def day_bounds_ms(day: str, zone: ZoneInfo) -> tuple[Ms, Ms]:
    """From midnight to midnight on the site's clock; not always 24 hours."""
    start = datetime.strptime(day, "%Y-%m-%d").replace(tzinfo=zone)
    end = datetime.fromordinal(start.date().toordinal() + 1).replace(tzinfo=zone)
    return int(start.timestamp() * 1000), int(end.timestamp() * 1000)


def bars_of(intervals: tuple[IntervalRow, ...], from_ms: Ms, to_ms: Ms) -> tuple[Bar, ...]:
    """Mean power of each interval over the day: the height is energy by time, so that a short interval does not look
    like a quiet one."""
    inside = [row for row in intervals if row.to_ms > from_ms and row.from_ms < to_ms and row.to_ms > row.from_ms]
    most = max((row.energy_wh / (row.to_ms - row.from_ms) for row in inside), default=0)
    bars = []
    for row in inside:
        x = CHART_WIDTH * (max(row.from_ms, from_ms) - from_ms) / (to_ms - from_ms)
        width = CHART_WIDTH * (min(row.to_ms, to_ms) - max(row.from_ms, from_ms)) / (to_ms - from_ms)
        mean = row.energy_wh / (row.to_ms - row.from_ms)
        height = CHART_HEIGHT * mean / most if most else 0.0
        bars.append(
            Bar(round(x, 1), max(1.0, round(width - 1, 1)), round(CHART_HEIGHT - height, 1), round(height, 1), row)
        )
    return tuple(bars)


# ------------------------------------------------------------------------------------------------------------- orders


def ask_order(console: Console, visit: Visit) -> Response:
    """Say what the order will do, before it does it."""
    found = _order_asked(visit)
    if found is None:
        return errors.not_found(console, visit)
    return _order_form(console, visit, 200, *found, mistake="")


def give_order(console: Console, visit: Visit) -> Response:
    """Give the order: signed and queued for the box. The page of the point shows how far it has come."""
    found = _order_asked(visit)
    if found is None:
        return errors.not_found(console, visit)
    page, kind = found
    zone = ZoneInfo(visit.services.books.site().zone)
    until_ms, mistake = read_until(visit.form.get("until", ""), kind, visit.now_ms, zone)
    if not mistake and kind in TYPED_KINDS and visit.form.get("number", "").strip() != page.row.number:
        mistake = "number_differs"
    if mistake:
        return _order_form(console, visit, 422, page, kind, mistake=mistake)
    assert page.meter is not None
    operation = Operation(key=visit.form.get("key", "")[:100], kind=kind, meters=(page.meter.meter,), until_ms=until_ms)
    try:
        visit.services.operations.order(operation, visit.actor)
    except Refused as refused:
        return _order_form(console, visit, 422, page, kind, mistake=refusal_text(console, visit, refused, (page.row,)))
    except KeyReused:
        return _order_form(console, visit, 409, page, kind, mistake="key_reused")
    return see_other(f"/points/{page.row.point}?ordered={kind}")


def refusal_text(console: Console, visit: Visit, refused: Refused, rows: Sequence[PointRow]) -> str:
    """What was refused, each shop by its name, in the reader's language."""
    words, found = console.renderer.words_for(visit), []
    for error in refused.errors:
        row = next((row for row in rows if row.meter == error.value), None)
        said = words.field(error.code)
        found.append(f"{row.number} {row.name}: {said}" if row is not None else said)
    return " ".join(dict.fromkeys(found))


def _order_asked(visit: Visit) -> tuple[PointPage, OperationKind] | None:
    group = visit.path.split("/")[3]
    asked = visit.parts.get("kind", KINDS_OF[group][0])
    kind = next((kind for kind in KINDS_OF[group] if kind == asked), None)
    page = visit.services.books.point(visit.parts["point"])
    if page is None or page.meter is None or kind is None:
        return None
    return page, kind


def _order_form(
    console: Console, visit: Visit, status: int, page: PointPage, kind: OperationKind, *, mistake: str
) -> Response:
    return console.renderer.page(
        visit,
        "order.html",
        status,
        page=page,
        kind=kind,
        mistake=mistake,
        number=visit.form.get("number", ""),
        until=visit.form.get("until", ""),
        key=f"desk-{visit.services.chance.draw(16).hex()}" if mistake != "" or not visit.form else visit.form["key"],
        types_number=kind in TYPED_KINDS,
        has_end=kind in ENDING_KINDS,
    )


def read_until(typed: str, kind: OperationKind, now_ms: Ms, zone: ZoneInfo) -> tuple[Ms | None, str]:
    """The end of a mode as typed on the site's clock, and what is wrong with it ("" where nothing is)."""
    if not typed or kind not in ENDING_KINDS:
        return None, ""
    try:
        until_ms = int(datetime.strptime(typed, UNTIL_FORMAT).replace(tzinfo=zone).timestamp() * 1000)
    except ValueError:
        return None, "bad_until"
    if not now_ms < until_ms <= now_ms + UNTIL_MOST_MS:
        return None, "bad_until"
    return until_ms, ""
