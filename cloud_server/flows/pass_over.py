"""What is on no machine any more is passed over, by the state in an epoch line that this centre has signed itself.

A box says behind which head the rest of its history goes on. Every epoch that lies before it and lacks batches is
closed by the line of the next one: balances, registers and what commands came to are taken from that line.
"""

import logging
from dataclasses import replace

from cloud_server.core import accounts
from cloud_server.core.checkpoint import (
    ACTION,
    KIND,
    UNTOLD,
    Checkpoint,
    answered_by,
    differences,
    meters_of,
    opening_postings,
    read_energy,
    refused_since_given_anew,
    wallets_of,
)
from cloud_server.core.fleet import Box, GrantState, WalletGrant
from cloud_server.core.money_requests import ReclaimRequest, ReclaimState
from cloud_server.core.posting_rules import Postings
from cloud_server.core.transaction import Transaction, merged
from cloud_server.flows.centre import Centre
from cloud_server.flows.recover_box import adopt_epoch, adopt_epochs, next_epoch
from cloud_server.flows.sell_again import BY_RECOVERY, ask
from cloud_server.ports import Unit
from protocol.envelope import Line, read_line
from protocol.messages import Epoch, Sync
from protocol.payload import read_payload

log = logging.getLogger(__name__)


def pass_over(centre: Centre, unit: Unit, box: Box, sync: Sync) -> Box:
    """Go on to the epochs behind what the box says it has not got any more; the row after, saved."""
    rest = sync.goes_on_from
    while rest is not None and box.recovery and (rest.epoch, rest.seq) > (box.epoch, box.batch_head.seq):
        found = next_epoch(unit, box)
        if found is None or box.posted_seq != box.batch_head.seq:
            return box
        box = adopt_epochs(centre, unit, _take(centre, unit, box, *found))
    return box


def _take(centre: Centre, unit: Unit, box: Box, line: Line, epoch: Epoch) -> Box:
    """Let the next epoch take effect although batches before it are missing."""
    grants = _answer_grants(unit, box, epoch)
    reclaims = _answer_reclaims(centre, unit, box, epoch)
    answered = answered_by(grants, reclaims)
    point = _point(unit, box, line, epoch, answered)
    _post(centre, unit, point, epoch, (*answered, *opening_postings(point)))
    _answer_commands(unit, box, epoch)
    known = {meter: facts for meter, (facts, _) in unit.readings.meter_states(box.box).items()}
    unit.readings.save_meter_states(box.box, meters_of(epoch.state, known))
    unit.readings.save_wallet_states(box.box, wallets_of(epoch.state))
    unit.audit.append(centre.clock.wall_ms(), BY_RECOVERY, ACTION, box.box, point.detail())
    _ask_what_it_was(centre, unit, point, epoch)
    log.warning(ACTION, extra={"box": box.box, "epoch": epoch.epoch, "first": point.first, "last": point.last})
    base = epoch.commands_base.seq
    after = adopt_epoch(centre, unit, box, line, epoch)
    after = replace(after, applied_seq=max(box.applied_seq, base), fetched_seq=max(box.fetched_seq, base))
    unit.fleet.save_box(after)
    return after


def _point(unit: Unit, box: Box, line: Line, epoch: Epoch, answered: Postings) -> Checkpoint:
    wallets = unit.fleet.wallets_of_box(box.box)
    names = [wallet.wallet for wallet in wallets]
    taken = {
        wallet: settled.taken_micro
        for wallet, settled in unit.contracts.settlements(names).items()
        if settled.at_ms > epoch.issued_at_ms
    }
    sums = unit.ledger.sums([accounts.wallet(name) for name in names])
    return Checkpoint(
        box=box.box,
        epoch=epoch.epoch,
        line_hash=line.hash,
        lost_epoch=box.epoch,
        first=box.posted_seq + 1,
        last=epoch.closes.seq if epoch.closes is not None else 0,
        commands_seq=epoch.commands_base.seq,
        differences=differences(epoch, wallets, sums, answered, taken),
    )


