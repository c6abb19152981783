"""Why it cost so much, and whether that is right: an account's charges of some days beside as many days before, and all
of them proved from the lines that the box signed. Part of `read_reports`.

The tables are those of the statement; what is checked is read from the lines themselves, at the moment it is asked for.
"""

from dataclasses import replace
from datetime import date, datetime, timedelta

import msgspec

from cloud_server.core.report_table import Column, Fact, Report, ReportTable, Value, totals
from cloud_server.core.signed_charges import CHECKS, ChainWalk, KeptLine, Proof
from cloud_server.flows.report_basis import Basis
from cloud_server.flows.report_replaced import box_name, swap_table
from cloud_server.flows.report_statement import (
    AccountBatches,
    AccountDays,
    fee_table,
    gather,
    price_table,
    register_table,
    swaps_of,
)
from protocol.chain import Head
from protocol.commands import Body, Command, Grant, read_body
from protocol.envelope import check_signature, read_line
from protocol.errors import BadSignature, TheirFault
from protocol.messages import Epoch
from protocol.payload import read_payload
from protocol.records import Part
from protocol.signing import public_key_from_text

HASH_SHOWN = 16
"""Digits of a hash on paper: enough to compare with what `edge-agent batches show` prints on the box."""
FAULTS_SHOWN = 3
"""Faults of one check that are written out; how many there are is always told."""
_parts = msgspec.json.Decoder(list[Part])


def proof(basis: Basis) -> Report | None:
    """One account over some days; None where there is no such account."""
    days = gather(basis)
    if days is None:
        return None
    meters = {row["meter"] for row in days.intervals}
    tables = [
        price_table(basis, days.intervals),
        register_table(basis, days.intervals),
        *swap_table(basis, swaps_of(basis, meters)),
        *((fee_table(days.fees),) if days.fees else ()),
        _day_table(basis, days),
    ]
    facts = _facts(basis, days)
    if basis.query.looks_at_lines:
        made, chains = Proof(), list[tuple[Value, ...]]()
        for batches in days.batches:
            chains.append(_walk(basis, days, batches, made))
        _compare(basis, days, made)
        tables += [_check_table(made), _chain_table(chains)]
        verdict = Fact(key="verdict", kind="event", value="holds:yes" if made.holds else "holds:no")
        facts = (verdict, *facts, *_compared(days, gather(_earlier(basis))))
    _, to_ms = basis.stretch
    return Report(
        query=basis.query,
        made_at_ms=basis.look.now_ms,
        tables=tuple(tables),
        facts=facts,
        lacks=basis.lacks(to_ms),
    )


def _earlier(basis: Basis) -> Basis:
    """As many days before; a whole calendar month is put beside the month before."""
    first, last = date.fromisoformat(basis.query.from_day), date.fromisoformat(basis.query.to_day)
    eve = first - timedelta(days=1)
    is_month = first.day == 1 and (last + timedelta(days=1)).day == 1 and (last - first).days < 31
    begin = eve.replace(day=1) if is_month else eve - (last - first)
    return replace(basis, query=replace(basis.query, from_day=begin.isoformat(), to_day=eve.isoformat()))


# --- the lines themselves -------------------------------------------------------------------------------------------


