"""Everything that was stored, row after row, for the checks of invariants. Reads only; holds little at a time."""

from collections.abc import Iterator, Mapping
from itertools import groupby
from typing import Any

import peewee as pw

from cloud_server.core.audit_chain import AuditEntry
from cloud_server.core.contracts import Adjustment, Closing, CreditMove, WalletSettlement
from cloud_server.core.fleet import Box, CommandFact, FoundDifference, OpenedEpoch, SaleFact, StoredBatch, WalletGrant
from cloud_server.core.invariants.evidence import KeptEnergy, KeptLedgerDay, Memory, SignedBytes, StoredEntry
from cloud_server.core.money_requests import ReclaimRequest, Refund, RefundFact, ReversalFact
from cloud_server.core.recovery import ExpectedPart
from cloud_server.core.second_person import SecondRequest
from cloud_server.core.settlement import KeptPayment, KeptSettlement
from cloud_server.core.tills import ClosedDay, DayEntry, SealedDay
from cloud_server.core.transaction import Posting
from cloud_server.store import tables_history as th
from cloud_server.store import tables_ledger as tl
from cloud_server.store import tables_memory as tr
from cloud_server.store import tables_money as tm
from cloud_server.store import tables_office as to
from cloud_server.store.audit import AuditRows
from cloud_server.store.contract_rows import ContractRows, adjustment_from_row, move_from_row, request_from_row
from cloud_server.store.energy_rows import EnergyRows
from cloud_server.store.enrolments import EnrolmentRows
from cloud_server.store.fleet import FleetRows
from cloud_server.store.ledger import grant_from_row
from cloud_server.store.money_rows import reclaim_from_row
from cloud_server.store.money_sums import MoneySums
from cloud_server.store.rows import Rows
from cloud_server.store.settlement_rows import SettlementRows
from cloud_server.store.site import SiteRows
from cloud_server.store.till_rows import TillRows, closed_day
from protocol.signing import PublicKey
from protocol.zone import site_zone

ROWS_AT_ONCE = 2_000
"""Rows fetched at a time: a few megabytes of signed lines."""


