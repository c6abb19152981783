"""Addresses for memory lost at the centre: how a recovery stands, what people answer, how old the newest backup is."""

from typing import Annotated, Literal

from fastapi import APIRouter, Depends
from pydantic import BaseModel, Field, StrictStr

from cloud_server.api.bearer import asks_for
from cloud_server.api.bodies import Body
from cloud_server.api.paging import Page, whole
from cloud_server.api.refunds import Key, Reason, named_key
from cloud_server.core.checkpoint import Checkpoint
from cloud_server.flows.centre import Centre
from cloud_server.flows.keep_backup import BackupKeeper
from cloud_server.flows.open_selling import Selling
from cloud_server.flows.recovery_report import RecoveryReport, answer_question, recovery_report
from cloud_server.flows.watch_centre import selling_stopped
from cloud_server.ports import Actor
from cloud_server.ports.hardware_orders import OpenSellingOrder


class AnswerIn(Body):
    """What a person knows of a question that no signed line answers."""

    answer: Literal["paid", "not_paid", "done_again", "left"]
    note: StrictStr = Field(min_length=1, max_length=200)


class QuestionOut(BaseModel):
    """One question; `detail` is a JSON text of what is known."""

    question: str
    kind: str
    subject: str
    box: str | None
    detail: str
    asked_at_ms: int
    answer: str | None
    note: str | None
    answered_at_ms: int | None
    answered_by: str | None


class OpenSellingIn(Body):
    """Why sales are to be taken although the box was not heard; it always waits for a second person."""

    reason: Reason


class OpenSellingOut(BaseModel):
    """`confirming`: the request waits for another person's yes under `/api/v1/requests`."""

    state: str
    request: str | None


class BoxRecoveryOut(BaseModel):
    """One box of a recovery. `selling_closed`: nothing is sold to it until it is heard or two people open selling."""

    box: str
    name: str
    under_way: bool
    heard_at_ms: int | None
    commands_back: int
    awaited_micro: int
    waiting_micro: int
    selling_closed: bool
    opened_by: str | None
    opened_second: str | None


class DifferenceOut(BaseModel):
    """What went from a wallet in that history beside grants and credit given back: charges and fees are below 0."""

    wallet: str
    amount_micro: int


class PassedOverOut(BaseModel):
    """Batches `first` to `last` of an epoch of a box that are on no machine any more.

    The books go on from the line with this hash; the differences are booked as `cause` against *opening*. No energy and
    no revenue by rate stands for them.
    """

    cause: str
    box: str
    lost_epoch: int
    first: int
    last: int
    epoch: int
    line_hash: str
    at_ms: int
    differences: list[DifferenceOut]


class RecoveryOut(BaseModel):
    """The newest recovery; `term` 0 where there never was one. `passed_over`: history that it found on no machine."""

    term: int
    under_way: bool
    sales_back: int
    boxes: list[BoxRecoveryOut]
    questions: list[QuestionOut]
    passed_over: list[PassedOverOut]


class CentreStateOut(BaseModel):
    """What a page shows on top: whether selling is stopped and why, and how backups stand."""

    selling_stopped: str | None
    backup_configured: bool
    backup_at_ms: int | None
    backup_fault: str | None
    backup_is_old: bool


def recovery_routes(centre: Centre, backups: BackupKeeper, selling: Selling) -> APIRouter:
    """Recovery and the state of the centre."""
    router = APIRouter(prefix="/api/v1", tags=["provisioning"])
    reads = Depends(asks_for(centre, "read"))
    provisions = Depends(asks_for(centre, "provision"))
    opens = Depends(asks_for(centre, "office", "provision"))

    @router.get("/recovery", dependencies=[reads])
    def recovery() -> RecoveryOut:
        """How far the newest recovery has come."""
        return _out(recovery_report(centre))

    @router.get("/recovery/passed-over", dependencies=[reads])
    def passed_over() -> Page[PassedOverOut]:
        """All history that was ever found to be on no machine, oldest first."""
        with centre.store.read() as unit:
            return whole(_passed_over(point) for point in unit.recovery.passed_over(0))

    @router.post("/recovery/questions/{question}")
    def answer(question: str, body: AnswerIn, by: Annotated[Actor, provisions]) -> QuestionOut:
        """Answer a question; the books are not touched by it."""
        done = answer_question(centre, question, body.answer, body.note, by.name)
        return QuestionOut.model_validate(done, from_attributes=True)

    @router.post("/recovery/boxes/{box}/selling", status_code=201)
    def open_selling(body: OpenSellingIn, box: str, by: Annotated[Actor, opens], key: Key = "") -> OpenSellingOut:
        """Take sales to a box that was not heard since a restore; their credit stays at the centre until it is."""
        done = selling.open(OpenSellingOrder(key=named_key(key), box=box, reason=body.reason), by)
        return OpenSellingOut(state=done.state, request=done.request)

    @router.get("/centre", dependencies=[reads])
    def state() -> CentreStateOut:
        """Whether selling is stopped, and how backups stand."""
        return _state(centre, backups)

    return router


def _state(centre: Centre, backups: BackupKeeper) -> CentreStateOut:
    stopped, backup = selling_stopped(centre), backups.state()
    return CentreStateOut(
        selling_stopped=stopped.why if stopped is not None else None,
        backup_configured=backup.configured,
        backup_at_ms=backup.good.ended_at_ms if backup.good is not None else None,
        backup_fault=backup.fault,
        backup_is_old=backup.is_old,
    )


def _out(report: RecoveryReport | None) -> RecoveryOut:
    if report is None:
        return RecoveryOut(term=0, under_way=False, sales_back=0, boxes=[], questions=[], passed_over=[])
    boxes = [
        BoxRecoveryOut(
            box=box.box,
            name=box.name,
            under_way=box.under_way,
            heard_at_ms=box.heard_at_ms,
            commands_back=box.recovery.commands_taken,
            awaited_micro=box.awaited_micro,
            waiting_micro=box.waiting_micro,
            selling_closed=box.selling_closed,
            opened_by=box.recovery.opened_by,
            opened_second=box.recovery.opened_second,
        )
        for box in report.boxes
    ]
    questions = [QuestionOut.model_validate(asked, from_attributes=True) for asked in report.questions]
    return RecoveryOut(
        term=report.term,
        under_way=report.under_way,
        sales_back=report.sales_back,
        boxes=boxes,
        questions=questions,
        passed_over=[_passed_over(point) for point in report.passed_over],
    )


def _passed_over(point: Checkpoint) -> PassedOverOut:
    return PassedOverOut(
        cause=point.cause,
        box=point.box,
        lost_epoch=point.lost_epoch,
        first=point.first,
        last=point.last,
        epoch=point.epoch,
        line_hash=point.line_hash,
        at_ms=point.at_ms,
        differences=[
            DifferenceOut(wallet=wallet, amount_micro=micro) for wallet, micro in sorted(point.differences.items())
        ],
    )
