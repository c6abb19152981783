"""Addresses for people who sign in, and for tokens of other programs."""

from typing import Annotated

from fastapi import APIRouter, Depends, Request, Response

from cloud_server.api.bearer import asks_for, caller_token
from cloud_server.api.bodies import StaffIn, StaffOut, TokenIn, TokenOut, TokenRow
from cloud_server.api.paging import PAGE, After, Limit, Page, page_in_memory
from cloud_server.api.problems import ApiProblem, field_error
from cloud_server.core.api_token import ApiToken
from cloud_server.core.mistakes import NotFound
from cloud_server.core.territory import Territory
from cloud_server.flows.centre import Centre
from cloud_server.flows.issue_token import issue_token, revoke_token
from cloud_server.flows.sign_in import SignIn, StaffMistakes
from cloud_server.ports import Actor


def people_routes(centre: Centre, sign_in: SignIn) -> APIRouter:
    """Staff and tokens."""
    router = APIRouter(prefix="/api/v1", tags=["people and tokens"])
    _staff_routes(router, centre, sign_in)
    _token_routes(router, centre)
    return router


def _staff_routes(router: APIRouter, centre: Centre, sign_in: SignIn) -> None:
    @router.post("/staff", status_code=201)
    def add_person(body: StaffIn, by: Annotated[Actor, Depends(asks_for(centre, "provision"))]) -> StaffOut:
        """Someone who may sign in at the console."""
        try:
            row = sign_in.add_staff(body.name, body.display_name, body.password, frozenset(body.roles), by.name)
        except StaffMistakes as fault:
            found = {"name": fault.name, "display_name": fault.display_name, "password": fault.password}
            errors = [field_error(field, "", str(what)) for field, what in found.items() if what is not None]
            raise ApiProblem(422, "This person cannot be added", errors=errors) from None
        return StaffOut(id=row.staff, name=row.name, display_name=row.display_name, roles=sorted(row.roles))


def _token_routes(router: APIRouter, centre: Centre) -> None:
    admin = Depends(asks_for(centre, "admin"))

    @router.post("/tokens", status_code=201)
    def add_token(request: Request, body: TokenIn) -> TokenOut:
        """A token for another program, with scopes that the caller's own may give."""
        caller = caller_token(centre, request, "provision")
        errors = [
            field_error("scopes", scope, "the token that asks may not give this scope")
            for scope in caller.may_not_give(body.scopes)
        ]
        if errors:
            raise ApiProblem(403, "The token may not give this scope", errors=errors)
        territory = _territory(centre, body)
        issued = issue_token(centre, body.name, body.scopes, body.days, f"api:{caller.name}", territory)
        return TokenOut(
            token=issued.secret,
            name=body.name,
            scopes=sorted(issued.kept.scopes),
            ends_at_ms=issued.kept.ends_at_ms,
        )

    @router.get("/tokens", dependencies=[admin])
    def tokens(after: After = "", limit: Limit = PAGE) -> Page[TokenRow]:
        """Tokens that were given, without their secrets."""
        with centre.store.read() as unit:
            known = unit.tokens.tokens()
        return page_in_memory(known, after, limit, lambda one: one.token, _token)

    @router.delete("/tokens/{token}", status_code=204)
    def revoke(token: str, by: Annotated[Actor, admin]) -> Response:
        """End a token now; whoever holds it is refused with the next request."""
        if not revoke_token(centre, token, by.name):
            raise NotFound("token", token)
        return Response(status_code=204)


def _territory(centre: Centre, body: TokenIn) -> Territory:
    """The buildings that a token is to be limited to, each of them in the plan."""
    territory = Territory(frozenset(body.buildings) if body.buildings is not None else None)
    with centre.store.read() as unit:
        plan = unit.fleet.plan()
    known = {one.building for one in plan.buildings} if plan is not None else set()
    strange = sorted((territory.buildings or frozenset()) - known)
    if strange:
        errors = [field_error("buildings", one, "a building of the site's plan") for one in strange]
        raise ApiProblem(422, "The request cannot be taken", errors=errors)
    return territory


def _token(one: ApiToken) -> TokenRow:
    return TokenRow(
        id=one.token,
        name=one.name,
        scopes=sorted(one.scopes),
        made_at_ms=one.made_at_ms,
        made_by=one.made_by,
        ends_at_ms=one.ends_at_ms,
        revoked_at_ms=one.revoked_at_ms,
        buildings=None if one.territory.buildings is None else sorted(one.territory.buildings),
    )
