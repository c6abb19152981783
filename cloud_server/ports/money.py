"""What refunds and reversals ask of the store; and what console and API ask of refunds and reversals.

All calls are plain blocking calls and are made from a worker thread.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Protocol

from cloud_server.core.money_requests import ReclaimRequest, Refund, RefundFact, RefundState, ReversalFact
from cloud_server.core.money_views import RefundRow
from cloud_server.ports.console import Actor
from protocol.ids import Id
from protocol.units import Micro


class MoneyBook(Protocol):
    """Rows of credit asked back, of refunds and of reversals."""

    def add_reclaim(self, request: ReclaimRequest) -> None: ...

    def save_reclaim(self, request: ReclaimRequest) -> None: ...

    def reclaims(self, reclaims: Iterable[str]) -> dict[str, ReclaimRequest]: ...

    def reclaim_of_command(self, box: str, command: int) -> ReclaimRequest | None: ...

    def waiting_reclaims(self, box: str) -> list[ReclaimRequest]: ...

    def open_reclaims(self, wallet: str) -> list[ReclaimRequest]: ...

    def has_open_reclaim(self, wallet: str) -> bool: ...

    def has_finding(self, wallet: str) -> bool: ...

    def waiting_micro(self, account: str) -> int: ...

    def add_refund(self, refund: RefundFact) -> None: ...

    def save_refund(self, refund: RefundFact) -> None: ...

    def refund(self, refund: str) -> Refund | None: ...

    def refunds_of_account(self, account: str) -> list[Refund]: ...

    def refunds(self, limit: int, *, unsettled_only: bool = False) -> list[Refund]: ...

    def add_reversal(self, reversal: ReversalFact) -> None: ...

    def reversal_of_sale(self, sale: str) -> ReversalFact | None: ...

    def reversals_of_sales(self, sales: Iterable[str]) -> dict[str, ReversalFact]: ...


@dataclass(frozen=True, slots=True, kw_only=True)
class RefundOrder:
    """Unused credit of an account to be paid back. `amount` is as typed; credit at the centre goes first.

    The rest is asked of the box of `wallet`; where the account has one wallet, it need not be named.
    """

    key: str
    account: Id
    amount: str
    method: str
    reason: str
    wallet: Id | None = None
    second: Actor | None = None
    """A supervisor who has confirmed it, signed in as themselves."""
    wait: bool = False
    """Where a second person is wanted and none is named, the step waits for one instead of being refused."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RefundStep:
    """One step of a refund that was asked for."""

    key: str
    refund: Id


@dataclass(frozen=True, slots=True, kw_only=True)
class ReversalOrder:
    """A sale to be undone wholly."""

    key: str
    sale: Id
    reason: str
    second: Actor | None = None
    wait: bool = False
    """As with a refund."""


@dataclass(frozen=True, slots=True)
class RefundAnswer:
    """What a step of a refund was answered, for ever: how far the refund was, and how much lies ready to be paid."""

    refund: Id
    state: RefundState
    payable_micro: Micro
    paid_micro: Micro


class Waits(Exception):
    """The step was kept and waits for a second person's yes under this request: see `flows.second_person`."""

    def __init__(self, request: Id) -> None:
        super().__init__(f"request {request} waits for a second person")
        self.request = request


class MoneyBooks(Protocol):
    """Refunds and reversals as pages show them."""

    def refund(self, refund: Id) -> RefundRow | None:
        """One refund, None where there is none."""
        ...

    def refunds(self, limit: int, *, open_only: bool = False) -> tuple[RefundRow, ...]:
        """The newest refunds; with `open_only` those that somebody still has to see to."""
        ...

    def refunds_of_account(self, account: Id) -> tuple[RefundRow, ...]:
        """All refunds of an account, newest first."""
        ...

    def reversals(self, sales: Iterable[Id]) -> dict[Id, ReversalFact]:
        """The reversals of those of the sales that were reversed."""
        ...


class RefundDesk(Protocol):
    """Pays unused credit back. All steps raise Refused, Conflict, KeyReused, NotFound, NotNow."""

    def ask(self, order: RefundOrder, by: Actor) -> RefundAnswer:
        """Set aside what is at the centre and ask the box for the rest."""
        ...

    def pay(self, step: RefundStep, by: Actor) -> RefundAnswer:
        """The money was handed out, by the refund's method, at the till of whoever pays."""
        ...

    def give_back(self, step: RefundStep, by: Actor) -> RefundAnswer:
        """It is not paid out after all: the credit goes back to the wallet."""
        ...

    def withdraw(self, step: RefundStep, by: Actor) -> RefundAnswer:
        """Take back what was asked of the box, if it has not answered yet."""
        ...


class ReversalDesk(Protocol):
    """Undoes sales of the same till day."""

    def reverse(self, order: ReversalOrder, by: Actor) -> ReversalFact:
        """Undo a sale. Raises Refused, Conflict, KeyReused, NotFound, NotNow."""
        ...
