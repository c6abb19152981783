"""Customers: found, opened with several meters, looked at whole, changed and closed. No rule of plan or money."""

from collections.abc import Set
from typing import Final

import msgspec
from starlette.responses import Response

from cloud_server.core.contracts import Closing
from cloud_server.core.mistakes import Conflict, FieldErrorCode, NotFound
from cloud_server.core.money_requests import ReclaimState
from cloud_server.core.plan_edits import NEW, Section
from cloud_server.core.site_map import map_site
from cloud_server.core.views import SaleSheet
from cloud_server.flows.change_settings import Planned
from cloud_server.ports import KeyReused, Refused
from cloud_server.ports.ledger import ClosingOrder, NextTenant
from cloud_server.web.forms import new_key
from cloud_server.web.pages import errors
from cloud_server.web.pages.page import Console
from cloud_server.web.pages.planned import plan_form, plan_step
from cloud_server.web.pages.second import NAME_FIELD, read_second
from cloud_server.web.render import see_other
from cloud_server.web.settings_fields import Field, read_fields
from cloud_server.web.settings_specs import current, fields_of
from cloud_server.web.visit import Visit
from cloud_server.web.word_tables import N_
from protocol.site_plan import SitePlan

FOUND_MOST: Final = 100
TEXT_MOST: Final = 80
DONE: Final = frozenset({"opened", "changed", "closing", "adjusted", "moving", "tenant", "cancelled", "metered"})
"""What the page of an account may say was done."""
TOLD_TO_CLOSE: Final = frozenset({ReclaimState.ASKED, ReclaimState.ANSWERED})
"""A wallet whose box was told: its closing cannot be taken back."""


def show_list(console: Console, visit: Visit) -> Response:
    """Everybody who has an account, or those that fit a search."""
    text = visit.query.get("q", "").strip()[:TEXT_MOST]
    books = visit.services.books
    found = books.find_accounts(text, FOUND_MOST) if text else books.accounts(FOUND_MOST)
    return console.renderer.page(visit, "customers.html", found=found, text=text, most=FOUND_MOST)


def show(console: Console, visit: Visit) -> Response:
    """One account whole: balances, meters, refunds, and everything that can be done with it."""
    sheet = visit.services.books.sale_sheet(visit.parts["account"])
    if sheet is None:
        return errors.not_found(console, visit)
    return _page(console, visit, 200, sheet)


def show_opening(console: Console, visit: Visit) -> Response:
    """The form of an account to be opened."""
    return _opening(console, visit, 200)


def open_account(console: Console, visit: Visit) -> Response:
    """First what it comes to; then open it."""
    newest = visit.services.settings.plan()
    if newest is None:
        return errors.not_found(console, visit)
    values, mistakes = read_fields(opening_fields(newest[1], visit.services.settings.closed_wallets()), visit.form)
    if mistakes:
        return _opening(console, visit, 422, mistakes=mistakes)
    values["customer"] = ""
    planned, taken = plan_step(visit, "accounts", NEW, values)
    if taken:
        number = values["number"]
        opened = next((one.account for one in planned.plan.accounts if one.number == number), "") if planned else ""
        return see_other(f"/customers?q={number}" if not opened else f"/customers/find/{number}")
    return _opening(console, visit, 422 if planned and planned.mistakes else 200, planned=planned)


def go_to(console: Console, visit: Visit) -> Response:
    """The page of an account by its number."""
    newest = visit.services.settings.plan()
    accounts = newest[1].accounts if newest is not None else []
    found = next((one.account for one in accounts if one.number == visit.parts["number"]), None)
    return see_other(f"/customers/{found}?done=opened") if found else errors.not_found(console, visit)


def show_change(console: Console, visit: Visit) -> Response:
    """The form of the customer's name and phones, or of a wallet's alarms."""
    return _change_form(console, visit, 200)


def change(console: Console, visit: Visit) -> Response:
    """First what it comes to; then take it."""
    newest = visit.services.settings.plan()
    what = _what(visit, newest[1]) if newest is not None else None
    if newest is None or what is None:
        return errors.not_found(console, visit)
    section, item = what
    values, mistakes = read_fields(fields_of(section, newest[1]), visit.form)
    if mistakes:
        return _change_form(console, visit, 422, mistakes=mistakes)
    planned, taken = plan_step(visit, section, item, values)
    if taken:
        return see_other(f"/customers/{visit.parts['account']}?done=changed")
    return _change_form(console, visit, 422 if planned and planned.mistakes else 200, planned=planned)


def close(console: Console, visit: Visit) -> Response:
    """Begin to close an account: no more sales, last readings, all money back from its boxes."""
    sheet = visit.services.books.sale_sheet(visit.parts["account"])
    if sheet is None:
        return errors.not_found(console, visit)
    form = visit.form
    try:
        order = ClosingOrder(
            key=form.get("key", ""),
            account=sheet.account.account,
            reason=form.get("reason", "").strip(),
            second=read_second(visit),
        )
        visit.services.office.closings.close(order, visit.actor)
    except Refused as refused:
        words = console.renderer.words_for(visit)
        return _page(console, visit, 422, sheet, mistakes={e.field: words.field(e.code) for e in refused.errors})
    except Conflict as conflict:
        return _page(console, visit, 409, sheet, conflict=conflict)
    except (KeyReused, NotFound):
        return _page(console, visit, 409, sheet, conflict=Conflict("used", "answered"))
    return see_other(f"/customers/{sheet.account.account}?done=closing")


