"""Rows of everything that the centre signed: lines byte for byte, commands and what became of them, keys answered."""

from collections.abc import Iterable, Sequence
from dataclasses import asdict
from typing import Any

from cloud_server.core.fleet import CommandFact
from cloud_server.store import tables_ledger as t
from cloud_server.store.rows import Rows, pieces
from cloud_server.store.tables_memory import VoidLine
from protocol.chain import EMPTY_COMMANDS, Head
from protocol.envelope import Line


class LineRows(Rows):
    """Signed lines and commands."""

    def add_lines(self, lines: Iterable[tuple[Line, str, int]], made_at_ms: int) -> None:
        """Store lines just signed, each with its box (empty for money) and its number in its chain."""
        rows = [
            {
                "hash": line.hash,
                "type": line.type_name,
                "box": box,
                "number": number,
                "line": line.raw,
                "made_at_ms": made_at_ms,
                "journaled": False,
            }
            for line, box, number in lines
        ]
        self._insert(t.SignedLine, rows)

    def line(self, type_name: str, box: str, number: int) -> bytes | None:
        """One line by its place in its chain."""
        which = (t.SignedLine.type == type_name) & (t.SignedLine.box == box) & (t.SignedLine.number == number)
        which &= self._counts()
        rows = self._tuples(self._of(t.SignedLine, t.SignedLine.line).where(which))
        return bytes(rows[0][0]) if rows else None

    def lines_after(
        self, type_name: str, box: str, number: int, limit: int, *, journaled_only: bool
    ) -> list[tuple[int, str, bytes]]:
        """Number, hash and bytes of a chain's lines behind a number, in order."""
        which = (t.SignedLine.type == type_name) & (t.SignedLine.box == box) & (t.SignedLine.number > number)
        which &= self._counts()
        if journaled_only:
            which &= t.SignedLine.journaled == True  # noqa: E712  # an expression of the query, not a comparison
        query = self._of(t.SignedLine, t.SignedLine.number, t.SignedLine.hash, t.SignedLine.line).where(which)
        rows = self._tuples(query.order_by(t.SignedLine.number).limit(limit))
        return [(number, line_hash, bytes(raw)) for number, line_hash, raw in rows]

    def chain_head(self, type_name: str, box: str, *, journaled_only: bool) -> Head:
        """The newest line of a chain; number 0 where there is none."""
        which = (t.SignedLine.type == type_name) & (t.SignedLine.box == box) & self._counts()
        if journaled_only:
            which &= t.SignedLine.journaled == True  # noqa: E712  # an expression of the query, not a comparison
        query = self._of(t.SignedLine, t.SignedLine.number, t.SignedLine.hash).where(which)
        query = query.order_by(t.SignedLine.number.desc()).limit(1)
        known = ("chain_head", type_name, box, journaled_only)
        rows = self._memory.known(known, lambda: self._tuples(query))
        return Head(rows[0][0], rows[0][1]) if rows else EMPTY_COMMANDS

    def _counts(self) -> Any:
        """Of a number that was signed twice only one line counts."""
        void = VoidLine.select(VoidLine.hash).where(VoidLine.site == self._site)
        return t.SignedLine.hash.not_in(void)

    def has_line(self, line_hash: str) -> bool:
        """Whether a line is stored, whether it counts or not."""
        return bool(self._tuples(self._of(t.SignedLine, t.SignedLine.hash).where(t.SignedLine.hash == line_hash)))

    def unjournaled(self, limit: int) -> list[tuple[str, bytes]]:
        """Hash and bytes of lines that the journal does not hold for certain, oldest first."""
        query = self._of(t.SignedLine, t.SignedLine.hash, t.SignedLine.line)
        query = query.where(t.SignedLine.journaled == False)  # noqa: E712  # an expression of the query
        query = query.order_by(t.SignedLine.made_at_ms, t.SignedLine.box, t.SignedLine.number)
        return [(line_hash, bytes(raw)) for line_hash, raw in self._tuples(query.limit(limit))]

    def mark_journaled(self, hashes: Sequence[str]) -> None:
        """These lines are in the journal file, and it was flushed."""
        for names in pieces(hashes):
            which = (t.SignedLine.site == self._site) & t.SignedLine.hash.in_(names)
            which &= t.SignedLine.journaled == False  # noqa: E712  # an expression of the query
            self._run(t.SignedLine.update(journaled=True).where(which))

    # --- commands -----------------------------------------------------------------------------------------------

    def add_command(self, command: CommandFact) -> None:
        """Store what a command just signed is about."""
        self._insert(t.Command, [asdict(command)])

    def command(self, box: str, seq: int) -> CommandFact | None:
        """One command."""
        row = self._one(self._of(t.Command).where((t.Command.box == box) & (t.Command.seq == seq)))
        return CommandFact(**row) if row is not None else None

    def newest_command(self, box: str, kind: str) -> CommandFact | None:
        """The newest command of a kind to a box."""
        which = (t.Command.box == box) & (t.Command.kind == kind)
        row = self._one(self._of(t.Command).where(which).order_by(t.Command.seq.desc()))
        return CommandFact(**row) if row is not None else None

    def newest_to_boxes(self, kind: str) -> dict[str, CommandFact]:
        """By box: the newest command of a kind that is about the whole box."""
        which = (t.Command.subject == "") & (t.Command.kind == kind)
        # Put in order here: asked for it, SQLite goes through all commands there are, which lie in that order.
        rows = sorted(self._all(self._of(t.Command).where(which)), key=lambda row: int(row["seq"]))
        return {row["box"]: CommandFact(**row) for row in rows}

    def command_hash(self, box: str, seq: int) -> str | None:
        """The hash of a command that was signed."""
        query = self._of(t.Command, t.Command.hash).where((t.Command.box == box) & (t.Command.seq == seq))
        rows = self._tuples(query)
        return rows[0][0] if rows else None

    def drop_commands(self, box: str, from_seq: int) -> None:
        """Commands whose lines were voided are no commands any more."""
        which = (t.Command.site == self._site) & (t.Command.box == box) & (t.Command.seq >= from_seq)
        self._run(t.Command.delete().where(which))

    def last_answered(self, box: str) -> Head:
        """The newest command that the box has answered for in a posted batch; number 0 where there is none."""
        which = (t.Command.box == box) & (t.Command.state != "signed")
        query = self._of(t.Command, t.Command.seq, t.Command.hash).where(which)
        rows = self._tuples(query.order_by(t.Command.seq.desc()).limit(1))
        return Head(rows[0][0], rows[0][1]) if rows else EMPTY_COMMANDS

    def commands_about(self, subject: str, limit: int) -> list[CommandFact]:
        """Commands about a meter or wallet, newest first."""
        query = self._of(t.Command).where(t.Command.subject == subject)
        return [CommandFact(**row) for row in self._all(query.order_by(t.Command.issued_at_ms.desc()).limit(limit))]

    def save_command_result(self, command: CommandFact) -> None:
        """Write what became of a command."""
        changed = {
            "state": command.state,
            "state_at_ms": command.state_at_ms,
            "reason": command.reason,
            "detail": command.detail,
        }
        mine = (t.Command.site == self._site) & (t.Command.box == command.box) & (t.Command.seq == command.seq)
        self._run(t.Command.update(changed).where(mine))

    # --- keys that were answered --------------------------------------------------------------------------------

    def kept_answer(self, key: str) -> tuple[str, str] | None:
        """The request's hash and the answer kept under an idempotency key."""
        query = self._of(t.Idempotency, t.Idempotency.request_hash, t.Idempotency.answer)
        rows = self._tuples(query.where(t.Idempotency.key == key))
        return (rows[0][0], rows[0][1]) if rows else None

    def keep_answer(self, key: str, request_hash: str, answer: str, at_ms: int) -> None:
        """Keep an answer under its key, for ever."""
        self._only_for_site()
        self._insert(t.Idempotency, [{"key": key, "request_hash": request_hash, "answer": answer, "at_ms": at_ms}])
