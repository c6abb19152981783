"""What the checks look at: rows and signed lines as they were stored, one after the other. Types, and reading lines."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Final, Protocol

from cloud_server.core.audit_chain import AuditEntry
from cloud_server.core.checkpoint import Checkpoint
from cloud_server.core.contracts import Adjustment, Closing, CreditMove, WalletSettlement
from cloud_server.core.energy_sums import EnergySums
from cloud_server.core.fleet import Box, CommandFact, FoundDifference, OpenedEpoch, SaleFact, StoredBatch, WalletGrant
from cloud_server.core.money_requests import ReclaimRequest, Refund, ReversalFact
from cloud_server.core.recovery import ExpectedPart
from cloud_server.core.second_person import SecondRequest
from cloud_server.core.settlement import KeptPayment, KeptSettlement
from cloud_server.core.tills import ClosedDay, DayEntry, SealedDay
from cloud_server.core.transaction import Posting
from protocol.envelope import Line, read_line
from protocol.errors import TheirFault
from protocol.messages import Batch, read_records
from protocol.payload import read_payload
from protocol.records import Record
from protocol.signing import PublicKey
from protocol.units import Micro

MEMORY_BYTES_MAX: Final = 16 * 1024 * 1024
"""Bytes of signed lines whose content is kept between checks: read, it takes about ten times as much memory."""


@dataclass(frozen=True, slots=True)
class CheckResult:
    """One invariant: its name, what was looked at, and every breach in words with the rows that show it."""

    name: str
    looked_at: str
    breaches: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredEntry:
    """One entry of the ledger as stored, not necessarily balanced."""

    id: str
    kind: str
    cause: str
    who: str
    key: str
    second: str | None
    reason: str | None
    day: str
    postings: tuple[Posting, ...]
    posted_days: frozenset[str]
    """The days that its postings say; one, its own."""


@dataclass(frozen=True, slots=True)
class SignedBytes:
    """A line that the centre signed: its number in its chain, its hash as stored, its bytes."""

    number: int
    hash: str
    raw: bytes


@dataclass(slots=True)
class Memory:
    """Batches that were read once and are wanted by the next check too, as far as there is room."""

    room_bytes: int = MEMORY_BYTES_MAX
    told: dict[str, tuple["ToldBatch", ...]] = field(default_factory=dict)
    points: tuple[Checkpoint, ...] | None = None
    """What was passed over; None until the audit was read for it."""


@dataclass(frozen=True, slots=True)
class KeptEnergy:
    """Of one meter: how many intervals it has, what they come to by day, and what is kept by day and by month."""

    meter: str
    intervals: int
    summed: EnergySums
    days: EnergySums
    months: EnergySums


@dataclass(frozen=True, slots=True)
class KeptLedgerDay:
    """Of one posting day by account and kind of entry: how many postings, what they took and gave; from the postings
    themselves, and as kept."""

    day: str
    summed: dict[tuple[str, str], tuple[int, Micro, Micro]]
    kept: dict[tuple[str, str], tuple[int, Micro, Micro]]


class Evidence(Protocol):
    """Everything that was stored. Iterators come in the order of their chains and may be asked for again."""

    site: str
    command_keys: Mapping[str, PublicKey]
    memory: Memory

    def missing_guards(self) -> list[str]: ...

    def entries(self) -> Iterator[StoredEntry]: ...

    def account_sums(self) -> dict[str, Micro]: ...

    def ledger_days(self) -> Iterator[KeptLedgerDay]:
        """Day by day, in their order."""
        ...

    def account_turnover(self) -> dict[str, tuple[Micro, Micro]]:
        """What was ever taken from each account and given to it, as kept."""
        ...

    def boxes(self) -> list[Box]: ...

    def epochs(self, box: str) -> list[OpenedEpoch]: ...

    def epoch_lines(self, box: str) -> Iterator[SignedBytes]: ...

    def batches(self, box: str) -> Iterator[StoredBatch]: ...

    def commands(self, box: str) -> Iterator[CommandFact]: ...

    def command_lines(self, box: str) -> Iterator[SignedBytes]: ...

    def money_lines(self) -> Iterator[SignedBytes]: ...

    def audit_entries(self) -> Iterator[AuditEntry]: ...

    def sales(self) -> Iterator[SaleFact]: ...

    def grants(self) -> Iterator[WalletGrant]: ...

    def reclaims(self) -> Iterator[ReclaimRequest]: ...

    def refunds(self) -> Iterator[Refund]: ...

    def reversals(self) -> Iterator[ReversalFact]: ...

    def receipt_counters(self) -> dict[tuple[str, int], int]:
        """Day and term -> last running number."""
        ...

    def expected_parts(self) -> list[ExpectedPart]:
        """Parts of sales that were told of before their own grant was."""
        ...

    def receipts_asked_for(self) -> set[str]:
        """Numbers of which people were asked what became of their sale, and no sale came back."""
        ...

    def answered_keys(self) -> set[str]: ...

    def findings(self) -> list[FoundDifference]: ...

    def energy_zone(self) -> str | None:
        """The zone whose days the sums of energy are of; None where they were never built."""
        ...

    def energy(self) -> Iterator[KeptEnergy]:
        """Meter by meter. Nothing where sums were never built."""
        ...

    def closed_days(self) -> list[ClosedDay]: ...

    def sealed_days(self) -> list[SealedDay]: ...

    def booked_days(self) -> list[str]:
        """Every posting day under which there is an entry, in order."""
        ...

    def entries_of_day(self, day: str) -> Iterator[DayEntry]: ...

    def second_requests(self) -> Iterator[SecondRequest]: ...

    def settlements(self) -> Iterator[WalletSettlement]: ...

    def adjustments(self) -> Iterator[Adjustment]: ...

    def provider_settlements(self) -> Iterator[tuple[KeptSettlement, tuple[KeptPayment, ...]]]: ...

    def moves(self) -> Iterator[CreditMove]: ...

    def closings(self) -> Iterator[Closing]: ...


@dataclass(frozen=True, slots=True)
class ToldBatch:
    """A posted batch with its content read again from its bytes."""

    stored: StoredBatch
    header: Batch
    records: tuple[Record, ...]

    @property
    def place(self) -> str:
        return f"box {self.stored.box} epoch {self.stored.epoch} batch {self.stored.seq}"

    @property
    def at(self) -> tuple[int, int]:
        """Epoch and number."""
        return self.stored.epoch, self.stored.seq


def unheard_boxes(evidence: Evidence) -> set[str]:
    """Boxes that are to be heard after a restore: what they answered before it has not come back yet."""
    return {box.box for box in evidence.boxes() if box.recovery}


def told_batches(evidence: Evidence, box: str) -> Iterator[ToldBatch]:
    """The posted batches of a box in order, read again; one that cannot be read any more is a breach elsewhere."""
    kept = evidence.memory.told.get(box)
    if kept is not None:
        yield from kept
        return
    gathered: list[ToldBatch] = []
    read_bytes = 0
    for told in _told_batches(evidence, box):
        yield told
        read_bytes += len(told.stored.raw)
        if read_bytes <= evidence.memory.room_bytes:
            gathered.append(told)
    if read_bytes <= evidence.memory.room_bytes:
        evidence.memory.told[box] = tuple(gathered)
        evidence.memory.room_bytes -= read_bytes


def _told_batches(evidence: Evidence, box: str) -> Iterator[ToldBatch]:
    for stored in evidence.batches(box):
        line = parsed(stored.raw) if stored.state == "posted" else None
        if line is None:
            continue
        try:
            header = read_payload(line.payload, Batch)
            yield ToldBatch(stored, header, tuple(read_records(header)))
        except TheirFault:
            continue


def parsed(raw: bytes) -> Line | None:
    """A line from its bytes, None where they are no line any more."""
    try:
        return read_line(raw)
    except TheirFault:
        return None
