"""A meter's clock as words: set from the site's local time, read back, and how far off it is. Pure.

One byte for each name of the profile, in the order of the wire, binary or BCD. A meter tells whole seconds.
"""

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Final

from protocol.meter_profile.values import MeterClock

GOOD_WITHIN_MS: Final = 2_000
"""A clock this near is left alone: a write saves nothing, and some makes count each write against a flash."""
CENTURY: Final = 2000
"""Of clocks that tell no century: no such meter was made before."""


def local_instant(wall_ms: int, utc_offset_s: int) -> datetime:
    """The site's wall clock, rounded to the second; told as if it were UTC, since a meter knows no zone."""
    return datetime.fromtimestamp((wall_ms + 500) // 1_000 + utc_offset_s, UTC)


def clock_words(clock: MeterClock, local: datetime) -> tuple[int, ...]:
    """What is written to set the clock to this local time."""
    parts = {
        "second": local.second, "minute": local.minute, "hour": local.hour, "weekday": local.isoweekday(),
        "day": local.day, "month": local.month, "year": local.year % 100, "century": local.year // 100, "reserved": 0,
    }  # fmt: skip
    told = [_to_bcd(parts[name]) if clock.bcd else parts[name] for name in clock.byte_names]
    return tuple(high << 8 | low for high, low in zip(told[::2], told[1::2], strict=True))


def clock_time(clock: MeterClock, words: Sequence[int]) -> datetime | None:
    """The local time that the words tell; None where they are no time."""
    told = [byte for word in words for byte in (word >> 8, word & 0xFF)]
    try:
        if clock.bcd:
            told = [int(f"{byte:02x}") for byte in told]
        parts = dict(zip(clock.byte_names, told, strict=True))
        century = parts["century"] * 100 if "century" in parts else CENTURY
        return datetime(
            century + parts["year"], parts["month"], parts["day"], parts["hour"], parts["minute"], parts["second"],
            tzinfo=UTC,
        )  # fmt: skip
    except (ValueError, KeyError):
        return None


def off_ms(told: datetime, wall_ms: int, utc_offset_s: int) -> int:
    """How far a meter's clock is ahead of ours; it tells whole seconds, so half of one is added."""
    return int(told.timestamp()) * 1_000 + 500 - wall_ms - utc_offset_s * 1_000


def _to_bcd(number: int) -> int:
    return number // 10 << 4 | number % 10
