"""Bodies of the `money` lines of the centre's journal: each step written so that an empty ledger can take it again."""

from typing import Annotated, Final, Literal

import msgspec

from protocol.box_config import Defaults, FriendlyHours, ProfileText, SiteConfig, TariffText
from protocol.commands import ReclaimPurpose, SalePart, TypedReading
from protocol.errors import BadPayload
from protocol.messages import Money
from protocol.payload import Count, Day, HashText, IdText, Int, Name, Payload, Seq, Text, read_part
from protocol.site_plan import (
    AccountPlan,
    BoxPlan,
    BuildingPlan,
    CustomerPlan,
    PointPlan,
    SaleLimits,
    WalletPlan,
)


class SaleBody(Payload, frozen=True, kw_only=True):
    """Money taken in for an account and its parts by wallet."""

    sale: IdText
    receipt: Name
    account: IdText
    amount_micro: Count
    method: Name
    till_day: Day
    parts: Annotated[list[SalePart], msgspec.Meta(max_length=100)]


class RefundBody(Payload, frozen=True, kw_only=True):
    """Unused credit asked back or paid out."""

    refund: IdText
    account: IdText
    amount_micro: Count
    method: Name
    purpose: ReclaimPurpose
    reclaim: IdText | None = None
    paid: bool


class ReversalBody(Payload, frozen=True, kw_only=True):
    """A sale of the same till day undone, wholly."""

    reversal: IdText
    sale: IdText
    receipt: Name
    amount_micro: Count


class AdjustmentBody(Payload, frozen=True, kw_only=True):
    """Credit or debit outside the till."""

    adjustment: IdText
    account: IdText
    wallet: IdText
    amount_micro: Int
    energy_wh: Int | None = None
    from_day: Day | None = None
    to_day: Day | None = None


class OpeningBody(Payload, frozen=True, kw_only=True):
    """A balance brought in from an old system."""

    account: IdText
    wallet: IdText
    amount_micro: Int
    source: Text


class ClosedWallet(Payload, frozen=True, kw_only=True):
    """What a closed wallet stood at and the centre took over: below 0 a debt."""

    wallet: IdText
    moved_micro: Int


class ClosingBody(Payload, frozen=True, kw_only=True):
    """An account closed and settled.

    Its wallets' debts and `received_micro` (paid in at the till by `method`) meet its credit at the centre; what is
    below a fen goes to `rounding_micro` (above 0: kept by the site).
    """

    account: IdText
    settled_micro: Int
    closing: IdText | None = None
    wallets: Annotated[tuple[ClosedWallet, ...], msgspec.Meta(max_length=100)] = ()
    received_micro: Count = 0
    method: Name | None = None
    rounding_micro: Int = 0


class WriteOffBody(Payload, frozen=True, kw_only=True):
    """A debt given up by two people."""

    account: IdText
    amount_micro: Count
    write_off: IdText | None = None


class AccountBody(Payload, frozen=True, kw_only=True):
    """An account opened or changed."""

    account: IdText
    customer: IdText
    state: Literal["in_use", "closing", "closed"]


class CustomerBody(Payload, frozen=True, kw_only=True):
    """A customer entered or changed."""

    customer: IdText
    name: Name
    phones: list[Name]


class WalletBody(Payload, frozen=True, kw_only=True):
    """A wallet created or changed: where it lives and which meters it feeds."""

    wallet: IdText
    account: IdText
    box: IdText
    meters: list[IdText]
    state: Literal["in_use", "closing", "closed"]


class MoveBody(Payload, frozen=True, kw_only=True):
    """Unused credit moved from one wallet of an account to another."""

    move: IdText
    account: IdText
    from_wallet: IdText
    to_wallet: IdText
    amount_micro: Count


class RateCharge(Payload, frozen=True, kw_only=True):
    """What energy at one rate cost."""

    rate: Name
    charge_micro: Count


class SettledBody(Payload, frozen=True, kw_only=True):
    """A wallet settled without its box, which will not return, from the last posted batch and typed registers.

    Grants on their way (`in_flight_micro`) and what is left after the charges (`moved_micro`, below 0 a debt) go back
    to the customer's credit at the centre.
    """

    wallet: IdText
    account: IdText
    box: IdText
    in_flight_micro: Int
    charges: Annotated[list[RateCharge], msgspec.Meta(max_length=100)]
    moved_micro: Int
    typed: Annotated[list[TypedReading], msgspec.Meta(max_length=100)]


