"""From pending records to signed batches: header, book balances after, hashes of the tariffs used, the chain.

After a start nothing is sealed before a fresh answer has confirmed the head, or a time without one has passed:
so a box that was set back finds out before it writes a second history.
"""

import logging
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

import msgspec

from edge_agent.flows.box import Box
from edge_agent.ports import PendingRecord, SealedBatch
from protocol import limits
from protocol.chain import Head
from protocol.charging import RULES_VERSION
from protocol.config_text import read_config
from protocol.envelope import seal
from protocol.messages import Batch, ChainHead, Clock
from protocol.payload import decode, write_payload
from protocol.records import Interval, Record
from protocol.wallet import change

RECORD_BYTES_MAX: Final = 1024 * 1024
"""Records of one batch, well below the payload's limit: a piece that a slow line carries in one go."""
PENDING_MAX: Final = 100_000
"""Pending records looked at together: two months of an unsealed street, about 60 MB for a moment."""

log = logging.getLogger(__name__)


@dataclass(slots=True)
class Sealing:
    """Whether this run of the agent may seal. `offline_at_mono_ms`: when it may even without a fresh answer."""

    offline_at_mono_ms: int
    head_confirmed: bool = False
    set_back: str | None = None
    """Why the centre's books show that this store lost something: then nothing is sealed any more."""
    audit_head: str | None = None
    server_time_at_mono_ms: int | None = None

    def allowed(self, mono_ms: int) -> bool:
        """May a batch be sealed now?"""
        return self.set_back is None and (self.head_confirmed or mono_ms >= self.offline_at_mono_ms)


def batch_head(box: Box) -> Head:
    """The newest batch of this epoch; before the first, number 0 and the epoch line's hash."""
    marks = box.state.marks
    return box.store.batch_head(marks.epoch) or Head(0, marks.epoch_hash)


def seal_pending(box: Box, sealing: Sealing, *, old_epoch_ends: bool = False) -> int:
    """Seal all pending records, in as many batches as the limits ask for. Returns how many were sealed."""
    if not (old_epoch_ends or sealing.allowed(box.clock.mono_ms())):
        return 0
    if not box.deferred and box.store.pending_count() == 0:
        box.urgent = False
        return 0
    sealed = 0
    with box.flushed():
        pending = box.store.pending(PENDING_MAX)
        while pending:
            count = _cut(pending)
            _seal_one(box, sealing, pending[:count], pending[count:])
            pending = pending[count:]
            sealed += 1
    box.urgent = False
    return sealed


def _cut(pending: Sequence[PendingRecord]) -> int:
    """How many records go into the next batch: within the limits, records of one commit together where they fit."""
    size, count = 0, 0
    for record in pending[: limits.RECORDS_MAX]:
        size += len(record.raw)
        if count and size > RECORD_BYTES_MAX:
            break
        count += 1
    if count == len(pending):
        return count
    step = pending[count].step
    whole = count
    while whole and pending[whole - 1].step == step:
        whole -= 1
    return whole or count


def _seal_one(box: Box, sealing: Sealing, taken: Sequence[PendingRecord], later: Sequence[PendingRecord]) -> None:
    marks, who, head = box.state.marks, box.who, batch_head(box)
    now = box.now()
    commands = taken[-1].commands_applied
    batch = Batch(
        site=who.site,
        box=who.box,
        epoch=marks.epoch,
        seq=head.seq + 1,
        prev=head.hash,
        boot_id=who.boot_id,
        mono_ms=now.mono_ms,
        sealed_at_ms=now.wall_ms,
        clock=clock_of(sealing, now.sure),
        agent=who.agent,
        rules=RULES_VERSION,
        commands_applied=ChainHead(seq=commands.seq, hash=commands.hash),
        key_generation=marks.key_generation,
        term_seen=marks.term,
        audit_head_seen=sealing.audit_head,
        tariff_hashes=_tariff_hashes(box, _records(taken)),
        records=[msgspec.Raw(record.raw) for record in taken],
        wallets=_books_before({w: row.state.book_micro for w, row in box.state.wallets.items()}, _records(later)),
    )
    line = seal("batch", write_payload(batch), who.record_key)
    box.store.seal(SealedBatch(batch.epoch, batch.seq, line, False), batch.prev, batch.sealed_at_ms, taken[-1].number)
    log.info("batch_sealed", extra={"fields": {"epoch": batch.epoch, "seq": batch.seq, "records": len(taken)}})


def clock_of(sealing: Sealing, sure: bool) -> Clock:
    """What the batch says of the box's clock."""
    if not sure:
        return Clock(sure=False, source="none")
    return Clock(sure=True, source="server" if sealing.server_time_at_mono_ms is not None else "rtc")


def _records(pending: Iterable[PendingRecord]) -> list[Record]:
    return [decode(record.raw, Record) for record in pending]


def _books_before(books_now: Mapping[str, int], later: Iterable[Record]) -> dict[str, int]:
    """Book balances after a batch: those of now, less what the records behind it moved."""
    books = dict(books_now)
    for record in later:
        moved = change(record)
        if moved is not None:
            books[moved[0]] = books.get(moved[0], 0) - moved[1]
    return books


def _tariff_hashes(box: Box, records: Iterable[Record]) -> dict[str, dict[str, str]]:
    """The hash of each tariff version that an interval of these records was priced with."""
    parts = (part for record in records if isinstance(record, Interval) for part in record.parts)
    used = {(part.tariff, part.tariff_version) for part in parts}
    known = {(text.tariff, text.version): text.hash for text in box.state.config.tariffs}
    if not used <= set(known):
        for text in box.store.configurations():
            known = {(t.tariff, t.version): t.hash for t in read_config(text).tariffs} | known
    hashes: dict[str, dict[str, str]] = {}
    for tariff, version in sorted(used & set(known)):
        hashes.setdefault(tariff, {})[str(version)] = known[(tariff, version)]
    return hashes
