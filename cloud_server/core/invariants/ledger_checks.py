"""Checks of the ledger itself: sums, accounts against boxes, entries against signed lines, who and why. Pure."""

import json
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping

from cloud_server.core import accounts, posting_rules
from cloud_server.core.accounts import parse_account
from cloud_server.core.audit_chain import entry_fits
from cloud_server.core.fleet import GrantState, WalletGrant
from cloud_server.core.invariants.evidence import CheckResult, Evidence, parsed, told_batches
from cloud_server.core.invariants.passed_over import balances_said, entries_passed_over
from cloud_server.core.invariants.step_entries import BY_PEOPLE, entries_of_line
from cloud_server.core.money_requests import ReclaimRequest
from cloud_server.core.receipts import TWICE
from cloud_server.core.settlement import SETTLED, settlement_detail
from cloud_server.core.transaction import Posting, merged, transaction_id
from protocol.chain import EMPTY_COMMANDS, Head
from protocol.errors import BadPayload
from protocol.messages import Money
from protocol.money import read_money_body
from protocol.payload import read_payload
from protocol.records import CommandResult, Reclaimed


def ledger_balances(evidence: Evidence) -> CheckResult:
    """1. Postings of each entry sum to zero, under its day; each account's sum is what its postings come to."""
    breaches, entries, postings = [], 0, 0
    sums: dict[str, int] = defaultdict(int)
    for entry in evidence.entries():
        entries += 1
        postings += len(entry.postings)
        total = sum(posting.amount_micro for posting in entry.postings)
        if total or not entry.postings:
            breaches.append(
                f"entry {entry.id} ({entry.kind} {entry.cause}): {len(entry.postings)} postings, sum {total}"
            )
        if entry.id != transaction_id(entry.kind, entry.cause):
            breaches.append(f"entry {entry.id}: its id does not follow from {entry.kind} {entry.cause}")
        if entry.posted_days - {entry.day}:
            said = ", ".join(sorted(entry.posted_days))
            breaches.append(f"entry {entry.id}: booked under {entry.day}, its postings say {said}")
        for posting in entry.postings:
            sums[posting.account] += posting.amount_micro
    stored = evidence.account_sums()
    for account in sorted(sums.keys() | stored.keys()):
        if sums.get(account, 0) != stored.get(account, 0):
            breaches.append(f"account {account}: stored {stored.get(account, 0)}, postings give {sums.get(account, 0)}")
        try:
            parse_account(account)
        except ValueError as fault:
            breaches.append(str(fault))
    looked = f"{entries} entries with {postings} postings on {len(stored)} accounts"
    return CheckResult("1 postings sum to zero", looked, tuple(breaches))


def accounts_agree_with_boxes(evidence: Evidence) -> CheckResult:
    """3. A wallet's account is what its box said last, or a finding names it; in_flight is what awaits an answer."""
    sums = evidence.account_sums()
    excused = {finding.wallet for finding in evidence.findings()}
    taken = {settled.wallet: settled.taken_micro for settled in evidence.settlements()}
    breaches, wallets = [], 0
    for box in evidence.boxes():
        for wallet, box_micro in sorted(balances_said(evidence, box.box).items()):
            wallets += 1
            ledger_micro = sums.get(accounts.wallet(wallet), 0) + taken.get(wallet, 0)
            if ledger_micro != box_micro and wallet not in excused:
                breaches.append(f"wallet {wallet}: the box says {box_micro}, the ledger {ledger_micro}, no finding")
    on_the_way: dict[str, int] = defaultdict(int)
    at_centre: dict[str, int] = defaultdict(int)
    grants = 0
    for grant in evidence.grants():
        grants += 1
        if grant.state is GrantState.SIGNED:
            on_the_way[accounts.in_flight(grant.wallet)] += grant.amount_micro
        elif grant.state is GrantState.WAITING:
            at_centre[accounts.customer(grant.account)] += grant.amount_micro
    for part in evidence.expected_parts():
        if part.state == "expected":
            on_the_way[accounts.in_flight(part.wallet)] += part.amount_micro
    in_flight = {name: micro for name, micro in sums.items() if name.startswith("in_flight/")}
    breaches += [
        f"{name}: {in_flight.get(name, 0)}, signed and unanswered grants {on_the_way.get(name, 0)}"
        for name in sorted(on_the_way.keys() | in_flight.keys())
        if on_the_way.get(name, 0) != in_flight.get(name, 0)
    ]
    breaches += [
        f"{name}: {sums.get(name, 0)}, grants that wait for it {micro}"
        for name, micro in sorted(at_centre.items())
        if sums.get(name, 0) < micro
    ]
    looked = f"{wallets} wallets against the last batches, {grants} grants"
    return CheckResult("3 ledger and boxes agree", looked, tuple(breaches))


