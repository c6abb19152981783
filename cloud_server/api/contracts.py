"""Addresses of accounts that open, of credit that moves, and of tasks; with them those of closings and meters."""

from typing import Annotated

from fastapi import APIRouter, Depends
from pydantic import BaseModel, Field, StrictStr

from cloud_server.api.bearer import asks_for
from cloud_server.api.bodies import AmountField, Body, IdField, NameField
from cloud_server.api.closings import add_closings
from cloud_server.api.meter_changes import add_meter_changes
from cloud_server.api.paging import Page, whole
from cloud_server.api.refunds import Key, Reason, named_key
from cloud_server.core.tasks import TaskKind
from cloud_server.flows.centre import Centre
from cloud_server.flows.office import Office
from cloud_server.ports import Actor
from cloud_server.ports.ledger import (
    AccountOrder,
    MoveOrder,
)


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
    _task_routes(router, centre, office)
    add_closings(router, centre, office)
    add_meter_changes(router, centre, office)
    return router


def _account_routes(router: APIRouter, centre: Centre, office: Office) -> None:
    works = Depends(asks_for(centre, "office"))

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


def _task_routes(router: APIRouter, centre: Centre, office: Office) -> None:
    reads = Depends(asks_for(centre, "read"))

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
                    why=f"{task.breaches} breaches were found" if task.breaches else task.why,
                )
                for task in office.tasks()
            ]
        )
