"""Addresses that only a payment gateway needs: what may be paid, and whether a day's money agrees.

The whole way stands in docs/payment-gateway.md.
"""

import hashlib
from typing import Annotated, Any, Final

from fastapi import APIRouter, Depends, Query, Request
from pydantic import BaseModel
from starlette.concurrency import run_in_threadpool

from cloud_server.api.bearer import asks_for, own_operator
from cloud_server.api.paging import PAGE, After, Limit, Page, page_of, place
from cloud_server.api.problems import ApiProblem, field_error
from cloud_server.core.mistakes import Mistaken, NotFound
from cloud_server.core.settlement import Found, KeptPayment, KeptSettlement, Payment
from cloud_server.core.views import Method
from cloud_server.flows.centre import Centre
from cloud_server.flows.gateway import Quote, quote, settle_day
from cloud_server.flows.settlement_file import read_file
from cloud_server.ports import Actor

CSV_TYPE: Final = "text/csv"
EXAMPLE: Final = "transaction,amount\r\nwx-20261122-0001,100.00\r\nwx-20261122-0001,-100.00\r\n"
DayFilter = Annotated[str | None, Query(pattern=r"^\d{4}-\d\d-\d\d$", description="the till day")]
Day = Annotated[str, Query(pattern=r"^\d{4}-\d\d-\d\d$", description="the till day")]


class QuoteOut(BaseModel):
    """Whether an account can be paid for now. A sale of this token from `least_micro` to `greatest_micro` is taken."""

    account: str
    payable: bool
    why: str
    least_micro: int
    greatest_micro: int
    name: str
    shops: list[str]
    wallets: list[str]


class PaymentOut(BaseModel):
    """One movement of money; `about` is the sale, reversal or refund here."""

    transaction: str
    amount_micro: int
    about: str


class DifferenceOut(BaseModel):
    """A payment that both sides have with different amounts."""

    transaction: str
    ours_micro: int
    theirs_micro: int
    about: str


class SettlementHead(BaseModel):
    """A provider's file as it was matched: whose, when, which file, and how many payments were found where."""

    id: str
    day: str
    method: str
    till: str
    matched_at: int
    file_sha256: str
    agrees: bool
    matched: int
    differing: int
    ours_only: int
    theirs_only: int
    ours_micro: int
    theirs_micro: int


class SettlementPayment(BaseModel):
    """One payment of it; `found` says on which side, `about` names the sale, reversal or refund here."""

    found: Found
    transaction: str
    ours_micro: int | None
    theirs_micro: int | None
    about: str


class SettlementOut(BaseModel):
    """A day of a till beside the provider's file. `agrees` where all three lists of differences are empty."""

    id: str
    file_sha256: str
    day: str
    till: str
    agrees: bool
    matched: int
    ours_micro: int
    theirs_micro: int
    differing: list[DifferenceOut]
    ours_only: list[PaymentOut]
    theirs_only: list[PaymentOut]


def gateway_routes(centre: Centre) -> APIRouter:
    """Quote and settlement."""
    router = APIRouter(prefix="/api/v1", tags=["payment gateway"])
    sells = Depends(asks_for(centre, "sell"))

    @router.get("/accounts/{account}/quote")
    def ask(account: str, by: Annotated[Actor, sells]) -> QuoteOut:
        """Before money is taken: is the account payable, what may one payment be, and whose is it."""
        found = quote(centre, account, by)
        if found is None:
            raise NotFound("account", account)
        return _quote(found)

    file: dict[str, Any] = {
        "requestBody": {
            "required": True,
            "content": {CSV_TYPE: {"schema": {"type": "string"}, "example": EXAMPLE}},
        }
    }

    @router.post("/settlements", openapi_extra=file)
    async def settle(request: Request, day: Day, method: Method, by: Annotated[Actor, sells]) -> SettlementOut:
        """Match the provider's file of a till day (CSV with `transaction` and `amount`; paid back: below zero)."""
        raw = await request.body()
        return await run_in_threadpool(_settle, centre, by, method, day, raw)

    _keep_settlements(router, centre)
    return router


