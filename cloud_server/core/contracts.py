"""What becomes of accounts, wallets and meters: adjusted, closed, moved, replaced, settled without a box. Pure."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Final, Literal

from cloud_server.core import accounts
from cloud_server.core.money_requests import ReclaimRequest, ReclaimState
from cloud_server.core.transaction import Posting
from protocol.units import FEN_MICRO, Micro, Ms


@dataclass(frozen=True, slots=True, kw_only=True)
class Adjustment:
    """Credit (above 0) or debit (below 0) of a wallet outside the till."""

    adjustment: str
    account: str
    wallet: str
    amount_micro: Micro
    energy_wh: int | None
    from_day: str | None
    to_day: str | None
    grant: str
    operator: str
    second: str | None
    reason: str
    key: str
    made_at_ms: Ms


RETIRED: Final = "retired"
"""Why a request came to nothing whose wallet was settled without its box."""

ClosingHow = Literal["refund", "paid", "write_off", "even"]
ClosingState = Literal["waiting", "asked", "refused", "ready", "settled", "cancelled"]


@dataclass(frozen=True, slots=True, kw_only=True)
class ClosingFact:
    """An account on its way to being closed: each wallet is asked for its last reading and all its money.

    `next_tenant` is the account that opens on the same meters once the wallets are closed, as JSON.
    """

    closing: str
    account: str
    operator: str
    second: str | None
    reason: str
    key: str
    asked_at_ms: Ms
    next_tenant: str | None = None
    next_account: str | None = None
    cancelled_at_ms: Ms | None = None
    settled_at_ms: Ms | None = None
    settled_by: str | None = None
    settled_second: str | None = None
    how: ClosingHow | None = None
    settled_micro: Micro = 0
    """The balance at the end: above 0 it was refunded, below 0 a debt."""
    refund: str | None = None


@dataclass(frozen=True, slots=True)
class Closing:
    """A closing with its newest request to each wallet's box."""

    fact: ClosingFact
    requests: tuple[ReclaimRequest, ...]

    @property
    def state(self) -> ClosingState:
        """How far it has come."""
        if self.fact.cancelled_at_ms is not None:
            return "cancelled"
        if self.fact.settled_at_ms is not None:
            return "settled"
        states = {request.state for request in self.requests if request.reason != RETIRED}
        if states & {ReclaimState.REFUSED, ReclaimState.WITHDRAWN, ReclaimState.EXPIRED}:
            return "refused"
        if ReclaimState.WAITING in states:
            return "waiting"
        return "asked" if ReclaimState.ASKED in states else "ready"

    @property
    def is_open(self) -> bool:
        """Whether somebody has something left to do."""
        return self.state not in ("settled", "cancelled")


@dataclass(frozen=True, slots=True, kw_only=True)
class WalletSettlement:
    """What the centre took over from a wallet without its box: a closed wallet's debt, or a retired box's wallet.

    The ledger's wallet account then stands at 0; the box, if anybody asked it, would still say
    `charged_micro + moved_micro`.
    """

    wallet: str
    account: str
    box: str
    how: Literal["debt", "retired"]
    charged_micro: Micro
    moved_micro: Micro
    in_flight_micro: Micro
    who: str
    second: str | None
    reason: str | None
    key: str
    at_ms: Ms

    @property
    def taken_micro(self) -> Micro:
        """How much less the ledger has than the box would say."""
        return self.charged_micro + self.moved_micro


@dataclass(frozen=True, slots=True, kw_only=True)
class CreditMove:
    """Unused credit that goes from one wallet of an account to another; `grant` stands when it has come back."""

    move: str
    account: str
    from_wallet: str
    to_wallet: str
    amount_micro: Micro
    reclaim: str
    operator: str
    reason: str
    key: str
    asked_at_ms: Ms
    grant: str | None = None


ChangeKind = Literal["replace", "move"]
ChangeState = Literal["asked", "done", "refused"]


@dataclass(frozen=True, slots=True, kw_only=True)
class MeterChange:
    """A meter replaced or moved to another box: what its box was told, and what follows when it has answered."""

    change: str
    kind: ChangeKind
    meter: str
    point: str
    box: str
    command: int
    contents: str
    """The order, as JSON."""
    operator: str
    second: str | None
    reason: str
    key: str
    asked_at_ms: Ms
    state: ChangeState = "asked"
    ended_at_ms: Ms | None = None
    why: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class MeterBinding:
    """A meter that served a supply point and does no more. Registers are raw, without ratio; None where unknown."""

    meter: str
    point: str
    box: str
    name: str
    until_ms: Ms
    last_raw_wh: int | None
    why: ChangeKind | Literal["retired"]


@dataclass(frozen=True, slots=True)
class Settling:
    """What settling an account comes to: the wallets' debts, its credit at the centre, the fraction of a fen."""

    moved: Mapping[str, Micro]
    total_micro: Micro
    """Above 0 to be refunded, below 0 owed."""

    @property
    def refund_micro(self) -> Micro:
        """Whole fen to be paid back."""
        return max(self.total_micro, 0) // FEN_MICRO * FEN_MICRO

    @property
    def owed_micro(self) -> Micro:
        """Whole fen that a debt takes to be paid, rounded up; a debt below one fen is nobody's."""
        return 0 if -self.total_micro < FEN_MICRO else -(self.total_micro // FEN_MICRO) * FEN_MICRO


def settling(account: str, wallets: Iterable[str], sums: Mapping[str, Micro]) -> Settling:
    """What the closed wallets and the credit at the centre come to."""
    moved = {w: sums[accounts.wallet(w)] for w in wallets if sums.get(accounts.wallet(w), 0)}
    return Settling(moved, sums.get(accounts.customer(account), 0) + sum(moved.values()))


def closing_postings(
    account: str, moved: Mapping[str, Micro], received: tuple[str, Micro] | None, rounding_micro: Micro
) -> tuple[Posting, ...]:
    """Debts of closed wallets and what was paid in at a till meet the customer's credit; the fraction is rounding.

    `received` is the till account and the sum.
    """
    found = [posting for wallet, micro in sorted(moved.items()) for posting in (
        Posting(accounts.wallet(wallet), -micro), Posting(accounts.customer(account), micro)
    )]  # fmt: skip
    if received is not None and received[1]:
        found += [Posting(received[0], -received[1]), Posting(accounts.customer(account), received[1])]
    if rounding_micro:
        found += [Posting(accounts.customer(account), -rounding_micro), Posting(accounts.ROUNDING, rounding_micro)]
    return tuple(found)
