"""Adjustments: credit or debit outside the tills, with reason, energy and period; above the site's limit two people."""

from cloud_server.core import posting_rules, sale_order
from cloud_server.core.adjusting import adjustment_row, period_errors, read_energy, read_signed
from cloud_server.core.contracts import Adjustment
from cloud_server.core.fleet import Wallet
from cloud_server.core.mistakes import Conflict, FieldError, NotFound
from cloud_server.core.second_person import above
from cloud_server.flows.centre import Centre
from cloud_server.flows.grant_credit import grant_credit, wallet_of
from cloud_server.flows.money_step import Done, key_errors, money_step, reason_errors, refuse_if_wrong
from cloud_server.flows.post_entry import post_entry
from cloud_server.flows.second_person import confirmed, wait_for_second
from cloud_server.flows.sign_lines import Asker, add_money_line
from cloud_server.ports import Actor, Unit
from cloud_server.ports.ledger import AdjustmentAnswer, AdjustmentOrder
from protocol.money import AdjustmentBody
from protocol.units import Micro


class Adjustments:
    """Makes adjustments."""

    def __init__(self, centre: Centre) -> None:
        self._centre = centre

    def adjust(self, order: AdjustmentOrder, by: Actor) -> AdjustmentAnswer:
        """Adjust a wallet, or ask for a second person."""
        contents = (order.account, order.amount, order.reason, order.wallet, order.energy, order.from_day, order.to_day)
        request = sale_order.order_hash("adjustment", *contents, by.name)
        step = money_step(self._centre, "adjustment", order.key, request, lambda unit: self.take(unit, order, by))
        return AdjustmentAnswer(**step)

    def take(self, unit: Unit, order: AdjustmentOrder, by: Actor) -> Done:
        """All of an adjustment inside one transaction."""
        wallet, amount_micro, energy_wh = _judge(unit, order)
        second, reason = confirmed(by, order.second), order.reason.strip()
        if second is None and above(amount_micro, unit.fleet.sale_limits().adjustment_alone_max_micro):
            return wait_for_second(self._centre, unit, "adjustment", order, by, order.account, amount_micro, reason)
        asker = Asker(operator=by.name, key=order.key, second=second, reason=reason)
        adjustment = self._centre.new_id()
        body = AdjustmentBody(
            adjustment=adjustment,
            account=order.account,
            wallet=wallet.wallet,
            amount_micro=amount_micro,
            energy_wh=energy_wh,
            from_day=order.from_day,
            to_day=order.to_day,
        )
        add_money_line(self._centre, unit, "adjustment", body, asker)
        rule = posting_rules.adjustment(order.account, amount_micro)
        post_entry(self._centre, unit, "adjustment", f"adjustment/{adjustment}", rule, asker)
        grant = grant_credit(self._centre, unit, wallet, amount_micro, "adjustment", asker)
        now_ms = self._centre.clock.wall_ms()
        row = adjustment_row(
            body, grant.grant, operator=by.name, second=second, reason=reason, key=order.key, made_at_ms=now_ms
        )
        unit.contracts.add_adjustment(row)
        detail = {"amount_micro": amount_micro, "account": order.account, "second": second}
        unit.audit.append(now_ms, by.name, "adjustment", adjustment, detail)
        return Done({"state": "made", "adjustment": adjustment, "grant": grant.grant}, (wallet.box,))

    def adjustments(self, limit: int, account: str | None = None) -> tuple[Adjustment, ...]:
        """The newest adjustments, of the site or of one account."""
        with self._centre.store.read() as unit:
            return tuple(unit.contracts.adjustments(limit, account))


def _judge(unit: Unit, order: AdjustmentOrder) -> tuple[Wallet, Micro, int | None]:
    """Wallet, amount and energy, or every mistake at once."""
    account = unit.fleet.account(order.account)
    if account is None:
        raise NotFound("account", order.account)
    if account.state == "closed":
        raise Conflict(f"account {account.number} is closed", "account_closed")
    wallet = wallet_of(unit, order.account, order.wallet)
    amount = read_signed("amount", order.amount)
    energy = read_energy(order.energy) if order.energy is not None else None
    errors = [*key_errors(order.key), *reason_errors(order.reason), *period_errors(order.from_day, order.to_day)]
    errors += [said for said in (wallet, amount, energy) if isinstance(said, FieldError)]
    refuse_if_wrong(errors)
    assert isinstance(wallet, Wallet)
    assert isinstance(amount, int)
    assert not isinstance(energy, FieldError)
    return wallet, amount, energy
