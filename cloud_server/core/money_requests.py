"""Credit asked back from boxes, refunds and reversals: what the books keep of each, and what may follow. Pure."""

from collections.abc import Iterable, Set
from dataclasses import dataclass
from enum import StrEnum
from typing import Final, Literal

from cloud_server.core.mistakes import Conflict
from cloud_server.core.roles import Role
from protocol.commands import ReclaimPurpose
from protocol.units import Micro, Ms


class ReclaimState(StrEnum):
    """How far a request for unused credit has come.

    `waiting`: not signed, since its box takes no commands or something of it is parked; `asked`: signed, the box
    decides; `answered`: so much came; `refused`: the box gave nothing and said why; `withdrawn`: taken back before the
    box answered; `expired`: too late.
    """

    WAITING = "waiting"
    ASKED = "asked"
    ANSWERED = "answered"
    REFUSED = "refused"
    WITHDRAWN = "withdrawn"
    EXPIRED = "expired"


@dataclass(frozen=True, slots=True, kw_only=True)
class ReclaimRequest:
    """Unused credit of a wallet asked back, which waits for its box; `answered_micro` is what came, 0 until then."""

    reclaim: str
    account: str
    wallet: str
    box: str
    purpose: ReclaimPurpose
    amount_micro: Micro
    """At most so much."""
    floor_micro: Micro = 0
    """So much stays in the wallet at least."""
    state: ReclaimState = ReclaimState.WAITING
    command: int | None = None
    answered_micro: Micro = 0
    reason: str | None = None
    made_at_ms: Ms
    answered_at_ms: Ms | None = None
    operator: str
    key: str

    @property
    def is_open(self) -> bool:
        """Whether an answer is still to come."""
        return self.state in (ReclaimState.WAITING, ReclaimState.ASKED)


def refused_state(reason: str | None) -> ReclaimState:
    """What a request comes to when its box refuses it for this reason."""
    match reason:
        case "withdrawn":
            return ReclaimState.WITHDRAWN
        case "expired":
            return ReclaimState.EXPIRED
        case _:
            return ReclaimState.REFUSED


RefundState = Literal["waiting", "asked", "payable", "refused", "withdrawn", "expired", "paid", "returned"]
"""`payable`: the money is back at the centre and is paid out or granted back by a person; the rest as above."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RefundFact:
    """A refund: what was wanted, which share was at the centre, which is asked of a box, and how it ended."""

    refund: str
    account: str
    wallet: str | None
    method: str
    wanted_micro: Micro
    centre_micro: Micro
    """Credit never granted, set aside in `payable` when the refund was asked for."""
    reclaim: str | None
    operator: str
    second: str | None
    reason: str | None
    key: str
    asked_at_ms: Ms
    settled: Literal["paid", "returned"] | None = None
    settled_micro: Micro = 0
    settled_at_ms: Ms | None = None
    settled_by: str | None = None


@dataclass(frozen=True, slots=True)
class Refund:
    """A refund together with the request to the box that it may have."""

    fact: RefundFact
    reclaim: ReclaimRequest | None

    @property
    def given_micro(self) -> Micro:
        """What is or was in `payable` for it: set aside at the centre, and given back by the box."""
        return self.fact.centre_micro + (self.reclaim.answered_micro if self.reclaim is not None else 0)

    @property
    def state(self) -> RefundState:
        """How far it has come."""
        if self.fact.settled is not None:
            return self.fact.settled
        if self.reclaim is not None and self.reclaim.is_open:
            return "waiting" if self.reclaim.state is ReclaimState.WAITING else "asked"
        if self.given_micro or self.reclaim is None:
            return "payable"
        match self.reclaim.state:
            case ReclaimState.WITHDRAWN:
                return "withdrawn"
            case ReclaimState.EXPIRED:
                return "expired"
            case _:
                return "refused"

    @property
    def is_open(self) -> bool:
        """Whether money is still asked for or lies ready."""
        return self.state in ("waiting", "asked", "payable")

    def takes_from_sale_of(self, paid_at_ms: Ms) -> bool:
        """Whether it may hold money of a sale made at an instant: it is open, or was paid since."""
        if self.is_open:
            return True
        return self.fact.settled == "paid" and (self.fact.settled_at_ms or 0) >= paid_at_ms


@dataclass(frozen=True, slots=True, kw_only=True)
class ReversalFact:
    """A sale of the same till day undone, wholly."""

    reversal: str
    sale: str
    account: str
    amount_micro: Micro
    operator: str
    second: str | None
    reason: str | None
    key: str
    reversed_at_ms: Ms


CONFIRMING: Final[Role] = "supervisor"
"""The role whose second yes money steps ask for."""


def second_fault(maker: str, second: str | None, roles: Set[str]) -> Conflict | None:
    """Why this is no valid second yes, or None. Maker and checker are two people, and the checker a supervisor."""
    if second is None:
        return Conflict("a second person, a supervisor, must confirm this", "second_needed")
    if second == maker:
        return Conflict(f"{second} asked for it and cannot confirm it too", "second_is_maker")
    if CONFIRMING not in roles:
        return Conflict(f"{second} is no {CONFIRMING}", "second_not_supervisor")
    return None


@dataclass(frozen=True, slots=True, kw_only=True)
class ReversalFacts:
    """What a reversal is judged by."""

    receipt: str
    till_day: str
    today: str
    paid_at_ms: Ms
    reversed_before: bool
    refunds: tuple[Refund, ...]
    """All of the account."""
    till_counted: bool = False
    """The till that took the money was counted and closed since."""
    at_centre_micro: Micro
    """The share of the sale that is at the centre: never granted, or refused by its box."""
    free_micro: Micro
    """Credit of the account at the centre that nothing else waits for."""


def reversal_fault(facts: ReversalFacts) -> Conflict | None:
    """Why the sale cannot be reversed, or None."""
    if facts.reversed_before:
        return Conflict(f"sale {facts.receipt} has been reversed", "reversed_before")
    if facts.till_counted:
        text = f"the till that took sale {facts.receipt} has been counted; only a refund or an adjustment is left"
        return Conflict(text, "till_day_over")
    if facts.till_day != facts.today:
        text = (
            f"the till day of sale {facts.receipt}, {facts.till_day}, is over; only a refund or an adjustment is left"
        )
        return Conflict(text, "till_day_over")
    if any(refund.takes_from_sale_of(facts.paid_at_ms) for refund in facts.refunds):
        text = f"money of the account was refunded, or is asked back, since sale {facts.receipt}"
        return Conflict(text, "refunded_since")
    if facts.at_centre_micro > facts.free_micro:
        return Conflict(f"credit of sale {facts.receipt} at the centre has been used since", "credit_used")
    return None


def payable_of(refunds: Iterable[Refund]) -> dict[str, Micro]:
    """What `payable` must come to by account: given back and neither paid out nor returned."""
    found: dict[str, Micro] = {}
    for refund in refunds:
        left = refund.given_micro - refund.fact.settled_micro
        if left:
            found[refund.fact.account] = found.get(refund.fact.account, 0) + left
    return found
