"""The wiring: the one file that knows every part of the centre, and the server that runs it."""

import asyncio
import contextlib
import json
import logging
import os
import signal
import socket
import ssl
import sys
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Any, Final

import uvicorn
from fastapi import FastAPI
from starlette.concurrency import run_in_threadpool

from cloud_server.api.boxes import box_routes
from cloud_server.api.contracts import contract_routes
from cloud_server.api.hardware import hardware_routes
from cloud_server.api.office import office_routes
from cloud_server.api.on_demand import on_demand_routes
from cloud_server.api.problems import mount_problems
from cloud_server.api.program_routes import OPENAPI_URL, SUMMARY, ProgramServices, mount_programs
from cloud_server.api.recovery import recovery_routes
from cloud_server.authority import KeyFolder
from cloud_server.backup import CONFIG_NAME, BackupFolder
from cloud_server.client_certificates import BehindProxy, CertificateProtocol, ask_certificates
from cloud_server.clock import SystemChance, SystemClock
from cloud_server.config import Config
from cloud_server.core.mistakes import NotNow
from cloud_server.flows.centre import Centre
from cloud_server.flows.keep_backup import BackupKeeper
from cloud_server.flows.keep_energy import keep_energy
from cloud_server.flows.keep_journal import JournalKeeper
from cloud_server.flows.keep_staff import StaffOffice
from cloud_server.flows.office import WORK_EVERY_S, Office, open_office
from cloud_server.flows.operate_meters import MeterOperations
from cloud_server.flows.plan_site import tell_plan_once
from cloud_server.flows.read_alarms import AlarmOffice
from cloud_server.flows.read_books import ReadBooks
from cloud_server.flows.read_reports import ReportOffice
from cloud_server.flows.rest import Rest
from cloud_server.flows.second_factor import SecondFactor
from cloud_server.flows.sell_credit import SalesDesk
from cloud_server.flows.sign_in import SignIn
from cloud_server.flows.upgrade_boxes import FOLDER
from cloud_server.flows.waiting import BoxBells, LiveRoom, hear
from cloud_server.flows.watch_centre import watch_journal
from cloud_server.flows.watch_fleet import watch_fleet
from cloud_server.message_wiring import MessageParts, wire_messages
from cloud_server.messages.webhooks import WebhookSender
from cloud_server.ports.database import Neighbours
from cloud_server.store.database import Engine
from cloud_server.store.engines import open_engine, open_neighbours
from cloud_server.store.factors import StoredFactors
from cloud_server.store.journal_file import JournalFile
from cloud_server.store.people import StoredPeople
from cloud_server.store.schema import check_schema, make_months_ahead
from cloud_server.store.unit import StoredBooks
from cloud_server.web.assembly import console_services
from cloud_server.web.codes import TimeCodes
from cloud_server.web.passwords import ArgonPasswords
from cloud_server.web.routes import mount as mount_console
from protocol.limits import BODY_BYTES_MAX

FAIL_POINT_VARIABLE: Final = "TALLYBOX_FAIL_POINT"
"""Names a place in a flow at which a test ends the process as a power cut would."""
JOURNAL_EVERY_S: Final = 3.0
"""A line that a crash left out of the journal is in it this soon."""
WATCH_EVERY_S: Final = 10.0
"""How soon a box that has gone silent is told of, beyond its limit."""
HEARD_EVERY_S: Final = 1.0
"""That boxes were heard is shown to the minute; a second of them is one statement."""
BACKUP_EVERY_S: Final = 600.0
"""How soon a night's backup is begun, and one that was missed is told of."""
WEBHOOKS_EVERY_S: Final = 2.0
"""A gateway hears of its sale within two seconds of the box's word."""
TIDY_EVERY_S: Final = 3_600.0
"""Sessions that are over do no harm; once an hour they are removed."""
FEED_EVERY_S: Final = 10.0
"""The service manager's watchdog waits for a minute; the loop and its threads have to move to feed it."""
STOP_WITHIN_S: Final = 2
"""Open streams are ended after two seconds; requests under way take milliseconds."""
KEEP_ALIVE_S: Final = 75
"""Longer than the 25 s for which a box's request may be held, with room for two turns."""

