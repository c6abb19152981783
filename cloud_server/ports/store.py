"""What flows ask of the store: units of work and the rows in them. One writer at a time; a read sees one moment."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from contextlib import AbstractContextManager
from typing import Literal, Protocol

from cloud_server.core.api_token import ApiToken
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
from cloud_server.core.planned_site import KnownSite
from cloud_server.core.transaction import Transaction
from protocol.chain import Head
from protocol.envelope import Line
from protocol.records import Record
from protocol.site_plan import SitePlan


class Site(Protocol):
    """Facts on the database itself."""

    def fact(self, name: Literal["schema", "term", "set_up_at_ms", "journal_bytes", "instance"]) -> str | None: ...

    def put_fact(
        self, name: Literal["schema", "term", "set_up_at_ms", "journal_bytes", "instance"], value: str
    ) -> None: ...


class Fleet(Protocol):
    """Boxes, meters, accounts, wallets. Inside a writing unit a row read is the caller's until the unit ends."""

    def box(self, box: str) -> Box | None: ...

    def boxes(self) -> list[Box]: ...

    def save_box(self, box: Box) -> None: ...

    def account(self, account: str) -> Account | None: ...

    def wallets_of_account(self, account: str) -> list[Wallet]: ...

    def wallets_of_box(self, box: str) -> list[Wallet]: ...

    def box_of_meter(self, meter: str) -> str | None: ...

    def plan(self) -> SitePlan | None: ...

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

    def mark_journaled(self, hashes: Sequence[str]) -> None: ...

    def add_command(self, command: CommandFact) -> None: ...

    def command(self, box: str, seq: int) -> CommandFact | None: ...

    def command_hash(self, box: str, seq: int) -> str | None: ...

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

    def add_findings(self, findings: Iterable[FoundDifference], raised_at_ms: int) -> None: ...


class Audit(Protocol):
    """The audit chain."""

    def head(self) -> Head: ...

    def append(self, at_ms: int, who: str, action: str, subject: str, detail: Mapping[str, object]) -> None: ...


class Tokens(Protocol):
    """API tokens."""

    def add_token(self, token: ApiToken) -> None: ...

    def token_by_hash(self, token_hash: str) -> ApiToken | None: ...


class Unit(Protocol):
    """One transaction with all rows in it. Not to be kept after its `with` block, nor held while waiting."""

    @property
    def site(self) -> Site: ...

    @property
    def fleet(self) -> Fleet: ...

    @property
    def enrolments(self) -> Enrolments: ...

    @property
    def ledger(self) -> Ledger: ...

    @property
    def lines(self) -> Lines: ...

    @property
    def readings(self) -> Readings: ...

    @property
    def alarms(self) -> Alarms: ...

    @property
    def audit(self) -> Audit: ...

    @property
    def tokens(self) -> Tokens: ...


class Store(Protocol):
    """Where everything is kept."""

    def write(self) -> AbstractContextManager[Unit]:
        """The one unit that may write: commits at exit, rolls back on an error."""
        ...

    def read(self) -> AbstractContextManager[Unit]:
        """One consistent look."""
        ...
