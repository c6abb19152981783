"""Remote operation: many meters at once, with what each order will do, how far each has come, and again by choice."""

from dataclasses import dataclass
from typing import Any, Final
from zoneinfo import ZoneInfo

from starlette.responses import Response

from cloud_server.core.mistakes import Conflict, NotNow
from cloud_server.core.operation_views import Batch
from cloud_server.core.roles import Right
from cloud_server.core.views import STATES, PointRow
from cloud_server.ports import KeyReused, Operation, OperationKind, Refused
from cloud_server.ports.money import Waits
from cloud_server.web.pages import errors
from cloud_server.web.pages.monitor import search_text, shown_state
from cloud_server.web.pages.page import Console
from cloud_server.web.pages.point import ENDING_KINDS, read_until, refusal_text
from cloud_server.web.render import see_other
from cloud_server.web.visit import Visit

KINDS_OF: Final[dict[str, tuple[OperationKind, ...]]] = {
    "mode": ("protected", "prepaid", "forced_off", "release_overload"),
    "service": ("in_service", "observe"),
    "lock-out": ("lock_out",),
}
"""The orders behind each address, and so behind each right."""
RIGHT_OF: Final[dict[str, Right]] = {"mode": "set_mode", "service": "put_in_service", "lock-out": "lock_out"}
TYPED_KINDS: Final = frozenset({"forced_off", "lock_out"})
"""Orders that put shops in the dark: how many has to be typed."""
SELECTED: Final = "p-"
"""Begins the names of the boxes that are ticked."""
RECENT_MOST: Final = 12
AGAIN_STATES: Final = frozenset({"refused", "expired"})
OVER_STATES: Final = frozenset({"done", "refused", "expired"})


@dataclass(frozen=True, slots=True)
class Group:
    """The kinds of one address that the person may give."""

    path: str
    kinds: tuple[OperationKind, ...]


def show(console: Console, visit: Visit) -> Response:
    """Choose meters, then what to do with them."""
    return _choose(console, visit, 200, "")


def _choose(console: Console, visit: Visit, status: int, mistake: str) -> Response:
    monitor = visit.services.books.monitor()
    buses = {bus.bus: bus.name for b in monitor.buildings for box in b.boxes for bus in box.buses}
    boxes = {box.box: box for b in monitor.buildings for box in b.boxes}
    state = visit.query.get("state", "")
    place, text = visit.query.get("place", ""), visit.query.get("q", "").strip()[:80]
    rows = [row for row in monitor.points if row.meter is not None]
    shown = {
        row.point
        for row in rows
        if (not state or shown_state(row) == state or state in row.badges)
        and (not place or place in (row.building, row.box, row.bus))
        and text.casefold() in search_text(row, with_phones=False)
    }
    return console.renderer.page(
        visit,
        "operations.html",
        status,
        rows=rows,
        shown=shown,
        chosen_state=state,
        place=place,
        text=text,
        buildings=monitor.buildings,
        building_names={b.building: b.name for b in monitor.buildings},
        boxes=boxes,
        buses=buses,
        groups=[Group(path, kinds) for path, kinds in KINDS_OF.items() if visit.may(RIGHT_OF[path])],
        selected=SELECTED,
        recent=visit.services.batches.recent(RECENT_MOST),
        mistake=mistake,
        search_text=search_text,
        shown_state=shown_state,
        states=STATES,
    )


