"""The monitor: every supply point as a tile or a row, counted by state, found as one types, live."""

from collections import Counter
from dataclasses import dataclass
from typing import Final

from starlette.responses import Response

from cloud_server.core.views import STATES, BoxRow, BuildingRow, Monitor, PointRow
from cloud_server.web import guard
from cloud_server.web.live import REFRESH_S
from cloud_server.web.pages.page import Console
from cloud_server.web.visit import Visit

VIEWS: Final = ("tiles", "rows")
STALE_MS: Final = 180_000
"""A value older than this fades: three times the box's own `decision_max_age`."""


@dataclass(frozen=True, slots=True)
class Filter:
    """What of the site is shown. Empty: all of it."""

    state: str
    place: str
    """A building's or a box's id."""
    text: str

    def shows(self, row: PointRow, *, with_phones: bool) -> bool:
        """Whether a point passes."""
        if self.state and shown_state(row) != self.state:
            return False
        if self.place and self.place not in (row.box, row.building, row.bus):
            return False
        return self.text.casefold() in search_text(row, with_phones=with_phones)


@dataclass(frozen=True, slots=True)
class Group:
    """One box with its points, in the order in which they hang."""

    building: BuildingRow
    box: BoxRow
    points: tuple[PointRow, ...]


def show(console: Console, visit: Visit) -> Response:
    """The whole page, from the same look at the site with which its stream goes on."""
    hub = console.hub_of(visit)
    snapshot = hub.refresh()
    if visit.now_ms - snapshot.monitor.as_of_ms > REFRESH_S * 1_000:
        # Nobody was looking, so nobody has looked again: some states come about by time alone.
        snapshot = hub.look_again()
    hub.feed.look()
    asked = visit.query.get("view", "")
    view = asked if asked in VIEWS else visit.view if visit.view in VIEWS else "tiles"
    state = visit.query.get("state", "")
    chosen = Filter(
        state=state if state in STATES else "",
        place=visit.query.get("place", ""),
        text=visit.query.get("q", "").strip()[:80],
    )
    phones = visit.may("see_phones")
    monitor = snapshot.monitor
    shown = {row.point for row in monitor.points if chosen.shows(row, with_phones=phones)}
    response = console.renderer.page(
        visit,
        "monitor.html",
        monitor=monitor,
        groups=group_by_box(monitor),
        counts=Counter(shown_state(row) for row in monitor.points),
        shown=shown,
        chosen=chosen,
        view=view,
        phones=phones,
        search_text=search_text,
        shown_state=shown_state,
        stale_ms=STALE_MS,
        after=hub.id_of(snapshot),
    )
    if asked in VIEWS:
        guard.set_preference(response, guard.VIEW_COOKIE, asked)
    return response


def shown_state(row: PointRow) -> str:
    """The state under which a point is counted: what is behind a lost box or bus is lost, whatever it was before."""
    return "lost" if row.lost_with is not None else row.state


def search_text(row: PointRow, *, with_phones: bool) -> str:
    """Everything by which a person may look for a point, in one folded text."""
    parts = (row.number, row.name, row.customer or "", row.meter_number or "", row.account_number or "")
    return " ".join((*parts, *(row.phones if with_phones else ()))).casefold()


def group_by_box(monitor: Monitor) -> tuple[Group, ...]:
    """Points by box, in the site's order; a box without points is shown too, since it may be lost or waiting."""
    by_box: dict[str, list[PointRow]] = {}
    for row in monitor.points:
        by_box.setdefault(row.box, []).append(row)
    return tuple(
        Group(building, box, tuple(by_box.get(box.box, ()))) for building in monitor.buildings for box in building.boxes
    )
