"""Who calls the staff API: a bearer token, looked up at every request, and the scope that an address asks for."""

from collections.abc import Callable

from fastapi import Request

from cloud_server.api.problems import ApiProblem
from cloud_server.core.api_token import ApiToken, Scope
from cloud_server.core.enrolment import token_hash
from cloud_server.core.money_requests import CONFIRMING
from cloud_server.core.roles import Role
from cloud_server.flows.centre import Centre
from cloud_server.ports import Actor

CHALLENGE = {"WWW-Authenticate": 'Bearer realm="tallybox"'}


def actor_of(token: ApiToken) -> Actor:
    """The token as ledger and audit name it."""
    roles: frozenset[Role] = frozenset({CONFIRMING}) if "confirm" in token.scopes else frozenset()
    return Actor(id=token.token, name=f"api:{token.name}", display_name=token.name, roles=roles)


def asks_for(centre: Centre, scope: Scope) -> Callable[[Request], Actor]:
    """A dependency that lets in whoever holds a token with this scope."""

    def caller(request: Request) -> Actor:
        return actor_of(caller_token(centre, request, scope))

    return caller


def caller_token(centre: Centre, request: Request, scope: Scope) -> ApiToken:
    """The token of a request. Raises ApiProblem: 401 without a token that holds, 403 without its scope."""
    kind, _, secret = request.headers.get("authorization", "").partition(" ")
    if kind.lower() != "bearer" or not secret.strip():
        raise ApiProblem(401, "A bearer token is needed", headers=CHALLENGE)
    with centre.store.read() as unit:
        token = unit.tokens.token_by_hash(token_hash(secret.strip()))
    if token is None or not token.holds(centre.clock.wall_ms()):
        raise ApiProblem(401, "The token is unknown or over", headers=CHALLENGE)
    if not token.may(scope):
        raise ApiProblem(403, f"The token does not have the scope {scope}")
    return token