def _page(
    console: Console,
    visit: Visit,
    status: int,
    sheet: SaleSheet,
    mistakes: dict[str, str] | None = None,
    conflict: Conflict | None = None,
) -> Response:
    account = sheet.account.account
    newest = visit.services.settings.plan()
    closings = visit.services.office.closings.open_closings() if sheet.account.state == "closing" else ()
    closing = next((one for one in closings if one.fact.account == account), None)
    done = visit.query.get("done", "")
    return console.renderer.page(
        visit,
        "customer.html",
        status,
        sheet=sheet,
        meters=_meters(newest[1], account) if newest is not None else [],
        refunds=visit.services.money.refunds_of_account(account),
        closing=closing,
        key=new_key(visit.services.chance),
        form={"reason": visit.form.get("reason", ""), "second": visit.form.get(NAME_FIELD, "")},
        mistakes=mistakes or {},
        conflict=conflict,
        done=done if done in DONE else "",
        told=visit.query.get("conflict", ""),
        next_tenant=_next_tenant(closing),
        may_cancel=closing is not None and not any(one.state in TOLD_TO_CLOSE for one in closing.requests),
    )


def _next_tenant(closing: Closing | None) -> str:
    """The name of whoever follows on the same meters; empty where nobody does."""
    if closing is None or closing.fact.next_tenant is None:
        return ""
    tenant = msgspec.json.decode(closing.fact.next_tenant, type=NextTenant)
    return f"{tenant.customer_name} · {tenant.number}"


def _meters(plan: SitePlan, account: str) -> list[tuple[str, str, str, str]]:
    """Point, shop, meter number and box of each meter of an account."""
    site = map_site(plan)
    return [
        (
            site.point_of[meter].point,
            f"{site.point_of[meter].number} {site.point_of[meter].name}",
            site.meters[meter].number,
            site.boxes[wallet.box].name,
        )
        for wallet in site.wallets_of.get(account, ())
        for meter in wallet.meters
    ]


def free_meters(plan: SitePlan, closed: Set[str]) -> tuple[tuple[str, str], ...]:
    """Meters on shops that no open wallet feeds, each with the words for it; `closed` are wallets."""
    fed = {meter for wallet in plan.wallets if wallet.wallet not in closed for meter in wallet.meters}
    point = {one.point: one for one in plan.points}
    return tuple(
        (
            meter.meter,
            f"{point[meter.point].number} {point[meter.point].name} · {meter.serial or meter.name} · {box.name}",
        )
        for box in plan.boxes
        for meter in box.meters
        if meter.meter not in fed and point[meter.point].use == "tenant"
    )


def opening_fields(plan: SitePlan, closed: Set[str]) -> tuple[Field, ...]:
    """The fields of a new account; meters that belong to nobody, on shops, may be chosen."""
    free = free_meters(plan, closed)
    return (
        Field(name="name", kind="text", label=N_("Customer")),
        Field(name="phones", kind="lines", label=N_("Phones"), hint=N_("at most three, one a line"), required=False),
        Field(name="number", kind="text", label=N_("Account no.")),
        Field(name="meters", kind="meters", label=N_("Electricity meters"), choices=free),
        Field(name="alarm1_micro", kind="money", label=N_("Alarm 1"), hint=N_("at or below")),
        Field(name="alarm2_micro", kind="money", label=N_("Alarm 2"), hint=N_("at or below; less than alarm 1")),
        Field(name="credit_limit_micro", kind="money", label=N_("Credit limit"), required=False),
        Field(
            name="opening_micro",
            kind="money",
            label=N_("Opening balance"),
            hint=N_("of the old meter or system; booked once, not a sale"),
            required=False,
        ),
    )


def _opening(
    console: Console,
    visit: Visit,
    status: int,
    mistakes: dict[str, FieldErrorCode] | None = None,
    planned: Planned | None = None,
) -> Response:
    newest = visit.services.settings.plan()
    if newest is None:
        return errors.not_found(console, visit)
    typed: dict[str, str] = dict(visit.form) if visit.form else {"alarm1_micro": "20.00", "alarm2_micro": "5.00"}
    wanted = visit.query.get("meter", "")
    if wanted and not visit.form:
        typed[f"meter-{wanted}"] = "yes"
    extra = {
        "fields": opening_fields(newest[1], visit.services.settings.closed_wallets()),
        "typed": typed,
        "action": "/customers/new",
    }
    return plan_form(console, visit, status, N_("Open an account"), "/customers", extra, mistakes, planned)


def _what(visit: Visit, plan: SitePlan) -> tuple[Section, str] | None:
    """What of an account is changed: its customer, or one of its wallets."""
    account = next((one for one in plan.accounts if one.account == visit.parts["account"]), None)
    if account is None:
        return None
    wallets = [one.wallet for one in plan.wallets if one.account == account.account]
    item = visit.parts["item"]
    if item == "customer":
        return "customers", account.customer
    return ("wallets", item) if item in wallets else None


def _change_form(
    console: Console,
    visit: Visit,
    status: int,
    mistakes: dict[str, FieldErrorCode] | None = None,
    planned: Planned | None = None,
) -> Response:
    newest = visit.services.settings.plan()
    what = _what(visit, newest[1]) if newest is not None else None
    if newest is None or what is None:
        return errors.not_found(console, visit)
    section, item = what
    typed = dict(visit.form) if visit.form else current(section, item, newest[1]) or {}
    title = N_("Customer") if section == "customers" else N_("Alarms and credit limit")
    extra = {"fields": fields_of(section, newest[1]), "typed": typed, "action": visit.path}
    return plan_form(console, visit, status, title, f"/customers/{visit.parts['account']}", extra, mistakes, planned)
