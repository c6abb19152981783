"""Reports of money: sales by period, operator and method; balances and arrears; the trial balance. Part of
`read_reports`. Finance goes by posting day."""

from typing import Final

from cloud_server.core.accounts import parse_account
from cloud_server.core.report_table import Column, Report, ReportTable, Value, totals
from cloud_server.flows.report_basis import Basis
from protocol.site_plan import WalletPlan

_MONEY = frozenset({"count", "sold", "reversed", "paid_out", "income"})
_SUMS = (
    Column("count", "count"),
    Column("sold", "money"),
    Column("reversed", "money"),
    Column("paid_out", "money"),
    Column("income", "money"),
)


def sales(basis: Basis) -> Report:
    """What came into the tills, by period; and by operator and method."""
    query = basis.query
    periods: dict[str, list[int]] = {}
    detailed: dict[tuple[str, str, str], list[int]] = {}
    for day, account, kind, count, amount in basis.unit.reports.till_sums(query.from_day, query.to_day):
        operator, method = parse_account(account).about
        if query.operator not in ("", operator) or query.method not in ("", method):
            continue
        period = basis.period(day)
        for sums in (
            periods.setdefault(period, [0, 0, 0, 0, 0]),
            detailed.setdefault((period, operator, method), [0, 0, 0, 0, 0]),
        ):
            _add(sums, kind, count, amount)
    first = (Column("period", "day"), *_SUMS)
    second = (Column("period", "day"), Column("operator", "text"), Column("method", "method"), *_SUMS)
    by_period: tuple[tuple[Value, ...], ...] = tuple((name, *sums) for name, sums in sorted(periods.items()))
    by_operator: tuple[tuple[Value, ...], ...] = tuple((*names, *sums) for names, sums in sorted(detailed.items()))
    return Report(
        query=query,
        made_at_ms=basis.look.now_ms,
        tables=(
            ReportTable(
                title="by_period", columns=first, rows=by_period, total=totals(first, by_period, _MONEY), chart=(0, 5)
            ),
            ReportTable(
                title="by_operator", columns=second, rows=by_operator, total=totals(second, by_operator, _MONEY)
            ),
        ),
    )


def _add(sums: list[int], kind: str, count: int, amount: int) -> None:
    if kind == "sale":
        sums[0] += count
        sums[1] += amount
    elif kind.startswith("revers"):
        sums[2] += amount
    else:
        sums[3] += amount
    sums[4] += amount


_BALANCES: Final = (
    Column("account", "text"),
    Column("customer", "text"),
    Column("shop", "text"),
    Column("building", "text"),
    Column("box", "text"),
    Column("balance", "money"),
    Column("as_of", "moment"),
    Column("in_flight", "money"),
    Column("arrears", "money"),
    Column("last_sale", "moment"),
)


def balances(basis: Basis) -> Report:
    """Every wallet's balance as the centre knows it, with its age; state "arrears" shows only those below zero."""
    look, rows = basis.look, []
    last_sales = basis.unit.reports.last_sales()
    meters = {meter for _, meter, _ in basis.points()}
    for wallet in look.site.plan.wallets:
        if look.account_states.get(wallet.account) == "closed" or meters.isdisjoint(wallet.meters):
            continue
        micro, at_ms = look.balance(wallet.wallet, tuple(wallet.meters), wallet.box)
        owed = -micro if micro is not None and micro < 0 else 0
        if basis.query.state == "arrears" and not owed:
            continue
        in_flight = look.in_flight_micro.get(wallet.wallet, 0)
        rows.append((*_payer(basis, wallet), micro, at_ms, in_flight, owed, last_sales.get(wallet.account)))
    found: tuple[tuple[Value, ...], ...] = tuple(rows)
    total = totals(_BALANCES, found, frozenset({"balance", "in_flight", "arrears"}))
    table = ReportTable(title="balances", columns=_BALANCES, rows=found, total=total)
    return Report(query=basis.query, made_at_ms=look.now_ms, tables=(table,), lacks=basis.lacks(look.now_ms))


def _payer(basis: Basis, wallet: WalletPlan) -> tuple[str, str, str, str, str]:
    """Account, customer, shops, building and box of a wallet."""
    site = basis.look.site
    account, box = site.accounts[wallet.account], site.boxes[wallet.box]
    customer, shops = site.customers[account.customer].name, "、".join(site.shops(wallet))
    return account.number, customer, shops, basis.building_name(box.building), box.name


def trial(basis: Basis) -> Report:
    """The sum of every kind of account up to a posting day; tills and revenue in full. All together are zero."""
    sums: dict[tuple[str, str], list[int]] = {}
    for account, taken, given in basis.unit.reports.trial(basis.query.to_day):
        parsed = parse_account(account)
        name = account if parsed.kind in ("till", "revenue") else parsed.kind
        line = sums.setdefault((parsed.side.value, name), [0, 0, 0])
        for index, amount in enumerate((1, taken, given)):
            line[index] += amount
    columns = (
        Column("side", "ledger"),
        Column("ledger_account", "ledger"),
        Column("accounts", "count"),
        Column("debit", "money"),
        Column("credit", "money"),
        Column("ledger_balance", "money"),
    )
    rows: tuple[tuple[Value, ...], ...] = tuple(
        (side, name, count, taken, given, given - taken) for (side, name), (count, taken, given) in sorted(sums.items())
    )
    keys = frozenset({"debit", "credit", "ledger_balance"})
    table = ReportTable(title="trial", columns=columns, rows=rows, total=totals(columns, rows, keys))
    _, to_ms = basis.stretch
    return Report(query=basis.query, made_at_ms=basis.look.now_ms, tables=(table,), lacks=basis.lacks(to_ms))