def _post(centre: Centre, unit: Unit, point: Checkpoint, epoch: Epoch, postings: Postings) -> None:
    together = merged(postings)
    if not together:
        return
    now_ms = centre.clock.wall_ms()
    unit.ledger.post(
        Transaction(
            kind=KIND,
            cause=point.cause,
            effective_at_ms=epoch.issued_at_ms,
            posting_day=centre.posting_day(unit, now_ms),
            who=BY_RECOVERY,
            key=point.cause,
            reason=f"batches {point.first} to {point.last} of epoch {point.lost_epoch} are on no machine any more",
            postings=together,
        ),
        now_ms,
    )


def _ask_what_it_was(centre: Centre, unit: Unit, point: Checkpoint, epoch: Epoch) -> None:
    """The balances are proven; that they are charges and nothing else is for people to say, who see the registers."""
    if not point.differences:
        return
    before = unit.lines.line("epoch", point.box, point.lost_epoch)
    begun = read_payload(read_line(before).payload, Epoch).state if before is not None else None
    wallets = {name: read_energy(epoch, begun, name) for name in point.differences}
    detail = point.detail() | {"register_wh": {name: energy for name, energy in wallets.items() if energy is not None}}
    ask(centre, unit, "history", point.cause, point.box, detail)


def _answer_commands(unit: Unit, box: Box, epoch: Epoch) -> None:
    """Commands that the line answers for come no more; what each of them came to is not told."""
    detail = f"by the state of epoch {epoch.epoch}"
    for seq in range(unit.lines.last_answered(box.box).seq + 1, epoch.commands_base.seq + 1):
        command = unit.lines.command(box.box, seq)
        if command is not None and command.state == "signed":
            done = replace(command, state="done", state_at_ms=epoch.issued_at_ms, detail=detail)
            unit.lines.save_command_result(done)


def _answer_grants(unit: Unit, box: Box, epoch: Epoch) -> list[WalletGrant]:
    """Grants that were signed and answered in what is lost: in the wallet, but for those that were given once more."""
    signed = unit.ledger.grants_in_state(box.box, GrantState.SIGNED)
    refused = refused_since_given_anew([*signed, *unit.ledger.grants_in_state(box.box, GrantState.APPLIED)])
    found = []
    for grant in signed:
        if grant.command is None or grant.command > epoch.commands_base.seq:
            continue
        at_ms = epoch.issued_at_ms
        if grant.grant in refused:
            after = replace(grant, state=GrantState.REFUSED, reason=UNTOLD)
        else:
            after = replace(grant, state=GrantState.APPLIED, reason=UNTOLD, applied_at_ms=at_ms, on_at_ms=at_ms)
        unit.ledger.save_grant(after)
        found.append(after)
    return found


def _answer_reclaims(centre: Centre, unit: Unit, box: Box, epoch: Epoch) -> list[ReclaimRequest]:
    """Credit asked back in what is lost: so much came as later signed lines have paid out or granted again."""
    held = {state.wallet for state in epoch.state.wallets}
    found = []
    for wallet in unit.fleet.wallets_of_box(box.box):
        for request in unit.money.open_reclaims(wallet.wallet):
            if request.command is None or request.command > epoch.commands_base.seq:
                continue
            proven_micro = min(_proven(unit, request), request.amount_micro)
            state = ReclaimState.ANSWERED if proven_micro else ReclaimState.EXPIRED
            after = replace(request, state=state, answered_micro=proven_micro, reason=UNTOLD)
            after = replace(after, answered_at_ms=epoch.issued_at_ms)
            unit.money.save_reclaim(after)
            if request.purpose == "close" and request.wallet not in held:
                unit.contracts.close_wallet(request.wallet)
            if not proven_micro:
                _ask_people(centre, unit, request)
            found.append(after)
    return found


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
