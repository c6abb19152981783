"""Every address of the console beside its page and the right it asks. The one place that ties them together."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from inspect import isawaitable
from typing import Final, Literal
from urllib.parse import quote

from fastapi import FastAPI
from fastapi.exception_handlers import http_exception_handler
from starlette.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect, Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route as StarletteRoute

from cloud_server.core.mistakes import NotNow
from cloud_server.core.report_table import ReportKind
from cloud_server.core.roles import Right
from cloud_server.flows.sign_in import Who
from cloud_server.web import forms, guard
from cloud_server.web.compress import compress
from cloud_server.web.language import choose_language
from cloud_server.web.live import MonitorHub, StreamSlots
from cloud_server.web.pages import (
    alarms,
    errors,
    look,
    monitor,
    operations,
    point,
    receipt,
    refunds,
    reports,
    reversal,
    role_table,
    sales,
    sign_in,
    staff,
    streams,
)
from cloud_server.web.pages.page import Console
from cloud_server.web.render import Renderer
from cloud_server.web.services import Services
from cloud_server.web.static_files import StaticNames
from cloud_server.web.visit import Theme, Visit, rights_for

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


@dataclass(frozen=True, slots=True)
class LiveRoute:
    """One stream of server-sent events."""

    path: str
    stream: Stream
    ask: Ask


REPORTS: Final[dict[ReportKind, Right]] = {
    "sales": "see_books",
    "energy": "see_points",
    "income": "see_books",
    "compare": "see_points",
    "hours": "see_points",
    "loss": "see_points",
    "vacant": "see_points",
    "balances": "see_books",
    "registers": "see_points",
    "lost": "see_points",
    "trial": "see_books",
    "rollforward": "see_books",
    "statement": "see_sales",
    "modes": "see_points",
    "alarms": "see_points",
    "events": "see_points",
    "audit": "see_audit",
}
"""Each report with the right that it asks, on the screen and as a file."""


def _show_reports(console: Console, visit: Visit) -> Response:
    return reports.show_home(console, visit, REPORTS)


ROUTES: Final[tuple[Route, ...]] = (
    Route("GET", "/sign-in", sign_in.show_form, "anyone"),
    Route("POST", "/sign-in", sign_in.enter, "anyone"),
    Route("POST", "/sign-out", sign_in.leave, "anyone"),
    Route("GET", "/setup/{token}", sign_in.show_setup, "anyone"),
    Route("POST", "/setup/{token}", sign_in.set_up, "anyone"),
    Route("POST", "/look", look.choose, "anyone"),
    Route("GET", "/", monitor.show, "see_points"),
    Route("GET", "/points/{point}", point.show, "see_points"),
    Route("GET", "/points/{point}/mode/{kind}", point.ask_order, "set_mode"),
    Route("POST", "/points/{point}/mode/{kind}", point.give_order, "set_mode"),
    Route("GET", "/points/{point}/service/{kind}", point.ask_order, "put_in_service"),
    Route("POST", "/points/{point}/service/{kind}", point.give_order, "put_in_service"),
    Route("GET", "/points/{point}/lock-out", point.ask_order, "lock_out"),
    Route("POST", "/points/{point}/lock-out", point.give_order, "lock_out"),
    Route("GET", "/points/{point}/lift-lock-out", point.ask_order, "lift_lock_out"),
    Route("POST", "/points/{point}/lift-lock-out", point.give_order, "lift_lock_out"),
    Route("GET", "/desk", sales.show_desk, "sell"),
    Route("GET", "/desk/{account}", sales.show_form, "sell"),
    Route("POST", "/desk/{account}", sales.confirm_or_sell, "sell"),
    Route("GET", "/desk/{account}/refund", refunds.show_form, "refund"),
    Route("POST", "/desk/{account}/refund", refunds.ask, "refund"),
    Route("GET", "/refunds", refunds.show_list, "see_sales"),
    Route("GET", "/refunds/{refund}", refunds.show, "see_sales"),
    Route("POST", "/refunds/{refund}/{step}", refunds.take_step, "refund"),
    Route("GET", "/sales/{sale}/reversal", reversal.show_form, "refund"),
    Route("POST", "/sales/{sale}/reversal", reversal.reverse, "refund"),
    Route("GET", "/sales", sales.show_day, "see_sales"),
    Route("GET", "/sales/{sale}", sales.show_result, "see_sales"),
    Route("GET", "/sales/{sale}/receipt", receipt.show, "see_sales"),
    Route("POST", "/sales/{sale}/receipt", receipt.print_copy, "see_sales"),
    Route("GET", "/roles", role_table.show, "see_roles"),
    Route("GET", "/alarms", alarms.show, "see_points"),
    Route("POST", "/alarms", alarms.acknowledge, "acknowledge_alarms", many=True),
    Route("GET", "/operations", operations.show, "operate_many"),
    Route("POST", "/operations/order/mode/{kind}", operations.order, "set_mode", many=True),
    Route("POST", "/operations/order/service/{kind}", operations.order, "put_in_service", many=True),
    Route("POST", "/operations/order/lock-out/{kind}", operations.order, "lock_out", many=True),
    Route("GET", "/operations/{batch}", operations.show_batch, "operate_many"),
    Route("GET", "/reports", _show_reports, "see_points"),
    *(Route("GET", f"/reports/{kind}", reports.show, right) for kind, right in REPORTS.items()),
    *(Route("GET", f"/reports/{kind}.xlsx", reports.export, right) for kind, right in REPORTS.items()),
    Route("GET", "/staff", staff.show, "manage_staff"),
    Route("POST", "/staff", staff.add, "manage_staff"),
    Route("GET", "/staff/{staff}", staff.show_person, "manage_staff"),
    Route("POST", "/staff/{staff}", staff.change, "manage_staff"),
    Route("POST", "/staff/{staff}/link", staff.offer_password, "manage_staff"),
    Route("POST", "/staff/{staff}/sessions", staff.end_sessions, "manage_staff"),
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
    LiveRoute("/live/operations/{batch}", streams.batch, "operate_many"),
    LiveRoute("/live/alarms", alarms.news, "see_points"),
)


def mount(app: FastAPI, services: Services) -> None:
    """Put the console into the program's app. Whoever wires the program calls this once."""
    static = StaticNames()
    console = Console(renderer=Renderer(static), hub=MonitorHub(services.books, services.feed), slots=StreamSlots())

    async def send_static(request: Request) -> Response:
        return guard.dress(
            static.answer(request.path_params["digest"], request.path_params["name"]), services.public_url
        )

    app.router.routes.append(StarletteRoute("/static/{digest}/{name:path}", send_static, methods=["GET"]))
    for route in ROUTES:
        endpoint = _page_endpoint(console, services, route)
        app.router.routes.append(StarletteRoute(route.path, endpoint, methods=[route.method]))
    for live in LIVE_ROUTES:
        app.router.routes.append(StarletteRoute(live.path, _live_endpoint(console, services, live), methods=["GET"]))
    _answer_unknown_addresses(app, console, services)


