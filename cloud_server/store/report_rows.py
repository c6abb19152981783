"""Rows for reports: sums and lists, each in one statement whatever the size of the site. Reading only."""

from collections.abc import Iterable, Iterator, Sequence
from itertools import groupby
from typing import Any, Final

import msgspec
import peewee as pw

from cloud_server.core.point_meters import Swap
from cloud_server.ports.office import BatchPlace
from cloud_server.store import tables_fleet as tf
from cloud_server.store import tables_history as th
from cloud_server.store import tables_ledger as tl
from cloud_server.store.money_sums import MoneySums
from cloud_server.store.rows import pieces
from protocol.records import ConfigApplied, Replaced
from protocol.units import Ms, Wh

_T, _P, _I, _C = tl.LedgerTransaction, tl.Posting, th.MeterInterval, tl.Command

_replaced: Final = msgspec.json.Decoder(Replaced)
_config: Final = msgspec.json.Decoder(ConfigApplied)
_CHARGED: Final = ("meter", "box", "epoch", "seq", "from_ms", "wallet", "parts")
_STATED: Final = (
    *_CHARGED, "to_ms", "from_raw_wh", "to_raw_wh", "energy_wh", "charge_micro", "ratio_version",
)  # fmt: skip
LINES_AT_ONCE: Final = 100
"""Batches of a large box whose lines are held at one time: some four megabytes."""


