"""The verdict on a batch: the first that matches, in the order of the protocol. Pure.

What is known of the box comes as a value; what a batch claims is read here, after its signature was looked at.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Final

import msgspec

from cloud_server.core.fleet import BoxState
from protocol import limits
from protocol.chain import Head, Link, link
from protocol.messages import Verdict
from protocol.payload import Count, HashText, IdText, Seq


class BatchClaim(msgspec.Struct, frozen=True, kw_only=True):
    """The few fields of a batch header that place it in its chain; read even where a later version added others."""

    site: IdText
    box: IdText
    epoch: Seq
    seq: Seq
    prev: HashText
    sealed_at_ms: Count
    commands_applied: "AppliedHead"
    records: list[msgspec.Raw]


class AppliedHead(msgspec.Struct, frozen=True, kw_only=True):
    """The newest command that the box had carried out."""

    seq: Count
    hash: HashText


@dataclass(frozen=True, slots=True, kw_only=True)
class KnownBox:
    """What the centre knows of the box that sent a line.

    `keyids` maps each epoch to the record key that may sign in it. `head` is the newest batch kept, `batch_hash`
    answers with the hash of a batch kept, `command_hash` with that of a command signed; None where there is none.
    `parked` stands while a batch of this box waits for a mended program.
    """

    site: str
    box: str
    state: BoxState
    epoch: int
    keyids: Mapping[int, str]
    head: Head
    parked: bool
    command_head: Head
    batch_hash: Callable[[int, int], str | None]
    command_hash: Callable[[int], str | None]


@dataclass(frozen=True, slots=True)
class Arrival:
    """One batch line as it came: the key whose signature fits (None: no key of this box), and its hash."""

    hash: str
    signer: str | None
    claim: BatchClaim | None
    """None where the payload was not believed, or could not be read."""


KEPT: Final = frozenset({"accepted", "parked", "behind_parked"})
"""Verdicts after which the batch is stored in its chain and acknowledged."""
EVIDENCE: Final = frozenset({"forked", "superseded_epoch", "ahead"})
"""Verdicts after which the line is kept apart as evidence, never posted as it stands."""


def judge(known: KnownBox | None, arrival: Arrival, content_fault: Callable[[], str | None]) -> Verdict:
    """The verdict on one batch. `content_fault` is asked last: why its content cannot be posted, or None."""
    if known is None:
        return "unknown_box"
    if known.state in (BoxState.REVOKED, BoxState.RETIRED):
        return "revoked"
    claim = arrival.claim
    if arrival.signer is None or claim is None or known.keyids.get(claim.epoch, arrival.signer) != arrival.signer:
        return "bad_signature"
    if (claim.site, claim.box) != (known.site, known.box):
        return "wrong_box"
    if len(claim.records) > limits.RECORDS_MAX:
        return "too_large"
    kept_hash = known.batch_hash(claim.epoch, claim.seq)
    if kept_hash == arrival.hash:
        return "known"
    if is_ahead(known, claim):
        return "ahead"
    if claim.epoch < known.epoch:
        return "superseded_epoch"
    return _place_in_chain(known, claim, content_fault)


def is_ahead(known: KnownBox, claim: BatchClaim) -> bool:
    """Whether the box knows an epoch or a command that this centre has not signed, or has forgotten."""
    applied = claim.commands_applied
    if claim.epoch > known.epoch or applied.seq > known.command_head.seq:
        return True
    return applied.seq > 0 and known.command_hash(applied.seq) != applied.hash


def _place_in_chain(known: KnownBox, claim: BatchClaim, content_fault: Callable[[], str | None]) -> Verdict:
    match link(known.head, claim.seq, claim.prev):
        case Link.KNOWN | Link.FORK:
            return "forked"
        case Link.GAP:
            return "gap"
        case Link.NEXT:
            pass
    if known.parked or known.state is BoxState.QUARANTINED:
        return "behind_parked"
    return "parked" if content_fault() is not None else "accepted"


def claim_of(payload: bytes) -> BatchClaim | None:
    """The placing fields of a payload whose signature fits, or None where it cannot even be placed in a chain.

    Read leniently on purpose: what a strict reader refuses in a record is a reason to park the batch, not to lose it.
    """
    try:
        return _claims.decode(payload)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        return None


_claims: Final = msgspec.json.Decoder(BatchClaim)
