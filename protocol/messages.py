"""The lines themselves: keys, limits, epoch, batch, sync, answer, enrol, renew, money (wire.md, Lines). Types only.

`command` lives in `protocol.commands`, what a batch tells in `protocol.records`, the state in `protocol.state`.
"""

from typing import Annotated, Final, Literal

import msgspec

from protocol import limits
from protocol.errors import BadPayload
from protocol.payload import (
    Count,
    HashText,
    HeadSeq,
    IdempotencyKey,
    IdText,
    Instant,
    Int,
    KeyText,
    Name,
    Payload,
    Seq,
    Text,
    read_part,
    read_plain,
)
from protocol.records import Contact, Record
from protocol.state import EpochState

SIGNED_BY: Final[dict[str, str]] = {
    "keys": "root",
    "limits": "root",
    "bundle": "root",
    "epoch": "command",
    "command": "command",
    "money": "command",
    "answer": "answer",
    "enrol": "record",
    "renew": "record",
    "batch": "record",
    "sync": "record",
}
"""Which role's key signs a line of each type."""

Verdict = Literal[
    "accepted", "known", "parked", "behind_parked", "gap", "ahead", "forked", "superseded_epoch", "wrong_box",
    "too_large", "bad_signature", "unknown_box", "revoked",
]  # fmt: skip
EpochWhy = Literal["enrolled", "replaced", "restored", "forked", "store_lost", "retired"]
ClockSource = Literal["server", "ntp", "meter", "rtc", "none"]
MoneyKind = Literal[
    "sale", "refund", "reversal", "adjustment", "opening", "closing", "write_off", "account", "customer", "wallet",
    "move", "settled", "till", "day", "plan", "history",
]  # fmt: skip


SigningRequest = Annotated[str, msgspec.Meta(max_length=8_000, pattern=r"^[^\x00]*\Z")]
"""A certificate signing request in PEM."""
Proof = Annotated[str, msgspec.Meta(max_length=1_000, pattern=r"^[A-Za-z0-9+/]*={0,2}\Z")]
"""A signature by the box's TLS key, in base64: over the token in `enrol`, over the nonce in `renew`."""


class ChainHead(Payload, frozen=True, kw_only=True):
    """The newest line of a chain: its number and hash; number 0 with the chain's first `prev` where it is empty."""

    seq: HeadSeq
    hash: HashText


class BatchHead(Payload, frozen=True, kw_only=True):
    """The newest batch that the centre holds of a box."""

    epoch: Count
    seq: HeadSeq
    hash: HashText


class Keys(Payload, frozen=True, kw_only=True):
    """Root-signed: the centre's command and answer keys of one generation."""

    site: IdText
    key_generation: Seq
    command_keys: Annotated[list[KeyText], msgspec.Meta(min_length=1, max_length=4)]
    answer_keys: Annotated[list[KeyText], msgspec.Meta(min_length=1, max_length=4)]
    issued_at_ms: Instant


class Limits(Payload, frozen=True, kw_only=True):
    """Root-signed: bounds that a box keeps whatever the command key signs."""

    site: IdText
    box: IdText | None = None
    limits_generation: Seq
    """Rises with each line that the root signs, whichever box it is for: a box takes no older one again."""
    greatest_grant_micro: Count
    greatest_price_micro: Count
    protected_always: list[IdText]


class Bundle(Payload, frozen=True, kw_only=True):
    """Root-signed: a program bundle and the SHA-256 of each file in it."""

    site: IdText
    version: Name
    files: dict[str, HashText]
    issued_at_ms: Instant


class Hardware(Payload, frozen=True, kw_only=True):
    """What the box says of its hardware, for people."""

    model: Text
    serial: Text


class Enrol(Payload, frozen=True, kw_only=True):
    """A box asks to be taken in: proof of both keys, and the one-time token of its claim."""

    site: IdText
    box: IdText
    token: Annotated[str, msgspec.Meta(pattern=r"^[0-9a-f]{32}\Z")]
    record_key: KeyText
    csr: SigningRequest
    csr_proof: Proof
    hardware: Hardware
    agent: Name


class Renew(Payload, frozen=True, kw_only=True):
    """A box asks for a new certificate; the record key signs it."""

    site: IdText
    box: IdText
    csr: SigningRequest
    csr_proof: Proof
    nonce: IdText


