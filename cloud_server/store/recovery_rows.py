"""Rows of a centre that was set back: recovery by box, parts awaited, questions to people, void lines."""

from dataclasses import asdict
from typing import Any

from cloud_server.core.checkpoint import ACTION, Checkpoint, read_checkpoint
from cloud_server.core.recovery import BoxRecovery, ExpectedPart, PartState, Question
from cloud_server.core.rest_of_history import LostHistory
from cloud_server.store import tables_memory as t
from cloud_server.store.rows import Rows
from cloud_server.store.tables_histories import LostHistory as LostHistoryRow
from cloud_server.store.tables_ledger import AuditRow


def _lost(row: dict[str, Any]) -> LostHistory:
    line = row["line"]
    return LostHistory(**row | {"line": bytes(line) if line is not None else None})


class RecoveryRows(Rows):
    """Satisfies `ports.memory.RecoveryBook`."""

    def begin(self, recovery: BoxRecovery) -> None:
        """A box is recovered from now on."""
        self._put(t.BoxRecovery, ("box", "term"), [asdict(recovery)])

    def open_of(self, box: str) -> BoxRecovery | None:
        """The recovery of a box that is under way."""
        r = t.BoxRecovery
        query = self._of(r).where((r.box == box) & r.ended_at_ms.is_null())
        row = self._one(query.order_by(r.began_at_ms.desc()))
        return BoxRecovery(**row) if row is not None else None

    def all(self) -> list[BoxRecovery]:
        """Every recovery there was, oldest first."""
        r = t.BoxRecovery
        return [BoxRecovery(**row) for row in self._all(self._of(r).order_by(r.began_at_ms, r.box))]

    def save(self, recovery: BoxRecovery) -> None:
        """Write how far it has come."""
        self._put(t.BoxRecovery, ("box", "term"), [asdict(recovery)])

    # --- parts of sales -----------------------------------------------------------------------------------------

    def expect(self, part: ExpectedPart) -> None:
        """Await the grant of a part."""
        self._insert(t.ExpectedPart, [asdict(part)])

    def part(self, sale: str, wallet: str) -> ExpectedPart | None:
        """A part that is or was awaited."""
        e = t.ExpectedPart
        row = self._one(self._of(e).where((e.sale == sale) & (e.wallet == wallet)))
        return ExpectedPart(**row) if row is not None else None

    def parts_of_box(self, box: str) -> list[ExpectedPart]:
        """Parts still awaited of a box."""
        e = t.ExpectedPart
        query = self._of(e).where((e.box == box) & (e.state == "expected"))
        return [ExpectedPart(**row) for row in self._all(query.order_by(e.made_at_ms, e.sale, e.wallet))]

    def expected_of_sale(self, sale: str) -> list[ExpectedPart]:
        """Parts of a sale that are still awaited."""
        e = t.ExpectedPart
        query = self._of(e).where((e.sale == sale) & (e.state == "expected"))
        return [ExpectedPart(**row) for row in self._all(query.order_by(e.wallet))]

    def end_part(self, part: ExpectedPart, state: PartState, at_ms: int) -> None:
        """It is awaited no more."""
        e = t.ExpectedPart
        which = (e.site == self._site) & (e.sale == part.sale) & (e.wallet == part.wallet)
        self._run(e.update(state=state, ended_at_ms=at_ms).where(which))

    # --- questions ----------------------------------------------------------------------------------------------

    def ask(self, question: Question) -> None:
        """Ask people something, once."""
        q = t.RecoveryQuestion
        known = self._of(q, q.question).where((q.kind == question.kind) & (q.subject == question.subject))
        if not self._tuples(known):
            self._insert(q, [asdict(question)])

    def answer_by_itself(self, kind: str, subject: str, at_ms: int, note: str) -> None:
        """What was asked has been found."""
        q = t.RecoveryQuestion
        which = (q.site == self._site) & (q.kind == kind) & (q.subject == subject) & q.answer.is_null()
        self._run(q.update(answer="found", note=note, answered_at_ms=at_ms).where(which))

    def sales_written_again(self, since_ms: int) -> list[str]:
        """Which sales came back since an instant, in the order in which they did."""
        a = AuditRow
        query = self._of(a, a.subject).where((a.action == "sale_written_again") & (a.at_ms >= since_ms))
        return [sale for (sale,) in self._tuples(query.order_by(a.number))]

    def passed_over(self, since_ms: int) -> list[Checkpoint]:
        """What was passed over since an instant, since no machine has it any more."""
        a = AuditRow
        query = self._of(a, a.subject, a.detail, a.at_ms).where((a.action == ACTION) & (a.at_ms >= since_ms))
        return [read_checkpoint(*row) for row in self._tuples(query.order_by(a.number))]

    def restored_at_ms(self) -> int | None:
        """When this centre was restored last."""
        a = AuditRow
        rows = self._tuples(self._of(a, a.at_ms).where(a.action == "restored").order_by(a.number.desc()).limit(1))
        return rows[0][0] if rows else None

    def questions(self) -> list[Question]:
        """All of them, open ones first."""
        q = t.RecoveryQuestion
        rows = self._all(self._of(q).order_by(q.asked_at_ms, q.kind, q.subject))
        return sorted((Question(**row) for row in rows), key=lambda asked: asked.answer is not None)

    def question(self, question: str) -> Question | None:
        """One question."""
        row = self._one(self._of(t.RecoveryQuestion).where(t.RecoveryQuestion.question == question))
        return Question(**row) if row is not None else None

    def save_question(self, question: Question) -> None:
        """Write what was answered."""
        self._put(t.RecoveryQuestion, ("question",), [asdict(question)])

    # --- history that nobody has --------------------------------------------------------------------------------

    def lost_history(self, box: str, epoch: int) -> LostHistory | None:
        """What a box has not got any more of an epoch."""
        h = LostHistoryRow
        row = self._one(self._of(h).where((h.box == box) & (h.epoch == epoch)))
        return _lost(row) if row is not None else None

    def lost_histories(self) -> list[LostHistory]:
        """All of them, by box and epoch."""
        h = LostHistoryRow
        return [_lost(row) for row in self._all(self._of(h).order_by(h.box, h.epoch))]

    def save_lost_history(self, lost: LostHistory) -> None:
        """Write what was heard of it, or accepted."""
        self._put(LostHistoryRow, ("box", "epoch"), [asdict(lost)])

    # --- lines that count for nothing ---------------------------------------------------------------------------

    def void(self, box: str, number: int, line_hash: str, line: bytes, at_ms: int) -> None:
        """A command of ours that the box holds with other contents."""
        row = {"hash": line_hash, "box": box, "number": number, "line": line, "voided_at_ms": at_ms}
        self._put(t.VoidLine, ("hash",), [row])

    def voided(self, box: str, since_ms: int) -> list[bytes]:
        """Such commands of a box, in their order."""
        v = t.VoidLine
        query = self._of(v, v.line).where((v.box == box) & (v.voided_at_ms >= since_ms))
        return [bytes(raw) for (raw,) in self._tuples(query.order_by(v.number))]