def _keep_settlements(router: APIRouter, centre: Centre) -> None:
    """What came of files that were matched before; a token that sells sees its own."""

    @router.get("/settlements")
    def settlements(
        request: Request, day: DayFilter = None, after: After = "", limit: Limit = PAGE
    ) -> Page[SettlementHead]:
        """Files that were matched, newest first."""
        own, _ = own_operator(centre, request, None)
        with centre.store.read() as unit:
            rows = unit.settlements.settlements(place(after, str), limit + 1, day=day, operator=own)
        return page_of(rows, limit, lambda row: (row.settlement,), _head)

    @router.get("/settlements/{settlement}")
    def settlement(request: Request, settlement: str) -> SettlementHead:
        """One of them."""
        return _head(_own(centre, request, settlement))

    @router.get("/settlements/{settlement}/payments")
    def payments(
        request: Request,
        settlement: str,
        differing_only: bool = False,
        after: After = "",
        limit: Limit = PAGE,
    ) -> Page[SettlementPayment]:
        """Its payments: what differs first, then what matched."""
        _own(centre, request, settlement)
        with centre.store.read() as unit:
            behind = place(after, int)
            rows = unit.settlements.payments(settlement, behind, limit + 1, differing_only=differing_only)
        return page_of(rows, limit, lambda row: (row[0],), lambda row: _kept_payment(row[1]))


def _own(centre: Centre, request: Request, settlement: str) -> KeptSettlement:
    """One that the token may see. Raises NotFound."""
    own, _ = own_operator(centre, request, None)
    with centre.store.read() as unit:
        found = unit.settlements.settlement(settlement)
    if found is None or own not in (None, found.operator):
        raise NotFound("settlement", settlement)
    return found


def _head(kept: KeptSettlement) -> SettlementHead:
    return SettlementHead(
        id=kept.settlement,
        day=kept.day,
        method=kept.method,
        till=f"till/{kept.operator}/{kept.method}",
        matched_at=kept.matched_at_ms,
        file_sha256=kept.file_sha256,
        agrees=kept.agrees,
        matched=kept.matched,
        differing=kept.differing,
        ours_only=kept.ours_only,
        theirs_only=kept.theirs_only,
        ours_micro=kept.ours_micro,
        theirs_micro=kept.theirs_micro,
    )


def _kept_payment(one: KeptPayment) -> SettlementPayment:
    return SettlementPayment(
        found=one.found,
        transaction=one.transaction,
        ours_micro=one.ours_micro,
        theirs_micro=one.theirs_micro,
        about=one.about,
    )


def _settle(centre: Centre, by: Actor, method: Method, day: str, raw: bytes) -> SettlementOut:
    try:
        centre.bounds_of_day(day)
    except (ValueError, OverflowError):
        error = field_error("day", day, "a day of the calendar")
        raise ApiProblem(422, "The request cannot be taken", errors=[error]) from None
    try:
        theirs, wrong = read_file(raw.decode("utf-8"))
    except UnicodeDecodeError:
        error = field_error("body", "", "a CSV file in UTF-8")
        raise ApiProblem(422, "The file cannot be read", errors=[error]) from None
    if wrong:
        raise Mistaken(wrong)
    kept, found = settle_day(centre, by, method, day, theirs, hashlib.sha256(raw).hexdigest())
    return SettlementOut(
        id=kept.settlement,
        file_sha256=kept.file_sha256,
        day=day,
        till=f"till/{by.name}/{method}",
        agrees=found.agrees,
        matched=len(found.matched),
        ours_micro=found.ours_micro,
        theirs_micro=found.theirs_micro,
        differing=[
            DifferenceOut(
                transaction=one.transaction, ours_micro=one.ours_micro, theirs_micro=one.theirs_micro, about=one.about
            )
            for one in found.differing
        ],
        ours_only=[_payment(one) for one in found.ours_only],
        theirs_only=[_payment(one) for one in found.theirs_only],
    )


def _payment(one: Payment) -> PaymentOut:
    return PaymentOut(transaction=one.transaction, amount_micro=one.amount_micro, about=one.about)


def _quote(found: Quote) -> QuoteOut:
    return QuoteOut(
        account=found.account,
        payable=found.payable,
        why=found.why,
        least_micro=found.least_micro,
        greatest_micro=found.greatest_micro,
        name=found.name,
        shops=list(found.shops),
        wallets=list(found.wallets),
    )
