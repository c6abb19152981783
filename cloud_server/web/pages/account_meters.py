"""Meters added to an account: chosen from those that nobody pays for, shown as what it comes to, then taken."""

from starlette.responses import Response

from cloud_server.core.mistakes import FieldErrorCode
from cloud_server.core.views import SaleSheet
from cloud_server.flows.change_settings import Planned
from cloud_server.web.pages import errors
from cloud_server.web.pages.customers import free_meters
from cloud_server.web.pages.page import Console
from cloud_server.web.pages.planned import plan_form, plan_step
from cloud_server.web.render import see_other
from cloud_server.web.settings_fields import Field, read_fields
from cloud_server.web.visit import Visit
from cloud_server.web.word_tables import N_
from protocol.site_plan import SitePlan


def show(console: Console, visit: Visit) -> Response:
    """Which meters may be added."""
    sheet = _account_in_use(visit)
    return errors.not_found(console, visit) if sheet is None else _form(console, visit, 200, sheet)


def add(console: Console, visit: Visit) -> Response:
    """First what it comes to; then take it."""
    sheet, newest = _account_in_use(visit), visit.services.settings.plan()
    if sheet is None or newest is None:
        return errors.not_found(console, visit)
    values, mistakes = read_fields(_fields(visit, newest[1]), visit.form)
    if mistakes:
        return _form(console, visit, 422, sheet, mistakes=mistakes)
    planned, taken = plan_step(visit, "account_meters", sheet.account.account, values)
    if taken:
        return see_other(f"/customers/{sheet.account.account}?done=metered")
    return _form(console, visit, 422 if planned and planned.mistakes else 200, sheet, planned=planned)


def _account_in_use(visit: Visit) -> SaleSheet | None:
    sheet = visit.services.books.sale_sheet(visit.parts["account"])
    return sheet if sheet is not None and sheet.account.state == "in_use" else None


def _fields(visit: Visit, plan: SitePlan) -> tuple[Field, ...]:
    free = free_meters(plan, visit.services.settings.closed_wallets())
    return (
        Field(name="meters", kind="meters", label=N_("Electricity meters"), choices=free),
        Field(name="share", kind="check", label=N_("Shares the balance that the account has on the same box")),
        Field(name="alarm1_micro", kind="money", label=N_("Alarm 1"), hint=N_("of a balance of its own")),
        Field(name="alarm2_micro", kind="money", label=N_("Alarm 2"), hint=N_("of a balance of its own")),
    )


def _form(
    console: Console,
    visit: Visit,
    status: int,
    sheet: SaleSheet,
    mistakes: dict[str, FieldErrorCode] | None = None,
    planned: Planned | None = None,
) -> Response:
    newest = visit.services.settings.plan()
    if newest is None:
        return errors.not_found(console, visit)
    first = {"share": "yes", "alarm1_micro": "20.00", "alarm2_micro": "5.00"}
    typed = dict(visit.form) if visit.form else first
    extra = {"fields": _fields(visit, newest[1]), "typed": typed, "action": visit.path}
    back = f"/customers/{sheet.account.account}"
    return plan_form(console, visit, status, N_("Add meters"), back, extra, mistakes, planned)
