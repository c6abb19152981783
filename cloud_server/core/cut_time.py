"""The earliest instant at which a supply may be cut for arrears, by the rules that boxes keep. Pure.

A bound for people, not an order: boxes decide by their own readings.
"""

from collections.abc import Collection, Sequence
from datetime import datetime, timedelta
from typing import Final
from zoneinfo import ZoneInfo

from protocol.box_config import FriendlyHours
from protocol.units import Ms

STEPS_MAX: Final = 64
"""Windows that follow on each other, such as a week of holidays: more than two months are not looked through."""


def earliest_cut_ms(
    zero_at_ms: Ms, *, alarm2_at_ms: Ms | None, notice_s: int, zone: ZoneInfo,
    windows: Sequence[FriendlyHours], holidays: Collection[str],
) -> Ms:  # fmt: skip
    """Not before the trip level is reached, the notice since alarm 2 is over, and friendly hours have ended."""
    at_ms = zero_at_ms
    if notice_s:
        at_ms = max(at_ms, (alarm2_at_ms if alarm2_at_ms is not None else zero_at_ms) + notice_s * 1000)
    for _ in range(STEPS_MAX):
        end_ms = _held_until_ms(at_ms, zone, windows, holidays)
        if end_ms is None:
            break
        at_ms = end_ms
    return at_ms


def _held_until_ms(at_ms: Ms, zone: ZoneInfo, windows: Sequence[FriendlyHours], holidays: Collection[str]) -> Ms | None:
    local = datetime.fromtimestamp(at_ms // 1000, zone)
    if local.date().isoformat() in holidays:
        return _at(local, zone, 1, 0)
    minute = local.hour * 60 + local.minute
    for window in windows:
        begin, end = window.from_minute, window.to_minute
        if begin < end:
            if local.isoweekday() in window.weekdays and begin <= minute < end:
                return _at(local, zone, 0, end)
        elif local.isoweekday() in window.weekdays and minute >= begin:
            return _at(local, zone, 1, end)
        elif (local - timedelta(days=1)).isoweekday() in window.weekdays and minute < end:
            return _at(local, zone, 0, end)
    return None


def _at(local: datetime, zone: ZoneInfo, days: int, minute: int) -> Ms:
    day = local.date() + timedelta(days=days)
    return int(datetime(day.year, day.month, day.day, minute // 60, minute % 60, tzinfo=zone).timestamp()) * 1000