class EvidenceRows(Rows):
    """Satisfies `core.invariants.Evidence` within one reading unit of work."""

    def __init__(
        self, database: pw.Database, site: str, command_keys: Mapping[str, PublicKey], missing_guards: list[str]
    ) -> None:
        super().__init__(database, site)
        self.site = site
        self.command_keys = command_keys
        self.memory = Memory()
        self._missing_guards = missing_guards

    def missing_guards(self) -> list[str]:
        return self._missing_guards

    def entries(self) -> Iterator[StoredEntry]:
        e, p = tl.LedgerTransaction, tl.Posting
        columns = (e.transaction_id, e.kind, e.cause, e.who, e.key, e.second, e.reason, e.posting_day)
        query = self._of(e, *columns, p.account, p.amount_micro, p.posting_day).join(
            p,
            pw.JOIN.LEFT_OUTER,
            on=(p.site == e.site) & (p.transaction_id == e.transaction_id),
        )
        rows = query.order_by(e.transaction_id, p.n).tuples().iterator(self._database)
        for entry, found in groupby(rows, lambda row: row[: len(columns)]):
            yield _entry(entry, [row[len(columns) :] for row in found])

    def account_sums(self) -> dict[str, int]:
        return dict(
            self._tuples(self._of(tl.AccountBalance, tl.AccountBalance.account, tl.AccountBalance.balance_micro))
        )

    def ledger_days(self) -> Iterator[KeptLedgerDay]:
        return MoneySums(self._database, self._site).kept_days()

    def account_turnover(self) -> dict[str, tuple[int, int]]:
        return MoneySums(self._database, self._site).account_turnover()

    def boxes(self) -> list[Box]:
        return FleetRows(self._database, self._site).boxes()

    def epochs(self, box: str) -> list[OpenedEpoch]:
        return EnrolmentRows(self._database, self._site).epochs(box)

    def epoch_lines(self, box: str) -> Iterator[SignedBytes]:
        return self._lines("epoch", box)

    def command_lines(self, box: str) -> Iterator[SignedBytes]:
        return self._lines("command", box)

    def money_lines(self) -> Iterator[SignedBytes]:
        return self._lines("money", "")

    def _lines(self, type_name: str, box: str) -> Iterator[SignedBytes]:
        s = tl.SignedLine
        void = tr.VoidLine.select(tr.VoidLine.hash).where(tr.VoidLine.site == self._site)
        query = self._of(s, s.number, s.hash, s.line).where((s.type == type_name) & (s.box == box))
        query = query.where(s.hash.not_in(void))
        after = -1
        while True:
            rows = self._tuples(query.where(s.number > after).order_by(s.number).limit(ROWS_AT_ONCE))
            yield from (SignedBytes(number, line_hash, _raw(raw)) for number, line_hash, raw in rows)
            if len(rows) < ROWS_AT_ONCE:
                return
            after = rows[-1][0]

    def batches(self, box: str) -> Iterator[StoredBatch]:
        b, line = th.Batch, th.BatchLine
        on = (line.site == b.site) & (line.box == b.box) & (line.epoch == b.epoch) & (line.seq == b.seq)
        columns = (b.box, b.epoch, b.seq, b.state, b.fault, b.sealed_at_ms, b.posted_at_ms)
        query = self._of(b, *columns, line.hash, line.line, line.received_at_ms).join(line, on=on).where(b.box == box)
        epoch, seq = 0, 0
        while True:
            behind = (b.epoch > epoch) | ((b.epoch == epoch) & (b.seq > seq))
            rows = self._all(query.where(behind).order_by(b.epoch, b.seq).limit(ROWS_AT_ONCE))
            for row in rows:
                yield StoredBatch(raw=_raw(row.pop("line")), **row)
            if len(rows) < ROWS_AT_ONCE:
                return
            epoch, seq = rows[-1]["epoch"], rows[-1]["seq"]

    def commands(self, box: str) -> Iterator[CommandFact]:
        rows = self._all(self._of(tl.Command).where(tl.Command.box == box).order_by(tl.Command.seq))
        yield from (CommandFact(**row) for row in rows)

    def audit_entries(self) -> Iterator[AuditEntry]:
        return AuditRows(self._database, self._site).entries()

    def sales(self) -> Iterator[SaleFact]:
        yield from (SaleFact(**row) for row in self._all(self._of(tl.Sale).order_by(tl.Sale.sale)))

    def grants(self) -> Iterator[WalletGrant]:
        yield from map(grant_from_row, self._all(self._of(tl.WalletGrant).order_by(tl.WalletGrant.grant_id)))

    def reclaims(self) -> Iterator[ReclaimRequest]:
        r = tm.ReclaimRequest
        yield from map(reclaim_from_row, self._all(self._of(r).order_by(r.reclaim)))

    def refunds(self) -> Iterator[Refund]:
        requests = {request.reclaim: request for request in self.reclaims()}
        for row in self._all(self._of(tm.Refund).order_by(tm.Refund.refund)):
            fact = RefundFact(**row)
            yield Refund(fact, requests.get(fact.reclaim or ""))

    def reversals(self) -> Iterator[ReversalFact]:
        yield from (ReversalFact(**row) for row in self._all(self._of(tm.Reversal).order_by(tm.Reversal.reversal)))

    def receipt_counters(self) -> dict[tuple[str, int], int]:
        c = tl.ReceiptCounter
        return {(day, term): last for day, term, last in self._tuples(self._of(c, c.day, c.term, c.last))}

    def expected_parts(self) -> list[ExpectedPart]:
        e = tr.ExpectedPart
        return [ExpectedPart(**row) for row in self._all(self._of(e).order_by(e.sale, e.wallet))]

    def receipts_asked_for(self) -> set[str]:
        q = tr.RecoveryQuestion
        asked = self._of(q, q.subject).where((q.kind == "receipt") & (q.answer.is_null() | (q.answer != "found")))
        return {row[0] for row in self._tuples(asked)}

    def answered_keys(self) -> set[str]:
        return {row[0] for row in self._tuples(self._of(tl.Idempotency, tl.Idempotency.key))}

    def closed_days(self) -> list[ClosedDay]:
        d = to.DayClosed
        return [closed_day(row) for row in self._all(self._of(d).order_by(d.day))]

    def sealed_days(self) -> list[SealedDay]:
        s = to.DaySealed
        return [SealedDay(**row) for row in self._all(self._of(s).order_by(s.day))]

    def booked_days(self) -> list[str]:
        e = tl.LedgerTransaction
        return [row[0] for row in self._tuples(self._of(e, e.posting_day).distinct().order_by(e.posting_day))]

    def entries_of_day(self, day: str) -> Iterator[DayEntry]:
        return TillRows(self._database, self._site).entries_of_day(day)

    def second_requests(self) -> Iterator[SecondRequest]:
        r = to.SecondRequest
        yield from map(request_from_row, self._all(self._of(r).order_by(r.request)))

    def settlements(self) -> Iterator[WalletSettlement]:
        w = to.WalletSettlement
        yield from (WalletSettlement(**row) for row in self._all(self._of(w).order_by(w.wallet)))

    def adjustments(self) -> Iterator[Adjustment]:
        a = to.Adjustment
        yield from map(adjustment_from_row, self._all(self._of(a).order_by(a.adjustment)))

    def provider_settlements(self) -> Iterator[tuple[KeptSettlement, tuple[KeptPayment, ...]]]:
        return SettlementRows(self._database, self._site).all()

    def moves(self) -> Iterator[CreditMove]:
        m = to.CreditMove
        yield from map(move_from_row, self._all(self._of(m).order_by(m.move)))

    def closings(self) -> Iterator[Closing]:
        yield from ContractRows(self._database, self._site).all_closings()

    def energy_zone(self) -> str | None:
        return SiteRows(self._database, self._site).fact("energy_zone")

    def energy(self) -> Iterator[KeptEnergy]:
        zone = self.energy_zone()
        if zone is None:
            return
        rows = EnergyRows(self._database, self._site)
        for meter in sorted(rows.kept_meters().union(rows.interval_meters())):
            count, summed = rows.summed(meter, site_zone(zone))
            yield KeptEnergy(meter, count, summed, *rows.kept(meter))

    def findings(self) -> list[FoundDifference]:
        found = []
        for row in self._all(self._of(th.Finding)):
            for name in ("finding", "raised_at_ms"):
                row.pop(name)
            found.append(FoundDifference(**row))
        return found


def _entry(columns: tuple[Any, ...], postings: list[tuple[str | None, int, str]]) -> StoredEntry:
    """`postings`: account, amount and day; one of nothing where the entry has none."""
    transaction_id, kind, cause, who, key, second, reason, day = columns
    there = [(account, micro, under) for account, micro, under in postings if account is not None]
    return StoredEntry(
        id=transaction_id,
        kind=kind,
        cause=cause,
        who=who,
        key=key,
        second=second,
        reason=reason,
        day=day,
        postings=tuple(Posting(account, micro) for account, micro, _ in there),
        posted_days=frozenset(under for _, _, under in there),
    )


def _raw(value: bytes | str) -> bytes:
    """A line's bytes, also where somebody's hand has left a text in their place."""
    return value.encode() if isinstance(value, str) else bytes(value)
