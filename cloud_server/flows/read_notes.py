"""Replacements of meters that somebody in the shaft noted and nobody at the centre has carried out yet."""

from typing import Final

from cloud_server.core.site_map import SiteMap
from cloud_server.core.views import NotedReplacement
from cloud_server.ports import Unit
from protocol.units import Ms

NOTE_HOLDS_MS: Final = 30 * 86_400_000
"""A note that nobody took up for a month is history; it stays among the box's records."""


def open_notes(unit: Unit, site: SiteMap, now_ms: Ms) -> dict[str, NotedReplacement]:
    """By supply point: the newest note, where its new meter does not serve yet and no change is under way."""
    changing = {change.point for change in unit.contracts.open_changes()}
    found: dict[str, NotedReplacement] = {}
    seen: set[str] = set()
    for noted in unit.books.noted_replacements(now_ms - NOTE_HOLDS_MS):
        meter = site.meter_of.get(noted.point)
        if noted.point in seen or meter is None:
            continue
        seen.add(noted.point)
        serial = site.meters[meter].meter.serial
        if noted.point in changing or (serial or "").strip() == noted.new_serial.strip():
            continue
        found[noted.point] = NotedReplacement(
            at_ms=noted.at_ms,
            who=noted.who,
            old_serial=noted.old_serial,
            old_wh=noted.old_raw_wh,
            new_serial=noted.new_serial,
            new_wh=noted.new_raw_wh,
        )
    return found
