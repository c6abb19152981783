"""A centre that was set back, box by box: what is awaited, what is asked of people. Types and rules."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final, Literal

from cloud_server.core import posting_rules
from cloud_server.core.transaction import Posting
from protocol.units import Micro, Ms

QuestionKind = Literal["receipt", "receipt_twice", "refund_paid", "money_line", "reversal", "closing", "history"]
"""`receipt`: a number was given out and no line tells of its sale; `receipt_twice`: two sales got one number;
`refund_paid`: was it paid out, or not; `history`: batches are on no machine any more, the balances behind them are
proven and not what they are made of; the others: a step of which nothing but its line is known, to be done again."""

PartState = Literal["expected", "heard", "reissued"]
HEARD: Final = "heard"


@dataclass(frozen=True, slots=True, kw_only=True)
class BoxRecovery:
    """One stretch in which a box knew, or may have known, more than this centre."""

    box: str
    term: int
    began_at_ms: Ms
    why: str
    commands_taken: int
    batches_taken: int
    ended_at_ms: Ms | None = None
    opened_by: str | None = None
    opened_second: str | None = None
    opened_at_ms: Ms | None = None


def is_selling_closed(recovery: BoxRecovery, seen_at_ms: Ms | None) -> bool:
    """Whether nothing is sold to its box: the centre was restored, the box was silent since, and nobody opened it."""
    is_silent = seen_at_ms is None or seen_at_ms < recovery.began_at_ms
    return recovery.why == "restored" and recovery.opened_at_ms is None and is_silent


@dataclass(frozen=True, slots=True, kw_only=True)
class ExpectedPart:
    """A share of a sale, told of by another box, whose own grant was not heard of: in flight until its box is heard."""

    sale: str
    wallet: str
    box: str
    account: str
    amount_micro: Micro
    made_at_ms: Ms
    state: PartState = "expected"
    ended_at_ms: Ms | None = None

    @property
    def cause(self) -> str:
        return f"part/{self.sale}/{self.wallet}"

    def postings(self) -> tuple[Posting, ...]:
        """Told of: customer -> in_flight."""
        return posting_rules.grant_signed(self.account, self.wallet, self.amount_micro)

    def ended(self) -> tuple[Posting, ...]:
        """Its own grant was heard of, or is to be signed anew: in_flight -> customer, where that begins."""
        return posting_rules.grant_refused(self.account, self.wallet, self.amount_micro)


@dataclass(frozen=True, slots=True, kw_only=True)
class Question:
    """What no signed line can prove and only people know."""

    question: str
    kind: QuestionKind
    subject: str
    box: str | None
    detail: str
    asked_at_ms: Ms
    answer: str | None = None
    note: str | None = None
    answered_at_ms: Ms | None = None
    answered_by: str | None = None


def missing_receipts(receipts: Iterable[str], series: str, last: int) -> list[str]:
    """The numbers of a series up to `last` of which no sale is known: S1-20261122-thpkzs-0042."""
    known = {receipt for receipt in receipts if receipt.rpartition("-")[0] == series}
    numbers = (f"{series}-{number:04d}" for number in range(1, last + 1))
    return [receipt for receipt in numbers if receipt not in known]
