"""When a wallet will have reached its trip level: use by hour of the week, charged at the tariff in force. Pure.

Whole numbers all the way: energy in thousandths of a watt-hour, money in millionths of a micro-unit.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final
from zoneinfo import ZoneInfo

from protocol.tariff import Stretch, TariffBook
from protocol.units import Micro, Ms, Wh

HOUR_MS: Final = 3_600_000
DAY_MS: Final = 24 * HOUR_MS
WEEK_MS: Final = 7 * DAY_MS
WEEK_HOURS: Final = 168
LOOKED_BACK_WEEKS: Final = 4
"""A month: long enough to average one odd Tuesday away, short enough to follow the season."""
WEEK_WEIGHTS: Final = (8, 4, 2, 1)
"""How much each week counts, the newest first: a shop that has changed is followed within a week or two."""
LEAST_KNOWN_MS: Final = DAY_MS
"""Less than a day of use says nothing about tomorrow."""
HORIZON_MS: Final = 60 * DAY_MS
"""Beyond two months the answer is "long"; the walk ends there."""
_PICO: Final = 1_000_000
"""Watt-hours in thousandths × micro-units per kWh are millionths of a micro-unit."""


@dataclass(frozen=True, slots=True)
class Use:
    """Energy of a stretch of time, as an interval of a meter tells it."""

    from_ms: Ms
    to_ms: Ms
    energy_wh: Wh


@dataclass(frozen=True, slots=True)
class Profile:
    """Energy of an hour, in thousandths of a watt-hour, for each hour of the site's week; Monday 0:00 is the first."""

    hours_mwh: tuple[int, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class MeterUse:
    """One meter that draws on the wallet. `month_wh` is its energy of the calendar month so far, for step prices."""

    tariff: str
    profile: Profile
    month_wh: Wh = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Forecast:
    """What is to be expected. `zero_at_ms` None: not within the two months that are looked at."""

    zero_at_ms: Ms | None
    week_micro: Micro
    """What the next seven days will cost."""


def profile_of(uses: Iterable[Use], zone: ZoneInfo, now_ms: Ms) -> Profile | None:
    """Average each hour of the week over the last weeks; None where less than a day is known.

    An hour that was never seen takes the mean of its hour of the day, or of all that was seen.
    """
    energy, known = [0] * WEEK_HOURS, [0] * WEEK_HOURS
    seen_ms = 0
    for use in uses:
        for begin, end, share in _by_hours(use):
            weeks_ago = (now_ms - end) // WEEK_MS
            if not 0 <= weeks_ago < LOOKED_BACK_WEEKS:
                continue
            hour = _hour_of_week(begin, zone)
            energy[hour] += share * WEEK_WEIGHTS[weeks_ago]
            known[hour] += (end - begin) * WEEK_WEIGHTS[weeks_ago]
            seen_ms += end - begin
    if seen_ms < LEAST_KNOWN_MS:
        return None
    return Profile(tuple(_rate(energy, known, hour) for hour in range(WEEK_HOURS)))


def _by_hours(use: Use) -> Iterator[tuple[Ms, Ms, int]]:
    """The stretch in pieces of one hour each, its energy (in thousandths) shared by time without losing any."""
    length, begin, given = use.to_ms - use.from_ms, use.from_ms, 0
    while begin < use.to_ms:
        end = min((begin // HOUR_MS + 1) * HOUR_MS, use.to_ms)
        upto = use.energy_wh * 1000 * (end - use.from_ms) // length
        yield begin, end, upto - given
        begin, given = end, upto


def _rate(energy: Sequence[int], known: Sequence[int], hour: int) -> int:
    if known[hour]:
        return energy[hour] * HOUR_MS // known[hour]
    same = range(hour % 24, WEEK_HOURS, 24)
    seen = sum(known[other] for other in same)
    if seen:
        return sum(energy[other] for other in same) * HOUR_MS // seen
    return sum(energy) * HOUR_MS // sum(known)


def _hour_of_week(at_ms: Ms, zone: ZoneInfo) -> int:
    local = datetime.fromtimestamp(at_ms // 1000, zone)
    return local.weekday() * 24 + local.hour


def forecast(
    meters: Sequence[MeterUse], book: TariffBook, zone: ZoneInfo, *,
    left_micro: Micro, now_ms: Ms, day_fees_micro: Micro = 0,
) -> Forecast:  # fmt: skip
    """Walk hour by hour until `left_micro` (balance above the trip level) is used up. Below 0: it is used up now."""
    walks = [_Walk(meter, book) for meter in meters]
    left = left_micro * _PICO
    zero_at_ms = now_ms if left <= 0 else None
    spent, week, at_ms, day = 0, 0, now_ms, book.local_day(now_ms)
    while at_ms < now_ms + HORIZON_MS and (zero_at_ms is None or at_ms < now_ms + WEEK_MS):
        end_ms = (at_ms // HOUR_MS + 1) * HOUR_MS
        local = datetime.fromtimestamp(at_ms // 1000, zone)
        cost = sum(walk.cost(at_ms, end_ms, local) for walk in walks)
        if local.date() != day:
            day = local.date()
            spent += day_fees_micro * _PICO
            if zero_at_ms is None and spent >= left:
                zero_at_ms = at_ms
        if zero_at_ms is None and spent + cost >= left:
            zero_at_ms = at_ms + (left - spent) * (end_ms - at_ms) // cost
        spent += cost
        at_ms = end_ms
        if at_ms - now_ms <= WEEK_MS:
            week = spent
    return Forecast(zero_at_ms=zero_at_ms, week_micro=week // _PICO)


class _Walk:
    """One meter's cost, hour after hour."""

    def __init__(self, meter: MeterUse, book: TariffBook) -> None:
        self._meter = meter
        self._book = book
        self._month_mwh = meter.month_wh * 1000
        self._month = 0
        self._here: Stretch | None = None

    def cost(self, from_ms: Ms, to_ms: Ms, local: datetime) -> int:
        """What the hour costs, in millionths of a micro-unit."""
        if self._month and local.month != self._month:
            self._month_mwh = 0
        self._month = local.month
        rate = self._meter.profile.hours_mwh[local.weekday() * 24 + local.hour]
        total, at_ms = 0, from_ms
        while at_ms < to_ms:
            if self._here is None or at_ms >= self._here.to_ms:
                self._here = self._book.at(self._meter.tariff, at_ms)
            end_ms = min(self._here.to_ms, to_ms)
            energy = rate * (end_ms - at_ms) // HOUR_MS
            total += energy * (self._here.price_micro + self._step_micro(self._here))
            self._month_mwh += energy
            at_ms = end_ms
        return total

    def _step_micro(self, here: Stretch) -> Micro:
        steps = self._book.tariffs[self._meter.tariff, here.version].steps
        reached = [step.add_micro for step in steps if step.from_wh * 1000 <= self._month_mwh]
        return reached[-1] if reached else 0