def nothing_was_changed(evidence: Evidence) -> CheckResult:
    """18. The audit chain and the chain of money lines are whole; the guards on rows are in place."""
    breaches = [f"guard {name} is missing or changed" for name in evidence.missing_guards()]
    head, rows = EMPTY_COMMANDS, 0
    told: dict[str, str] = {}
    for entry in evidence.audit_entries():
        rows += 1
        if entry.action == SETTLED:
            told[entry.subject] = entry.detail
        if not entry_fits(entry, head):
            breaches.append(f"audit row {entry.number}: does not follow from row {head.seq} or was changed")
        head = Head(entry.number, entry.hash)
    files, wrong = _settlements_as_told(evidence, told)
    lines = sum(1 for _ in evidence.money_lines())
    looked = f"{rows} audit rows, {lines} money lines, {files} settlement files, the guards of append-only tables"
    breaches += wrong
    return CheckResult("18 nothing was changed or left out", looked, tuple(breaches))


def _settlements_as_told(evidence: Evidence, told: Mapping[str, str]) -> tuple[int, list[str]]:
    """Providers' files as they were matched, against what the audit says of each; how many, and what differs."""
    files, breaches = 0, []
    for kept, payments in evidence.provider_settlements():
        files += 1
        said = json.loads(told.get(kept.settlement, "{}"))
        if said != settlement_detail(kept, payments):
            breaches.append(f"settlement {kept.settlement} of {kept.day}: is not what the audit says of it")
    missing = {name for name, detail in told.items() if "payments_sha256" in detail}
    missing -= {kept.settlement for kept, _ in evidence.provider_settlements()}
    return files, [*breaches, *(f"settlement {name}: is gone" for name in sorted(missing))]


def entries_follow_from_lines(evidence: Evidence) -> CheckResult:
    """18. Every entry of the ledger follows from a signed line, and every signed line has its entry."""
    wanted: dict[str, tuple[Posting, ...]] = {}
    lines = 0
    for cause, kind, postings in _wanted(evidence):
        lines += 1
        if postings:
            wanted[transaction_id(kind, cause)] = merged(postings)
    breaches = []
    for entry in evidence.entries():
        right = wanted.pop(entry.id, None)
        if right is None:
            breaches.append(f"entry {entry.id} ({entry.kind} {entry.cause}): no signed line stands behind it")
        elif merged(entry.postings) != right:
            breaches.append(f"entry {entry.id} ({entry.kind} {entry.cause}): postings differ from its signed line")
    breaches += [f"entry {missing} is missing: its signed line is there" for missing in sorted(wanted)]
    return CheckResult("18 entries follow from signed lines", f"{lines} signed steps", tuple(breaches))


