"""Addresses that hand energy over to other systems: intervals page by page, or in bulk as CSV, as they are read.

An interval never changes once it is posted. A box that was cut off brings its intervals later: a system that keeps a
copy asks again for the days that `GET /boxes` shows as not yet told.
"""

import csv
from collections.abc import Iterator
from io import StringIO
from typing import Annotated, Any, Final

import msgspec
from fastapi import APIRouter, Depends, Query
from fastapi.responses import StreamingResponse
from pydantic import BaseModel

from cloud_server.api.bearer import asks_for
from cloud_server.api.paging import PAGE, After, Key, Limit, Page, page_of, place
from cloud_server.api.problems import ApiProblem, field_error
from cloud_server.api.sight import Sights
from cloud_server.flows.centre import Centre
from cloud_server.ports import Actor
from cloud_server.ports.programs import IntervalsWanted
from protocol.records import Part

METERS_MAX: Final = 200
CSV_ROWS_AT_ONCE: Final = 2_000
"""Rows of one look at the store: a quarter of a megabyte of text, and no connection is held between two of them."""
CSV_TYPE: Final = "text/csv; charset=utf-8"
COLUMNS: Final = (
    "meter", "point", "from_ms", "to_ms", "rate", "from_raw_wh", "to_raw_wh", "energy_wh", "max_power_w",
    "ratio_version", "flags",
)  # fmt: skip
Instant = Annotated[int, Query(ge=0, le=2**53 - 1)]
Meters = Annotated[list[str] | None, Query(max_length=METERS_MAX, description="only these meters")]


class RateOut(BaseModel):
    """Energy of one stretch at one rate, ratio included."""

    from_ms: int
    to_ms: int
    rate: str
    energy_wh: int


class IntervalOut(BaseModel):
    """What one meter measured in one interval. Registers are cumulative and without ratio, energy has it."""

    meter: str
    from_ms: int
    to_ms: int
    from_raw_wh: int
    to_raw_wh: int
    energy_wh: int
    max_power_w: int | None
    ratio_version: int
    rates: list[RateOut]
    flags: list[str]


def reading_routes(centre: Centre) -> APIRouter:
    """Intervals as JSON and as CSV."""
    router = APIRouter(prefix="/api/v1", tags=["readings"])
    reads, sights = Depends(asks_for(centre, "readings")), Sights(centre)

    @router.get("/readings")
    def readings(
        by: Annotated[Actor, reads],
        from_ms: Instant,
        to_ms: Instant,
        meter: Meters = None,
        after: After = "",
        limit: Limit = PAGE,
    ) -> Page[IntervalOut]:
        """Intervals that begin from `from_ms` on and before `to_ms`, oldest first."""
        wanted = _wanted(from_ms, to_ms, sights.meters(by, tuple(meter or ())))
        with centre.store.read() as unit:
            rows = unit.programs.intervals(wanted, place(after, int, str, str, int, int, int), limit + 1)
        return page_of(rows, limit, _key, _interval)

    @router.get(
        "/readings.csv",
        response_class=StreamingResponse,
        responses={200: {"content": {CSV_TYPE: {"schema": {"type": "string"}}}}},
    )
    def readings_csv(
        by: Annotated[Actor, reads], from_ms: Instant, to_ms: Instant, meter: Meters = None
    ) -> StreamingResponse:
        """The same as CSV (RFC 4180), a row for each rate of an interval, streamed: a year in one request."""
        wanted = _wanted(from_ms, to_ms, sights.meters(by, tuple(meter or ())))
        with centre.store.read() as unit:
            plan, swaps = unit.fleet.plan(), unit.reports.swaps()
        points = {swap.old: swap.point for swap in swaps}
        points |= {one.meter: one.point for box in plan.boxes for one in box.meters} if plan is not None else {}
        headers = {"Content-Disposition": 'attachment; filename="readings.csv"'}
        return StreamingResponse(_csv(centre, wanted, points), media_type=CSV_TYPE, headers=headers)

    return router


def _wanted(from_ms: int, to_ms: int, meters: tuple[str, ...] | None) -> IntervalsWanted:
    if from_ms >= to_ms:
        error = field_error("to_ms", to_ms, "must be after from_ms")
        raise ApiProblem(422, "The request cannot be taken", errors=[error])
    return IntervalsWanted(from_ms=from_ms, to_ms=to_ms, meters=meters)


def _csv(centre: Centre, wanted: IntervalsWanted, points: dict[str, str]) -> Iterator[str]:
    """Piece by piece, each from its own look, behind the place where the one before ended."""
    yield _lines([COLUMNS])
    after: Key | None = None
    while True:
        with centre.store.read() as unit:
            rows = unit.programs.intervals(wanted, after, CSV_ROWS_AT_ONCE)
        if not rows:
            return
        yield _lines(_row(row, part, points) for row in rows for part in _parts.decode(row["parts"]))
        after = _key(rows[-1])


def _row(row: dict[str, Any], part: Part, points: dict[str, str]) -> tuple[object, ...]:
    return (
        row["meter"],
        points.get(row["meter"], ""),
        part.from_ms,
        part.to_ms,
        _text(part.rate),
        row["from_raw_wh"],
        row["to_raw_wh"],
        part.energy_wh,
        "" if row["max_power_w"] is None else row["max_power_w"],
        row["ratio_version"],
        " ".join(msgspec.json.decode(row["flags"])),
    )


def _text(value: str) -> str:
    """A spreadsheet takes what begins so for a formula."""
    return f"'{value}" if value[:1] in "=+-@\t\r" else value


def _lines(rows: Any) -> str:
    text = StringIO()
    csv.writer(text, lineterminator="\r\n").writerows(rows)
    return text.getvalue()


def _key(row: dict[str, Any]) -> Key:
    return row["from_ms"], row["meter"], row["box"], row["epoch"], row["seq"], row["n"]


def _interval(row: dict[str, Any]) -> IntervalOut:
    rates = [
        RateOut(from_ms=part.from_ms, to_ms=part.to_ms, rate=part.rate, energy_wh=part.energy_wh)
        for part in _parts.decode(row["parts"])
    ]
    return IntervalOut(
        meter=row["meter"],
        from_ms=row["from_ms"],
        to_ms=row["to_ms"],
        from_raw_wh=row["from_raw_wh"],
        to_raw_wh=row["to_raw_wh"],
        energy_wh=row["energy_wh"],
        max_power_w=row["max_power_w"],
        ratio_version=row["ratio_version"],
        rates=rates,
        flags=msgspec.json.decode(row["flags"]),
    )


_parts: Final = msgspec.json.Decoder(list[Part])
