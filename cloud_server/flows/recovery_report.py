"""How far a recovery has come, for a manager: boxes heard, what came back, what is awaited, what is asked."""

from dataclasses import dataclass, replace

from cloud_server.core.fleet import GrantState
from cloud_server.core.mistakes import Conflict, NotFound, mistaken
from cloud_server.core.recovery import BoxRecovery, Question
from cloud_server.flows.centre import Centre
from cloud_server.flows.money_step import reason_errors

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


@dataclass(frozen=True, slots=True)
class RecoveryReport:
    """All of it. `under_way` is False when every box has been heard and nothing is asked any more."""

    term: int
    under_way: bool
    boxes: tuple[BoxReport, ...]
    sales_back: int
    questions: tuple[Question, ...]


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
            boxes.append(
                BoxReport(row.box, row.name, row.recovery, row.seen_at_ms, newest[row.box], sum(awaited), sum(waiting))
            )
        questions = tuple(unit.recovery.questions())
        sales_back = unit.recovery.sales_written_again(min(r.began_at_ms for r in newest.values()))
    open_ones = any(question.answer is None for question in questions)
    under_way = open_ones or any(box.under_way for box in boxes)
    return RecoveryReport(centre.term, under_way, tuple(boxes), sales_back, questions)


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
            raise Conflict(f"the question was answered: {asked.answer}, by {asked.answered_by or 'what came back'}")
        now_ms = centre.clock.wall_ms()
        done = replace(asked, answer=answer, note=note.strip(), answered_at_ms=now_ms, answered_by=by)
        unit.recovery.save_question(done)
        unit.audit.append(now_ms, by, "recovery_answered", asked.subject, {"kind": asked.kind, "answer": answer})
    centre.live.changed()
    return done
