"""Rows that other programs read page by page: sales, refunds, commands, alarms, intervals. Reading only.

Each list has an order by columns that never change, and goes on behind the place that the page before ended at.
"""

from collections.abc import Sequence
from typing import Any

import peewee as pw

from cloud_server.core.fleet import CommandFact, SaleFact
from cloud_server.core.money_requests import Refund
from cloud_server.ports.office import AlarmRowFact
from cloud_server.ports.programs import AlarmsWanted, IntervalsWanted, SalesWanted, Within
from cloud_server.store import tables_history as th
from cloud_server.store import tables_ledger as tl
from cloud_server.store import tables_money as tm
from cloud_server.store.money_rows import MoneyRows
from cloud_server.store.money_sums import MoneySums
from cloud_server.store.rows import Rows

Place = Sequence[str | int]


class ProgramRows(Rows):
    """Pages of lists. `after` is the key of the last row before, None for the first page."""

    def sales(self, wanted: SalesWanted, after: Place | None, limit: int) -> list[SaleFact]:
        """Sales newest first, by (when paid, id)."""
        s = tl.Sale
        query = self._of(s)
        for column, value in (
            (s.account, wanted.account),
            (s.operator, wanted.operator),
            (s.method, wanted.method),
            (s.till_day, wanted.day),
            (s.key, wanted.key),
        ):
            if value is not None:
                query = query.where(column == value)
        query = _between(query, s.paid_at_ms, wanted.from_ms, wanted.to_ms)
        query = _behind(query, after, (s.paid_at_ms, s.sale), newest_first=True)
        rows = self._all(query.order_by(s.paid_at_ms.desc(), s.sale.desc()).limit(limit))
        return [SaleFact(**row) for row in rows]

    def sales_of_till_day(self, operator: str, method: str, day: str) -> list[SaleFact]:
        """Every sale of one till day of one till, oldest first."""
        s = tl.Sale
        which = (s.operator == operator) & (s.method == method) & (s.till_day == day)
        return [SaleFact(**row) for row in self._all(self._of(s).where(which).order_by(s.paid_at_ms, s.sale))]

    def refunds(
        self,
        account: str | None,
        after: Place | None,
        limit: int,
        *,
        unsettled: bool,
        within: Within | None = None,
    ) -> list[Refund]:
        """Refunds newest first, by (when asked, id)."""
        r = tm.Refund
        query = self._of(r, r.refund)
        if within is not None:
            query = query.where(self._among(r.account, within.accounts))
        if account is not None:
            query = query.where(r.account == account)
        if unsettled:
            query = query.where(r.settled.is_null())
        query = _behind(query, after, (r.asked_at_ms, r.refund), newest_first=True)
        names = [row[0] for row in self._tuples(query.order_by(r.asked_at_ms.desc(), r.refund.desc()).limit(limit))]
        money = MoneyRows(self._database, self._site)
        return [found for name in names if (found := money.refund(name)) is not None]

    def refund_of_reclaim(self, reclaim: str) -> Refund | None:
        """The refund that asked a box for money with this request."""
        r = tm.Refund
        rows = self._tuples(self._of(r, r.refund).where(r.reclaim == reclaim))
        return MoneyRows(self._database, self._site).refund(rows[0][0]) if rows else None

    def refunds_paid_on(self, operator: str, method: str, from_ms: int, to_ms: int) -> list[Refund]:
        """Refunds that one till paid in a stretch of time, oldest first."""
        r = tm.Refund
        which = (r.settled == "paid") & (r.settled_by == operator) & (r.method == method)
        query = _between(self._of(r, r.refund).where(which), r.settled_at_ms, from_ms, to_ms)
        money = MoneyRows(self._database, self._site)
        names = [row[0] for row in self._tuples(query.order_by(r.settled_at_ms, r.refund))]
        return [found for name in names if (found := money.refund(name)) is not None]

    def commands(
        self, box: str | None, subject: str | None, after: Place | None, limit: int, within: Within | None = None
    ) -> list[CommandFact]:
        """Commands newest first, by (when signed, box, number). Of a box elsewhere those to what is within."""
        c = tl.Command
        query = self._of(c)
        if within is not None:
            own = self._among(c.box, within.boxes) | self._among(c.subject, within.meters)
            query = query.where(own | self._among(c.subject, within.wallets))
        if box is not None:
            query = query.where(c.box == box)
        if subject is not None:
            query = query.where(c.subject == subject)
        query = _behind(query, after, (c.issued_at_ms, c.box, c.seq), newest_first=True)
        rows = self._all(query.order_by(c.issued_at_ms.desc(), c.box.desc(), c.seq.desc()).limit(limit))
        return [CommandFact(**row) for row in rows]

    def alarms(
        self, wanted: AlarmsWanted, after: Place | None, limit: int, within: Within | None = None
    ) -> list[AlarmRowFact]:
        """Alarms newest first, by (when raised, id)."""
        a = th.Alarm
        query = self._of(a)
        if within is not None:
            of_wallet = a.meter.is_null() & self._among(a.wallet, within.wallets)
            of_box = a.meter.is_null() & a.wallet.is_null() & self._among(a.box, within.boxes)
            query = query.where(self._among(a.meter, within.meters) | of_wallet | of_box)
        if wanted.standing is not None:
            query = query.where(a.cleared_at_ms.is_null(is_null=wanted.standing))
        for column, value in ((a.kind, wanted.kind), (a.box, wanted.box), (a.meter, wanted.meter)):
            if value is not None:
                query = query.where(column == value)
        query = _between(query, a.raised_at_ms, wanted.from_ms, wanted.to_ms)
        query = _behind(query, after, (a.raised_at_ms, a.alarm_id), newest_first=True)
        rows = self._all(query.order_by(a.raised_at_ms.desc(), a.alarm_id.desc()).limit(limit))
        return [AlarmRowFact(**row) for row in rows]

    def intervals(self, wanted: IntervalsWanted, after: Place | None, limit: int) -> list[dict[str, Any]]:
        """Intervals that begin in a stretch of time, oldest first, by (begin, meter, box, epoch, batch, place)."""
        i = th.MeterInterval
        query = self._of(i).where((i.from_ms >= wanted.from_ms) & (i.from_ms < wanted.to_ms))
        if wanted.meters is not None:
            query = query.where(i.meter.in_(list(wanted.meters)))
        key = (i.from_ms, i.meter, i.box, i.epoch, i.seq, i.n)
        return self._all(_behind(query, after, key, newest_first=False).order_by(*key).limit(limit))

    def waiting_batches(self) -> dict[str, int]:
        """How many batches are kept and not posted, by state."""
        b = th.Batch
        query = self._of(b, b.state, pw.fn.COUNT(b.seq)).where(th.IS_WAITING).group_by(b.state)
        return {state: int(count) for state, count in self._tuples(query)}

    def sold(self) -> dict[str, tuple[int, int]]:
        """How many sales there were and what they came to, by method."""
        found: dict[str, tuple[int, int]] = {}
        for account, count, micro in MoneySums(self._database, self._site).sold_at_tills():
            method = account.split("/")[2]
            before = found.get(method, (0, 0))
            found[method] = (before[0] + count, before[1] + micro)
        return found


def _between(query: Any, column: Any, from_ms: int | None, to_ms: int | None) -> Any:
    if from_ms is not None:
        query = query.where(column >= from_ms)
    return query if to_ms is None else query.where(column < to_ms)


def _behind(query: Any, after: Place | None, columns: Sequence[Any], *, newest_first: bool) -> Any:
    """Rows that come after a place in the order of some columns: a is beyond, or equal and b is beyond, and so on."""
    if after is None:
        return query
    beyond: Any = None
    for column, value in reversed(list(zip(columns, after, strict=True))):
        here = column < value if newest_first else column > value
        beyond = here if beyond is None else here | ((column == value) & beyond)
    # Said apart, the first column leads the engine to the place; by the rest alone it would begin at the first row.
    reached = columns[0] <= after[0] if newest_first else columns[0] >= after[0]
    return query.where(reached & beyond)
