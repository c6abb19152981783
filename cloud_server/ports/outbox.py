"""Rows of messages as flows see them: the outbox with its parts, texts, marks, links to customers' pages, forecasts."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Literal, Protocol

from cloud_server.core.forecast import Use
from cloud_server.core.message_rules import MessageState, PartState
from cloud_server.core.occasions import Happened
from protocol.units import Micro, Ms


@dataclass(frozen=True, slots=True, kw_only=True)
class MessageRow:
    """One message. `way` is "sms" or the name of another way; `address` the number, or the same name."""

    message: str
    cause: str
    occasion: str
    way: str
    address: str
    customer: str | None = None
    account: str | None = None
    meter: str | None = None
    language: str
    title: str = ""
    text: str
    urgent: bool
    reference: int
    """Ties the parts together on the telephone (16 bit)."""
    made_at_ms: Ms
    not_before_ms: Ms
    ends_at_ms: Ms
    state: MessageState = MessageState.QUEUED
    reason: str | None = None
    begun_at_ms: Ms | None = None
    done_at_ms: Ms | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class PartRow:
    """One part of a message as it goes out."""

    message: str
    n: int
    text: str
    state: PartState = PartState.WAITING
    tries: int = 0
    next_at_ms: Ms = 0
    number: int | None = None
    handed_at_ms: Ms | None = None
    sent_at_ms: Ms | None = None
    reported_at_ms: Ms | None = None
    fault: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class LinkRow:
    """A link to one account's page."""

    token_hash: str
    account: str
    generation: int
    made_at_ms: Ms
    revoked_at_ms: Ms | None = None
    revoked_by: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ForecastRow:
    """A forecast as it was made: from which balance, as of when."""

    wallet: str
    made_at_ms: Ms
    balance_micro: Micro
    balance_at_ms: Ms
    zero_at_ms: Ms | None
    week_micro: Micro


@dataclass(frozen=True, slots=True)
class SaleToTell:
    """A sale, and how far its credit has come: the balance after the last part where all parts were applied."""

    sale: str
    account: str
    receipt: str
    amount_micro: Micro
    paid_at_ms: Ms
    before_micro: Micro | None
    before_at_ms: Ms | None
    applied: bool
    applied_at_ms: Ms | None
    after_micro: Micro | None


@dataclass(frozen=True, slots=True, kw_only=True)
class MoneyBack:
    """A refund that was paid out, or a sale that was undone; `cause` makes its message the only one."""

    occasion: Literal["refund", "reversal"]
    cause: str
    account: str
    wallet: str | None
    amount_micro: Micro
    receipt: str
    """Of the sale that was undone; a refund has none."""


class MessageBook(Protocol):
    """All rows that messages need."""

    def known_causes(self, causes: Iterable[str]) -> set[str]: ...

    def add(self, messages: Iterable[MessageRow]) -> int:
        """Add those whose cause is not there yet; how many."""
        ...

    def message(self, message: str) -> MessageRow | None: ...

    def parts(self, message: str) -> list[PartRow]: ...

    def newest(self, states: Iterable[MessageState], limit: int) -> list[MessageRow]:
        """Newest first; all states where none is named."""
        ...

    def counts(self) -> dict[str, int]:
        """How many messages are in each state."""
        ...

    def due(self, now_ms: Ms, limit: int) -> list[MessageRow]:
        """Messages that have not ended and whose time has come: urgent ones first, then the oldest."""
        ...

    def put_message(self, message: MessageRow) -> None: ...

    def put_parts(self, parts: Iterable[PartRow]) -> None: ...

    def parts_in(self, state: PartState) -> list[tuple[PartRow, MessageRow]]:
        """Parts of short messages in one state, the oldest handed over first."""
        ...

    def sent_today(self, since_ms: Ms, customer: str | None) -> tuple[int, int]:
        """Messages to that customer and parts of the whole site that were begun since."""
        ...

    def last_switch_told(self, meter: str) -> str | None:
        """The occasion of the newest message on this meter's relay."""
        ...

    def mark(self, name: str) -> str | None: ...

    def marks(self, beginning: str) -> dict[str, str]: ...

    def put_mark(self, name: str, value: str) -> None: ...

    def put_marks(self, marks: Mapping[str, str]) -> None: ...

    def templates(self) -> dict[tuple[str, str], str]:
        """By occasion and language: those that the site has changed."""
        ...

    def put_template(self, occasion: str, language: str, text: str | None, at_ms: Ms, who: str) -> None:
        """None: take the site's own away."""
        ...

    def boxes_beyond(self, beginning: str, after: str, limit: int) -> list[tuple[str, int, int, str | None]]:
        """Boxes in service, by name behind `after`, whose posted records are not where the mark of that beginning and
        their name says: epoch and number of those, and the mark."""
        ...

    def events_after(self, box: str, epoch: int, seq: int, limit: int) -> tuple[list[Happened], tuple[int, int] | None]:
        """Alarm and relay records of batches behind (epoch, seq), in order, by whole batches; up to where, None where
        that is all."""
        ...

    def sales_to_tell(self, from_ms: Ms) -> list[SaleToTell]: ...

    def money_back(self, from_ms: Ms, to_ms: Ms) -> list[MoneyBack]:
        """Refunds that were paid and sales that were undone from an instant on and before another."""
        ...

    def last_sales(self, accounts: Iterable[str]) -> dict[str, str]:
        """The newest sale of each of some accounts."""
        ...

    def uses(self, meter: str, from_ms: Ms) -> list[Use]: ...

    def link(self, token_hash: str) -> LinkRow | None: ...

    def links_of(self, account: str) -> list[LinkRow]: ...

    def add_link(self, link: LinkRow) -> None: ...

    def revoke_links(self, account: str, at_ms: Ms, who: str) -> int: ...

    def forecasts(
        self, wallets: Iterable[str] | None = None, ends: tuple[Ms, Ms] | None = None
    ) -> Mapping[str, ForecastRow]:
        """Of some wallets, or of all; only those that end behind the first and not behind the second of two times,
        where such are named."""
        ...

    def put_forecasts(self, rows: Iterable[ForecastRow]) -> None: ...
