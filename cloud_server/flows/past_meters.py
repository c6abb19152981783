"""The meters that served each point before, read from what boxes told: for reports, pages and programs."""

from cloud_server.core.point_meters import PointMeters, point_meters
from cloud_server.core.site_map import SiteMap
from cloud_server.flows.centre import Centre
from cloud_server.ports import Unit
from protocol.box_config import MeterConfig
from protocol.config_text import read_config


def past_meters(centre: Centre, unit: Unit, site: SiteMap) -> PointMeters:
    """Every replacement at the points of a site's plan, as far as whoever asks may see them."""
    points = {point.point for point in site.points}
    swaps = [swap for swap in unit.reports.swaps() if swap.point in points]
    configs: dict[str, MeterConfig] = {}
    for swap in swaps:
        for meter in (swap.old, swap.new):
            placed = site.meters.get(meter)
            found = placed.meter if placed is not None else past_config(centre, unit, swap.box, meter)
            if found is not None:
                configs[meter] = found
    return point_meters(swaps, configs)


def past_config(centre: Centre, unit: Unit, box: str, meter: str) -> MeterConfig | None:
    """What a meter was when it hung there last. It never changes any more, so it is looked for once."""
    known = centre.past_configs.get(meter)
    if known is not None:
        return known
    text = unit.enrolments.newest_configuration_with(box, meter)
    found = next((one for one in read_config(text).meters if one.meter == meter), None) if text is not None else None
    if found is not None:
        if len(centre.past_configs) >= PAST_CONFIGS_MAX:
            centre.past_configs.clear()
        centre.past_configs[meter] = found
    return found


PAST_CONFIGS_MAX = 10_000
"""Replaced meters kept in memory, a kilobyte each: those of a large site over its life."""
