"""Refunds and reversals as people look at them: a row for a list, a page for one. Values only."""

from dataclasses import dataclass

from cloud_server.core.money_requests import RefundState
from cloud_server.core.views import Method
from protocol.ids import Id
from protocol.records import RefusalReason
from protocol.units import Micro, Ms


@dataclass(frozen=True, slots=True, kw_only=True)
class RefundRow:
    """One refund and how far it has come.

    `wanted_micro` was asked for; `centre_micro` of it lay at the centre; `given_micro` is or was ready to be paid;
    `settled_micro` was paid out, or granted back.
    """

    refund: Id
    account: Id
    account_number: str
    customer: str
    shops: tuple[str, ...]
    box_name: str
    """Empty where nothing is asked of a box."""
    method: Method
    wanted_micro: Micro
    centre_micro: Micro
    given_micro: Micro
    state: RefundState
    operator: str
    second: str | None
    reason: str
    asked_at_ms: Ms
    settled_micro: Micro
    settled_at_ms: Ms | None
    settled_by: str | None
    box_reason: RefusalReason | None
    box_in_reach: bool

    @property
    def is_open(self) -> bool:
        """Whether somebody still has to do something."""
        return self.state in ("waiting", "asked", "payable")
