"""Once a day for each meter: its serial number is read again, and the clocks are set, once for each device.

The clocks only while our own is sure, and only where a meter of the device answers and its profile says how.
"""

import logging
from datetime import UTC, datetime

from edge_agent.core.place import Place
from edge_agent.core.state import BoxState
from edge_agent.flows.box import Box
from edge_agent.ports import ClockReport
from protocol.zone import site_zone

log = logging.getLogger(__name__)


def visit_meters(box: Box) -> None:
    """Ask each bus for what is due once a day; what comes of it arrives as reports."""
    sure = box.now().sure
    offset_s = _utc_offset_s(box.place.config.site.zone, box.clock.wall_ms())
    clocks = clock_holders(box.place, box.state) if sure else []
    for bus_id, bus in box.buses.items():
        serials = [meter for meter, on in box.place.bus_of.items() if on == bus_id and _has_serial(box.place, meter)]
        if serials:
            bus.read_serial(serials)
        here = [meter for meter in clocks if box.place.bus_of[meter] == bus_id]
        if here:
            bus.set_clock(here, offset_s)
    log.info("meters_visited", extra={"fields": {"clocks": len(clocks), "clock_sure": sure}})


def clock_holders(place: Place, state: BoxState) -> list[str]:
    """One meter of each device: the first that answers and whose profile says how its clock is set."""
    chosen: dict[str, str] = {}
    for meter in place.config.meters:
        row = state.meters.get(meter.meter)
        answers = meter.meter in state.latest and meter.meter not in state.lost
        known = row is not None and not row.released and not row.state.held
        if answers and known and place.profile_of[meter.meter].clock is not None:
            chosen.setdefault(meter.device, meter.meter)
    return list(chosen.values())


def note_clock(report: ClockReport) -> None:
    """Say how far off a meter's clock was and is."""
    fields = {"meter": report.meter, "before_ms": report.before_ms, "after_ms": report.after_ms, "did": report.detail}
    log.info("meter_clock", extra={"fields": fields})


def _has_serial(place: Place, meter: str) -> bool:
    return place.profile_of[meter].serial is not None


def _utc_offset_s(zone: str, wall_ms: int) -> int:
    offset = datetime.fromtimestamp(wall_ms / 1_000, UTC).astimezone(site_zone(zone)).utcoffset()
    return 0 if offset is None else round(offset.total_seconds())
