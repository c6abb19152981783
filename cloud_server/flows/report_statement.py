"""The account statement that settles a dispute: what came in, what was charged, and the registers, prices and batches
behind every fen of it. Part of `read_reports`.

Money goes by posting day, so that the closing balance is the ledger's own; the energy shown is that of the batches that
were posted in these days.
"""

from dataclasses import dataclass
from typing import Any

import msgspec

from cloud_server.core import accounts
from cloud_server.core.point_meters import Swap
from cloud_server.core.report_table import Column, Fact, Report, ReportTable, Value, totals
from cloud_server.flows.bounds import Bounds
from cloud_server.flows.report_basis import Basis
from cloud_server.flows.report_replaced import box_name, meter_config, number_of, point_of, ratio_texts, swap_table
from protocol.records import Fee, Part
from protocol.site_plan import AccountPlan
from protocol.units import Micro

_parts = msgspec.json.Decoder(list[Part])
_fee = msgspec.json.Decoder(Fee)


@dataclass(slots=True)
class AccountBatches:
    """Batches of one box and epoch that charged an account in these days."""

    box: str
    epoch: int
    seqs: set[int]


@dataclass(frozen=True, slots=True)
class AccountDays:
    """All that was posted to an account in the days of a query, and the intervals and fees behind its charges."""

    account: AccountPlan
    wallets: list[str]
    opening_micro: Micro
    moves: "list[Move]"
    batches: list[AccountBatches]
    intervals: list[dict[str, Any]]
    fees: list[tuple[int, Fee]]

    @property
    def charged_micro(self) -> Micro:
        """What the ledger booked as charged in these days."""
        return -sum(move.micro for move in self.moves if move.kind == "batch")


def gather(basis: Basis) -> AccountDays | None:
    """The account of the query over its days; None where there is no such account, or it is out of sight."""
    account = basis.look.site.accounts.get(basis.query.account)
    if account is None or Bounds(basis.centre).judge([("account", basis.query.account)]) != "own":
        return None
    wallets = [wallet.wallet for wallet in basis.look.site.wallets_of.get(account.account, ())]
    opening, entries, batches = moves_of(basis, account.account, wallets)
    return AccountDays(
        account=account,
        wallets=wallets,
        opening_micro=opening,
        moves=entries,
        batches=batches,
        intervals=[row for one in batches for row in charged_intervals(basis, one, wallets)],
        fees=[fee for one in batches for fee in fees_of(basis, one, wallets)],
    )


def statement(basis: Basis) -> Report | None:
    """One account over some days; None where there is no such account."""
    found = gather(basis)
    if found is None:
        return None
    account, wallets, intervals, fees = found.account, found.wallets, found.intervals, found.fees
    receipts = basis.unit.reports.receipts_of(account.account)
    money, charged, came = money_table(found.opening_micro, found.moves, receipts)
    opening = found.opening_micro
    prices = price_table(basis, intervals)
    proven = sum(row["charge_micro"] for row in intervals) + sum(fee.charge_micro for _, fee in fees)
    customer = basis.look.site.customers[account.customer]
    shops = "、".join(s for w in basis.look.site.wallets_of.get(account.account, ()) for s in basis.look.site.shops(w))
    facts = (
        Fact(key="account", kind="text", value=account.number),
        Fact(key="customer", kind="text", value=customer.name),
        Fact(key="shop", kind="text", value=shops),
        Fact(key="opening", kind="exact", value=opening),
        Fact(key="came_in", kind="exact", value=came),
        Fact(key="charged", kind="exact", value=-charged),
        Fact(key="closing", kind="exact", value=opening + came - charged),
        Fact(key="proven", kind="exact", value=proven),
        Fact(key="unproven", kind="exact", value=charged - proven),
    )
    _, to_ms = basis.stretch
    swaps = swaps_of(basis, {row["meter"] for row in intervals} | {m for w in wallets for m in _meters_of(basis, w)})
    tables = [money, register_table(basis, intervals), *swap_table(basis, swaps), prices]
    if fees:
        tables.append(fee_table(fees))
    return Report(
        query=basis.query,
        made_at_ms=basis.look.now_ms,
        tables=tuple(tables),
        facts=facts,
        lacks=basis.lacks(to_ms),
    )


