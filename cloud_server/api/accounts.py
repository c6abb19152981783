"""Addresses that show who pays: customers, accounts with their wallets, balances."""

from typing import Annotated, Literal

from fastapi import APIRouter, Depends, Query
from pydantic import BaseModel

from cloud_server.api.bearer import asks_for
from cloud_server.api.bodies import AccountOut, WalletOut
from cloud_server.api.paging import PAGE, After, Limit, Page, page_in_memory
from cloud_server.api.sight import Sights
from cloud_server.core.mistakes import NotFound
from cloud_server.core.views import AccountView
from cloud_server.flows.centre import Centre
from cloud_server.flows.look import Look
from cloud_server.flows.read_sales import account_view
from cloud_server.ports import Actor
from protocol.site_plan import CustomerPlan

IdText = Annotated[str | None, Query(max_length=64)]


class CustomerOut(BaseModel):
    """Who pays, with the accounts and the numbers for messages."""

    id: str
    name: str
    phones: list[str]
    accounts: list[str]


class BalanceOut(BaseModel):
    """Prepaid money on one box: as the box said at `balance_at`, what is on its way to it, and whether it cuts off."""

    wallet: str
    account: str
    number: str
    """Number of the account."""
    box: str
    balance_micro: int | None
    balance_at: int | None
    in_flight_micro: int
    needs_micro: int
    arrears: bool
    in_reach: bool


def account_routes(centre: Centre) -> APIRouter:
    """Customers, accounts, balances."""
    router = APIRouter(prefix="/api/v1", tags=["accounts"])
    _account_routes(router, centre, Sights(centre))
    _balance_routes(router, centre, Sights(centre))
    _customer_routes(router, centre, Sights(centre))
    return router


def _account_routes(router: APIRouter, centre: Centre, sights: Sights) -> None:
    reads = Depends(asks_for(centre, "read"))

    @router.get("/accounts")
    def accounts(
        by: Annotated[Actor, reads],
        after: After = "",
        limit: Limit = PAGE,
        customer: IdText = None,
        state: Literal["in_use", "closing", "closed"] | None = None,
    ) -> Page[AccountOut]:
        """Accounts with their wallets and balances, by id."""
        views = [view for view in _views(sights.look(by), customer) if state in (None, view.state)]
        return page_in_memory(views, after, limit, lambda view: view.account, _account)

    @router.get("/accounts/{account}")
    def one_account(account: str, by: Annotated[Actor, reads]) -> AccountOut:
        """One account with its wallets and balances."""
        look = sights.look(by)
        planned = look.site.accounts.get(account) if look is not None else None
        if look is None or planned is None:
            raise NotFound("account", account)
        return _account(account_view(look, planned))


def _balance_routes(router: APIRouter, centre: Centre, sights: Sights) -> None:
    reads = Depends(asks_for(centre, "read"))

    @router.get("/balances")
    def balances(
        by: Annotated[Actor, reads],
        after: After = "",
        limit: Limit = PAGE,
        box: IdText = None,
        *,
        arrears: bool | None = None,
    ) -> Page[BalanceOut]:
        """The balance of every wallet, by wallet."""
        rows = [
            _balance(view, wallet)
            for view in map(_account, _views(sights.look(by), None))
            for wallet in view.wallets
            if box in (None, wallet.box) and arrears in (None, wallet.arrears)
        ]
        return page_in_memory(rows, after, limit, lambda row: row.wallet, lambda row: row)


def _customer_routes(router: APIRouter, centre: Centre, sights: Sights) -> None:
    reads = Depends(asks_for(centre, "read"))

    @router.get("/customers")
    def customers(by: Annotated[Actor, reads], after: After = "", limit: Limit = PAGE) -> Page[CustomerOut]:
        """Customers, by id."""
        look = sights.look(by)
        known = look.site.plan.customers if look is not None else ()
        return page_in_memory(known, after, limit, lambda one: one.customer, lambda one: _customer(look, one))

    @router.get("/customers/{customer}")
    def one_customer(customer: str, by: Annotated[Actor, reads]) -> CustomerOut:
        """One customer."""
        look = sights.look(by)
        found = look.site.customers.get(customer) if look is not None else None
        if found is None:
            raise NotFound("customer", customer)
        return _customer(look, found)


def _views(look: Look | None, customer: str | None) -> list[AccountView]:
    if look is None:
        return []
    wanted = [one for one in look.site.plan.accounts if customer in (None, one.customer)]
    return [account_view(look, account) for account in wanted]


def _customer(look: Look | None, customer: CustomerPlan) -> CustomerOut:
    assert look is not None
    return CustomerOut(
        id=customer.customer,
        name=customer.name,
        phones=list(customer.phones),
        accounts=[one.account for one in look.site.plan.accounts if one.customer == customer.customer],
    )


def _balance(account: AccountOut, wallet: WalletOut) -> BalanceOut:
    return BalanceOut(
        wallet=wallet.id,
        account=account.id,
        number=account.number,
        box=wallet.box,
        balance_micro=wallet.balance_micro,
        balance_at=wallet.balance_at,
        in_flight_micro=wallet.in_flight_micro,
        needs_micro=wallet.needs_micro,
        arrears=wallet.arrears,
        in_reach=wallet.in_reach,
    )


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
