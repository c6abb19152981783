"""Tills over days: every shift that was counted and closed, with what was expected, counted, and differs; printed, and
as Excel of exactly what is shown. Whoever does not close days sees their own."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from typing import Final

from starlette.responses import Response

from cloud_server.core.tills import TillShift
from cloud_server.core.views import METHODS
from cloud_server.exports.workbook import Cell, CellKind, Sheet, make_workbook
from cloud_server.web.pages.page import Console
from cloud_server.web.pages.reports import WORKBOOK_TYPE
from cloud_server.web.show import Show, parse_day
from cloud_server.web.visit import Visit
from cloud_server.web.word_tables import METHOD
from protocol.units import UNIT_MICRO, Micro, Ms

DAYS_MOST: Final = 100
"""A quarter and a week: longer times are looked at by month, in the report of sales."""
DAYS_FIRST: Final = 6
"""Days before today that are shown at first."""


@dataclass(frozen=True, slots=True)
class Chosen:
    """What is shown: days, both included, an operator (empty: all), the shifts; `mistake` where the days do not fit."""

    first: str
    last: str
    operator: str
    operators: tuple[str, ...]
    shifts: tuple[TillShift, ...]
    mistake: str = ""


def show(console: Console, visit: Visit) -> Response:
    """The list, and its sums by operator and method."""
    chosen = _chosen(console.renderer.show_for(visit), visit)
    methods = [method for method in METHODS if any(method in (shift.counted or {}) for shift in chosen.shifts)]
    return console.renderer.page(
        visit,
        "till_days.html",
        422 if chosen.mistake else 200,
        chosen=chosen,
        methods=methods,
        by_operator=_by_operator(chosen.shifts),
        counted=_counted(chosen.shifts),
        sees_all=visit.may("close_day"),
    )


def export(console: Console, visit: Visit) -> Response:
    """The same as a workbook."""
    show_as = console.renderer.show_for(visit)
    chosen = _chosen(show_as, visit)
    _ = console.renderer.translate_for(visit)
    methods = [method for method in METHODS if any(method in (shift.counted or {}) for shift in chosen.shifts)]
    heads = [_("Day"), _("Operator"), _("Opened"), _("Closed"), *(_(METHOD[method]) for method in methods)]
    heads += [_("Expected"), _("Counted"), _("Differs"), _("Counted by"), _("Confirmed by"), _("Note")]
    money: list[CellKind] = ["money"] * (len(methods) + 3)
    kinds: list[CellKind] = ["text", "text", "moment", "moment", *money, "text", "text", "text"]
    total = _counted(chosen.shifts)
    sums: list[Cell] = [_("Total"), None, None, None, *(_amount(total.get(method, 0)) for method in methods)]
    sums += [_amount(sum(map(_expected, chosen.shifts))), _amount(sum(total.values()))]
    sums += [_amount(sum(shift.difference_micro for shift in chosen.shifts)), None, None, None]
    sheet = Sheet(
        name=_("Tills"),
        notes=(f"{visit.services.books.site().name} · {chosen.first} – {chosen.last}", show_as.full(visit.now_ms)),
        heads=heads,
        kinds=kinds,
        rows=[_row(shift, methods, show_as) for shift in chosen.shifts],
        total=sums,
    )
    name = f"tills-{chosen.first}-{chosen.last}.xlsx"
    headers = {"Content-Disposition": f'attachment; filename="{name}"'}
    return Response(make_workbook([sheet]), media_type=WORKBOOK_TYPE, headers=headers)


def _chosen(show_as: Show, visit: Visit) -> Chosen:
    today = show_as.today()
    last = parse_day(visit.query.get("to")) or today
    first = parse_day(visit.query.get("from")) or show_as.day_before(last, DAYS_FIRST)
    mine = "" if visit.may("close_day") else visit.actor.name
    days = (date.fromisoformat(last) - date.fromisoformat(first)).days + 1
    mistake = "turned" if days < 1 else "too_long" if days > DAYS_MOST else ""
    if mistake:
        return Chosen(first, last, mine, (), (), mistake)
    tills = visit.services.office.tills
    of_day = [shift for back in range(days) for shift in tills.shifts_of_day(show_as.day_before(first, -back))]
    found = [shift for shift in of_day if not mine or shift.operator == mine]
    operators = tuple(sorted({shift.operator for shift in found}))
    operator = mine or (visit.query.get("operator", "") if visit.query.get("operator") in operators else "")
    kept = tuple(shift for shift in found if not operator or shift.operator == operator)
    return Chosen(first, last, operator, operators, kept)


def _by_operator(shifts: Iterable[TillShift]) -> list[tuple[str, int, Micro, Micro, Micro]]:
    """Operator, number of shifts, expected, counted, difference."""
    sums: dict[str, tuple[int, Micro, Micro]] = {}
    for shift in shifts:
        number, expected, counted = sums.get(shift.operator, (0, 0, 0))
        sums[shift.operator] = (number + 1, expected + _expected(shift), counted + sum((shift.counted or {}).values()))
    return [(name, number, first, second, second - first) for name, (number, first, second) in sorted(sums.items())]


def _counted(shifts: Iterable[TillShift]) -> Mapping[str, Micro]:
    sums: dict[str, Micro] = {}
    for shift in shifts:
        for method, micro in (shift.counted or {}).items():
            sums[method] = sums.get(method, 0) + micro
    return sums


def _expected(shift: TillShift) -> Micro:
    return sum((shift.expected or {}).values())


def _row(shift: TillShift, methods: Iterable[str], show_as: Show) -> list[Cell]:
    counted = shift.counted or {}
    row: list[Cell] = [shift.closed_day, shift.operator, _moment(shift.opened_at_ms, show_as)]
    row += [_moment(shift.closed_at_ms, show_as), *(_amount(counted.get(method)) for method in methods)]
    row += [_amount(_expected(shift)), _amount(sum(counted.values())), _amount(shift.difference_micro)]
    return [*row, shift.closed_by, shift.second, shift.note]


def _amount(micro: Micro | None) -> Cell:
    """As the workbook takes money: what people read, a number."""
    return None if micro is None else micro / UNIT_MICRO


def _moment(at_ms: Ms | None, show_as: Show) -> datetime | None:
    return None if at_ms is None else show_as.local(at_ms).replace(tzinfo=None)
