"""Refunds: credit never granted is set aside, the rest is asked of a box; what came is paid out or granted again."""

from dataclasses import replace
from typing import Any

from cloud_server.core import posting_rules, sale_order
from cloud_server.core.fleet import Wallet, WalletGrant
from cloud_server.core.mistakes import Conflict, NotFound
from cloud_server.core.money_requests import ReclaimRequest, Refund, RefundFact
from cloud_server.core.second_person import CONFIRMING_STATE
from cloud_server.core.transaction import Transaction
from cloud_server.flows.ask_back import ask_back, take_back
from cloud_server.flows.centre import Centre
from cloud_server.flows.judge_refund import judge_refund
from cloud_server.flows.money_step import Done, key_errors, money_step, refuse_if_wrong
from cloud_server.flows.second_person import wait_for_second
from cloud_server.flows.sign_lines import Asker, add_money_line, sign_grant
from cloud_server.flows.tell_programs import tell_of_refund
from cloud_server.ports import Actor, Unit
from cloud_server.ports.money import RefundAnswer, RefundOrder, RefundStep, Waits
from protocol.money import MoveBody, RefundBody
from protocol.units import Micro


class Refunds:
    """Satisfies `ports.money.RefundDesk`."""

    def __init__(self, centre: Centre) -> None:
        self._centre = centre

    def ask(self, order: RefundOrder, by: Actor) -> RefundAnswer:
        """Set aside what is at the centre and ask the box for the rest."""
        amount = sale_order.read_amount("amount", order.amount)
        said = amount if isinstance(amount, int) else order.amount
        contents = (order.account, said, order.method, order.wallet, order.reason, by.name)
        return self._step("refund", order.key, contents, lambda unit: self.take(unit, order, by))

    def pay(self, step: RefundStep, by: Actor) -> RefundAnswer:
        """The money was handed out, by the refund's method, at the till of whoever pays."""
        return self._step("refund_paid", step.key, (step.refund, by.name), lambda unit: self._pay(unit, step, by))

    def give_back(self, step: RefundStep, by: Actor) -> RefundAnswer:
        """It is not paid out after all: the credit goes back to the wallet."""
        contents = (step.refund, by.name)
        return self._step("refund_returned", step.key, contents, lambda unit: self._give_back(unit, step, by))

    def withdraw(self, step: RefundStep, by: Actor) -> RefundAnswer:
        """Take back what was asked of the box, if it has not answered yet."""
        contents = (step.refund, by.name)
        return self._step("refund_withdrawn", step.key, contents, lambda unit: self._withdraw(unit, step, by))

    def _step(self, name: str, key: str, contents: tuple[object, ...], take: Any) -> RefundAnswer:
        answer = money_step(self._centre, name, key, sale_order.order_hash(name, *contents), take)
        if answer.get("state") == CONFIRMING_STATE:
            raise Waits(answer["request"])
        return RefundAnswer(**answer)

    # --- asking -------------------------------------------------------------------------------------------------

    def take(self, unit: Unit, order: RefundOrder, by: Actor) -> Done:
        """All of asking for a refund inside one transaction."""
        centre = self._centre
        try:
            judged = judge_refund(unit, order, by)
        except Conflict as fault:
            if fault.code != "second_needed" or not order.wait:
                raise
            wanted = sale_order.read_amount("amount", order.amount)
            wanted_micro = wanted if isinstance(wanted, int) else None
            return wait_for_second(centre, unit, "refund", order, by, order.account, wanted_micro, order.reason.strip())
        now_ms = centre.clock.wall_ms()
        rest_micro = judged.wanted_micro - judged.centre_micro
        reclaim = centre.new_id() if rest_micro else None
        fact = RefundFact(
            refund=centre.new_id(),
            account=order.account,
            wallet=judged.wallet.wallet if judged.wallet is not None else order.wallet,
            method=order.method,
            wanted_micro=judged.wanted_micro,
            centre_micro=judged.centre_micro,
            reclaim=reclaim,
            operator=by.name,
            second=order.second.name if order.second is not None else None,
            reason=order.reason.strip(),
            key=order.key,
            asked_at_ms=now_ms,
        )
        unit.money.add_refund(fact)
        if fact.centre_micro:
            self._line(unit, fact, fact.centre_micro, None)
            postings = posting_rules.refund_set_aside(fact.account, fact.centre_micro)
            self._post(unit, "refund", fact, postings, _asker(fact))
        request = None
        if reclaim is not None and judged.wallet is not None:
            self._line(unit, fact, rest_micro, reclaim)
            request = ask_back(centre, unit, _request(fact, reclaim, judged.wallet, rest_micro))
        detail = {"amount_micro": fact.wanted_micro, "at_centre_micro": fact.centre_micro, "method": fact.method}
        unit.audit.append(now_ms, by.name, "refund_asked", fact.refund, detail)
        return _done(Refund(fact, request))

    def _line(self, unit: Unit, fact: RefundFact, amount_micro: Micro, reclaim: str | None) -> None:
        body = RefundBody(
            refund=fact.refund,
            account=fact.account,
            amount_micro=amount_micro,
            method=fact.method,
            purpose="refund",
            reclaim=reclaim,
            paid=False,
        )
        add_money_line(self._centre, unit, "refund", body, _asker(fact))

    def _post(self, unit: Unit, kind: str, fact: RefundFact, postings: posting_rules.Postings, asker: Asker) -> None:
        now_ms = self._centre.clock.wall_ms()
        unit.ledger.post(
            Transaction(
                kind=kind,
                cause=f"refund/{fact.refund}",
                effective_at_ms=now_ms,
                posting_day=self._centre.posting_day(unit, now_ms),
                who=asker.operator,
                key=asker.key,
                second=asker.second,
                reason=asker.reason,
                postings=postings,
            ),
            now_ms,
        )

    # --- ending -------------------------------------------------------------------------------------------------

    def _pay(self, unit: Unit, step: RefundStep, by: Actor) -> Done:
        refuse_if_wrong(key_errors(step.key))
        refund = _payable(unit, step.refund)
        fact, amount_micro = refund.fact, refund.given_micro
        asker = Asker(operator=by.name, key=step.key, second=fact.second, reason=fact.reason)
        body = RefundBody(
            refund=fact.refund,
            account=fact.account,
            amount_micro=amount_micro,
            method=fact.method,
            purpose="refund",
            reclaim=fact.reclaim,
            paid=True,
        )
        add_money_line(self._centre, unit, "refund", body, asker)
        postings = posting_rules.refund_paid(by.name, fact.method, fact.account, amount_micro)
        self._post(unit, "refund_paid", fact, postings, asker)
        return self._settled(unit, refund, "paid", by)

    def _give_back(self, unit: Unit, step: RefundStep, by: Actor) -> Done:
        refuse_if_wrong(key_errors(step.key))
        refund = _payable(unit, step.refund)
        fact, amount_micro = refund.fact, refund.given_micro
        wallet = _wallet_to_grant(unit, fact)
        body = MoveBody(
            move=fact.refund,
            account=fact.account,
            from_wallet=wallet.wallet,
            to_wallet=wallet.wallet,
            amount_micro=amount_micro,
        )
        asker = Asker(operator=by.name, key=step.key, reason=fact.reason)
        add_money_line(self._centre, unit, "move", body, asker)
        self._post(unit, "refund_returned", fact, posting_rules.refund_returned(fact.account, amount_micro), asker)
        self._grant(unit, wallet, amount_micro, asker)
        return self._settled(unit, refund, "returned", by, (wallet.box,))

    def _grant(self, unit: Unit, wallet: Wallet, amount_micro: Micro, asker: Asker) -> None:
        grant = WalletGrant(
            grant=self._centre.new_id(),
            wallet=wallet.wallet,
            box=wallet.box,
            account=wallet.account,
            amount_micro=amount_micro,
            cause="move",
            made_at_ms=self._centre.clock.wall_ms(),
            operator=asker.operator,
            key=asker.key,
        )
        unit.ledger.add_grants([grant])
        box = unit.fleet.box(wallet.box)
        if box is not None and box.takes_commands:
            sign_grant(self._centre, unit, box, grant, None, [grant])

    def _settled(self, unit: Unit, refund: Refund, how: Any, by: Actor, boxes: tuple[str, ...] = ()) -> Done:
        now_ms = self._centre.clock.wall_ms()
        fact = replace(
            refund.fact, settled=how, settled_micro=refund.given_micro, settled_at_ms=now_ms, settled_by=by.name
        )
        unit.money.save_refund(fact)
        tell_of_refund(unit, Refund(fact, refund.reclaim), now_ms)
        unit.audit.append(now_ms, by.name, f"refund_{how}", fact.refund, {"amount_micro": fact.settled_micro})
        return _done(Refund(fact, refund.reclaim), boxes)

    def _withdraw(self, unit: Unit, step: RefundStep, by: Actor) -> Done:
        refuse_if_wrong(key_errors(step.key))
        refund = _found(unit, step.refund)
        if refund.reclaim is None:
            raise Conflict("nothing of this refund was asked of a box; it is paid or given back", "answered")
        request = take_back(self._centre, unit, refund.reclaim, by.name)
        unit.audit.append(self._centre.clock.wall_ms(), by.name, "refund_withdrawn", step.refund, {})
        return _done(Refund(refund.fact, request), (request.box,))


