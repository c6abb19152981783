"""A sale and how far it has come, for lists, receipts and pages. Values only."""

from dataclasses import dataclass

from cloud_server.core.views.states import Method, SaleState
from protocol.ids import Id
from protocol.records import RefusalReason
from protocol.units import Micro, Ms


@dataclass(frozen=True, slots=True, kw_only=True)
class SalePartRow:
    """One wallet's share of a sale and how far it has come."""

    wallet: Id
    box_name: str
    shops: tuple[str, ...]
    amount_micro: Micro
    state: SaleState
    box: Id = ""
    reason: RefusalReason | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class SaleRow:
    """One sale as lists, receipts and the desk's result page show it.

    `state` is that of the slowest part. `waiting_since_ms` stands while the box is out of reach.
    `balance_before_micro` is as the centre knew it when the money was taken, with its own age.
    """

    sale: Id
    receipt: str
    account: Id
    account_number: str
    customer: str
    shops: tuple[str, ...]
    amount_micro: Micro
    method: Method
    operator: str
    operator_name: str
    paid_at_ms: Ms
    till_day: str
    state: SaleState
    parts: tuple[SalePartRow, ...]
    waiting_since_ms: Ms | None = None
    delivered_at_ms: Ms | None = None
    on_at_ms: Ms | None = None
    balance_before_micro: Micro | None = None
    balance_before_at_ms: Ms | None = None
    balance_after_micro: Micro | None = None
    """As the box said when it applied the grant."""
    prints: int = 0
    """How often its receipt was printed; a reprint is marked."""


@dataclass(frozen=True, slots=True, kw_only=True)
class DayOfSales:
    """The sales of one till day, newest first."""

    day: str
    sales: tuple[SaleRow, ...]
