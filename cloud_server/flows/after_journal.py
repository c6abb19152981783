"""What money steps from the journal still lack when all its lines are in: a grant never signed, one to be undone.

Grants come back with their commands. A step whose grant no command tells of was never signed: its grant waits for its
box as it did before. What cannot be gone on with by itself is put before people.
"""

from dataclasses import dataclass, field, replace
from typing import Final

from cloud_server.core.adjusting import adjustment_row
from cloud_server.core.contracts import RETIRED, ClosingFact, CreditMove
from cloud_server.core.fleet import BoxState, GrantState, WalletGrant
from cloud_server.core.money_requests import ReclaimRequest, ReclaimState
from cloud_server.flows.centre import Centre
from cloud_server.flows.reverse_sale import minus_grant
from cloud_server.flows.sell_again import ask
from cloud_server.ports import Unit
from protocol.limits import INTEGER_MAX
from protocol.messages import Money
from protocol.money import (
    AccountBody,
    AdjustmentBody,
    MoneyBody,
    MoveBody,
    OpeningBody,
    RefundBody,
    ReversalBody,
    SettledBody,
)

ONE_STEP_MS: Final = 5_000
"""Between the money line and the command of one step: both are signed in one transaction, which takes milliseconds."""


@dataclass(slots=True)
class Steps:
    """The steps that may have something to follow, in the order of the journal."""

    found: list[tuple[Money, MoneyBody]] = field(default_factory=list)

    def note(self, money: Money, body: MoneyBody) -> None:
        """Remember a step where something may follow from it."""
        match body:
            case ReversalBody() | OpeningBody() | AdjustmentBody() | MoveBody() | SettledBody():
                self.found.append((money, body))
            case RefundBody(paid=False, reclaim=str()) | AccountBody(state="closing"):
                self.found.append((money, body))
            case _:
                pass


def go_on_after(centre: Centre, unit: Unit, steps: Steps) -> None:
    """Let follow what has not followed yet; repeatable."""
    for money, body in steps.found:
        match body:
            case ReversalBody(sale=sale):
                undo_grants(centre, unit, sale)
            case OpeningBody():
                grant = _grant(centre, money, body.wallet, body.account, body.amount_micro, "opening")
                _owe(unit, replace(grant, operator=None, key=None))
            case AdjustmentBody():
                _adjusted(centre, unit, money, body)
            case MoveBody():
                _moved(centre, unit, money, body)
            case RefundBody():
                _ask_box_again(centre, unit, money, body)
            case AccountBody():
                _go_on_closing(centre, unit, money, body)
            case SettledBody():
                _retired(centre, unit, body)
            case _:
                pass


def undo_grants(centre: Centre, unit: Unit, sale: str) -> None:
    """Of a sale that was reversed: grants never signed are undone, each that was signed gets its minus grant, once."""
    fact = unit.money.reversal_of_sale(sale)
    if fact is None:
        return
    of_account = unit.ledger.grants_of_account(fact.account, *GrantState)
    undone = {grant.undoes for grant in of_account if grant.undoes is not None}
    for grant in unit.ledger.grants_of_sale(sale):
        if grant.state is GrantState.WAITING:
            unit.ledger.save_grant(replace(grant, state=GrantState.UNDONE))
        elif grant.state in (GrantState.SIGNED, GrantState.APPLIED) and grant.grant not in undone:
            unit.ledger.add_grants([minus_grant(centre.new_id(), grant, -grant.amount_micro, fact)])


def _grant(centre: Centre, money: Money, wallet: str, account: str, amount_micro: int, cause: str) -> WalletGrant:
    return WalletGrant(
        grant=centre.new_id(),
        wallet=wallet,
        box="",
        account=account,
        amount_micro=amount_micro,
        cause=cause,  # type: ignore[arg-type]  # callers name one of the closed list
        made_at_ms=money.posted_at_ms,
        operator=money.operator,
        key=money.idempotency_key,
        second=money.second,
    )


def _owe(unit: Unit, owed: WalletGrant) -> WalletGrant | None:
    """The grant of a step: the one that its command told of, else this one, which waits; None where it cannot be."""
    for known in unit.ledger.grants_of_account(owed.account, *GrantState):
        same = (known.wallet, known.cause) == (owed.wallet, owed.cause)
        if same and (owed.cause == "opening" or known.key == owed.key):
            return known
    boxes = {wallet.wallet: wallet.box for wallet in unit.fleet.wallets_of_account(owed.account)}
    if owed.wallet not in boxes or not owed.amount_micro:
        return None
    made = replace(owed, box=boxes[owed.wallet])
    unit.ledger.add_grants([made])
    return made


def _adjusted(centre: Centre, unit: Unit, money: Money, body: AdjustmentBody) -> None:
    grant = _owe(unit, _grant(centre, money, body.wallet, body.account, body.amount_micro, "adjustment"))
    if grant is None:
        _ask(centre, unit, money)
        return
    row = adjustment_row(
        body,
        grant.grant,
        operator=money.operator,
        second=money.second,
        reason=money.reason or "",
        key=money.idempotency_key,
        made_at_ms=money.posted_at_ms,
    )
    unit.contracts.add_adjustment(row)


