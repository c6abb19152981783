"""Unused credit paid back: asked for, watched until the box has answered, paid out or granted back. No money rule."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

from starlette.responses import Response

from cloud_server.core.limits import REFUND_ALONE_MAX_MICRO
from cloud_server.core.mistakes import Conflict, ConflictCode, FieldError, NotFound
from cloud_server.core.money_views import RefundRow
from cloud_server.core.views import METHODS, SaleSheet
from cloud_server.ports import KeyReused, Refused
from cloud_server.ports.money import RefundOrder, RefundStep, Waits
from cloud_server.web.forms import clean_amount, new_key
from cloud_server.web.pages import errors
from cloud_server.web.pages.page import Console
from cloud_server.web.pages.second import NAME_FIELD, read_second
from cloud_server.web.render import see_other
from cloud_server.web.visit import Visit

SHOWN_MOST: Final = 200
"""Refunds on one page; a report has all of them."""
STEPS: Final = ("pay", "give_back", "withdraw")


@dataclass(frozen=True, slots=True, kw_only=True)
class Wrong:
    """What keeps a form from being taken: mistakes by field, or the reason why the books do not allow it."""

    fields: Mapping[str, FieldError] = field(default_factory=dict)
    conflict: ConflictCode | None = None
    key_reused: bool = False


def show_list(console: Console, visit: Visit) -> Response:
    """What somebody still has to see to, and the newest ones that are over."""
    rows = visit.services.money.refunds(SHOWN_MOST)
    waiting = visit.services.money.refunds(SHOWN_MOST, open_only=True)
    over = tuple(row for row in rows if not row.is_open)
    return console.renderer.page(visit, "refunds.html", waiting=waiting, over=over, most=SHOWN_MOST)


def show_form(console: Console, visit: Visit) -> Response:
    """The refund's form; its idempotency key is born here."""
    sheet = visit.services.books.sale_sheet(visit.parts["account"])
    if sheet is None:
        return errors.not_found(console, visit)
    return _form(console, visit, 200, sheet, Wrong())


def ask(console: Console, visit: Visit) -> Response:
    """Ask for it: what is at the centre is set aside at once, the rest is asked of the box."""
    sheet = visit.services.books.sale_sheet(visit.parts["account"])
    if sheet is None:
        return errors.not_found(console, visit)
    form = visit.form
    leaves = form.get("wait") == "yes"
    try:
        order = RefundOrder(
            key=form.get("key", ""),
            account=sheet.account.account,
            amount=clean_amount(form.get("amount", "")),
            method=form.get("method", ""),
            reason=form.get("reason", "").strip(),
            wallet=form.get("wallet") or None,
            second=read_second(visit) if not leaves else None,
            wait=leaves,
        )
        answer = visit.services.refunds.ask(order, visit.actor)
    except Waits:
        return see_other("/tasks")
    except Refused as refused:
        return _form(console, visit, 422, sheet, Wrong(fields={e.field: e for e in refused.errors}))
    except Conflict as conflict:
        return _form(console, visit, 409, sheet, Wrong(conflict=conflict.code))
    except KeyReused:
        return _form(console, visit, 409, sheet, Wrong(key_reused=True))
    return see_other(f"/refunds/{answer.refund}")


def _form(console: Console, visit: Visit, status: int, sheet: SaleSheet, wrong: Wrong) -> Response:
    words, show = console.renderer.words_for(visit), console.renderer.show_for(visit)
    form, newest = visit.form, visit.services.settings.plan()
    return console.renderer.page(
        visit,
        "refund_form.html",
        status,
        sheet=sheet,
        methods=METHODS,
        form={
            "key": form.get("key") if form and not wrong.key_reused else new_key(visit.services.chance),
            "amount": form.get("amount", ""),
            "method": form.get("method", "cash"),
            "reason": form.get("reason", ""),
            "wallet": form.get("wallet", ""),
            "second": form.get(NAME_FIELD, ""),
        },
        wrong=wrong,
        alone_micro=newest[1].limits.refund_alone_max_micro if newest is not None else REFUND_ALONE_MAX_MICRO,
        mistakes={
            name: words.field(error.code, show.money(error.limit_micro) if error.limit_micro is not None else "")
            for name, error in wrong.fields.items()
        },
    )


def show(console: Console, visit: Visit) -> Response:
    """One refund: how far it has come, and what can be done with it."""
    row = visit.services.money.refund(visit.parts["refund"])
    if row is None:
        return errors.not_found(console, visit)
    return _page(console, visit, 200, row, None)


def draw_piece(console: Console, visit: Visit, row: RefundRow, conflict: ConflictCode | None = None) -> str:
    """The part that the stream replaces."""
    return console.renderer.text(visit, "refund_piece.html", row=row, conflict=conflict, keys=_step_keys(row))


def take_step(console: Console, visit: Visit) -> Response:
    """Pay it out, grant it back, or take the question back."""
    row = visit.services.money.refund(visit.parts["refund"])
    name = visit.parts["step"]
    if row is None or name not in STEPS:
        return errors.not_found(console, visit)
    step = RefundStep(key=visit.form.get("key", "")[:200], refund=row.refund)
    take = {
        "pay": visit.services.refunds.pay,
        "give_back": visit.services.refunds.give_back,
        "withdraw": visit.services.refunds.withdraw,
    }[name]
    try:
        take(step, visit.actor)
    except (Conflict, KeyReused, Refused) as fault:
        code: ConflictCode = fault.code if isinstance(fault, Conflict) else "answered"
        return _page(console, visit, 409, visit.services.money.refund(row.refund) or row, code)
    except NotFound:
        return errors.not_found(console, visit)
    return see_other(f"/refunds/{row.refund}?done={name}")


def _page(console: Console, visit: Visit, status: int, row: RefundRow, conflict: ConflictCode | None) -> Response:
    done = visit.query.get("done", "")
    return console.renderer.page(
        visit,
        "refund.html",
        status,
        row=row,
        conflict=conflict,
        keys=_step_keys(row),
        done=done if done in STEPS else "",
    )


def _step_keys(row: RefundRow) -> dict[str, str]:
    """A step is taken once in the life of a refund, so its key can be told from it: the same press twice is one."""
    return {step: f"desk-{row.refund}-{step}" for step in STEPS}
