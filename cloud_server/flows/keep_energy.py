"""Sums of energy by day and month: kept by every posted batch, built anew where there are none of this zone's days."""

import logging

from cloud_server.ports import Store
from protocol.zone import site_zone

log = logging.getLogger(__name__)


def keep_energy(store: Store, zone: str) -> int | None:
    """Build the sums from the intervals, unless they are there for the days of this zone; how many intervals were read.

    At set-up and at each start: an older database has none yet, and another zone of the site makes other days.
    Takes some ten minutes of processor for 35 million intervals.
    """
    with store.read() as unit:
        if unit.site.fact("energy_zone") == zone:
            return None
    with store.write() as unit:
        count = unit.energy.rebuild(site_zone(zone))
        unit.site.put_fact("energy_zone", zone)
    log.info("energy_added_up", extra={"intervals": count, "zone": zone})
    return count
