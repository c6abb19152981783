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

LOOKED_THROUGH_MAX = 2_000
"""Refunds of the whole site looked through for those of somebody's own buildings: months of a large site."""


class MoneyReader:
    """Reads refunds and reversals, each call from one look."""

    def __init__(self, centre: Centre) -> None:
        self._centre = centre
        self._looker = Looker(centre)

    def refund(self, refund: Id) -> RefundRow | None:
        """One refund, None where there is none."""
        with self._centre.store.read() as unit:
            look, found = self._looker.look(unit), unit.money.refund(refund)
        if look is None or found is None or found.fact.account not in look.site.accounts:
            return None
        return _row(look, found)

    def refunds(self, limit: int, *, open_only: bool = False) -> tuple[RefundRow, ...]:
        """The newest refunds; with `open_only` those that somebody still has to see to."""
        with self._centre.store.read() as unit:
            look = self._looker.look(unit)
            most = limit if self._centre.territory.is_whole else max(limit, LOOKED_THROUGH_MAX)
            found = unit.money.refunds(most, unsettled_only=open_only)
        if look is None:
            return ()
        seen = [refund for refund in found if refund.fact.account in look.site.accounts]
        return tuple(_row(look, refund) for refund in seen if refund.is_open or not open_only)[:limit]

    def refunds_of_account(self, account: Id) -> tuple[RefundRow, ...]:
        """All refunds of an account, newest first."""
        with self._centre.store.read() as unit:
            look, found = self._looker.look(unit), unit.money.refunds_of_account(account)
        return tuple(_row(look, refund) for refund in found if look is not None and account in look.site.accounts)

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
        box_name=_box_name(look, request.box) if request is not None else "",
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


def _box_name(look: Look, box: Id) -> str:
    found = look.site.boxes.get(box)
    return found.name if found is not None else ""