def _answer_unknown_addresses(app: FastAPI, console: Console, services: Services) -> None:
    """People get a page; programs, under /api and /v1, get what the program itself answers (a problem document)."""
    before = app.exception_handlers.get(HTTPException, http_exception_handler)

    async def answer(request: Request, fault: Exception) -> Response:
        assert isinstance(fault, HTTPException)
        if request.url.path.startswith(FOR_PROGRAMS) or fault.status_code not in (404, 405):
            answered = before(request, fault)
            return await answered if isawaitable(answered) else answered
        visit = await run_in_threadpool(visit_of, services, request, {}, uses=False)
        response = errors.not_found(console, visit) if visit.who is not None else _to_sign_in(visit, request.method)
        return guard.dress(response, services.public_url)

    app.add_exception_handler(HTTPException, answer)


def _page_endpoint(console: Console, services: Services, route: Route) -> Callable[[Request], Awaitable[Response]]:
    async def endpoint(request: Request) -> Response:
        form: dict[str, str] = {}
        if route.method == "POST":
            try:
                form = await forms.read_form(request, many=route.many)
            except forms.BadForm as error:
                return guard.dress(
                    Response(str(error), status_code=error.status, media_type="text/plain"), services.public_url
                )
            except ClientDisconnect:
                return Response(status_code=400)
        return await run_in_threadpool(_answer, console, services, route, request, form)

    return endpoint


