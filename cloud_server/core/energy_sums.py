"""Energy and charges added up by the days and months of the site, from the parts of intervals. Pure.

One way of adding for what the ingest keeps, for what is built anew from stored rows, and for the check of the two.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime
from functools import lru_cache
from operator import add
from typing import NamedTuple, Protocol
from zoneinfo import ZoneInfo

from protocol.records import Interval, Record
from protocol.units import Micro, Ms, Wh

HOURS = 24
INSTANTS_KEPT_MAX = 65_536
"""Beginnings of parts whose day and hour are remembered: three years of half hours, about 12 MB."""


class UsedPart(Protocol):
    """Of a part of an interval, what a sum needs."""

    @property
    def from_ms(self) -> Ms: ...

    @property
    def rate(self) -> str: ...

    @property
    def energy_wh(self) -> Wh: ...

    @property
    def charge_micro(self) -> Micro: ...


class EnergyKey(NamedTuple):
    """What is added up together. `vacant`: charged to nobody."""

    meter: str
    period: str
    """A day of the site's zone, 2026-11-22, or a month, 2026-11."""
    rate: str
    vacant: bool


@dataclass(slots=True)
class EnergySum:
    """What it comes to."""

    energy_wh: Wh = 0
    charge_micro: Micro = 0
    last_used_ms: Ms = 0
    """When the newest part with energy in it began; 0 where there is none."""
    hours_wh: list[Wh] = field(default_factory=lambda: [0] * HOURS)
    """The energy by the hour of the day, of the site's zone, in which its part began."""

    def add(self, other: "EnergySum") -> None:
        """Add another sum to this one."""
        self.energy_wh += other.energy_wh
        self.charge_micro += other.charge_micro
        self.last_used_ms = max(self.last_used_ms, other.last_used_ms)
        self.hours_wh = list(map(add, self.hours_wh, other.hours_wh))


EnergySums = dict[EnergyKey, EnergySum]


def add_parts(days: EnergySums, zone: ZoneInfo, meter: str, parts: Iterable[UsedPart], *, vacant: bool) -> None:
    """Add the parts of one interval to sums by day. A part counts on the day and in the hour in which it began."""
    for part in parts:
        day, hour = _day_and_hour(zone, part.from_ms)
        key = EnergyKey(meter, day, part.rate, vacant)
        found = days.get(key)
        if found is None:
            found = days[key] = EnergySum()
        found.energy_wh += part.energy_wh
        found.charge_micro += part.charge_micro
        found.hours_wh[hour] += part.energy_wh
        if part.energy_wh and part.from_ms > found.last_used_ms:
            found.last_used_ms = part.from_ms


def energy_of(records: Iterable[Record], zone: ZoneInfo) -> EnergySums:
    """What the intervals among the records of a batch come to by day."""
    days: EnergySums = {}
    for record in records:
        if isinstance(record, Interval):
            add_parts(days, zone, record.meter, record.parts, vacant=record.wallet is None)
    return days


def by_month(days: EnergySums) -> EnergySums:
    """The same sums by month."""
    months: EnergySums = {}
    for key, found in days.items():
        months.setdefault(key._replace(period=key.period[:7]), EnergySum()).add(found)
    return months


@lru_cache(INSTANTS_KEPT_MAX)
def _day_and_hour(zone: ZoneInfo, at_ms: Ms) -> tuple[str, int]:
    local = datetime.fromtimestamp(at_ms // 1000, zone)
    return local.date().isoformat(), local.hour
