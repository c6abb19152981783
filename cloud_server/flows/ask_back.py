"""Asking a box for unused credit, and taking the question back. The box alone decides how much comes."""

from collections.abc import Sequence
from dataclasses import replace

from cloud_server.core.fleet import Box
from cloud_server.core.mistakes import Conflict
from cloud_server.core.money_requests import ReclaimRequest, ReclaimState
from cloud_server.flows.centre import Centre
from cloud_server.flows.sign_lines import issue_command
from cloud_server.ports import Unit
from protocol.commands import CloseWallet, Reclaim, TypedReading, Withdraw


def ask_back(centre: Centre, unit: Unit, request: ReclaimRequest, typed: Sequence[TypedReading] = ()) -> ReclaimRequest:
    """Store a request and sign it where its box can take it; the request as it stands after. Raises Conflict.

    `typed` are registers of meters that the box cannot read; they are good for now only, and never wait.
    """
    box = unit.fleet.box(request.box)
    if unit.money.has_finding(request.wallet):
        text = f"wallet {request.wallet} pays nothing out: a difference between box and ledger is not settled"
        raise Conflict(text, "wallet_differs")
    if unit.money.has_open_reclaim(request.wallet):
        text = f"credit of wallet {request.wallet} is asked back already and not answered yet"
        raise Conflict(text, "asked_already")
    unit.money.add_reclaim(request)
    if box is None or not _takes_reclaims(unit, box):
        if typed:
            raise Conflict("the box takes no commands now: a typed register cannot wait", "box_takes_none")
        return request
    _, asked = _sign(centre, unit, box, request, typed)
    return asked


def _takes_reclaims(unit: Unit, box: Box) -> bool:
    """Where a batch is parked nobody knows what the wallets hold: what would be paid out waits."""
    return box.takes_commands and not unit.readings.is_parked(box.box)


def _sign(
    centre: Centre, unit: Unit, box: Box, request: ReclaimRequest, typed: Sequence[TypedReading] = ()
) -> tuple[Box, ReclaimRequest]:
    after = issue_command(centre, unit, box, _body(request, typed), request.operator)
    asked = replace(request, state=ReclaimState.ASKED, command=after.command_head.seq)
    unit.money.save_reclaim(asked)
    return after, asked


def _body(request: ReclaimRequest, typed: Sequence[TypedReading]) -> CloseWallet | Reclaim:
    registers = list(typed) or None
    if request.purpose == "close":
        return CloseWallet(wallet=request.wallet, request=request.reclaim, typed=registers)
    return Reclaim(
        reclaim=request.reclaim,
        wallet=request.wallet,
        amount_micro=request.amount_micro,
        floor_micro=request.floor_micro,
        purpose=request.purpose,
        request=request.reclaim,
        typed=registers,
    )


def sign_waiting_reclaims(centre: Centre, unit: Unit, box: Box) -> Box:
    """Sign every request that waited for this box to take it, oldest first; the box's row after."""
    if _takes_reclaims(unit, box):
        for request in unit.money.waiting_reclaims(box.box):
            box, _ = _sign(centre, unit, box, request)
    return box


def take_back(centre: Centre, unit: Unit, request: ReclaimRequest, who: str) -> ReclaimRequest:
    """Withdraw a request: at once where it was never signed, else by a command that its box may hear too late.

    Raises Conflict where the box has answered or cannot be told.
    """
    now_ms = centre.clock.wall_ms()
    if request.state is ReclaimState.WAITING:
        ended = replace(request, state=ReclaimState.WITHDRAWN, reason="withdrawn", answered_at_ms=now_ms)
        unit.money.save_reclaim(ended)
        return ended
    if request.purpose == "close":
        raise Conflict("a wallet that its box was told to close cannot be asked to stay open", "answered")
    if request.state is not ReclaimState.ASKED:
        raise Conflict(f"the request is {request.state}; only one that was not answered can be withdrawn", "answered")
    box = unit.fleet.box(request.box)
    if box is None or not box.takes_commands:
        raise Conflict("the box takes no commands now and cannot be told", "box_takes_none")
    issue_command(centre, unit, box, Withdraw(reclaim=request.reclaim), who)
    return request
