"""Rows of the outbox and of what surrounds it."""

from collections.abc import Iterable, Mapping
from dataclasses import asdict
from typing import Any

import msgspec
import peewee as pw

from cloud_server.core.fleet import BoxState
from cloud_server.core.forecast import Use
from cloud_server.core.message_rules import MessageState, PartState
from cloud_server.core.occasions import Happened
from cloud_server.ports.outbox import ForecastRow, LinkRow, MessageRow, MoneyBack, PartRow, SaleToTell
from cloud_server.store import tables_fleet as tf
from cloud_server.store import tables_history as th
from cloud_server.store import tables_ledger as tl
from cloud_server.store import tables_messages as t
from cloud_server.store import tables_money as tm
from cloud_server.store.rows import Rows, pieces
from protocol.records import Record
from protocol.units import Ms

_record = msgspec.json.Decoder(Record)
_OPEN = (MessageState.QUEUED, MessageState.SENDING)
_TOLD = ("alarm", "relay")


class MessageRows(Rows):
    """Satisfies `ports.outbox.MessageBook`."""

    # ---------------------------------------------------------------------------------------------------------- outbox

    def known_causes(self, causes: Iterable[str]) -> set[str]:
        """Those of the causes that have a message."""
        found: set[str] = set()
        for names in pieces(causes):
            query = self._of(t.Message, t.Message.cause).where(t.Message.cause.in_(names))
            found |= {row[0] for row in self._tuples(query)}
        return found

    def add(self, messages: Iterable[MessageRow]) -> int:
        """Add those whose cause is not there yet; how many."""
        rows = {message.cause: _flat(message) for message in messages}
        return self._add_missing(t.Message, "cause", rows)

    def message(self, message: str) -> MessageRow | None:
        """One message."""
        row = self._one(self._of(t.Message).where(t.Message.message == message))
        return _message(row) if row is not None else None

    def parts(self, message: str) -> list[PartRow]:
        """Its parts in order; none before it was begun."""
        p = t.MessagePart
        return [_part(row) for row in self._all(self._of(p).where(p.message == message).order_by(p.n))]

    def newest(self, states: Iterable[MessageState], limit: int) -> list[MessageRow]:
        """Newest first."""
        query, wanted = self._of(t.Message), [state.value for state in states]
        if wanted:
            query = query.where(t.Message.state.in_(wanted))
        return [
            _message(row)
            for row in self._all(query.order_by(t.Message.made_at_ms.desc(), t.Message.message).limit(limit))
        ]

    def counts(self) -> dict[str, int]:
        """How many messages are in each state."""
        m = t.Message
        return dict(self._tuples(self._of(m, m.state, pw.fn.COUNT(m.message)).group_by(m.state)))

    def due(self, now_ms: Ms, limit: int) -> list[MessageRow]:
        """Messages that have not ended and whose time has come: urgent ones first, then the oldest."""
        m = t.Message
        query = self._of(m).where(m.state.in_([state.value for state in _OPEN]) & (m.not_before_ms <= now_ms))
        return [
            _message(row) for row in self._all(query.order_by(m.urgent.desc(), m.made_at_ms, m.message).limit(limit))
        ]

    def put_message(self, message: MessageRow) -> None:
        """Write one message."""
        self._put(t.Message, ("message",), [_flat(message)])

    def put_parts(self, parts: Iterable[PartRow]) -> None:
        """Write parts."""
        self._put(t.MessagePart, ("message", "n"), [asdict(part) | {"state": part.state.value} for part in parts])

    def parts_in(self, state: PartState) -> list[tuple[PartRow, MessageRow]]:
        """Parts of short messages in one state, the oldest handed over first."""
        p = t.MessagePart
        query = self._of(p).where(p.state == state.value)
        rows = self._all(query.order_by(p.handed_at_ms.asc(nulls="FIRST"), p.message, p.n))
        found = [(_part(row), self.message(row["message"])) for row in rows]
        return [(part, message) for part, message in found if message is not None]

    def sent_today(self, since_ms: Ms, customer: str | None) -> tuple[int, int]:
        """Messages to that customer and parts of the whole site that were begun since."""
        m, p = t.Message, t.MessagePart
        begun = (m.begun_at_ms >= since_ms) & (m.way == "sms")
        mine = self._tuples(self._of(m, pw.fn.COUNT(m.message)).where(begun & (m.customer == customer)))[0][0]
        joined = self._of(p, pw.fn.COUNT(p.n)).join(m, on=(m.site == p.site) & (m.message == p.message)).where(begun)
        return (int(mine) if customer is not None else 0), int(self._tuples(joined)[0][0])

    def last_switch_told(self, meter: str) -> str | None:
        """The occasion of the newest message on this meter's relay."""
        m = t.Message
        query = self._of(m, m.occasion).where((m.meter == meter) & m.occasion.in_(["cut_off", "restored"]))
        rows = self._tuples(query.order_by(m.made_at_ms.desc(), m.message.desc()).limit(1))
        return rows[0][0] if rows else None

    # ------------------------------------------------------------------------------------------------ marks and texts

    def mark(self, name: str) -> str | None:
        """One mark."""
        rows = self._tuples(self._of(t.MessageMark, t.MessageMark.value).where(t.MessageMark.name == name))
        return rows[0][0] if rows else None

    def marks(self, beginning: str) -> dict[str, str]:
        """All marks whose names begin so, by name."""
        m = t.MessageMark
        wanted = pw.fn.substr(m.name, 1, len(beginning)) == beginning
        return {row[0]: row[1] for row in self._tuples(self._of(m, m.name, m.value).where(wanted))}

    def put_mark(self, name: str, value: str) -> None:
        """Write one mark."""
        self.put_marks({name: value})

    def put_marks(self, marks: Mapping[str, str]) -> None:
        """Write several."""
        self._put(t.MessageMark, ("name",), [{"name": name, "value": value} for name, value in marks.items()])

    def templates(self) -> dict[tuple[str, str], str]:
        """By occasion and language: those that the site has changed."""
        m = t.MessageTemplate
        return {(row[0], row[1]): row[2] for row in self._tuples(self._of(m, m.occasion, m.language, m.text))}

    def put_template(self, occasion: str, language: str, text: str | None, at_ms: Ms, who: str) -> None:
        """None: take the site's own away."""
        m = t.MessageTemplate
        if text is None:
            which = (m.site == self._site) & (m.occasion == occasion) & (m.language == language)
            self._run(m.delete().where(which))
            return
        row = {"occasion": occasion, "language": language, "text": text, "changed_at_ms": at_ms, "changed_by": who}
        self._put(m, ("occasion", "language"), [row])

    # ------------------------------------------------------------------------------------------------- what happened

    def boxes_beyond(self, beginning: str, after: str, limit: int) -> list[tuple[str, int, int, str | None]]:
        """Boxes in service behind a name whose posted records are not where their mark says: epoch and number of
        those, and the mark."""
        b, m = tf.Box, t.MessageMark
        place = b.epoch.cast("TEXT").concat("/").concat(b.posted_seq.cast("TEXT"))
        own = (m.site == b.site) & (m.name == pw.Value(beginning).concat(b.box))
        serving = b.state.not_in([BoxState.PLANNED.value, BoxState.CLAIMED.value]) & (b.box > after)
        query = self._of(b, b.box, b.epoch, b.posted_seq, m.value).join(m, pw.JOIN.LEFT_OUTER, on=own)
        query = query.where(serving & (m.value.is_null() | (m.value != place)))
        return [(row[0], row[1], row[2], row[3]) for row in self._plain(query.order_by(b.box).limit(limit))]

    def events_after(self, box: str, epoch: int, seq: int, limit: int) -> tuple[list[Happened], tuple[int, int] | None]:
        """Alarm and relay records behind a place, in order, by whole batches; up to where, None where that is all."""
        e = th.BoxEvent
        behind = (e.epoch > epoch) | ((e.epoch == epoch) & (e.seq > seq))
        query = self._of(e, e.epoch, e.seq, e.n, e.body).where((e.box == box) & e.kind.in_(_TOLD) & behind)
        rows = self._plain(query.order_by(e.epoch, e.seq, e.n).limit(limit))
        upto = None
        if len(rows) == limit:
            # The last batch may go on behind the limit: it is left for the next look, unless it is the only one.
            last = (rows[-1][0], rows[-1][1])
            rows = [row for row in rows if (row[0], row[1]) != last] or rows
            upto = (rows[-1][0], rows[-1][1])
        return [Happened(f"{box}/{row[0]}/{row[1]}/{row[2]}", _record.decode(row[3])) for row in rows], upto

    def sales_to_tell(self, from_ms: Ms) -> list[SaleToTell]:
        """Sales since, with how far their credit has come."""
        s, g = tl.Sale, tl.WalletGrant
        sales = self._all(self._of(s).where(s.paid_at_ms >= from_ms).order_by(s.paid_at_ms, s.sale))
        parts: dict[str, list[tuple[str, Ms | None, int | None]]] = {}
        for names in pieces(row["sale"] for row in sales):
            query = self._of(g, g.sale, g.state, g.applied_at_ms, g.book_after_micro).where(g.sale.in_(names))
            for sale, *rest in self._tuples(query):
                parts.setdefault(sale, []).append((rest[0], rest[1], rest[2]))
        return [_sale(row, parts.get(row["sale"], [])) for row in sales]

    def money_back(self, from_ms: Ms, to_ms: Ms) -> list[MoneyBack]:
        """Refunds that were paid and sales that were undone in a stretch of time."""
        r, v, s = tm.Refund, tm.Reversal, tl.Sale
        paid = (r.settled == "paid") & (r.settled_at_ms >= from_ms) & (r.settled_at_ms < to_ms)
        refunds = self._of(r, r.refund, r.account, r.wallet, r.settled_micro).where(paid).order_by(r.settled_at_ms)
        undone = (v.reversed_at_ms >= from_ms) & (v.reversed_at_ms < to_ms)
        query = self._of(v, v.sale, v.account, v.amount_micro, s.receipt)
        query = query.join(s, on=(s.site == v.site) & (s.sale == v.sale)).where(undone).order_by(v.reversed_at_ms)
        found = [
            MoneyBack(occasion="refund", cause=f"refund/{refund}", account=a, wallet=w, amount_micro=micro, receipt="")
            for refund, a, w, micro in self._tuples(refunds)
        ]
        return found + [
            MoneyBack(
                occasion="reversal",
                cause=f"reversal/{sale}",
                account=account,
                wallet=None,
                amount_micro=micro,
                receipt=receipt,
            )
            for sale, account, micro, receipt in self._tuples(query)
        ]

    def last_sales(self, accounts: Iterable[str]) -> dict[str, str]:
        """The newest sale of each of some accounts; ids rise with time."""
        s, found = tl.Sale, dict[str, str]()
        for some in pieces(accounts):
            query = self._of(s, s.account, pw.fn.MAX(s.sale)).where(self._among(s.account, some)).group_by(s.account)
            found |= dict(self._tuples(query))
        return found

    def uses(self, meter: str, from_ms: Ms) -> list[Use]:
        """Energy of a meter by interval, oldest first."""
        i = th.MeterInterval
        query = self._of(i, i.from_ms, i.to_ms, i.energy_wh).where((i.meter == meter) & (i.from_ms >= from_ms))
        rows = self._plain(query.order_by(i.from_ms))
        return [Use(*row) for row in rows if row[1] > row[0]]

    # ------------------------------------------------------------------------------------------------------ customers

    def link(self, token_hash: str) -> LinkRow | None:
        """The link of a token."""
        row = self._one(self._of(t.CustomerLink).where(t.CustomerLink.token_hash == token_hash))
        return LinkRow(**row) if row is not None else None

    def links_of(self, account: str) -> list[LinkRow]:
        """All links that an account had, newest first."""
        c = t.CustomerLink
        rows = self._all(self._of(c).where(c.account == account).order_by(c.generation.desc()))
        return [LinkRow(**row) for row in rows]

    def add_link(self, link: LinkRow) -> None:
        """A new link."""
        self._put(t.CustomerLink, ("token_hash",), [asdict(link)])

    def revoke_links(self, account: str, at_ms: Ms, who: str) -> int:
        """End every link of an account; how many held."""
        c = t.CustomerLink
        held = (c.site == self._site) & (c.account == account) & c.revoked_at_ms.is_null()
        return self._run(c.update(revoked_at_ms=at_ms, revoked_by=who).where(held))

    def forecasts(
        self, wallets: Iterable[str] | None = None, ends: tuple[Ms, Ms] | None = None
    ) -> dict[str, ForecastRow]:
        """The newest forecast of each wallet, or of some; of those only what ends within a stretch, where one is
        named."""
        f = t.WalletForecast
        query = self._of(f)
        if ends is not None:
            query = query.where((f.zero_at_ms > ends[0]) & (f.zero_at_ms <= ends[1]))
        parts = [query] if wallets is None else [query.where(self._among(f.wallet, some)) for some in pieces(wallets)]
        return {row["wallet"]: ForecastRow(**row) for part in parts for row in self._all(part)}

    def put_forecasts(self, rows: Iterable[ForecastRow]) -> None:
        """Write forecasts."""
        self._put(t.WalletForecast, ("wallet",), [asdict(row) for row in rows])


def _flat(message: MessageRow) -> dict[str, Any]:
    return asdict(message) | {"urgent": int(message.urgent), "state": message.state.value}


def _message(row: dict[str, Any]) -> MessageRow:
    return MessageRow(**(row | {"urgent": bool(row["urgent"]), "state": MessageState(row["state"])}))


def _part(row: dict[str, Any]) -> PartRow:
    return PartRow(**(row | {"state": PartState(row["state"])}))


def _sale(row: dict[str, Any], parts: list[tuple[str, Ms | None, int | None]]) -> SaleToTell:
    applied = bool(parts) and all(state == "applied" for state, _, _ in parts)
    after = [micro for _, _, micro in parts if micro is not None]
    return SaleToTell(
        sale=row["sale"],
        account=row["account"],
        receipt=row["receipt"],
        amount_micro=row["amount_micro"],
        paid_at_ms=row["paid_at_ms"],
        before_micro=row["balance_before_micro"],
        before_at_ms=row["balance_before_at_ms"],
        applied=applied,
        applied_at_ms=max((at for _, at, _ in parts if at is not None), default=None),
        after_micro=sum(after) if applied and len(after) == len(parts) else None,
    )
