"""How far a recovery has come, for a manager: boxes heard, what came back, what is awaited, what is asked."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Final, Literal

from cloud_server.core.checkpoint import Checkpoint
from cloud_server.core.fleet import GrantState, SaleFact
from cloud_server.core.mistakes import Conflict, NotFound, mistaken
from cloud_server.core.recovery import BoxRecovery, Question, is_selling_closed
from cloud_server.flows.centre import Centre
from cloud_server.flows.money_step import reason_errors
from cloud_server.ports import Unit

WAITS = (GrantState.WAITING,)
ANSWERS = ("paid", "not_paid", "done_again", "left")
"""What people say: the money was paid (out or in), it was not, the step was done again by hand, or it is left so."""


@dataclass(frozen=True, slots=True)
class BoxReport:
    """One box in it."""

    box: str
    name: str
    under_way: bool
    heard_at_ms: int | None
    recovery: BoxRecovery
    awaited_micro: int
    """Parts of sales in flight to it of which nothing was heard yet."""
    waiting_micro: int
    """Credit that waits at the centre, unsigned, until it has been heard."""
    selling_closed: bool


PartStands = Literal["delivered", "on_its_way", "waits", "refused", "undone", "unproven"]
_STANDS: Final[Mapping[GrantState, PartStands]] = {
    GrantState.WAITING: "waits",
    GrantState.SIGNED: "on_its_way",
    GrantState.APPLIED: "delivered",
    GrantState.REFUSED: "refused",
    GrantState.UNDONE: "undone",
}


@dataclass(frozen=True, slots=True)
class SalePart:
    """A share of a sale: its box, and where the money is (`unproven`: its box has not been heard)."""

    box: str
    amount_micro: int
    stands: PartStands


@dataclass(frozen=True, slots=True)
class SaleReport:
    """One sale that came back."""

    receipt: str
    account: str
    amount_micro: int
    paid_at_ms: int
    reversed: bool
    parts: tuple[SalePart, ...]


@dataclass(frozen=True, slots=True)
class RecoveryReport:
    """All of it. `under_way` is False when every box has been heard and nothing is asked any more."""

    term: int
    under_way: bool
    boxes: tuple[BoxReport, ...]
    sales_back: int
    questions: tuple[Question, ...]
    passed_over: tuple[Checkpoint, ...] = ()
    """Batches that are on no machine any more: the line of the next epoch stands for them."""


def recovery_report(centre: Centre) -> RecoveryReport | None:
    """The newest recovery; None where there never was one."""
    with centre.store.read() as unit:
        all_of = unit.recovery.all()
        if not all_of:
            return None
        newest = {recovery.box: recovery for recovery in all_of}
        boxes = []
        for row in unit.fleet.boxes():
            if row.box not in newest:
                continue
            waiting = [g.amount_micro for g in unit.ledger.grants_in_state(row.box, *WAITS)]
            awaited = [part.amount_micro for part in unit.recovery.parts_of_box(row.box)]
            recovery = newest[row.box]
            boxes.append(
                BoxReport(
                    box=row.box,
                    name=row.name,
                    under_way=row.recovery,
                    heard_at_ms=row.seen_at_ms,
                    recovery=recovery,
                    awaited_micro=sum(awaited),
                    waiting_micro=sum(waiting),
                    selling_closed=row.recovery and is_selling_closed(recovery, row.seen_at_ms),
                )
            )
        questions = tuple(unit.recovery.questions())
        began_at_ms = _began_at_ms(unit, newest.values())
        sales_back = len(unit.recovery.sales_written_again(began_at_ms))
        passed_over = tuple(unit.recovery.passed_over(began_at_ms))
    open_ones = any(question.answer is None for question in questions)
    under_way = open_ones or any(box.under_way for box in boxes)
    return RecoveryReport(centre.term, under_way, tuple(boxes), sales_back, questions, passed_over)


def sales_report(centre: Centre) -> tuple[SaleReport, ...]:
    """Each sale that came back in the newest recovery, in the order of the journal, and where its money is."""
    with centre.store.read() as unit:
        all_of = unit.recovery.all()
        if not all_of:
            return ()
        newest = {recovery.box: recovery for recovery in all_of}
        names = {box.box: box.name for box in unit.fleet.boxes()}
        back = unit.recovery.sales_written_again(_began_at_ms(unit, newest.values()))
        facts = (unit.ledger.sale(sale) for sale in back)
        return tuple(_sale(unit, sale, names) for sale in facts if sale is not None)


def _began_at_ms(unit: Unit, all_of: Iterable[BoxRecovery]) -> int:
    """When the first of them began; of a restore its own instant: the journal is read before boxes are waited for."""
    whole = list(all_of)
    began_at_ms = min(recovery.began_at_ms for recovery in whole)
    if not any(recovery.why == "restored" for recovery in whole):
        return began_at_ms
    return min(began_at_ms, unit.recovery.restored_at_ms() or began_at_ms)


def _sale(unit: Unit, sale: SaleFact, names: Mapping[str, str]) -> SaleReport:
    account = unit.fleet.account(sale.account)
    parts = [
        SalePart(names.get(grant.box, grant.box), grant.amount_micro, _STANDS[grant.state])
        for grant in unit.ledger.grants_of_sale(sale.sale)
    ]
    parts += [
        SalePart(names.get(part.box, part.box), part.amount_micro, "unproven")
        for part in unit.recovery.expected_of_sale(sale.sale)
    ]
    return SaleReport(
        receipt=sale.receipt,
        account=account.number if account is not None else sale.account,
        amount_micro=sale.amount_micro,
        paid_at_ms=sale.paid_at_ms,
        reversed=unit.money.reversal_of_sale(sale.sale) is not None,
        parts=tuple(parts),
    )


def answer_question(centre: Centre, question: str, answer: str, note: str, by: str) -> Question:
    """What a person knows; no entry follows by itself. Raises NotFound, Conflict, Mistaken."""
    if answer not in ANSWERS:
        raise mistaken("answer", answer, f"one of {', '.join(ANSWERS)}")
    for error in reason_errors(note):
        raise mistaken("note", note[:40], error.message)
    with centre.store.write() as unit:
        asked = unit.recovery.question(question)
        if asked is None:
            raise NotFound("question", question)
        if asked.answer is not None:
            by = asked.answered_by or "what came back"
            raise Conflict(f"the question was answered: {asked.answer}, by {by}", "question_answered")
        now_ms = centre.clock.wall_ms()
        done = replace(asked, answer=answer, note=note.strip(), answered_at_ms=now_ms, answered_by=by)
        unit.recovery.save_question(done)
        unit.audit.append(now_ms, by, "recovery_answered", asked.subject, {"kind": asked.kind, "answer": answer})
    centre.live.changed()
    return done


class RecoveryDesk:
    """A recovery as people at the console see it and answer it; whoever is limited to buildings sees none of it."""

    def __init__(self, centre: Centre) -> None:
        self._centre = centre

    def report(self) -> RecoveryReport | None:
        """The newest recovery; None where there never was one, or where it is not this person's to see."""
        return recovery_report(self._centre) if self._centre.territory.is_whole else None

    def answer(self, question: str, answer: str, note: str, by: str) -> Question:
        """What a person knows; no entry follows by itself. Raises NotFound, Conflict, Mistaken."""
        if not self._centre.territory.is_whole:
            raise NotFound("question", question)
        return answer_question(self._centre, question, answer, note, by)
