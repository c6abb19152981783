"""Reports: chosen, filtered, looked at, printed, and taken away as a workbook of exactly what is on the page."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import date, timedelta
from io import BytesIO
from typing import IO, Final
from urllib.parse import quote, urlencode

from starlette.responses import Response

from cloud_server.core.report_table import Lack, MadeRows, Report, ReportKind, ReportQuery, ReportTable
from cloud_server.core.roles import Right
from cloud_server.core.views import METHODS, AccountFound
from cloud_server.exports.workbook import Cell, Sheet, write_workbook
from cloud_server.web import report_words as w
from cloud_server.web.cells import Cells
from cloud_server.web.charts import Chart, Series
from cloud_server.web.pages import errors
from cloud_server.web.pages.page import Console
from cloud_server.web.report_specs import SPECS
from cloud_server.web.show import parse_day
from cloud_server.web.visit import Visit
from cloud_server.web.word_tables import ALARM, N_

WORKBOOK_TYPE: Final = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
TEXT_MOST: Final = 80
DAYS_MOST: Final = 1_100
"""Three years: a longer stretch is a typing mistake, or two reports."""
DAYS_BY_DAY_MOST: Final = 100
"""Energy day by day, and charges proved line by line: a quarter. By month it may be longer."""
BARS_MOST: Final = 100
FOUND_MOST: Final = 20
ROWS_FIRST: Final = 500
"""Rows of one table on the screen at first: a site of the usual size whole. More take longer to draw than to read."""
ROWS_SHOWN: Final = 2_000
"""Rows of one table on the screen for whoever asks for more; the workbook has all of them."""
ROWS_AT_ONCE: Final = 20_000
"""A workbook of more rows than these is made behind the page: it takes longer than anybody waits."""
Rows = Sequence[Sequence[Cell]]


def show_home(console: Console, visit: Visit, rights: dict[ReportKind, Right]) -> Response:
    """Which reports there are for this person."""
    kinds = [kind for kind in SPECS if visit.may(rights[kind])]
    return console.renderer.page(visit, "reports.html", kinds=kinds, words=w)


def show(console: Console, visit: Visit) -> Response:
    """One report on the screen."""
    made = _make(console, visit, looks_at_lines="lines" in visit.query)
    if made is None:
        return errors.not_found(console, visit)
    query, report, mistake = made
    spec = SPECS[query.kind]
    found: tuple[AccountFound, ...] = ()
    if spec.account and report is None and query.text:
        found = visit.services.books.find_accounts(query.text, FOUND_MOST)
    return console.renderer.page(
        visit,
        "report.html",
        200 if not mistake else 422,
        kind=query.kind,
        query=query,
        spec=spec,
        report=report,
        mistake=mistake,
        found=found,
        waits_for_lines=query.kind == "proof" and report is not None and not query.looks_at_lines,
        cells=(cells := cells_for(console, visit)),
        words=w,
        methods=METHODS,
        alarm_kinds=ALARM,
        operators=visit.services.reports.operators() if spec.operator and query.kind == "sales" else (),
        buildings=visit.services.books.monitor().buildings if spec.place else (),
        chart=_chart(cells, report) if report is not None else None,
        address=_address(query),
        most=ROWS_SHOWN if visit.query.get("rows") == "more" else ROWS_FIRST,
        more=min(ROWS_SHOWN, max((len(table.rows) for table in report.tables), default=0)) if report is not None else 0,
        is_large=report is not None and sum(len(table.rows) for table in report.tables) > ROWS_AT_ONCE,
        filtered=_chosen(console, visit, query),
        lack_text=lambda lack: _lack_text(console, visit, lack),
    )


def export(console: Console, visit: Visit) -> Response:
    """The same report as a workbook."""
    made = _make(console, visit)
    if made is None or made[1] is None:
        return errors.not_found(console, visit)
    query = made[0]
    plain, name = file_names(console, visit, query.kind, query.from_day if query.from_day != query.to_day else "")
    target = BytesIO()
    make_file(console, visit, target)
    return Response(
        target.getvalue(),
        media_type=WORKBOOK_TYPE,
        headers={"Content-Disposition": f"attachment; filename=\"{plain}\"; filename*=UTF-8''{name}"},
    )


def file_names(console: Console, visit: Visit, kind: ReportKind, from_day: str) -> tuple[str, str]:
    """A plain name for a workbook, and the report's own in the reader's language, quoted."""
    day = console.renderer.show_for(visit).today()
    title = console.renderer.translate_for(visit)(w.TITLE[kind])
    return f"{kind}-{day}.xlsx", quote(f"{title} {from_day} {day}.xlsx".replace("  ", " "))


def make_file(
    console: Console, visit: Visit, target: IO[bytes], count: Callable[[Rows], Rows] = lambda rows: rows
) -> None:
    """Write the report of a visit as a workbook; `count` sees the rows of each sheet before they are written."""
    made = _make(console, visit)
    if made is None or made[1] is None:
        raise LookupError(f"no report behind {visit.path}")
    query, report = made[0], made[1]
    cells, translate = cells_for(console, visit), console.renderer.translate_for(visit)
    title = translate(w.TITLE[query.kind])
    notes = _notes(console, visit, report, title)
    sheets = [_sheet(cells, table, translate(w.TABLE[table.title]), notes) for table in report.tables]
    write_workbook(target, [replace(sheet, rows=count(sheet.rows)) for sheet in sheets])


def cells_for(console: Console, visit: Visit) -> Cells:
    """How values are written for this visit."""
    renderer = console.renderer
    return Cells(renderer.show_for(visit), renderer.words_for(visit), renderer.translate_for(visit))


def _make(
    console: Console, visit: Visit, *, looks_at_lines: bool = True
) -> tuple[ReportQuery, Report | None, str] | None:
    """The query as asked, its report, and what is wrong with it; None for a report that there is not."""
    name = visit.path.removeprefix("/reports/").removesuffix(".xlsx")
    kind = next((kind for kind in SPECS if kind == name), None)
    if kind is None:
        return None
    query, mistake = _read(console, visit, kind)
    query = replace(query, looks_at_lines=looks_at_lines)
    if mistake or (SPECS[kind].account and not query.account):
        return query, None, mistake
    report = visit.services.reports.report(query)
    if report is None and SPECS[kind].account:
        return None
    return query, report, ""


def _read(console: Console, visit: Visit, kind: ReportKind) -> tuple[ReportQuery, str]:
    spec, given = SPECS[kind], visit.query
    today = console.renderer.show_for(visit).today()
    first = today[:8] + "01" if spec.days < 0 else _before(today, max(spec.days - 1, 0))
    to_day = parse_day(given.get("to")) or today
    from_day = to_day if spec.days == 0 else parse_day(given.get("from")) or min(first, to_day)
    step = next((step for step in spec.steps if step == given.get("step")), spec.steps[0] if spec.steps else "day")
    states = [state for state, _ in spec.states]
    query = ReportQuery(
        kind=kind,
        from_day=from_day,
        to_day=to_day,
        step=step,
        place=given.get("place", "")[:TEXT_MOST] if spec.place else "",
        operator=given.get("operator", "").strip()[:TEXT_MOST] if spec.operator else "",
        method=given.get("method", "") if spec.method and given.get("method") in METHODS else "",
        account=given.get("account", "")[:TEXT_MOST] if spec.account else "",
        text=given.get("q", "").strip()[:TEXT_MOST] if spec.text or spec.account else "",
        state=given.get("state", "") if given.get("state") in states else "",
    )
    days = (date.fromisoformat(to_day) - date.fromisoformat(from_day)).days + 1
    if days < 1:
        return query, "turned"
    if days > DAYS_MOST or (days > DAYS_BY_DAY_MOST and (kind == "proof" or (kind == "energy" and step == "day"))):
        return query, "too_long"
    return query, ""


def _before(day: str, days: int) -> str:
    return (date.fromisoformat(day) - timedelta(days=days)).isoformat()


def _address(query: ReportQuery) -> str:
    """The export's address: with exactly the filter of the page."""
    fields = {
        "from": query.from_day,
        "to": query.to_day,
        "step": query.step,
        "place": query.place,
        "operator": query.operator,
        "method": query.method,
        "account": query.account,
        "q": query.text,
        "state": query.state,
    }
    return f"/reports/{query.kind}.xlsx?{urlencode({name: value for name, value in fields.items() if value})}"


