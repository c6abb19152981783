"""Ties addresses, pages and guard together: who may, from where, with how fresh a proof; then the page answers."""

import logging
from collections.abc import Awaitable, Callable
from dataclasses import replace
from functools import cache
from inspect import isawaitable
from typing import Final
from urllib.parse import quote

from fastapi import FastAPI
from fastapi.exception_handlers import http_exception_handler
from starlette.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect, Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route as StarletteRoute

from cloud_server.core.mistakes import NotNow
from cloud_server.core.roles import RIGHTS
from cloud_server.flows.bounds import Verdict
from cloud_server.flows.second_factor import FORM_HOLDS_MS, PROOF_HOLDS_MS, Standing, Trust
from cloud_server.flows.sign_in import Who
from cloud_server.web import forms, guard, kept_form, uploads
from cloud_server.web.addresses import FOR_PROGRAMS, LIVE_ROUTES, ROUTES, LiveRoute, Route
from cloud_server.web.compress import compress
from cloud_server.web.export_jobs import ExportJobs
from cloud_server.web.language import choose_language
from cloud_server.web.live import MonitorHubs, StreamSlots
from cloud_server.web.pages import errors, second_factor
from cloud_server.web.pages.page import Console
from cloud_server.web.render import Renderer
from cloud_server.web.services import Services
from cloud_server.web.static_files import StaticNames
from cloud_server.web.visit import Theme, Visit, rights_for


@cache
def _read_once() -> tuple[StaticNames, Renderer]:
    """Files and templates as they lie beside the program: they do not change while it runs."""
    static = StaticNames()
    return static, Renderer(static)


def mount(app: FastAPI, services: Services) -> None:
    """Put the console into the program's app. Whoever wires the program calls this once."""
    static, renderer = _read_once()
    console = Console(
        renderer=renderer,
        hubs=MonitorHubs(),
        slots=StreamSlots(),
        exports=ExportJobs(),
    )

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
        files: dict[str, bytes] = {}
        if route.method == "POST":
            try:
                if route.upload:
                    form, files = await uploads.read_upload(request)
                else:
                    form = await forms.read_form(request, many=route.many)
            except forms.BadForm as error:
                return guard.dress(
                    Response(str(error), status_code=error.status, media_type="text/plain"), services.public_url
                )
            except ClientDisconnect:
                return Response(status_code=400)
        return await run_in_threadpool(_answer, console, services, route, request, form, files)

    return endpoint


def _answer(
    console: Console,
    services: Services,
    route: Route,
    request: Request,
    form: dict[str, str],
    files: dict[str, bytes],
) -> Response:
    new_visitor = guard.VISITOR_COOKIE not in request.cookies
    sent = kept_form.taken_up(form, files)
    visit = replace(visit_of(services, request, sent.fields, uses=True), files=sent.files, proof=sent.proof)
    response = _refusal(console, visit, route, request)
    if response is None:
        try:
            response = route.page(console, visit)
        except NotNow as fault:
            response = errors.not_now(console, visit, str(fault))
    if new_visitor and visit.who is None:
        guard.set_visitor(response, visit.secret)
    return compress(guard.dress(response, services.public_url), request.headers.get("accept-encoding", ""))


log = logging.getLogger(__name__)
UNFINISHED: Final = ("/second-factor", "/sign-out")
"""Where somebody may go whose sign-in lacks its second factor."""
ACTING: Final[frozenset[str]] = frozenset(RIGHTS) - {"see_points", "see_phones", "see_sales", "see_books"}
"""What needs an account or a box to be wholly within one's buildings: everything but looking."""
NAMED_IN_FORMS: Final = frozenset({"box", "meter", "account", "wallet", "from_wallet", "to_wallet"})
"""Fields that name where something goes: they are judged as parts of addresses are."""
NEVER_KEPT: Final = ("/me/password",)
"""Forms whose fields are secrets: they are typed again rather than put into a page."""
UNTRUSTED: Final = Trust(standing=Standing.WHOLE, has_factor=False, proven_at_ms=0)
"""Of somebody who is not signed in: there is nothing to be trusted with."""


