"""Addresses for provisioning: the site's plan, boxes, orders to meters, people and tokens."""

from typing import Annotated

from fastapi import APIRouter, Depends, Request, Response
from starlette.concurrency import run_in_threadpool

from cloud_server.api.bearer import asks_for, caller_token
from cloud_server.api.bodies import (
    BoxOut,
    CommandOut,
    ConfirmIn,
    ModeIn,
    OnIn,
    PlanOut,
    StaffIn,
    StaffOut,
    TokenIn,
    TokenOut,
)
from cloud_server.api.problems import ApiProblem, field_error
from cloud_server.core.enrolment import fingerprint
from cloud_server.core.fleet import Box, BoxState
from cloud_server.core.fleet_health import in_reach
from cloud_server.core.mistakes import NotFound
from cloud_server.flows import enrol_box, plan_site
from cloud_server.flows.centre import Centre
from cloud_server.flows.issue_token import issue_token
from cloud_server.flows.read_commands import command_row
from cloud_server.flows.sign_in import SignIn, StaffMistakes
from cloud_server.ports import Actor, Operation, OperationKind, Operations
from protocol.errors import BadPayload
from protocol.payload import read_payload
from protocol.site_plan import SitePlan

PLAN_EXAMPLE = "the plan as `provision site apply` sends it: see the wire documentation, SitePlan"


def provision_routes(centre: Centre, operations: Operations, sign_in: SignIn) -> APIRouter:
    """Plan, boxes, meters, people, tokens."""
    router = APIRouter(prefix="/api/v1", tags=["provisioning"])
    _plan_routes(router, centre)
    _box_routes(router, centre)
    _meter_routes(router, centre, operations)
    _people_routes(router, centre, sign_in)
    return router


def _plan_routes(router: APIRouter, centre: Centre) -> None:
    body = {"requestBody": {"required": True, "content": {"application/json": {"schema": {"type": "object"}}}}}

    @router.put("/site/plan", openapi_extra=body, description=PLAN_EXAMPLE)
    async def put_plan(request: Request, by: Annotated[Actor, Depends(asks_for(centre, "provision"))]) -> PlanOut:
        raw = await request.body()
        return await run_in_threadpool(_take_plan, centre, raw, by.name)


def _take_plan(centre: Centre, raw: bytes, by: str) -> PlanOut:
    try:
        plan = read_payload(raw, SitePlan)
    except BadPayload as fault:
        errors = [field_error("plan", "", str(fault))]
        raise ApiProblem(422, "The plan cannot be read", errors=errors) from None
    taken = plan_site.take_plan(centre, plan, by)
    return PlanOut(changed=taken.changed, configured=list(taken.configured))


def _box_routes(router: APIRouter, centre: Centre) -> None:
    provisions = Depends(asks_for(centre, "provision"))

    @router.get("/boxes", dependencies=[Depends(asks_for(centre, "read"))])
    def boxes() -> list[BoxOut]:
        """All boxes of the plan with how far each has come."""
        with centre.store.read() as unit:
            asked = unit.enrolments.enrolments()
            rows = unit.fleet.boxes()
            waiting = {row.box for row in rows if enrol_box.replacement_waits(unit, row)}
        shown = {box: one.keyid for box, one in asked.items()}
        hidden = (BoxState.PLANNED, BoxState.CLAIMED)
        found = [_box(centre, row, shown.get(row.box) if row.state not in hidden else None) for row in rows]
        return [
            one.model_copy(update={"replacement": one.fingerprint, "fingerprint": None}) if one.box in waiting else one
            for one in found
        ]

    @router.post("/boxes/{box}/claim")
    def claim(box: str, by: Annotated[Actor, provisions]) -> Response:
        """A new claim file with a token for one use within 24 hours; an earlier one no longer holds."""
        return Response(enrol_box.make_claim(centre, box, by.name), media_type="application/toml")

    @router.post("/boxes/{box}/confirm")
    def confirm(box: str, body: ConfirmIn, by: Annotated[Actor, provisions]) -> BoxOut:
        """The fingerprint was compared on the box itself: take it in."""
        return _box(centre, enrol_box.confirm(centre, box, body.fingerprint, by.name), None)

    @router.get("/boxes/{box}/commands/{command}", dependencies=[Depends(asks_for(centre, "read"))])
    def one_command(box: str, command: int) -> CommandOut:
        """How far a command has come."""
        with centre.store.read() as unit:
            row, fact = unit.fleet.box(box), unit.lines.command(box, command)
        if row is None or fact is None:
            raise NotFound("command", f"{box}/{command}")
        shown = command_row(fact, row, centre.clock.wall_ms())
        return CommandOut(box=box, command=command, kind=fact.kind, state=shown.state, reason=shown.reason)


