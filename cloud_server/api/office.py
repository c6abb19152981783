"""Addresses of tills, days, adjustments and second persons. Every step carries its Idempotency-Key."""

import json
from typing import Annotated

from fastapi import APIRouter, Depends, Query
from pydantic import BaseModel, Field, StrictBool, StrictStr

from cloud_server.api.bearer import asks_for
from cloud_server.api.bodies import Body, IdField
from cloud_server.api.paging import Page, whole
from cloud_server.api.refunds import Key, Reason, named_key
from cloud_server.core.contracts import Adjustment
from cloud_server.core.second_person import RequestKind, RequestState, SecondRequest
from cloud_server.flows.centre import Centre
from cloud_server.flows.office import Office
from cloud_server.ports import Actor
from cloud_server.ports.ledger import AdjustmentOrder, Checked, CheckStep
from cloud_server.ports.tills import DayOrder, TillAnswer, TillCount, TillOpening

ROWS_MAX = 500
DayField = Annotated[StrictStr, Field(max_length=10, examples=["2026-11-22"])]
AmountField = Annotated[StrictStr, Field(max_length=40, examples=["12.00"])]


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


class AdjustmentIn(Body):
    """Credit, or debit with a minus sign, of a wallet outside the tills."""

    amount: AmountField
    reason: Reason
    wallet: IdField | None = None
    energy: Annotated[StrictStr, Field(max_length=20, examples=["-15.5"])] | None = None
    from_day: DayField | None = None
    to_day: DayField | None = None


class AdjustmentOut(BaseModel):
    """`made`, or `confirming`: then `request` waits for a second person."""

    state: str
    id: str | None
    grant: str | None
    request: str | None


class AdjustmentDetail(BaseModel):
    """An adjustment as it stands in the books."""

    id: str
    account: str
    wallet: str
    amount_micro: int
    energy_wh: int | None
    from_day: str | None
    to_day: str | None
    operator: str
    second: str | None
    reason: str
    made_at: int


class CheckIn(Body):
    """A word to the maker."""

    note: Annotated[StrictStr, Field(max_length=200)] = ""


class RequestOut(BaseModel):
    """A step that waits for a second person, or how that ended. `answer` is what the step itself was answered."""

    id: str
    kind: RequestKind
    about: str
    amount_micro: int | None
    maker: str
    reason: str
    asked_at: int
    state: RequestState
    checker: str | None
    note: str | None
    answer: dict[str, object] | None


class CheckedOut(BaseModel):
    """How a request ended now."""

    id: str
    kind: RequestKind
    state: RequestState
    answer: dict[str, object]


def office_routes(centre: Centre, office: Office) -> APIRouter:
    """All of them."""
    router = APIRouter(prefix="/api/v1", tags=["office"])
    _till_routes(router, centre, office)
    _day_routes(router, centre, office)
    _adjustment_routes(router, centre, office)
    _request_routes(router, centre, office)
    return router


def _till_routes(router: APIRouter, centre: Centre, office: Office) -> None:
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


def _day_routes(router: APIRouter, centre: Centre, office: Office) -> None:
    works, reads = Depends(asks_for(centre, "office")), Depends(asks_for(centre, "read"))

    @router.post("/days", status_code=201)
    def close_day(body: DayIn, by: Annotated[Actor, works], key: Key = "") -> DayOut:
        """Close a posting day and all before it: nothing is booked under it any more."""
        closed = office.days.close_day(DayOrder(key=named_key(key), day=body.day, anyway=body.anyway), by)
        return DayOut(day=closed.day, receipts=closed.receipts, open_tills=list(closed.open_tills))

    @router.get("/days", dependencies=[reads])
    def days(limit: Annotated[int, Query(ge=1, le=ROWS_MAX)] = 31) -> Page[DayOut]:
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


