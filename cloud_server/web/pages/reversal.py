"""A wrong sale of the same till day undone wholly: what it will do, why, and who else says yes. No rule of money."""

from starlette.responses import Response

from cloud_server.core.mistakes import Conflict, ConflictCode, FieldError
from cloud_server.core.views import SaleRow
from cloud_server.ports import KeyReused, Refused
from cloud_server.ports.money import ReversalOrder, Waits
from cloud_server.web.forms import new_key
from cloud_server.web.pages import errors
from cloud_server.web.pages.page import Console
from cloud_server.web.pages.second import NAME_FIELD, read_second
from cloud_server.web.render import see_other
from cloud_server.web.visit import Visit


def show_form(console: Console, visit: Visit) -> Response:
    """What will be undone, before it is."""
    row = visit.services.books.sale(visit.parts["sale"])
    if row is None:
        return errors.not_found(console, visit)
    reversed_before = visit.services.money.reversals([row.sale])
    return _form(console, visit, 200, row, "reversed_before" if reversed_before else None, {})


def reverse(console: Console, visit: Visit) -> Response:
    """Undo it."""
    row = visit.services.books.sale(visit.parts["sale"])
    if row is None:
        return errors.not_found(console, visit)
    form = visit.form
    leaves = form.get("wait") == "yes"
    try:
        order = ReversalOrder(
            key=form.get("key", ""),
            sale=row.sale,
            reason=form.get("reason", "").strip(),
            second=read_second(visit) if not leaves else None,
            wait=leaves,
        )
        visit.services.reversals.reverse(order, visit.actor)
    except Waits:
        return see_other("/tasks")
    except Refused as refused:
        return _form(console, visit, 422, row, None, {error.field: error for error in refused.errors})
    except Conflict as conflict:
        return _form(console, visit, 409, row, conflict.code, {})
    except KeyReused:
        return _form(console, visit, 409, row, "reversed_before", {})
    return see_other(f"/sales/{row.sale}")


def _form(
    console: Console,
    visit: Visit,
    status: int,
    row: SaleRow,
    conflict: ConflictCode | None,
    mistakes: dict[str, FieldError],
) -> Response:
    words = console.renderer.words_for(visit)
    form = visit.form
    return console.renderer.page(
        visit,
        "reversal.html",
        status,
        sale=row,
        conflict=conflict,
        mistakes={name: words.field(error.code) for name, error in mistakes.items()},
        form={
            "key": form.get("key") or new_key(visit.services.chance),
            "reason": form.get("reason", ""),
            "second": form.get(NAME_FIELD, ""),
        },
        is_own=row.operator == visit.actor.name,
    )
