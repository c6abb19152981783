"""What flows ask of the store: units of work and the rows in them. One writer at a time; a read sees one moment."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from contextlib import AbstractContextManager
from typing import Literal, Protocol

from cloud_server.core.batch_facts import AlarmChange, MeterFacts, WalletFacts
from cloud_server.core.charge_audit import MeterCharge
from cloud_server.core.enrolment import Claim, Enrolment
from cloud_server.core.fleet import (
    Account,
    Box,
    CommandFact,
    FoundDifference,
    GrantState,
    OpenedEpoch,
    SaleFact,
    StoredBatch,
    Wallet,
    WalletGrant,
)
from cloud_server.core.invariants import Evidence
from cloud_server.core.planned_site import KnownSite
from cloud_server.core.transaction import Transaction
from cloud_server.ports.energy import EnergyBook
from cloud_server.ports.ledger_rows import ContractBook, TillBook
from cloud_server.ports.memory import MemoryBook, RecoveryBook
from cloud_server.ports.money import MoneyBook
from cloud_server.ports.office import AlarmBookRows, ReportRows
from cloud_server.ports.outbox import MessageBook
from cloud_server.ports.programs import ProgramBook, SettlementBook, Tokens
from cloud_server.ports.read_rows import ReadRows
from cloud_server.ports.standings import Standings
from cloud_server.ports.webhooks import WebhookBook
from protocol.chain import Head
from protocol.envelope import Line
from protocol.records import Record
from protocol.signing import PublicKey
from protocol.site_plan import SaleLimits, SitePlan

SiteFact = Literal["schema", "term", "set_up_at_ms", "journal_bytes", "sale_limits", "energy_zone", "plan_told"]


class Site(Protocol):
    """Facts on the database itself."""

    def fact(self, name: SiteFact | str) -> str | None:
        """One of the closed list, or the journal's mark of one host, `journal_bytes@<host>`."""
        ...

    def put_fact(self, name: SiteFact | str, value: str) -> None: ...


class Fleet(Protocol):
    """Boxes, meters, accounts, wallets. Inside a writing unit a row read is the caller's until the unit ends."""

    def box(self, box: str) -> Box | None: ...

    def boxes(self) -> list[Box]: ...

    def save_box(self, box: Box) -> None: ...

    def account(self, account: str) -> Account | None: ...

    def wallets_of_account(self, account: str) -> list[Wallet]: ...

    def wallets_of_box(self, box: str) -> list[Wallet]: ...

    def meters_of_box(self, box: str) -> set[str]: ...

    def box_of_meter(self, meter: str) -> str | None: ...

    def plan(self) -> SitePlan | None: ...

    def sale_limits(self) -> SaleLimits: ...

    def known_site(self, zone: str, currency: str) -> KnownSite: ...

    def put_plan(self, plan: SitePlan, text: str, made_at_ms: int, made_by: str) -> int: ...


class Enrolments(Protocol):
    """Claims, requests, epochs, certificates, signed configurations."""

    def claim(self, box: str) -> Claim | None: ...

    def put_claim(self, claim: Claim) -> None: ...

    def enrolment(self, box: str) -> Enrolment | None: ...

    def enrolments(self) -> dict[str, Enrolment]: ...

    def put_enrolment(self, enrolment: Enrolment) -> None: ...

    def add_epoch(self, epoch: OpenedEpoch) -> None:
        """Store it and fence all earlier ones of its box."""
        ...

    def epochs(self, box: str) -> list[OpenedEpoch]: ...

    def box_of_key(self, keyid: str) -> str | None: ...

    def add_certificate(
        self, box: str, serial: str, keyid: str, pem: str, made_at_ms: int, ends_at_ms: int
    ) -> None: ...

    def newest_certificate(self, box: str) -> str | None: ...

    def add_configuration(self, box: str, version: int, text_hash: str, text: str, made_at_ms: int) -> None: ...

    def configuration(self, box: str, version: int) -> tuple[str, str] | None:
        """Hash and text."""
        ...


