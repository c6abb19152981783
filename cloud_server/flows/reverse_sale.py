"""A wrong sale of the same till day undone, wholly, by a new entry that names it, even where its money was used.

The share still at the centre goes first; a minus grant, which names the grant that it undoes, takes back the rest.
"""

from collections.abc import Sequence
from dataclasses import replace

from cloud_server.core import accounts, posting_rules, sale_order
from cloud_server.core.fleet import GrantState, SaleFact, WalletGrant
from cloud_server.core.mistakes import Conflict, NotFound
from cloud_server.core.money_requests import ReversalFact, ReversalFacts, reversal_fault, second_fault
from cloud_server.core.second_person import CONFIRMING_STATE
from cloud_server.core.transaction import Transaction, transaction_id
from cloud_server.flows.centre import Centre
from cloud_server.flows.money_step import Done, key_errors, money_step, reason_errors, refuse_if_wrong
from cloud_server.flows.second_person import wait_for_second
from cloud_server.flows.sign_lines import Asker, add_money_line, sign_grant
from cloud_server.ports import Actor, Unit
from cloud_server.ports.money import ReversalOrder, Waits
from protocol.money import ReversalBody
from protocol.units import Micro


class Reversals:
    """Satisfies `ports.money.ReversalDesk`."""

    def __init__(self, centre: Centre) -> None:
        self._centre = centre

    def reverse(self, order: ReversalOrder, by: Actor) -> ReversalFact:
        """Undo a sale. Raises Refused, Conflict, KeyReused, NotFound, NotNow."""
        request = sale_order.order_hash("reversal", order.sale, order.reason, by.name)
        answer = money_step(self._centre, "reversal", order.key, request, lambda unit: self.take(unit, order, by))
        if answer.get("state") == CONFIRMING_STATE:
            raise Waits(answer["request"])
        with self._centre.store.read() as unit:
            reversal = unit.money.reversal_of_sale(order.sale)
        if reversal is None:
            raise NotFound("reversal of sale", order.sale)
        return reversal

    def take(self, unit: Unit, order: ReversalOrder, by: Actor) -> Done:
        """All of a reversal inside one transaction."""
        centre = self._centre
        refuse_if_wrong([*key_errors(order.key), *reason_errors(order.reason)])
        sale = unit.ledger.sale(order.sale)
        if sale is None:
            raise NotFound("sale", order.sale)
        grants = unit.ledger.grants_of_sale(sale.sale)
        try:
            second = self._judge(unit, sale, grants, order, by)
        except Conflict as fault:
            if fault.code != "second_needed" or not order.wait:
                raise
            why = order.reason.strip()
            return wait_for_second(centre, unit, "reversal", order, by, sale.account, sale.amount_micro, why)
        now_ms = centre.clock.wall_ms()
        fact = ReversalFact(
            reversal=centre.new_id(),
            sale=sale.sale,
            account=sale.account,
            amount_micro=sale.amount_micro,
            operator=by.name,
            second=second,
            reason=order.reason.strip(),
            key=order.key,
            reversed_at_ms=now_ms,
        )
        unit.money.add_reversal(fact)
        self._write(unit, sale, fact)
        boxes = self._undo(unit, grants, fact)
        detail = {"sale": sale.sale, "receipt": sale.receipt, "amount_micro": sale.amount_micro, "second": second}
        unit.audit.append(now_ms, by.name, "reversal", fact.reversal, detail)
        return Done({"reversal": fact.reversal}, boxes)

    def _judge(
        self, unit: Unit, sale: SaleFact, grants: Sequence[WalletGrant], order: ReversalOrder, by: Actor
    ) -> str | None:
        """The name of the second person, None where none is needed. Raises Conflict."""
        sums = unit.ledger.sums([accounts.customer(sale.account)])
        waiting_micro = sum(grant.amount_micro for grant in grants if grant.state is GrantState.WAITING)
        credit_micro = sums.get(accounts.customer(sale.account), 0)
        facts = ReversalFacts(
            receipt=sale.receipt,
            till_day=sale.till_day,
            today=self._centre.posting_day(unit, self._centre.clock.wall_ms()),
            paid_at_ms=sale.paid_at_ms,
            reversed_before=unit.money.reversal_of_sale(sale.sale) is not None,
            refunds=tuple(unit.money.refunds_of_account(sale.account)),
            till_counted=unit.tills.closed_since(sale.operator, sale.paid_at_ms) is not None,
            at_centre_micro=sum(grant.amount_micro for grant in grants if _at_centre(grant)),
            free_micro=credit_micro - unit.money.waiting_micro(sale.account) + waiting_micro,
        )
        fault = reversal_fault(facts)
        if fault is not None:
            raise fault
        asked = order.second
        if asked is None and sale.operator == by.name and not _used(unit, grants):
            return None
        fault = second_fault(by.name, asked.name if asked else None, asked.roles if asked else frozenset())
        if fault is not None:
            raise fault
        return asked.name if asked else None

    def _write(self, unit: Unit, sale: SaleFact, fact: ReversalFact) -> None:
        body = ReversalBody(
            reversal=fact.reversal, sale=sale.sale, receipt=sale.receipt, amount_micro=fact.amount_micro
        )
        asker = Asker(operator=fact.operator, key=fact.key, second=fact.second, reason=fact.reason)
        add_money_line(self._centre, unit, "reversal", body, asker)
        unit.ledger.post(
            Transaction(
                kind="reversal",
                cause=f"reversal/{fact.reversal}",
                effective_at_ms=fact.reversed_at_ms,
                posting_day=self._centre.posting_day(unit, fact.reversed_at_ms),
                who=fact.operator,
                key=fact.key,
                second=fact.second,
                reason=fact.reason,
                corrects=transaction_id("sale", f"sale/{sale.sale}"),
                postings=posting_rules.reversal(sale.operator, sale.method, sale.account, sale.amount_micro),
            ),
            fact.reversed_at_ms,
        )

    def _undo(self, unit: Unit, grants: Sequence[WalletGrant], fact: ReversalFact) -> tuple[str, ...]:
        """Grants never signed are undone at once; one minus grant for each that was; the boxes that must hear of it."""
        centre = self._centre
        out: list[WalletGrant] = []
        for grant in grants:
            if grant.state is GrantState.WAITING:
                unit.ledger.save_grant(replace(grant, state=GrantState.UNDONE))
            elif not _at_centre(grant):
                out.append(minus_grant(centre.new_id(), grant, -grant.amount_micro, fact))
        unit.ledger.add_grants(out)
        for name in sorted({minus.box for minus in out}):
            box = unit.fleet.box(name)
            for minus in (minus for minus in out if minus.box == name):
                if box is not None and box.takes_commands:
                    box = sign_grant(centre, unit, box, minus, None, [minus])
        return tuple(sorted({minus.box for minus in out}))


def _at_centre(grant: WalletGrant) -> bool:
    return grant.state in (GrantState.WAITING, GrantState.REFUSED)


def _used(unit: Unit, grants: Sequence[WalletGrant]) -> bool:
    """Whether a wallet would fall below zero: what it holds, as far as the centre knows, is less than came in."""
    by_wallet: dict[str, Micro] = {}
    for grant in grants:
        if not _at_centre(grant):
            by_wallet[grant.wallet] = by_wallet.get(grant.wallet, 0) + grant.amount_micro
    for wallet, amount_micro in by_wallet.items():
        held = unit.ledger.sums([accounts.wallet(wallet), accounts.in_flight(wallet)])
        if sum(held.values()) < amount_micro:
            return True
    return False


def minus_grant(name: str, grant: WalletGrant, amount_micro: Micro, fact: ReversalFact) -> WalletGrant:
    """The grant that takes another back; it waits for its box."""
    return WalletGrant(
        grant=name,
        wallet=grant.wallet,
        box=grant.box,
        account=grant.account,
        amount_micro=amount_micro,
        cause="undo",
        made_at_ms=fact.reversed_at_ms,
        undoes=grant.grant,
        operator=fact.operator,
        key=fact.key,
        second=fact.second,
    )
