"""The store as the owner thread uses it: one transaction a call, a fact and its effect together.

Implements `ports.RecordStore`. Knows rows and lines, not what they mean; decides nothing.
"""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from typing import Final

import msgspec
import peewee

from edge_agent.core.decision import Decision
from edge_agent.core.state import Marks, MeterRow, WalletRow
from edge_agent.ports import PendingRecord, Remembered, SealedBatch, StoreFault
from edge_agent.store import schema
from edge_agent.store.digest import chained
from edge_agent.store.outbox import Outbox
from edge_agent.store.steps import Changes, Steps
from protocol.chain import Head
from protocol.commands import CloseWallet, Command, Grant, Reclaim, read_body
from protocol.envelope import Line, read_line
from protocol.errors import WireError
from protocol.messages import write_record
from protocol.payload import read_payload

CONFIGURATIONS_KEPT: Final = 4
"""Configurations behind the one in force: records of their time may still have to be sealed with their tariffs."""


class Store:
    """An open, verified store. Made by `edge_agent.store.opening.open_store`."""

    def __init__(self, database: peewee.SqliteDatabase, steps: Steps) -> None:
        self._database = database
        self._steps = steps
        self._outbox = Outbox(database, steps)
        self._money_chain = _chain_of(schema.MoneyId, schema.MoneyId.money_id, database)
        self._line_chain = _chain_of(schema.KeptLine, schema.KeptLine.hash, database)
        self._next_record = 1 + (schema.Pending.select(peewee.fn.MAX(schema.Pending.number)).scalar(database) or 0)

    # --- rows ---------------------------------------------------------------------------------------------------

    def load(self) -> Remembered | None:
        """All rows, or None where no epoch was ever opened."""
        body = schema.Mark.select(schema.Mark.body).scalar(self._database)
        if body is None:
            return None
        marks = msgspec.json.decode(body, type=Marks)
        where = schema.Configuration.version == marks.config_version
        text = schema.Configuration.select(schema.Configuration.text).where(where).scalar(self._database)
        return Remembered(
            marks=msgspec.structs.replace(marks, config=text or ""),
            meters=tuple(
                msgspec.json.decode(row.body, type=MeterRow) for row in schema.Meter.select().execute(self._database)
            ),
            wallets=tuple(
                msgspec.json.decode(row.body, type=WalletRow) for row in schema.Wallet.select().execute(self._database)
            ),
        )

    @contextmanager
    def together(self) -> Iterator[None]:
        """Make the calls within one transaction: all of them hold, or none."""
        before = self._money_chain, self._line_chain, self._next_record
        try:
            with self._steps.step():
                yield
        except BaseException:
            self._money_chain, self._line_chain, self._next_record = before
            raise

    def commit(self, decision: Decision, lines: Sequence[Line] = ()) -> None:
        """Keep a decision and the signed lines that caused it. Raises StoreFull with nothing kept."""
        money_chain, line_chain, next_record = self._money_chain, self._line_chain, self._next_record
        with self._steps.step() as changes:
            if decision.marks is not None:
                self._keep_marks(decision.marks, changes)
            self._keep_rows(decision, changes)
            if any(line.type_name == "epoch" for line in lines) and decision.marks is not None:
                money_chain = self._forget_money(decision.marks.commands_seq, money_chain, changes)
            money_chain = self._keep_money(decision.money_ids, money_chain, changes)
            line_chain = self._keep_lines(lines, line_chain, changes)
            next_record = self._append(decision, next_record, changes)
        self._money_chain, self._line_chain, self._next_record = money_chain, line_chain, next_record

    def _keep_marks(self, marks: Marks, changes: Changes) -> None:
        body = msgspec.json.encode(msgspec.structs.replace(marks, config=""))
        schema.Mark.insert(id=1, body=body).on_conflict_replace().execute(self._database)
        changes.write("mark", "", body)
        changes.epoch = marks.epoch
        where = schema.Configuration.version == marks.config_version
        held = schema.Configuration.select(schema.Configuration.hash).where(where).scalar(self._database)
        if not marks.config or held == marks.config_hash:
            return
        text = schema.Configuration.insert(version=marks.config_version, hash=marks.config_hash, text=marks.config)
        text.on_conflict_replace().execute(self._database)
        changes.write("configuration", str(marks.config_version), f"{marks.config_hash} {marks.config}".encode())
        versions = schema.Configuration.select(schema.Configuration.version).order_by(
            schema.Configuration.version.desc()
        )
        for (version,) in list(versions.tuples().execute(self._database))[1 + CONFIGURATIONS_KEPT :]:
            schema.Configuration.delete().where(schema.Configuration.version == version).execute(self._database)
            changes.remove("configuration", str(version))

    def _keep_rows(self, decision: Decision, changes: Changes) -> None:
        for row in decision.meters:
            body = msgspec.json.encode(row)
            schema.Meter.insert(meter=row.meter, body=body).on_conflict_replace().execute(self._database)
            changes.write("meter", row.meter, body)
        for wallet in decision.wallets:
            body = msgspec.json.encode(wallet)
            schema.Wallet.insert(wallet=wallet.wallet, body=body).on_conflict_replace().execute(self._database)
            changes.write("wallet", wallet.wallet, body)

    def _keep_money(self, money_ids: Sequence[str], chain: bytes, changes: Changes) -> bytes:
        for money_id in money_ids:
            schema.MoneyId.insert(money_id=money_id).execute(self._database)
        if money_ids:
            chain = chained(chain, money_ids)
            changes.write("money_id", "", chain)
        return chain

    def _forget_money(self, base: int, chain: bytes, changes: Changes) -> bytes:
        """An epoch begins behind a command: what later ones had done is not in its state, and they are done again."""
        later = (schema.KeptLine.type == "command") & (schema.KeptLine.seq > base)
        rows = schema.KeptLine.select(schema.KeptLine.body).where(later).tuples().execute(self._database)
        names = [name for (raw,) in list(rows) for name in money_ids_of(read_line(raw))]
        if not names:
            return chain
        schema.MoneyId.delete().where(schema.MoneyId.money_id.in_(names)).execute(self._database)
        chain = _chain_of(schema.MoneyId, schema.MoneyId.money_id, self._database)
        if chain:
            changes.write("money_id", "", chain)
        else:
            changes.remove("money_id", "")
        return chain

    def _keep_lines(self, lines: Sequence[Line], chain: bytes, changes: Changes) -> bytes:
        for line in lines:
            known = schema.KeptLine.select(schema.KeptLine.number).where(schema.KeptLine.hash == line.hash)
            if known.scalar(self._database) is not None:
                continue
            command = read_payload(line.payload, Command) if line.type_name == "command" else None
            schema.KeptLine.insert(
                type=line.type_name,
                seq=command.seq if command else None,
                prev=command.prev if command else None,
                hash=line.hash,
                body=line.raw,
            ).execute(self._database)
            chain = chained(chain, [line.hash])
            changes.write("line", "", chain)
        return chain

    def _append(self, decision: Decision, number: int, changes: Changes) -> int:
        """Add records to the pending ones, with the command head that holds after this commit."""
        if not decision.records:
            return number
        marks = decision.marks
        if marks is None:
            body = schema.Mark.select(schema.Mark.body).scalar(self._database)
            marks = msgspec.json.decode(body, type=Marks)
        step = self._steps.head.seq + 1
        for record in decision.records:
            raw = bytes(write_record(record))
            self._outbox.append(PendingRecord(number, step, marks.command_head, raw), changes)
            number += 1
        return number

    # --- lines --------------------------------------------------------------------------------------------------

    def knows_money(self, money_id: str) -> bool:
        """Whether a grant or reclaim with this id was ever applied."""
        where = schema.MoneyId.money_id == money_id
        return schema.MoneyId.select(schema.MoneyId.number).where(where).scalar(self._database) is not None

    def command_lines(self, from_seq: int, bytes_max: int) -> list[Line]:
        """Kept command lines from a number on, oldest first, at least one where there is one."""
        where = (schema.KeptLine.type == "command") & (schema.KeptLine.seq >= from_seq)
        query = schema.KeptLine.select(schema.KeptLine.body).where(where).order_by(schema.KeptLine.seq)
        found: list[Line] = []
        size = 0
        for (raw,) in query.tuples().execute(self._database):
            size += len(raw)
            if found and size > bytes_max:
                break
            found.append(read_line(raw))
        return found

    def newest_line(self, type_name: str) -> Line | None:
        """The newest kept line of a type: keys, limits, epoch."""
        query = schema.KeptLine.select(schema.KeptLine.body).where(schema.KeptLine.type == type_name)
        raw = query.order_by(schema.KeptLine.number.desc()).limit(1).scalar(self._database)
        return None if raw is None else read_line(raw)

    def epoch_lines(self) -> list[Line]:
        """Every epoch of this box that is kept, oldest first."""
        query = schema.KeptLine.select(schema.KeptLine.body).where(schema.KeptLine.type == "epoch")
        return [read_line(raw) for (raw,) in query.order_by(schema.KeptLine.number).tuples().execute(self._database)]

    def command_hash(self, seq: int) -> str | None:
        """The hash of the command that was applied or refused under this number."""
        where = (schema.KeptLine.type == "command") & (schema.KeptLine.seq == seq)
        found: str | None = schema.KeptLine.select(schema.KeptLine.hash).where(where).scalar(self._database)
        return found

    def configurations(self) -> list[str]:
        """The configuration texts that are kept, newest first."""
        query = schema.Configuration.select(schema.Configuration.text).order_by(schema.Configuration.version.desc())
        return [text for (text,) in query.tuples().execute(self._database)]

    # --- batches ------------------------------------------------------------------------------------------------

    def pending(self, limit: int) -> list[PendingRecord]:
        """The oldest records not yet sealed, in their order."""
        return self._outbox.pending(limit)

    def pending_count(self) -> int:
        """How many records are not yet sealed."""
        return self._outbox.pending_count()

    def seal(self, batch: SealedBatch, prev: str, sealed_at_ms: int, last_number: int) -> None:
        """Keep a batch that holds all pending records up to `last_number`; they are pending no more."""
        self._outbox.seal(batch, prev, sealed_at_ms, last_number)

    def batch_head(self, epoch: int) -> Head | None:
        """The newest batch of an epoch, or None where it has none."""
        return self._outbox.batch_head(epoch)

    def batch_hash(self, epoch: int, seq: int) -> str | None:
        """The hash of a batch that is kept."""
        return self._outbox.batch_hash(epoch, seq)

    def batches(self, epoch: int, from_seq: int, bytes_max: int) -> list[SealedBatch]:
        """Batches of an epoch in order, at least one where there is one, until their lines exceed the bytes."""
        return self._outbox.batches(epoch, from_seq, bytes_max)

    def first_unacknowledged(self) -> tuple[int, int] | None:
        """Epoch and number of the oldest batch that the centre has not acknowledged."""
        return self._outbox.first_unacknowledged()

    def acknowledge(self, epoch: int, seq: int) -> int:
        """Mark all batches of an epoch up to `seq` as held by the centre; returns how many were new."""
        return self._outbox.acknowledge(epoch, seq)

    def thin_out(self, before_ms: int) -> int:
        """Delete acknowledged batches sealed before an instant; returns how many went. Others never go."""
        return self._outbox.thin_out(before_ms)

    @property
    def step(self) -> int:
        """How many commits this store has seen."""
        return self._steps.head.seq

    def flush_head(self) -> None:
        """Bring the head file up to the database."""
        self._steps.flush_head()

    def close(self) -> None:
        """End tidily: the WAL is taken in, the file stands alone."""
        with suppress(StoreFault):
            self._outbox.write_acknowledgements()
        self._database.close()


def money_ids_of(line: Line) -> list[str]:
    """The money ids that a command line may have used; none where it cannot be read."""
    try:
        body = read_body(read_payload(line.payload, Command))
    except WireError:
        return []
    match body:
        case Grant(grant=name) | Reclaim(reclaim=name) | CloseWallet(request=name):
            return [name]
        case _:
            return []


def _chain_of(model: type[peewee.Model], column: peewee.Field, database: peewee.SqliteDatabase) -> bytes:
    query = model.select(column).order_by(model._meta.primary_key)  # noqa: SLF001 - peewee's name for a public thing
    return chained(b"", (text for (text,) in query.tuples().execute(database)))
