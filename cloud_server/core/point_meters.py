"""Which meters served a supply point, one after another, with the registers at which they changed. Pure.

Told by the boxes' `replaced` records: they survive a lost centre, and their registers are those that were charged.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from operator import attrgetter

from protocol.box_config import MeterConfig
from protocol.ids import Id
from protocol.units import Ms, Wh


@dataclass(frozen=True, slots=True, kw_only=True)
class Swap:
    """One meter taken off a point and another put there, as the box told it. Registers are raw, without ratio."""

    at_ms: Ms
    point: Id
    old: Id
    old_raw_wh: Wh
    new: Id
    serial: str
    """On the new meter's plate."""
    new_raw_wh: Wh
    old_display_wh: Wh | None = None
    """What stood on the old meter's display, where it had begun anew and so is not `old_raw_wh`."""
    box: Id
    batch: str
    """The batch that tells of it: epoch/number."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PointMeter:
    """A meter's time on a point. `from_ms` None: from the beginning; `until_ms` None: it serves the point now."""

    meter: Id
    box: Id
    name: str
    serial: str
    config: MeterConfig | None
    from_ms: Ms | None
    first_raw_wh: Wh | None
    until_ms: Ms | None
    last_raw_wh: Wh | None

    @property
    def number(self) -> str:
        """What stands on its plate, where that is known."""
        return self.serial or self.name

    def serves_in(self, from_ms: Ms, to_ms: Ms) -> bool:
        """Whether it served the point at any moment from `from_ms` on and before `to_ms`."""
        return (self.from_ms or 0) < to_ms and (self.until_ms is None or self.until_ms > from_ms)


@dataclass(frozen=True, slots=True)
class PointMeters:
    """The meters of all points at which a meter was ever replaced; of the others nothing stands here."""

    at_point: Mapping[Id, tuple[PointMeter, ...]]
    """Oldest first."""
    point_of: Mapping[Id, Id]
    """The point of each meter that served one of these, of the present ones too."""
    swaps: tuple[Swap, ...]
    """Oldest first."""

    def of(self, point: Id, now: Id | None) -> tuple[Id, ...]:
        """The meters of any point, oldest first; `now` hangs there by the plan."""
        known = tuple(one.meter for one in self.at_point.get(point, ()))
        return known if now is None or now in known else (*known, now)

    def meter(self, meter: Id) -> PointMeter | None:
        """A meter's time on its point; None where none was ever replaced there."""
        point = self.point_of.get(meter)
        return next((one for one in self.at_point.get(point or "", ()) if one.meter == meter), None)

    def changed_in(self, from_ms: Ms, to_ms: Ms) -> dict[Id, tuple[PointMeter, ...]]:
        """The meters that served in a stretch of time, at each point where a meter was replaced in it."""
        points = {swap.point for swap in self.swaps if from_ms <= swap.at_ms < to_ms}
        return {point: tuple(one for one in self.at_point[point] if one.serves_in(from_ms, to_ms)) for point in points}


def point_meters(swaps: Iterable[Swap], configs: Mapping[Id, MeterConfig]) -> PointMeters:
    """Put swaps in a row, point by point. `configs`: what is known of the meters."""
    by_point: dict[Id, list[Swap]] = {}
    ordered = tuple(sorted(swaps, key=attrgetter("at_ms")))
    for swap in ordered:
        by_point.setdefault(swap.point, []).append(swap)
    at_point = {point: _times(found, configs) for point, found in by_point.items()}
    point_of = {one.meter: point for point, times in at_point.items() for one in times}
    return PointMeters(at_point, point_of, ordered)


def _times(swaps: list[Swap], configs: Mapping[Id, MeterConfig]) -> tuple[PointMeter, ...]:
    times = []
    for before, after in zip([None, *swaps], [*swaps, None], strict=True):
        found = after.old if after is not None else before.new if before is not None else ""
        config = configs.get(found)
        told = before.serial if before is not None and before.new == found else ""
        times.append(
            PointMeter(
                meter=found,
                box=(after or swaps[-1]).box,
                name=config.name if config is not None else told,
                serial=told or (config.serial or "" if config is not None else ""),
                config=config,
                from_ms=before.at_ms if before is not None else None,
                first_raw_wh=before.new_raw_wh if before is not None else None,
                until_ms=after.at_ms if after is not None else None,
                last_raw_wh=after.old_raw_wh if after is not None else None,
            )
        )
    return tuple(times)
