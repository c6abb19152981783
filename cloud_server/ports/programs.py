"""What other programs ask for, page by page; and the rows of the store that answer."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from cloud_server.core.api_token import ApiToken
from cloud_server.core.fleet import CommandFact, SaleFact
from cloud_server.core.money_requests import Refund
from cloud_server.core.settlement import KeptPayment, KeptSettlement
from cloud_server.ports.office import AlarmRowFact
from protocol.units import Ms


@dataclass(frozen=True, slots=True, kw_only=True)
class SalesWanted:
    """Which sales; None: whatever it is. Instants count by when the money was taken."""

    account: str | None = None
    operator: str | None = None
    method: str | None = None
    day: str | None = None
    key: str | None = None
    from_ms: Ms | None = None
    to_ms: Ms | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class AlarmsWanted:
    """Which alarms; `standing` None: those that stand and those that are over."""

    standing: bool | None = None
    kind: str | None = None
    box: str | None = None
    meter: str | None = None
    from_ms: Ms | None = None
    to_ms: Ms | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Within:
    """What somebody may see who is limited to buildings: rows of lists are held to these by the store, so that every
    page is full."""

    accounts: Sequence[str]
    wallets: Sequence[str]
    meters: Sequence[str]
    boxes: Sequence[str]
    """Those that hang in the buildings themselves: what is of a whole box is seen of these alone."""


@dataclass(frozen=True, slots=True, kw_only=True)
class IntervalsWanted:
    """Which intervals: those that begin in a stretch of time, of some meters or, with None, of all."""

    from_ms: Ms
    to_ms: Ms
    meters: tuple[str, ...] | None = None


class ProgramBook(Protocol):
    """Pages of lists; `after` is the key of the last row before."""

    def sales(self, wanted: SalesWanted, after: Sequence[str | int] | None, limit: int) -> list[SaleFact]: ...

    def sales_of_till_day(self, operator: str, method: str, day: str) -> list[SaleFact]: ...

    def refunds(
        self,
        account: str | None,
        after: Sequence[str | int] | None,
        limit: int,
        *,
        unsettled: bool,
        within: Within | None = None,
    ) -> list[Refund]: ...

    def refund_of_reclaim(self, reclaim: str) -> Refund | None: ...

    def refunds_paid_on(self, operator: str, method: str, from_ms: Ms, to_ms: Ms) -> list[Refund]: ...

    def commands(
        self,
        box: str | None,
        subject: str | None,
        after: Sequence[str | int] | None,
        limit: int,
        within: Within | None = None,
    ) -> list[CommandFact]: ...

    def alarms(
        self, wanted: AlarmsWanted, after: Sequence[str | int] | None, limit: int, within: Within | None = None
    ) -> list[AlarmRowFact]: ...

    def intervals(
        self, wanted: IntervalsWanted, after: Sequence[str | int] | None, limit: int
    ) -> list[dict[str, Any]]: ...

    def waiting_batches(self) -> dict[str, int]: ...

    def sold(self) -> dict[str, tuple[int, int]]: ...


class Tokens(Protocol):
    """API tokens."""

    def add_token(self, token: ApiToken) -> None: ...

    def token_by_hash(self, token_hash: str) -> ApiToken | None: ...

    def tokens(self) -> list[ApiToken]: ...

    def revoke_token(self, token: str, at_ms: int) -> bool: ...


class SettlementBook(Protocol):
    """Payment providers' files as they were matched; never changed."""

    def add(self, kept: KeptSettlement, payments: Sequence[KeptPayment]) -> None: ...

    def settlement(self, settlement: str) -> KeptSettlement | None: ...

    def settlements(
        self, after: Sequence[str | int] | None, limit: int, *, day: str | None, operator: str | None
    ) -> list[KeptSettlement]:
        """Newest first, by id."""
        ...

    def payments(
        self, settlement: str, after: Sequence[str | int] | None, limit: int, *, differing_only: bool
    ) -> list[tuple[int, KeptPayment]]:
        """Each with its number, in order."""
        ...
