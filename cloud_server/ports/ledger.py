"""Orders and answers of second persons, adjustments, moves and closings.

Those of tills stand in `tills`, those of meters and boxes in `hardware_orders`; what follows holds for them too.

All calls are plain blocking calls and are made from a worker thread. Every order carries its idempotency key: the same
key with the same contents gives the same answer for ever. All steps raise Refused, Conflict, KeyReused, NotFound,
NotNow. `second` is a supervisor who has confirmed the step, signed in as themselves; where a step wants one and none
is named, its answer says `confirming` and names the request that waits (see `flows.second_person`).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

from cloud_server.core.contracts import ClosingHow, ClosingState
from cloud_server.core.second_person import RequestKind
from cloud_server.ports.console import Actor
from protocol.ids import Id
from protocol.units import Micro

Confirming = Literal["confirming"]


# --- second persons -----------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class CheckStep:
    """A second person's yes or no to a request; or, from its maker, that it is no longer wanted."""

    key: str
    request: Id
    note: str = ""


@dataclass(frozen=True, slots=True)
class Checked:
    """How a request ended; `answer` is what the step itself was answered, as it would have been without waiting."""

    request: Id
    kind: RequestKind
    state: Literal["done", "rejected", "withdrawn"]
    answer: Mapping[str, object] = field(default_factory=dict)


# --- adjustments, moves -------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class AdjustmentOrder:
    """Credit, or with a minus sign debit, of a wallet outside the till: "12.00", "-12.00".

    `energy` is kilowatt-hours as typed, with its sign, where the reason is energy; the days are the period it concerns.
    """

    key: str
    account: Id
    amount: str
    reason: str
    wallet: Id | None = None
    energy: str | None = None
    from_day: str | None = None
    to_day: str | None = None
    second: Actor | None = None


@dataclass(frozen=True, slots=True)
class AdjustmentAnswer:
    """An adjustment as it was made, or the request that waits for a second person."""

    state: Literal["made"] | Confirming
    adjustment: Id | None = None
    grant: Id | None = None
    request: Id | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class MoveOrder:
    """Unused credit from one wallet of an account to another, on whatever boxes they are. `amount` as typed."""

    key: str
    account: Id
    from_wallet: Id
    to_wallet: Id
    amount: str
    reason: str


@dataclass(frozen=True, slots=True)
class MoveAnswer:
    """A move as it was asked for; how far it is stands with its reclaim and its grant."""

    move: Id
    reclaim: Id
    state: Literal["waiting", "asked"]


@dataclass(frozen=True, slots=True, kw_only=True)
class AccountOrder:
    """Open an account on meters that no account in use pays for: a wallet on each of their boxes.

    `customer` names one that is known; else one is entered. Raises also Mistaken, with every mistake of the plan.
    """

    key: str
    number: str
    meters: tuple[Id, ...]
    customer_name: str = ""
    phones: tuple[str, ...] = ()
    customer: Id | None = None
    alarm1_micro: Micro = 20_000_000
    alarm2_micro: Micro = 5_000_000


@dataclass(frozen=True, slots=True)
class AccountAnswer:
    """The account as it was opened."""

    account: Id
    wallets: tuple[Id, ...]


# --- closing ------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class TypedRegister:
    """A meter's cumulative register, raw and without ratio, in watt-hours, from its display or a photo."""

    meter: Id
    raw_wh: int


@dataclass(frozen=True, slots=True, kw_only=True)
class NextTenant:
    """Who opens an account on the same meters once the old one's wallets are closed."""

    number: str
    customer_name: str
    phones: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class ClosingOrder:
    """Close an account: no more sales, last readings, all money back. Typed registers want a second person.

    With `next_tenant` it is a change of tenant.
    """

    key: str
    account: Id
    reason: str
    typed: tuple[TypedRegister, ...] = ()
    next_tenant: NextTenant | None = None
    second: Actor | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ClosingStep:
    """One more step of a closing: ask again those wallets whose box refused (`typed` for meters it cannot read), or
    give it up."""

    key: str
    closing: Id
    typed: tuple[TypedRegister, ...] = ()
    second: Actor | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class SettleOrder:
    """End a closing whose wallets are all closed. `how` says what becomes of what is left.

    refund: whole fen to be paid out by `method` (as a refund that is payable); paid: the debt was paid in at the till
    by `method`; write_off: the debt is given up, which wants two people; even: nothing, or less than a fen, is left.
    """

    key: str
    closing: Id
    how: ClosingHow
    method: str = "cash"
    reason: str = ""
    second: Actor | None = None


@dataclass(frozen=True, slots=True)
class ClosingAnswer:
    """How far a closing was when the step was taken, or the request that waits for a second person."""

    state: ClosingState | Confirming
    closing: Id | None = None
    settled_micro: Micro = 0
    refund: Id | None = None
    request: Id | None = None
