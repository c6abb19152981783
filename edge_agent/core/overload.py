"""Overload: power above the threshold for the whole delay latches the relay open; restored by itself a few times.

Only measured power counts, never the slope of energy. After the allowed restores within an hour it stays open until
a person releases it. Source: box.md, Enforcement, rules 4 and 5.
"""

from typing import Final

import msgspec

from edge_agent.core.decision import NOTHING, Decision
from edge_agent.core.place import Place
from edge_agent.core.state import BoxState, MeterRow, Now
from protocol.records import Alarm, AlarmKind, Subject

RESTORES_WITHIN_MS: Final = 3_600_000
"""The hour within which restores are counted."""


def watch_power(place: Place, state: BoxState, meter: str) -> Decision:
    """Note since when power has been above the threshold; forget it when it is not."""
    limit, latest = place.meters[meter].overload, state.latest.get(meter)
    measured_w = latest.power_w if latest is not None and not latest.power_estimated else None
    above = limit is not None and measured_w is not None and measured_w > limit.threshold_w
    since = state.overload_since_mono_ms.get(meter)
    if above and latest is not None and since is None:
        return Decision(overload_since_mono_ms=((meter, latest.mono_ms),))
    if not above and since is not None:
        return Decision(overload_since_mono_ms=((meter, None),))
    return NOTHING


def begins(place: Place, state: BoxState, meter: str) -> bool:
    """Whether readings have shown power above the threshold for the whole delay."""
    limit, latest = place.meters[meter].overload, state.latest.get(meter)
    since = state.overload_since_mono_ms.get(meter)
    if limit is None or latest is None or since is None or state.meters[meter].state.held:
        return False
    return latest.mono_ms - since >= limit.delay_s * 1000


def latch(place: Place, state: BoxState, meter: str, now: Now) -> Decision:
    """Latch the relay open, with its alarm; without a restore left, for good."""
    row, limit = state.meters[meter], place.meters[meter].overload
    if limit is None or row.state.overload_latched:
        return NOTHING
    recent = _recent(row, now)
    stays = len(recent) >= place.config.defaults.overload_restores_max
    raised: tuple[AlarmKind, ...] = ("overload", "overload_stays_open") if stays else ("overload",)
    after = msgspec.structs.replace(
        row,
        state=msgspec.structs.replace(row.state, overload_latched=True, overload_restores=len(recent)),
        overload_until_ms=None if stays else now.wall_ms + limit.open_s * 1000,
        overload_restored_ms=recent,
        alarms=(*(a for a in row.alarms if a not in raised), *raised),
    )
    latest = state.latest.get(meter)
    power_w = latest.power_w if latest is not None else None
    records = tuple(_alarm(place, meter, kind, now, raised=True, value=power_w) for kind in raised)
    forget = ((meter, None),)
    return Decision(records=records, meters=(after,), urgent=True, overload_since_mono_ms=forget)


def restore_when_due(place: Place, state: BoxState, meter: str, now: Now) -> Decision:
    """Take the latch off by itself when its time is over."""
    row = state.meters[meter]
    until = row.overload_until_ms
    if not row.state.overload_latched or until is None or now.wall_ms < until:
        return NOTHING
    recent = (*_recent(row, now), now.wall_ms)
    return _unlatch(place, row, now, recent)


def release(place: Place, state: BoxState, meter: str, now: Now) -> Decision:
    """A person takes the latch off; the count of restores begins anew."""
    return _unlatch(place, state.meters[meter], now, ())


def _unlatch(place: Place, row: MeterRow, now: Now, restored_ms: tuple[int, ...]) -> Decision:
    kinds: tuple[AlarmKind, ...] = ("overload", "overload_stays_open")
    standing = [kind for kind in kinds if kind in row.alarms]
    after = msgspec.structs.replace(
        row,
        state=msgspec.structs.replace(row.state, overload_latched=False, overload_restores=len(restored_ms)),
        overload_until_ms=None,
        overload_restored_ms=restored_ms,
        alarms=tuple(a for a in row.alarms if a not in kinds),
    )
    records = tuple(_alarm(place, row.meter, kind, now, raised=False) for kind in standing)
    return Decision(records=records, meters=(after,), urgent=True)


def _recent(row: MeterRow, now: Now) -> tuple[int, ...]:
    return tuple(ms for ms in row.overload_restored_ms if 0 <= now.wall_ms - ms < RESTORES_WITHIN_MS)


def _alarm(place: Place, meter: str, kind: AlarmKind, now: Now, *, raised: bool, value: int | None = None) -> Alarm:
    subject = Subject(box=place.box, bus=place.bus_of[meter], device=place.meters[meter].device, meter=meter)
    return Alarm(at_ms=now.wall_ms, alarm=kind, subject=subject, state="raised" if raised else "cleared", value=value)