@dataclass(frozen=True, slots=True)
class Move:
    """What one entry did to all of the account's money together."""

    kind: str
    cause: str
    day: str
    at_ms: int
    reason: str
    micro: int


def moves_of(basis: Basis, account: str, wallets: list[str]) -> tuple[int, list[Move], list[AccountBatches]]:
    """Balance before the first day, entries of the days, and the batches among them."""
    names = [accounts.customer(account), f"payable/{account}"]
    names += [name for wallet in wallets for name in (accounts.wallet(wallet), accounts.in_flight(wallet))]
    rows, query, found = basis.unit.reports, basis.query, dict[str, Move]()
    opening = rows.balance_before(names, query.from_day)
    for entry, kind, cause, day, at_ms, reason, micro in rows.account_postings(names, query.from_day, query.to_day):
        known = found.get(entry)
        found[entry] = Move(kind, cause, day, at_ms, reason, micro + (known.micro if known is not None else 0))
    batches: dict[tuple[str, int], AccountBatches] = {}
    for move in found.values():
        if move.kind == "batch":
            _, box, epoch, seq = move.cause.split("/")
            batches.setdefault((box, int(epoch)), AccountBatches(box, int(epoch), set())).seqs.add(int(seq))
    return opening, [move for move in found.values() if move.micro], list(batches.values())


def money_table(opening: int, moves: list[Move], receipts: dict[str, str]) -> tuple[ReportTable, int, int]:
    """Entries one by one, but charges as one line a day; what was charged and what came in altogether."""
    columns = (
        Column("posting_day", "day"),
        Column("at", "moment"),
        Column("entry", "ledger"),
        Column("reference", "text"),
        Column("amount", "exact"),
        Column("balance_after", "exact"),
    )
    lines: list[tuple[str, int | None, str, str, int]] = []
    charges: dict[str, int] = {}
    for move in moves:
        if move.kind == "batch":
            charges[move.day] = charges.get(move.day, 0) + move.micro
        else:
            reference = receipts.get(move.cause.split("/")[-1], move.reason)
            lines.append((move.day, move.at_ms, f"entry_{move.kind}", reference, move.micro))
    lines += [(day, None, "entry_charges", "", micro) for day, micro in charges.items()]
    lines.sort(key=lambda line: (line[0], line[1] is None, line[1] or 0))
    rows: list[tuple[Value, ...]] = []
    running = opening
    for day, at_ms, kind, reference, micro in lines:
        running += micro
        rows.append((day, at_ms, kind, reference, micro, running))
    charged = -sum(charges.values())
    came = sum(move.micro for move in moves if move.kind != "batch")
    return ReportTable(title="money", columns=columns, rows=tuple(rows)), charged, came


def charged_intervals(basis: Basis, batches: AccountBatches, wallets: list[str]) -> list[dict[str, Any]]:
    seqs = (min(batches.seqs), max(batches.seqs))
    rows = basis.unit.reports.charged_intervals(batches.box, batches.epoch, seqs, wallets)
    return [row for row in rows if row["seq"] in batches.seqs]


def fees_of(basis: Basis, batches: AccountBatches, wallets: list[str]) -> list[tuple[int, Fee]]:
    seqs = (min(batches.seqs), max(batches.seqs))
    found = basis.unit.reports.fees(batches.box, batches.epoch, seqs, wallets)
    return [(seq, _fee.decode(body)) for seq, body in found if seq in batches.seqs]


def _meters_of(basis: Basis, wallet: str) -> list[str]:
    return basis.look.site.wallets[wallet].meters


def swaps_of(basis: Basis, meters: set[str]) -> list[Swap]:
    """Replacements that these charges have to do with: of these days, or between two meters that were charged."""
    from_ms, to_ms = basis.stretch
    return [
        swap
        for swap in basis.past.swaps
        if {swap.old, swap.new} <= meters or (from_ms <= swap.at_ms < to_ms and {swap.old, swap.new} & meters)
    ]


