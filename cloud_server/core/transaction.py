"""A transaction of the ledger: postings that sum to zero, and who, why, when. It cannot be built otherwise. Pure."""

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass

from cloud_server.core.accounts import parse_account
from protocol.units import Micro


class Unbalanced(ValueError):
    """Postings that do not sum to zero, or none: a mistake of the program, never of a person."""


@dataclass(frozen=True, slots=True)
class Posting:
    """One account and what comes into it; a debit is negative."""

    account: str
    amount_micro: Micro


@dataclass(frozen=True, slots=True)
class Transaction:
    """One entry of the ledger. Never changed; a correction is a new one whose `corrects` names it.

    `cause` is what it follows from ("sale/<id>", "batch/<box>/<epoch>/<seq>", "command/<box>/<seq>"); the id is
    derived from it, so that a rebuilt ledger has the same. `effective_at_ms` is when it happened, `posting_day` the
    day of the site under which it is booked. `who` is a person, an API token or a box; `key` the idempotency key of a
    person's or program's step, or the cause itself for what follows from a signed line.
    """

    kind: str
    cause: str
    effective_at_ms: int
    posting_day: str
    who: str
    key: str
    postings: tuple[Posting, ...]
    second: str | None = None
    reason: str | None = None
    corrects: str | None = None

    def __post_init__(self) -> None:
        total = sum(posting.amount_micro for posting in self.postings)
        if not self.postings or total != 0:
            raise Unbalanced(f"{self.kind} {self.cause}: {len(self.postings)} postings sum to {total}, not to 0")
        for posting in self.postings:
            parse_account(posting.account)

    @property
    def id(self) -> str:
        return transaction_id(self.kind, self.cause)


def transaction_id(kind: str, cause: str) -> str:
    """The id that a transaction of this kind and cause has, now and in any rebuild (32 hex digits, RFC 9562 form 8)."""
    raw = bytearray(hashlib.sha256(f"{kind}\n{cause}".encode()).digest()[:16])
    raw[6] = (raw[6] & 0x0F) | 0x80
    raw[8] = (raw[8] & 0x3F) | 0x80
    return raw.hex()


def merged(postings: Iterable[Posting]) -> tuple[Posting, ...]:
    """One posting for each account, in the order of their names, without those that come to nothing."""
    sums: dict[str, Micro] = {}
    for posting in postings:
        sums[posting.account] = sums.get(posting.account, 0) + posting.amount_micro
    return tuple(Posting(account, amount) for account, amount in sorted(sums.items()) if amount)
