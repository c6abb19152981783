"""Addresses that sell credit and show what was sold, for payment gateways and other programs."""

from typing import Annotated

from fastapi import APIRouter, Depends, Header, Query, Request
from pydantic import BaseModel, ConfigDict, Field

from cloud_server.api.bearer import asks_for, own_operator
from cloud_server.api.bodies import SaleDetail, SaleIn, SaleOut, SalePartOut
from cloud_server.api.paging import CURSOR_CHARACTERS_MAX, PAGE, PAGE_MAX, Page, page_of, place
from cloud_server.api.refunds import named_key
from cloud_server.api.sight import Sights
from cloud_server.core.fleet import SaleFact
from cloud_server.core.limits import KEY_CHARACTERS_MAX
from cloud_server.core.mistakes import NotFound
from cloud_server.core.money_requests import ReversalFact
from cloud_server.core.views import Method, SaleRow
from cloud_server.flows.centre import Centre
from cloud_server.flows.look import Looker
from cloud_server.flows.read_sales import sale_rows
from cloud_server.ports import Actor, Desk, SaleOrder, Unit
from cloud_server.ports.programs import SalesWanted
from protocol.limits import INSTANT_MS_MAX

Key = Annotated[str, Header(alias="Idempotency-Key", max_length=KEY_CHARACTERS_MAX)]


class SalesFilter(BaseModel):
    """Which sales; what is absent is whatever it is. Instants count by when the money was taken."""

    model_config = ConfigDict(extra="forbid")

    after: str = Field(default="", max_length=CURSOR_CHARACTERS_MAX, description="`next` of the page before")
    limit: int = Field(default=PAGE, ge=1, le=PAGE_MAX)
    account: str | None = Field(default=None, max_length=64)
    operator: str | None = Field(default=None, max_length=100)
    method: Method | None = None
    day: str | None = Field(default=None, pattern=r"^\d{4}-\d\d-\d\d$")
    key: str | None = Field(default=None, max_length=KEY_CHARACTERS_MAX)
    from_ms: int | None = Field(default=None, ge=0, le=INSTANT_MS_MAX)
    to_ms: int | None = Field(default=None, ge=0, le=INSTANT_MS_MAX)


def sales_routes(centre: Centre, desk: Desk) -> APIRouter:
    """Sales: taking money, and looking at what was taken."""
    router = APIRouter(prefix="/api/v1", tags=["sales"])
    sells = Depends(asks_for(centre, "sell"))

    @router.post("/sales", status_code=201)
    def sell(sale: SaleIn, by: Annotated[Actor, sells], key: Key = "") -> SaleOut:
        """Sell credit. The same Idempotency-Key with the same contents gives the same answer for ever."""
        parts = tuple((part.wallet, part.amount) for part in sale.parts) if sale.parts is not None else None
        order = SaleOrder(
            key=named_key(key),
            account=sale.account,
            amount=sale.amount,
            method=sale.method,
            parts=parts,
            again=True,
            taken=sale.taken,
        )
        row = desk.sell(order, by)
        return SaleOut(id=row.sale, receipt=row.receipt, state=row.state)

    _read_routes(router, centre)
    return router


def _read_routes(router: APIRouter, centre: Centre) -> None:
    sights = Sights(centre)

    @router.get("/sales")
    def sales(request: Request, chosen: Annotated[SalesFilter, Query()]) -> Page[SaleDetail]:
        """Sales, newest first. A token that may sell and not read sees its own."""
        operator, by = own_operator(centre, request, chosen.operator)
        wanted = SalesWanted(
            operator=operator,
            **chosen.model_dump(include={"account", "method", "day", "key", "from_ms", "to_ms"}),
        )
        limit = chosen.limit
        with centre.store.read() as unit:
            facts, rows = _seen(unit, sights.looker(by), wanted, place(chosen.after, int, str), limit + 1)
            undone = unit.money.reversals_of_sales(row.sale for row in rows)
        keys = {fact.sale: fact for fact in facts}
        return page_of(
            rows,
            limit,
            lambda row: (row.paid_at_ms, row.sale),
            lambda row: _sale(row, keys[row.sale], undone.get(row.sale)),
        )

    @router.get("/sales/{sale}")
    def one_sale(request: Request, sale: str) -> SaleDetail:
        """One sale and how far it has come: sold, waiting for its box, delivered, on, refused, or credit."""
        only, by = own_operator(centre, request, None)
        with centre.store.read() as unit:
            facts = unit.books.sales(sale=sale)
            look = sights.looker(by).look_at_boxes(unit, _boxes_of(unit, facts))
            if look is None or not facts or only not in (None, facts[0].operator):
                raise NotFound("sale", sale)
            rows = sale_rows(look, unit, facts)
            if not rows:
                raise NotFound("sale", sale)
            row = rows[0]
            undone = unit.money.reversal_of_sale(sale)
        return _sale(row, facts[0], undone)


def _boxes_of(unit: Unit, facts: list[SaleFact]) -> set[str]:
    """The boxes that sales went to: all of a site that tells how far they have come."""
    return {grant.box for own in unit.books.grants_of_sales([fact.sale for fact in facts]).values() for grant in own}


def _seen(
    unit: Unit, looker: Looker, wanted: SalesWanted, after: tuple[str | int, ...] | None, most: int
) -> tuple[list[SaleFact], tuple[SaleRow, ...]]:
    """As many sales as fit a page of those that the caller may see: read on where some are out of sight."""
    facts: list[SaleFact] = []
    rows: tuple[SaleRow, ...] = ()
    while True:
        more = unit.programs.sales(wanted, after, most)
        look = looker.look_at_boxes(unit, _boxes_of(unit, more))
        if look is None:
            break
        facts += more
        rows += sale_rows(look, unit, more)
        if len(more) < most or len(rows) >= most:
            break
        after = (more[-1].paid_at_ms, more[-1].sale)
    return facts, rows[:most]


def _sale(row: SaleRow, fact: SaleFact, undone: ReversalFact | None) -> SaleDetail:
    return SaleDetail(
        id=row.sale,
        receipt=row.receipt,
        state=row.state,
        key=fact.key,
        account=row.account,
        amount_micro=row.amount_micro,
        method=row.method,
        operator=row.operator,
        paid_at=row.paid_at_ms,
        delivered_at=row.delivered_at_ms,
        on_at=row.on_at_ms,
        balance_after_micro=row.balance_after_micro,
        reversed_at=undone.reversed_at_ms if undone is not None else None,
        parts=[
            SalePartOut(wallet=p.wallet, amount_micro=p.amount_micro, state=p.state, reason=p.reason) for p in row.parts
        ],
    )