log = logging.getLogger("cloud_server")


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
    store = StoredBooks(engine, site.site)
    keep_energy(store, site.zone)
    clock, chance = SystemClock(), SystemChance()
    neighbours = open_neighbours(config.database, site.site)
    bells = BoxBells(neighbours.tell)
    live = LiveRoom(clock, bells, neighbours.tell)
    journal = JournalFile(config.journal)
    keeper = JournalKeeper(store, journal, "" if isinstance(config.database, Path) else socket.gethostname())
    with store.read() as unit:
        term = int(unit.site.fact("term") or 0)
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


def make_app(parts: Parts) -> FastAPI:
    """The web application: addresses for boxes and programs, and the console."""

    @contextlib.asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        work = [asyncio.create_task(task) for task in _background(parts)]
        parts.messages.worker.start()
        yield
        await run_in_threadpool(parts.messages.worker.stop)
        for task in work:
            task.cancel()
        await asyncio.gather(*work, return_exceptions=True)

    app = FastAPI(
        title="Tallybox",
        version="1",
        summary=SUMMARY,
        openapi_url=OPENAPI_URL,
        docs_url=None,
        redoc_url=None,
        lifespan=lifespan,
        max_body_size=BODY_BYTES_MAX,
    )
    mount_problems(app)
    app.include_router(box_routes(parts.centre, parts.bells, parts.rest, parts.bundles))
    mount_programs(
        app,
        ProgramServices(
            centre=parts.centre,
            books=parts.books,
            desk=parts.desk,
            feed=parts.live,
            alarms=parts.alarms,
            operations=parts.operations,
            sign_in=parts.sign_in,
            reports=ReportOffice(parts.centre, parts.alarms),
            database_bytes=parts.engine.size_bytes,
        ),
    )
    app.include_router(office_routes(parts.centre, parts.office))
    app.include_router(contract_routes(parts.centre, parts.office))
    app.include_router(hardware_routes(parts.centre))
    app.include_router(recovery_routes(parts.centre, parts.backups, parts.office.selling))
    app.include_router(on_demand_routes(parts.centre))
    services = console_services(
        parts.centre, parts.office, parts.books, parts.live, parts.alarms, parts.sign_in, parts.second, parts.staff
    )
    mount_console(app, replace(services, messages=parts.messages.desk, customer_pages=parts.messages.pages))
    return app


def _background(parts: Parts) -> list[Any]:
    """Work that nobody asks for, on the monotonic clock."""
    webhooks = WebhookSender(parts.centre.store, parts.centre.clock)
    return [
        _every(JOURNAL_EVERY_S, lambda: _append_unmarked(parts.centre)),
        _every(TIDY_EVERY_S, webhooks.forget),
        _every(WEBHOOKS_EVERY_S, webhooks.send_due),
        _every(HEARD_EVERY_S, parts.rest.note_heard),
        _every(WATCH_EVERY_S, lambda: watch_journal(parts.centre)),
        _every(BACKUP_EVERY_S, parts.backups.look),
        _every(WATCH_EVERY_S, _in_turn(parts, lambda: watch_fleet(parts.centre))),
        _every(WORK_EVERY_S, _in_turn(parts, parts.office.work)),
        _every(TIDY_EVERY_S, _in_turn(parts, parts.sign_in.tidy)),
        _every(TIDY_EVERY_S, _in_turn(parts, parts.second.tidy)),
        _every(TIDY_EVERY_S, _in_turn(parts, lambda: _make_months(parts))),
        _every(FEED_EVERY_S, lambda: tell_service_manager("WATCHDOG=1")),
    ]


def _in_turn(parts: Parts, work: Callable[[], int]) -> Callable[[], int]:
    """Work that one process does for all, done where it is this one's turn."""
    return lambda: work() if parts.neighbours.has_turn() else 0