def _walk(basis: Basis, days: AccountDays, batches: AccountBatches, made: Proof) -> tuple[Value, ...]:
    """Look at every line of one box and epoch between the first and the last that charged the account."""
    unit, box, epoch = basis.unit, batches.box, batches.epoch
    name = box_name(basis, box)
    opened = next((one for one in unit.enrolments.epochs(box) if one.epoch == epoch), None)
    told = _epoch_line(basis, box, epoch, f"{name} {epoch}", made)
    if opened is None or told is None or opened.record_key != told.record_key:
        made.find("box_keys", f"{name} {epoch}: no line of the centre names the key with which it is signed")
        return (name, f"{epoch}/?", 0, "", "", "")
    first, last = min(batches.seqs), max(batches.seqs)
    rows = [row for row in days.intervals if (row["box"], row["epoch"]) == (box, epoch)]
    begin = _begin(basis, rows, batches, first)
    version = unit.reports.config_before(box, epoch, begin)
    walk = ChainWalk(
        proof=made,
        name=f"{name} {epoch}",
        key=public_key_from_text(told.record_key),
        head=Head(0, opened.hash) if begin == 1 else None,
        meters={row["meter"] for row in rows},
        wallets=set(days.wallets),
        config_version=version if version is not None else told.config_version,
        place_of=lambda wanted: basis.centre.place(unit, box, wanted),
        body_of=lambda seq: _body_of(basis, box, seq),
    )
    for seq, line_hash, raw in unit.reports.batch_lines(box, epoch, (begin, last)):
        walk.take(KeptLine(seq, line_hash, raw), counts=seq >= first, charges=seq in batches.seqs)
    if walk.lines != last - first + 1:
        made.find("chain", f"{name} {epoch}/{first}–{last}: {walk.lines} lines are there")
    end = walk.head.hash[:HASH_SHOWN] if walk.head is not None else ""
    return (name, f"{epoch}/{first}–{last}", walk.lines, walk.first_hash[:HASH_SHOWN], end, opened.keyid[:HASH_SHOWN])


def _begin(basis: Basis, rows: list[dict[str, object]], batches: AccountBatches, first: int) -> int:
    """The batch in which the account's meters were told of last before: carries go on from there."""
    found = first
    for meter in {str(row["meter"]) for row in rows}:
        from_ms = min(int(str(row["from_ms"])) for row in rows if row["meter"] == meter)
        before = basis.unit.reports.interval_before(meter, from_ms)
        if before is not None and before[:2] == (batches.box, batches.epoch):
            found = min(found, before[2])
    return found


def _epoch_line(basis: Basis, box: str, epoch: int, place: str, made: Proof) -> Epoch | None:
    """The line with which the centre opened the epoch, its signature looked at."""
    raw = basis.unit.lines.line("epoch", box, epoch)
    made.look("box_keys")
    if raw is None:
        return None
    try:
        line = read_line(raw)
        check_signature(line, basis.centre.authority.command_keys)
        return read_payload(line.payload, Epoch)
    except (BadSignature, TheirFault) as fault:
        made.find("box_keys", f"{place}: {fault}")
        return None


def _body_of(basis: Basis, box: str, seq: int) -> Body | None:
    raw = basis.unit.lines.line("command", box, seq)
    if raw is None:
        return None
    try:
        line = read_line(raw)
        check_signature(line, basis.centre.authority.command_keys)
        return read_body(read_payload(line.payload, Command))
    except (BadSignature, TheirFault):
        return None


def _compare(basis: Basis, days: AccountDays, made: Proof) -> None:
    """Lines against tables, tables against the ledger, and sales against what the centre signed."""
    shown = sum(row["charge_micro"] for row in days.intervals) + sum(fee.charge_micro for _, fee in days.fees)
    made.look("tables", len(days.intervals) + len(days.fees))
    if shown != made.charge_micro:
        made.find("tables", f"{shown} micro-units are shown, the lines say {made.charge_micro}")
    made.look("ledger", sum(move.kind == "batch" for move in days.moves))
    if days.charged_micro != shown:
        made.find("ledger", f"{days.charged_micro} micro-units were booked, {shown} are shown")
    for move in days.moves:
        if move.kind == "sale":
            _compare_sale(basis, move.cause.split("/")[-1], made)


def _compare_sale(basis: Basis, sale: str, made: Proof) -> None:
    """Every part of a sale that was sent to a box is in a command that the centre signed, with its amount."""
    for grant in basis.unit.ledger.grants_of_sale(sale):
        if grant.command is None:
            continue
        made.look("sales")
        body = _body_of(basis, grant.box, grant.command)
        said = (body.grant, body.sale, body.amount_micro) if isinstance(body, Grant) else None
        if said != (grant.grant, sale, grant.amount_micro):
            made.find("sales", f"sale {sale}: command {grant.command} does not say {grant.amount_micro} micro-units")


