"""What waits for somebody: steps that want a second person's yes, and refunds that lie ready. No rule of money."""

from typing import Final

from starlette.responses import Response

from cloud_server.core.mistakes import Conflict, ConflictCode, NotFound
from cloud_server.ports import KeyReused, Refused
from cloud_server.ports.ledger import CheckStep
from cloud_server.web.forms import new_key
from cloud_server.web.pages import errors
from cloud_server.web.pages.page import Console
from cloud_server.web.render import see_other
from cloud_server.web.visit import Visit

REFUNDS_MOST: Final = 200
ANSWERS: Final = ("approve", "reject", "withdraw")


def show(console: Console, visit: Visit) -> Response:
    """Everything that waits, with what this person may do about it."""
    return _page(console, visit, 200)


def answer(console: Console, visit: Visit) -> Response:
    """Yes, no, or never mind."""
    how = visit.parts["answer"]
    if how not in ANSWERS:
        return errors.not_found(console, visit)
    if how != "withdraw" and not visit.may("confirm"):
        return errors.forbidden(console, visit, "confirm")
    second = visit.services.office.second
    take = {"approve": second.approve, "reject": second.reject, "withdraw": second.withdraw}[how]
    step = CheckStep(
        key=visit.form.get("key", "")[:200], request=visit.parts["request"], note=visit.form.get("note", "")[:200]
    )
    try:
        take(step, visit.actor)
    except NotFound:
        return errors.not_found(console, visit)
    except Conflict as conflict:
        return _page(console, visit, 409, conflict.code)
    except (KeyReused, Refused):
        return _page(console, visit, 409, "answered")
    return see_other(f"/tasks?done={how}")


def _page(console: Console, visit: Visit, status: int, conflict: ConflictCode | None = None) -> Response:
    done = visit.query.get("done", "")
    return console.renderer.page(
        visit,
        "tasks.html",
        status,
        waiting=visit.services.office.second.waiting(),
        refunds=visit.services.money.refunds(REFUNDS_MOST, open_only=True),
        me=visit.actor.name,
        name_of=lambda about: _about(visit, about),
        key=lambda: new_key(visit.services.chance),
        conflict=conflict,
        done=done if done in ANSWERS else "",
    )


def _about(visit: Visit, about: str) -> str:
    """The account that a request is about, in words; what is no account stands as it is."""
    sheet = visit.services.books.sale_sheet(about)
    if sheet is None:
        return about
    shops = "、".join(shop for wallet in sheet.account.wallets for shop in wallet.shops)
    return f"{shops} {sheet.account.customer} ({sheet.account.number})"