class HistoryBody(Payload, frozen=True, kw_only=True):
    """Two people accepted that batches `first` to `last` of an epoch are on no machine any more.

    `rest` is the first batch that is left, whose word for the balances before it counts; `prev` is the hash of batch
    `last`. `differences_micro`: what each wallet lost by it, below 0 what went out of it.
    """

    box: IdText
    epoch: Seq
    first: Seq
    last: Seq
    prev: HashText
    rest: HashText
    differences_micro: dict[IdText, Int]


class TillAmount(Payload, frozen=True, kw_only=True):
    """One method of a till: what the books expect in it, and what was counted."""

    method: Name
    expected_micro: Int
    counted_micro: Int


class TillBody(Payload, frozen=True, kw_only=True):
    """A till opened with a float out of the bank, or counted, closed and handed over to it."""

    shift: IdText
    operator: Name
    step: Literal["opened", "closed"]
    amounts: Annotated[list[TillAmount], msgspec.Meta(max_length=20)]


class DayBody(Payload, frozen=True, kw_only=True):
    """A posting day closed: nothing is booked under it any more. `receipts` is the last running number of the term."""

    day: Day
    receipts: Count


class SiteHead(Payload, frozen=True, kw_only=True):
    """What a site plan says once for the whole site."""

    name: Name
    settings: SiteConfig
    defaults: Defaults
    limits: SaleLimits
    holidays: tuple[Day, ...] = ()
    friendly_hours: tuple[FriendlyHours, ...] = ()


class PlanBody(Payload, frozen=True, kw_only=True):
    """A piece of what changed in the site plan: parts that are new or other than before, and those that are gone.

    All pieces in the order of their numbers give the plan in force. `whole` begins anew: what was told before is
    forgotten. A part takes the place of the one with its id (tariffs and profiles: with its version too). `gone` names
    parts as `box/<id>`, `point/<id>`, `tariff/<id>/<version>`.
    """

    whole: bool = False
    site_head: SiteHead | None = None
    buildings: tuple[BuildingPlan, ...] = ()
    boxes: tuple[BoxPlan, ...] = ()
    points: tuple[PointPlan, ...] = ()
    customers: tuple[CustomerPlan, ...] = ()
    accounts: tuple[AccountPlan, ...] = ()
    wallets: tuple[WalletPlan, ...] = ()
    tariffs: tuple[TariffText, ...] = ()
    profiles: tuple[ProfileText, ...] = ()
    gone: tuple[Name, ...] = ()


MoneyBody = (
    SaleBody | RefundBody | ReversalBody | AdjustmentBody | OpeningBody | ClosingBody | WriteOffBody | AccountBody
    | CustomerBody | WalletBody | MoveBody | SettledBody | TillBody | DayBody | PlanBody | HistoryBody
)  # fmt: skip

MONEY_BODIES: Final[dict[str, type[MoneyBody]]] = {
    "sale": SaleBody,
    "refund": RefundBody,
    "reversal": ReversalBody,
    "adjustment": AdjustmentBody,
    "opening": OpeningBody,
    "closing": ClosingBody,
    "write_off": WriteOffBody,
    "account": AccountBody,
    "customer": CustomerBody,
    "wallet": WalletBody,
    "move": MoveBody,
    "settled": SettledBody,
    "till": TillBody,
    "day": DayBody,
    "plan": PlanBody,
    "history": HistoryBody,
}


def write_money_body(body: MoneyBody) -> msgspec.Raw:
    """Encode a body for a money line."""
    return msgspec.Raw(msgspec.json.encode(body))


def read_money_body(line: Money) -> MoneyBody:
    """Read the body by its kind. Raises BadPayload."""
    kind = MONEY_BODIES.get(line.kind)
    if kind is None:
        raise BadPayload(f"money kind {line.kind!r} is not known in version 1")
    body: MoneyBody = read_part(line.body, kind)
    return body
