"""Tills and posting days: what is counted, what is handed over, which day is booked on, what seals a day. Pure."""

import hashlib
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Final

from cloud_server.core import accounts
from cloud_server.core.mistakes import Conflict, FieldError
from cloud_server.core.transaction import Posting
from protocol.units import BadAmount, Micro, Ms, amount_from_text

CLOSES_AFTER_MS: Final = 4 * 3_600_000
"""A day is closed by itself four hours after its midnight: late shops have counted, and nobody counts at night."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TillShift:
    """One shift at one till, from its opening (None: nobody opened it) to its count; open while `closed_at_ms` is None.

    `expected` and `counted` are by method; `difference_micro` is counted less expected.
    """

    shift: str
    operator: str
    opened_at_ms: Ms | None
    float_micro: Micro
    key: str
    closed_at_ms: Ms | None = None
    closed_day: str | None = None
    closed_by: str | None = None
    second: str | None = None
    note: str | None = None
    expected: Mapping[str, Micro] | None = None
    counted: Mapping[str, Micro] | None = None

    @property
    def difference_micro(self) -> Micro:
        """What was counted above what the books expect; below 0 it is missing."""
        return sum((self.counted or {}).values()) - sum((self.expected or {}).values())


@dataclass(frozen=True, slots=True, kw_only=True)
class ClosedDay:
    """A posting day that is closed: nothing is booked under it any more. Closing one closes all before it."""

    day: str
    closed_at_ms: Ms
    who: str
    key: str
    receipts: int
    open_tills: tuple[str, ...]
    """Operators whose till was open then; their shift goes on in the next day."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SealedDay:
    """What a closed day holds, as it stands in the audit chain: entries, the digest over them, and what was found."""

    day: str
    entries: int
    digest: str
    breaches: int
    audit_number: int
    sealed_at_ms: Ms


def posting_day(today: str, last_closed: str | None) -> str:
    """The day to book under: today, or the day after the last closed one where that is later."""
    if last_closed is None or today > last_closed:
        return today
    return (date.fromisoformat(last_closed) + timedelta(days=1)).isoformat()


def close_fault(day: str, today: str, last_closed: str | None) -> Conflict | None:
    """Why a day cannot be closed, or None."""
    try:
        date.fromisoformat(day)
    except ValueError:
        return Conflict(f"{day[:20]!r} is no day such as 2026-11-22", "not_a_day")
    if last_closed is not None and day <= last_closed:
        return Conflict(f"{day} is closed; the last closed day is {last_closed}", "day_closed")
    if day > today:
        return Conflict(f"{day} has not begun; today is {today}", "day_ahead")
    return None


def read_counted(method: str, text: str) -> Micro | FieldError:
    """An amount that was counted, 0 included."""
    if text.strip() and not text.strip().replace(".", "", 1).strip("0"):
        return 0
    try:
        return amount_from_text(text)
    except BadAmount as fault:
        field = f"counted[{method}]"
        return FieldError(field=field, value=text[:40], code="not_a_number", message=str(fault)[:120])


def till_opened(operator: str, float_micro: Micro) -> tuple[Posting, ...]:
    """A float of cash from the bank: bank -> till."""
    till = accounts.till(operator, "cash")
    return (Posting(accounts.BANK, float_micro), Posting(till, -float_micro)) if float_micro else ()


def till_closed(operator: str, expected: Mapping[str, Micro], counted: Mapping[str, Micro]) -> tuple[Posting, ...]:
    """What was counted goes to the bank, the till is empty, and what differs is till_difference."""
    found = [
        posting
        for method, micro in sorted(expected.items())
        for posting in (
            Posting(accounts.till(operator, method), micro),
            Posting(accounts.BANK, -counted[method]),
            Posting(accounts.TILL_DIFFERENCE, counted[method] - micro),
        )
    ]
    return tuple(posting for posting in found if posting.amount_micro)


@dataclass(frozen=True, slots=True)
class DayEntry:
    """One entry of a posting day, for its digest."""

    id: str
    kind: str
    cause: str
    postings: tuple[tuple[str, Micro], ...]


def day_digest(entries: Iterable[DayEntry]) -> tuple[int, str]:
    """How many entries a day has, and SHA-256 over all of them in the order of their ids."""
    running, count = hashlib.sha256(b"tallybox day 1\n"), 0
    for entry in entries:
        count += 1
        text = json.dumps([entry.id, entry.kind, entry.cause, entry.postings], ensure_ascii=False)
        running.update(text.encode() + b"\n")
    return count, running.hexdigest()
