"""Every address of the console beside its page and the right it asks: the one table. What guards them is `routes`."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Final, Literal

from starlette.requests import Request
from starlette.responses import Response

from cloud_server.core.report_table import ReportKind
from cloud_server.core.roles import Right
from cloud_server.web.pages import (
    account_meters,
    account_steps,
    alarms,
    contracts,
    courier,
    customer_link,
    customers,
    exports,
    history_step,
    look,
    messages,
    monitor,
    operations,
    own,
    place_steps,
    point,
    profiles,
    receipt,
    recovery,
    refunds,
    reports,
    reversal,
    role_table,
    sales,
    second_factor,
    settings,
    sign_in,
    site_import,
    site_look,
    staff,
    states,
    streams,
    tariffs,
    tasks,
    till,
    till_days,
)
from cloud_server.web.pages.page import Console
from cloud_server.web.visit import Visit

Ask = Right | Literal["anyone", "signed_in"]
Page = Callable[[Console, Visit], Response]
Stream = Callable[[Console, Visit, Request], Awaitable[Response]]


@dataclass(frozen=True, slots=True)
class Route:
    """One address: method, path, page, and who may."""

    method: Literal["GET", "POST"]
    path: str
    page: Page
    ask: Ask
    many: bool = False
    """Its form may select the meters of a whole site."""
    upload: bool = False
    """Its form carries a file."""
    fresh: Literal["never", "always", "protected"] = "never"
    """Whether it asks a fresh proof of who acts (ASVS 7.5.3): money back, rights, a meter that is never cut off."""


@dataclass(frozen=True, slots=True)
class LiveRoute:
    """One stream of server-sent events."""

    path: str
    stream: Stream
    ask: Ask


REPORTS: Final[dict[ReportKind, Right]] = {
    "sales": "see_ledger",
    "energy": "see_points",
    "income": "see_books",
    "compare": "see_points",
    "hours": "see_points",
    "loss": "see_points",
    "vacant": "see_points",
    "balances": "see_books",
    "registers": "see_points",
    "lost": "see_points",
    "trial": "see_ledger",
    "rollforward": "see_ledger",
    "statement": "see_sales",
    "proof": "see_sales",
    "modes": "see_points",
    "alarms": "see_points",
    "events": "see_points",
    "audit": "see_audit",
}
"""Each report with the right that it asks, on the screen and as a file."""


def _show_reports(console: Console, visit: Visit) -> Response:
    return reports.show_home(console, visit, REPORTS)


def _begin_export(console: Console, visit: Visit) -> Response:
    return exports.begin(console, visit, REPORTS)


ROUTES: Final[tuple[Route, ...]] = (
    Route("GET", "/sign-in", sign_in.show_form, "anyone"),
    Route("POST", "/sign-in", sign_in.enter, "anyone"),
    Route("POST", "/sign-out", sign_in.leave, "anyone"),
    Route("GET", "/start", sign_in.start, "signed_in"),
    Route("GET", "/second-factor", second_factor.show, "signed_in"),
    Route("POST", "/second-factor", second_factor.take, "signed_in"),
    Route("GET", "/proof", second_factor.ask_proof, "signed_in"),
    Route("POST", "/proof", second_factor.take_proof, "signed_in"),
    Route("GET", "/setup/{token}", sign_in.show_setup, "anyone"),
    Route("POST", "/setup/{token}", sign_in.set_up, "anyone"),
    Route("POST", "/look", look.choose, "anyone"),
    Route("GET", "/me", own.show, "signed_in"),
    Route("GET", "/me/password", own.show_password, "signed_in", fresh="always"),
    Route("POST", "/me/password", own.change_password, "signed_in", fresh="always"),
    Route("POST", "/me/sessions", own.end_others, "signed_in"),
    Route("POST", "/me/sessions/{session}", own.end_session, "signed_in"),
    Route("GET", "/", monitor.show, "see_points"),
    Route("GET", "/points/{point}", point.show, "see_points"),
    Route("GET", "/points/{point}/mode/{kind}", point.ask_order, "set_mode", fresh="protected"),
    Route("POST", "/points/{point}/mode/{kind}", point.give_order, "set_mode", fresh="protected"),
    Route("GET", "/points/{point}/service/{kind}", point.ask_order, "put_in_service"),
    Route("POST", "/points/{point}/service/{kind}", point.give_order, "put_in_service"),
    Route("GET", "/points/{point}/replace", contracts.show_replacement, "replace_meters"),
    Route("POST", "/points/{point}/replace", contracts.replace, "replace_meters"),
    Route("GET", "/points/{point}/move", place_steps.show_relocation, "replace_meters", fresh="always"),
    Route("POST", "/points/{point}/move", place_steps.relocate, "replace_meters", fresh="always"),
    Route("GET", "/boxes/{box}/retire", place_steps.show_retirement, "settings", fresh="always"),
    Route("POST", "/boxes/{box}/retire", place_steps.retire, "settings", fresh="always", many=True),
    Route("GET", "/boxes/{box}/selling", place_steps.show_selling, "settings", fresh="always"),
    Route("POST", "/boxes/{box}/selling", place_steps.open_selling, "settings", fresh="always"),
    Route("GET", "/points/{point}/lock-out", point.ask_order, "lock_out"),
    Route("POST", "/points/{point}/lock-out", point.give_order, "lock_out"),
    Route("GET", "/points/{point}/lift-lock-out", point.ask_order, "lift_lock_out"),
    Route("POST", "/points/{point}/lift-lock-out", point.give_order, "lift_lock_out"),
    Route("GET", "/desk", sales.show_desk, "sell"),
    Route("GET", "/desk/{account}", sales.show_form, "sell"),
    Route("POST", "/desk/{account}", sales.confirm_or_sell, "sell"),
    Route("GET", "/desk/{account}/refund", refunds.show_form, "refund", fresh="always"),
    Route("POST", "/desk/{account}/refund", refunds.ask, "refund", fresh="always"),
    Route("GET", "/refunds", refunds.show_list, "see_sales"),
    Route("GET", "/refunds/{refund}", refunds.show, "see_sales"),
    Route("POST", "/refunds/{refund}/{step}", refunds.take_step, "refund", fresh="always"),
    Route("GET", "/sales/{sale}/reversal", reversal.show_form, "refund", fresh="always"),
    Route("POST", "/sales/{sale}/reversal", reversal.reverse, "refund", fresh="always"),
    Route("GET", "/states", states.show, "see_points"),
    Route("GET", "/boxes/{box}/history", history_step.show, "settings", fresh="always"),
    Route("POST", "/boxes/{box}/history", history_step.accept, "settings", fresh="always"),
    Route("GET", "/recovery", recovery.show, "see_points"),
    Route("POST", "/recovery/questions/{question}", recovery.answer, "settings"),
    Route("GET", "/courier/{box}", courier.show, "carry"),
    Route("GET", "/courier/{box}/file", courier.send_file, "carry"),
    Route("GET", "/customers", customers.show_list, "see_sales"),
    Route("GET", "/customers/new", customers.show_opening, "keep_customers"),
    Route("POST", "/customers/new", customers.open_account, "keep_customers", many=True),
    Route("GET", "/customers/find/{number}", customers.go_to, "see_sales"),
    Route("GET", "/customers/{account}", customers.show, "see_sales"),
    Route("POST", "/customers/{account}/close", customers.close, "close_accounts", fresh="always"),
    Route("GET", "/customers/{account}/adjust", contracts.show_adjustment, "adjust", fresh="always"),
    Route("POST", "/customers/{account}/adjust", contracts.adjust, "adjust", fresh="always"),
    Route("GET", "/customers/{account}/move", account_steps.show_move, "refund", fresh="always"),
    Route("POST", "/customers/{account}/move", account_steps.move, "refund", fresh="always"),
    Route("GET", "/customers/{account}/tenant", account_steps.show_tenant, "close_accounts", fresh="always"),
    Route("POST", "/customers/{account}/tenant", account_steps.change_tenant, "close_accounts", fresh="always"),
    Route("GET", "/customers/{account}/meters", account_meters.show, "keep_customers"),
    Route("POST", "/customers/{account}/meters", account_meters.add, "keep_customers", many=True),
    Route("POST", "/closings/{closing}/{step}", account_steps.go_on_closing, "close_accounts", fresh="always"),
    Route("GET", "/closings/{closing}", contracts.show_settling, "close_accounts", fresh="always"),
    Route("POST", "/closings/{closing}", contracts.settle, "close_accounts", fresh="always"),
    Route("GET", "/customers/{account}/{item}", customers.show_change, "keep_customers"),
    Route("POST", "/customers/{account}/{item}", customers.change, "keep_customers"),
    Route("GET", "/settings", settings.show_home, "settings"),
    Route("GET", "/look/{mark}/accent.css", site_look.send_accent, "anyone"),
    Route("GET", "/look/{digest}/logo", site_look.send_logo, "anyone"),
    Route("GET", "/settings/look", site_look.show, "settings"),
    Route("POST", "/settings/look", site_look.change, "settings", upload=True, fresh="always"),
    Route("GET", "/settings/import", site_import.show, "settings"),
    Route("POST", "/settings/import", site_import.read, "settings", upload=True),
    Route("GET", "/settings/import/template.xlsx", site_import.send_template, "settings"),
    Route("GET", "/settings/import/{draft}", site_import.preview, "settings"),
    Route("POST", "/settings/import/{draft}", site_import.take, "settings", fresh="always"),
    Route("GET", "/settings/profiles", profiles.show_list, "settings"),
    Route("GET", "/settings/profiles/new", profiles.show, "settings"),
    Route("POST", "/settings/profiles/new", profiles.change, "settings", upload=True, fresh="always"),
    Route("GET", "/settings/profiles/{profile}", profiles.show, "settings"),
    Route("POST", "/settings/profiles/{profile}", profiles.change, "settings", upload=True, fresh="always"),
    Route("GET", "/settings/profiles/{profile}/versions/{version}", profiles.show_version, "settings"),
    Route("GET", "/settings/profiles/{profile}/leave-out", profiles.ask_leaving_out, "settings"),
    Route("POST", "/settings/profiles/{profile}/leave-out", profiles.leave_out, "settings", fresh="always"),
    Route("GET", "/settings/tariffs/{item}/form", tariffs.show, "settings"),
    Route("POST", "/settings/tariffs/{item}/form", tariffs.change, "settings", fresh="always", many=True),
    Route("GET", "/settings/{section}", settings.show_section, "settings"),
    Route("POST", "/settings/{section}", settings.change, "settings", fresh="always", many=True),
    Route("GET", "/settings/{section}/{item}", settings.show_item, "settings"),
    Route("POST", "/settings/{section}/{item}", settings.change, "settings", fresh="always", many=True),
    Route("GET", "/till", till.show, "see_till"),
    Route("GET", "/till/days", till_days.show, "see_till"),
    Route("GET", "/till/days.xlsx", till_days.export, "see_till"),
    Route("POST", "/till/open", till.open_till, "sell"),
    Route("POST", "/till/close", till.close_till, "sell"),
    Route("GET", "/till/shifts/{shift}", till.show_shift, "see_till"),
    Route("POST", "/till/day", till.close_day, "close_day", fresh="always"),
    Route("GET", "/tasks", tasks.show, "see_sales"),
    Route("POST", "/tasks/{request}/{answer}", tasks.answer, "refund", fresh="always"),
    Route("GET", "/sales", sales.show_day, "see_sales"),
    Route("GET", "/sales/{sale}", sales.show_result, "see_sales"),
    Route("GET", "/sales/{sale}/receipt", receipt.show, "see_sales"),
    Route("POST", "/sales/{sale}/receipt", receipt.print_copy, "see_sales"),
    Route("GET", "/roles", role_table.show, "see_roles"),
    Route("GET", "/alarms", alarms.show, "see_points"),
    Route("POST", "/alarms", alarms.acknowledge, "acknowledge_alarms", many=True),
    Route("GET", "/messages", messages.show, "see_sales"),
    Route("POST", "/messages/switch", messages.switch, "keep_messages"),
    Route("POST", "/messages/settings", messages.save, "keep_messages"),
    Route("POST", "/messages/language", messages.set_language, "keep_messages"),
    Route("GET", "/messages/texts", messages.show_texts, "see_sales"),
    Route("GET", "/messages/texts/{occasion}/{language}", messages.show_text, "see_sales"),
    Route("POST", "/messages/texts/{occasion}/{language}", messages.save_text, "keep_messages"),
    Route("POST", "/messages/{message}/again", messages.again, "keep_messages"),
    Route("POST", "/messages/{message}/withdraw", messages.withdraw, "keep_messages"),
    Route("POST", "/customer-links/{account}/revoke", customer_link.revoke, "keep_messages"),
    Route("GET", "/my/{token}", customer_link.show, "anyone"),
    Route("GET", "/operations", operations.show, "operate_many"),
    Route("POST", "/operations/order/mode/{kind}", operations.order, "set_mode", many=True, fresh="protected"),
    Route("POST", "/operations/order/service/{kind}", operations.order, "put_in_service", many=True),
    Route("POST", "/operations/order/lock-out/{kind}", operations.order, "lock_out", many=True),
    Route("GET", "/operations/{batch}", operations.show_batch, "operate_many"),
    Route("GET", "/reports", _show_reports, "see_points"),
    *(Route("GET", f"/reports/{kind}", reports.show, right) for kind, right in REPORTS.items()),
    *(Route("GET", f"/reports/{kind}.xlsx", reports.export, right) for kind, right in REPORTS.items()),
    Route("POST", "/exports", _begin_export, "see_points"),
    Route("GET", "/exports/{job}", exports.show, "see_points"),
    Route("GET", "/exports/{job}/file", exports.fetch, "see_points"),
    Route("GET", "/staff", staff.show, "manage_staff"),
    Route("POST", "/staff", staff.add, "manage_staff", fresh="always"),
    Route("GET", "/staff/{staff}", staff.show_person, "manage_staff"),
    Route("POST", "/staff/{staff}", staff.change, "manage_staff", fresh="always"),
    Route("POST", "/staff/{staff}/link", staff.offer_password, "manage_staff", fresh="always"),
    Route("POST", "/staff/{staff}/sessions", staff.end_sessions, "manage_staff", fresh="always"),
    Route("GET", "/password/{token}", staff.show_password, "anyone"),
    Route("POST", "/password/{token}", staff.set_password, "anyone"),
)
"""GET reads and changes nothing; what changes anything is a POST with a form token."""

FOR_PROGRAMS: Final = ("/api/", "/v1/", "/healthz")
"""Addresses that no person types: their answers are documents, not pages."""

LIVE_ROUTES: Final[tuple[LiveRoute, ...]] = (
    LiveRoute("/live/monitor", streams.monitor, "see_points"),
    LiveRoute("/live/points/{point}", streams.point, "see_points"),
    LiveRoute("/live/sales/{sale}", streams.sale, "see_sales"),
    LiveRoute("/live/refunds/{refund}", streams.refund, "see_sales"),
    LiveRoute("/live/exports/{job}", streams.export, "see_points"),
    LiveRoute("/live/operations/{batch}", streams.batch, "operate_many"),
    LiveRoute("/live/alarms", alarms.news, "see_points"),
)
