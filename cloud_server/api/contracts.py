"""Addresses of accounts that open and close, credit that moves, meters that change, boxes that retire, and of tasks."""

from typing import Annotated

from fastapi import APIRouter, Depends
from pydantic import BaseModel, Field, StrictInt, StrictStr

from cloud_server.api.bearer import asks_for
from cloud_server.api.bodies import Body, IdField
from cloud_server.api.office import AmountField
from cloud_server.api.paging import Page, whole
from cloud_server.api.refunds import Key, Reason, named_key
from cloud_server.core.contracts import ChangeKind, ChangeState, Closing, ClosingHow, ClosingState
from cloud_server.core.tasks import TaskKind
from cloud_server.flows.centre import Centre
from cloud_server.flows.office import Office
from cloud_server.ports import Actor
from cloud_server.ports.hardware_orders import ChangeAnswer, RelocateOrder, ReplaceOrder, RetireOrder
from cloud_server.ports.ledger import (
    AccountOrder,
    ClosingAnswer,
    ClosingOrder,
    ClosingStep,
    MoveOrder,
    NextTenant,
    SettleOrder,
    TypedRegister,
)
from protocol.limits import INTEGER_MAX

NameField = Annotated[StrictStr, Field(min_length=1, max_length=100)]
RegisterField = Annotated[StrictInt, Field(ge=0, le=INTEGER_MAX, description="raw, without ratio, in watt-hours")]


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


class MoveIn(Body):
    """Unused credit from one wallet of the account to another."""

    from_wallet: IdField
    to_wallet: IdField
    amount: AmountField
    reason: Reason


class MoveOut(BaseModel):
    """A move as it was asked for."""

    id: str
    reclaim: str
    state: str


class AccountIn(Body):
    """An account on meters that no account in use pays for."""

    number: NameField
    meters: list[IdField] = Field(min_length=1, max_length=100)
    customer: IdField | None = None
    customer_name: Annotated[StrictStr, Field(max_length=100)] = ""
    phones: list[NameField] = Field(default_factory=list, max_length=3)


class AccountOpened(BaseModel):
    """The account with a wallet on each of its meters' boxes."""

    account: str
    wallets: list[str]


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


class TaskOut(BaseModel):
    """One thing that waits for somebody."""

    kind: TaskKind
    id: str
    about: str
    amount_micro: int | None
    since: int
    why: str | None


def contract_routes(centre: Centre, office: Office) -> APIRouter:
    """All of them."""
    router = APIRouter(prefix="/api/v1", tags=["office"])
    _account_routes(router, centre, office)
    _closing_routes(router, centre, office)
    _meter_routes(router, centre, office)
    return router


def _account_routes(router: APIRouter, centre: Centre, office: Office) -> None:
    works, reads = Depends(asks_for(centre, "office")), Depends(asks_for(centre, "read"))

    @router.post("/accounts", status_code=201)
    def open_account(body: AccountIn, by: Annotated[Actor, works], key: Key = "") -> AccountOpened:
        """Open an account; its boxes are configured."""
        order = AccountOrder(
            key=named_key(key),
            number=body.number,
            meters=tuple(body.meters),
            customer=body.customer,
            customer_name=body.customer_name,
            phones=tuple(body.phones),
        )
        made = office.accounts.open_account(order, by)
        return AccountOpened(account=made.account, wallets=list(made.wallets))

    @router.post("/accounts/{account}/moves", status_code=201)
    def move(account: str, body: MoveIn, by: Annotated[Actor, works], key: Key = "") -> MoveOut:
        """Ask for credit that is to go to another wallet; it is granted there as soon as it has come back."""
        order = MoveOrder(
            key=named_key(key),
            account=account,
            from_wallet=body.from_wallet,
            to_wallet=body.to_wallet,
            amount=body.amount,
            reason=body.reason,
        )
        asked = office.moves.move(order, by)
        return MoveOut(id=asked.move, reclaim=asked.reclaim, state=asked.state)

    @router.get("/tasks", dependencies=[reads])
    def tasks() -> Page[TaskOut]:
        """Everything that waits for somebody, oldest first."""
        return whole(
            [
                TaskOut(
                    kind=task.kind,
                    id=task.task,
                    about=task.about,
                    amount_micro=task.amount_micro,
                    since=task.since_ms,
                    why=task.why,
                )
                for task in office.tasks()
            ]
        )


def _closing_routes(router: APIRouter, centre: Centre, office: Office) -> None:
    works, reads = Depends(asks_for(centre, "office")), Depends(asks_for(centre, "read"))

    @router.post("/accounts/{account}/closing", status_code=201)
    def close(account: str, body: ClosingIn, by: Annotated[Actor, works], key: Key = "") -> ClosingOut:
        """Begin to close an account: no more sales, last readings, all money back from its boxes."""
        tenant = body.next_tenant
        order = ClosingOrder(
            key=named_key(key),
            account=account,
            reason=body.reason,
            typed=_typed(body.typed),
            next_tenant=None
            if tenant is None
            else NextTenant(number=tenant.number, customer_name=tenant.customer_name, phones=tuple(tenant.phones)),
        )
        return _closing(office.closings.close(order, by))

    @router.post("/closings/{closing}/again", status_code=201)
    def again(closing: str, body: AgainIn, by: Annotated[Actor, works], key: Key = "") -> ClosingOut:
        """Ask the wallets again whose box refused."""
        step = ClosingStep(key=named_key(key), closing=closing, typed=_typed(body.typed))
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


def _typed(typed: list[TypedIn]) -> tuple[TypedRegister, ...]:
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


def _meter_routes(router: APIRouter, centre: Centre, office: Office) -> None:
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
        order = RetireOrder(key=named_key(key), box=box, reason=body.reason, typed=_typed(body.typed))
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