def _sheet(cells: Cells, table: ReportTable, name: str, notes: list[str]) -> Sheet:
    kinds = [column.kind for column in table.columns]
    return Sheet(
        name=name,
        notes=[*notes, name],
        heads=[cells.head(column) for column in table.columns],
        kinds=[cells.sheet_kind(kind) for kind in kinds],
        rows=MadeRows(len(table.rows), lambda: (cells.row(kinds, row) for row in table.rows)),
        total=None if table.total is None else cells.row(kinds, table.total),
    )


def _notes(console: Console, visit: Visit, report: Report, title: str) -> list[str]:
    """What stands above a sheet: site, title, filter, when it was made, what it lacks, and the pairs of a statement."""
    translate, show = console.renderer.translate_for(visit), console.renderer.show_for(visit)
    cells, query = cells_for(console, visit), report.query
    notes = [visit.services.books.site().name, title]
    if SPECS[query.kind].days != 0:
        notes.append(translate(N_("%(first)s to %(last)s")) % {"first": query.from_day, "last": query.to_day})
    elif SPECS[query.kind].until:
        notes.append(translate(N_("up to %(last)s")) % {"last": query.to_day})
    chosen = _chosen(console, visit, query)
    if chosen:
        notes.append(translate(N_("Filter: %(what)s")) % {"what": chosen})
    notes.append(translate(N_("Made at %(time)s")) % {"time": show.full(report.made_at_ms)})
    notes += [_lack_text(console, visit, lack) for lack in report.lacks]
    for fact in report.facts:
        notes.append(f"{cells.fact(fact.key)}: {cells.text(fact.kind, fact.value)}")
    return notes


