"""What waits to reach the centre: records not yet sealed, batches not yet acknowledged, and those kept after.

A batch's line is kept compressed, and comes out byte for byte as it was signed. What a transaction both adds and seals
never reaches the disk as pending, and an acknowledgement is written with the next transaction: lost with the power,
the centre gives it again.
"""

from typing import Final

import peewee

from edge_agent.ports import PendingRecord, SealedBatch
from edge_agent.store import schema, verify
from edge_agent.store.steps import Changes, Steps
from protocol.chain import Head
from protocol.envelope import write_body

THINNED_AT_ONCE: Final = 500
"""Batches deleted in one transaction: a slow disk must not hold the owner thread up."""


class Outbox:
    """Pending records and batches in the store's file."""

    def __init__(self, database: peewee.SqliteDatabase, steps: Steps) -> None:
        self._database = database
        self._steps = steps
        self._added: list[PendingRecord] = []
        """Of the transaction that runs: written at its end, but for those that were sealed within it."""
        self._held: dict[int, int] = {}
        """By epoch: acknowledgements that no transaction has written yet."""
        steps.rider = self

    def append(self, record: PendingRecord, changes: Changes) -> None:
        """Add a record to the pending ones, within a transaction."""
        self._added.append(record)
        head = record.commands_applied
        changes.write("pending", str(record.number), verify.pending_body(record.step, head.seq, head.hash, record.raw))

    def ended(self, *, kept: bool) -> None:
        """A transaction was committed, or came to nothing."""
        self._added.clear()
        if kept:
            self._held.clear()

    def write_what_waits(self, changes: Changes) -> None:
        """Write into the transaction that is about to be committed."""
        for each in self._added:
            schema.Pending.insert(
                number=each.number,
                step=each.step,
                commands_seq=each.commands_applied.seq,
                commands_hash=each.commands_applied.hash,
                body=each.raw,
            ).execute(self._database)
        for epoch, seq in self._held.items():
            schema.Acknowledged.insert(epoch=epoch, seq=seq).on_conflict_replace().execute(self._database)
            changes.write("acknowledged", str(epoch), b"%d" % seq)

    def pending(self, limit: int) -> list[PendingRecord]:
        """The oldest records not yet sealed, in their order."""
        query = schema.Pending.select().order_by(schema.Pending.number).limit(limit)
        kept = [
            PendingRecord(row.number, row.step, Head(row.commands_seq, row.commands_hash), row.body)
            for row in query.execute(self._database)
        ]
        return [*kept, *self._added][:limit]

    def pending_count(self) -> int:
        """How many records are not yet sealed."""
        kept = int(schema.Pending.select(peewee.fn.COUNT(schema.Pending.number)).scalar(self._database))
        return kept + len(self._added)

    def seal(self, batch: SealedBatch, prev: str, sealed_at_ms: int, last_number: int) -> None:
        """Keep a batch that holds all pending records up to `last_number`; they are pending no more."""
        with self._steps.step() as changes:
            where = schema.Pending.number <= last_number
            numbers = schema.Pending.select(schema.Pending.number).where(where).tuples().execute(self._database)
            kept = [number for (number,) in numbers]
            for number in [*kept, *(each.number for each in self._added if each.number <= last_number)]:
                changes.remove("pending", str(number))
            self._added = [each for each in self._added if each.number > last_number]
            if kept:
                schema.Pending.delete().where(where).execute(self._database)
            schema.Batch.insert(
                epoch=batch.epoch,
                seq=batch.seq,
                hash=batch.line.hash,
                prev=prev,
                sealed_at_ms=sealed_at_ms,
                body=write_body([batch.line], verify.BATCH_ENCODING),
            ).execute(self._database)
            changes.write("batch", str(batch.epoch), verify.batch_body(batch.seq, batch.line.hash))

    def batch_head(self, epoch: int) -> Head | None:
        """The newest batch of an epoch, or None where it has none."""
        query = schema.Batch.select(schema.Batch.seq, schema.Batch.hash).where(schema.Batch.epoch == epoch)
        found = list(query.order_by(schema.Batch.seq.desc()).limit(1).tuples().execute(self._database))
        return Head(*found[0]) if found else None

    def batch_hash(self, epoch: int, seq: int) -> str | None:
        """The hash of a batch that is kept."""
        where = (schema.Batch.epoch == epoch) & (schema.Batch.seq == seq)
        found: str | None = schema.Batch.select(schema.Batch.hash).where(where).scalar(self._database)
        return found

    def batches(self, epoch: int, from_seq: int, bytes_max: int) -> list[SealedBatch]:
        """Batches of an epoch in order, at least one where there is one, until their lines exceed the bytes."""
        where = (schema.Batch.epoch == epoch) & (schema.Batch.seq >= from_seq)
        held = self._acknowledged(epoch)
        found: list[SealedBatch] = []
        size = 0
        for row in schema.Batch.select().where(where).order_by(schema.Batch.seq).execute(self._database):
            line = verify.line_of(row)
            size += len(line.raw)
            if found and size > bytes_max:
                break
            found.append(SealedBatch(row.epoch, row.seq, line, row.seq <= held))
        return found

    def _acknowledged(self, epoch: int) -> int:
        if epoch in self._held:
            return self._held[epoch]
        where = schema.Acknowledged.epoch == epoch
        return schema.Acknowledged.select(schema.Acknowledged.seq).where(where).scalar(self._database) or 0

    def first_unacknowledged(self) -> tuple[int, int] | None:
        """Epoch and number of the oldest batch that the centre has not acknowledged."""
        for epoch, seq, _ in verify.batch_heads(self._database):
            held = self._acknowledged(epoch)
            if held < seq:
                return epoch, held + 1
        return None

    def acknowledge(self, epoch: int, seq: int) -> int:
        """Mark all batches of an epoch up to `seq` as held by the centre; returns how many were new."""
        head = self.batch_head(epoch)
        before = self._acknowledged(epoch)
        after = min(seq, head.seq if head else 0)
        if after <= before:
            return 0
        self._held[epoch] = after
        return after - before

    def write_acknowledgements(self) -> None:
        """Write what no transaction has written yet. Raises StoreFull."""
        if self._held:
            with self._steps.step():
                pass

    def thin_out(self, before_ms: int) -> int:
        """Delete acknowledged batches sealed before an instant, never the newest; returns how many went."""
        gone: list[tuple[int, int]] = []
        for epoch, head, _ in verify.batch_heads(self._database):
            last = min(self._acknowledged(epoch), head - 1)
            where = (schema.Batch.epoch == epoch) & (schema.Batch.seq <= last) & (schema.Batch.sealed_at_ms < before_ms)
            query = schema.Batch.select(schema.Batch.epoch, schema.Batch.seq).where(where).order_by(schema.Batch.seq)
            gone += query.limit(THINNED_AT_ONCE).tuples().execute(self._database)
        if gone:
            with self._steps.step():
                for epoch, seq in gone:
                    where = (schema.Batch.epoch == epoch) & (schema.Batch.seq == seq)
                    schema.Batch.delete().where(where).execute(self._database)
        return len(gone)
