"""Boxes, wallets, meters and grants as the centre knows them: the values that cores decide on. Types only."""

from dataclasses import dataclass
from enum import StrEnum
from typing import Literal

from protocol.chain import Head
from protocol.messages import EpochWhy
from protocol.records import Cause, Contact
from protocol.units import Micro, Ms


class BoxState(StrEnum):
    """Where a box stands on its way in and out of the site.

    `planned`: in the plan; `claimed`: a claim file was made; `waiting`: it asked to be taken in, a person must compare
    its fingerprint; `enrolled`: it writes its history; `quarantined`: it goes on enforcing, its batches are kept and
    not posted; `revoked`: it is not believed any more.
    """

    PLANNED = "planned"
    CLAIMED = "claimed"
    WAITING = "waiting"
    ENROLLED = "enrolled"
    QUARANTINED = "quarantined"
    REVOKED = "revoked"


@dataclass(frozen=True, slots=True, kw_only=True)
class Box:
    """The place in one shaft and where it stands in both chains.

    `batch_head` is the newest batch kept (what is acknowledged), `posted_seq` the newest one posted; they differ while
    something is parked. `command_head` is the newest command signed, `applied_seq` the newest one that the box has
    answered for in a posted batch. `config_version` is the configuration wanted, `held_version` the one applied.
    """

    site: str
    box: str
    name: str
    building: str
    state: BoxState
    epoch: int
    record_key: str | None
    batch_head: Head
    posted_seq: int
    command_head: Head
    applied_seq: int
    config_version: int
    config_hash: str
    held_version: int
    key_generation: int
    term_seen: int
    agent: str
    seen_at_ms: Ms | None
    posted_at_ms: Ms | None
    """`sealed_at_ms` of the newest posted batch: how old everything is that the centre knows of this box."""
    recovery: bool
    """The box is ahead of this centre: it knows an epoch or a command that the centre has forgotten."""

    @property
    def takes_commands(self) -> bool:
        """Whether commands may be signed for it; a quarantined box or one that is ahead gets none."""
        return self.state is BoxState.ENROLLED and not self.recovery


@dataclass(frozen=True, slots=True, kw_only=True)
class Wallet:
    """Prepaid money on one box."""

    wallet: str
    account: str
    box: str
    state: Literal["in_use", "closing", "closed"]
    alarm1_micro: Micro
    alarm2_micro: Micro
    credit_limit_micro: Micro
    reconnect_micro: Micro
    meters: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Account:
    """A customer's contract."""

    account: str
    number: str
    customer: str
    customer_name: str
    state: Literal["in_use", "closing", "closed"]


class GrantState(StrEnum):
    """`waiting`: not signed, its box cannot take commands; `signed`: on its way; `applied`, `refused`: answered."""

    WAITING = "waiting"
    SIGNED = "signed"
    APPLIED = "applied"
    REFUSED = "refused"


@dataclass(frozen=True, slots=True, kw_only=True)
class WalletGrant:
    """Credit that the centre hands to a wallet; `command` is its number once it is signed."""

    grant: str
    wallet: str
    box: str
    account: str
    amount_micro: Micro
    cause: Literal["sale", "move", "adjustment", "opening", "undo"]
    sale: str | None
    state: GrantState
    command: int | None
    reason: str | None
    made_at_ms: Ms
    applied_at_ms: Ms | None
    on_at_ms: Ms | None
    """When the relays of the wallet's meters were first seen closed after the grant was applied."""


@dataclass(frozen=True, slots=True, kw_only=True)
class EpochRow:
    """One epoch as it was opened; `fenced_at_ms` stands when another one followed it."""

    box: str
    epoch: int
    hash: str
    record_key: str
    closes: Head | None
    closes_epoch: int | None
    why: EpochWhy
    opened_at_ms: Ms
    fenced_at_ms: Ms | None


@dataclass(frozen=True, slots=True, kw_only=True)
class RelayFact:
    """What is known of a relay as of the last posted batch."""

    meter: str
    wanted: Contact
    seen: Contact
    cause: Cause
    at_ms: Ms | None
