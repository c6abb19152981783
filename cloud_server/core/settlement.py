"""A payment provider's daily file matched against a till: matched, ours only, theirs only. Pure.

Both sides name a payment by the provider's own number, which is the idempotency key of its sale here. A reversal or a
refund that was paid is a payment the other way round: its amount is below zero.
"""

import hashlib
import json
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final, Literal

from protocol.units import Micro, Ms


@dataclass(frozen=True, slots=True)
class Payment:
    """One movement of money: the provider's number, micro-units (below zero: paid back), and what it is here."""

    transaction: str
    amount_micro: Micro
    about: str = ""
    """The sale, reversal or refund on our side; empty on theirs."""


@dataclass(frozen=True, slots=True)
class Difference:
    """A payment that both sides have with different amounts."""

    transaction: str
    ours_micro: Micro
    theirs_micro: Micro
    about: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Settlement:
    """What came of matching. The sums are equal where nothing differs."""

    matched: tuple[Payment, ...]
    differing: tuple[Difference, ...]
    ours_only: tuple[Payment, ...]
    theirs_only: tuple[Payment, ...]
    ours_micro: Micro
    theirs_micro: Micro

    @property
    def agrees(self) -> bool:
        """Whether every payment is on both sides with the same amount."""
        return not (self.differing or self.ours_only or self.theirs_only)


SETTLED: Final = "settlement"
"""The audit's word for a file that was matched."""
Found = Literal["matched", "differing", "ours_only", "theirs_only"]


@dataclass(frozen=True, slots=True)
class KeptPayment:
    """One payment as it was found: on which side with how much, and what it is here."""

    found: Found
    transaction: str
    ours_micro: Micro | None
    theirs_micro: Micro | None
    about: str


@dataclass(frozen=True, slots=True, kw_only=True)
class KeptSettlement:
    """A file of a till day as it was matched: by whom, when, what file (its SHA-256), and what came of it."""

    settlement: str
    day: str
    method: str
    operator: str
    matched_at_ms: Ms
    file_sha256: str
    agrees: bool
    matched: int
    differing: int
    ours_only: int
    theirs_only: int
    ours_micro: Micro
    theirs_micro: Micro


def payments_of(found: Settlement) -> list[KeptPayment]:
    """Everything that was found: what differs first, what matched behind it."""
    kept = [
        KeptPayment("differing", one.transaction, one.ours_micro, one.theirs_micro, one.about)
        for one in found.differing
    ]
    kept += [KeptPayment("ours_only", one.transaction, one.amount_micro, None, one.about) for one in found.ours_only]
    kept += [KeptPayment("theirs_only", one.transaction, None, one.amount_micro, "") for one in found.theirs_only]
    kept += [
        KeptPayment("matched", one.transaction, one.amount_micro, one.amount_micro, one.about) for one in found.matched
    ]
    return kept


def payments_digest(payments: Iterable[KeptPayment]) -> str:
    """SHA-256 over all payments of a settlement in their order: it stands in the audit chain."""
    running = hashlib.sha256(b"tallybox settlement 1\n")
    for one in payments:
        row = [one.found, one.transaction, one.ours_micro, one.theirs_micro, one.about]
        running.update(json.dumps(row, ensure_ascii=False).encode() + b"\n")
    return running.hexdigest()


def settlement_detail(kept: KeptSettlement, payments: Iterable[KeptPayment]) -> dict[str, object]:
    """What the audit says of it; `verify` holds the rows against it."""
    return {
        "day": kept.day,
        "method": kept.method,
        "file_sha256": kept.file_sha256,
        "agrees": kept.agrees,
        "matched": kept.matched,
        "differing": kept.differing,
        "ours_only": kept.ours_only,
        "theirs_only": kept.theirs_only,
        "ours_micro": kept.ours_micro,
        "theirs_micro": kept.theirs_micro,
        "payments_sha256": payments_digest(payments),
    }


def match(ours: Iterable[Payment], theirs: Iterable[Payment]) -> Settlement:
    """Match by transaction and direction; a transaction that stands several times is added up."""
    own, other = _added_up(ours), _added_up(theirs)
    matched, differing, ours_only = [], [], []
    for key, payment in own.items():
        said = other.get(key)
        if said is None:
            ours_only.append(payment)
        elif said.amount_micro == payment.amount_micro:
            matched.append(payment)
        else:
            differing.append(Difference(key[0], payment.amount_micro, said.amount_micro, payment.about))
    return Settlement(
        matched=tuple(matched),
        differing=tuple(differing),
        ours_only=tuple(ours_only),
        theirs_only=tuple(payment for key, payment in other.items() if key not in own),
        ours_micro=sum(payment.amount_micro for payment in own.values()),
        theirs_micro=sum(payment.amount_micro for payment in other.values()),
    )


Direction = Literal["in", "out"]


def _added_up(payments: Iterable[Payment]) -> dict[tuple[str, Direction], Payment]:
    found: dict[tuple[str, Direction], Payment] = {}
    for payment in payments:
        key: tuple[str, Direction] = (payment.transaction, "out" if payment.amount_micro < 0 else "in")
        before = found.get(key)
        amount = payment.amount_micro + (before.amount_micro if before is not None else 0)
        found[key] = Payment(payment.transaction, amount, payment.about)
    return found
