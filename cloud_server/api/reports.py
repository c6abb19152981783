"""The console's reports for other programs: as JSON, CSV or a workbook. Values stay raw, with units in the heads."""

import csv
from datetime import date
from io import StringIO
from typing import Annotated, Final, Literal, get_args

from fastapi import APIRouter, Depends, Query, Request
from fastapi.responses import Response
from pydantic import BaseModel, ConfigDict, Field

from cloud_server.api.bearer import asks_for, caller_token
from cloud_server.api.problems import ApiProblem, field_error
from cloud_server.core.mistakes import NotFound
from cloud_server.core.report_table import Column, Report, ReportKind, ReportQuery, ReportTable, Step, Value
from cloud_server.core.territory import Territory
from cloud_server.exports.workbook import CellKind, Sheet, make_workbook
from cloud_server.flows.centre import Centre
from cloud_server.flows.read_alarms import AlarmOffice
from cloud_server.flows.read_reports import ReportOffice
from cloud_server.ports import Reports

WORKBOOK_TYPE: Final = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
CSV_TYPE: Final = "text/csv; charset=utf-8"
DAYS_MOST: Final = 1_100
"""Three years, as on the console."""
DAYS_BY_DAY_MOST: Final = 100
"""Energy day by day: a quarter."""
UNITS: Final[dict[str, str]] = {
    "money": "_micro", "exact": "_micro", "price": "_micro", "energy": "_wh", "power": "_w", "moment": "_ms",
    "span": "_ms",
}  # fmt: skip
WHOLE_SITE_KINDS: Final[frozenset[ReportKind]] = frozenset({"sales", "trial", "rollforward", "audit"})
"""Of all tills, the whole ledger, and the log: no building has a part of these (decision 0016)."""
DAY: Final = r"^\d{4}-\d\d-\d\d$"
TEXT_CHARACTERS_MAX: Final = 80


class ReportFilter(BaseModel):
    """What a report is of; each kind looks at what concerns it. Days are of the site's calendar, today if absent."""

    model_config = ConfigDict(extra="forbid", populate_by_name=True)

    form: Literal["json", "csv", "xlsx"] = Field(default="json", alias="format")
    from_day: str | None = Field(default=None, pattern=DAY)
    to_day: str | None = Field(default=None, pattern=DAY)
    step: Step = "day"
    place: str = Field(default="", max_length=TEXT_CHARACTERS_MAX, description="a building, box or bus")
    operator: str = Field(default="", max_length=TEXT_CHARACTERS_MAX)
    method: str = Field(default="", max_length=TEXT_CHARACTERS_MAX)
    account: str = Field(default="", max_length=TEXT_CHARACTERS_MAX)
    text: str = Field(default="", max_length=TEXT_CHARACTERS_MAX)
    state: str = Field(default="", max_length=TEXT_CHARACTERS_MAX)


class ColumnOut(BaseModel):
    """A column; its key ends in the unit of its values."""

    key: str
    kind: str


class TableOut(BaseModel):
    """Rows under columns."""

    title: str
    columns: list[ColumnOut]
    rows: list[list[str | int | None]]
    total: list[str | int | None] | None


class FactOut(BaseModel):
    """A value above the tables."""

    key: str
    value: str | int | None


class LackOut(BaseModel):
    """What the report does not hold: a silent box, one whose batches are parked, rows beyond the most."""

    why: str
    box: str
    since: int | None
    meter: str = ""
    """The supply point, where a meter is lost or held."""


class ReportOut(BaseModel):
    """One report as of one moment."""

    kind: str
    from_day: str
    to_day: str
    made_at: int
    facts: list[FactOut]
    tables: list[TableOut]
    lacks: list[LackOut]


class ReportKinds(BaseModel):
    """Which reports there are."""

    kinds: list[str]


def report_routes(centre: Centre, reports: Reports) -> APIRouter:
    """Reports."""
    router = APIRouter(prefix="/api/v1", tags=["reports"])

    def narrowed(territory: Territory) -> Reports:
        if territory.is_whole:
            return reports
        seen = centre.within(territory)
        return ReportOffice(seen, AlarmOffice(seen))

    @router.get("/reports", dependencies=[Depends(asks_for(centre, "read"))])
    def kinds() -> ReportKinds:
        """Which reports there are."""
        return ReportKinds(kinds=list(get_args(ReportKind)))

    files = {CSV_TYPE: {"schema": {"type": "string"}}, WORKBOOK_TYPE: {"schema": {"type": "string"}}}

    @router.get("/reports/{kind}", response_model=ReportOut, responses={200: {"content": files}})
    def one(
        request: Request,
        kind: ReportKind,
        chosen: Annotated[ReportFilter, Query()],
    ) -> ReportOut | Response:
        """One report. As CSV its tables follow each other with an empty line between them."""
        token = caller_token(centre, request, "admin" if kind == "audit" else "read")
        if kind in WHOLE_SITE_KINDS and not token.territory.is_whole:
            raise ApiProblem(403, "This report is for tokens of the whole site", "no building has a part of it")
        query = _query(kind, chosen, centre.day_of(centre.clock.wall_ms()))
        _judge(query)
        report = narrowed(token.territory).report(query)
        if report is None:
            raise NotFound("report", f"{kind} {chosen.account}".strip())
        return _as(chosen.form, report)

    return router


