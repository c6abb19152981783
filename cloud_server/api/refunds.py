"""Addresses that reverse sales and refund unused credit. Every step carries its Idempotency-Key."""

from typing import Annotated

from fastapi import APIRouter, Depends, Header, Query, Request
from pydantic import BaseModel, Field, StrictStr

from cloud_server.api.bearer import asks_for, own_operator
from cloud_server.api.bodies import Body, IdField
from cloud_server.api.paging import PAGE, After, Limit, Page, page_of, place
from cloud_server.api.problems import ApiProblem, field_error
from cloud_server.api.sight import Sights
from cloud_server.core.limits import KEY_CHARACTERS_MAX
from cloud_server.core.mistakes import NotFound
from cloud_server.core.money_requests import Refund, RefundState
from cloud_server.flows.centre import Centre
from cloud_server.flows.money_step import REASON_CHARACTERS_MAX
from cloud_server.flows.refund_credit import Refunds
from cloud_server.flows.reverse_sale import Reversals
from cloud_server.ports import Actor
from cloud_server.ports.money import RefundAnswer, RefundOrder, RefundStep, ReversalOrder

Key = Annotated[str, Header(alias="Idempotency-Key", max_length=KEY_CHARACTERS_MAX)]
Reason = Annotated[StrictStr, Field(max_length=REASON_CHARACTERS_MAX, examples=["amount typed wrong"])]


class ReversalIn(Body):
    """Why the sale is undone."""

    reason: Reason


class ReversalOut(BaseModel):
    """A sale of the same till day undone, wholly."""

    id: str
    sale: str
    amount_micro: int
    operator: str
    reversed_at: int


class RefundIn(Body):
    """Unused credit to be paid back: what is at the centre first, the rest is asked of the wallet's box."""

    amount: StrictStr = Field(max_length=40, examples=["60.00"])
    method: StrictStr = Field(max_length=20, examples=["wechat"])
    reason: Reason
    wallet: IdField | None = None


class RefundOut(BaseModel):
    """How far a refund was when this step was taken. Once it is `payable`, it is paid or given back."""

    id: str
    state: RefundState
    payable_micro: int
    paid_micro: int


class RefundDetail(RefundOut):
    """A refund now."""

    account: str
    wallet: str | None
    method: str
    wanted_micro: int
    operator: str
    asked_at: int
    box_reason: str | None
    """Why the box gave nothing."""


def refund_routes(centre: Centre) -> APIRouter:
    """Reversals and refunds: the steps that move money, and what may be read of them."""
    router = APIRouter(prefix="/api/v1", tags=["refunds"])
    _reversal_routes(router, centre)
    _refund_routes(router, centre)
    _read_routes(router, centre)
    return router


def _reversal_routes(router: APIRouter, centre: Centre) -> None:
    sells, reversals = Depends(asks_for(centre, "sell")), Reversals(centre)

    @router.post("/sales/{sale}/reversal", status_code=201)
    def reverse(sale: str, body: ReversalIn, by: Annotated[Actor, sells], key: Key = "") -> ReversalOut:
        """Undo a sale of the same till day that this token made and whose money is not used."""
        done = reversals.reverse(ReversalOrder(key=named_key(key), sale=sale, reason=body.reason, wait=True), by)
        return ReversalOut(
            id=done.reversal,
            sale=done.sale,
            amount_micro=done.amount_micro,
            operator=done.operator,
            reversed_at=done.reversed_at_ms,
        )


def _refund_routes(router: APIRouter, centre: Centre) -> None:
    sells, refunds = Depends(asks_for(centre, "sell")), Refunds(centre)

    @router.post("/accounts/{account}/refunds", status_code=201)
    def ask(account: str, body: RefundIn, by: Annotated[Actor, sells], key: Key = "") -> RefundOut:
        """Ask for unused credit. Nothing is paid before the money is back at the centre."""
        order = RefundOrder(
            key=named_key(key),
            account=account,
            amount=body.amount,
            method=body.method,
            reason=body.reason,
            wallet=body.wallet,
            wait=True,
        )
        return _answer(refunds.ask(order, by))

    @router.post("/refunds/{refund}/payment", status_code=201)
    def pay(refund: str, by: Annotated[Actor, sells], key: Key = "") -> RefundOut:
        """The money was handed out."""
        return _answer(refunds.pay(RefundStep(key=named_key(key), refund=refund), by))

    @router.post("/refunds/{refund}/return", status_code=201)
    def give_back(refund: str, by: Annotated[Actor, sells], key: Key = "") -> RefundOut:
        """It is not paid out after all: the credit goes back to the wallet."""
        return _answer(refunds.give_back(RefundStep(key=named_key(key), refund=refund), by))

    @router.post("/refunds/{refund}/withdrawal", status_code=202)
    def withdraw(refund: str, by: Annotated[Actor, sells], key: Key = "") -> RefundOut:
        """Take back what was asked of the box, if it has not answered yet."""
        return _answer(refunds.withdraw(RefundStep(key=named_key(key), refund=refund), by))


def _read_routes(router: APIRouter, centre: Centre) -> None:
    reads, sights = Depends(asks_for(centre, "read")), Sights(centre)

    @router.get("/refunds")
    def newest(
        by: Annotated[Actor, reads],
        after: After = "",
        limit: Limit = PAGE,
        account: Annotated[str | None, Query(max_length=64)] = None,
        *,
        unsettled: bool = False,
    ) -> Page[RefundDetail]:
        """Refunds, newest first: of the site or of one account, all or those neither paid nor given back."""
        within, behind = sights.within(by), place(after, int, str)
        with centre.store.read() as unit:
            rows = unit.programs.refunds(account, behind, limit + 1, unsettled=unsettled, within=within)
        return page_of(rows, limit, lambda row: (row.fact.asked_at_ms, row.fact.refund), _detail)

    @router.get("/refunds/{refund}")
    def one(request: Request, refund: str) -> RefundDetail:
        """One refund and how far it has come. A token that may sell and not read sees its own."""
        only, _ = own_operator(centre, request, None)
        with centre.store.read() as unit:
            found = unit.money.refund(refund)
        if found is None or only not in (None, found.fact.operator):
            raise NotFound("refund", refund)
        return _detail(found)


def named_key(key: str) -> str:
    """The Idempotency-Key of a step. Raises ApiProblem where it is missing."""
    if not key.strip():
        text = "a header that names this step, made once and sent again with every retry"
        raise ApiProblem(400, "Idempotency-Key is needed", errors=[field_error("Idempotency-Key", "", text)])
    return key


def _answer(answer: RefundAnswer) -> RefundOut:
    return RefundOut(
        id=answer.refund, state=answer.state, payable_micro=answer.payable_micro, paid_micro=answer.paid_micro
    )


def _detail(refund: Refund) -> RefundDetail:
    fact = refund.fact
    return RefundDetail(
        id=fact.refund,
        state=refund.state,
        payable_micro=refund.given_micro - fact.settled_micro,
        paid_micro=fact.settled_micro if fact.settled == "paid" else 0,
        account=fact.account,
        wallet=fact.wallet,
        method=fact.method,
        wanted_micro=fact.wanted_micro,
        operator=fact.operator,
        asked_at=fact.asked_at_ms,
        box_reason=refund.reclaim.reason if refund.reclaim is not None else None,
    )