def _wanted(evidence: Evidence) -> Iterator[tuple[str, str, Iterable[Posting]]]:
    """Cause, kind and postings that signed lines ask for."""
    grants = {grant.grant: grant for grant in evidence.grants()}
    by_command = {(g.box, g.command): g for g in grants.values() if g.command is not None}
    sales = {sale.sale: sale for sale in evidence.sales()}
    refunds = {refund.fact.refund for refund in evidence.refunds()}
    reclaims = {request.reclaim: request for request in evidence.reclaims()}
    for line in evidence.money_lines():
        envelope = parsed(line.raw)
        if envelope is None:
            continue
        try:
            money = read_payload(envelope.payload, Money)
            body = read_money_body(money)
        except BadPayload:
            continue
        yield from entries_of_line(money, body, sales, refunds)
    yield from entries_passed_over(evidence)
    for part in evidence.expected_parts():
        yield part.cause, "part", part.postings()
        if part.state != "expected":
            yield part.cause, "part_ended", part.ended()
    for grant in grants.values():
        if grant.command is not None or grant.state is GrantState.SIGNED:
            signed = posting_rules.grant_signed(grant.account, grant.wallet, grant.amount_micro)
            yield f"grant/{grant.grant}", "grant", signed
    for box in evidence.boxes():
        for batch in told_batches(evidence, box.box):
            postings = list(posting_rules.for_records(batch.records))
            postings += _given_back(box.box, batch.records, by_command)
            postings += _reclaimed(batch.records, reclaims)
            cause = f"batch/{box.box}/{batch.stored.epoch}/{batch.stored.seq}"
            yield cause, "batch", merged(postings)


def _reclaimed(records: Iterable[object], reclaims: Mapping[str, ReclaimRequest]) -> Iterator[Posting]:
    for record in records:
        if isinstance(record, Reclaimed) and record.reclaim in reclaims:
            request = reclaims[record.reclaim]
            yield from posting_rules.reclaimed(request.purpose, request.account, record.wallet, record.amount_micro)


def _given_back(
    box: str, records: Iterable[object], by_command: dict[tuple[str, int], WalletGrant]
) -> Iterator[Posting]:
    for record in records:
        if isinstance(record, CommandResult) and record.outcome == "refused":
            grant = by_command.get((box, record.command))
            if grant is not None and grant.state is GrantState.REFUSED:
                yield from posting_rules.grant_refused(grant.account, grant.wallet, grant.amount_micro)


def steps_name_who_and_why(evidence: Evidence) -> CheckResult:
    """19. Each step of a person or program names who and under which key; receipt numbers have no holes."""
    keys = evidence.answered_keys()
    breaches, steps = [], 0
    for entry in evidence.entries():
        if not entry.who or not entry.key:
            breaches.append(f"entry {entry.id} ({entry.kind} {entry.cause}): who {entry.who!r}, key {entry.key!r}")
        if entry.kind in BY_PEOPLE:
            steps += 1
        if entry.kind in BY_PEOPLE - {"opening"} and entry.key not in keys:
            breaches.append(f"entry {entry.id}: the key {entry.key!r} was never answered")
    running: dict[tuple[str, str], list[int]] = defaultdict(list)
    sales = twice = 0
    for sale in evidence.sales():
        sales += 1
        if TWICE in sale.receipt:
            twice += 1
            continue
        series, _, number = sale.receipt.rpartition("-")
        running[series, sale.till_day].append(int(number))
    asked = evidence.receipts_asked_for()
    days = dict(running.keys())
    for receipt in sorted(asked):
        series, _, number = receipt.rpartition("-")
        running[series, days.get(series, "")].append(int(number))
    for (series, day), numbers in sorted(running.items()):
        if sorted(numbers) != list(range(1, len(numbers) + 1)):
            breaches.append(f"receipts {series} of {day}: {len(numbers)} sales, numbers up to {max(numbers)}")
    last = sum(evidence.receipt_counters().values())
    if last != sales + len(asked) - twice:
        breaches.append(f"receipt counters stand at {last} in all, {sales} sales were made, {len(asked)} are asked for")
    return CheckResult("19 steps name who, why and key", f"{steps} steps of people, {sales} receipts", tuple(breaches))
