"""A payment provider's daily file matched against a till: matched, ours only, theirs only. Pure.

Both sides name a payment by the provider's own number, which is the idempotency key of its sale here. A reversal or a
refund that was paid is a payment the other way round: its amount is below zero.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal

from protocol.units import Micro


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
