"""Credit moved from one wallet of an account to another: given back by one box, then granted on the other."""

from cloud_server.core import accounts, sale_order
from cloud_server.core.contracts import CreditMove
from cloud_server.core.fleet import Wallet
from cloud_server.core.mistakes import Conflict, FieldError, NotFound
from cloud_server.core.money_requests import ReclaimRequest
from cloud_server.flows.ask_back import ask_back
from cloud_server.flows.centre import Centre
from cloud_server.flows.grant_credit import grant_credit, wallet_of
from cloud_server.flows.money_step import Done, key_errors, money_step, reason_errors, refuse_if_wrong
from cloud_server.flows.sign_lines import Asker, add_money_line
from cloud_server.ports import Actor, Unit
from cloud_server.ports.ledger import MoveAnswer, MoveOrder
from protocol.money import MoveBody
from protocol.units import Micro, amount_to_text


class Moves:
    """Moves credit."""

    def __init__(self, centre: Centre) -> None:
        self._centre = centre

    def move(self, order: MoveOrder, by: Actor) -> MoveAnswer:
        """Ask one wallet's box for credit that is to go to another wallet."""
        contents = (order.account, order.from_wallet, order.to_wallet, order.amount, order.reason, by.name)
        request = sale_order.order_hash("move", *contents)
        return MoveAnswer(
            **money_step(self._centre, "move", order.key, request, lambda unit: self._take(unit, order, by))
        )

    def moves(self, limit: int, account: str | None = None) -> tuple[tuple[CreditMove, ReclaimRequest | None], ...]:
        """The newest moves with what their box was asked."""
        with self._centre.store.read() as unit:
            found = unit.contracts.moves(limit, account)
            requests = unit.money.reclaims(move.reclaim for move in found)
        return tuple((move, requests.get(move.reclaim)) for move in found)

    def go_on(self) -> int:
        """Grant what has come back; how many moves. Repeatable."""
        centre = self._centre
        if centre.journal.fault is not None:
            return 0
        with centre.store.read() as unit:
            due = [move for move in unit.contracts.moves_that_came_back() if _goal(unit, move) is not None]
        for move in due:
            self._grant(move)
        return len(due)

    def _grant(self, due: CreditMove) -> None:
        centre = self._centre
        with centre.store.write() as unit:
            move, wallet = unit.contracts.move(due.move), _goal(unit, due)
            request = unit.money.reclaims([due.reclaim]).get(due.reclaim)
            if move is None or move.grant is not None or wallet is None or request is None:
                return
            asker = Asker(operator=move.operator, key=move.key, reason=move.reason)
            grant = grant_credit(centre, unit, wallet, request.answered_micro, "move", asker)
            unit.contracts.grant_move(move.move, grant.grant)
            detail = {"amount_micro": request.answered_micro, "grant": grant.grant}
            unit.audit.append(centre.clock.wall_ms(), move.operator, "move_granted", move.move, detail)
            centre.fail_point("move_granted_before_commit")
        centre.fail_point("move_granted_committed")
        centre.journal.append_unmarked()
        centre.fail_point("move_granted_journaled")
        centre.wake.wake(wallet.box)
        centre.live.changed()

    def _take(self, unit: Unit, order: MoveOrder, by: Actor) -> Done:
        centre = self._centre
        source, amount_micro = _judge(unit, order)
        asker = Asker(operator=by.name, key=order.key, reason=order.reason.strip())
        move = CreditMove(
            move=centre.new_id(),
            account=order.account,
            from_wallet=order.from_wallet,
            to_wallet=order.to_wallet,
            amount_micro=amount_micro,
            reclaim=centre.new_id(),
            operator=by.name,
            reason=order.reason.strip(),
            key=order.key,
            asked_at_ms=centre.clock.wall_ms(),
        )
        unit.contracts.add_move(move)
        body = MoveBody(
            move=move.move,
            account=move.account,
            from_wallet=move.from_wallet,
            to_wallet=move.to_wallet,
            amount_micro=amount_micro,
        )
        add_money_line(centre, unit, "move", body, asker)
        asked = ask_back(centre, unit, _request(move, source))
        detail = {"amount_micro": amount_micro, "to": move.to_wallet}
        unit.audit.append(move.asked_at_ms, by.name, "move_asked", move.from_wallet, detail)
        return Done({"move": move.move, "reclaim": move.reclaim, "state": asked.state.value}, (source.box,))


def _goal(unit: Unit, move: CreditMove) -> Wallet | None:
    """The wallet that takes the credit; None where it is closed by now and the credit stays at the centre."""
    wallets = {wallet.wallet: wallet for wallet in unit.fleet.wallets_of_account(move.account)}
    wallet = wallets.get(move.to_wallet)
    return wallet if wallet is not None and wallet.state == "in_use" else None


def _judge(unit: Unit, order: MoveOrder) -> tuple[Wallet, Micro]:
    account = unit.fleet.account(order.account)
    if account is None:
        raise NotFound("account", order.account)
    if account.state != "in_use":
        raise Conflict(f"account {account.number} is {account.state}", "account_not_in_use")
    errors = [*key_errors(order.key), *reason_errors(order.reason)]
    source = wallet_of(unit, order.account, order.from_wallet, "from_wallet")
    goal = wallet_of(unit, order.account, order.to_wallet, "to_wallet")
    amount = sale_order.read_amount("amount", order.amount)
    errors += [said for said in (source, goal, amount) if isinstance(said, FieldError)]
    if order.from_wallet == order.to_wallet:
        message = "is the wallet that the credit comes from"
        errors.append(FieldError(field="to_wallet", value=order.to_wallet[:40], code="unknown", message=message))
    refuse_if_wrong(errors)
    assert isinstance(source, Wallet)
    assert isinstance(amount, int)
    held = unit.ledger.sums([accounts.wallet(source.wallet), accounts.in_flight(source.wallet)])
    held_micro = sum(held.values())
    if held_micro < amount:
        message = f"the wallet holds {amount_to_text(max(held_micro, 0))} at most"
        value = order.amount[:40]
        refuse_if_wrong(
            [
                FieldError(
                    field="amount", value=value, code="above_balance_limit", message=message, limit_micro=held_micro
                )
            ]
        )
    return source, amount


def _request(move: CreditMove, source: Wallet) -> ReclaimRequest:
    return ReclaimRequest(
        reclaim=move.reclaim,
        account=move.account,
        wallet=source.wallet,
        box=source.box,
        purpose="move",
        amount_micro=move.amount_micro,
        made_at_ms=move.asked_at_ms,
        operator=move.operator,
        key=move.key,
    )
