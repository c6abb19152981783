"""The till of the day: opened with a float, counted and closed; the tills of others; the close of a posting day.

No rule of money stands here: what is expected, what differs and who may are the office's.
"""

from typing import Final

from starlette.responses import Response

from cloud_server.core.mistakes import Conflict, FieldError, NotFound
from cloud_server.core.tills import TillShift
from cloud_server.core.views import METHODS
from cloud_server.ports import KeyReused, Refused
from cloud_server.ports.tills import DayOrder, TillCount, TillNow, TillOpening
from cloud_server.web.forms import clean_amount, new_key
from cloud_server.web.pages import errors
from cloud_server.web.pages.page import Console
from cloud_server.web.pages.second import NAME_FIELD, read_second
from cloud_server.web.render import see_other
from cloud_server.web.show import parse_day
from cloud_server.web.visit import Visit

DAYS_SHOWN: Final = 14
"""Closed days on the page: the books have all of them."""


def show(console: Console, visit: Visit) -> Response:
    """One's own till, or that of the operator who is named; a supervisor sees all of them."""
    return _page(console, visit, 200)


def open_till(console: Console, visit: Visit) -> Response:
    """Open one's own till with a float."""
    order = TillOpening(key=visit.form.get("key", ""), float_amount=clean_amount(visit.form.get("float", "")) or "0")
    try:
        visit.services.office.tills.open_till(order, visit.actor)
    except Refused as refused:
        return _page(console, visit, 422, mistakes=refused.errors)
    except (Conflict, KeyReused) as fault:
        return _page(console, visit, 409, conflict=_as_conflict(fault))
    return see_other("/till?done=opened")


def close_till(console: Console, visit: Visit) -> Response:
    """Count and close a till; the paper of the shift follows."""
    form = visit.form
    if form.get("operator", "") not in ("", visit.actor.name) and not visit.may("close_day"):
        return errors.forbidden(console, visit, "close_day")
    typed: dict[str, str] = {method: clean_amount(form.get(f"counted-{method}", "")) for method in METHODS}
    try:
        order = TillCount(
            key=form.get("key", ""),
            counted={method: text for method, text in typed.items() if text},
            operator=form.get("operator") or None,
            note=form.get("note", "").strip()[:200],
            second=read_second(visit),
        )
        answer = visit.services.office.tills.close_till(order, visit.actor)
    except Refused as refused:
        return _page(console, visit, 422, mistakes=refused.errors)
    except (Conflict, KeyReused) as fault:
        return _page(console, visit, 409, conflict=_as_conflict(fault))
    return see_other(f"/till/shifts/{answer.shift}")


def show_shift(console: Console, visit: Visit) -> Response:
    """The paper of one shift: what was expected, what was counted, what differs, who signed."""
    try:
        shift = visit.services.office.tills.shift(visit.parts["shift"])
    except NotFound:
        return errors.not_found(console, visit)
    if shift.operator != visit.actor.name and not visit.may("close_day"):
        return errors.forbidden(console, visit, "close_day")
    return console.renderer.page(visit, "till_shift.html", shift=shift, methods=METHODS)


def close_day(console: Console, visit: Visit) -> Response:
    """Close a posting day: nothing is booked under it any more."""
    form = visit.form
    order = DayOrder(key=form.get("key", ""), day=parse_day(form.get("day")), anyway=form.get("anyway") == "yes")
    try:
        done = visit.services.office.days.close_day(order, visit.actor)
    except Refused as refused:
        return _page(console, visit, 422, mistakes=refused.errors)
    except (Conflict, KeyReused) as fault:
        return _page(console, visit, 409, conflict=_as_conflict(fault))
    return see_other(f"/till?done=day&day={done.day}")


def _as_conflict(fault: Exception) -> Conflict:
    return fault if isinstance(fault, Conflict) else Conflict(str(fault), "answered")


def _page(
    console: Console,
    visit: Visit,
    status: int,
    mistakes: tuple[FieldError, ...] = (),
    conflict: Conflict | None = None,
) -> Response:
    office, words = visit.services.office, console.renderer.words_for(visit)
    sees_all = visit.may("close_day")
    whose = (visit.form.get("operator") or visit.query.get("operator", "")) if sees_all else ""
    mine: TillNow | None = office.tills.till_now(whose or visit.actor.name) if visit.may("sell") or whose else None
    today = console.renderer.show_for(visit).today()
    shifts: tuple[TillShift, ...] = office.tills.shifts_of_day(today)
    done = visit.query.get("done", "")
    return console.renderer.page(
        visit,
        "till.html",
        status,
        till=mine,
        whose=whose,
        tills=office.tills.tills_now() if sees_all else (),
        shifts=[shift for shift in shifts if sees_all or shift.operator == visit.actor.name],
        days=office.days.closed_days(DAYS_SHOWN) if sees_all else (),
        methods=METHODS,
        keys=[new_key(visit.services.chance) for _ in range(3)],
        form=visit.form,
        second={"second": visit.form.get(NAME_FIELD, "")},
        today=today,
        conflict=conflict,
        mistakes={error.field: words.field(error.code) for error in mistakes},
        done=done if done in {"opened", "day"} else "",
        done_day=parse_day(visit.query.get("day")) or "",
    )
