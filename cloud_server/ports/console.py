"""What console and API ask of the centre: books to read, a desk that sells, operations; and their errors.

All calls but `LiveFeed.wait` are plain blocking calls and are made from a worker thread.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, Protocol

from cloud_server.core.mistakes import FieldError
from cloud_server.core.roles import Role
from cloud_server.core.territory import WHOLE_SITE, Territory
from cloud_server.core.views import (
    AccountFound,
    CommandRow,
    DayEnergy,
    DayOfSales,
    Monitor,
    PointPage,
    SaleRow,
    SaleSheet,
    SiteView,
)
from protocol.ids import Id
from protocol.units import Ms

# --- time and chance ----------------------------------------------------------------------------------------------


class WallClock(Protocol):
    """The only reader of wall time at the centre."""

    def wall_ms(self) -> Ms:
        """UTC milliseconds since 1970."""
        ...


class Chance(Protocol):
    """Where unguessable bytes come from."""

    def draw(self, count: int) -> bytes:
        """`count` bytes of the operating system's cryptographic chance."""
        ...


# --- the console reads --------------------------------------------------------------------------------------------


class Books(Protocol):
    """The read side: each call answers from one consistent look at the store."""

    def site(self) -> SiteView:
        """Name, zone and currency of the site."""
        ...

    def monitor(self) -> Monitor:
        """Every supply point, every box and bus, now."""
        ...

    def point(self, point: Id, day: str | None = None) -> PointPage | None:
        """One supply point with the happenings of one day (YYYY-MM-DD in the site's zone; today unless given)."""
        ...

    def energy_by_day(self, point: Id, to_day: str, days: int) -> tuple[DayEnergy, ...]:
        """What a point used on each of `days` days up to and with `to_day`, oldest first; empty without a meter."""
        ...

    def find_accounts(self, text: str, limit: int) -> tuple[AccountFound, ...]:
        """Accounts whose shop number or name, customer, phone or meter number holds the text, best first.

        Case does not count; pinyin initials of shop and customer match as well. Closed accounts come last.
        An empty text finds nothing. A text without a match gives an empty tuple.
        """
        ...

    def accounts(self, limit: int) -> tuple[AccountFound, ...]:
        """The first accounts by number, closed ones last."""
        ...

    def sale_sheet(self, account: Id) -> SaleSheet | None:
        """What the desk shows before it takes money."""
        ...

    def sale(self, sale: Id) -> SaleRow | None:
        """One sale and how far it has come."""
        ...

    def sales_of_day(self, day: str | None = None) -> DayOfSales:
        """All sales of one till day, newest first; today's unless given."""
        ...


class LiveFeed(Protocol):
    """Says that something which pages show has changed. One number for the whole site, rising with each change."""

    def number(self) -> int:
        """The number of the newest change."""
        ...

    async def wait(self, after: int, timeout_s: float) -> int:
        """Return the newest number once it is above `after`, or when the time is over."""
        ...

    def look(self) -> None:
        """Somebody looks: for the next ten seconds boxes shall send live values (`live_until`). Cheap; called often."""
        ...

    def is_closed(self) -> bool:
        """Whether the program ends: nobody is held any more, and who streams lets go."""
        ...


# --- the console acts ---------------------------------------------------------------------------------------------


class Refused(Exception):
    """Nothing was done; each mistake is named."""

    def __init__(self, errors: Sequence[FieldError]) -> None:
        super().__init__("; ".join(f"{error.field}: {error.message}" for error in errors))
        self.errors = tuple(errors)


class KeyReused(Exception):
    """The idempotency key was used before with other contents. Nothing was done."""


class LooksLikeDuplicate(Exception):
    """The same account was sold the same amount within two minutes. Nothing was done; ask again with `again`."""

    def __init__(self, earlier: SaleRow) -> None:
        super().__init__(f"looks like sale {earlier.receipt}")
        self.earlier = earlier


@dataclass(frozen=True, slots=True, kw_only=True)
class Actor:
    """Who asks: a person at the console, or a token at the API. `name` is what ledger, audit and grant carry."""

    id: Id
    name: str
    display_name: str
    roles: frozenset[Role] = frozenset()
    territory: Territory = WHOLE_SITE
    """The buildings that they may see and act in."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SaleOrder:
    """One sale to be made. `amount` is as typed ("100.00"); without parts the account's only wallet is meant."""

    key: str
    account: Id
    amount: str
    method: str
    parts: tuple[tuple[Id, str], ...] | None = None
    """Wallet and amount as typed; they add up to `amount`."""
    again: bool = False
    """A person was shown the earlier sale and said yes; the API always sets it."""
    taken: bool = False
    """The payer's money is gone already: where a bound of the site stands against the sale, it is booked all the same
    and stays credit at the centre until a person has seen to it."""


class Desk(Protocol):
    """Takes money. A sale returned has been committed and stands in the journal: its receipt may be shown."""

    def sell(self, order: SaleOrder, by: Actor) -> SaleRow:
        """Sell. The same key with the same contents gives the same sale for ever.

        Raises Refused, KeyReused, LooksLikeDuplicate.
        """
        ...

    def note_print(self, sale: Id, by: Actor) -> int:
        """A receipt is about to be printed: its copy number from 1 on; above 1 it is marked as a reprint."""
        ...


OperationKind = Literal[
    "prepaid", "protected", "forced_off", "in_service", "observe", "lock_out", "lift_lock_out", "release_overload"
]  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class Operation:
    """One remote operation on some meters. `until_ms` ends `protected` or `forced_off` by itself."""

    key: str
    kind: OperationKind
    meters: tuple[Id, ...]
    until_ms: Ms | None = None
    second: Actor | None = None
    """A supervisor who has confirmed an order to more meters than one person decides alone."""
    wait: bool = False
    """Where a second person is wanted and none is named, the order waits for one instead of being refused."""


class Operations(Protocol):
    """Signs commands for meters."""

    def order(self, operation: Operation, by: Actor) -> tuple[CommandRow, ...]:
        """Sign and queue one command a meter; the same key gives the same answer.

        Raises Refused (a meter unknown, not tested, or the step not possible), KeyReused.
        """
        ...
