"""Addresses of accounts that close, and of what becomes of their money."""

from typing import Annotated

from fastapi import APIRouter, Depends
from pydantic import BaseModel, Field, StrictStr

from cloud_server.api.bearer import asks_for
from cloud_server.api.bodies import Body, IdField, NameField, RegisterField
from cloud_server.api.refunds import Key, Reason, named_key
from cloud_server.core.contracts import Closing, ClosingHow, ClosingState
from cloud_server.flows.centre import Centre
from cloud_server.flows.office import Office
from cloud_server.ports import Actor
from cloud_server.ports.ledger import (
    ClosingAnswer,
    ClosingOrder,
    ClosingStep,
    NextTenant,
    SettleOrder,
    TypedRegister,
)


class TypedIn(Body):
    """A register that two people typed, from the display or a photo."""

    meter: IdField
    raw_wh: RegisterField


class TenantIn(Body):
    """Who opens an account on the same meters when the old one's wallets are closed."""

    number: NameField
    customer_name: NameField
    phones: list[NameField] = Field(default_factory=list, max_length=3)


class ClosingIn(Body):
    """Close an account, or with `next_tenant` let another follow."""

    reason: Reason
    typed: list[TypedIn] = Field(default_factory=list, max_length=100)
    next_tenant: TenantIn | None = None


class AgainIn(Body):
    """Ask the wallets again whose box refused; typed registers wait for a second person."""

    typed: list[TypedIn] = Field(default_factory=list, max_length=100)


class SettlingIn(Body):
    """What becomes of what is left; a write-off waits for a second person."""

    how: ClosingHow
    method: Annotated[StrictStr, Field(max_length=20)] = "cash"
    reason: Annotated[StrictStr, Field(max_length=200)] = ""


class ClosingOut(BaseModel):
    """How far a closing was; `confirming`: its request waits for a second person."""

    id: str | None
    state: str
    settled_micro: int
    refund: str | None
    request: str | None


class ClosingDetail(BaseModel):
    """A closing now."""

    id: str
    account: str
    state: ClosingState
    reason: str
    operator: str
    second: str | None
    how: ClosingHow | None
    settled_micro: int
    refund: str | None
    next_account: str | None
    wallets: dict[str, str]
    """Wallet -> how far its box is."""


def add_closings(router: APIRouter, centre: Centre, office: Office) -> None:
    """Addresses of closings."""
    works, reads = Depends(asks_for(centre, "office")), Depends(asks_for(centre, "read"))

    @router.post("/accounts/{account}/closing", status_code=201)
    def close(account: str, body: ClosingIn, by: Annotated[Actor, works], key: Key = "") -> ClosingOut:
        """Begin to close an account: no more sales, last readings, all money back from its boxes."""
        tenant = body.next_tenant
        order = ClosingOrder(
            key=named_key(key),
            account=account,
            reason=body.reason,
            typed=typed_registers(body.typed),
            next_tenant=None
            if tenant is None
            else NextTenant(number=tenant.number, customer_name=tenant.customer_name, phones=tuple(tenant.phones)),
        )
        return _closing(office.closings.close(order, by))

    @router.post("/closings/{closing}/again", status_code=201)
    def again(closing: str, body: AgainIn, by: Annotated[Actor, works], key: Key = "") -> ClosingOut:
        """Ask the wallets again whose box refused."""
        step = ClosingStep(key=named_key(key), closing=closing, typed=typed_registers(body.typed))
        return _closing(office.closings.again(step, by))

    @router.post("/closings/{closing}/cancellation", status_code=201)
    def cancel(closing: str, by: Annotated[Actor, works], key: Key = "") -> ClosingOut:
        """Give a closing up while every wallet is still open."""
        return _closing(office.closings.cancel(ClosingStep(key=named_key(key), closing=closing), by))

    @router.post("/closings/{closing}/settlement", status_code=201)
    def settle(closing: str, body: SettlingIn, by: Annotated[Actor, works], key: Key = "") -> ClosingOut:
        """End a closing: refunded, paid in, given up by two people, or even."""
        order = SettleOrder(key=named_key(key), closing=closing, how=body.how, method=body.method, reason=body.reason)
        return _closing(office.settlements.settle(order, by))

    @router.get("/closings/{closing}", dependencies=[reads])
    def one(closing: str) -> ClosingDetail:
        """One closing and how far it has come."""
        return _closing_detail(office.closings.closing(closing))


def typed_registers(typed: list[TypedIn]) -> tuple[TypedRegister, ...]:
    """What two people typed, as the desk takes it."""
    return tuple(TypedRegister(meter=said.meter, raw_wh=said.raw_wh) for said in typed)


def _closing(answer: ClosingAnswer) -> ClosingOut:
    return ClosingOut(
        id=answer.closing,
        state=answer.state,
        settled_micro=answer.settled_micro,
        refund=answer.refund,
        request=answer.request,
    )


def _closing_detail(closing: Closing) -> ClosingDetail:
    fact = closing.fact
    return ClosingDetail(
        id=fact.closing,
        account=fact.account,
        state=closing.state,
        reason=fact.reason,
        operator=fact.operator,
        second=fact.second,
        how=fact.how,
        settled_micro=fact.settled_micro,
        refund=fact.refund,
        next_account=fact.next_account,
        wallets={request.wallet: request.state.value for request in closing.requests},
    )
