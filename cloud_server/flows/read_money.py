"""Refunds and reversals as pages show them. Satisfies `ports.money.MoneyBooks`."""

from collections.abc import Iterable
from typing import cast

from cloud_server.core.money_requests import Refund, ReversalFact
from cloud_server.core.money_views import RefundRow
from cloud_server.core.views import Method
from cloud_server.flows.centre import Centre
from cloud_server.flows.look import Look, Looker
from protocol.ids import Id
from protocol.records import RefusalReason


class MoneyReader:
    """Reads refunds and reversals, each call from one look."""

    def __init__(self, centre: Centre) -> None:
        self._centre = centre
        self._looker = Looker(centre)

    def refund(self, refund: Id) -> RefundRow | None:
        """One refund, None where there is none."""
        with self._centre.store.read() as unit:
            look, found = self._looker.look(unit), unit.money.refund(refund)
        return _row(look, found) if look is not None and found is not None else None

    def refunds(self, limit: int, *, open_only: bool = False) -> tuple[RefundRow, ...]:
        """The newest refunds; with `open_only` those that somebody still has to see to."""
        with self._centre.store.read() as unit:
            look = self._looker.look(unit)
            found = unit.money.refunds(limit, unsettled_only=open_only)
        if look is None:
            return ()
        return tuple(_row(look, refund) for refund in found if refund.is_open or not open_only)

    def refunds_of_account(self, account: Id) -> tuple[RefundRow, ...]:
        """All refunds of an account, newest first."""
        with self._centre.store.read() as unit:
            look, found = self._looker.look(unit), unit.money.refunds_of_account(account)
        return tuple(_row(look, refund) for refund in found) if look is not None else ()

    def reversals(self, sales: Iterable[Id]) -> dict[Id, ReversalFact]:
        """The reversals of those of the sales that were reversed."""
        with self._centre.store.read() as unit:
            return unit.money.reversals_of_sales(sales)


def _row(look: Look, refund: Refund) -> RefundRow:
    fact, request = refund.fact, refund.reclaim
    account = look.site.accounts[fact.account]
    wallet = look.site.wallets.get(fact.wallet or "")
    wallets = (wallet,) if wallet is not None else look.site.wallets_of.get(fact.account, ())
    return RefundRow(
        refund=fact.refund,
        account=fact.account,
        account_number=account.number,
        customer=look.site.customers[account.customer].name,
        shops=tuple(shop for one in wallets for shop in look.site.shops(one)),
        box_name=look.site.boxes[request.box].name if request is not None else "",
        method=cast(Method, fact.method),
        wanted_micro=fact.wanted_micro,
        centre_micro=fact.centre_micro,
        given_micro=refund.given_micro,
        state=refund.state,
        operator=fact.operator,
        second=fact.second,
        reason=fact.reason or "",
        asked_at_ms=fact.asked_at_ms,
        settled_micro=fact.settled_micro,
        settled_at_ms=fact.settled_at_ms,
        settled_by=fact.settled_by,
        box_reason=cast(RefusalReason | None, request.reason) if request is not None else None,
        box_in_reach=request is not None and look.in_reach(request.box),
    )
