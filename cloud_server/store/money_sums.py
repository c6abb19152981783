"""What the ledger comes to by account and by posting day, from the sums that are kept by whoever posts. Reading, and
building them anew; never from postings one by one, of which a site of two thousand meters has thirty million a year.
"""

from collections.abc import Iterator, Sequence
from typing import Any, Final

import peewee as pw

from cloud_server.core.invariants.evidence import KeptLedgerDay
from cloud_server.ports.office import Trial
from cloud_server.store import tables_ledger as t
from cloud_server.store.rows import Rows, pieces
from cloud_server.store.tables_ledger_days import LedgerDay
from protocol.units import Micro

_D, _B = LedgerDay, t.AccountBalance
_OWED: Final = ("customer", "in_flight", "payable", "wallet")
"""The kinds of accounts on which customers' money stands."""


class MoneySums(Rows):
    """Sums of the ledger, each in a statement or two whatever the years of a site."""

    def till_sums(self, from_day: str, to_day: str) -> list[tuple[str, str, str, int, int]]:
        """Posting day, till account, kind of entry, how many, how much came in."""
        query = self._of(_D, _D.posting_day, _D.account, _D.kind, _D.postings, _D.taken_micro - _D.given_micro)
        which = (_D.posting_day >= from_day) & (_D.posting_day <= to_day) & _under(_D.account, "till")
        return [(row[0], row[1], row[2], row[3], row[4]) for row in self._plain(query.where(which))]

    def sold_at_tills(self) -> list[tuple[str, int, Micro]]:
        """Till account, how many sales there ever were at it, what they came to."""
        query = self._of(_D, _D.account, _sum(_D.postings), _sum(_D.taken_micro))
        which = (_D.kind == "sale") & _under(_D.account, "till")
        return [(row[0], row[1], row[2]) for row in self._plain(query.where(which).group_by(_D.account))]

    def trial(self, to_day: str) -> Trial:
        """The trial balance of a posting day: all there ever was less what was posted under the days behind it."""
        behind = (_sum(_D.taken_micro), _sum(_D.given_micro))
        query = self._of(_D, _D.account, *behind).where(_D.posting_day > to_day).group_by(_D.account)
        return _less(self.account_turnover(), {account: (taken, given) for account, taken, given in self._plain(query)})

    def stretch(self, from_day: str, to_day: str) -> tuple[Trial, Trial, list[tuple[str, str, Micro]]]:
        """The trial balances of the eve of some days and of their last, and between them account, kind of entry and sum
        of all that customers are owed: from one walk through the days, since they are many."""
        is_later = _D.posting_day > to_day
        figures = [
            _sum(pw.Case(None, ((which, figure),), 0))
            for which in (_D.posting_day <= to_day, is_later)
            for figure in (_D.taken_micro, _D.given_micro)
        ]
        query = self._of(_D, _D.account, _D.kind, *figures).where(_D.posting_day >= from_day)
        within: dict[str, tuple[Micro, Micro]] = {}
        later: dict[str, tuple[Micro, Micro]] = {}
        moved = []
        for account, kind, taken, given, taken_later, given_later in self._plain(query.group_by(_D.account, _D.kind)):
            _add(within, account, taken, given)
            _add(later, account, taken_later, given_later)
            if (taken or given) and account.partition("/")[0] in _OWED:
                moved.append((account, kind, given - taken))
        after = _less(self.account_turnover(), later)
        return _less({account: (taken, given) for account, taken, given in after}, within), after, moved

    def balance_before(self, accounts: Sequence[str], day: str) -> Micro:
        """What stood on these accounts together before a posting day."""
        balance_micro = 0
        for names in pieces(accounts):
            query = self._of(_D, pw.fn.COALESCE(_sum(_D.given_micro - _D.taken_micro), 0))
            ((micro,),) = self._plain(query.where(_D.account.in_(names) & (_D.posting_day < day)))
            balance_micro += micro
        return balance_micro

    # --- held against what they are of --------------------------------------------------------------------------

    def kept_days(self) -> Iterator[KeptLedgerDay]:
        """Day by day what the postings come to, and what is kept of it."""
        entry, posting = t.LedgerTransaction, t.Posting
        booked = self._plain(self._of(entry, entry.posting_day).distinct())
        kept = self._plain(self._of(_D, _D.posting_day).distinct())
        taken = _sum(pw.Case(None, ((posting.amount_micro < 0, posting.amount_micro * -1),), 0))
        given = _sum(pw.Case(None, ((posting.amount_micro > 0, posting.amount_micro),), 0))
        on = (posting.site == entry.site) & (posting.transaction_id == entry.transaction_id)
        columns = (posting.account, entry.kind, pw.fn.COUNT(posting.n), taken, given)
        for (day,) in sorted({*booked, *kept}):
            summed = self._of(entry, *columns).join(posting, on=on).where(entry.posting_day == day)
            stands = self._of(_D, _D.account, _D.kind, _D.postings, _D.taken_micro, _D.given_micro)
            yield KeptLedgerDay(
                day,
                _by_account(self._plain(summed.group_by(posting.account, entry.kind))),
                _by_account(self._plain(stands.where(_D.posting_day == day))),
            )

    def account_turnover(self) -> dict[str, tuple[Micro, Micro]]:
        """What was ever taken from each account and given to it, as kept."""
        rows = self._plain(self._of(_B, _B.account, _B.taken_micro, _B.given_micro))
        return {account: (taken, given) for account, taken, given in rows}


def _by_account(rows: list[tuple[Any, ...]]) -> dict[tuple[str, str], tuple[int, Micro, Micro]]:
    return {(account, kind): (count, taken, given) for account, kind, count, taken, given in rows}


def _add(sums: dict[str, tuple[Micro, Micro]], account: str, taken: Micro, given: Micro) -> None:
    before = sums.get(account, (0, 0))
    sums[account] = (before[0] + taken, before[1] + given)


def _less(all_there_was: dict[str, tuple[Micro, Micro]], later: dict[str, tuple[Micro, Micro]]) -> Trial:
    """What stood before something came; accounts to which nothing had come yet are left out."""
    found = []
    for account, (taken, given) in all_there_was.items():
        taken_later, given_later = later.get(account, (0, 0))
        if taken > taken_later or given > given_later:
            found.append((account, taken - taken_later, given - given_later))
    return found


def _under(column: pw.Field, kind: str) -> Any:
    """Accounts of one kind: their names begin with it and a slash."""
    return (column >= f"{kind}/") & (column < f"{kind}0")


def _sum(what: Any) -> Any:
    """A sum as the whole number that it is; PostgreSQL makes decimals of sums."""
    return pw.fn.SUM(what).cast("BIGINT")
