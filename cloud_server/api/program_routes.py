"""All addresses for other programs on one application, behind the door that guards them."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Final

from fastapi import FastAPI
from fastapi.openapi.utils import get_openapi

from cloud_server.api.accounts import account_routes
from cloud_server.api.alarms import alarm_routes
from cloud_server.api.bearer import BEARER
from cloud_server.api.commands import command_routes
from cloud_server.api.door import ApiDoor
from cloud_server.api.examples import EXAMPLES
from cloud_server.api.gateway import gateway_routes
from cloud_server.api.health import health_routes
from cloud_server.api.meters import meter_routes
from cloud_server.api.metrics import metric_routes
from cloud_server.api.people import people_routes
from cloud_server.api.problems import MEDIA_TYPE, Problem
from cloud_server.api.provision import provision_routes
from cloud_server.api.readings import reading_routes
from cloud_server.api.refunds import refund_routes
from cloud_server.api.reports import report_routes
from cloud_server.api.request_counts import RequestCounts
from cloud_server.api.sales import sales_routes
from cloud_server.api.throttle import Throttle
from cloud_server.api.webhooks import webhook_routes
from cloud_server.flows.centre import Centre
from cloud_server.flows.sign_in import SignIn
from cloud_server.ports import AlarmDesk, Books, Desk, LiveFeed, Operations, Reports

OPENAPI_URL: Final = "/api/v1/openapi.json"
SUMMARY: Final = "Meters, accounts, sales, refunds, alarms, readings and reports of one site, for other programs."
_PROBLEMS: Final = {
    "400": "The request is not what belongs here",
    "401": "No token, or one that is unknown or over",
    "403": "The token does not have the scope",
    "404": "There is no such thing",
    "409": "The books do not allow it; nothing was done",
    "413": "The body is too large",
    "422": "The request has mistakes, all of them named; nothing was done",
    "429": "Too many requests; ask again after Retry-After seconds",
    "503": "Not now; ask again with the same key after Retry-After seconds",
}


@dataclass(frozen=True, kw_only=True)
class ProgramServices:
    """What the addresses are given."""

    centre: Centre
    books: Books
    desk: Desk
    feed: LiveFeed
    alarms: AlarmDesk
    operations: Operations
    sign_in: SignIn
    reports: Reports
    database_bytes: Callable[[], int | None]
    throttle: Throttle = field(default_factory=Throttle)


def mount_programs(app: FastAPI, services: ProgramServices) -> None:
    """Put every address of `/api/v1`, `/metrics` and `/healthz` on the application."""
    centre = services.centre
    counts = RequestCounts()
    app.state.throttle = services.throttle
    for router in (
        meter_routes(centre, services.books, services.feed),
        account_routes(centre),
        gateway_routes(centre),
        sales_routes(centre, services.desk),
        refund_routes(centre),
        command_routes(centre, services.operations),
        alarm_routes(centre, services.alarms),
        reading_routes(centre),
        report_routes(centre, services.reports),
        webhook_routes(centre),
        provision_routes(centre),
        people_routes(centre, services.sign_in),
        metric_routes(centre, counts, services.database_bytes),
        health_routes(centre),
    ):
        app.include_router(router)
    app.add_middleware(ApiDoor, throttle=services.throttle, counts=counts, clock=centre.clock)
    app.openapi = lambda: _document(app)  # type: ignore[method-assign]  # the framework's own way to change it


def _document(app: FastAPI) -> dict[str, Any]:
    """The OpenAPI document, with the problems and the token that every address of the API has in common."""
    if app.openapi_schema is not None:
        return app.openapi_schema
    made = get_openapi(title=app.title, version=app.version, summary=SUMMARY, routes=app.routes)
    parts = made.setdefault("components", {})
    parts.setdefault("schemas", {})["Problem"] = Problem.model_json_schema(ref_template="#/components/schemas/{model}")
    parts["schemas"] |= parts["schemas"]["Problem"].pop("$defs", {})
    parts["securitySchemes"] = {"token": {"type": "http", "scheme": "bearer", "description": BEARER.model.description}}
    for path, methods in made["paths"].items():
        for operation in methods.values():
            _complete(operation, open_to_all=path == "/healthz")
    for name in ("HTTPValidationError", "ValidationError"):
        parts["schemas"].pop(name, None)
    for name, example in EXAMPLES.items():
        if name in parts["schemas"]:
            parts["schemas"][name]["examples"] = [example]
    app.openapi_schema = made
    return made


def _complete(operation: dict[str, Any], *, open_to_all: bool) -> None:
    content = {MEDIA_TYPE: {"schema": {"$ref": "#/components/schemas/Problem"}}}
    if open_to_all:
        return
    operation["security"] = [{"token": []}]
    for status, text in _PROBLEMS.items():
        operation["responses"][status] = {"description": text, "content": content}
