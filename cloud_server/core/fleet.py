"""Boxes, wallets, meters and grants as the centre knows them: the values that cores decide on. Types only."""

from dataclasses import dataclass
from enum import StrEnum
from typing import Literal

from protocol.chain import Head
from protocol.messages import BatchHead, EpochWhy
from protocol.records import RefusalReason
from protocol.units import Micro, Ms


class BoxState(StrEnum):
    """Where a box stands on its way in and out of the site.

    `planned`: in the plan; `claimed`: a claim file was made; `waiting`: it asked to be taken in, a person must compare
    its fingerprint; `enrolled`: it writes its history; `quarantined`: it goes on enforcing, its batches are kept and
    not posted; `revoked`: it is not believed any more; `retired`: nothing stands at this place any more.
    """

    PLANNED = "planned"
    CLAIMED = "claimed"
    WAITING = "waiting"
    ENROLLED = "enrolled"
    QUARANTINED = "quarantined"
    REVOKED = "revoked"
    RETIRED = "retired"


@dataclass(frozen=True, slots=True, kw_only=True)
class Box:
    """The place in one shaft and where it stands in both chains.

    `batch_head` is the newest batch kept (what is acknowledged), `posted_seq` the newest one posted; they differ while
    something is parked. `command_head` is the newest command signed, `fetched_seq` the newest one that the box said it
    holds, `applied_seq` the newest one that it has answered for in a posted batch. `config_version` is the
    configuration wanted, `held_version` the one applied.
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
    fetched_seq: int
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
    said_at_ms: Ms | None
    """When, by its own clock, it sent the newest request that was in its place: what came late is told by it."""
    recovery: bool
    """The box is ahead of this centre: it knows an epoch or a command that the centre has forgotten."""

    @property
    def believed(self) -> bool:
        """Whether anything that this place signs is taken at all."""
        return self.state not in (BoxState.REVOKED, BoxState.RETIRED)

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
    """`waiting`: not signed, its box cannot take commands; `signed`: on its way; `applied`, `refused`: answered.

    `undone`: its sale was reversed before it was signed; it never will be.
    """

    WAITING = "waiting"
    SIGNED = "signed"
    APPLIED = "applied"
    REFUSED = "refused"
    UNDONE = "undone"


@dataclass(frozen=True, slots=True, kw_only=True)
class WalletGrant:
    """Credit that the centre hands to a wallet: it waits; `command` is its number once it is signed."""

    grant: str
    wallet: str
    box: str
    account: str
    amount_micro: Micro
    cause: Literal["sale", "move", "adjustment", "opening", "undo"]
    sale: str | None = None
    state: GrantState = GrantState.WAITING
    command: int | None = None
    reason: str | None = None
    made_at_ms: Ms
    applied_at_ms: Ms | None = None
    on_at_ms: Ms | None = None
    """When the relays of the wallet's meters were first seen closed after the grant was applied."""
    book_after_micro: Micro | None = None
    """The wallet's book balance as the box said when it applied the grant."""
    undoes: str | None = None
    """A minus grant names the grant that it takes back."""
    operator: str | None = None
    """Who asked for a grant that belongs to no sale, under which key, with whose second yes."""
    key: str | None = None
    second: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class OpenedEpoch:
    """One epoch as it was opened; `fenced_at_ms` stands when another one followed it."""

    box: str
    epoch: int
    hash: str
    record_key: str
    keyid: str
    closes: BatchHead | None
    why: EpochWhy
    opened_at_ms: Ms
    fenced_at_ms: Ms | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class CommandFact:
    """A signed command and what became of it. `subject` is the wallet or meter it is about, empty for the whole box."""

    box: str
    seq: int
    hash: str
    kind: str
    what: str
    subject: str
    who: str
    issued_at_ms: Ms
    expires_at_ms: Ms | None = None
    until_ms: Ms | None = None
    state: Literal["signed", "done", "refused"] = "signed"
    state_at_ms: Ms | None = None
    reason: RefusalReason | None = None
    detail: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class SaleFact:
    """Money taken in for an account. How far it has come stands with its grants."""

    sale: str
    receipt: str
    account: str
    amount_micro: Micro
    method: str
    operator: str
    operator_name: str
    paid_at_ms: Ms
    till_day: str
    key: str
    balance_before_micro: Micro | None
    balance_before_at_ms: Ms | None


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredBatch:
    """A batch that was kept: where it stands in its chain, its line, and what became of it."""

    box: str
    epoch: int
    seq: int
    hash: str
    raw: bytes
    state: Literal["posted", "parked", "behind_parked", "fenced"]
    """`fenced`: it waited to be posted when its epoch was closed before it; evidence from then on."""
    fault: str | None
    sealed_at_ms: Ms
    received_at_ms: Ms
    posted_at_ms: Ms | None


@dataclass(frozen=True, slots=True, kw_only=True)
class FoundDifference:
    """A difference that the centre found in a batch and did not mend; stands until a person settles it.

    `standing` says that it goes on from batch to batch (a wallet that differs) and is stored once, not with each.
    """

    kind: str
    box: str
    epoch: int
    seq: int
    meter: str | None = None
    wallet: str | None = None
    detail: str
    standing: bool = False
