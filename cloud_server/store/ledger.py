"""Rows of the ledger: entries, postings, the sum of each account, sales and the grants that follow from them."""

from collections.abc import Iterable, Sequence
from dataclasses import asdict
from functools import partial
from typing import Any, Final

import peewee as pw

from cloud_server.core.fleet import GrantState, SaleFact, WalletGrant
from cloud_server.core.transaction import Transaction
from cloud_server.store import tables_ledger as t
from cloud_server.store.rows import Rows, Scope, pieces
from cloud_server.store.tables_ledger_days import LedgerDay


class LedgerRows(Rows):
    """Entries, and what they come to.

    Sums are gathered and written at the unit's end, in one order: units of many boxes add to the same ones, and each
    is to hold them for a moment only.
    """

    def __init__(self, database: pw.Database, site: str, scope: Scope = Scope.SITE) -> None:
        super().__init__(database, site, scope)
        self._gathered: dict[str, int] = {}
        self._days: dict[tuple[str, str, str], list[int]] = {}
        """Posting day, account, kind of entry -> how many postings, what they took, what they gave."""
        self._gathered_key = object()

    def post(self, transaction: Transaction, posted_at_ms: int) -> None:
        """Add an entry with its postings, and bring the sums of its accounts forward."""
        name = transaction.id
        row = {
            "transaction_id": name,
            "kind": transaction.kind,
            "cause": transaction.cause,
            "effective_at_ms": transaction.effective_at_ms,
            "posting_day": transaction.posting_day,
            "who": transaction.who,
            "key": transaction.key,
            "second": transaction.second,
            "reason": transaction.reason,
            "corrects": transaction.corrects,
            "posted_at_ms": posted_at_ms,
        }
        self._gather(t.LedgerTransaction, [row])
        day = transaction.posting_day
        postings = [(self._site, name, n, p.account, p.amount_micro, day) for n, p in enumerate(transaction.postings)]
        self._gather_tuples(t.Posting, _POSTING_NAMES, postings)
        self._memory.at_end(self._gathered_key, self._finish)
        for posting in transaction.postings:
            account, amount = posting.account, posting.amount_micro
            self._gathered[account] = self._gathered.get(account, 0) + amount
            found = self._days.setdefault((day, account, transaction.kind), [0, 0, 0])
            found[0] += 1
            found[1 if amount < 0 else 2] += abs(amount)

    def _finish(self) -> None:
        """Bring the sums of accounts forward, in all and by day: the last that a unit does."""
        moved = {account: [change, 0, 0] for account, change in sorted(self._gathered.items())}
        for (_, account, _), (_, taken, given) in self._days.items():
            moved[account][1] += taken
            moved[account][2] += given
        balances = [(self._site, account, *sums) for account, sums in moved.items()]
        self._write_tuples(t.AccountBalance, _BALANCE_NAMES, balances, _ADD_TO_BALANCE)
        days = [(self._site, *key, *sums) for key, sums in sorted(self._days.items())]
        self._write_tuples(LedgerDay, _DAY_NAMES, days, _ADD_TO_DAY)
        self._gathered, self._days = {}, {}

    def sums(self, accounts: Iterable[str]) -> dict[str, int]:
        """The sums of these ledger accounts, with what this unit posts; one never posted to is absent."""
        wanted = list(accounts)
        stored = self._stored_sums(wanted)
        found = {name: sum_micro for name in wanted if (sum_micro := stored[name]) is not None}
        for name in self._gathered.keys() & set(wanted):
            found[name] = found.get(name, 0) + self._gathered[name]
        return found

    def _stored_sums(self, accounts: Sequence[str]) -> dict[str, int | None]:
        """At least of these accounts the sums that are stored; None for one never posted to."""
        key = ("sums", self._site)
        known: dict[str, int | None] = self._memory.known(key, dict)
        missing = [name for name in accounts if name not in known]
        query = self._of(t.AccountBalance, t.AccountBalance.account, t.AccountBalance.balance_micro)
        for names in pieces(missing):
            known.update(dict.fromkeys(names))
            known.update(self._plain(query.where(self._among(t.AccountBalance.account, names))))
        return known

    def next_receipt(self, day: str, term: int) -> int:
        """Take the next running number of a day; it is given back when the unit rolls back, so there are no holes."""
        self._only_for_site()
        counter = t.ReceiptCounter
        insert = counter.insert(site=self._site, day=day, term=term, last=1).on_conflict(
            conflict_target=[counter.site, counter.day, counter.term], update={counter.last: counter.last + 1}
        )
        insert.execute(self._database)
        query = self._of(counter, counter.last).where((counter.day == day) & (counter.term == term))
        return int(self._tuples(query)[0][0])

    def raise_receipt(self, day: str, term: int, number: int) -> int:
        """A number of a day was given out before: the counter stands there at least; where it stands."""
        counter = t.ReceiptCounter
        query = self._of(counter, counter.last).where((counter.day == day) & (counter.term == term))
        rows = self._tuples(query)
        last = max(number, rows[0][0] if rows else 0)
        self._put(counter, ("day", "term"), [{"day": day, "term": term, "last": last}])
        return last

    def receipts_like(self, series: str) -> list[str]:
        """The receipts of a series that sales are known of."""
        query = self._of(t.Sale, t.Sale.receipt).where(t.Sale.receipt.startswith(series))
        return [row[0] for row in self._tuples(query)]

    # --- sales --------------------------------------------------------------------------------------------------

    def add_sale(self, sale: SaleFact) -> None:
        """Store a sale."""
        self._insert(t.Sale, [asdict(sale)])

    def sale(self, sale: str) -> SaleFact | None:
        """One sale."""
        row = self._one(self._of(t.Sale).where(t.Sale.sale == sale))
        return SaleFact(**row) if row is not None else None

    def sale_like(self, account: str, amount_micro: int, since_ms: int) -> SaleFact | None:
        """The newest sale to an account of the same amount since an instant."""
        query = self._of(t.Sale).where(
            (t.Sale.account == account) & (t.Sale.amount_micro == amount_micro) & (t.Sale.paid_at_ms >= since_ms)
        )
        row = self._one(query.order_by(t.Sale.paid_at_ms.desc()))
        return SaleFact(**row) if row is not None else None

    def operator_day_micro(self, operator: str, day: str) -> int:
        """What an operator sold in one till day."""
        query = self._of(t.Sale, pw.fn.SUM(t.Sale.amount_micro))
        rows = self._tuples(query.where((t.Sale.till_day == day) & (t.Sale.operator == operator)))
        return int(rows[0][0] or 0)

    def note_print(self, sale: str, at_ms: int, who: str) -> int:
        """Count a print of a receipt; how many there are with it."""
        rows = self._tuples(self._of(t.ReceiptPrint, pw.fn.COUNT(t.ReceiptPrint.n)).where(t.ReceiptPrint.sale == sale))
        number = int(rows[0][0]) + 1
        self._insert(t.ReceiptPrint, [{"sale": sale, "n": number, "at_ms": at_ms, "who": who}])
        return number

    # --- grants -------------------------------------------------------------------------------------------------

    def add_grants(self, grants: Iterable[WalletGrant]) -> None:
        """Store new grants, in the order of the parts of their sale."""
        rows = []
        for n, grant in enumerate(grants):
            row = _grant_row(grant)
            row |= {"grant_id": grant.grant, "n": n}
            rows.append(row)
        self._insert(t.WalletGrant, rows)

    def save_grant(self, grant: WalletGrant) -> None:
        """Write how far a grant has come."""
        mine = (t.WalletGrant.site == self._site) & (t.WalletGrant.grant_id == grant.grant)
        self._run(t.WalletGrant.update(_grant_row(grant)).where(mine))

    def grants(self, grants: Iterable[str]) -> dict[str, WalletGrant]:
        """Grants by their ids, as far as they exist."""
        found: dict[str, WalletGrant] = {}
        for names in pieces(grants):
            rows = self._all(self._of(t.WalletGrant).where(t.WalletGrant.grant_id.in_(names)))
            found |= {grant.grant: grant for grant in map(grant_from_row, rows)}
        return found

    def grants_of_sale(self, sale: str) -> list[WalletGrant]:
        """The parts of a sale in their order."""
        query = self._of(t.WalletGrant).where(t.WalletGrant.sale == sale)
        return [grant_from_row(row) for row in self._all(query.order_by(t.WalletGrant.n))]

    def grants_in_state(self, box: str, *states: GrantState) -> list[WalletGrant]:
        """Grants for one box in these states, oldest first."""
        query = self._of(t.WalletGrant).where(
            (t.WalletGrant.box == box) & t.WalletGrant.state.in_([state.value for state in states])
        )
        return [
            grant_from_row(row) for row in self._all(query.order_by(t.WalletGrant.made_at_ms, t.WalletGrant.grant_id))
        ]

    def grants_of_account(self, account: str, *states: GrantState) -> list[WalletGrant]:
        """Grants of one account in these states, oldest first."""
        query = self._of(t.WalletGrant).where(
            (t.WalletGrant.account == account) & t.WalletGrant.state.in_([state.value for state in states])
        )
        return [
            grant_from_row(row) for row in self._all(query.order_by(t.WalletGrant.made_at_ms, t.WalletGrant.grant_id))
        ]

    def grant_of_command(self, box: str, command: int) -> WalletGrant | None:
        """The grant that a command carries."""
        row = self._one(self._of(t.WalletGrant).where((t.WalletGrant.box == box) & (t.WalletGrant.command == command)))
        return grant_from_row(row) if row is not None else None

    def grants_not_on(self, box: str) -> list[WalletGrant]:
        """Grants that were applied on a box and whose light has not been seen yet."""
        query = self._of(t.WalletGrant).where(
            (t.WalletGrant.box == box)
            & (t.WalletGrant.state == GrantState.APPLIED.value)
            & t.WalletGrant.on_at_ms.is_null()
            & (t.WalletGrant.amount_micro > 0)
        )
        rows = partial(self._memory.known, ("grants_not_on", box))
        return list(rows(lambda: [grant_from_row(row) for row in self._all(query)]))