def _moved(centre: Centre, unit: Unit, money: Money, body: MoveBody) -> None:
    """Given back to the wallet after a refund: granted again. Moved from wallet to wallet: the move goes on."""
    if unit.money.refund(body.move) is not None:
        if _owe(unit, _grant(centre, money, body.to_wallet, body.account, body.amount_micro, "move")) is None:
            _ask(centre, unit, money)
        return
    if unit.contracts.move(body.move) is not None:
        return
    boxes = {wallet.wallet: wallet.box for wallet in unit.fleet.wallets_of_account(body.account)}
    if body.from_wallet not in boxes:
        _ask(centre, unit, money)
        return
    request = _move_request(centre, unit, money, body, boxes[body.from_wallet])
    unit.contracts.add_move(
        CreditMove(
            move=body.move,
            account=body.account,
            from_wallet=body.from_wallet,
            to_wallet=body.to_wallet,
            amount_micro=body.amount_micro,
            reclaim=request.reclaim,
            operator=money.operator,
            reason=money.reason or "",
            key=money.idempotency_key,
            asked_at_ms=money.posted_at_ms,
        )
    )
    granted = unit.ledger.grants_of_account(body.account, *GrantState)
    for grant in granted:
        if (grant.cause, grant.key, grant.wallet) == ("move", money.idempotency_key, body.to_wallet):
            unit.contracts.grant_move(body.move, grant.grant)


def _move_request(centre: Centre, unit: Unit, money: Money, body: MoveBody, box: str) -> ReclaimRequest:
    """What its box was asked in the same moment; else a request that waits for the box."""
    for asked in unit.money.open_reclaims(body.from_wallet):
        same = (asked.purpose, asked.amount_micro) == ("move", body.amount_micro)
        if same and abs(asked.made_at_ms - money.posted_at_ms) <= ONE_STEP_MS:
            unit.recovery.answer_by_itself("closing", asked.reclaim, centre.clock.wall_ms(), "its move came back")
            return asked
    request = ReclaimRequest(
        reclaim=centre.new_id(),
        account=body.account,
        wallet=body.from_wallet,
        box=box,
        purpose="move",
        amount_micro=body.amount_micro,
        made_at_ms=money.posted_at_ms,
        operator=money.operator,
        key=money.idempotency_key,
    )
    unit.money.add_reclaim(request)
    return request


def _ask(centre: Centre, unit: Unit, money: Money) -> None:
    detail: dict[str, object] = {"number": money.number, "kind": money.kind, "operator": money.operator}
    detail |= {"at_ms": money.posted_at_ms, "body": bytes(money.body).decode()}
    ask(centre, unit, "money_line", f"money/{money.number}", None, detail)


def _ask_box_again(centre: Centre, unit: Unit, money: Money, body: RefundBody) -> None:
    """A refund whose question to its box was never signed: it waits for the box, where one knows which."""
    assert body.reclaim is not None
    if unit.money.reclaims([body.reclaim]):
        return
    wallets = [wallet for wallet in unit.fleet.wallets_of_account(body.account) if wallet.state == "in_use"]
    if len(wallets) != 1:
        _ask(centre, unit, money)
        return
    unit.money.add_reclaim(
        ReclaimRequest(
            reclaim=body.reclaim,
            account=body.account,
            wallet=wallets[0].wallet,
            box=wallets[0].box,
            purpose="refund",
            amount_micro=body.amount_micro,
            made_at_ms=money.posted_at_ms,
            operator=money.operator,
            key=money.idempotency_key,
        )
    )


def _go_on_closing(centre: Centre, unit: Unit, money: Money, body: AccountBody) -> None:
    """An account that is on its way to being closed, as far as the journal tells: each wallet with its last request."""
    account = unit.fleet.account(body.account)
    if account is None or account.state != "closing" or unit.contracts.closing_of_account(body.account) is not None:
        return
    fact = ClosingFact(
        closing=centre.new_id(),
        account=body.account,
        operator=money.operator,
        second=money.second,
        reason=money.reason or "",
        key=money.idempotency_key,
        asked_at_ms=money.posted_at_ms,
    )
    unit.contracts.add_closing(fact)
    for wallet in unit.fleet.wallets_of_account(body.account):
        if wallet.state == "closed":
            continue
        request = _closing_request(centre, unit, fact, wallet.wallet, wallet.box)
        unit.contracts.ask_wallet(fact.closing, wallet.wallet, request.reclaim)


def _closing_request(centre: Centre, unit: Unit, fact: ClosingFact, wallet: str, box: str) -> ReclaimRequest:
    """The one that its command told of, else one that waits for the box."""
    asked = [request for request in unit.money.open_reclaims(wallet) if request.purpose == "close"]
    if asked:
        return asked[-1]
    request = ReclaimRequest(
        reclaim=centre.new_id(),
        account=fact.account,
        wallet=wallet,
        box=box,
        purpose="close",
        amount_micro=INTEGER_MAX,
        made_at_ms=fact.asked_at_ms,
        operator=fact.operator,
        key=fact.key,
    )
    unit.money.add_reclaim(request)
    return request


def _retired(centre: Centre, unit: Unit, body: SettledBody) -> None:
    """Its box will not return and is heard no more: what had not been answered then, the newest grants, came back."""
    box = unit.fleet.box(body.box)
    if box is not None and box.state is not BoxState.RETIRED:
        unit.fleet.save_box(replace(box, state=BoxState.RETIRED))
    left_micro = body.in_flight_micro
    grants = unit.ledger.grants_of_account(body.account, GrantState.SIGNED, GrantState.WAITING)
    for grant in sorted(grants, key=lambda one: one.command or 0, reverse=True):
        if grant.wallet != body.wallet:
            continue
        if grant.state is GrantState.WAITING:
            unit.ledger.save_grant(replace(grant, state=GrantState.UNDONE, reason=RETIRED))
        elif left_micro and grant.amount_micro <= left_micro:
            unit.ledger.save_grant(replace(grant, state=GrantState.REFUSED, reason=RETIRED))
            left_micro -= grant.amount_micro
    now_ms = centre.clock.wall_ms()
    for request in unit.money.open_reclaims(body.wallet):
        ended = replace(request, state=ReclaimState.EXPIRED, reason=RETIRED, answered_at_ms=now_ms)
        unit.money.save_reclaim(ended)
