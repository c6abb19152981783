"""The sales desk by keyboard alone: find, amount, confirm, result, next; and the sales of a day. No rule of money."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import replace
from typing import Final

from starlette.responses import Response

from cloud_server.core.mistakes import FieldErrorCode
from cloud_server.core.views import METHODS, SaleRow, SaleSheet
from cloud_server.ports import FieldError, KeyReused, LooksLikeDuplicate, Refused, SaleOrder
from cloud_server.web.forms import SaleForm, new_key, read_sale
from cloud_server.web.pages import errors
from cloud_server.web.pages.page import Console
from cloud_server.web.render import see_other
from cloud_server.web.show import parse_day
from cloud_server.web.visit import Visit

FOUND_MOST: Final = 30
"""Answers of the search on one screen; whoever gets more types one more letter."""
TEXT_MOST: Final = 80
LATEST_SHOWN: Final = 8
"""Sales of today beside the search: the last customer who comes back for a receipt."""
QUICK_AMOUNTS: Final = ("50", "100", "200", "500", "1000")


def show_desk(console: Console, visit: Visit) -> Response:
    """The search. One exact answer to Enter goes on at once."""
    text = visit.query.get("q", "").strip()[:TEXT_MOST]
    found = visit.services.books.find_accounts(text, FOUND_MOST) if text else ()
    if visit.is_partial:
        return console.renderer.page(visit, "desk_found.html", text=text, found=found, most=FOUND_MOST)
    exact = [row for row in found if text in (row.number, *row.meter_numbers, *(shop.split()[0] for shop in row.shops))]
    sure = exact if len(exact) == 1 else found
    if len(sure) == 1 and visit.query.get("go"):
        return see_other(f"/desk/{sure[0].account}")
    day = visit.services.books.sales_of_day()
    return console.renderer.page(
        visit, "desk.html", text=text, found=found, most=FOUND_MOST, latest=day.sales[:LATEST_SHOWN]
    )


def show_form(console: Console, visit: Visit) -> Response:
    """The sale's form: the idempotency key is born here, so that Enter twice is one sale."""
    sheet = visit.services.books.sale_sheet(visit.parts["account"])
    if sheet is None:
        return errors.not_found(console, visit)
    key = new_key(visit.services.chance)
    empty = SaleForm(account=sheet.account.account, amount="", method="cash", cash_given="", key=key)
    return _form(console, visit, sheet, empty)


def confirm_or_sell(console: Console, visit: Visit) -> Response:
    """First Enter: check and ask. Second Enter: sell."""
    sheet = visit.services.books.sale_sheet(visit.parts["account"])
    if sheet is None:
        return errors.not_found(console, visit)
    form = replace(read_sale(visit.form), account=sheet.account.account)
    if not form.key:
        form = replace(form, key=new_key(visit.services.chance))
    if form.mistakes:
        return _form(console, visit, sheet, form, 422)
    step = visit.form.get("step", "confirm")
    if step == "edit":
        return _form(console, visit, sheet, form)
    if step == "sell":
        return _sell(console, visit, sheet, form)
    outside = _outside(sheet, form)
    if outside is not None:
        return _form(console, visit, sheet, replace(form, mistakes={"amount": outside}), 422)
    return _confirm(console, visit, sheet, form)


def _outside(sheet: SaleSheet, form: SaleForm) -> FieldError | None:
    """An amount that no sale of this site can have is said before it stands there to be confirmed."""
    code: FieldErrorCode
    if form.amount_micro < sheet.limits.least_micro:
        code, limit, text = "below_least", sheet.limits.least_micro, "below the least sale"
    elif form.amount_micro > sheet.limits.greatest_micro:
        code, limit, text = "above_greatest", sheet.limits.greatest_micro, "above the greatest sale"
    else:
        return None
    return FieldError(field="amount", value=form.amount, code=code, message=text, limit_micro=limit)


def _sell(console: Console, visit: Visit, sheet: SaleSheet, form: SaleForm) -> Response:
    order = SaleOrder(
        key=form.key,
        account=form.account,
        amount=form.amount,
        method=form.method,
        parts=form.parts or None,
        again=form.again,
    )
    try:
        sold = visit.services.desk.sell(order, visit.actor)
    except Refused as refused:
        return _form(console, visit, sheet, replace(form, mistakes={e.field: e for e in refused.errors}), 422)
    except KeyReused:
        return _form(console, visit, sheet, replace(form, key=new_key(visit.services.chance)), 409, key_reused=True)
    except LooksLikeDuplicate as duplicate:
        return _confirm(console, visit, sheet, form, 409, earlier=duplicate.earlier)
    change = f"?given={form.cash_given}" if form.cash_given else ""
    return see_other(f"/sales/{sold.sale}{change}")


def _form(
    console: Console, visit: Visit, sheet: SaleSheet, form: SaleForm, status: int = 200, *, key_reused: bool = False
) -> Response:
    return console.renderer.page(
        visit,
        "sale_form.html",
        status,
        sheet=sheet,
        form=form,
        methods=METHODS,
        quick=QUICK_AMOUNTS,
        key_reused=key_reused,
        mistakes=_mistake_texts(console, visit, form.mistakes),
    )


def _confirm(
    console: Console, visit: Visit, sheet: SaleSheet, form: SaleForm, status: int = 200, earlier: SaleRow | None = None
) -> Response:
    needs = sum(wallet.needs_micro for wallet in sheet.account.wallets)
    return console.renderer.page(
        visit, "sale_confirm.html", status, sheet=sheet, form=form, earlier=earlier, needs=needs
    )


def _mistake_texts(console: Console, visit: Visit, mistakes: Mapping[str, FieldError]) -> dict[str, str]:
    words, show = console.renderer.words_for(visit), console.renderer.show_for(visit)
    return {
        name: words.field(error.code, show.money(error.limit_micro) if error.limit_micro is not None else "")
        for name, error in mistakes.items()
    }


def show_result(console: Console, visit: Visit) -> Response:
    """One sale: its receipt's facts, the change to give, and how far the money has come."""
    row = visit.services.books.sale(visit.parts["sale"])
    if row is None:
        return errors.not_found(console, visit)
    form = read_sale({"amount": "1", "method": "cash", "cash_given": visit.query.get("given", "")})
    given = form.cash_given if "cash_given" not in form.mistakes else ""
    done = replace(form, amount=console.renderer.show_for(visit).plain(row.amount_micro), cash_given=given)
    return console.renderer.page(
        visit,
        "sale_result.html",
        sale=row,
        given_micro=done.given_micro,
        change_micro=done.change_micro,
        reversal=visit.services.money.reversals([row.sale]).get(row.sale),
        may_reverse=visit.may("refund") and row.till_day == console.renderer.show_for(visit).today(),
    )


def draw_progress(console: Console, visit: Visit, row: SaleRow) -> str:
    """Sold → delivered → on: the part that the stream replaces."""
    return console.renderer.text(visit, "sale_progress.html", sale=row)


def show_day(console: Console, visit: Visit) -> Response:
    """The sales of a till day with their sum by method."""
    day = visit.services.books.sales_of_day(parse_day(visit.query.get("day")))
    reversals = visit.services.money.reversals([row.sale for row in day.sales])
    by_method: Counter[str] = Counter()
    for row in day.sales:
        if row.sale not in reversals:
            by_method[row.method] += row.amount_micro
    return console.renderer.page(
        visit,
        "sales_day.html",
        day=day,
        by_method=by_method,
        methods=METHODS,
        total=sum(by_method.values()),
        reversals=reversals,
    )