def register_table(basis: Basis, intervals: list[dict[str, Any]]) -> ReportTable:
    """From register to register, a line for each meter and ratio, with the batches that say so."""
    columns = (
        Column("shop_number", "text"),
        Column("meter", "text"),
        Column("from", "moment"),
        Column("from_register", "energy"),
        Column("to", "moment"),
        Column("to_register", "energy"),
        Column("ct", "ratio"),
        Column("pt", "ratio"),
        Column("energy", "energy"),
        Column("charge", "exact"),
        Column("intervals", "count"),
        Column("batches", "text"),
    )
    groups: dict[tuple[str, int, str, int], list[dict[str, Any]]] = {}
    for row in intervals:
        groups.setdefault((row["meter"], row["ratio_version"], row["box"], row["epoch"]), []).append(row)
    rows = [_register_row(basis, *key, found) for key, found in groups.items()]
    # A shop's meters one after another, as they served it.
    rows.sort(key=lambda row: (str(row[0]), row[2] if isinstance(row[2], int) else 0))
    return ReportTable(
        title="proof_registers",
        columns=columns,
        rows=tuple(rows),
        total=totals(columns, tuple(rows), frozenset({"energy", "charge", "intervals"})),
    )


def _register_row(
    basis: Basis, meter: str, version: int, box: str, epoch: int, found: list[dict[str, Any]]
) -> tuple[Value, ...]:
    first, last = min(found, key=lambda r: r["from_ms"]), max(found, key=lambda r: r["to_ms"])
    config, point = meter_config(basis, meter), point_of(basis, meter)
    ratio = next((r for r in config.ratios if r.version == version), None) if config is not None else None
    seqs = sorted({row["seq"] for row in found})
    return (
        point.number if point is not None else "",
        number_of(basis, meter) or meter,
        first["from_ms"],
        first["from_raw_wh"],
        last["to_ms"],
        last["to_raw_wh"],
        *ratio_texts(ratio),
        sum(row["energy_wh"] for row in found),
        sum(row["charge_micro"] for row in found),
        len(found),
        f"{box_name(basis, box)} {epoch}/{seqs[0]}" + (f"–{seqs[-1]}" if len(seqs) > 1 else ""),
    )


def price_table(basis: Basis, intervals: list[dict[str, Any]]) -> ReportTable:
    """Energy and charge by meter, rate and price, with the version of the tariff."""
    columns = (
        Column("shop_number", "text"),
        Column("meter", "text"),
        Column("rate", "rate"),
        Column("tariff", "text"),
        Column("version", "count"),
        Column("price", "price"),
        Column("energy", "energy"),
        Column("charge", "exact"),
    )
    sums: dict[tuple[str, str, str, int, int], list[int]] = {}
    for row in intervals:
        for part in _parts.decode(row["parts"]):
            key = (row["meter"], part.rate, part.tariff, part.tariff_version, part.price_micro)
            line = sums.setdefault(key, [0, 0])
            line[0] += part.energy_wh
            line[1] += part.charge_micro
    rows: list[tuple[Value, ...]] = []
    tariffs = basis.look.site.book.tariffs
    for (meter, rate, tariff, version, price), line in sorted(sums.items()):
        point, known = point_of(basis, meter), tariffs.get((tariff, version))
        names = (point.number if point is not None else "", number_of(basis, meter) or meter)
        rows.append((*names, rate, known.name if known is not None else tariff, version, price, *line))
    return ReportTable(
        title="proof_prices",
        columns=columns,
        rows=tuple(rows),
        total=totals(columns, tuple(rows), frozenset({"energy", "charge"})),
    )


def fee_table(fees: list[tuple[int, Fee]]) -> ReportTable:
    columns = (Column("day", "day"), Column("fee", "text"), Column("batches", "text"), Column("charge", "exact"))
    rows: tuple[tuple[Value, ...], ...] = tuple((fee.day, fee.fee, str(seq), fee.charge_micro) for seq, fee in fees)
    return ReportTable(title="fees", columns=columns, rows=rows, total=totals(columns, rows, frozenset({"charge"})))
