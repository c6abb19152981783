"""What alarm centre, remote operation and reports ask of the centre; and their rows of the store.

All calls are plain blocking calls and are made from a worker thread.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from cloud_server.core.alarm_views import AlarmFilter, AlarmNews, AlarmPage
from cloud_server.core.operation_views import Batch, BatchHead
from cloud_server.core.point_meters import Swap
from cloud_server.core.report_table import Report, ReportQuery
from cloud_server.ports.console import Actor
from protocol.ids import Id
from protocol.units import Micro, Ms, Wh


class AlarmDesk(Protocol):
    """Alarms as people see to them."""

    def page(self, chosen: AlarmFilter) -> AlarmPage:
        """Alarms that fit, newest first, and how many of each kind stand."""
        ...

    def news(self) -> AlarmNews:
        """What stands and was not acknowledged. Cheap; asked by every open page every few seconds."""
        ...

    def acknowledge(self, alarms: Sequence[Id], note: str, by: Actor) -> int:
        """Note for each that somebody has seen to it; how many there were. With an audit row."""
        ...

    def settle(self, alarms: Sequence[Id], note: str, by: Actor) -> int:
        """End those of them that nothing ends by itself, with a note and an audit row; how many there were."""
        ...


class OperationBook(Protocol):
    """Orders to many meters, as they were given together."""

    def batch(self, key: str) -> Batch | None:
        """One order and how far each of its meters has come."""
        ...

    def recent(self, limit: int) -> tuple[BatchHead, ...]:
        """The newest orders to many."""
        ...


class Reports(Protocol):
    """Everything that is printed and exported."""

    def report(self, query: ReportQuery) -> Report | None:
        """Make it as of now; None where what it is about is not there."""
        ...

    def operators(self) -> tuple[str, ...]:
        """Names of everybody who has sold."""
        ...


# --- rows ---------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class AlarmRowFact:
    """One alarm as stored."""

    alarm_id: str
    kind: str
    box: str
    bus: str | None
    device: str | None
    meter: str | None
    wallet: str | None
    value: int | None
    raised_at_ms: Ms
    cleared_at_ms: Ms | None
    cleared_by: str | None
    times: int


@dataclass(frozen=True, slots=True)
class EventFact:
    """One record of a box, still as JSON."""

    box: str
    kind: str
    at_ms: Ms
    meter: str | None
    body: str


class AlarmBookRows(Protocol):
    """Alarms with their notes, and the records of boxes by kind and time."""

    def alarms(self, chosen: AlarmFilter, boxes: Sequence[str] | None, limit: int) -> list[AlarmRowFact]: ...

    def notes(self, alarms: Iterable[str]) -> list[tuple[str, Ms, str, str]]: ...

    def add_notes(self, alarms: Iterable[str], at_ms: Ms, who: str, note: str) -> int: ...

    def events(self, kinds: Sequence[str], from_ms: Ms, to_ms: Ms, limit: int) -> list[EventFact]: ...


Trial = list[tuple[str, Micro, Micro]]
"""Of a trial balance each account, what was taken from it and what came into it."""
BatchPlace = tuple[str, int, int]
"""Box, epoch and number of a batch."""


class ReportRows(Protocol):
    """Sums and lists for reports, each in one statement."""

    def till_sums(self, from_day: str, to_day: str) -> list[tuple[str, str, str, int, int]]: ...

    def trial(self, to_day: str) -> Trial: ...

    def stretch(self, from_day: str, to_day: str) -> tuple[Trial, Trial, list[tuple[str, str, Micro]]]: ...

    def balance_before(self, accounts: Sequence[str], day: str) -> int: ...

    def account_postings(
        self, accounts: Sequence[str], from_day: str, to_day: str
    ) -> list[tuple[str, str, str, str, Ms, str, int]]: ...

    def receipts_of(self, account: str) -> dict[str, str]: ...

    def last_sales(self) -> dict[str, Ms]: ...

    def tills(self) -> list[str]: ...

    def charged_intervals(self, box: str, epoch: int, seqs: tuple[int, int], wallets: Sequence[str]) -> list[Any]: ...

    def uses_of(self, wallets: Sequence[str], meters: Sequence[str], from_ms: Ms) -> list[tuple[Ms, Wh]]:
        """Beginning and energy of the intervals of these meters that were charged to these wallets."""
        ...

    def batch_lines(self, box: str, epoch: int, seqs: tuple[int, int]) -> Iterator[tuple[int, str, bytes]]:
        """Number, hash and bytes of a stretch of one box's batches, in order."""
        ...

    def interval_before(self, meter: str, from_ms: Ms) -> tuple[str, int, int] | None:
        """Box, epoch and number of the batch with the last interval of a meter that began before an instant."""
        ...

    def intervals_begun(self, meters: Iterable[str], from_ms: Ms, before_ms: Ms) -> list[dict[str, Any]]:
        """Intervals of some meters that began within a stretch, newest first."""
        ...

    def begun_before(self, meters: Iterable[str], before_ms: Ms) -> set[str]:
        """Those of some meters that have an interval which began before an instant."""
        ...

    def intervals_before(self, meter: str, before_ms: Ms, limit: int) -> list[dict[str, Any]]:
        """A meter's intervals that began before an instant, newest first."""
        ...

    def add_booking_days(self, days: dict[BatchPlace, str], batches: Iterable[BatchPlace]) -> None:
        """Add the posting day of each batch that an entry was made of."""
        ...

    def posted_at(self, batches: Iterable[BatchPlace]) -> dict[BatchPlace, Ms | None]:
        """When each batch was posted; None where it waits."""
        ...

    def config_before(self, box: str, epoch: int, seq: int) -> int | None:
        """The configuration that a box had taken up before a batch of an epoch; None: that of the epoch itself."""
        ...

    def fees(self, box: str, epoch: int, seqs: tuple[int, int], wallets: Sequence[str]) -> list[tuple[int, str]]: ...

    def swaps(self) -> list[Swap]: ...

    def register_ends(self, meter: str, from_ms: Ms, to_ms: Ms) -> tuple[Ms, Wh, Ms, Wh] | None:
        """Instant and raw register where a meter's intervals of a stretch begin, and where they end."""
        ...

    def parked_boxes(self) -> dict[str, Ms]: ...

    def newest_modes(self, meters: Sequence[str]) -> dict[tuple[str, str], tuple[str, Ms]]: ...

    def answers_with_prefix(self, prefix: str, limit: int) -> list[tuple[str, str, Ms]]: ...

    def commands_at(self, places: Sequence[tuple[str, int]]) -> list[dict[str, Any]]: ...

    def audit(self, text: str, who: str, stretch: tuple[Ms, Ms], limit: int) -> list[dict[str, Any]]: ...

    def plan_boxes(self) -> list[tuple[str, str, Ms | None, Ms | None, str]]: ...