def _added(table: str, key: Sequence[str], sums: Sequence[str]) -> str:
    """What is there already grows by what comes."""
    target = ", ".join(f'"{name}"' for name in key)
    grown = ", ".join(f'"{name}" = "{table}"."{name}" + EXCLUDED."{name}"' for name in sums)
    return f" ON CONFLICT ({target}) DO UPDATE SET {grown}"


_BALANCE_NAMES: Final = ("site", "account", "balance_micro", "taken_micro", "given_micro")
_ADD_TO_BALANCE: Final = _added("account_balance", _BALANCE_NAMES[:2], _BALANCE_NAMES[2:])
_DAY_NAMES: Final = ("site", "posting_day", "account", "kind", "postings", "taken_micro", "given_micro")
_ADD_TO_DAY: Final = _added("ledger_day", _DAY_NAMES[:4], _DAY_NAMES[4:])
_POSTING_NAMES: Final = ("site", "transaction_id", "n", "account", "amount_micro", "posting_day")


def _grant_row(grant: WalletGrant) -> dict[str, Any]:
    row = asdict(grant)
    row.pop("grant")
    row["state"] = grant.state.value
    return row


def grant_from_row(row: dict[str, Any]) -> WalletGrant:
    """A grant from its columns; takes the dictionary apart."""
    row.pop("n")
    row["grant"] = row.pop("grant_id")
    row["state"] = GrantState(row["state"])
    return WalletGrant(**row)
