"""Whether a refund may be asked for: what of it is at the centre, and which wallet the rest is asked of."""

from dataclasses import dataclass

from cloud_server.core import accounts, sale_order
from cloud_server.core.fleet import Wallet
from cloud_server.core.mistakes import FieldError, NotFound
from cloud_server.core.money_requests import second_fault
from cloud_server.core.views import METHODS
from cloud_server.flows.money_step import key_errors, reason_errors, refuse_if_wrong
from cloud_server.ports import Actor, Unit
from cloud_server.ports.money import RefundOrder
from protocol.units import Micro, amount_to_text


@dataclass(frozen=True, slots=True)
class JudgedRefund:
    """A refund that may be asked for: what of it is at the centre, and the wallet that the rest is asked of."""

    wanted_micro: Micro
    centre_micro: Micro
    wallet: Wallet | None


def judge_refund(unit: Unit, order: RefundOrder, by: Actor) -> JudgedRefund:
    """What of the refund is where, or every mistake at once."""
    if unit.fleet.account(order.account) is None:
        raise NotFound("account", order.account)
    errors = [*key_errors(order.key), *reason_errors(order.reason)]
    if order.method not in METHODS:
        text = f"must be one of {', '.join(METHODS)}"
        errors.append(FieldError(field="method", value=order.method[:40], code="unknown", message=text))
    amount = sale_order.read_amount("amount", order.amount)
    if isinstance(amount, FieldError):
        refuse_if_wrong([*errors, amount])
        raise AssertionError("unreachable: a mistake was raised")
    sums = unit.ledger.sums([accounts.customer(order.account)])
    free_micro = sums.get(accounts.customer(order.account), 0) - unit.money.waiting_micro(order.account)
    centre_micro = min(max(free_micro, 0), amount)
    wallet = None
    if centre_micro < amount:
        wallet, wrong = _wallet_for(unit, order, amount - centre_micro)
        errors += wrong
    refuse_if_wrong(errors)
    if amount > unit.fleet.sale_limits().refund_alone_max_micro or order.second is not None:
        second = order.second
        fault = second_fault(by.name, second.name if second else None, second.roles if second else frozenset())
        if fault is not None:
            raise fault
    return JudgedRefund(amount, centre_micro, wallet)


def _wallet_for(unit: Unit, order: RefundOrder, rest_micro: Micro) -> tuple[Wallet | None, list[FieldError]]:
    """The wallet that the rest is asked of; it must hold as much as far as the centre knows."""
    usable = {w.wallet: w for w in unit.fleet.wallets_of_account(order.account) if w.state != "closed"}
    if order.wallet is None and len(usable) != 1:
        text = f"the account has {len(usable)} wallets; name the one that gives credit back"
        return None, [FieldError(field="wallet", value="", code="several_wallets", message=text)]
    wallet = usable.get(order.wallet) if order.wallet is not None else next(iter(usable.values()))
    if wallet is None:
        text = "is no wallet of this account that is not closed"
        value = (order.wallet or "")[:40]
        return None, [FieldError(field="wallet", value=value, code="wallet_not_of_account", message=text)]
    names = (accounts.wallet(wallet.wallet), accounts.in_flight(wallet.wallet))
    held_micro = sum(unit.ledger.sums(names).values())
    if held_micro < rest_micro:
        text = f"the wallet holds {amount_to_text(max(held_micro, 0))} at most, {amount_to_text(rest_micro)} are wanted"
        error = FieldError(
            field="amount", value=order.amount[:40], code="above_balance_limit", message=text, limit_micro=held_micro
        )
        return wallet, [error]
    return wallet, []
