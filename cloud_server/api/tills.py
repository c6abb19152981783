"""Addresses of tills and days. Every step carries its Idempotency-Key."""

from typing import Annotated

from fastapi import APIRouter, Depends, Query
from pydantic import BaseModel, Field, StrictBool, StrictStr

from cloud_server.api.bearer import asks_for
from cloud_server.api.bodies import AmountField, Body, DayField
from cloud_server.api.paging import Page, whole
from cloud_server.api.refunds import Key, named_key
from cloud_server.flows.centre import Centre
from cloud_server.flows.office import Office
from cloud_server.ports import Actor
from cloud_server.ports.tills import DayOrder, TillAnswer, TillCount, TillOpening

DAYS_MAX = 500
"""More than a year of them in one answer."""


class TillOpeningIn(Body):
    """The float of cash that the till begins with."""

    float_amount: AmountField = "0"


class TillCountIn(Body):
    """What was counted, by method; cash must be named where the books expect any."""

    counted: dict[StrictStr, AmountField] = Field(max_length=10, examples=[{"cash": "150.00"}])
    operator: Annotated[StrictStr, Field(max_length=100)] | None = None
    note: Annotated[StrictStr, Field(max_length=200)] = ""


class TillOut(BaseModel):
    """A till by method: what the books expect, and what was counted."""

    shift: str | None
    operator: str
    state: str
    expected: dict[str, int]
    counted: dict[str, int]
    difference_micro: int


class DayIn(Body):
    """The day to close, today where none is named; `anyway` although tills are open."""

    day: DayField | None = None
    anyway: StrictBool = False


class DayOut(BaseModel):
    """A closed day, and what it was sealed with once it was."""

    day: str
    receipts: int
    open_tills: list[str]
    entries: int | None = None
    digest: str | None = None
    breaches: int | None = None


def add_tills(router: APIRouter, centre: Centre, office: Office) -> None:
    """Addresses of tills."""
    works, reads = Depends(asks_for(centre, "office")), Depends(asks_for(centre, "read"))

    @router.post("/tills", status_code=201)
    def open_till(body: TillOpeningIn, by: Annotated[Actor, works], key: Key = "") -> TillOut:
        """Open the caller's own till."""
        return _till(office.tills.open_till(TillOpening(key=named_key(key), float_amount=body.float_amount), by))

    @router.post("/tills/count", status_code=201)
    def count_till(body: TillCountIn, by: Annotated[Actor, works], key: Key = "") -> TillOut:
        """Count and close a till."""
        order = TillCount(key=named_key(key), counted=body.counted, operator=body.operator, note=body.note)
        return _till(office.tills.close_till(order, by))

    @router.get("/tills", dependencies=[reads])
    def tills() -> Page[TillOut]:
        """Tills that are open or hold anything, as the books expect them."""
        return whole(
            [
                TillOut(
                    shift=till.shift,
                    operator=till.operator,
                    state="open" if till.shift is not None else "not_opened",
                    expected=dict(till.expected),
                    counted={},
                    difference_micro=0,
                )
                for till in office.tills.tills_now()
            ]
        )


def _till(answer: TillAnswer) -> TillOut:
    return TillOut(
        shift=answer.shift,
        operator=answer.operator,
        state=answer.state,
        expected=dict(answer.expected),
        counted=dict(answer.counted),
        difference_micro=answer.difference_micro,
    )


def add_days(router: APIRouter, centre: Centre, office: Office) -> None:
    """Addresses of posting days."""
    works, reads = Depends(asks_for(centre, "office")), Depends(asks_for(centre, "read"))

    @router.post("/days", status_code=201)
    def close_day(body: DayIn, by: Annotated[Actor, works], key: Key = "") -> DayOut:
        """Close a posting day and all before it: nothing is booked under it any more."""
        closed = office.days.close_day(DayOrder(key=named_key(key), day=body.day, anyway=body.anyway), by)
        return DayOut(day=closed.day, receipts=closed.receipts, open_tills=list(closed.open_tills))

    @router.get("/days", dependencies=[reads])
    def days(limit: Annotated[int, Query(ge=1, le=DAYS_MAX)] = 31) -> Page[DayOut]:
        """Closed days, newest first, with the digest that stands in the audit chain."""
        return whole(
            [
                DayOut(
                    day=closed.day,
                    receipts=closed.receipts,
                    open_tills=list(closed.open_tills),
                    entries=sealed.entries if sealed is not None else None,
                    digest=sealed.digest if sealed is not None else None,
                    breaches=sealed.breaches if sealed is not None else None,
                )
                for closed, sealed in office.days.closed_days(limit)
            ]
        )