def _chosen(console: Console, visit: Visit, query: ReportQuery) -> str:
    """The filter in words, but for the days."""
    translate, words = console.renderer.translate_for(visit), console.renderer.words_for(visit)
    chosen = [*_place_names(visit, query.place), query.operator]
    if not SPECS[query.kind].account:
        chosen.append(words.alarm(query.text) if query.kind == "alarms" else query.text)
    if query.method:
        chosen.append(words.method(query.method))
    if query.state:
        chosen.append(translate(dict(SPECS[query.kind].states)[query.state]))
    return ", ".join(one for one in chosen if one)


def _place_names(visit: Visit, place: str) -> list[str]:
    if not place:
        return []
    for building in visit.services.books.monitor().buildings:
        if building.building == place:
            return [building.name]
        for box in building.boxes:
            if place == box.box:
                return [building.name, box.name]
            found = [bus.name for bus in box.buses if bus.bus == place]
            if found:
                return [building.name, box.name, *found]
    return [place]


def _lack_text(console: Console, visit: Visit, lack: Lack) -> str:
    translate, show = console.renderer.translate_for(visit), console.renderer.show_for(visit)
    match lack.why:
        case "silent":
            text = translate(N_("Box %(name)s: nothing after %(time)s has come yet."))
        case "parked":
            text = translate(N_("Box %(name)s: records from %(time)s on wait for a person's judgement."))
        case "lost":
            text = translate(
                N_("%(meter)s (box %(name)s): the meter does not answer; nothing after %(time)s has come.")
            )
        case "held":
            text = translate(
                N_("%(meter)s (box %(name)s): held for a person's judgement; nothing after %(time)s is in.")
            )
        case "never":
            text = translate(N_("Box %(name)s has not sent any record yet."))
        case _:
            text = translate(N_("There are more than are shown here: choose a shorter time or a narrower filter."))
    values = {"name": lack.box_name, "meter": lack.meter, "time": show.full(lack.since_ms)}
    return text % values if "%(" in text else text


def _chart(cells: Cells, report: Report) -> Chart | None:
    """The first table that is worth drawing, one bar a label."""
    for table in report.tables:
        if table.chart is None:
            continue
        label, height = table.chart
        sums: dict[str, int] = {}
        for row in table.rows:
            value = row[height]
            if isinstance(value, int):
                sums[str(row[label])] = sums.get(str(row[label]), 0) + value
        if not any(sums.values()) or not 2 <= len(sums) <= BARS_MOST:
            return None
        column = table.columns[height]
        values = tuple(cells.drawn(column.kind, value) for value in sums.values())
        bars = Series(name=cells.head(column), unit="", shape="bar", values=values)
        return Chart(labels=tuple(sums), series=(bars,))
    return None
