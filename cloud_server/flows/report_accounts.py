"""The roll-forward of every account: opening, what came and went, closing, equal to the trial balance. Part of
`read_reports`. Money goes by posting day."""

from collections.abc import Iterator
from typing import Final

from cloud_server.core.accounts import Side, parse_account
from cloud_server.core.report_table import Column, Fact, Report, ReportTable, Value, totals
from cloud_server.flows.report_basis import Basis
from cloud_server.flows.report_late import bridge, bridge_facts
from cloud_server.ports.office import Trial
from protocol.units import Micro

_FIGURES: Final = ("opening", "sold", "reversed", "paid_out", "adjusted", "charged", "other", "closing")
_PLACE: Final[dict[str, int]] = {
    "sale": 1,
    "reversal": 2,
    "refund_paid": 3,
    "adjustment": 4,
    "batch": 5,
    "opening": 6,
}
"""Kind of entry -> the figure that it belongs to; whatever else moves an account's money is `other`."""
_OTHER: Final = _FIGURES.index("other")


def rollforward(basis: Basis) -> Report:
    """All money of each account, wherever it is: at the centre, on its way, in wallets, or ready to be paid."""
    query = basis.query
    before, after, moved = basis.unit.reports.stretch(query.from_day, query.to_day)
    sums = _figures(basis, before, moved)
    owed = sum(micro for _, micro in _owed(after))
    closing = sum(figures[-1] for figures in sums.values())
    facts = (
        Fact(key="roll_closing", kind="exact", value=closing),
        Fact(key="roll_trial", kind="exact", value=owed),
        Fact(key="roll_difference", kind="exact", value=closing - owed),
    )
    _, to_ms = basis.stretch
    late = bridge(basis)
    return Report(
        query=query,
        made_at_ms=basis.look.now_ms,
        tables=(_table(basis, sums), *late.tables),
        facts=(*facts, *bridge_facts(basis, late, before, after)),
        lacks=basis.lacks(to_ms),
    )


def _figures(basis: Basis, before: Trial, moved: list[tuple[str, str, Micro]]) -> dict[str, list[int]]:
    """By account what it had on the eve, what moved it in these days, and what it had at their end."""
    sums: dict[str, list[int]] = {}
    for name, micro in _owed(before):
        _line(basis, sums, name)[0] += micro
    for name, kind, amount in moved:
        _line(basis, sums, name)[_PLACE.get(kind, _OTHER)] += amount
    for figures in sums.values():
        figures[-1] = sum(figures[:-1])
    return sums


def _owed(trial: Trial) -> Iterator[tuple[str, Micro]]:
    """The ledger accounts on which customers' money stands, and how much."""
    for name, taken, given in trial:
        if parse_account(name).side is Side.LIABILITY:
            yield name, given - taken


def _table(basis: Basis, sums: dict[str, list[int]]) -> ReportTable:
    columns = (
        Column("account", "text"),
        Column("customer", "text"),
        Column("shop", "text"),
        *(Column(f"roll_{key}", "exact") for key in _FIGURES),
    )
    rows: list[tuple[Value, ...]] = [
        (*_names(basis, account), *figures) for account, figures in sums.items() if any(figures)
    ]
    found = tuple(sorted(rows, key=lambda row: str(row[0])))
    total = totals(columns, found, frozenset(f"roll_{key}" for key in _FIGURES))
    return ReportTable(title="rollforward", columns=columns, rows=found, total=total)


def _line(basis: Basis, sums: dict[str, list[int]], name: str) -> list[int]:
    """The figures of the account that a ledger account belongs to."""
    parsed = parse_account(name)
    account = parsed.about[0]
    if parsed.kind in ("wallet", "in_flight"):
        wallet = basis.look.site.wallets.get(account)
        account = wallet.account if wallet is not None else account
    return sums.setdefault(account, [0] * len(_FIGURES))


def _names(basis: Basis, account: str) -> tuple[str, str, str]:
    site = basis.look.site
    planned = site.accounts.get(account)
    if planned is None:
        return account, "", ""
    shops = "、".join(shop for wallet in site.wallets_of.get(account, ()) for shop in site.shops(wallet))
    return planned.number, site.customers[planned.customer].name, shops