def _box(centre: Centre, box: Box, keyid: str | None) -> BoxOut:
    return BoxOut(
        box=box.box,
        name=box.name,
        state=box.state.value,
        fingerprint=fingerprint(keyid) if keyid is not None else None,
        epoch=box.epoch,
        seen_at_ms=box.seen_at_ms,
        in_reach=in_reach(box, centre.wake.listening(box.box), centre.clock.wall_ms()),
    )


def _meter_routes(router: APIRouter, centre: Centre, operations: Operations) -> None:
    provisions = Depends(asks_for(centre, "provision"))

    def order(request: Request, meter: str, kind: OperationKind, by: Actor, until_ms: int | None = None) -> CommandOut:
        key = request.headers.get("idempotency-key", "").strip() or f"api/{centre.new_id()}"
        (row,) = operations.order(Operation(key=key, kind=kind, meters=(meter,), until_ms=until_ms), by)
        with centre.store.read() as unit:
            box = unit.fleet.box_of_meter(meter)
        return CommandOut(box=box or "", command=row.command, kind=row.kind, state=row.state, reason=row.reason)

    @router.post("/meters/{meter}/in-service", status_code=202)
    def in_service(request: Request, meter: str, body: OnIn, by: Annotated[Actor, provisions]) -> CommandOut:
        """Let enforcement switch the relay of a tested meter, or stop it."""
        return order(request, meter, "in_service" if body.on else "observe", by)

    @router.post("/meters/{meter}/mode", status_code=202)
    def mode(request: Request, meter: str, body: ModeIn, by: Annotated[Actor, provisions]) -> CommandOut:
        """Control mode of a meter."""
        return order(request, meter, body.mode, by, body.until_ms)

    @router.post("/meters/{meter}/lock-out", status_code=202)
    def lock_out(request: Request, meter: str, by: Annotated[Actor, provisions]) -> CommandOut:
        """Hang a lock-out: open until it is lifted by name."""
        return order(request, meter, "lock_out", by)

    @router.delete("/meters/{meter}/lock-out", status_code=202)
    def lift_lock_out(request: Request, meter: str, by: Annotated[Actor, provisions]) -> CommandOut:
        """Take a lock-out off."""
        return order(request, meter, "lift_lock_out", by)


def _people_routes(router: APIRouter, centre: Centre, sign_in: SignIn) -> None:
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

    @router.post("/tokens", status_code=201)
    def add_token(request: Request, body: TokenIn) -> TokenOut:
        """A token for another program; nobody gives away a scope of administration that they do not have."""
        caller = caller_token(centre, request, "provision")
        if "admin" in body.scopes and "admin" not in caller.scopes:
            errors = [field_error("scopes", "admin", "only a token with the scope admin may give it")]
            raise ApiProblem(403, "The token may not give this scope", errors=errors)
        issued = issue_token(centre, body.name, body.scopes, body.days, f"api:{caller.name}")
        return TokenOut(
            token=issued.secret,
            name=body.name,
            scopes=sorted(issued.kept.scopes),
            ends_at_ms=issued.kept.ends_at_ms,
        )
