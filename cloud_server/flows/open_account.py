"""Opening an account on meters that nobody pays for: customer, account and a wallet on each box, as one plan more.

The plan stays the one place in which contracts stand; boxes are configured from it in the same transaction.
"""

from collections.abc import Sequence
from dataclasses import replace

import msgspec

from cloud_server.core import sale_order
from cloud_server.core.contracts import RETIRED, Closing
from cloud_server.core.mistakes import FieldError, Mistaken
from cloud_server.core.money_requests import ReclaimState
from cloud_server.flows.centre import Centre
from cloud_server.flows.money_step import Done, key_errors, money_step, refuse_if_wrong
from cloud_server.flows.plan_site import revise_plan
from cloud_server.ports import Actor, Unit
from cloud_server.ports.ledger import AccountAnswer, AccountOrder, NextTenant
from protocol.site_plan import AccountPlan, CustomerPlan, SitePlan, WalletPlan


class Accounts:
    """Opens accounts, also those that follow a closing on the same meters."""

    def __init__(self, centre: Centre) -> None:
        self._centre = centre

    def open_account(self, order: AccountOrder, by: Actor) -> AccountAnswer:
        """Open an account on meters that no account in use pays for. Raises Mistaken beside the usual."""
        contents = (order.number, order.customer_name, order.phones, order.customer, order.meters)
        request = sale_order.order_hash("account_opened", *contents, order.alarm1_micro, order.alarm2_micro, by.name)
        step = money_step(self._centre, "account_opened", order.key, request, lambda unit: self._take(unit, order, by))
        return AccountAnswer(account=step["account"], wallets=tuple(step["wallets"]))

    def go_on(self) -> int:
        """Open the accounts of tenants whose predecessors' wallets are closed; how many. Repeatable."""
        centre = self._centre
        if centre.journal.fault is not None:
            return 0
        with centre.store.read() as unit:
            due = [closing for closing in unit.contracts.tenants_to_come() if _all_closed(closing)]
        return sum(self._follow(closing) for closing in due)

    def _take(self, unit: Unit, order: AccountOrder, by: Actor) -> Done:
        plan = unit.fleet.plan()
        errors = key_errors(order.key)
        for field, text in (("number", order.number), ("customer_name", order.customer_name)):
            if not text.strip() and not (field == "customer_name" and order.customer is not None):
                message = "must not be empty"
                errors.append(FieldError(field=field, value="", code="required", message=message))
        if plan is None or not order.meters:
            errors.append(FieldError(field="meters", value="", code="required", message="name one meter at least"))
        refuse_if_wrong(errors)
        assert plan is not None
        return self._open(unit, plan, order, by.name, {})

    def _open(self, unit: Unit, plan: SitePlan, order: AccountOrder, by: str, like: dict[str, WalletPlan]) -> Done:
        centre = self._centre
        box_of = {meter.meter: box.box for box in plan.boxes for meter in box.meters}
        strange = [meter for meter in order.meters if meter not in box_of]
        refuse_if_wrong(
            FieldError(field="meters", value=meter[:40], code="unknown", message="no such meter") for meter in strange
        )
        closed = unit.fleet.known_site(centre.site.zone, centre.site.currency).closed_wallets
        fed = {meter for wallet in plan.wallets if wallet.wallet not in closed for meter in wallet.meters}
        taken = [meter for meter in order.meters if meter in fed]
        message = "an account pays for it; close that one first"
        refuse_if_wrong(
            FieldError(field="meters", value=meter[:40], code="account_not_in_use", message=message) for meter in taken
        )
        customer = order.customer or centre.new_id()
        account = AccountPlan(account=centre.new_id(), number=order.number.strip(), customer=customer)
        wallets = [
            _wallet(centre.new_id(), account.account, box, order, box_of, like.get(box))
            for box in sorted({box_of[meter] for meter in order.meters})
        ]
        more = plan.customers
        if order.customer is None:
            name, phones = order.customer_name.strip(), tuple(order.phones)
            more = [*plan.customers, CustomerPlan(customer=customer, name=name, phones=phones)]
        after = msgspec.structs.replace(
            plan, customers=more, accounts=[*plan.accounts, account], wallets=[*plan.wallets, *wallets]
        )
        done = revise_plan(centre, unit, after, by)
        now_ms, detail = centre.clock.wall_ms(), {"number": account.number, "meters": list(order.meters)}
        unit.audit.append(now_ms, by, "account_opened", account.account, detail)
        answer = {"account": account.account, "wallets": [wallet.wallet for wallet in wallets]}
        return Done(answer, done.configured)

    def _follow(self, due: Closing) -> int:
        """The account of the next tenant, in one transaction with the note that it was opened."""
        centre = self._centre
        with centre.store.write() as unit:
            closing, plan = unit.contracts.closing(due.fact.closing), unit.fleet.plan()
            if closing is None or plan is None or closing.fact.next_account is not None:
                return 0
            tenant = msgspec.json.decode(closing.fact.next_tenant or "", type=NextTenant)
            mine = {request.wallet for request in closing.requests}
            old = {wallet.box: wallet for wallet in plan.wallets if wallet.wallet in mine}
            meters = tuple(meter for wallet in plan.wallets if wallet.wallet in mine for meter in wallet.meters)
            order = AccountOrder(
                key=closing.fact.key,
                number=tenant.number,
                customer_name=tenant.customer_name,
                phones=tenant.phones,
                meters=meters,
            )
            try:
                done = self._open(unit, plan, order, closing.fact.operator, old)
            except Mistaken as fault:
                unit.contracts.save_closing(replace(closing.fact, next_account=f"refused: {fault}"[:200]))
                return 0
            unit.contracts.save_closing(replace(closing.fact, next_account=done.answer["account"]))
            centre.fail_point("tenant_before_commit")
        centre.fail_point("tenant_committed")
        centre.journal.append_unmarked()
        centre.fail_point("tenant_journaled")
        for box in done.boxes:
            centre.wake.wake(box)
        centre.live.changed()
        return 1


def _all_closed(closing: Closing) -> bool:
    answered = all(r.state is ReclaimState.ANSWERED or r.reason == RETIRED for r in closing.requests)
    return answered and closing.state in ("ready", "settled")


def _wallet(
    name: str, account: str, box: str, order: AccountOrder, box_of: dict[str, str], like: WalletPlan | None
) -> WalletPlan:
    meters: Sequence[str] = [meter for meter in order.meters if box_of[meter] == box]
    if like is not None:
        return msgspec.structs.replace(like, wallet=name, account=account, meters=list(meters), opening_micro=0)
    return WalletPlan(
        wallet=name,
        account=account,
        box=box,
        meters=list(meters),
        alarm1_micro=order.alarm1_micro,
        alarm2_micro=order.alarm2_micro,
    )
