"""Grants, requests and commands of which no batch tells any more: answered by what stands behind what is lost.

What they come to is worked out first, so that people can be shown it before it is so; then it is written.
"""

from collections.abc import Set
from dataclasses import replace

from cloud_server.core import accounts
from cloud_server.core.checkpoint import (
    ACTION,
    KIND,
    UNTOLD,
    Checkpoint,
    Said,
    answered_by,
    differences,
    opening_postings,
    refused_since_given_anew,
)
from cloud_server.core.fleet import Box, GrantState, WalletGrant
from cloud_server.core.money_requests import ReclaimRequest, ReclaimState
from cloud_server.core.posting_rules import Postings
from cloud_server.core.transaction import Transaction, merged
from cloud_server.flows.centre import Centre
from cloud_server.flows.sell_again import ask
from cloud_server.flows.sign_lines import Asker
from cloud_server.ports import Unit


def answer_untold(centre: Centre, unit: Unit, box: Box, before: Said, held: Set[str], detail: str) -> Postings:
    """Write what they come to and ask people about the rest; the postings that follow. `held`: wallets of the box."""
    grants, reclaims = grants_answered(unit, box, before), reclaims_answered(unit, box, before)
    for grant in grants:
        unit.ledger.save_grant(grant)
    for request in reclaims:
        unit.money.save_reclaim(request)
        if request.purpose == "close" and request.wallet not in held:
            unit.contracts.close_wallet(request.wallet)
        if not request.answered_micro:
            _ask_people(centre, unit, request)
    _answer_commands(unit, box, before, detail)
    return tuple(answered_by(grants, reclaims))


def would_answer(unit: Unit, box: Box, before: Said) -> Postings:
    """The postings that would follow, nothing being written."""
    return tuple(answered_by(grants_answered(unit, box, before), reclaims_answered(unit, box, before)))


def lacking(unit: Unit, box: Box, before: Said, answered: Postings) -> dict[str, int]:
    """What each wallet lacks to be what the line says, behind what is answered; what was taken over since is seen."""
    wallets = unit.fleet.wallets_of_box(box.box)
    names = [wallet.wallet for wallet in wallets]
    taken = {
        wallet: settled.taken_micro
        for wallet, settled in unit.contracts.settlements(names).items()
        if settled.at_ms > before.at_ms
    }
    return differences(before, wallets, unit.ledger.sums([accounts.wallet(name) for name in names]), answered, taken)


def post_checkpoint(centre: Centre, unit: Unit, point: Checkpoint, before: Said, answered: Postings, by: Asker) -> None:
    """One entry for all of it, and the audit row that says what it stands for."""
    now_ms = centre.clock.wall_ms()
    together = merged((*answered, *opening_postings(point)))
    lost = f"batches {point.first} to {point.last} of epoch {point.lost_epoch} are on no machine any more"
    if together:
        unit.ledger.post(
            Transaction(
                kind=KIND,
                cause=point.cause,
                effective_at_ms=before.at_ms,
                posting_day=centre.posting_day(unit, now_ms),
                who=by.operator,
                key=by.key,
                second=by.second,
                reason=lost if by.reason is None else f"{lost}: {by.reason}",
                postings=together,
            ),
            now_ms,
        )
    unit.audit.append(now_ms, by.operator, ACTION, point.box, point.detail())


def grants_answered(unit: Unit, box: Box, before: Said) -> list[WalletGrant]:
    """Grants that were signed and answered in what is lost: in the wallet, but for those that were given once more."""
    signed = unit.ledger.grants_in_state(box.box, GrantState.SIGNED)
    refused = refused_since_given_anew([*signed, *unit.ledger.grants_in_state(box.box, GrantState.APPLIED)])
    found = []
    for grant in signed:
        if grant.command is None or grant.command > before.commands_seq:
            continue
        if grant.grant in refused:
            after = replace(grant, state=GrantState.REFUSED, reason=UNTOLD)
        else:
            at_ms = before.at_ms
            after = replace(grant, state=GrantState.APPLIED, reason=UNTOLD, applied_at_ms=at_ms, on_at_ms=at_ms)
        found.append(after)
    return found


def reclaims_answered(unit: Unit, box: Box, before: Said) -> list[ReclaimRequest]:
    """Credit asked back in what is lost: so much came as later signed lines have paid out or granted again."""
    found = []
    for wallet in unit.fleet.wallets_of_box(box.box):
        for request in unit.money.open_reclaims(wallet.wallet):
            if request.command is None or request.command > before.commands_seq:
                continue
            proven_micro = min(_proven(unit, request), request.amount_micro)
            state = ReclaimState.ANSWERED if proven_micro else ReclaimState.EXPIRED
            after = replace(request, state=state, answered_micro=proven_micro, reason=UNTOLD)
            found.append(replace(after, answered_at_ms=before.at_ms))
    return found


def _answer_commands(unit: Unit, box: Box, before: Said, detail: str) -> None:
    """Commands that the line answers for come no more; what each of them came to is not told."""
    for seq in range(unit.lines.last_answered(box.box).seq + 1, before.commands_seq + 1):
        command = unit.lines.command(box.box, seq)
        if command is not None and command.state == "signed":
            done = replace(command, state="done", state_at_ms=before.at_ms, detail=detail)
            unit.lines.save_command_result(done)


def _proven(unit: Unit, request: ReclaimRequest) -> int:
    """What a later signed line shows to have come of a request; 0 where none does."""
    match request.purpose:
        case "refund":
            facts = [refund.fact for refund in unit.money.refunds_of_account(request.account)]
            return sum(f.settled_micro - f.centre_micro for f in facts if f.reclaim == request.reclaim and f.settled)
        case "move":
            moves = [move for move in unit.contracts.moves(1_000, request.account) if move.reclaim == request.reclaim]
            granted = [unit.ledger.grants([move.grant])[move.grant].amount_micro for move in moves if move.grant]
            return sum(granted) or _overdrawn(unit, request)
        case _:
            return _overdrawn(unit, request)


def _overdrawn(unit: Unit, request: ReclaimRequest) -> int:
    """So much more was paid out of an account than it had: it came from this box where all others were heard."""
    others = {wallet.box for wallet in unit.fleet.wallets_of_account(request.account)} - {request.box}
    for name in sorted(others):
        other = unit.fleet.box(name)
        if other is not None and other.recovery:
            return 0
    customer = accounts.customer(request.account)
    return max(0, -unit.ledger.sums([customer]).get(customer, 0))


def _ask_people(centre: Centre, unit: Unit, request: ReclaimRequest) -> None:
    kind = "refund_paid" if request.purpose == "refund" else "closing"
    detail: dict[str, object] = {
        "account": request.account,
        "wallet": request.wallet,
        "amount_micro": request.amount_micro,
        "purpose": request.purpose,
        "why": "what its box answered is on no machine any more",
    }
    ask(centre, unit, kind, request.reclaim, request.box, detail)