def _make_months(parts: Parts) -> int:
    return len(make_months_ahead(parts.engine, parts.centre.clock.wall_ms()))


def _append_unmarked(centre: Centre) -> int:
    """The fault is kept by the keeper and shown; here it only must not end the task."""
    try:
        return centre.journal.append_unmarked()
    except NotNow:
        return 0


def tell_service_manager(words: str) -> int:
    """Send a notification to systemd's socket where there is one (man 3 sd_notify); how many were sent."""
    address = os.environ.get("NOTIFY_SOCKET", "")
    if not address:
        return 0
    with contextlib.suppress(OSError), socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as sender:
        sender.sendto(words.encode(), f"\0{address[1:]}" if address.startswith("@") else address)
        return 1
    return 0


async def _every(pause_s: float, work: Callable[[], int]) -> None:
    while True:
        await asyncio.sleep(pause_s)
        try:
            await run_in_threadpool(work)
        except Exception:  # whatever it was is told with its trace, and the next turn tries again
            log.exception("background_work_failed")


class _Server(uvicorn.Server):
    """Lets held requests go before it waits for requests to end."""

    def __init__(self, config: uvicorn.Config, parts: Parts) -> None:
        super().__init__(config)
        self._parts = parts

    async def startup(self, sockets: Any = None) -> None:
        await super().startup(sockets)
        for server in self.servers:
            for listener in server.sockets:
                log.info("listening", extra={"address": "{}:{}".format(*listener.getsockname()[:2])})
        if self.started:
            tell_service_manager("READY=1")

    async def shutdown(self, sockets: Any = None) -> None:
        tell_service_manager("STOPPING=1")
        self._parts.bells.close()
        self._parts.live.close()
        await super().shutdown(sockets)
        # Raised again behind the end, the signal would kill the process before files and connections are closed.
        self._captured_signals.clear()


def serve(config: Config) -> None:
    """Run until SIGTERM or SIGINT. Raises DatabaseFault, KeysFault before it listens."""
    start_logging()
    parts = wire(config)
    parts.centre.journal.check_at_start()
    _append_unmarked(parts.centre)
    tell_plan_once(parts.centre)
    parts.neighbours.start(partial(hear, parts.bells, parts.live, parts.centre.wishes))
    app = make_app(parts)
    settings = uvicorn.Config(
        BehindProxy(app, config.trusted_proxies) if config.trusted_proxies else app,
        host=config.host,
        port=config.port,
        ssl_certfile=str(config.certificate),
        ssl_keyfile=str(config.certificate_key),
        http=CertificateProtocol,
        ws="none",
        log_config=None,
        access_log=False,
        server_header=False,
        proxy_headers=False,
        timeout_keep_alive=KEEP_ALIVE_S,
        timeout_graceful_shutdown=STOP_WITHIN_S,
    )
    settings.load()
    assert settings.ssl is not None
    settings.ssl.minimum_version = ssl.TLSVersion.TLSv1_3
    ask_certificates(settings.ssl, config.keys_dir / "ca.pem")
    try:
        _Server(settings, parts).run()
    finally:
        parts.close()


class _OneLine(logging.Formatter):
    """One event a line as JSON: time, level, logger, event, and what was given beside it. No secrets are ever given."""

    _own = frozenset(vars(logging.makeLogRecord({}))) | {"message", "asctime", "color_message"}

    def format(self, record: logging.LogRecord) -> str:
        line: dict[str, object] = {
            "at": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname.lower(),
            "from": record.name,
            "event": record.getMessage(),
        }
        line |= {key: value for key, value in vars(record).items() if key not in self._own}
        if record.exc_info:
            line["trace"] = self.formatException(record.exc_info)
        return json.dumps(line, ensure_ascii=False, default=str)


def start_logging() -> None:
    """Events to stderr, for journald."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(_OneLine())
    logging.basicConfig(level=logging.INFO, handlers=[handler], force=True)
