"""What flows ask of the store: units of work and the rows in them. One writer at a time; a read sees one moment."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from contextlib import AbstractContextManager
from typing import Protocol

from cloud_server.core.batch_facts import AlarmChange, MeterFacts, WalletFacts
from cloud_server.core.charge_audit import MeterCharge
from cloud_server.core.fleet import (
    FoundDifference,
    StoredBatch,
)
from cloud_server.core.invariants import Evidence
from cloud_server.ports.energy import EnergyBook
from cloud_server.ports.fleet_rows import Enrolments, Fleet, ManyBoxes, Site
from cloud_server.ports.ledger_lines import Ledger, Lines
from cloud_server.ports.ledger_rows import ContractBook, TillBook
from cloud_server.ports.memory import MemoryBook, RecoveryBook
from cloud_server.ports.money import MoneyBook
from cloud_server.ports.office import AlarmBookRows, ReportRows
from cloud_server.ports.outbox import MessageBook
from cloud_server.ports.profiles import ProfileBook
from cloud_server.ports.programs import ProgramBook, SettlementBook, Tokens
from cloud_server.ports.read_rows import ReadRows
from cloud_server.ports.standings import Standings
from cloud_server.ports.webhooks import WebhookBook
from protocol.chain import Head
from protocol.records import Record
from protocol.signing import PublicKey


class Readings(Protocol):
    """Batches and what they say."""

    def batch_hash(self, box: str, epoch: int, seq: int) -> str | None: ...

    def add_batch(self, batch: StoredBatch) -> None: ...

    def is_parked(self, box: str) -> bool: ...

    def waiting_batches(self, box: str, limit: int) -> list[StoredBatch]: ...

    def mark_posted(self, batch: StoredBatch) -> None: ...

    def note_fault(self, batch: StoredBatch, fault: str) -> None: ...

    def fence_parked(self, box: str) -> int:
        """What waits to be posted never will be: its epoch was closed before it. How many."""
        ...

    def add_evidence(self, box: str, line_hash: str, verdict: str, raw: bytes, received_at_ms: int) -> bool:
        """False where it was kept before."""
        ...

    def add_records(self, batch: StoredBatch, records: Sequence[Record]) -> None: ...

    def meter_states(self, box: str) -> dict[str, tuple[MeterFacts, MeterCharge]]: ...

    def save_meter_states(self, box: str, states: Mapping[str, tuple[MeterFacts, MeterCharge]]) -> None: ...

    def wallet_states(self, box: str) -> dict[str, WalletFacts]: ...

    def save_wallet_states(self, box: str, states: Iterable[WalletFacts]) -> None: ...


class Alarms(Protocol):
    """Alarms and findings."""

    def change_alarms(self, changes: Iterable[AlarmChange]) -> int: ...

    def standing_alarms(self, kind: str) -> list[tuple[str, int]]: ...

    def settle(self, alarms: Iterable[str], kinds: Iterable[str], at_ms: int, who: str) -> int: ...

    def add_findings(self, findings: Iterable[FoundDifference], raised_at_ms: int) -> int:
        """How many were new."""
        ...


class Audit(Protocol):
    """The audit chain."""

    def head(self) -> Head: ...

    def newest_ms(self) -> int | None:
        """When the newest row was written."""
        ...

    def append(self, at_ms: int, who: str, action: str, subject: str, detail: Mapping[str, object]) -> None: ...


class Unit(Protocol):
    """One transaction with all rows in it. Not to be kept after its `with` block, nor held while waiting."""

    @property
    def site(self) -> Site: ...

    @property
    def fleet(self) -> Fleet: ...

    @property
    def many_boxes(self) -> ManyBoxes: ...

    @property
    def enrolments(self) -> Enrolments: ...

    @property
    def standings(self) -> Standings: ...

    @property
    def ledger(self) -> Ledger: ...

    @property
    def lines(self) -> Lines: ...

    @property
    def money(self) -> MoneyBook: ...

    @property
    def tills(self) -> TillBook: ...

    @property
    def contracts(self) -> ContractBook: ...

    @property
    def readings(self) -> Readings: ...

    @property
    def energy(self) -> EnergyBook: ...

    @property
    def alarms(self) -> Alarms: ...

    @property
    def alarm_book(self) -> AlarmBookRows: ...

    @property
    def messages(self) -> MessageBook: ...

    @property
    def reports(self) -> ReportRows: ...

    @property
    def audit(self) -> Audit: ...

    @property
    def books(self) -> ReadRows: ...

    @property
    def tokens(self) -> Tokens: ...

    @property
    def programs(self) -> ProgramBook: ...

    @property
    def profiles(self) -> ProfileBook: ...

    @property
    def settlements(self) -> SettlementBook: ...

    @property
    def webhooks(self) -> WebhookBook: ...

    @property
    def memory(self) -> MemoryBook: ...

    @property
    def recovery(self) -> RecoveryBook: ...


class Store(Protocol):
    """Where everything is kept."""

    def write(self) -> AbstractContextManager[Unit]:
        """The site's own writer, one at a time: commits at exit, rolls back on an error. Raises TryAgain."""
        ...

    def write_box(self) -> AbstractContextManager[Unit]:
        """A writer of what one box says, whose row it reads first; many at a time. Raises TryAgain, WiderUnit."""
        ...

    def note(self) -> AbstractContextManager[Unit]:
        """A writer of marks that nobody decides upon. Raises TryAgain."""
        ...

    def read(self) -> AbstractContextManager[Unit]:
        """One consistent look."""
        ...

    def evidence(self, command_keys: Mapping[str, PublicKey]) -> AbstractContextManager[Evidence]:
        """All rows and lines as of one moment, for the checks of invariants."""
        ...
