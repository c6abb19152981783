"""The port to what is remembered: records, batches, state; one transaction holds a fact and its effect."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import Protocol

from edge_agent.core.decision import Decision
from edge_agent.core.state import Marks, MeterRow, WalletRow
from protocol.chain import Head
from protocol.envelope import Line


class StoreFault(Exception):
    """The store cannot do what was asked. The text is for people; the subclass says what follows from it."""


class StoreFull(StoreFault):
    """There is no room, or the disk takes no writes (the world's fault): nothing of the transaction was kept."""


class StoreUnusable(StoreFault):
    """What is on the disk must not be worked with: damaged, set back, of a newer program, or another's."""

    def __init__(self, alarm: str, text: str) -> None:
        super().__init__(f"{alarm}: {text}")
        self.alarm = alarm


@dataclass(frozen=True, slots=True)
class Remembered:
    """The durable rows as they were last committed."""

    marks: Marks
    meters: tuple[MeterRow, ...]
    wallets: tuple[WalletRow, ...]


@dataclass(frozen=True, slots=True)
class PendingRecord:
    """A record that is committed and not yet sealed into a batch.

    Attributes:
        number: their order.
        step: the commit that wrote it; records of one step stay together.
        commands_applied: the command head as of that commit.
        raw: the record's bytes as they will stand in the batch.
    """

    number: int
    step: int
    commands_applied: Head
    raw: bytes


@dataclass(frozen=True, slots=True)
class SealedBatch:
    """A batch as it is kept: its place in the chain and its line."""

    epoch: int
    seq: int
    line: Line
    acknowledged: bool


@dataclass(frozen=True, slots=True)
class Remains:
    """What can still be read of a store that was set aside. Lines are believed by their signatures, rows by nobody.

    Attributes:
        why: what was wrong with it, in words.
        batches: of its newest epoch, in order, with holes where one cannot be read.
    """

    why: str = ""
    keys: Line | None = None
    batches: tuple[Line, ...] = ()
    meters: tuple[MeterRow, ...] = ()
    config: str | None = None


class RecordStore(Protocol):
    """What outlives the power. Used by the owner thread alone; each writing call is one transaction."""

    def load(self) -> Remembered | None:
        """All rows, or None where no epoch was ever opened."""
        ...

    def together(self) -> AbstractContextManager[None]:
        """Make the calls within one transaction: all of them hold, or none."""
        ...

    def commit(self, decision: Decision, lines: Sequence[Line] = ()) -> None:
        """Keep a decision and the signed lines that caused it. Raises StoreFull with nothing kept."""
        ...

    def knows_money(self, money_id: str) -> bool:
        """Whether a grant or reclaim with this id was ever applied."""
        ...

    def pending(self, limit: int) -> list[PendingRecord]:
        """The oldest records not yet sealed, in their order."""
        ...

    def pending_count(self) -> int:
        """How many records are not yet sealed."""
        ...

    def seal(self, batch: SealedBatch, prev: str, sealed_at_ms: int, last_number: int) -> None:
        """Keep a batch that holds all pending records up to `last_number`; they are pending no more."""
        ...

    def batch_head(self, epoch: int) -> Head | None:
        """The newest batch of an epoch, or None where it has none."""
        ...

    def batch_hash(self, epoch: int, seq: int) -> str | None:
        """The hash of a batch that is kept."""
        ...

    def batches(self, epoch: int, from_seq: int, bytes_max: int) -> list[SealedBatch]:
        """Batches of an epoch in order, at least one where there is one, until their lines exceed the bytes."""
        ...

    def first_unacknowledged(self) -> tuple[int, int] | None:
        """Epoch and number of the oldest batch that the centre has not acknowledged."""
        ...

    def acknowledge(self, epoch: int, seq: int) -> int:
        """Mark all batches of an epoch up to `seq` as held by the centre; returns how many were new."""
        ...

    def command_lines(self, from_seq: int, bytes_max: int) -> list[Line]:
        """Kept command lines from a number on, oldest first."""
        ...

    def newest_line(self, type_name: str) -> Line | None:
        """The newest kept line of a type: keys, limits, epoch."""
        ...

    def epoch_lines(self) -> list[Line]:
        """Every epoch of this box that is kept, oldest first."""
        ...

    def configurations(self) -> list[str]:
        """Configuration texts that were in force, newest first."""
        ...

    def command_hash(self, seq: int) -> str | None:
        """The hash of the command that was applied or refused under this number."""
        ...

    def thin_out(self, before_ms: int) -> int:
        """Delete acknowledged batches sealed before an instant; returns how many went. Others never go."""
        ...

    def close(self) -> None:
        """End tidily: checkpoint, unlock."""
        ...
