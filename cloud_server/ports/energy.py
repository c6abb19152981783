"""Energy added up by day and month, as flows ask the store for it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import NamedTuple, Protocol
from zoneinfo import ZoneInfo

from cloud_server.core.energy_sums import EnergySums
from cloud_server.core.report_table import Step
from protocol.units import Micro, Ms, Wh


class Span(NamedTuple):
    """Days from first to last, or whole months."""

    first: str
    last: str
    by_month: bool


UsedEnergy = tuple[str, str, str, Wh, Micro]
"""Period (as long as the report's step asks for), meter, rate, energy and charge: a plain row, for there are sixty
thousand in a week of two thousand meters."""


class VacantEnergy(NamedTuple):
    """Energy of one meter that was charged to nobody; `last_used_ms` is 0 where there was none."""

    period: str
    meter: str
    energy_wh: Wh
    last_used_ms: Ms


class EnergyBook(Protocol):
    """Sums that the ingest keeps in the transaction of the intervals that they are of."""

    def add(self, days: EnergySums) -> None: ...

    def rebuild(self, zone: ZoneInfo) -> int:
        """Build all of them anew from the intervals; how many intervals."""
        ...

    def used(self, spans: tuple[Span, ...], step: Step) -> Iterator[UsedEnergy]:
        """By period, meter and rate; in one piece or in several, which belong together."""
        ...

    def charged(self, spans: tuple[Span, ...]) -> Micro:
        """What all meters were charged in these days."""
        ...

    def of_periods(self, spans: tuple[Span, ...], step: Step) -> Iterator[tuple[str, str, Wh]]:
        """Energy by period and meter; in one piece or in several."""
        ...

    def anything_within(self, from_day: str, to_day: str) -> bool:
        """Whether a sum of one of these days is kept."""
        ...

    def of_meters(self, spans: tuple[Span, ...]) -> Iterator[tuple[str, Wh]]:
        """In all, by meter; a meter comes once for each span."""
        ...

    def of_some(self, spans: tuple[Span, ...], meters: Sequence[str], *, vacant: bool) -> dict[str, tuple[Wh, Micro]]:
        """Energy and charge in all of some meters; `vacant`: of what was charged to nobody alone."""
        ...

    def vacant(self, spans: tuple[Span, ...], step: Step) -> Iterator[VacantEnergy]: ...

    def hours(self, spans: tuple[Span, ...]) -> Iterator[tuple[str, list[Wh]]]:
        """By meter and hour of the day; a meter comes once for each span."""
        ...

    def days_of(self, meter: str, from_day: str, to_day: str) -> dict[str, tuple[Wh, Micro]]: ...