def _adjustment_routes(router: APIRouter, centre: Centre, office: Office) -> None:
    works, reads = Depends(asks_for(centre, "office")), Depends(asks_for(centre, "read"))

    @router.post("/accounts/{account}/adjustments", status_code=201)
    def adjust(account: str, body: AdjustmentIn, by: Annotated[Actor, works], key: Key = "") -> AdjustmentOut:
        """Adjust a wallet; above the site's limit it waits for a second person."""
        order = AdjustmentOrder(
            key=named_key(key),
            account=account,
            amount=body.amount,
            reason=body.reason,
            wallet=body.wallet,
            energy=body.energy,
            from_day=body.from_day,
            to_day=body.to_day,
        )
        made = office.adjustments.adjust(order, by)
        return AdjustmentOut(state=made.state, id=made.adjustment, grant=made.grant, request=made.request)

    @router.get("/adjustments", dependencies=[reads])
    def adjustments(
        account: Annotated[str | None, Query(max_length=64)] = None,
        limit: Annotated[int, Query(ge=1, le=ROWS_MAX)] = 100,
    ) -> Page[AdjustmentDetail]:
        """The newest adjustments, of the site or of one account."""
        return whole([_adjustment(row) for row in office.adjustments.adjustments(limit, account)])


def _adjustment(row: Adjustment) -> AdjustmentDetail:
    return AdjustmentDetail(
        id=row.adjustment,
        account=row.account,
        wallet=row.wallet,
        amount_micro=row.amount_micro,
        energy_wh=row.energy_wh,
        from_day=row.from_day,
        to_day=row.to_day,
        operator=row.operator,
        second=row.second,
        reason=row.reason,
        made_at=row.made_at_ms,
    )


def _request_routes(router: APIRouter, centre: Centre, office: Office) -> None:
    confirms, works = Depends(asks_for(centre, "confirm")), Depends(asks_for(centre, "office"))
    reads = Depends(asks_for(centre, "read"))

    @router.get("/requests", dependencies=[reads])
    def waiting() -> Page[RequestOut]:
        """Steps that wait for a second person, newest first."""
        return whole([_request(row) for row in office.second.waiting(ROWS_MAX)])

    @router.get("/requests/{request}", dependencies=[reads])
    def one(request: str) -> RequestOut:
        """One request and how it ended."""
        return _request(office.second.request(request))

    @router.post("/requests/{request}/approval", status_code=201)
    def approve(request: str, body: CheckIn, by: Annotated[Actor, confirms], key: Key = "") -> CheckedOut:
        """Say yes to a step of another's: it is carried out now, with both names."""
        return _checked(office.second.approve(CheckStep(key=named_key(key), request=request, note=body.note), by))

    @router.post("/requests/{request}/rejection", status_code=201)
    def reject(request: str, body: CheckIn, by: Annotated[Actor, confirms], key: Key = "") -> CheckedOut:
        """Say no: it is not carried out."""
        return _checked(office.second.reject(CheckStep(key=named_key(key), request=request, note=body.note), by))

    @router.post("/requests/{request}/withdrawal", status_code=201)
    def withdraw(request: str, body: CheckIn, by: Annotated[Actor, works], key: Key = "") -> CheckedOut:
        """The caller asked for it and does not want it any more."""
        return _checked(office.second.withdraw(CheckStep(key=named_key(key), request=request, note=body.note), by))


def _request(row: SecondRequest) -> RequestOut:
    return RequestOut(
        id=row.request,
        kind=row.kind,
        about=row.about,
        amount_micro=row.amount_micro,
        maker=row.maker.name,
        reason=row.reason,
        asked_at=row.asked_at_ms,
        state=row.state,
        checker=row.checker,
        note=row.note,
        answer=json.loads(row.answer) if row.answer is not None else None,
    )


def _checked(checked: Checked) -> CheckedOut:
    return CheckedOut(id=checked.request, kind=checked.kind, state=checked.state, answer=dict(checked.answer))
