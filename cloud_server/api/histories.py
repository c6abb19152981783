"""Addresses for history that is on no machine any more and of which no line tells: what waits, and who takes it."""

from typing import Annotated

from fastapi import APIRouter, Depends
from pydantic import BaseModel

from cloud_server.api.bearer import asks_for
from cloud_server.api.bodies import Body
from cloud_server.api.paging import Page, whole
from cloud_server.api.refunds import Key, Reason, named_key
from cloud_server.flows.accept_history import Histories, Lost
from cloud_server.flows.centre import Centre
from cloud_server.ports import Actor
from cloud_server.ports.hardware_orders import HistoryOrder


class HistoryIn(Body):
    """That batches up to `last` are gone, as it was seen, and why the box's word is taken; a second person confirms."""

    last: int
    reason: Reason


class AcceptedOut(BaseModel):
    """`confirming`: the request waits for another person's yes under `/api/v1/requests`."""

    state: str
    request: str | None


class BalanceOut(BaseModel):
    """What a box says of a wallet behind what is gone, and by how much the books would follow it."""

    wallet: str
    balance_micro: int
    difference_micro: int


class LostOut(BaseModel):
    """Batches `first` to `last` of an epoch that its box has let go of, while its recovery is under way for them."""

    box: str
    name: str
    epoch: int
    first: int
    last: int
    goes_on_at_ms: int
    differences: list[BalanceOut]


def history_routes(centre: Centre, histories: Histories) -> APIRouter:
    """What two people may accept."""
    router = APIRouter(prefix="/api/v1", tags=["provisioning"])
    reads = Depends(asks_for(centre, "read"))
    accepts = Depends(asks_for(centre, "office", "provision"))

    @router.get("/recovery/lost-history", dependencies=[reads])
    def waiting() -> Page[LostOut]:
        """History of which nothing tells but the box itself: its recovery ends when two people take its word."""
        return whole(_out(lost) for lost in histories.waiting())

    @router.post("/recovery/boxes/{box}/lost-history", status_code=201)
    def accept(body: HistoryIn, box: str, by: Annotated[Actor, accepts], key: Key = "") -> AcceptedOut:
        """Take the box's word for what lies before its first batch that is left; the books follow in one entry."""
        order = HistoryOrder(key=named_key(key), box=box, last=body.last, reason=body.reason)
        done = histories.accept(order, by)
        return AcceptedOut(state=done.state, request=done.request)

    return router


def _out(lost: Lost) -> LostOut:
    point, said = lost.point, lost.said
    return LostOut(
        box=point.box,
        name=lost.name,
        epoch=point.epoch,
        first=point.first,
        last=point.last,
        goes_on_at_ms=said.at_ms,
        differences=[
            BalanceOut(wallet=wallet, balance_micro=said.balances.get(wallet, 0), difference_micro=micro)
            for wallet, micro in sorted(point.differences.items())
        ],
    )
