"""Rows of payment providers' files as they were matched: written once, read page by page."""

from collections.abc import Iterator, Sequence
from dataclasses import asdict

from cloud_server.core.settlement import KeptPayment, KeptSettlement
from cloud_server.store import tables_gateway as t
from cloud_server.store.rows import Rows


class SettlementRows(Rows):
    """Satisfies `ports.programs.SettlementBook`."""

    def add(self, kept: KeptSettlement, payments: Sequence[KeptPayment]) -> None:
        """Keep a file as it was matched, with each of its payments."""
        self._insert(t.ProviderSettlement, [asdict(kept) | {"agrees": int(kept.agrees)}])
        rows = [
            {
                "settlement": kept.settlement,
                "n": n,
                "found": payment.found,
                "transaction_name": payment.transaction,
                "ours_micro": payment.ours_micro,
                "theirs_micro": payment.theirs_micro,
                "about": payment.about,
            }
            for n, payment in enumerate(payments)
        ]
        self._insert(t.ProviderPayment, rows)

    def settlement(self, settlement: str) -> KeptSettlement | None:
        """One of them."""
        s = t.ProviderSettlement
        row = self._one(self._of(s).where(s.settlement == settlement))
        return _kept(row) if row is not None else None

    def settlements(
        self, after: Sequence[str | int] | None, limit: int, *, day: str | None, operator: str | None
    ) -> list[KeptSettlement]:
        """The newest first, by id; those of a till day or of one token where that is wanted."""
        s = t.ProviderSettlement
        query = self._of(s)
        if day is not None:
            query = query.where(s.day == day)
        if operator is not None:
            query = query.where(s.operator == operator)
        if after is not None:
            query = query.where(s.settlement < after[0])
        return [_kept(row) for row in self._all(query.order_by(s.settlement.desc()).limit(limit))]

    def payments(
        self, settlement: str, after: Sequence[str | int] | None, limit: int, *, differing_only: bool
    ) -> list[tuple[int, KeptPayment]]:
        """Payments of a file with their number in it, in the order in which they were found."""
        p = t.ProviderPayment
        query = self._of(p).where(p.settlement == settlement)
        if differing_only:
            query = query.where(p.found != "matched")
        if after is not None:
            query = query.where(p.n > after[0])
        rows = self._all(query.order_by(p.n).limit(limit))
        return [(row["n"], _payment(row)) for row in rows]

    def all(self) -> Iterator[tuple[KeptSettlement, tuple[KeptPayment, ...]]]:
        """Every one with its payments, for the checks."""
        s, p = t.ProviderSettlement, t.ProviderPayment
        for row in self._all(self._of(s).order_by(s.settlement)):
            payments = self._all(self._of(p).where(p.settlement == row["settlement"]).order_by(p.n))
            yield _kept(row), tuple(map(_payment, payments))


def _kept(row: dict[str, object]) -> KeptSettlement:
    return KeptSettlement(**(row | {"agrees": bool(row["agrees"])}))  # type: ignore[arg-type]  # columns are its fields


def _payment(row: dict[str, object]) -> KeptPayment:
    return KeptPayment(
        found=row["found"],  # type: ignore[arg-type]  # one of the closed list, as it was written
        transaction=str(row["transaction_name"]),
        ours_micro=row["ours_micro"],  # type: ignore[arg-type]  # an integer column
        theirs_micro=row["theirs_micro"],  # type: ignore[arg-type]  # an integer column
        about=str(row["about"]),
    )
