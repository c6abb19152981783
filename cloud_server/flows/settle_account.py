"""Settling a closing: what came back is refunded, a debt is paid in or given up, the fraction of a fen is rounding."""

from dataclasses import replace

from cloud_server.core import accounts, posting_rules, sale_order
from cloud_server.core.contracts import Closing, Settling, WalletSettlement, closing_postings, settling
from cloud_server.core.fleet import Account
from cloud_server.core.mistakes import Conflict, FieldError
from cloud_server.core.money_requests import RefundFact
from cloud_server.core.second_person import above
from cloud_server.core.views import METHODS
from cloud_server.flows.centre import Centre
from cloud_server.flows.close_account import found_closing, tell_account_state
from cloud_server.flows.money_step import Done, key_errors, money_step, reason_errors, refuse_if_wrong
from cloud_server.flows.plan_site import configure_boxes
from cloud_server.flows.post_entry import post_entry
from cloud_server.flows.second_person import confirmed, wait_for_second
from cloud_server.flows.sign_lines import Asker, add_money_line
from cloud_server.ports import Actor, Unit
from cloud_server.ports.ledger import ClosingAnswer, SettleOrder
from protocol.money import ClosedWallet, ClosingBody, RefundBody, WriteOffBody
from protocol.units import Micro, amount_to_text


class Settlements:
    """Ends closings."""

    def __init__(self, centre: Centre) -> None:
        self._centre = centre

    def settle(self, order: SettleOrder, by: Actor) -> ClosingAnswer:
        """End a closing whose wallets are all closed."""
        contents = (order.closing, order.how, order.method, order.reason, by.name)
        request = sale_order.order_hash("settling", *contents)
        return ClosingAnswer(
            **money_step(self._centre, "settling", order.key, request, lambda unit: self.take(unit, order, by))
        )

    def stands_at(self, closing: str) -> Micro:
        """What is left: above 0 to be refunded, below 0 owed. Raises NotFound, Conflict."""
        with self._centre.store.read() as unit:
            return _left(unit, found_closing(unit, closing)).total_micro

    def take(self, unit: Unit, order: SettleOrder, by: Actor) -> Done:
        """All of settling inside one transaction."""
        found = found_closing(unit, order.closing)
        left = _judge(unit, found, order)
        second = confirmed(by, order.second)
        limits = unit.fleet.sale_limits()
        great = order.how == "refund" and above(left.refund_micro, limits.refund_alone_max_micro)
        if second is None and (great or order.how == "write_off"):
            why = order.reason.strip() or found.fact.reason
            about = found.fact.account
            return wait_for_second(self._centre, unit, "settling", order, by, about, left.total_micro, why)
        asker = Asker(operator=by.name, key=order.key, second=second, reason=order.reason.strip() or found.fact.reason)
        refund = self._book(unit, found, order, left, asker)
        account = unit.fleet.account(found.fact.account)
        assert account is not None
        self._take_over(unit, found, left, asker)
        return self._end(unit, found, account, order, left, refund, asker)

    def _book(self, unit: Unit, found: Closing, order: SettleOrder, left: Settling, by: Asker) -> str | None:
        """The entries: debts and rounding, then refund or write-off; the refund that is to be paid, if any."""
        centre, fact = self._centre, found.fact
        received_micro = left.owed_micro if order.how == "paid" else 0
        rounding_micro = left.total_micro + received_micro - left.refund_micro
        if order.how == "write_off":
            rounding_micro = 0
        method = order.method if order.how == "paid" else None
        body = ClosingBody(
            account=fact.account,
            settled_micro=left.total_micro,
            closing=fact.closing,
            wallets=tuple(ClosedWallet(wallet=w, moved_micro=micro) for w, micro in sorted(left.moved.items())),
            received_micro=received_micro,
            method=method,
            rounding_micro=rounding_micro,
        )
        add_money_line(centre, unit, "closing", body, by)
        till = (accounts.till(by.operator, method), received_micro) if method is not None else None
        postings = closing_postings(fact.account, left.moved, till, rounding_micro)
        post_entry(centre, unit, "closing", f"closing/{fact.closing}", postings, by)
        if order.how == "write_off":
            written = centre.new_id()
            given_up = WriteOffBody(account=fact.account, amount_micro=-left.total_micro, write_off=written)
            add_money_line(centre, unit, "write_off", given_up, by)
            rule = posting_rules.write_off(fact.account, -left.total_micro)
            post_entry(centre, unit, "write_off", f"write_off/{written}", rule, by)
        return self._refund(unit, found, order, left.refund_micro, by) if left.refund_micro else None

    def _refund(self, unit: Unit, found: Closing, order: SettleOrder, amount_micro: Micro, by: Asker) -> str:
        """What is left lies in `payable` until a person pays it out, as with any refund."""
        centre = self._centre
        fact = RefundFact(
            refund=centre.new_id(),
            account=found.fact.account,
            wallet=None,
            method=order.method,
            wanted_micro=amount_micro,
            centre_micro=amount_micro,
            reclaim=None,
            operator=by.operator,
            second=by.second,
            reason=by.reason,
            key=by.key,
            asked_at_ms=centre.clock.wall_ms(),
        )
        unit.money.add_refund(fact)
        body = RefundBody(
            refund=fact.refund,
            account=fact.account,
            amount_micro=amount_micro,
            method=fact.method,
            purpose="close",
            paid=False,
        )
        add_money_line(centre, unit, "refund", body, by)
        postings = posting_rules.refund_set_aside(fact.account, amount_micro)
        post_entry(centre, unit, "refund", f"refund/{fact.refund}", postings, by)
        return fact.refund

    def _take_over(self, unit: Unit, found: Closing, left: Settling, by: Asker) -> None:
        boxes = {wallet.wallet: wallet.box for wallet in unit.fleet.wallets_of_account(found.fact.account)}
        for wallet, micro in left.moved.items():
            unit.contracts.add_settlement(
                WalletSettlement(
                    wallet=wallet,
                    account=found.fact.account,
                    box=boxes[wallet],
                    how="debt",
                    charged_micro=0,
                    moved_micro=micro,
                    in_flight_micro=0,
                    who=by.operator,
                    second=by.second,
                    reason=by.reason,
                    key=by.key,
                    at_ms=self._centre.clock.wall_ms(),
                )
            )

    def _end(
        self, unit: Unit, found: Closing, account: Account, order: SettleOrder, left: Settling, refund: str | None,
        by: Asker,
    ) -> Done:  # fmt: skip
        now_ms = self._centre.clock.wall_ms()
        unit.contracts.save_closing(
            replace(
                found.fact,
                settled_at_ms=now_ms,
                settled_by=by.operator,
                settled_second=by.second,
                how=order.how,
                settled_micro=left.total_micro,
                refund=refund,
            )
        )
        tell_account_state(self._centre, unit, account, "closed", by)
        configured = configure_boxes(self._centre, unit, by.operator)
        detail = {"settled_micro": left.total_micro, "how": order.how, "second": by.second}
        unit.audit.append(now_ms, by.operator, "account_closed", account.account, detail)
        answer = {
            "state": "settled",
            "closing": found.fact.closing,
            "settled_micro": left.total_micro,
            "refund": refund,
        }
        return Done(answer, configured)


