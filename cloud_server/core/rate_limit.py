"""How often somebody may ask: a bucket that fills steadily and is emptied by requests. Pure; integers only."""

from dataclasses import dataclass

from protocol.units import Ms

MILLI = 1_000


@dataclass(frozen=True, slots=True)
class Rate:
    """So many requests a second for as long as one likes, and so many at once after a pause."""

    per_second: int
    burst: int


@dataclass(frozen=True, slots=True)
class Bucket:
    """How many thousandths of a request were left at an instant."""

    left_milli: int
    at_ms: Ms


def take(rate: Rate, bucket: Bucket | None, now_ms: Ms) -> tuple[Bucket, int]:
    """One request: the bucket after it, and after how many ms to ask again; 0 where it is let in.

    A clock that was set back fills nothing and takes nothing.
    """
    full = rate.burst * MILLI
    if bucket is None:
        left = full
    else:
        left = min(full, bucket.left_milli + max(now_ms - bucket.at_ms, 0) * rate.per_second)
    if left >= MILLI:
        return Bucket(left - MILLI, now_ms), 0
    return Bucket(left, now_ms), -(-(MILLI - left) // rate.per_second)
