"""Addresses that read points and accounts and sell credit, for payment gateways and other programs."""

from typing import Annotated

from fastapi import APIRouter, Depends, Header, Query

from cloud_server.api.bearer import asks_for
from cloud_server.api.bodies import (
    AccountOut,
    PointOut,
    PointsOut,
    PointState,
    SaleDetail,
    SaleIn,
    SaleOut,
    SalePartOut,
    WalletOut,
)
from cloud_server.api.problems import ApiProblem, field_error
from cloud_server.core.limits import KEY_CHARACTERS_MAX
from cloud_server.core.mistakes import NotFound
from cloud_server.core.views import AccountView, PointRow, SaleRow
from cloud_server.flows.centre import Centre
from cloud_server.flows.read_books import ReadBooks
from cloud_server.ports import Actor, Desk, LiveFeed, SaleOrder

POINTS_A_PAGE = 500


def sales_routes(centre: Centre, books: ReadBooks, desk: Desk, feed: LiveFeed) -> APIRouter:
    """Points, accounts, sales."""
    router = APIRouter(prefix="/api/v1", tags=["sales"])
    reads = Depends(asks_for(centre, "read"))
    sells = Depends(asks_for(centre, "sell"))

    @router.get("/points", dependencies=[reads])
    def points(
        after: Annotated[str, Query(max_length=64)] = "",
        limit: Annotated[int, Query(ge=1, le=2_000)] = POINTS_A_PAGE,
    ) -> PointsOut:
        """All supply points with their state, in a stable order, page by page."""
        feed.look()
        rows = sorted(books.monitor().points, key=lambda row: row.point)
        page = [row for row in rows if row.point > after][: limit + 1]
        return PointsOut(
            items=[_point(row) for row in page[:limit]],
            next=page[limit - 1].point if len(page) > limit else None,
        )

    @router.get("/accounts/{account}", dependencies=[reads])
    def account(account: str) -> AccountOut:
        """One account with its wallets and balances."""
        view = books.account(account)
        if view is None:
            raise NotFound("account", account)
        return _account(view)

    @router.post("/sales", status_code=201)
    def sell(
        sale: SaleIn,
        by: Annotated[Actor, sells],
        idempotency_key: Annotated[str, Header(max_length=KEY_CHARACTERS_MAX)] = "",
    ) -> SaleOut:
        """Sell credit. The same Idempotency-Key with the same contents gives the same answer for ever."""
        if not idempotency_key.strip():
            text = "a header that names this sale, made once and sent again with every retry"
            raise ApiProblem(400, "Idempotency-Key is needed", errors=[field_error("Idempotency-Key", "", text)])
        order = SaleOrder(
            key=idempotency_key,
            account=sale.account,
            amount=sale.amount,
            method=sale.method,
            parts=tuple((part.wallet, part.amount) for part in sale.parts) if sale.parts is not None else None,
            again=True,
        )
        row = desk.sell(order, by)
        return SaleOut(id=row.sale, receipt=row.receipt, state=row.state)

    @router.get("/sales/{sale}", dependencies=[reads])
    def one_sale(sale: str) -> SaleDetail:
        """One sale and how far it has come: sold, waiting for its box, delivered, on, refused."""
        row = books.sale(sale)
        if row is None:
            raise NotFound("sale", sale)
        return _sale(row)

    return router


def _point(row: PointRow) -> PointOut:
    return PointOut(
        id=row.point,
        number=row.number,
        name=row.name,
        building=row.building,
        box=row.box,
        meter=row.meter,
        account=row.account,
        state=_state(row),
        badges=list(row.badges),
        balance_micro=row.balance_micro,
        balance_at=row.balance_at_ms,
        relay=row.relay,
        power_w=row.power_w,
        seen_at=row.seen_at_ms,
    )


def _state(row: PointRow) -> PointState:
    if row.lost_with is not None:
        return "lost"
    return "not_opened" if row.state == "measured" else row.state


def _account(view: AccountView) -> AccountOut:
    return AccountOut(
        id=view.account,
        number=view.number,
        state=view.state,
        customer=view.customer,
        credit_micro=view.credit_micro,
        wallets=[
            WalletOut(
                id=wallet.wallet,
                box=wallet.box,
                shops=list(wallet.shops),
                balance_micro=wallet.balance_micro,
                balance_at=wallet.balance_at_ms,
                in_flight_micro=wallet.in_flight_micro,
                needs_micro=wallet.needs_micro,
                arrears=wallet.arrears_open,
                in_reach=wallet.in_reach,
            )
            for wallet in view.wallets
        ],
    )


def _sale(row: SaleRow) -> SaleDetail:
    return SaleDetail(
        id=row.sale,
        receipt=row.receipt,
        state=row.state,
        account=row.account,
        amount_micro=row.amount_micro,
        method=row.method,
        operator=row.operator,
        paid_at=row.paid_at_ms,
        delivered_at=row.delivered_at_ms,
        on_at=row.on_at_ms,
        balance_after_micro=row.balance_after_micro,
        parts=[
            SalePartOut(wallet=p.wallet, amount_micro=p.amount_micro, state=p.state, reason=p.reason) for p in row.parts
        ],
    )
