"""The store as flows see it: units of work, each with all row gateways on one transaction."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager

import peewee as pw

from cloud_server.store.alarm_book import AlarmBook
from cloud_server.store.alarms import AlarmRows
from cloud_server.store.audit import AuditRows
from cloud_server.store.book_rows import BookRows
from cloud_server.store.contract_rows import ContractRows
from cloud_server.store.database import Engine
from cloud_server.store.energy_rows import EnergyRows
from cloud_server.store.enrolments import EnrolmentRows
from cloud_server.store.evidence import EvidenceRows
from cloud_server.store.fleet import FleetRows
from cloud_server.store.ledger import LedgerRows
from cloud_server.store.lines import LineRows
from cloud_server.store.many_boxes import ManyBoxes
from cloud_server.store.memory_rows import MemoryRows
from cloud_server.store.messages import MessageRows
from cloud_server.store.money_rows import MoneyRows
from cloud_server.store.profile_rows import ProfileRows
from cloud_server.store.program_rows import ProgramRows
from cloud_server.store.readings import ReadingRows
from cloud_server.store.recovery_rows import RecoveryRows
from cloud_server.store.report_rows import ReportBook
from cloud_server.store.rows import Scope
from cloud_server.store.schema import GUARDED
from cloud_server.store.settlement_rows import SettlementRows
from cloud_server.store.site import SiteRows
from cloud_server.store.standing_rows import StandingRows
from cloud_server.store.till_rows import TillRows
from cloud_server.store.tokens import TokenRows
from cloud_server.store.webhook_rows import WebhookRows
from protocol.signing import PublicKey


class Unit:
    """One transaction. Not to be kept after its `with` block."""

    def __init__(self, database: pw.Database, site: str, scope: Scope) -> None:
        self.site = SiteRows(database, site)
        self.fleet = FleetRows(database, site, scope)
        self.many_boxes = ManyBoxes(database, site, scope)
        self.enrolments = EnrolmentRows(database, site)
        self.standings = StandingRows(database, site)
        self.ledger = LedgerRows(database, site, scope)
        self.lines = LineRows(database, site, scope)
        self.money = MoneyRows(database, site)
        self.tills = TillRows(database, site, scope)
        self.contracts = ContractRows(database, site)
        self.readings = ReadingRows(database, site)
        self.energy = EnergyRows(database, site)
        self.alarms = AlarmRows(database, site)
        self.alarm_book = AlarmBook(database, site)
        self.messages = MessageRows(database, site)
        self.reports = ReportBook(database, site)
        self.audit = AuditRows(database, site, scope)
        self.books = BookRows(database, site)
        self.tokens = TokenRows(database, site)
        self.memory = MemoryRows(database, site)
        self.recovery = RecoveryRows(database, site)
        self.programs = ProgramRows(database, site)
        self.profiles = ProfileRows(database, site)
        self.settlements = SettlementRows(database, site)
        self.webhooks = WebhookRows(database, site, scope)


class StoredBooks:
    """The store of one site on one engine."""

    def __init__(self, engine: Engine, site: str) -> None:
        self._engine = engine
        self._site = site

    @contextmanager
    def write(self) -> Iterator[Unit]:
        """The site's own writer, one at a time over all processes: commits at exit, rolls back on an error."""
        with self._engine.write() as database:
            unit = Unit(database, self._site, Scope.SITE)
            unit.site.lock()
            yield unit

    @contextmanager
    def write_box(self) -> Iterator[Unit]:
        """A writer of what one box says, whose row it locks by reading it; many at a time where the engine can."""
        with self._engine.write() as database:
            yield Unit(database, self._site, Scope.BOX)

    @contextmanager
    def note(self) -> Iterator[Unit]:
        """A writer of marks that nobody decides upon; locks nothing."""
        with self._engine.write() as database:
            yield Unit(database, self._site, Scope.NOTE)

    @contextmanager
    def evidence(self, command_keys: Mapping[str, PublicKey]) -> Iterator[EvidenceRows]:
        """All rows and lines as of one moment, for the checks of invariants."""
        missing = self._engine.missing_guards(GUARDED)
        with self._engine.read() as database:
            yield EvidenceRows(database, self._site, command_keys, missing)

    @contextmanager
    def read(self) -> Iterator[Unit]:
        """One consistent look."""
        with self._engine.read() as database:
            yield Unit(database, self._site, Scope.READ)
