"""Refunds and reversals of the made-up street: there are none, and none can be made. Real ones: elsewhere."""

from collections.abc import Iterable

from cloud_server.core.mistakes import Conflict
from cloud_server.core.money_requests import ReversalFact
from cloud_server.core.money_views import RefundRow
from cloud_server.ports import Actor
from cloud_server.ports.money import RefundAnswer, RefundOrder, RefundStep, ReversalOrder


class FakeMoney:
    """Implements `MoneyBooks`, `RefundDesk` and `ReversalDesk`."""

    def refund(self, refund: str) -> RefundRow | None:
        return None

    def refunds(self, limit: int, *, open_only: bool = False) -> tuple[RefundRow, ...]:
        return ()

    def refunds_of_account(self, account: str) -> tuple[RefundRow, ...]:
        return ()

    def reversals(self, sales: Iterable[str]) -> dict[str, ReversalFact]:
        return {}

    def ask(self, order: RefundOrder, by: Actor) -> RefundAnswer:
        raise Conflict("no refund in the made-up street")

    def pay(self, step: RefundStep, by: Actor) -> RefundAnswer:
        raise Conflict("no refund in the made-up street")

    give_back = withdraw = pay

    def reverse(self, order: ReversalOrder, by: Actor) -> ReversalFact:
        raise Conflict("no reversal in the made-up street")