def _answer(console: Console, services: Services, route: Route, request: Request, form: dict[str, str]) -> Response:
    new_visitor = guard.VISITOR_COOKIE not in request.cookies
    visit = visit_of(services, request, form, uses=True)
    response = _refusal(console, visit, route.ask, request, route.method)
    if response is None:
        try:
            response = route.page(console, visit)
        except NotNow as fault:
            response = errors.not_now(console, visit, str(fault))
    if new_visitor and visit.who is None:
        guard.set_visitor(response, visit.secret)
    return compress(guard.dress(response, services.public_url), request.headers.get("accept-encoding", ""))


def _refusal(console: Console, visit: Visit, ask: Ask, request: Request, method: str) -> Response | None:
    if method == "POST" and not (
        guard.is_from_here(request.headers, guard.own_url(request), visit.services.public_url)
        and guard.form_token_fits(visit.secret, visit.form.get("form_token", ""))
    ):
        return errors.foreign_form(console, visit)
    if ask == "anyone":
        return None
    if visit.who is None:
        return _to_sign_in(visit, method)
    if ask != "signed_in" and ask not in visit.rights:
        return errors.forbidden(console, visit, ask)
    return None


def _to_sign_in(visit: Visit, method: str) -> Response:
    if visit.is_partial:
        # A piece of a page must not turn into a sign-in form in the middle of it.
        return Response(status_code=401, headers={"HX-Redirect": "/sign-in"})
    back = visit.path if method == "GET" and visit.path != "/" else ""
    return RedirectResponse(f"/sign-in?next={quote(back)}" if back else "/sign-in", status_code=303)


def _live_endpoint(console: Console, services: Services, live: LiveRoute) -> Callable[[Request], Awaitable[Response]]:
    async def endpoint(request: Request) -> Response:
        visit = await run_in_threadpool(visit_of, services, request, {}, uses=False)
        if visit.who is None or (live.ask not in {"anyone", "signed_in"} and live.ask not in visit.rights):
            return guard.dress(Response(status_code=401 if visit.who is None else 403), services.public_url)
        return guard.dress(await live.stream(console, visit, request), services.public_url)

    return endpoint


def visit_of(services: Services, request: Request, form: dict[str, str], *, uses: bool) -> Visit:
    """Who asks, with rights read at this very request."""
    token = request.cookies.get(guard.SESSION_COOKIE, "")
    who: Who | None = services.sign_in.who(token, uses=uses) if token else None
    visitor = request.cookies.get(guard.VISITOR_COOKIE, "") or guard.make_visitor(services.chance)
    return Visit(
        services=services,
        path=request.url.path,
        parts=dict(request.path_params),
        query=dict(request.query_params),
        form=form,
        address=request.client.host if request.client else "",
        who=who,
        secret=token if who is not None else visitor,
        language=choose_language(
            request.cookies.get(guard.LANGUAGE_COOKIE), request.headers.get("accept-language", "")
        ),
        theme=_theme(request.cookies.get(guard.THEME_COOKIE)),
        now_ms=services.clock.wall_ms(),
        is_partial=request.headers.get("hx-request") == "true",
        rights=rights_for(who),
        view=request.cookies.get(guard.VIEW_COOKIE, ""),
    )


def _theme(wanted: str | None) -> Theme:
    return "light" if wanted == "light" else "dark" if wanted == "dark" else "auto"
