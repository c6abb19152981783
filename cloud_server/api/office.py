"""Addresses of adjustments and second persons, each step with an Idempotency-Key; with them those of tills and days."""

import json
from typing import Annotated

from fastapi import APIRouter, Depends, Query
from pydantic import BaseModel, Field, StrictStr

from cloud_server.api.bearer import asks_for
from cloud_server.api.bodies import AmountField, Body, DayField, IdField
from cloud_server.api.paging import Page, whole
from cloud_server.api.refunds import Key, Reason, named_key
from cloud_server.api.tills import add_days, add_tills
from cloud_server.core.contracts import Adjustment
from cloud_server.core.second_person import RequestKind, RequestState, SecondRequest
from cloud_server.flows.centre import Centre
from cloud_server.flows.office import Office
from cloud_server.ports import Actor
from cloud_server.ports.ledger import AdjustmentOrder, Checked, CheckStep

ROWS_MAX = 500


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
    add_tills(router, centre, office)
    add_days(router, centre, office)
    _adjustment_routes(router, centre, office)
    _request_routes(router, centre, office)
    return router


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
