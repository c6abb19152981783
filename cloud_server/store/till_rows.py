"""Rows of tills and posting days."""

from collections.abc import Iterator
from typing import Any

import msgspec
import peewee as pw

from cloud_server.core.tills import ClosedDay, DayEntry, SealedDay, TillShift
from cloud_server.store import tables_ledger as tl
from cloud_server.store import tables_office as t
from cloud_server.store.rows import Rows, Scope
from cloud_server.store.site import SiteRows


class TillRows(Rows):
    """Shifts, and days that are closed and sealed."""

    # --- shifts -------------------------------------------------------------------------------------------------

    def add_shift(self, shift: TillShift) -> None:
        """Store a shift that was opened, or counted without having been opened."""
        self._insert(t.TillShift, [_shift_row(shift)])

    def save_shift(self, shift: TillShift) -> None:
        """Write how a shift ended."""
        mine = (t.TillShift.site == self._site) & (t.TillShift.shift == shift.shift)
        self._run(t.TillShift.update(_shift_row(shift)).where(mine))

    def open_shift(self, operator: str) -> TillShift | None:
        """The shift that an operator opened and did not close."""
        which = (t.TillShift.operator == operator) & t.TillShift.closed_at_ms.is_null()
        row = self._one(self._of(t.TillShift).where(which))
        return _shift(row) if row is not None else None

    def open_shifts(self) -> list[TillShift]:
        """All shifts that are open, oldest first."""
        query = self._of(t.TillShift).where(t.TillShift.closed_at_ms.is_null())
        return [_shift(row) for row in self._all(query.order_by(t.TillShift.opened_at_ms, t.TillShift.shift))]

    def shift(self, shift: str) -> TillShift | None:
        """One shift."""
        row = self._one(self._of(t.TillShift).where(t.TillShift.shift == shift))
        return _shift(row) if row is not None else None

    def shifts_of_day(self, day: str) -> list[TillShift]:
        """Shifts that were closed under a posting day."""
        query = self._of(t.TillShift).where(t.TillShift.closed_day == day)
        return [_shift(row) for row in self._all(query.order_by(t.TillShift.closed_at_ms, t.TillShift.shift))]

    def closed_since(self, operator: str, at_ms: int) -> TillShift | None:
        """A shift of an operator that was counted and closed at or after an instant."""
        which = (t.TillShift.operator == operator) & (t.TillShift.closed_at_ms >= at_ms)
        row = self._one(self._of(t.TillShift).where(which).order_by(t.TillShift.closed_at_ms))
        return _shift(row) if row is not None else None

    def till_operators(self) -> list[str]:
        """Everybody whose till does not stand at nothing."""
        b = tl.AccountBalance
        rows = self._tuples(self._of(b, b.account).where(b.account.startswith("till/") & (b.balance_micro != 0)))
        return sorted({row[0].split("/")[1] for row in rows})

    # --- days ---------------------------------------------------------------------------------------------------

    def last_closed_day(self) -> str | None:
        """The last posting day that is closed; all before it are too."""
        return self._memory.known(("last_closed_day", self._site), self._stored_last_closed_day)

    def _stored_last_closed_day(self) -> str | None:
        if self._scope is Scope.BOX:
            # What a box told is being booked under a day: none is closed until that is committed.
            SiteRows(self._database, self._site, self._scope).lock_days(shared=True)
        rows = self._tuples(self._of(t.DayClosed, pw.fn.MAX(t.DayClosed.day)))
        return rows[0][0] if rows else None

    def add_closed_day(self, closed: ClosedDay) -> None:
        """Close a day for ever."""
        SiteRows(self._database, self._site).lock_days(shared=False)
        row = {name: getattr(closed, name) for name in ("day", "closed_at_ms", "who", "key", "receipts")}
        self._insert(t.DayClosed, [row | {"open_tills": msgspec.json.encode(closed.open_tills).decode()}])

    def closed_day(self, day: str) -> ClosedDay | None:
        """One closed day."""
        row = self._one(self._of(t.DayClosed).where(t.DayClosed.day == day))
        return closed_day(row) if row is not None else None

    def closed_days(self, limit: int) -> list[ClosedDay]:
        """The newest closed days."""
        return [
            closed_day(row) for row in self._all(self._of(t.DayClosed).order_by(t.DayClosed.day.desc()).limit(limit))
        ]

    def unsealed_days(self) -> list[ClosedDay]:
        """Days that are closed and not sealed, oldest first."""
        s = t.DaySealed
        sealed = s.select(s.day).where(s.site == self._site)
        query = self._of(t.DayClosed).where(t.DayClosed.day.not_in(sealed)).order_by(t.DayClosed.day)
        return [closed_day(row) for row in self._all(query)]

    def add_sealed_day(self, sealed: SealedDay) -> None:
        """Keep what a closed day holds."""
        names = ("day", "entries", "digest", "breaches", "audit_number", "sealed_at_ms")
        self._insert(t.DaySealed, [{name: getattr(sealed, name) for name in names}])

    def sealed_day(self, day: str) -> SealedDay | None:
        """What a day was sealed with."""
        row = self._one(self._of(t.DaySealed).where(t.DaySealed.day == day))
        return SealedDay(**row) if row is not None else None

    def days_booked(self, after: str | None, until: str) -> list[str]:
        """Posting days behind the last closed one, up to a day, under which something was booked."""
        e = tl.LedgerTransaction
        query = self._of(e, e.posting_day).where((e.posting_day > (after or "")) & (e.posting_day <= until))
        return [row[0] for row in self._tuples(query.distinct().order_by(e.posting_day))]

    def entries_of_day(self, day: str) -> Iterator[DayEntry]:
        """All entries of a posting day, by their ids."""
        e, p = tl.LedgerTransaction, tl.Posting
        on = (p.site == e.site) & (p.transaction_id == e.transaction_id)
        query = self._of(e, e.transaction_id, e.kind, e.cause, p.account, p.amount_micro).join(p, on=on)
        query = query.where(e.posting_day == day).order_by(e.transaction_id, p.n)
        entry: tuple[str, str, str] | None = None
        postings: list[tuple[str, int]] = []
        for row in query.tuples().iterator(self._database):
            if entry is not None and row[0] != entry[0]:
                yield DayEntry(*entry, tuple(postings))
                postings = []
            entry = row[:3]
            postings.append((row[3], row[4]))
        if entry is not None:
            yield DayEntry(*entry, tuple(postings))

    def receipts(self, day: str) -> int:
        """How many receipts a till day has had, in all terms."""
        c = tl.ReceiptCounter
        rows = self._tuples(self._of(c, pw.fn.SUM(c.last)).where(c.day == day))
        return int(rows[0][0] or 0)


def _shift_row(shift: TillShift) -> dict[str, Any]:
    row = {name: getattr(shift, name) for name in TillShift.__dataclass_fields__}
    for name in ("expected", "counted"):
        row[name] = msgspec.json.encode(row[name]).decode() if row[name] is not None else None
    return row


def _shift(row: dict[str, Any]) -> TillShift:
    for name in ("expected", "counted"):
        row[name] = msgspec.json.decode(row[name]) if row[name] is not None else None
    return TillShift(**row)


def closed_day(row: dict[str, Any]) -> ClosedDay:
    """A closed day from its columns."""
    return ClosedDay(**(row | {"open_tills": tuple(msgspec.json.decode(row["open_tills"]))}))
