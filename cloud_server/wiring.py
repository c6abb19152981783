"""The wiring: the one file that knows every part of the centre. What is served and how stands in `app`."""

import os
import signal
import socket
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from cloud_server.authority import KeyFolder
from cloud_server.backup import CONFIG_NAME, BackupFolder
from cloud_server.clock import SystemChance, SystemClock
from cloud_server.config import Config
from cloud_server.flows.centre import Centre
from cloud_server.flows.keep_backup import BackupKeeper
from cloud_server.flows.keep_energy import keep_energy
from cloud_server.flows.keep_journal import JournalKeeper
from cloud_server.flows.keep_staff import StaffOffice
from cloud_server.flows.office import Office, open_office
from cloud_server.flows.operate_meters import MeterOperations
from cloud_server.flows.read_alarms import AlarmOffice
from cloud_server.flows.read_books import ReadBooks
from cloud_server.flows.rest import Rest
from cloud_server.flows.second_factor import SecondFactor
from cloud_server.flows.sell_credit import SalesDesk
from cloud_server.flows.sign_in import SignIn
from cloud_server.flows.upgrade_boxes import FOLDER
from cloud_server.flows.waiting import BoxBells, LiveRoom
from cloud_server.message_wiring import MessageParts, wire_messages
from cloud_server.ports.database import Neighbours
from cloud_server.store.database import Engine
from cloud_server.store.engines import open_engine, open_neighbours
from cloud_server.store.factors import StoredFactors
from cloud_server.store.journal_file import JournalFile
from cloud_server.store.people import StoredPeople
from cloud_server.store.schema import check_schema
from cloud_server.store.unit import StoredBooks
from cloud_server.web.codes import TimeCodes
from cloud_server.web.passwords import ArgonPasswords

FAIL_POINT_VARIABLE: Final = "TALLYBOX_FAIL_POINT"
"""Names a place in a flow at which a test ends the process as a power cut would."""


@dataclass(frozen=True, kw_only=True)
class Parts:
    """Everything that was wired together."""

    centre: Centre
    engine: Engine
    journal: JournalFile
    neighbours: Neighbours
    bells: BoxBells
    live: LiveRoom
    books: ReadBooks
    desk: SalesDesk
    operations: MeterOperations
    sign_in: SignIn
    second: SecondFactor
    alarms: AlarmOffice
    staff: StaffOffice
    office: Office
    messages: MessageParts
    rest: Rest
    backups: BackupKeeper
    bundles: Path

    def close(self) -> None:
        """Close files and connections."""
        self.neighbours.close()
        self.journal.close()
        self.engine.close()


def wire(config: Config) -> Parts:
    """Open the database and the keys and put the parts together. Raises DatabaseFault, KeysFault."""
    site = config.site
    authority = KeyFolder(config.keys_dir, config.keys_line, config.limits_line, config.root_public, site.site)
    engine = open_engine(config.database)
    check_schema(engine, site.site)
    clock, chance = SystemClock(), SystemChance()
    neighbours = open_neighbours(config.database, site.site)
    bells = BoxBells(neighbours.tell)
    live = LiveRoom(clock, bells, neighbours.tell)
    journal = JournalFile(config.journal)
    store, term, keeper = _open_books(config, engine, journal)
    centre = Centre(
        site=site,
        term=term,
        store=store,
        authority=authority,
        journal=keeper,
        clock=clock,
        chance=chance,
        wake=bells,
        live=live,
        fail_point=fail_point_from(os.environ.get(FAIL_POINT_VARIABLE)),
    )
    centre.wishes.tell = neighbours.tell
    return _parts(config, centre, engine=engine, journal=journal, neighbours=neighbours, bells=bells, live=live)


def _open_books(config: Config, engine: Engine, journal: JournalFile) -> tuple[StoredBooks, int, JournalKeeper]:
    """The rows, the term in which this centre writes, and who keeps rows and journal alike."""
    store = StoredBooks(engine, config.site.site)
    keep_energy(store, config.site.zone)
    with store.read() as unit:
        term = int(unit.site.fact("term") or 0)
    return store, term, JournalKeeper(store, journal, "" if isinstance(config.database, Path) else socket.gethostname())


def _parts(
    config: Config,
    centre: Centre,
    *,
    engine: Engine,
    journal: JournalFile,
    neighbours: Neighbours,
    bells: BoxBells,
    live: LiveRoom,
) -> Parts:
    site, clock, chance = centre.site, centre.clock, centre.chance
    books = ReadBooks(centre)
    people, passwords = StoredPeople(engine, site.site), ArgonPasswords()
    sign_in = SignIn(people, passwords, clock, chance, (site.name, site.code))
    factors, demanded = StoredFactors(engine, site.site), config.second_factor_demanded
    alarms = AlarmOffice(centre)
    return Parts(
        centre=centre,
        engine=engine,
        journal=journal,
        neighbours=neighbours,
        bells=bells,
        live=live,
        books=books,
        desk=SalesDesk(centre, books),
        operations=MeterOperations(centre),
        sign_in=sign_in,
        second=SecondFactor(factors, TimeCodes(), sign_in, clock, chance, demanded=demanded, issuer=site.name),
        alarms=alarms,
        staff=StaffOffice(people, passwords, clock, chance, (site.name, site.code)),
        office=open_office(centre),
        messages=wire_messages(config, centre, alarms, neighbours.has_turn),
        rest=Rest(centre),
        backups=BackupKeeper(centre, _backup_folder(config)),
        bundles=config.state_dir / FOLDER,
    )


def _backup_folder(config: Config) -> BackupFolder | None:
    """Where backups go, where the configuration says so: the database, the configuration, the keys."""
    if config.backup is None:
        return None
    paths = [path for path in sorted(config.keys_dir.iterdir()) if path.is_file()]
    named = [("keys.line", config.keys_line), ("root.pub", config.root_public)]
    tls = [("tls.pem", config.certificate), ("tls.key", config.certificate_key)]
    keys = {path.name: path for path in paths} | dict(named) | dict(tls)
    return BackupFolder(
        folder=config.backup.folder,
        passphrase_file=config.backup.passphrase_file,
        keep=config.backup.keep,
        database=config.database if isinstance(config.database, Path) else None,
        files=((CONFIG_NAME, config.path), *((f"keys/{name}", path) for name, path in keys.items())),
        code=config.site.code,
    )


def fail_point_from(wanted: str | None) -> Callable[[str], None]:
    """What happens at the named places of a flow: nothing, but in a test that named one."""

    def pass_by(_name: str) -> None:
        return

    def end_here(name: str) -> None:
        if name == wanted:
            os.kill(os.getpid(), signal.SIGKILL)

    return end_here if wanted else pass_by
