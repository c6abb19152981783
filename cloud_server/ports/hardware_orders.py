"""Orders and answers of meters that change, and of boxes that retire or are sold to unheard.

How steps are called and what they raise stands in `ledger`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

from cloud_server.ports.console import Actor
from cloud_server.ports.ledger import Confirming, TypedRegister
from protocol.ids import Id
from protocol.units import Micro


@dataclass(frozen=True, slots=True, kw_only=True)
class ReplaceOrder:
    """Another meter serves a point: last register of the old, serial number and first register of the new one.

    `unit` and `profile` where they differ from the old one's. The wallet goes on.
    """

    key: str
    meter: Id
    old_raw_wh: int
    serial: str
    new_raw_wh: int
    reason: str
    name: str | None = None
    unit: int | None = None
    profile: str | None = None
    second: Actor | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class RelocateOrder:
    """A meter goes to another box: bus, device and unit address there.

    A wallet that feeds only this meter is closed on the old box, and what it gives back follows the meter: into
    `to_wallet`, which is on the new box already, or into a new one of `account` (the old wallet's where none is named).
    """

    key: str
    meter: Id
    box: Id
    bus: Id
    device: Id
    unit: int
    reason: str
    account: Id | None = None
    to_wallet: Id | None = None
    typed: TypedRegister | None = None
    second: Actor | None = None


@dataclass(frozen=True, slots=True)
class ChangeAnswer:
    """A meter's change as its box was told, or the request that waits for a second person."""

    state: Literal["asked", "done"] | Confirming
    change: Id | None = None
    meter: Id | None = None
    command: int | None = None
    request: Id | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class RetireOrder:
    """A box will not return: its wallets are settled from the last posted batch and the registers typed.

    Always two people. A meter without a typed register is settled at its last posted one.
    """

    key: str
    box: Id
    reason: str
    typed: tuple[TypedRegister, ...] = ()
    second: Actor | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class OpenSellingOrder:
    """Sales to a box that was not heard since a restore are to be taken; always two people."""

    key: str
    box: Id
    reason: str
    second: Actor | None = None


@dataclass(frozen=True, slots=True)
class OpenSellingAnswer:
    """Selling is open, or the request that waits for a second person."""

    state: Literal["opened"] | Confirming
    request: Id | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class HistoryOrder:
    """Batches of a box up to `last` are on no machine any more: its own word for what was before counts; two people."""

    key: str
    box: Id
    last: int
    reason: str
    second: Actor | None = None


@dataclass(frozen=True, slots=True)
class HistoryAnswer:
    """It is accepted, or the request that waits for a second person."""

    state: Literal["accepted"] | Confirming
    request: Id | None = None


@dataclass(frozen=True, slots=True)
class RetireAnswer:
    """What each wallet of a retired box was settled at, or the request that waits for a second person."""

    state: Literal["retired"] | Confirming
    wallets: Mapping[Id, Micro] = field(default_factory=dict)
    request: Id | None = None
