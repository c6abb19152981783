"""Rows of what boxes told: batches, intervals, events, and the facts of meters and wallets that follow from them."""

from collections.abc import Iterable, Mapping, Sequence
from fractions import Fraction
from itertools import starmap
from typing import Any, Final

import msgspec
import peewee as pw

from cloud_server.core.batch_facts import MeterFacts, WalletFacts
from cloud_server.core.charge_audit import NO_CARRY, MeterCharge
from cloud_server.core.fleet import StoredBatch
from cloud_server.store import tables_history as t
from cloud_server.store.rows import Rows
from protocol.records import Interval, Record


class ReadingRows(Rows):
    """Batches and their content."""

    def batch_hash(self, box: str, epoch: int, seq: int) -> str | None:
        """The hash of a batch that was kept."""
        if seq > self._newest(box, epoch):
            return None
        which = (t.BatchLine.box == box) & (t.BatchLine.epoch == epoch) & (t.BatchLine.seq == seq)
        query = self._of(t.BatchLine, t.BatchLine.hash).where(which)
        rows = self._memory.known(("batch_hash", box, epoch, seq), lambda: self._tuples(query))
        return rows[0][0] if rows else None

    def _newest(self, box: str, epoch: int) -> int:
        """The greatest number of an epoch's batches that were kept, 0 where there is none."""
        which = (t.BatchLine.box == box) & (t.BatchLine.epoch == epoch)
        query = self._of(t.BatchLine, pw.fn.MAX(t.BatchLine.seq)).where(which)
        return self._memory.known(("newest", box, epoch), lambda: int(self._tuples(query)[0][0] or 0))

    def add_batch(self, batch: StoredBatch) -> None:
        """Keep a batch: its line for ever, and what became of it."""
        place = {"box": batch.box, "epoch": batch.epoch, "seq": batch.seq}
        line = {"hash": batch.hash, "line": batch.raw, "received_at_ms": batch.received_at_ms}
        self._memory.know(("newest", batch.box, batch.epoch), max(self._newest(batch.box, batch.epoch), batch.seq))
        self._memory.know(("batch_hash", batch.box, batch.epoch, batch.seq), [(batch.hash,)])
        self._gather(t.BatchLine, [place | line])
        became = {
            "state": batch.state,
            "fault": batch.fault,
            "sealed_at_ms": batch.sealed_at_ms,
            "posted_at_ms": batch.posted_at_ms,
        }
        self._gather(t.Batch, [place | became])
        if batch.state in t.WAITING:
            self._memory.know(("is_parked", batch.box), True)

    def is_parked(self, box: str) -> bool:
        """Whether a batch of this box waits to be posted."""
        query = self._of(t.Batch, t.Batch.seq).where((t.Batch.box == box) & t.IS_WAITING)
        return self._memory.known(("is_parked", box), lambda: bool(self._tuples(query.limit(1))))

    def waiting_batches(self, box: str, limit: int) -> list[StoredBatch]:
        """What waits to be posted, in the order of its chain."""
        b, line = t.Batch, t.BatchLine
        on = (line.site == b.site) & (line.box == b.box) & (line.epoch == b.epoch) & (line.seq == b.seq)
        columns = (b.box, b.epoch, b.seq, b.state, b.fault, b.sealed_at_ms, b.posted_at_ms)
        query = self._of(b, *columns, line.hash, line.line, line.received_at_ms).join(line, on=on)
        query = query.where((b.box == box) & t.IS_WAITING).order_by(b.epoch, b.seq).limit(limit)
        return [StoredBatch(raw=bytes(row.pop("line")), **row) for row in self._all(query)]

    def mark_posted(self, batch: StoredBatch) -> None:
        """A batch that waited was posted."""
        self._change(batch, state=batch.state, fault=None, posted_at_ms=batch.posted_at_ms)

    def note_fault(self, batch: StoredBatch, fault: str) -> None:
        """Why a batch waits, as the newest program says."""
        self._change(batch, fault=fault)

    def _change(self, batch: StoredBatch, **columns: object) -> None:
        mine = (t.Batch.site == self._site) & (t.Batch.box == batch.box)
        which = mine & (t.Batch.epoch == batch.epoch) & (t.Batch.seq == batch.seq)
        self._run(t.Batch.update(columns).where(which))

    def fence_parked(self, box: str) -> int:
        """What waits to be posted never will be: its epoch was closed before it."""
        which = (t.Batch.site == self._site) & (t.Batch.box == box) & t.IS_WAITING
        return self._run(t.Batch.update(state="fenced").where(which))

    def add_evidence(self, box: str, line_hash: str, verdict: str, raw: bytes, received_at_ms: int) -> bool:
        """Keep a line that the chain does not take. False where it was kept before."""
        which = (t.EvidenceLine.box == box) & (t.EvidenceLine.hash == line_hash)
        if self._tuples(self._of(t.EvidenceLine, t.EvidenceLine.hash).where(which)):
            return False
        row = {"box": box, "hash": line_hash, "verdict": verdict, "line": raw, "received_at_ms": received_at_ms}
        self._insert(t.EvidenceLine, [row])
        return True

    def add_records(self, batch: StoredBatch, records: Sequence[Record]) -> None:
        """Spread the records of a posted batch over the tables that pages and reports read."""
        place = {"box": batch.box, "epoch": batch.epoch, "seq": batch.seq}
        at = self._site, batch.box, batch.epoch, batch.seq
        intervals, events = [], []
        for n, record in enumerate(records):
            if isinstance(record, Interval):
                intervals.append((*at, n, *_interval_row(record)))
            else:
                events.append(place | {"n": n} | _event_row(record))
        self._gather_tuples(t.MeterInterval, _INTERVAL_NAMES, intervals)
        self._gather(t.BoxEvent, events)

    # --- facts --------------------------------------------------------------------------------------------------

    def meter_states(self, box: str) -> dict[str, tuple[MeterFacts, MeterCharge]]:
        """Facts and charging of each meter that this box has told of."""
        return dict(self._memory.known(("meter_states", box), lambda: self._stored_meter_states(box)))

    def _stored_meter_states(self, box: str) -> dict[str, tuple[MeterFacts, MeterCharge]]:
        rows = self._plain(self._of(t.MeterState, *METER_STATE).where(t.MeterState.box == box))
        return dict(starmap(meter_state, rows))

    def save_meter_states(self, box: str, states: Mapping[str, tuple[MeterFacts, MeterCharge]]) -> None:
        """Write what a batch changed."""
        changed = {meter: (meter, box, *state) for meter, state in states.items()}
        self._memory.replace((t.MeterState, self._site), self._put_meter_states, changed)
        self._memory.know(("meter_states", box), self.meter_states(box) | dict(states))

    def _put_meter_states(self, states: Iterable[tuple[str, str, MeterFacts, MeterCharge]]) -> None:
        rows = [
            {
                "meter": meter,
                "box": box,
                "facts": msgspec.json.encode(facts).decode(),
                "raw_wh": charge.raw_wh,
                "read_at_ms": charge.read_at_ms,
                "energy_carry_num": charge.energy_carry.numerator,
                "energy_carry_den": charge.energy_carry.denominator,
                "money_carry_nano": charge.money_carry_nano,
                "month_wh": charge.month_wh,
            }
            for meter, box, facts, charge in states
        ]
        self._put(t.MeterState, ("meter",), rows)

    def wallet_states(self, box: str) -> dict[str, WalletFacts]:
        """Facts of each wallet that this box has told of."""
        return dict(self._memory.known(("wallet_states", box), lambda: self._stored_wallet_states(box)))

    def _stored_wallet_states(self, box: str) -> dict[str, WalletFacts]:
        rows = self._plain(
            self._of(t.WalletState, t.WalletState.wallet, t.WalletState.facts).where(t.WalletState.box == box)
        )
        return {wallet: _wallet_facts.decode(facts) for wallet, facts in rows}

    def save_wallet_states(self, box: str, states: Iterable[WalletFacts]) -> None:
        """Write what a batch changed."""
        changed = {facts.wallet: facts for facts in states}
        rows = [
            {"wallet": wallet, "box": box, "facts": msgspec.json.encode(facts).decode()}
            for wallet, facts in changed.items()
        ]
        self._gather_put(t.WalletState, ("wallet",), rows)
        self._memory.know(("wallet_states", box), self.wallet_states(box) | changed)


