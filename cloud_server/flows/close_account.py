"""Closing an account: no more sales, last readings, all money back from its boxes, then settled to nothing.

Each wallet's box reads its meters a last time, gives everything back and parts wallet and meters. What came lies at the
centre and is refunded; a debt is paid in at the till or given up by two people (`flows.settle_account`).
"""

from collections.abc import Mapping, Sequence
from dataclasses import replace

import msgspec

from cloud_server.core import balances, sale_order
from cloud_server.core.contracts import Closing, ClosingFact
from cloud_server.core.fleet import Account, GrantState, Wallet
from cloud_server.core.mistakes import Conflict, FieldError, NotFound
from cloud_server.core.money_requests import ReclaimRequest, ReclaimState
from cloud_server.core.second_person import above
from cloud_server.flows.ask_back import ask_back
from cloud_server.flows.centre import Centre
from cloud_server.flows.money_step import Done, key_errors, money_step, reason_errors, refuse_if_wrong
from cloud_server.flows.second_person import confirmed, wait_for_second
from cloud_server.flows.sign_lines import Asker, add_money_line
from cloud_server.ports import Actor, Unit
from cloud_server.ports.ledger import ClosingAnswer, ClosingOrder, ClosingStep, TypedRegister
from protocol.commands import TypedReading
from protocol.limits import INTEGER_MAX
from protocol.money import AccountBody


class Closings:
    """Closes accounts, up to where nothing is left on any box."""

    def __init__(self, centre: Centre) -> None:
        self._centre = centre

    def close(self, order: ClosingOrder, by: Actor) -> ClosingAnswer:
        """Begin: the account takes no more sales, its wallets are asked for everything."""
        contents = (order.account, order.reason, _said(order.typed), repr(order.next_tenant), by.name)
        request = sale_order.order_hash("closing", *contents)
        return ClosingAnswer(
            **money_step(self._centre, "closing", order.key, request, lambda unit: self.take(unit, order, by))
        )

    def again(self, step: ClosingStep, by: Actor) -> ClosingAnswer:
        """Ask those wallets again whose box refused, with registers typed by two people where it cannot read."""
        request = sale_order.order_hash("closing_again", step.closing, _said(step.typed), by.name)
        return ClosingAnswer(
            **money_step(self._centre, "closing_again", step.key, request, lambda unit: self.take_again(unit, step, by))
        )

    def cancel(self, step: ClosingStep, by: Actor) -> ClosingAnswer:
        """Give it up while every wallet is still open: the account is in use again."""
        request = sale_order.order_hash("closing_cancelled", step.closing, by.name)
        return ClosingAnswer(
            **money_step(
                self._centre, "closing_cancelled", step.key, request, lambda unit: self._cancel(unit, step, by)
            )
        )

    def closing(self, closing: str) -> Closing:
        """One closing. Raises NotFound."""
        with self._centre.store.read() as unit:
            return found_closing(unit, closing)

    def open_closings(self) -> tuple[Closing, ...]:
        """Closings in which somebody or some box has something left to do."""
        with self._centre.store.read() as unit:
            return tuple(unit.contracts.open_closings())

    # --- beginning ----------------------------------------------------------------------------------------------

    def take(self, unit: Unit, order: ClosingOrder, by: Actor) -> Done:
        """All of beginning inside one transaction."""
        centre = self._centre
        account, wallets = _account_in_use(unit, order.account)
        meters = {meter for wallet in wallets for meter in wallet.meters}
        refuse_if_wrong([*key_errors(order.key), *reason_errors(order.reason), *typed_errors(order.typed, meters)])
        _refuse_open_requests(unit, account, wallets)
        names = [wallet.wallet for wallet in wallets]
        sums = unit.ledger.sums(balances.accounts_of(account.account, names))
        balance_micro = balances.of_account(account.account, names, sums).total_micro
        second = confirmed(by, order.second)
        great = above(balance_micro, unit.fleet.sale_limits().closing_alone_max_micro)
        if second is None and (great or order.typed):
            why = order.reason.strip()
            return wait_for_second(centre, unit, "closing", order, by, account.account, balance_micro, why)
        next_tenant = None if order.next_tenant is None else msgspec.json.encode(order.next_tenant).decode()
        fact = ClosingFact(
            closing=centre.new_id(),
            account=account.account,
            operator=by.name,
            second=second,
            reason=order.reason.strip(),
            key=order.key,
            asked_at_ms=centre.clock.wall_ms(),
            next_tenant=next_tenant,
        )
        unit.contracts.add_closing(fact)
        for grant in unit.ledger.grants_of_account(account.account, GrantState.WAITING):
            unit.ledger.save_grant(replace(grant, state=GrantState.UNDONE))
        asker = Asker(operator=by.name, key=order.key, second=second, reason=fact.reason)
        tell_account_state(centre, unit, account, "closing", asker)
        requests = [self._ask(unit, fact, wallet, order.typed, asker) for wallet in wallets]
        detail = {"balance_micro": balance_micro, "wallets": len(wallets), "second": second}
        unit.audit.append(fact.asked_at_ms, by.name, "closing_asked", account.account, detail)
        return _done(Closing(fact, tuple(requests)))

    def _ask(
        self, unit: Unit, fact: ClosingFact, wallet: Wallet, typed: Sequence[TypedRegister], by: Asker
    ) -> ReclaimRequest:
        request = ReclaimRequest(
            reclaim=self._centre.new_id(),
            account=fact.account,
            wallet=wallet.wallet,
            box=wallet.box,
            purpose="close",
            amount_micro=INTEGER_MAX,
            made_at_ms=self._centre.clock.wall_ms(),
            operator=by.operator,
            key=by.key,
        )
        registers = typed_readings([said for said in typed if said.meter in wallet.meters], by)
        asked = ask_back(self._centre, unit, request, registers)
        unit.contracts.ask_wallet(fact.closing, wallet.wallet, asked.reclaim)
        return asked

    # --- going on -----------------------------------------------------------------------------------------------

    def take_again(self, unit: Unit, step: ClosingStep, by: Actor) -> Done:
        """All of asking again inside one transaction."""
        found = found_closing(unit, step.closing)
        failed = [request for request in found.requests if _came_to_nothing(request)]
        if not failed:
            raise Conflict(f"the closing is {found.state}; only wallets whose box refused are asked again", "answered")
        wallets = {wallet.wallet: wallet for wallet in unit.fleet.wallets_of_account(found.fact.account)}
        meters = {meter for request in failed for meter in wallets[request.wallet].meters}
        refuse_if_wrong([*key_errors(step.key), *typed_errors(step.typed, meters)])
        second = confirmed(by, step.second)
        if step.typed and second is None:
            fact = found.fact
            return wait_for_second(self._centre, unit, "closing_again", step, by, fact.account, None, fact.reason)
        asker = Asker(operator=by.name, key=step.key, second=second, reason=found.fact.reason)
        for request in failed:
            self._ask(unit, found.fact, wallets[request.wallet], step.typed, asker)
        unit.audit.append(self._centre.clock.wall_ms(), by.name, "closing_asked_again", found.fact.account, {})
        return _done(found_closing(unit, step.closing))

    def _cancel(self, unit: Unit, step: ClosingStep, by: Actor) -> Done:
        refuse_if_wrong(key_errors(step.key))
        found = found_closing(unit, step.closing)
        if not found.is_open:
            raise Conflict(f"the closing is {found.state}", "answered")
        now_ms = self._centre.clock.wall_ms()
        for request in found.requests:
            if request.state in (ReclaimState.ASKED, ReclaimState.ANSWERED):
                raise Conflict(f"wallet {request.wallet} was told to close and cannot be taken back", "answered")
            if request.state is ReclaimState.WAITING:
                ended = replace(request, state=ReclaimState.WITHDRAWN, reason="withdrawn", answered_at_ms=now_ms)
                unit.money.save_reclaim(ended)
        unit.contracts.save_closing(replace(found.fact, cancelled_at_ms=now_ms))
        account = unit.fleet.account(found.fact.account)
        assert account is not None
        asker = Asker(operator=by.name, key=step.key, reason=found.fact.reason)
        tell_account_state(self._centre, unit, account, "in_use", asker)
        unit.audit.append(now_ms, by.name, "closing_cancelled", account.account, {})
        return _done(found_closing(unit, step.closing))


