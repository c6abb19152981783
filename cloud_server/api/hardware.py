"""Addresses for what people decide about hardware: other hardware, a fork, a key that is believed no more."""

from typing import Annotated, Literal

from fastapi import APIRouter, Depends, Response
from pydantic import BaseModel, Field, StrictStr

from cloud_server.api.bearer import asks_for
from cloud_server.api.bodies import Body
from cloud_server.api.paging import Page, whole
from cloud_server.core.fleet import Box
from cloud_server.flows import box_hardware, enrol_box, look_at_evidence
from cloud_server.flows.centre import Centre
from cloud_server.ports import Actor


class ReasonIn(Body):
    """Why it is done."""

    reason: StrictStr = Field(min_length=1, max_length=200, examples=["stolen from the shaft"])


class DecisionIn(ReasonIn):
    """Which hardware goes on: the one with the key on record, the other being off, or other hardware."""

    goes_on: Literal["present", "new"]


class HardwareOut(BaseModel):
    """A box after a decision; `claim` is the text of a claim file where other hardware is to come in."""

    box: str
    name: str
    state: str
    epoch: int
    claim: str | None = None


class BranchOut(BaseModel):
    """One line that a box signed and its chain does not take."""

    hash: str
    verdict: str
    received_at_ms: int
    epoch: int | None
    seq: int | None
    sealed_at_ms: int | None
    boot: str | None
    agent: str | None


def hardware_routes(centre: Centre) -> APIRouter:
    """Replace, decide, revoke, and what there is to decide from."""
    router = APIRouter(prefix="/api/v1/boxes/{box}", tags=["provisioning"])
    provisions = Depends(asks_for(centre, "provision"))

    @router.post("/replacement")
    def replacement(box: str, by: Annotated[Actor, provisions]) -> Response:
        """A claim file for other hardware at this place; the old one serves until the other is confirmed."""
        text = enrol_box.make_claim(centre, box, by.name, replaces=True)
        return Response(text, media_type="application/toml")

    @router.post("/hardware")
    def decide(box: str, body: DecisionIn, by: Annotated[Actor, provisions]) -> HardwareOut:
        """After a fork, or for a box that lost its store and cannot say so: which hardware goes on."""
        decided = box_hardware.decide_quarantine(centre, box, body.goes_on, by.name, body.reason)
        return _out(decided.box, decided.claim)

    @router.post("/revocation")
    def revoke(box: str, body: ReasonIn, by: Annotated[Actor, provisions]) -> HardwareOut:
        """Believe nothing more that this box's keys sign."""
        return _out(box_hardware.revoke_box(centre, box, by.name, body.reason))

    @router.get("/evidence", dependencies=[Depends(asks_for(centre, "read"))])
    def evidence(box: str) -> Page[BranchOut]:
        """Lines that this box signed and that its chain does not take, newest first."""
        seen = look_at_evidence.evidence_of(centre, box)
        return whole([BranchOut.model_validate(line, from_attributes=True) for line in seen])

    return router


def _out(box: Box, claim: str | None = None) -> HardwareOut:
    return HardwareOut(box=box.box, name=box.name, state=box.state.value, epoch=box.epoch, claim=claim)
