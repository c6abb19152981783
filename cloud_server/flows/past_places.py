"""Where a meter, a wallet or a box was that is in the newest plan no more: by what its box held last, and by the newest
plan that knew the place. So that what happened there keeps its name."""

import msgspec

from cloud_server.core.site_map import SiteMap
from cloud_server.flows.centre import Centre
from cloud_server.flows.past_meters import past_config
from cloud_server.ports import Unit
from protocol.box_config import MeterConfig
from protocol.config_text import read_config
from protocol.site_plan import BoxPlan, PointPlan

PLACES_KEPT_MAX = 10_000
"""Wallets, boxes and supply points kept in memory, some hundred bytes each: those of a large site over its life."""


class PastPlaces:
    """Looks places up for one answer. What is gone never changes, so it is kept for the next one."""

    def __init__(self, centre: Centre, unit: Unit, site: SiteMap) -> None:
        self._kept = centre.past_places
        self._centre, self._unit, self._site = centre, unit, site
        self._points = {point.point: point for point in site.plan.points}

    def point_of(self, box: str, meter: str) -> PointPlan | None:
        """The supply point that a meter serves or served; None where nobody knows."""
        now = self._site.point_of.get(meter)
        if now is not None:
            return now
        was = self._past(box, meter)
        return self._points.get(was.point) or self._gone_point(was.point) if was is not None else None

    def bus_of(self, box: str, meter: str) -> str | None:
        """The bus on which a meter hung that is gone."""
        was = self._past(box, meter)
        return was.bus if was is not None else None

    def _past(self, box: str, meter: str) -> MeterConfig | None:
        if not self._centre.territory.is_whole and self._unit.fleet.box_of_meter(meter) is not None:
            return None  # It serves now, in a building that is not this person's.
        return past_config(self._centre, self._unit, box, meter)

    def points_of_wallet(self, box: str, wallet: str) -> tuple[PointPlan, ...]:
        """The supply points that a wallet feeds, or fed when it was closed."""
        planned = self._site.wallets.get(wallet)
        meters = tuple(planned.meters) if planned is not None else ()
        found = (self.point_of(box, meter) for meter in meters or self._meters_of_wallet(box, wallet))
        return tuple(point for point in found if point is not None)

    def box(self, box: str) -> BoxPlan | None:
        """A box; one that is in no plan any more as it was planned last, without its meters."""
        return self._site.boxes.get(box) or self._gone_box(box)

    def _meters_of_wallet(self, box: str, wallet: str) -> tuple[str, ...]:
        known = self._kept.get(wallet)
        if not isinstance(known, tuple):
            text = self._unit.enrolments.newest_configuration_with(box, wallet)
            config = read_config(text) if text is not None else None
            wallets = config.wallets if config is not None else ()
            known = next((tuple(one.meters) for one in wallets if one.wallet == wallet), ())
            self._keep(wallet, known)
        return known

    def _gone_point(self, point: str) -> PointPlan | None:
        if point not in self._kept:
            plan = self._unit.fleet.plan_with(point)
            self._keep(point, next((one for one in plan.points if one.point == point), None) if plan else None)
        known = self._kept[point]
        return known if isinstance(known, PointPlan) and self._centre.territory.holds(known.building) else None

    def _gone_box(self, box: str) -> BoxPlan | None:
        if box not in self._kept:
            plan = self._unit.fleet.plan_with(box) if box else None
            found = next((one for one in plan.boxes if one.box == box), None) if plan else None
            self._keep(box, msgspec.structs.replace(found, meters=[], devices=[]) if found is not None else None)
        known = self._kept[box]
        return known if isinstance(known, BoxPlan) and self._centre.territory.holds(known.building) else None

    def _keep(self, name: str, what: tuple[str, ...] | PointPlan | BoxPlan | None) -> None:
        if len(self._kept) >= PLACES_KEPT_MAX:
            self._kept.clear()
        self._kept[name] = what
