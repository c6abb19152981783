"""Rows of second persons, adjustments, closings, moves, meters that were changed, and wallets settled at the centre."""

from collections.abc import Iterable
from dataclasses import asdict
from typing import Any

import msgspec
import peewee as pw

from cloud_server.core.contracts import (
    Adjustment,
    Closing,
    ClosingFact,
    CreditMove,
    MeterBinding,
    MeterChange,
    WalletSettlement,
)
from cloud_server.core.money_requests import ReclaimState
from cloud_server.core.second_person import Maker, SecondRequest
from cloud_server.store import tables_fleet as tf
from cloud_server.store import tables_money as tm
from cloud_server.store import tables_office as t
from cloud_server.store.money_rows import MoneyRows
from cloud_server.store.rows import Rows, pieces


class ContractRows(Rows):
    """What people asked of accounts, wallets and meters."""

    # --- second persons -----------------------------------------------------------------------------------------

    def add_request(self, request: SecondRequest) -> None:
        """Store a step that waits for its checker."""
        self._insert(t.SecondRequest, [_request_row(request)])

    def save_request(self, request: SecondRequest) -> None:
        """Write how it ended."""
        mine = (t.SecondRequest.site == self._site) & (t.SecondRequest.request == request.request)
        self._run(t.SecondRequest.update(_request_row(request)).where(mine))

    def request(self, request: str) -> SecondRequest | None:
        """One request."""
        row = self._one(self._of(t.SecondRequest).where(t.SecondRequest.request == request))
        return request_from_row(row) if row is not None else None

    def requests(self, limit: int, *, waiting_only: bool = False) -> list[SecondRequest]:
        """The newest requests."""
        query = self._of(t.SecondRequest)
        if waiting_only:
            query = query.where(t.SecondRequest.state == "waits")
        newest = query.order_by(t.SecondRequest.asked_at_ms.desc(), t.SecondRequest.request.desc())
        return [request_from_row(row) for row in self._all(newest.limit(limit))]

    # --- adjustments --------------------------------------------------------------------------------------------

    def add_adjustment(self, adjustment: Adjustment) -> None:
        """Store an adjustment."""
        row = asdict(adjustment)
        self._insert(t.Adjustment, [row | {"grant_id": row.pop("grant")}])

    def adjustments(self, limit: int, account: str | None = None) -> list[Adjustment]:
        """The newest adjustments, of the site or of one account."""
        query = self._of(t.Adjustment)
        if account is not None:
            query = query.where(t.Adjustment.account == account)
        newest = query.order_by(t.Adjustment.made_at_ms.desc(), t.Adjustment.adjustment.desc()).limit(limit)
        return [adjustment_from_row(row) for row in self._all(newest)]

    # --- closings -----------------------------------------------------------------------------------------------

    def add_closing(self, closing: ClosingFact) -> None:
        """Store a new closing."""
        self._insert(t.Closing, [asdict(closing)])

    def save_closing(self, closing: ClosingFact) -> None:
        """Write how far it has come."""
        mine = (t.Closing.site == self._site) & (t.Closing.closing == closing.closing)
        self._run(t.Closing.update(asdict(closing)).where(mine))

    def ask_wallet(self, closing: str, wallet: str, reclaim: str) -> None:
        """Name the newest request of a closing to a wallet's box."""
        row = {"closing": closing, "wallet": wallet, "reclaim": reclaim}
        self._put(t.ClosingWallet, ("closing", "wallet"), [row])

    def closing(self, closing: str) -> Closing | None:
        """One closing with its requests."""
        found = self._closings(self._of(t.Closing).where(t.Closing.closing == closing))
        return found[0] if found else None

    def closing_of_account(self, account: str) -> Closing | None:
        """The newest closing of an account."""
        query = self._of(t.Closing).where(t.Closing.account == account)
        found = self._closings(query.order_by(t.Closing.asked_at_ms.desc(), t.Closing.closing.desc()).limit(1))
        return found[0] if found else None

    def open_closings(self) -> list[Closing]:
        """Closings that were neither settled nor cancelled, oldest first."""
        which = t.Closing.settled_at_ms.is_null() & t.Closing.cancelled_at_ms.is_null()
        return self._closings(self._of(t.Closing).where(which).order_by(t.Closing.asked_at_ms, t.Closing.closing))

    def tenants_to_come(self) -> list[Closing]:
        """Closings behind which an account opens on the same meters that has not been opened."""
        which = t.Closing.next_tenant.is_null(False) & t.Closing.next_account.is_null()
        query = self._of(t.Closing).where(which & t.Closing.cancelled_at_ms.is_null())
        return self._closings(query.order_by(t.Closing.asked_at_ms, t.Closing.closing))

    def all_closings(self) -> list[Closing]:
        """Every closing there was, oldest first."""
        return self._closings(self._of(t.Closing).order_by(t.Closing.asked_at_ms, t.Closing.closing))

    def _closings(self, query: Any) -> list[Closing]:
        facts = [ClosingFact(**row) for row in self._all(query)]
        named = self._tuples(
            self._of(t.ClosingWallet, t.ClosingWallet.closing, t.ClosingWallet.reclaim)
            .where(t.ClosingWallet.closing.in_([fact.closing for fact in facts]))
            .order_by(t.ClosingWallet.wallet)
        )
        requests = MoneyRows(self._database, self._site).reclaims(reclaim for _, reclaim in named)
        return [
            Closing(fact, tuple(requests[reclaim] for closing, reclaim in named if closing == fact.closing))
            for fact in facts
        ]

    def close_wallet(self, wallet: str) -> None:
        """The wallet is closed for ever."""
        self._run(tf.Wallet.update(state="closed").where((tf.Wallet.site == self._site) & (tf.Wallet.wallet == wallet)))

    def set_account_state(self, account: str, state: str) -> None:
        """Write whether an account is in use, closing or closed; its wallets that are not closed follow."""
        mine = (tf.Account.site == self._site) & (tf.Account.account == account)
        self._run(tf.Account.update(state=state).where(mine))
        wallets = (tf.Wallet.site == self._site) & (tf.Wallet.account == account) & (tf.Wallet.state != "closed")
        self._run(tf.Wallet.update(state=state).where(wallets))

    # --- wallets settled at the centre --------------------------------------------------------------------------

    def add_settlement(self, settlement: WalletSettlement) -> None:
        """Store what the centre took over from a wallet."""
        self._insert(t.WalletSettlement, [asdict(settlement)])

    def settlements(self, wallets: Iterable[str]) -> dict[str, WalletSettlement]:
        """What was taken over, by wallet."""
        found: dict[str, WalletSettlement] = {}
        for names in pieces(wallets):
            rows = self._all(self._of(t.WalletSettlement).where(t.WalletSettlement.wallet.in_(names)))
            found |= {row["wallet"]: WalletSettlement(**row) for row in rows}
        return found

    # --- moves --------------------------------------------------------------------------------------------------

    def add_move(self, move: CreditMove) -> None:
        """Store a move of credit."""
        row = asdict(move)
        self._insert(t.CreditMove, [row | {"grant_id": row.pop("grant")}])

    def grant_move(self, move: str, grant: str) -> None:
        """Its credit has come back and is granted again."""
        mine = (t.CreditMove.site == self._site) & (t.CreditMove.move == move)
        self._run(t.CreditMove.update({t.CreditMove.grant_id: grant}).where(mine))

    def move(self, move: str) -> CreditMove | None:
        """One move."""
        row = self._one(self._of(t.CreditMove).where(t.CreditMove.move == move))
        return move_from_row(row) if row is not None else None

    def moves(self, limit: int, account: str | None = None) -> list[CreditMove]:
        """The newest moves, of the site or of one account."""
        query = self._of(t.CreditMove)
        if account is not None:
            query = query.where(t.CreditMove.account == account)
        newest = query.order_by(t.CreditMove.asked_at_ms.desc(), t.CreditMove.move.desc()).limit(limit)
        return [move_from_row(row) for row in self._all(newest)]

    def open_moves(self, limit: int) -> list[CreditMove]:
        """Moves whose credit was not granted again, oldest first."""
        query = self._of(t.CreditMove).where(t.CreditMove.grant_id.is_null())
        ordered = query.order_by(t.CreditMove.asked_at_ms, t.CreditMove.move).limit(limit)
        return [move_from_row(row) for row in self._all(ordered)]

    def moves_that_came_back(self) -> list[CreditMove]:
        """Moves whose credit is at the centre and not granted again yet, oldest first."""
        r = tm.ReclaimRequest
        on = (r.site == t.CreditMove.site) & (r.reclaim == t.CreditMove.reclaim)
        query = self._of(t.CreditMove).join(r, pw.JOIN.INNER, on=on)
        query = query.where(t.CreditMove.grant_id.is_null() & (r.state == ReclaimState.ANSWERED.value))
        ordered = query.order_by(t.CreditMove.asked_at_ms, t.CreditMove.move)
        return [move_from_row(row) for row in self._all(ordered)]

    # --- meters -------------------------------------------------------------------------------------------------

    def add_change(self, change: MeterChange) -> None:
        """Store a change that a box was told of."""
        self._insert(t.MeterChange, [asdict(change)])

    def save_change(self, change: MeterChange) -> None:
        """Write how it ended."""
        mine = (t.MeterChange.site == self._site) & (t.MeterChange.change == change.change)
        self._run(t.MeterChange.update(asdict(change)).where(mine))

    def change(self, change: str) -> MeterChange | None:
        """One change."""
        row = self._one(self._of(t.MeterChange).where(t.MeterChange.change == change))
        return MeterChange(**row) if row is not None else None

    def open_changes(self) -> list[MeterChange]:
        """Changes whose box has not answered, oldest first."""
        query = self._of(t.MeterChange).where(t.MeterChange.state == "asked")
        return [
            MeterChange(**row) for row in self._all(query.order_by(t.MeterChange.asked_at_ms, t.MeterChange.change))
        ]

    def refused_changes(self, since_ms: int) -> list[MeterChange]:
        """Changes that came to nothing since an instant, oldest first."""
        which = (t.MeterChange.state == "refused") & (t.MeterChange.ended_at_ms >= since_ms)
        query = self._of(t.MeterChange).where(which)
        rows = self._all(query.order_by(t.MeterChange.asked_at_ms, t.MeterChange.change))
        return [MeterChange(**row) for row in rows]

    def add_binding(self, binding: MeterBinding) -> None:
        """A meter serves its point no more."""
        self._insert(t.MeterBinding, [asdict(binding)])

    def bindings_of_point(self, point: str) -> list[MeterBinding]:
        """Meters that served a point before, newest first."""
        query = self._of(t.MeterBinding).where(t.MeterBinding.point == point)
        return [MeterBinding(**row) for row in self._all(query.order_by(t.MeterBinding.until_ms.desc()))]

    def gone_meters(self) -> set[str]:
        """Meters that left a box for good or for another."""
        return {row[0] for row in self._tuples(self._of(t.MeterBinding, t.MeterBinding.meter))}


def adjustment_from_row(row: dict[str, Any]) -> Adjustment:
    """An adjustment from its columns; takes the dictionary apart."""
    return Adjustment(grant=row.pop("grant_id"), **row)


def move_from_row(row: dict[str, Any]) -> CreditMove:
    """A move from its columns; takes the dictionary apart."""
    return CreditMove(grant=row.pop("grant_id"), **row)


def _request_row(request: SecondRequest) -> dict[str, Any]:
    row = {name: getattr(request, name) for name in SecondRequest.__dataclass_fields__}
    return row | {"maker": msgspec.json.encode(request.maker, order="sorted").decode()}


def request_from_row(row: dict[str, Any]) -> SecondRequest:
    """A request from its columns."""
    return SecondRequest(**(row | {"maker": msgspec.json.decode(row["maker"], type=Maker)}))
