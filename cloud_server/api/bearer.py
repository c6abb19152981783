"""Who calls the staff API: a bearer token, looked up at every request, and the scope that an address asks for."""

import logging
from collections.abc import Callable

from fastapi import Request
from fastapi.security import HTTPBearer

from cloud_server.api.problems import ApiProblem
from cloud_server.api.sight import hold_to_buildings
from cloud_server.api.throttle import Throttle
from cloud_server.core.api_token import ApiToken, Scope
from cloud_server.core.enrolment import token_hash
from cloud_server.core.money_requests import CONFIRMING
from cloud_server.core.roles import Role
from cloud_server.flows.centre import Centre
from cloud_server.ports import Actor

log = logging.getLogger(__name__)
CHALLENGE = {"WWW-Authenticate": 'Bearer realm="tallybox"'}
BEARER = HTTPBearer(auto_error=False, description="A token of this centre, `tbx_…`: see docs/api.md, Tokens.")
"""Only so that the OpenAPI document says how one signs in."""


def actor_of(token: ApiToken) -> Actor:
    """The token as ledger and audit name it."""
    roles: frozenset[Role] = frozenset({CONFIRMING}) if "confirm" in token.scopes else frozenset()
    return Actor(
        id=token.token, name=f"api:{token.name}", display_name=token.name, roles=roles, territory=token.territory
    )


def asks_for(centre: Centre, *scopes: Scope) -> Callable[[Request], Actor]:
    """A dependency that lets in whoever holds a token with one of these scopes."""

    def caller(request: Request) -> Actor:
        return actor_of(caller_token(centre, request, *scopes))

    return caller


def caller_token(centre: Centre, request: Request, *scopes: Scope) -> ApiToken:
    """The token of a request. Raises ApiProblem: 401 without a token that holds, 403 without a scope, 429; 403 and 404
    where the token is limited to buildings and asks for what is elsewhere."""
    now_ms = centre.clock.wall_ms()
    throttle = getattr(request.app.state, "throttle", None)
    kind, _, secret = request.headers.get("authorization", "").partition(" ")
    token = None
    if kind.lower() == "bearer" and secret.strip():
        with centre.store.read() as unit:
            token = unit.tokens.token_by_hash(token_hash(secret.strip()))
    if token is None or not token.holds(now_ms):
        if isinstance(throttle, Throttle):
            throttle.let_in("stranger", request.client.host if request.client else "", now_ms)
        title = "The token is unknown or over" if secret.strip() else "A bearer token is needed"
        raise ApiProblem(401, title, headers=CHALLENGE)
    if isinstance(throttle, Throttle):
        throttle.let_in("token", token.token, now_ms)
    if not any(token.may(scope) for scope in scopes):
        log.warning("scope_refused", extra={"token": token.name, "scopes": list(scopes), "path": request.url.path})
        raise ApiProblem(403, f"The token does not have the scope {' or '.join(scopes)}")
    hold_to_buildings(centre, request, token.territory)
    return token


def own_operator(centre: Centre, request: Request, operator: str | None) -> tuple[str | None, Actor]:
    """The operator whose sales may be looked at: the token itself where it may only sell; and the token."""
    token = caller_token(centre, request, "read", "sell")
    by = actor_of(token)
    return (operator if token.may("read") else by.name), by