def found_closing(unit: Unit, closing: str) -> Closing:
    """One closing. Raises NotFound."""
    found = unit.contracts.closing(closing)
    if found is None:
        raise NotFound("closing", closing)
    return found


def tell_account_state(centre: Centre, unit: Unit, account: Account, state: str, by: Asker) -> None:
    """Write an account's state and tell the journal."""
    unit.contracts.set_account_state(account.account, state)
    body = AccountBody(account=account.account, customer=account.customer, state=state)  # type: ignore[arg-type]  # one of the three
    add_money_line(centre, unit, "account", body, by)


def typed_errors(typed: Sequence[TypedRegister], meters: set[str]) -> list[FieldError]:
    """Registers of meters that are not concerned, or that no meter can show."""
    return [
        FieldError(field="typed", value=f"{said.meter} {said.raw_wh}"[:40], code="unknown", message=message)
        for said in typed
        if (message := _typed_fault(said, meters)) is not None
    ]


def _typed_fault(said: TypedRegister, meters: set[str]) -> str | None:
    if said.meter not in meters:
        return "is no meter that this concerns"
    return None if 0 <= said.raw_wh <= INTEGER_MAX else "is no register in watt-hours"


def typed_readings(typed: Sequence[TypedRegister], by: Asker) -> list[TypedReading]:
    """Typed registers as a command carries them: by whom, with whom, why."""
    return [
        TypedReading(
            meter=said.meter, raw_wh=said.raw_wh, who=by.operator, second=by.second or "", reason=by.reason or ""
        )
        for said in typed
    ]


def _account_in_use(unit: Unit, name: str) -> tuple[Account, list[Wallet]]:
    account = unit.fleet.account(name)
    if account is None:
        raise NotFound("account", name)
    if account.state != "in_use":
        raise Conflict(f"account {account.number} is {account.state}", "account_not_in_use")
    return account, [wallet for wallet in unit.fleet.wallets_of_account(name) if wallet.state != "closed"]


def _refuse_open_requests(unit: Unit, account: Account, wallets: Sequence[Wallet]) -> None:
    """What is under way ends first: a refund that is open would take from what is settled."""
    if any(refund.is_open for refund in unit.money.refunds_of_account(account.account)):
        raise Conflict(f"a refund of account {account.number} is open; pay it or grant it back first", "asked_already")
    for wallet in wallets:
        if unit.money.has_open_reclaim(wallet.wallet):
            raise Conflict(f"credit of wallet {wallet.wallet} is asked back and not answered yet", "asked_already")


def _came_to_nothing(request: ReclaimRequest) -> bool:
    return request.state in (ReclaimState.REFUSED, ReclaimState.WITHDRAWN, ReclaimState.EXPIRED)


def _said(typed: Sequence[TypedRegister]) -> list[Mapping[str, object]]:
    return [{"meter": said.meter, "raw_wh": said.raw_wh} for said in typed]


def _done(closing: Closing) -> Done:
    return Done(
        {"state": closing.state, "closing": closing.fact.closing},
        tuple(sorted({request.box for request in closing.requests})),
    )