class Epoch(Payload, frozen=True, kw_only=True):
    """A stretch in which one piece of hardware writes one box's history; opened by the centre."""

    site: IdText
    box: IdText
    epoch: Seq
    term: Seq
    record_key: KeyText
    closes: BatchHead | None = None
    commands_base: ChainHead
    config_version: Seq
    config: Annotated[str, msgspec.Meta(max_length=limits.CONFIG_CHARACTERS_MAX)]
    state: EpochState
    why: EpochWhy
    issued_at_ms: Instant


class Clock(Payload, frozen=True, kw_only=True):
    """Whether the box's wall clock can be believed, and where it was set from."""

    sure: bool
    source: ClockSource


class BatchHeader(Payload, frozen=True, kw_only=True):
    """What a batch says before its records."""

    site: IdText
    box: IdText
    epoch: Seq
    seq: Seq
    prev: HashText
    boot_id: IdText
    mono_ms: Count
    sealed_at_ms: Instant
    clock: Clock
    agent: Name
    rules: Seq
    commands_applied: ChainHead
    key_generation: Seq
    term_seen: Seq
    audit_head_seen: HashText | None = None
    tariff_hashes: dict[IdText, dict[Annotated[str, msgspec.Meta(pattern=r"^[0-9]+\Z")], HashText]]


class Batch(BatchHeader, frozen=True, kw_only=True):
    """A batch with its records still raw: it parses even when a record does not."""

    records: Annotated[list[msgspec.Raw], msgspec.Meta(max_length=limits.RECORDS_MAX)]
    wallets: dict[IdText, Int]

    READ_LATER = frozenset({"records"})


class Live(Payload, frozen=True, kw_only=True):
    """What a meter shows now, sent while somebody looks. Never booked."""

    meter: IdText
    at_ms: Instant
    power_w: Int | None = None
    power_estimated: bool
    relay: Contact
    balance_micro: Int | None = None
    values: dict[Name, Int]


class Sync(Payload, frozen=True, kw_only=True):
    """The last line of a request: where the box stands."""

    site: IdText
    box: IdText
    epoch: Count
    nonce: IdText
    sent_at_ms: Instant
    batch_head: ChainHead
    command_head: ChainHead
    key_generation: Count
    term_seen: Count
    agent: Name
    wait_s: Annotated[int, msgspec.Meta(ge=0, le=limits.WAIT_S_MAX)]
    limits_generation: Seq | None = None
    """Of the limits that the box keeps; absent where it has none."""
    goes_on_from: BatchHead | None = None
    """Where the box has not got what `resend_from` asked for: the head behind which the rest of its batches goes on.
    What lies before that is on this machine no more."""
    live: Annotated[list[Live], msgspec.Meta(max_length=1_000)] | None = None


class VerdictOn(Payload, frozen=True, kw_only=True):
    """The centre's verdict on one batch of the request."""

    epoch: Count
    seq: Count
    verdict: Verdict


class Answer(Payload, frozen=True, kw_only=True):
    """The last line of a response: what the centre holds, and its time."""

    site: IdText
    box: IdText
    nonce: IdText
    server_time_ms: Instant
    term: Seq
    batch_ack: BatchHead
    command_head: ChainHead
    audit_head: HashText
    verdicts: list[VerdictOn]
    resend_from: Seq | None = None
    commands_wanted_from: Seq | None = None
    live_until_ms: Instant | None = None
    read_now: tuple[IdText, ...] = ()
    retry_after_s: Count | None = None
    upgrade: Name | None = None


class Money(Payload, frozen=True, kw_only=True):
    """The journal's line for a money step or a change of account, customer or wallet."""

    site: IdText
    term: Seq
    number: Seq
    prev: HashText
    kind: MoneyKind
    body: msgspec.Raw
    operator: Name
    second: Name | None = None
    reason: Text | None = None
    idempotency_key: IdempotencyKey
    posted_at_ms: Instant

    READ_LATER = frozenset({"body"})


def read_records(batch: Batch) -> list[Record]:
    """Read all records of a batch. Raises BadPayload naming the first that does not fit."""
    plain = _read_all_plain(batch.records)
    if plain is not None:
        return plain
    records: list[Record] = []
    for index, raw in enumerate(batch.records):
        try:
            records.append(read_part(raw, Record))
        except BadPayload as fault:
            raise BadPayload(f"records[{index}]: {fault}") from None
    return records


def _read_all_plain(raws: list[msgspec.Raw]) -> list[Record] | None:
    """All records at once where each is written as our own agent writes it, else None."""
    found: list[Record] | None = read_plain(b"[" + b",".join(map(bytes, raws)) + b"]", list[Record])
    return found


def write_record(record: Record) -> msgspec.Raw:
    """Encode a record for a batch."""
    return msgspec.Raw(msgspec.json.encode(record))
