"""Addresses of meters that change and boxes that retire."""

from typing import Annotated

from fastapi import APIRouter, Depends
from pydantic import BaseModel, Field, StrictInt

from cloud_server.api.bearer import asks_for
from cloud_server.api.bodies import Body, IdField, NameField, RegisterField
from cloud_server.api.closings import TypedIn, typed_registers
from cloud_server.api.refunds import Key, Reason, named_key
from cloud_server.core.contracts import ChangeKind, ChangeState
from cloud_server.flows.centre import Centre
from cloud_server.flows.office import Office
from cloud_server.ports import Actor
from cloud_server.ports.hardware_orders import ChangeAnswer, RelocateOrder, ReplaceOrder, RetireOrder
from cloud_server.ports.ledger import (
    TypedRegister,
)


class ReplaceIn(Body):
    """Another meter serves the point of this one."""

    old_raw_wh: RegisterField
    serial: NameField
    new_raw_wh: RegisterField
    reason: Reason
    name: NameField | None = None
    unit: Annotated[StrictInt, Field(ge=1, le=247)] | None = None
    profile: NameField | None = None


class RelocateIn(Body):
    """The meter goes to another box."""

    box: IdField
    bus: IdField
    device: IdField
    unit: Annotated[StrictInt, Field(ge=1, le=247)]
    reason: Reason
    account: IdField | None = None
    to_wallet: IdField | None = None
    typed_raw_wh: RegisterField | None = None


class ChangeOut(BaseModel):
    """A meter's change: asked of its box; or its request waits for a second person."""

    id: str | None
    state: str
    meter: str | None
    command: int | None
    request: str | None


class ChangeDetail(BaseModel):
    """A meter's change now."""

    id: str
    kind: ChangeKind
    meter: str
    state: ChangeState
    why: str | None


class RetireIn(Body):
    """A box that will not return; it always waits for a second person."""

    reason: Reason
    typed: list[TypedIn] = Field(default_factory=list, max_length=1_000)


class RetireOut(BaseModel):
    """What came to the customers' credit, by wallet."""

    state: str
    wallets: dict[str, int]
    request: str | None


def add_meter_changes(router: APIRouter, centre: Centre, office: Office) -> None:
    """Addresses of meters that change and boxes that retire."""
    works, reads = Depends(asks_for(centre, "office", "provision")), Depends(asks_for(centre, "read"))

    @router.post("/meters/{meter}/replacement", status_code=201)
    def replace_meter(meter: str, body: ReplaceIn, by: Annotated[Actor, works], key: Key = "") -> ChangeOut:
        """Another meter serves its point; the wallet goes on."""
        order = ReplaceOrder(key=named_key(key), meter=meter, **body.model_dump())
        return _change(office.meters.replace_meter(order, by))

    @router.post("/meters/{meter}/relocation", status_code=201)
    def relocate(meter: str, body: RelocateIn, by: Annotated[Actor, works], key: Key = "") -> ChangeOut:
        """The meter goes to another box, with its registers, and its credit follows."""
        given = body.model_dump()
        raw_wh = given.pop("typed_raw_wh")
        typed = TypedRegister(meter=meter, raw_wh=raw_wh) if raw_wh is not None else None
        return _change(
            office.meters.relocate_meter(RelocateOrder(key=named_key(key), meter=meter, typed=typed, **given), by)
        )

    @router.get("/meter-changes/{change}", dependencies=[reads])
    def change(change: str) -> ChangeDetail:
        """One change and how far it is."""
        found = office.meters.change(change)
        return ChangeDetail(id=found.change, kind=found.kind, meter=found.meter, state=found.state, why=found.why)

    retires = Depends(asks_for(centre, "office", "provision"))

    @router.post("/boxes/{box}/retirement", status_code=201)
    def retire(box: str, body: RetireIn, by: Annotated[Actor, retires], key: Key = "") -> RetireOut:
        """A box will not return: its wallets are settled without it."""
        order = RetireOrder(key=named_key(key), box=box, reason=body.reason, typed=typed_registers(body.typed))
        done = office.boxes.retire(order, by)
        return RetireOut(state=done.state, wallets=dict(done.wallets), request=done.request)


def _change(answer: ChangeAnswer) -> ChangeOut:
    return ChangeOut(
        id=answer.change,
        state=answer.state,
        meter=answer.meter,
        command=answer.command,
        request=answer.request,
    )
