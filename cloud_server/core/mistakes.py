"""Mistakes in what people and programs send: field, value and what would be right; always all at once. Types only."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from protocol.reason import Reason
from protocol.units import Micro

FieldErrorCode = Literal[
    "required", "not_a_number", "not_above_zero", "too_many_decimals", "too_great", "below_least", "above_greatest",
    "above_balance_limit", "above_day_limit", "unknown", "account_not_in_use", "parts_differ", "several_wallets",
    "wallet_not_of_account", "wallet_quarantined", "too_long", "cash_too_little", "taken", "not_a_time",
    "not_a_price", "box_not_heard", "box_takes_none", "not_a_name", "not_a_text", "not_an_address",
]  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class FieldError:
    """One mistake in what was sent: `field` as in the form or API, the value, and what would be right.

    `code` is from a closed list that the console has words for; `limit_micro` stands where it names a limit.
    """

    field: str
    value: str
    code: FieldErrorCode
    message: str
    """In English, for the API."""
    limit_micro: Micro | None = None
    reason: Reason | None = None
    """The same as `message`, where the code alone does not say what would be right."""


@dataclass(frozen=True, slots=True)
class Mistake:
    """One mistake in a plan or an order of a program: where, what stands there, and what would be right, in English."""

    place: str
    value: str
    message: str
    reason: Reason | None = None
    """The same as `message`, where a console can say it in its reader's language."""


def mistake_at(place: str, value: str, reason: Reason) -> Mistake:
    """A mistake whose reason is one of a list that has its words in every language."""
    return Mistake(place, value, str(reason), reason)


class Mistaken(Exception):
    """What a program sent cannot be taken; nothing was done. `mistakes` names all of them."""

    def __init__(self, mistakes: Sequence[Mistake]) -> None:
        super().__init__("; ".join(f"{m.place} = {m.value!r}: {m.message}" for m in mistakes))
        self.mistakes = tuple(mistakes)


def mistaken(place: str, value: object, message: str) -> Mistaken:
    """The error for a single mistake."""
    return Mistaken([Mistake(place, str(value), message)])


class NotFound(Exception):
    """What was named does not exist; `what` is its kind, `name` what was asked for."""

    def __init__(self, what: str, name: str) -> None:
        super().__init__(f"{what} {name!r} does not exist")
        self.what = what
        self.name = name


ConflictCode = Literal[
    "other", "second_needed", "second_is_maker", "second_not_supervisor", "second_unknown", "second_elsewhere",
    "reversed_before", "till_day_over", "refunded_since", "credit_used", "wallet_differs", "asked_already", "answered",
    "box_takes_none", "not_payable", "no_wallet", "till_open", "till_of_another", "tills_open", "day_closed",
    "day_ahead", "not_the_maker", "account_closed", "plan_changed",
    "account_not_in_use", "not_a_day", "hangs_there", "question_answered", "box_never_served", "no_plan", "moved_on",
]  # fmt: skip


class Conflict(Exception):
    """What was asked is well said, but the books as they stand do not allow it; nothing was done. The text says why.

    `code` is from a closed list that the console has words for; `other` where it is only ever said to programs.
    """

    def __init__(self, text: str, code: ConflictCode = "other") -> None:
        super().__init__(text)
        self.code = code


class NotNow(Exception):
    """The centre's own state stands against it, for example a journal that cannot be written; the text says which."""