class ReportBook(MoneySums):
    """What the ledger, the intervals and the orders come to."""

    # --- money --------------------------------------------------------------------------------------------------

    def account_postings(
        self, accounts: Sequence[str], from_day: str, to_day: str
    ) -> list[tuple[str, str, str, str, Ms, str, int]]:
        """Entry, its kind, cause, posting day, when, reason, amount; of these accounts in these days, oldest first."""
        found: list[tuple[str, str, str, str, Ms, str, int]] = []
        columns = (_T.transaction_id, _T.kind, _T.cause, _P.posting_day, _T.effective_at_ms, _T.reason, _P.amount_micro)
        on = (_T.site == _P.site) & (_T.transaction_id == _P.transaction_id)
        for names in pieces(accounts):
            which = _P.account.in_(names) & (_P.posting_day >= from_day) & (_P.posting_day <= to_day)
            query = self._of(_P, *columns).join(_T, on=on).where(which)
            found += [(r[0], r[1], r[2], r[3], r[4], r[5] or "", r[6]) for r in self._plain(query)]
        return sorted(found, key=lambda row: (row[3], row[4], row[0]))

    def receipts_of(self, account: str) -> dict[str, str]:
        """Receipt number of each sale to an account."""
        query = self._of(tl.Sale, tl.Sale.sale, tl.Sale.receipt).where(tl.Sale.account == account)
        return dict(self._tuples(query))

    def last_sales(self) -> dict[str, Ms]:
        """When each account was last sold to."""
        query = self._of(tl.Sale, tl.Sale.account, pw.fn.MAX(tl.Sale.paid_at_ms)).group_by(tl.Sale.account)
        return dict(self._tuples(query))

    def tills(self) -> list[str]:
        """Every till account that was ever posted to."""
        a = tl.AccountBalance
        rows = self._tuples(self._of(a, a.account).where((a.account >= "till/") & (a.account < "till0")))
        return [row[0] for row in rows]

    # --- energy -------------------------------------------------------------------------------------------------

    def charged_intervals(self, box: str, epoch: int, seqs: tuple[int, int], wallets: Sequence[str]) -> list[Any]:
        """Intervals in a stretch of one box's batches that were charged to these wallets."""
        which = (_I.box == box) & (_I.epoch == epoch) & _I.seq.between(*seqs) & _I.wallet.in_(list(wallets))
        return self._intervals(_STATED, which, _I.meter, _I.from_ms)

    def uses_of(self, wallets: Sequence[str], meters: Sequence[str], from_ms: Ms) -> list[tuple[Ms, Wh]]:
        """When each interval of these meters began, and its energy; of those that were charged to these wallets."""
        which = _I.meter.in_(list(meters)) & (_I.from_ms >= from_ms) & _I.wallet.in_(list(wallets))
        return [(row[0], row[1]) for row in self._tuples(self._of(_I, _I.from_ms, _I.energy_wh).where(which))]

    def fees(self, box: str, epoch: int, seqs: tuple[int, int], wallets: Sequence[str]) -> list[tuple[int, str]]:
        """Batch number and body (JSON) of each daily fee in a stretch of one box's batches."""
        e = th.BoxEvent
        which = (e.box == box) & (e.epoch == epoch) & e.seq.between(*seqs) & (e.kind == "fee")
        query = self._of(e, e.seq, e.body).where(which & e.wallet.in_(list(wallets)))
        return [(row[0], row[1]) for row in self._tuples(query.order_by(e.seq, e.n))]

    def swaps(self) -> list[Swap]:
        """Every meter that was ever replaced, in the order of time."""
        e = th.BoxEvent
        query = self._of(e, e.box, e.epoch, e.seq, e.body).where(e.kind == "replaced")
        found = []
        for box, epoch, seq, body in self._tuples(query.order_by(e.at_ms, e.box, e.epoch, e.seq, e.n)):
            told = _replaced.decode(body)
            found.append(
                Swap(
                    at_ms=told.at_ms,
                    point=told.point,
                    old=told.old,
                    old_raw_wh=told.old_raw_wh,
                    new=told.new,
                    serial=told.serial,
                    new_raw_wh=told.new_raw_wh,
                    old_display_wh=told.old_display.raw_wh if told.old_display is not None else None,
                    box=box,
                    batch=f"{epoch}/{seq}",
                )
            )
        return found

    def register_ends(self, meter: str, from_ms: Ms, to_ms: Ms) -> tuple[Ms, Wh, Ms, Wh] | None:
        """Where the first and the last of a meter's intervals that begin in a stretch of time begin and end: instant
        and raw register; None where there is none."""
        which = (_I.meter == meter) & (_I.from_ms >= from_ms) & (_I.from_ms < to_ms)
        first = self._tuples(self._of(_I, _I.from_ms, _I.from_raw_wh).where(which).order_by(_I.from_ms).limit(1))
        last = self._tuples(self._of(_I, _I.to_ms, _I.to_raw_wh).where(which).order_by(_I.from_ms.desc()).limit(1))
        return (*first[0], *last[0]) if first else None

    def batch_lines(self, box: str, epoch: int, seqs: tuple[int, int]) -> Iterator[tuple[int, str, bytes]]:
        """Number, hash and bytes of a stretch of one box's batches, in order; a few at a time."""
        first, last = seqs
        line = th.BatchLine
        query = self._of(line, line.seq, line.hash, line.line).where((line.box == box) & (line.epoch == epoch))
        for begin in range(first, last + 1, LINES_AT_ONCE):
            which = line.seq.between(begin, min(begin + LINES_AT_ONCE - 1, last))
            for seq, line_hash, raw in self._tuples(query.where(which).order_by(line.seq)):
                yield seq, line_hash, raw.encode() if isinstance(raw, str) else bytes(raw)

    def interval_before(self, meter: str, from_ms: Ms) -> tuple[str, int, int] | None:
        """Box, epoch and number of the batch with the last interval of a meter that began before an instant."""
        query = self._of(_I, _I.box, _I.epoch, _I.seq).where((_I.meter == meter) & (_I.from_ms < from_ms))
        rows = self._tuples(query.order_by(_I.from_ms.desc()).limit(1))
        return (rows[0][0], rows[0][1], rows[0][2]) if rows else None

    def intervals_before(self, meter: str, before_ms: Ms, limit: int) -> list[dict[str, Any]]:
        """A meter's intervals that began before an instant, newest first."""
        return self._intervals(_CHARGED, (_I.meter == meter) & (_I.from_ms < before_ms), _I.from_ms.desc(), limit=limit)

    def intervals_begun(self, meters: Iterable[str], from_ms: Ms, before_ms: Ms) -> list[dict[str, Any]]:
        """Intervals of some meters that began within a stretch, newest first."""
        rows: list[dict[str, Any]] = []
        for names in pieces(meters):
            begun = (_I.from_ms >= from_ms) & (_I.from_ms < before_ms)
            which = self._among(_I.meter, names) & begun
            rows += self._intervals(_CHARGED, which, _I.from_ms.desc())
        return rows

    def begun_before(self, meters: Iterable[str], before_ms: Ms) -> set[str]:
        """Those of some meters that have an interval which began before an instant."""
        found: set[str] = set()
        for names in pieces(meters):
            which = self._among(_I.meter, names) & (_I.from_ms < before_ms)
            found |= {row[0] for row in self._tuples(self._of(_I, _I.meter).where(which).distinct())}
        return found

    def _intervals(
        self, names: tuple[str, ...], which: Any, *order: Any, limit: int | None = None
    ) -> list[dict[str, Any]]:
        """Some columns of intervals, which are many: past the library's look at each value."""
        query = self._of(_I, *(getattr(_I, name) for name in names)).where(which).order_by(*order)
        return [dict(zip(names, row, strict=True)) for row in self._plain(query.limit(limit))]

    def posted_at(self, batches: Iterable[BatchPlace]) -> dict[BatchPlace, Ms | None]:
        """When each batch was posted; None where it waits."""
        b = th.Batch
        found: dict[BatchPlace, Ms | None] = dict.fromkeys(batches)
        for (box, epoch), several in groupby(sorted(found), lambda batch: batch[:2]):
            for seqs in pieces([seq for _, _, seq in several]):
                which = (b.box == box) & (b.epoch == epoch) & b.seq.in_(seqs)
                rows = self._tuples(self._of(b, b.seq, b.posted_at_ms).where(which))
                found |= {(box, epoch, seq): at_ms for seq, at_ms in rows}
        return found

    def add_booking_days(self, days: dict[BatchPlace, str], batches: Iterable[BatchPlace]) -> None:
        """Add the posting day of each batch (box, epoch, number) that an entry was made of."""
        wanted = {f"batch/{box}/{epoch}/{seq}": (box, epoch, seq) for box, epoch, seq in batches}
        for causes in pieces([cause for cause, place in wanted.items() if place not in days]):
            which = (_T.kind == "batch") & _T.cause.in_(causes)
            for cause, day in self._tuples(self._of(_T, _T.cause, _T.posting_day).where(which)):
                days[wanted[cause]] = day

    def config_before(self, box: str, epoch: int, seq: int) -> int | None:
        """The configuration that a box had taken up before a batch of an epoch; None: that of the epoch itself."""
        e = th.BoxEvent
        which = (e.kind == "config_applied") & (e.box == box) & (e.epoch == epoch) & (e.seq < seq)
        rows = self._tuples(self._of(e, e.body).where(which).order_by(e.seq.desc(), e.n.desc()).limit(1))
        return _config.decode(rows[0][0]).config_version if rows else None

    def parked_boxes(self) -> dict[str, Ms]:
        """Boxes with batches that wait to be posted, and since when."""
        b = th.Batch
        query = self._of(b, b.box, pw.fn.MIN(b.sealed_at_ms)).where(th.IS_WAITING).group_by(b.box)
        return dict(self._tuples(query))

    # --- orders -------------------------------------------------------------------------------------------------

    def newest_modes(self, meters: Sequence[str]) -> dict[tuple[str, str], tuple[str, Ms]]:
        """Meter and what was ordered (a mode, "on", "off"): who, and when it was done; the newest counts."""
        found: dict[tuple[str, str], tuple[str, Ms]] = {}
        for names in pieces(meters):
            which = _C.subject.in_(names) & _C.kind.in_(["set_mode", "in_service"]) & (_C.state == "done")
            query = self._of(_C, _C.subject, _C.what, _C.who, _C.state_at_ms).where(which).order_by(_C.issued_at_ms)
            for meter, what, who, at_ms in self._tuples(query):
                found[meter, what] = (who, at_ms)
        return found

    def answers_with_prefix(self, prefix: str, limit: int) -> list[tuple[str, str, Ms]]:
        """Idempotency key, answer and time of the newest keys that begin so."""
        i = tl.Idempotency
        which = (i.key >= prefix) & (i.key < prefix + "\uffff")
        rows = self._tuples(self._of(i, i.key, i.answer, i.at_ms).where(which).order_by(i.key.desc()).limit(limit))
        return [(row[0], row[1], row[2]) for row in rows]

    def commands_at(self, places: Sequence[tuple[str, int]]) -> list[dict[str, Any]]:
        """Commands by box and number, in a statement a box."""
        by_box: dict[str, list[int]] = {}
        for box, seq in places:
            by_box.setdefault(box, []).append(seq)
        return [
            row
            for box, seqs in by_box.items()
            for row in self._all(self._of(_C).where((_C.box == box) & _C.seq.in_(seqs)))
        ]

    # --- people -------------------------------------------------------------------------------------------------

    def audit(self, text: str, who: str, stretch: tuple[Ms, Ms], limit: int) -> list[dict[str, Any]]:
        """Audit rows newest first; `text` in action, subject or detail."""
        a = tl.AuditRow
        query = self._of(a).where((a.at_ms >= stretch[0]) & (a.at_ms < stretch[1]))
        if who:
            query = query.where(a.who == who)
        if text:
            query = query.where(a.action.contains(text) | a.subject.contains(text) | a.detail.contains(text))
        return self._all(query.order_by(a.number.desc()).limit(limit))

    def plan_boxes(self) -> list[tuple[str, str, Ms | None, Ms | None, str]]:
        """Each box: id, name, when last heard, as of when its records are posted, its state."""
        b = tf.Box
        rows = self._tuples(self._of(b, b.box, b.name, b.seen_at_ms, b.posted_at_ms, b.state))
        return [(row[0], row[1], row[2], row[3], row[4]) for row in rows]