def _refusal(console: Console, visit: Visit, route: Route, request: Request) -> Response | None:
    ask, method = route.ask, route.method
    if method == "POST" and not (
        guard.is_from_here(request.headers, guard.own_url(request), visit.services.public_url)
        and guard.form_token_fits(visit.secret, visit.form.get("form_token", ""))
    ):
        return errors.foreign_form(console, visit)
    if ask == "anyone":
        return None
    if visit.who is None:
        return _to_sign_in(visit, method)
    if visit.trust.standing is not Standing.WHOLE:
        return None if route.path in UNFINISHED else _to_form("/second-factor", visit, method)
    if ask != "signed_in" and ask not in visit.rights:
        log.warning("right_refused", extra={"person": visit.actor.name, "right": ask, "path": route.path})
        return errors.forbidden(console, visit, ask)
    verdict = verdict_on(visit)
    if verdict != "own":
        log.warning("outside_buildings", extra={"person": visit.actor.name, "path": route.path, "verdict": verdict})
    if verdict == "absent":
        return errors.not_found(console, visit)
    if verdict == "shared" and ask in ACTING:
        return errors.shared(console, visit)
    if _asks_fresh(route, visit):
        limit_ms = PROOF_HOLDS_MS if method == "GET" else FORM_HOLDS_MS
        if visit.now_ms - visit.trust.proven_at_ms > limit_ms:
            if method == "GET" or visit.is_partial or route.path in NEVER_KEPT:
                return _to_form("/proof", visit, "GET")
            return second_factor.prove_sender(console, visit, upload=route.upload)
    return None


def verdict_on(visit: Visit) -> Verdict:
    """Whether what the address names is within the buildings that the person is limited to."""
    if visit.services.bounds is None:
        return "own"
    named = {name: value for name, value in visit.form.items() if name in NAMED_IN_FORMS and value}
    return visit.services.bounds.judge({**named, **visit.parts}.items())


def _asks_fresh(route: Route, visit: Visit) -> bool:
    return route.fresh == "always" or (route.fresh == "protected" and visit.parts.get("kind") == "protected")


def _to_sign_in(visit: Visit, method: str) -> Response:
    return _to_form("/sign-in", visit, method)


def _to_form(form: str, visit: Visit, method: str) -> Response:
    """To a form that stands between, and from there back to where somebody wanted to go."""
    if visit.is_partial:
        # A piece of a page must not turn into such a form in the middle of it.
        return Response(status_code=401, headers={"HX-Redirect": form})
    back = visit.path if method == "GET" and visit.path != "/" else ""
    return RedirectResponse(f"{form}?next={quote(back)}" if back else form, status_code=303)


def _live_endpoint(console: Console, services: Services, live: LiveRoute) -> Callable[[Request], Awaitable[Response]]:
    async def endpoint(request: Request) -> Response:
        visit = await run_in_threadpool(visit_of, services, request, {}, uses=False)
        if visit.who is None or (live.ask not in {"anyone", "signed_in"} and live.ask not in visit.rights):
            return guard.dress(Response(status_code=401 if visit.who is None else 403), services.public_url)
        if await run_in_threadpool(verdict_on, visit) == "absent":
            return guard.dress(Response(status_code=404), services.public_url)
        return guard.dress(await live.stream(console, visit, request), services.public_url)

    return endpoint


def visit_of(services: Services, request: Request, form: dict[str, str], *, uses: bool) -> Visit:
    """Who asks, with rights read at this very request."""
    token = request.cookies.get(guard.SESSION_COOKIE, "")
    who: Who | None = services.sign_in.who(token, uses=uses) if token else None
    trust = services.second.trust(who, token) if who is not None else UNTRUSTED
    visitor = request.cookies.get(guard.VISITOR_COOKIE, "") or guard.make_visitor(services.chance)
    return Visit(
        services=services.within(who.actor.territory) if who is not None else services,
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
        trust=trust,
        rights=rights_for(who, trust),
        view=request.cookies.get(guard.VIEW_COOKIE, ""),
    )


def _theme(wanted: str | None) -> Theme:
    return "light" if wanted == "light" else "dark" if wanted == "dark" else "auto"
