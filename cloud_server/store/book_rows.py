"""Rows for reading: what pages and the API show, gathered in few statements whatever the size of the site."""

from collections.abc import Iterable
from typing import Any

import msgspec
import peewee as pw

from cloud_server.core.batch_facts import MeterFacts, WalletFacts
from cloud_server.core.fleet import SaleFact, WalletGrant
from cloud_server.core.shown import ShownInterval, StandingAlarm
from cloud_server.core.views import AccountState
from cloud_server.store import tables_fleet as tf
from cloud_server.store import tables_history as th
from cloud_server.store import tables_ledger as tl
from cloud_server.store.ledger import grant_from_row
from cloud_server.store.rows import Rows, pieces
from protocol.records import Alarm, MeterTest, Part, Relay, ReplacementNoted

NOTES_MAX = 200
"""Newest notes of replacements that are looked at: more than a street changes in a month."""


class BookRows(Rows):
    """Reading only. All answers of one unit are of one moment."""

    def plan_version(self) -> int:
        """The version of the newest plan; 0 where there is none."""
        rows = self._tuples(self._of(tf.Plan, pw.fn.MAX(tf.Plan.version)))
        return int(rows[0][0] or 0)

    def meter_facts(self, meter: str | None = None) -> dict[str, tuple[MeterFacts, int | None, int | None]]:
        """Facts, last register and when it was read, of one meter or of all."""
        query = self._of(
            th.MeterState, th.MeterState.meter, th.MeterState.facts, th.MeterState.raw_wh, th.MeterState.read_at_ms
        )
        if meter is not None:
            query = query.where(th.MeterState.meter == meter)
        return {row[0]: (_meter_facts.decode(row[1]), row[2], row[3]) for row in self._tuples(query)}

    def facts_of_meters(self, meters: Iterable[str]) -> dict[str, tuple[MeterFacts, int | None, int | None]]:
        """The same of some meters."""
        m = th.MeterState
        query = self._of(m, m.meter, m.facts, m.raw_wh, m.read_at_ms)
        rows = self._named(query, m.meter, meters)
        return {row[0]: (_meter_facts.decode(row[1]), row[2], row[3]) for row in rows}

    def wallet_facts(self, wallets: Iterable[str] | None = None) -> dict[str, WalletFacts]:
        """Facts of some wallets, or of all."""
        query = self._of(th.WalletState, th.WalletState.wallet, th.WalletState.facts)
        rows = self._named(query, th.WalletState.wallet, wallets)
        return {wallet: _wallet_facts.decode(facts) for wallet, facts in rows}

    def account_states(self, accounts: Iterable[str] | None = None) -> dict[str, AccountState]:
        """State of some customers' accounts, or of all."""
        query = self._of(tf.Account, tf.Account.account, tf.Account.state)
        return dict(self._named(query, tf.Account.account, accounts))

    def _named(self, query: Any, column: Any, names: Iterable[str] | None) -> list[tuple[Any, ...]]:
        """The rows of a query, or those of them that are named."""
        if names is None:
            return self._plain(query)
        return [row for some in pieces(names) for row in self._plain(query.where(self._among(column, some)))]

    def balances(self, kind: str, names: Iterable[str] | None = None) -> dict[str, int]:
        """Sums of ledger accounts of one kind ("wallet", "in_flight", "customer"), some or all, by what follows the
        slash."""
        query = self._of(tl.AccountBalance, tl.AccountBalance.account, tl.AccountBalance.balance_micro)
        first, behind = f"{kind}/", f"{kind}0"
        if names is not None:
            rows = self._named(query, tl.AccountBalance.account, (first + name for name in names))
            return {account.removeprefix(first): balance for account, balance in rows}
        rows = self._plain(query.where((tl.AccountBalance.account >= first) & (tl.AccountBalance.account < behind)))
        return {account.removeprefix(first): balance for account, balance in rows}

    def posting_times(self, boxes: Iterable[str] | None = None) -> dict[str, int]:
        """When the newest batch of some boxes, or of all, was posted, by the centre's clock."""
        b, posted = tf.Box, th.Batch
        on = (posted.site == b.site) & (posted.box == b.box) & (posted.epoch == b.epoch) & (posted.seq == b.posted_seq)
        # Joined so, boxes are gone through and one batch of each; else SQLite goes through all batches there are.
        query = self._of(b, b.box, posted.posted_at_ms).join(posted, pw.JOIN.LEFT_OUTER, on=on)
        return {box: at_ms for box, at_ms in self._named(query, b.box, boxes) if at_ms is not None}

    def alarms_standing(self) -> list[StandingAlarm]:
        """Every alarm that stands."""
        a = th.Alarm
        query = self._of(a, a.kind, a.box, a.bus, a.device, a.meter, a.wallet, a.raised_at_ms)
        return [StandingAlarm(*row) for row in self._tuples(query.where(a.cleared_at_ms.is_null()))]

    # --- one point ----------------------------------------------------------------------------------------------

    def intervals(self, meter: str, from_ms: int, to_ms: int) -> list[ShownInterval]:
        """Intervals of a meter that begin in a stretch of time, oldest first."""
        i = th.MeterInterval
        query = self._of(
            i,
            i.from_ms,
            i.to_ms,
            i.from_raw_wh,
            i.to_raw_wh,
            i.energy_wh,
            i.charge_micro,
            i.max_power_w,
            i.parts,
            i.flags,
        )
        query = query.where((i.meter == meter) & (i.from_ms >= from_ms) & (i.from_ms < to_ms)).order_by(i.from_ms)
        return [_interval(*row) for row in self._tuples(query)]

    def switchings(self, meter: str, from_ms: int, to_ms: int) -> list[Relay]:
        """Relay records of a meter, newest first."""
        return [_relay.decode(body) for body in self._bodies("relay", th.BoxEvent.meter == meter, from_ms, to_ms)]

    def meter_tests(self, meter: str, from_ms: int, to_ms: int) -> list[MeterTest]:
        """Tests of a meter on the spot, newest first."""
        return [_test.decode(body) for body in self._bodies("meter_test", th.BoxEvent.meter == meter, from_ms, to_ms)]

    def noted_replacements(self, since_ms: int) -> list[ReplacementNoted]:
        """Replacements noted on the spot, newest first."""
        e = th.BoxEvent
        query = self._of(e, e.body).where((e.kind == "replacement_noted") & (e.at_ms >= since_ms))
        return [_noted.decode(row[0]) for row in self._tuples(query.order_by(e.at_ms.desc()).limit(NOTES_MAX))]

    def alarm_records(self, meter: str, wallet: str | None, from_ms: int, to_ms: int) -> list[Alarm]:
        """Alarm records of a meter and of the wallet that feeds it, newest first."""
        which = th.BoxEvent.meter == meter
        found = [_alarm.decode(body) for body in self._bodies("alarm", which, from_ms, to_ms)]
        if wallet is not None:
            which = th.BoxEvent.wallet == wallet
            found += [_alarm.decode(body) for body in self._bodies("alarm", which, from_ms, to_ms)]
        return sorted(found, key=lambda alarm: -alarm.at_ms)

    def _bodies(self, kind: str, which: Any, from_ms: int, to_ms: int) -> list[str]:
        e = th.BoxEvent
        query = self._of(e, e.body).where(which & (e.kind == kind) & (e.at_ms >= from_ms) & (e.at_ms < to_ms))
        return [row[0] for row in self._tuples(query.order_by(e.at_ms.desc(), e.seq.desc(), e.n.desc()))]

    # --- sales --------------------------------------------------------------------------------------------------

    def sales(
        self, *, sale: str | None = None, day: str | None = None, account: str | None = None, limit: int | None = None
    ) -> list[SaleFact]:
        """Sales by id, till day or account, newest first."""
        query = self._of(tl.Sale)
        for column, wanted in ((tl.Sale.sale, sale), (tl.Sale.till_day, day), (tl.Sale.account, account)):
            if wanted is not None:
                query = query.where(column == wanted)
        query = query.order_by(tl.Sale.paid_at_ms.desc(), tl.Sale.sale.desc())
        rows = self._all(query if limit is None else query.limit(limit))
        return [SaleFact(**row) for row in rows]

    def grants_of_sales(self, sales: list[str]) -> dict[str, list[WalletGrant]]:
        """The parts of several sales, each in its order."""
        found: dict[str, list[WalletGrant]] = {}
        g = tl.WalletGrant
        for names in pieces(sales):
            for row in self._all(self._of(g).where(g.sale.in_(names)).order_by(g.sale, g.n)):
                grant = grant_from_row(row)
                found.setdefault(grant.sale or "", []).append(grant)
        return found

    def prints(self, sales: list[str]) -> dict[str, int]:
        """How often receipts were printed."""
        p = tl.ReceiptPrint
        found: dict[str, int] = {}
        for names in pieces(sales):
            query = self._of(p, p.sale, pw.fn.COUNT(p.n)).where(p.sale.in_(names)).group_by(p.sale)
            found |= dict(self._tuples(query))
        return found

    def waiting_commands(self) -> dict[str, int]:
        """Signed commands that a box has not fetched, by box."""
        b = tf.Box
        rows = self._tuples(self._of(b, b.box, b.command_seq, b.fetched_seq, b.applied_seq))
        return {box: max(signed - max(fetched, applied), 0) for box, signed, fetched, applied in rows}


_meter_facts = msgspec.json.Decoder(MeterFacts)
_wallet_facts = msgspec.json.Decoder(WalletFacts)
_parts = msgspec.json.Decoder(list[Part])
_noted = msgspec.json.Decoder(ReplacementNoted)
_relay = msgspec.json.Decoder(Relay)
_alarm = msgspec.json.Decoder(Alarm)
_test = msgspec.json.Decoder(MeterTest)


def _interval(*columns: Any) -> ShownInterval:
    from_ms, to_ms, from_wh, to_wh, energy_wh, charge_micro, max_power_w, parts, flags = columns
    return ShownInterval(
        from_ms=from_ms,
        to_ms=to_ms,
        from_wh=from_wh,
        to_wh=to_wh,
        energy_wh=energy_wh,
        charge_micro=charge_micro,
        max_power_w=max_power_w,
        rates=tuple(dict.fromkeys(part.rate for part in _parts.decode(parts))),
        flags=tuple(msgspec.json.decode(flags)),
    )