def order(console: Console, visit: Visit) -> Response:
    """First say what will be done to whom; then, confirmed, sign one order a meter."""
    group = visit.path.split("/")[3]
    kind = next((kind for kind in KINDS_OF[group] if kind == visit.parts.get("kind", KINDS_OF[group][0])), None)
    if kind is None:
        return errors.not_found(console, visit)
    rows = _selected(visit)
    if not rows:
        return _choose(console, visit, 422, "nothing_selected")
    if visit.form.get("step") != "order":
        return _confirm(console, visit, 200, kind, rows, "")
    zone = ZoneInfo(visit.services.books.site().zone)
    until_ms, mistake = read_until(visit.form.get("until", ""), kind, visit.now_ms, zone)
    if not mistake and kind in TYPED_KINDS and visit.form.get("count", "").strip() != str(len(rows)):
        mistake = "count_differs"
    if mistake:
        return _confirm(console, visit, 422, kind, rows, mistake)
    key = visit.form.get("key", "")
    if not key.startswith("batch-"):
        return _confirm(console, visit, 422, kind, rows, "key_reused")
    meters = tuple(row.meter for row in rows if row.meter is not None)
    operation = Operation(key=key[:100], kind=kind, meters=meters, until_ms=until_ms, wait=True)
    try:
        visit.services.operations.order(operation, visit.actor)
    except Refused as refused:
        return _confirm(console, visit, 422, kind, rows, refusal_text(console, visit, refused, rows))
    except Conflict as fault:
        return _confirm(console, visit, 409, kind, rows, console.renderer.words_for(visit).conflict(fault.code))
    except Waits:
        return _confirm(console, visit, 409, kind, rows, "waits")
    except KeyReused:
        return _confirm(console, visit, 409, kind, rows, "key_reused")
    except NotNow as not_now:
        return _confirm(console, visit, 503, kind, rows, str(not_now))
    return see_other(f"/operations/{operation.key}")


def _selected(visit: Visit) -> tuple[PointRow, ...]:
    ticked = {name.removeprefix(SELECTED) for name in visit.form if name.startswith(SELECTED)}
    points = visit.services.books.monitor().points
    return tuple(row for row in points if row.point in ticked and row.meter is not None)


def _confirm(
    console: Console, visit: Visit, status: int, kind: OperationKind, rows: tuple[PointRow, ...], mistake: str
) -> Response:
    boxes = {box.box: box for b in visit.services.books.monitor().buildings for box in b.boxes}
    fresh = visit.form.get("step") != "order" or mistake == "key_reused"
    key = f"batch-{visit.now_ms:013d}-{visit.services.chance.draw(8).hex()}" if fresh else visit.form.get("key", "")
    return console.renderer.page(
        visit,
        "operation_confirm.html",
        status,
        kind=kind,
        rows=rows,
        boxes=boxes,
        total_w=sum(row.power_w or 0 for row in rows),
        unknown_load=sum(row.power_w is None for row in rows),
        out_of_reach=sum(row.lost_with == "box" for row in rows),
        mistake=mistake,
        key=key,
        until=visit.form.get("until", ""),
        count=visit.form.get("count", ""),
        types_count=kind in TYPED_KINDS,
        has_end=kind in ENDING_KINDS,
        selected=SELECTED,
    )


def show_batch(console: Console, visit: Visit) -> Response:
    """One order to many: how far each meter has come."""
    batch = visit.services.batches.batch(visit.parts["batch"])
    if batch is None:
        return errors.not_found(console, visit)
    return console.renderer.page(visit, "batch.html", **_batch_values(visit, batch))


def draw_batch(console: Console, visit: Visit, batch: Batch) -> str:
    """The part that the stream replaces."""
    return console.renderer.text(visit, "batch_piece.html", **_batch_values(visit, batch))


def is_over(batch: Batch) -> bool:
    """Whether nothing moves any more."""
    return all(line.state in OVER_STATES for line in batch.lines)


def _batch_values(visit: Visit, batch: Batch) -> dict[str, Any]:
    group = next((path for path, kinds in KINDS_OF.items() if batch.head.kind in kinds), None)
    states = ("queued", "delivered", "done", "refused", "expired")
    return {
        "batch": batch,
        "counts": {state: sum(line.state == state for line in batch.lines) for state in states},
        "again": f"/operations/order/{group}/{batch.head.kind}" if group and visit.may(RIGHT_OF[group]) else None,
        "again_states": AGAIN_STATES,
        "selected": SELECTED,
        "over": is_over(batch),
    }
