"""Addresses for provisioning: the site's plan and its boxes."""

from typing import Annotated

from fastapi import APIRouter, Depends, Request, Response
from starlette.concurrency import run_in_threadpool

from cloud_server.api.bearer import asks_for
from cloud_server.api.bodies import BoxOut, ConfirmIn, PlanOut
from cloud_server.api.paging import PAGE, After, Limit, Page, page_in_memory
from cloud_server.api.problems import ApiProblem, field_error
from cloud_server.core.enrolment import fingerprint
from cloud_server.core.fleet import Box, BoxState
from cloud_server.core.fleet_health import in_reach
from cloud_server.flows import enrol_box, plan_site
from cloud_server.flows.centre import Centre
from cloud_server.ports import Actor
from protocol.errors import BadPayload
from protocol.payload import read_payload
from protocol.site_plan import SitePlan

PLAN_EXAMPLE = "the plan as `provision site apply` sends it: see the wire documentation, SitePlan"


def provision_routes(centre: Centre) -> APIRouter:
    """Plan and boxes."""
    router = APIRouter(prefix="/api/v1", tags=["provisioning"])
    _plan_routes(router, centre)
    _box_routes(router, centre)
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
    def boxes(after: After = "", limit: Limit = PAGE) -> Page[BoxOut]:
        """Boxes of the plan with how far each has come, by id."""
        with centre.store.read() as unit:
            asked = unit.enrolments.enrolments()
            rows = unit.fleet.boxes()
            waiting = {row.box for row in rows if enrol_box.replacement_waits(unit, row)}
        shown = {box: one.keyid for box, one in asked.items()}
        hidden = (BoxState.PLANNED, BoxState.CLAIMED)
        fingerprints = {row.box: shown.get(row.box) for row in rows if row.state not in hidden}

        def show(row: Box) -> BoxOut:
            one = _box(centre, row, fingerprints.get(row.box))
            if row.box not in waiting:
                return one
            return one.model_copy(update={"replacement": one.fingerprint, "fingerprint": None})

        return page_in_memory(rows, after, limit, lambda row: row.box, show)

    @router.post(
        "/boxes/{box}/claim",
        response_class=Response,
        responses={200: {"content": {"application/toml": {"schema": {"type": "string"}}}}},
    )
    def claim(box: str, by: Annotated[Actor, provisions]) -> Response:
        """A new claim file with a token for one use within 24 hours; an earlier one no longer holds."""
        return Response(enrol_box.make_claim(centre, box, by.name), media_type="application/toml")

    @router.post("/boxes/{box}/confirm")
    def confirm(box: str, body: ConfirmIn, by: Annotated[Actor, provisions]) -> BoxOut:
        """The fingerprint was compared on the box itself: take it in."""
        return _box(centre, enrol_box.confirm(centre, box, body.fingerprint, by.name), None)


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