def _left(unit: Unit, found: Closing) -> Settling:
    """What the closing comes to, once every wallet is closed and nothing is on its way."""
    if found.state != "ready":
        raise Conflict(f"the closing is {found.state}; it is settled once every wallet is closed", "answered")
    wallets = [wallet.wallet for wallet in unit.fleet.wallets_of_account(found.fact.account)]
    names = [accounts.customer(found.fact.account)]
    names += [name(wallet) for wallet in wallets for name in (accounts.wallet, accounts.in_flight)]
    sums = unit.ledger.sums(names)
    for wallet in wallets:
        if unit.money.has_finding(wallet):
            raise Conflict(f"wallet {wallet}: a difference between box and ledger is not settled", "wallet_differs")
        if sums.get(accounts.in_flight(wallet)):
            raise Conflict(f"credit for wallet {wallet} is on its way and not answered yet", "asked_already")
    return settling(found.fact.account, wallets, sums)


def _judge(unit: Unit, found: Closing, order: SettleOrder) -> Settling:
    errors = key_errors(order.key)
    if order.method not in METHODS:
        message = f"must be one of {', '.join(METHODS)}"
        errors.append(FieldError(field="method", value=order.method[:40], code="unknown", message=message))
    if order.how == "write_off":
        errors += reason_errors(order.reason)
    left = _left(unit, found)
    right = "refund" if left.refund_micro else "debt" if left.owed_micro else "even"
    wanted = {"refund": "refund", "paid": "debt", "write_off": "debt", "even": "even"}[order.how]
    if wanted != right:
        message = f"{amount_to_text(left.total_micro)} is left: {right}, not {order.how}"
        errors.append(FieldError(field="how", value=order.how, code="unknown", message=message))
    refuse_if_wrong(errors)
    return left