def _query(kind: ReportKind, chosen: ReportFilter, today: str) -> ReportQuery:
    return ReportQuery(
        kind=kind,
        from_day=chosen.from_day or chosen.to_day or today,
        to_day=chosen.to_day or max(today, chosen.from_day or today),
        step=chosen.step,
        place=chosen.place,
        operator=chosen.operator,
        method=chosen.method,
        account=chosen.account,
        text=chosen.text,
        state=chosen.state,
    )


def _judge(query: ReportQuery) -> None:
    """Raises ApiProblem where the days cannot be."""
    errors = []
    days: list[date] = []
    for field, value in (("from_day", query.from_day), ("to_day", query.to_day)):
        try:
            days.append(date.fromisoformat(value))
        except ValueError:
            errors.append(field_error(field, value, "a day such as 2026-11-22"))
    most = DAYS_BY_DAY_MOST if query.kind == "energy" and query.step == "day" else DAYS_MOST
    if len(days) == 2 and not 0 <= (days[1] - days[0]).days < most:
        errors.append(field_error("to_day", query.to_day, f"not before from_day, and at most {most} days in all"))
    if len(days) == 2 and not (days[0].year >= 2000 and days[1].year < 3000):
        errors.append(field_error("from_day", query.from_day, "from year 2000 to 2999"))
    if errors:
        raise ApiProblem(422, "The request cannot be taken", errors=errors)


def _as(form: str, report: Report) -> ReportOut | Response:
    if form == "json":
        return _json(report)
    name = f"{report.query.kind}-{report.query.to_day}.{form}"
    headers = {"Content-Disposition": f'attachment; filename="{name}"'}
    if form == "csv":
        return Response(_csv(report), media_type=CSV_TYPE, headers=headers)
    notes = [f"{report.query.kind} {report.query.from_day} – {report.query.to_day}"]
    return Response(
        make_workbook([_sheet(table, notes) for table in report.tables]), media_type=WORKBOOK_TYPE, headers=headers
    )


def head(column: Column) -> str:
    """The key of a column with the unit of its values."""
    unit = UNITS.get(column.kind, "")
    return column.key if column.key.endswith(unit) else column.key + unit


def _json(report: Report) -> ReportOut:
    return ReportOut(
        kind=report.query.kind,
        from_day=report.query.from_day,
        to_day=report.query.to_day,
        made_at=report.made_at_ms,
        facts=[FactOut(key=head(Column(fact.key, fact.kind)), value=fact.value) for fact in report.facts],
        tables=[
            TableOut(
                title=table.title,
                columns=[ColumnOut(key=head(column), kind=column.kind) for column in table.columns],
                rows=[list(row) for row in table.rows],
                total=list(table.total) if table.total is not None else None,
            )
            for table in report.tables
        ],
        lacks=[
            LackOut(why=lack.why, box=lack.box_name, since=lack.since_ms, meter=lack.meter) for lack in report.lacks
        ],
    )


def _csv(report: Report) -> str:
    text = StringIO()
    writer = csv.writer(text, lineterminator="\r\n")
    for index, table in enumerate(report.tables):
        if index:
            writer.writerow([])
        writer.writerow([head(column) for column in table.columns])
        writer.writerows([_cell(value) for value in row] for row in table.rows)
    return text.getvalue()


def _cell(value: Value) -> str | int:
    """A spreadsheet takes what begins so for a formula."""
    if isinstance(value, str) and value[:1] in ("=", "+", "-", "@", "\t", "\r"):
        return f"'{value}"
    return "" if value is None else value


def _sheet(table: ReportTable, notes: list[str]) -> Sheet:
    kinds: list[CellKind] = ["count" if _is_number(table, index) else "text" for index in range(len(table.columns))]
    return Sheet(
        name=table.title,
        notes=notes,
        heads=[head(column) for column in table.columns],
        kinds=kinds,
        rows=table.rows,
        total=table.total,
    )


def _is_number(table: ReportTable, index: int) -> bool:
    return all(not isinstance(row[index], str) for row in table.rows)