# --- what is shown --------------------------------------------------------------------------------------------------


def _facts(basis: Basis, days: AccountDays) -> tuple[Fact, ...]:
    """Who, and how much."""
    site = basis.look.site
    shops = "、".join(shop for wallet in site.wallets_of.get(days.account.account, ()) for shop in site.shops(wallet))
    used, charge = _sums(days)
    return (
        Fact(key="account", kind="text", value=days.account.number),
        Fact(key="customer", kind="text", value=site.customers[days.account.customer].name),
        Fact(key="shop", kind="text", value=shops),
        Fact(key="energy_used", kind="energy", value=used),
        Fact(key="charge_used", kind="exact", value=charge),
        Fact(key="booked", kind="exact", value=days.charged_micro),
    )


def _compared(days: AccountDays, before: AccountDays | None) -> tuple[Fact, ...]:
    """How much it was before, and what the difference comes from; nothing where nothing was used before."""
    if before is None or not before.intervals:
        return ()
    used, charge = _sums(days)
    used_before, charge_before = _sums(before)
    by_use = (used - used_before) * charge_before // used_before if used_before else charge - charge_before
    return (
        Fact(key="energy_before", kind="energy", value=used_before),
        Fact(key="charge_before", kind="exact", value=charge_before),
        Fact(key="more_by_use", kind="exact", value=by_use),
        Fact(key="more_by_price", kind="exact", value=charge - charge_before - by_use),
    )


def _sums(days: AccountDays) -> tuple[int, int]:
    """Energy and what was charged for it, without fees."""
    return sum(row["energy_wh"] for row in days.intervals), sum(row["charge_micro"] for row in days.intervals)


def _check_table(made: Proof) -> ReportTable:
    columns = (
        Column("check", "event"),
        Column("looked_at", "count"),
        Column("result", "event"),
        Column("detail", "text"),
    )
    rows: list[tuple[Value, ...]] = []
    for check in CHECKS:
        faults = made.faults[check]
        shown = "; ".join(faults[:FAULTS_SHOWN]) + (
            f" (+{len(faults) - FAULTS_SHOWN})" if faults[FAULTS_SHOWN:] else ""
        )
        rows.append((f"check:{check}", made.looked_at[check], "holds:no" if faults else "holds:yes", shown))
    return ReportTable(title="proof_checks", columns=columns, rows=tuple(rows))


def _day_table(basis: Basis, days: AccountDays) -> ReportTable:
    """Energy and charge by the day of use."""
    sums: dict[str, list[int]] = {}
    for row in days.intervals:
        for part in _parts.decode(row["parts"]):
            day = datetime.fromtimestamp(part.from_ms / 1_000, basis.centre.zone).date().isoformat()
            found = sums.setdefault(day, [0, 0])
            found[0] += part.energy_wh
            found[1] += part.charge_micro
    columns = (Column("day", "day"), Column("energy", "energy"), Column("charge", "exact"))
    rows: tuple[tuple[Value, ...], ...] = tuple((day, *sums[day]) for day in sorted(sums))
    total = totals(columns, rows, frozenset({"energy", "charge"}))
    return ReportTable(title="proof_days", columns=columns, rows=rows, total=total, chart=(0, 2))


def _chain_table(chains: list[tuple[Value, ...]]) -> ReportTable:
    columns = (
        Column("box", "text"),
        Column("batches", "text"),
        Column("lines", "count"),
        Column("first_hash", "text"),
        Column("last_hash", "text"),
        Column("box_key", "text"),
    )
    return ReportTable(title="proof_chains", columns=columns, rows=tuple(chains))
