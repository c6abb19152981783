"""What all reports are made from: one look at the site, days as instants, and what is lacking. Part of
`read_reports`."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta

from cloud_server.core.fleet import BoxState
from cloud_server.core.point_meters import PointMeters
from cloud_server.core.report_table import Lack, ReportQuery
from cloud_server.flows.centre import Centre
from cloud_server.flows.look import Look
from cloud_server.ports import Unit
from cloud_server.ports.energy import Span
from protocol.site_plan import BoxPlan, PointPlan
from protocol.units import Ms


@dataclass(frozen=True, slots=True)
class Basis:
    """One report in the making."""

    centre: Centre
    unit: Unit
    look: Look
    query: ReportQuery
    past: PointMeters

    def begin_ms(self, day: str) -> Ms:
        """Midnight at which a day of the site begins."""
        return int(datetime.combine(date.fromisoformat(day), time(), self.centre.zone).timestamp() * 1000)

    @property
    def stretch(self) -> tuple[Ms, Ms]:
        """From the first midnight to the one behind the last day."""
        after = (date.fromisoformat(self.query.to_day) + timedelta(days=1)).isoformat()
        return self.begin_ms(self.query.from_day), self.begin_ms(after)

    def period(self, day: str) -> str:
        """The period of the query to which a day belongs."""
        return {"day": day, "month": day[:7], "year": day[:4], "all": ""}[self.query.step]

    def spans(self) -> tuple[Span, ...]:
        """The days of the query, as far as they make whole months by month; by day where the report is by day."""
        first, last = date.fromisoformat(self.query.from_day), date.fromisoformat(self.query.to_day)
        if self.query.step != "day":
            return self.spans_between(first, last)
        # In pieces: a quarter day by day is a million sums, and nobody wants them in memory at once.
        pieces = range(0, (last - first).days + 1, DAYS_AT_ONCE)
        begins = [first + timedelta(days=days) for days in pieces]
        return tuple(_days(begin, min(begin + timedelta(days=DAYS_AT_ONCE - 1), last)) for begin in begins)

    def spans_between(self, first: date, last: date) -> tuple[Span, ...]:
        """Days from first to last in as few sums as are exact: a month up to a day behind which nothing is kept yet is
        the sum of that month so far."""
        end = _next_month(last) - timedelta(days=1)
        if last < end and not self.unit.energy.anything_within(_after(last), end.isoformat()):
            return spans_of(first, end)
        return spans_of(first, last)

    def points(self) -> Iterable[tuple[PointPlan, str, BoxPlan]]:
        """Supply points with a meter, that meter and its box; those of the query's place, in the site's order."""
        site, place = self.look.site, self.query.place
        for point in site.points:
            meter = site.meter_of.get(point.point)
            if meter is None:
                continue
            placed = site.meters[meter]
            if not place or place in (point.building, placed.box.box, placed.meter.bus):
                yield point, meter, placed.box

    def served(self) -> Iterable[tuple[PointPlan, tuple[str, ...], BoxPlan]]:
        """Supply points with every meter that ever served them, and the box of the last; chosen as `points`."""
        site, place = self.look.site, self.query.place
        for point in site.points:
            now = site.meter_of.get(point.point)
            meters = self.past.of(point.point, now)
            if now is not None:
                box, bus = site.meters[now].box, site.meters[now].meter.bus
            else:
                last = self.past.meter(meters[-1]) if meters else None
                found = site.boxes.get(last.box) if last is not None else None
                if last is None or found is None:
                    continue
                box, bus = found, last.config.bus if last.config is not None else ""
            if not place or place in (point.building, box.box, bus):
                yield point, meters, box

    def building_name(self, building: str) -> str:
        """The name of a building."""
        return next((b.name for b in self.look.site.plan.buildings if b.building == building), "")

    def lacks(self, to_ms: Ms) -> tuple[Lack, ...]:
        """Boxes whose records do not reach to `to_ms` (or to now, where that is earlier), or wait for a person."""
        parked, found = self.unit.reports.parked_boxes(), []
        # A stretch that is over is whole when records reach its end; of one that goes on the newest may be under way.
        wanted_ms = to_ms if to_ms <= self.look.now_ms else self.look.now_ms - POSTED_WITHIN_MS
        for box in self.look.boxes.values():
            if not self.centre.territory.is_whole and box.box not in self.look.site.boxes:
                continue
            if box.state in (BoxState.PLANNED, BoxState.CLAIMED, BoxState.WAITING):
                continue
            if box.box in parked:
                found.append(Lack(why="parked", box_name=box.name, since_ms=parked[box.box]))
            elif box.posted_at_ms is None:
                found.append(Lack(why="never", box_name=box.name))
            elif box.posted_at_ms < wanted_ms:
                found.append(Lack(why="silent", box_name=box.name, since_ms=box.posted_at_ms))
        told = {lack.box_name for lack in found}
        return (*found, *(lack for lack in self._meters_lacking(wanted_ms) if lack.box_name not in told))

    def _meters_lacking(self, wanted_ms: Ms) -> Iterable[Lack]:
        """Meters behind boxes that are heard of which nothing was charged up to then: they are lost, or held."""
        for point, meter, box in self.points():
            facts, _, read_at_ms = self.look.facts.get(meter, (None, None, None))
            if facts is None or read_at_ms is None or read_at_ms >= wanted_ms or not (facts.lost or facts.held):
                continue
            name = f"{point.number} {point.name}"
            yield Lack(why="lost" if facts.lost else "held", box_name=box.name, since_ms=read_at_ms, meter=name)


def spans_of(first: date, last: date) -> tuple[Span, ...]:
    """Days from first to last, their whole months as months."""
    begin = first if first.day == 1 else _next_month(first)
    end = last if (last + timedelta(days=1)).day == 1 else last.replace(day=1) - timedelta(days=1)
    if begin > end:
        return (_days(first, last),)
    found = [_days(first, begin - timedelta(days=1))] if first < begin else []
    found.append(Span(begin.isoformat()[:7], end.isoformat()[:7], by_month=True))
    return (*found, _days(end + timedelta(days=1), last)) if end < last else tuple(found)


def _after(day: date) -> str:
    return (day + timedelta(days=1)).isoformat()


def _days(first: date, last: date) -> Span:
    return Span(first.isoformat(), last.isoformat(), by_month=False)


def _next_month(day: date) -> date:
    return (day.replace(day=1) + timedelta(days=32)).replace(day=1)


DAYS_AT_ONCE = 3
"""Days whose sums are fetched by one statement: some twenty thousand rows of a large site."""
POSTED_WITHIN_MS = 3_600_000
"""Boxes seal at least twice an hour: records that end earlier than an hour before the end are told as lacking."""