METER_STATE: Final = (
    t.MeterState.meter, t.MeterState.facts, t.MeterState.raw_wh, t.MeterState.read_at_ms, t.MeterState.energy_carry_num,
    t.MeterState.energy_carry_den, t.MeterState.money_carry_nano, t.MeterState.month_wh,
)  # fmt: skip
"""The columns of `meter_state`, in their order."""


def meter_state(
    meter: str,
    facts: str,
    raw_wh: int | None,
    read_at_ms: int | None,
    carry_num: int,
    carry_den: int,
    money_carry_nano: int,
    month_wh: int,
) -> tuple[str, tuple[MeterFacts, MeterCharge]]:
    """A meter with its facts and charging, from its columns."""
    carry = Fraction(carry_num, carry_den) if carry_num else NO_CARRY
    known = _meter_facts.decode(facts)
    charge = MeterCharge(raw_wh, read_at_ms, carry, money_carry_nano, month_wh, untold=known.untold)
    return meter, (known, charge)


def wallet_facts(text: str) -> WalletFacts:
    """Facts of a wallet from their column."""
    return _wallet_facts.decode(text)


_meter_facts = msgspec.json.Decoder(MeterFacts)
_wallet_facts = msgspec.json.Decoder(WalletFacts)


_INTERVAL_NAMES: Final = (
    "site", "box", "epoch", "seq", "n", "meter", "from_ms", "to_ms", "wallet", "from_raw_wh", "to_raw_wh", "energy_wh",
    "charge_micro", "ratio_version", "max_power_w", "parts", "flags",
)  # fmt: skip


def _interval_row(record: Interval) -> tuple[object, ...]:
    """The columns behind a record's place, in the order of their names."""
    begin, end = record.from_, record.to
    return (
        record.meter,
        begin.at_ms,
        end.at_ms,
        record.wallet,
        begin.raw_wh,
        end.raw_wh,
        record.energy_wh,
        record.charge_micro,
        record.ratio_version,
        record.max_power_w,
        msgspec.json.encode(record.parts).decode(),
        msgspec.json.encode(record.flags).decode() if record.flags else "[]",
    )


def _event_row(record: Record) -> dict[str, Any]:
    subject = getattr(record, "subject", None)
    config = type(record).__struct_config__
    return {
        "kind": config.tag,
        "at_ms": record.at_ms,
        "meter": getattr(record, "meter", None) or getattr(subject, "meter", None),
        "wallet": getattr(record, "wallet", None) or getattr(subject, "wallet", None),
        "body": msgspec.json.encode(record).decode(),
    }
