"""Checks of the office: closed days never change, two people are two, moves and closings lose nothing. Pure."""

import json

from cloud_server.core import accounts
from cloud_server.core.invariants.evidence import CheckResult, Evidence, unheard_boxes
from cloud_server.core.money_requests import ReclaimState
from cloud_server.core.second_person import REQUEST_KINDS
from cloud_server.core.tills import day_digest


def closed_days_stay(evidence: Evidence) -> CheckResult:
    """18. What was sealed of a closed day is what is there now, and nothing was booked under a day behind the last."""
    closed = {day.day: day for day in evidence.closed_days()}
    sealed = {day.day: day for day in evidence.sealed_days()}
    told = {
        entry.number: entry for entry in (evidence.audit_entries() if sealed else ()) if entry.action == "day_sealed"
    }
    breaches = [f"day {day}: is sealed and was never closed" for day in sorted(sealed.keys() - closed.keys())]
    for day, seal in sorted(sealed.items()):
        count, digest = day_digest(evidence.entries_of_day(day))
        if (count, digest) != (seal.entries, seal.digest):
            breaches.append(f"day {day}: sealed with {seal.entries} entries, has {count}, or one was changed")
        entry = told.get(seal.audit_number)
        if entry is None or entry.subject != day or json.loads(entry.detail).get("digest") != seal.digest:
            breaches.append(f"day {day}: audit row {seal.audit_number} does not tell of its seal")
    last = max(closed, default="")
    booked = evidence.booked_days()
    breaches += [
        f"day {day}: was passed over, closed with {last}, and holds entries"
        for day in booked
        if day <= last and day not in closed
    ]
    return CheckResult("18 closed days stay", f"{len(closed)} closed days, {len(sealed)} sealed", tuple(breaches))


def two_people_are_two(evidence: Evidence) -> CheckResult:
    """19. Whoever confirmed a step is another than who asked; what always wants two has two."""
    breaches, looked = [], 0
    for entry in evidence.entries():
        if entry.second is not None and entry.second == entry.who:
            breaches.append(f"entry {entry.id} ({entry.kind} {entry.cause}): {entry.who} confirmed it alone")
        if entry.kind in ("write_off", "settled") and entry.second is None:
            breaches.append(f"entry {entry.id} ({entry.kind} {entry.cause}): wants two people and names one")
    for request in evidence.second_requests():
        looked += 1
        if request.kind not in REQUEST_KINDS:
            breaches.append(f"request {request.request}: of kind {request.kind!r}")
        if request.state == "done" and request.checker in (None, request.maker.name):
            breaches.append(f"request {request.request}: asked by {request.maker.name}, done by {request.checker}")
    return CheckResult("19 two people are two", f"{looked} requests for a second person", tuple(breaches))


def closed_accounts_hold_nothing(evidence: Evidence) -> CheckResult:
    """15. An account that was settled has no credit left anywhere; its wallets stand at nothing in the ledger."""
    sums = evidence.account_sums()
    breaches, settled = [], 0
    for closing in evidence.closings():
        if closing.state != "settled":
            continue
        settled += 1
        names = [accounts.customer(closing.fact.account)]
        for request in closing.requests:
            names += [accounts.wallet(request.wallet), accounts.in_flight(request.wallet)]
        breaches += [
            f"closing {closing.fact.closing}: {name} holds {sums[name]} and was settled"
            for name in names
            if sums.get(name)
        ]
    return CheckResult("15 closed accounts hold nothing", f"{settled} accounts settled", tuple(breaches))


def moves_lose_nothing(evidence: Evidence) -> CheckResult:
    """3. What came back for a move was granted again, wholly and once; adjustments and their grants agree."""
    grants = {grant.grant: grant for grant in evidence.grants()}
    reclaims = {request.reclaim: request for request in evidence.reclaims()}
    breaches = []
    unheard = unheard_boxes(evidence)
    moves, adjustments = list(evidence.moves()), list(evidence.adjustments())
    for move in moves:
        came = reclaims.get(move.reclaim)
        if came is None or (came.wallet, came.purpose) != (move.from_wallet, "move"):
            breaches.append(f"move {move.move}: its reclaim {move.reclaim} is not there or of another wallet")
            continue
        if move.grant is None or (came.is_open and came.box in unheard):
            continue
        grant = grants.get(move.grant)
        right = (move.to_wallet, came.answered_micro, "move")
        if grant is None or (grant.wallet, grant.amount_micro, grant.cause) != right:
            breaches.append(f"move {move.move}: {came.answered_micro} came back, its grant {move.grant} is another")
        if came.state is not ReclaimState.ANSWERED:
            breaches.append(f"move {move.move}: was granted again while its reclaim is {came.state}")
    for adjustment in adjustments:
        grant = grants.get(adjustment.grant)
        right = (adjustment.wallet, adjustment.amount_micro, "adjustment")
        if grant is None or (grant.wallet, grant.amount_micro, grant.cause) != right:
            breaches.append(f"adjustment {adjustment.adjustment}: its grant {adjustment.grant} is another")
    looked = f"{len(moves)} moves, {len(adjustments)} adjustments"
    return CheckResult("3 moves and adjustments lose nothing", looked, tuple(breaches))