class Ledger(Protocol):
    """Entries, sums, sales, grants, receipt numbers."""

    def post(self, transaction: Transaction, posted_at_ms: int) -> None: ...

    def sums(self, accounts: Iterable[str]) -> dict[str, int]: ...

    def next_receipt(self, day: str, term: int) -> int: ...

    def raise_receipt(self, day: str, term: int, number: int) -> int:
        """A number of a day was given out: the counter stands there at least; where it stands."""
        ...

    def receipts_like(self, series: str) -> list[str]:
        """The receipts of a series that sales are known of."""
        ...

    def add_sale(self, sale: SaleFact) -> None: ...

    def sale(self, sale: str) -> SaleFact | None: ...

    def sale_like(self, account: str, amount_micro: int, since_ms: int) -> SaleFact | None: ...

    def operator_day_micro(self, operator: str, day: str) -> int: ...

    def note_print(self, sale: str, at_ms: int, who: str) -> int: ...

    def add_grants(self, grants: Iterable[WalletGrant]) -> None: ...

    def save_grant(self, grant: WalletGrant) -> None: ...

    def grants(self, grants: Iterable[str]) -> dict[str, WalletGrant]: ...

    def grants_of_sale(self, sale: str) -> list[WalletGrant]: ...

    def grants_in_state(self, box: str, *states: GrantState) -> list[WalletGrant]: ...

    def grants_of_account(self, account: str, *states: GrantState) -> list[WalletGrant]: ...

    def grant_of_command(self, box: str, command: int) -> WalletGrant | None: ...

    def grants_not_on(self, box: str) -> list[WalletGrant]: ...


class Lines(Protocol):
    """What the centre signed, and what keys were answered."""

    def add_lines(self, lines: Iterable[tuple[Line, str, int]], made_at_ms: int) -> None:
        """Line, box (empty for money), number in its chain."""
        ...

    def line(self, type_name: str, box: str, number: int) -> bytes | None: ...

    def lines_after(
        self, type_name: str, box: str, number: int, limit: int, *, journaled_only: bool
    ) -> list[tuple[int, str, bytes]]:
        """Number, hash, bytes."""
        ...

    def chain_head(self, type_name: str, box: str, *, journaled_only: bool) -> Head: ...

    def unjournaled(self, limit: int) -> list[tuple[str, bytes]]:
        """Hash, bytes."""
        ...

    def has_line(self, line_hash: str) -> bool:
        """Whether it is stored, whether it counts or not."""
        ...

    def mark_journaled(self, hashes: Sequence[str]) -> None: ...

    def add_command(self, command: CommandFact) -> None: ...

    def command(self, box: str, seq: int) -> CommandFact | None: ...

    def command_hash(self, box: str, seq: int) -> str | None: ...

    def drop_commands(self, box: str, from_seq: int) -> None:
        """Commands whose lines were voided are no commands any more."""
        ...

    def last_answered(self, box: str) -> Head:
        """The newest command that the box has answered for; number 0 where there is none."""
        ...

    def commands_about(self, subject: str, limit: int) -> list[CommandFact]: ...

    def save_command_result(self, command: CommandFact) -> None: ...

    def kept_answer(self, key: str) -> tuple[str, str] | None:
        """Hash of the request, answer."""
        ...

    def keep_answer(self, key: str, request_hash: str, answer: str, at_ms: int) -> None: ...


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


class ManyBoxes(Protocol):
    """Asks at once what the exchanges of many boxes would ask one by one; answers stay in the unit."""

    def lock(self, keyids: Sequence[str]) -> dict[str, Box]: ...

    def learn(self, boxes: Sequence[Box]) -> None: ...

    def learn_to_post(self, boxes: Sequence[Box], unread: Iterable[tuple[str, int]]) -> None: ...


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
