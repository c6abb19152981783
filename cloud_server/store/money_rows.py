"""Rows of credit asked back, of refunds and of reversals."""

from collections.abc import Iterable
from dataclasses import asdict
from typing import Any

import peewee as pw

from cloud_server.core.fleet import GrantState
from cloud_server.core.money_requests import ReclaimRequest, ReclaimState, Refund, RefundFact, ReversalFact
from cloud_server.store import tables_history as th
from cloud_server.store import tables_ledger as tl
from cloud_server.store import tables_money as t
from cloud_server.store.rows import Rows, pieces


class MoneyRows(Rows):
    """What people asked of money that was already taken in."""

    # --- reclaims -----------------------------------------------------------------------------------------------

    def add_reclaim(self, request: ReclaimRequest) -> None:
        """Store a new request."""
        self._insert(t.ReclaimRequest, [_reclaim_row(request)])

    def save_reclaim(self, request: ReclaimRequest) -> None:
        """Write how far a request has come."""
        mine = (t.ReclaimRequest.site == self._site) & (t.ReclaimRequest.reclaim == request.reclaim)
        self._run(t.ReclaimRequest.update(_reclaim_row(request)).where(mine))

    def reclaims(self, reclaims: Iterable[str]) -> dict[str, ReclaimRequest]:
        """Requests by their ids, as far as they exist."""
        found: dict[str, ReclaimRequest] = {}
        for names in pieces(reclaims):
            rows = self._all(self._of(t.ReclaimRequest).where(t.ReclaimRequest.reclaim.in_(names)))
            found |= {request.reclaim: request for request in map(reclaim_from_row, rows)}
        return found

    def reclaim_of_command(self, box: str, command: int) -> ReclaimRequest | None:
        """The request that a command carries."""
        which = (t.ReclaimRequest.box == box) & (t.ReclaimRequest.command == command)
        row = self._one(self._of(t.ReclaimRequest).where(which))
        return reclaim_from_row(row) if row is not None else None

    def waiting_reclaims(self, box: str) -> list[ReclaimRequest]:
        """Requests that were not signed yet, oldest first."""
        which = (t.ReclaimRequest.box == box) & (t.ReclaimRequest.state == ReclaimState.WAITING.value)
        query = self._of(t.ReclaimRequest).where(which)
        return [
            reclaim_from_row(row)
            for row in self._all(query.order_by(t.ReclaimRequest.made_at_ms, t.ReclaimRequest.reclaim))
        ]

    def open_reclaims(self, wallet: str) -> list[ReclaimRequest]:
        """Requests to a wallet whose answer is still to come, oldest first."""
        states = [ReclaimState.WAITING.value, ReclaimState.ASKED.value]
        which = (t.ReclaimRequest.wallet == wallet) & t.ReclaimRequest.state.in_(states)
        query = self._of(t.ReclaimRequest).where(which)
        return [
            reclaim_from_row(row)
            for row in self._all(query.order_by(t.ReclaimRequest.made_at_ms, t.ReclaimRequest.reclaim))
        ]

    def has_open_reclaim(self, wallet: str) -> bool:
        """Whether an answer for this wallet is still to come."""
        states = [ReclaimState.WAITING.value, ReclaimState.ASKED.value]
        which = (t.ReclaimRequest.wallet == wallet) & t.ReclaimRequest.state.in_(states)
        return self._one(self._of(t.ReclaimRequest).where(which)) is not None

    def has_finding(self, wallet: str) -> bool:
        """Whether the books and the box differ on this wallet."""
        return self._one(self._of(th.Finding).where(th.Finding.wallet == wallet)) is not None

    def waiting_micro(self, account: str) -> int:
        """What the grants of an account that are not signed yet come to."""
        which = (tl.WalletGrant.account == account) & (tl.WalletGrant.state == GrantState.WAITING.value)
        rows = self._tuples(self._of(tl.WalletGrant, pw.fn.SUM(tl.WalletGrant.amount_micro)).where(which))
        return int(rows[0][0] or 0)

    # --- refunds ------------------------------------------------------------------------------------------------

    def add_refund(self, refund: RefundFact) -> None:
        """Store a new refund."""
        self._insert(t.Refund, [asdict(refund)])

    def save_refund(self, refund: RefundFact) -> None:
        """Write how a refund ended."""
        changed = {
            "settled": refund.settled,
            "settled_micro": refund.settled_micro,
            "settled_at_ms": refund.settled_at_ms,
            "settled_by": refund.settled_by,
        }
        mine = (t.Refund.site == self._site) & (t.Refund.refund == refund.refund)
        self._run(t.Refund.update(changed).where(mine))

    def refund(self, refund: str) -> Refund | None:
        """One refund with its request."""
        found = self._refunds(self._of(t.Refund).where(t.Refund.refund == refund))
        return found[0] if found else None

    def refunds_of_account(self, account: str) -> list[Refund]:
        """All refunds of an account, newest first."""
        query = self._of(t.Refund).where(t.Refund.account == account)
        return self._refunds(query.order_by(t.Refund.asked_at_ms.desc(), t.Refund.refund.desc()))

    def refunds(self, limit: int, *, unsettled_only: bool = False) -> list[Refund]:
        """The newest refunds."""
        query = self._of(t.Refund)
        if unsettled_only:
            query = query.where(t.Refund.settled.is_null())
        return self._refunds(query.order_by(t.Refund.asked_at_ms.desc(), t.Refund.refund.desc()).limit(limit))

    def _refunds(self, query: Any) -> list[Refund]:
        facts = [RefundFact(**row) for row in self._all(query)]
        requests = self.reclaims(fact.reclaim for fact in facts if fact.reclaim is not None)
        return [Refund(fact, requests.get(fact.reclaim or "")) for fact in facts]

    # --- reversals ----------------------------------------------------------------------------------------------

    def add_reversal(self, reversal: ReversalFact) -> None:
        """Store a reversal."""
        self._insert(t.Reversal, [asdict(reversal)])

    def reversals_of_sales(self, sales: Iterable[str]) -> dict[str, ReversalFact]:
        """The reversals of those of the sales that were reversed."""
        found: dict[str, ReversalFact] = {}
        for names in pieces(sales):
            rows = self._all(self._of(t.Reversal).where(t.Reversal.sale.in_(names)))
            found |= {row["sale"]: ReversalFact(**row) for row in rows}
        return found

    def reversal_of_sale(self, sale: str) -> ReversalFact | None:
        """The reversal of a sale."""
        row = self._one(self._of(t.Reversal).where(t.Reversal.sale == sale))
        return ReversalFact(**row) if row is not None else None


def _reclaim_row(request: ReclaimRequest) -> dict[str, Any]:
    return asdict(request) | {"state": request.state.value}


def reclaim_from_row(row: dict[str, Any]) -> ReclaimRequest:
    """A request from its columns."""
    return ReclaimRequest(**(row | {"state": ReclaimState(row["state"])}))
