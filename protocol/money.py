"""Bodies of the `money` lines of the centre's journal: each step written so that an empty ledger can take it again."""

from typing import Annotated, Final, Literal

import msgspec

from protocol.commands import ReclaimPurpose, SalePart
from protocol.errors import BadPayload
from protocol.messages import Money
from protocol.payload import Count, Day, IdText, Int, Name, Payload, Text, read_part


class SaleBody(Payload, frozen=True, kw_only=True):
    """Money taken in for an account and its parts by wallet."""

    sale: IdText
    receipt: Name
    account: IdText
    amount_micro: Count
    method: Name
    till_day: Day
    parts: Annotated[list[SalePart], msgspec.Meta(min_length=1, max_length=100)]


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


class ClosingBody(Payload, frozen=True, kw_only=True):
    """An account closed and settled."""

    account: IdText
    settled_micro: Int


class WriteOffBody(Payload, frozen=True, kw_only=True):
    """A debt given up by two people."""

    account: IdText
    amount_micro: Count


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


MoneyBody = (
    SaleBody | RefundBody | ReversalBody | AdjustmentBody | OpeningBody | ClosingBody | WriteOffBody | AccountBody
    | CustomerBody | WalletBody | MoveBody
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