def _asker(fact: RefundFact) -> Asker:
    return Asker(operator=fact.operator, key=fact.key, second=fact.second, reason=fact.reason)


def _done(refund: Refund, boxes: tuple[str, ...] = ()) -> Done:
    paid_micro = refund.fact.settled_micro if refund.fact.settled == "paid" else 0
    told = boxes or ((refund.reclaim.box,) if refund.reclaim is not None else ())
    payable_micro = refund.given_micro - refund.fact.settled_micro
    answer = {
        "refund": refund.fact.refund,
        "state": refund.state,
        "payable_micro": payable_micro,
        "paid_micro": paid_micro,
    }
    return Done(answer, told)


def _found(unit: Unit, refund: str) -> Refund:
    found = unit.money.refund(refund)
    if found is None:
        raise NotFound("refund", refund)
    return found


def _payable(unit: Unit, refund: str) -> Refund:
    found = _found(unit, refund)
    if found.state != "payable":
        text = f"the refund is {found.state}; only one whose money is back at the centre can be ended"
        raise Conflict(text, "not_payable")
    return found


def _wallet_to_grant(unit: Unit, fact: RefundFact) -> Wallet:
    wallets = [wallet for wallet in unit.fleet.wallets_of_account(fact.account) if wallet.state == "in_use"]
    named = [wallet for wallet in wallets if wallet.wallet == fact.wallet]
    if not wallets:
        text = "the account has no wallet in use any more; what was given back can only be paid out"
        raise Conflict(text, "no_wallet")
    return (named or wallets)[0]


def _request(fact: RefundFact, reclaim: str, wallet: Wallet, amount_micro: Micro) -> ReclaimRequest:
    return ReclaimRequest(
        reclaim=reclaim,
        account=fact.account,
        wallet=wallet.wallet,
        box=wallet.box,
        purpose="refund",
        amount_micro=amount_micro,
        made_at_ms=fact.asked_at_ms,
        operator=fact.operator,
        key=fact.key,
    )
