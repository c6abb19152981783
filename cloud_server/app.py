"""What the centre serves, and the server that runs it. How its parts hang together stands in `wiring`."""

import asyncio
import contextlib
import gc
import logging
import ssl
import sys
from collections.abc import AsyncIterator
from dataclasses import replace
from functools import partial
from typing import Any, Final

import uvicorn
from fastapi import FastAPI
from starlette.concurrency import run_in_threadpool

from cloud_server.api.box_door import BoxDoor
from cloud_server.api.box_sync import SyncDesk
from cloud_server.api.boxes import box_routes
from cloud_server.api.contracts import contract_routes
from cloud_server.api.hardware import hardware_routes
from cloud_server.api.histories import history_routes
from cloud_server.api.office import office_routes
from cloud_server.api.on_demand import on_demand_routes
from cloud_server.api.problems import mount_problems
from cloud_server.api.program_routes import OPENAPI_URL, SUMMARY, ProgramServices, mount_programs
from cloud_server.api.recovery import recovery_routes
from cloud_server.background import append_unmarked, background, tell_service_manager
from cloud_server.client_certificates import BehindProxy, CertificateProtocol, ask_certificates
from cloud_server.config import Config
from cloud_server.event_log import start_logging
from cloud_server.flows.centre import Centre
from cloud_server.flows.look import Looker
from cloud_server.flows.plan_site import tell_plan_once
from cloud_server.flows.read_reports import ReportOffice
from cloud_server.flows.waiting import hear
from cloud_server.web.assembly import console_services
from cloud_server.web.routes import mount as mount_console
from cloud_server.wiring import Parts, wire
from protocol.limits import BODY_BYTES_MAX

SWITCH_S: Final = 0.001
"""How long a thread goes on while others want the interpreter. Python's own 5 ms cost a sale, which wants it back after
each of some forty statements, a fifth of a second beside one thread that computes."""
STOP_WITHIN_S: Final = 2
"""Open streams are ended after two seconds; requests under way take milliseconds."""
KEEP_ALIVE_S: Final = 75
"""Longer than the 25 s for which a box's request may be held, with room for two turns."""

log = logging.getLogger("cloud_server")


@contextlib.asynccontextmanager
async def _run_beside(parts: Parts, _: FastAPI) -> AsyncIterator[None]:
    """What runs while the application serves: begun before its first request, ended after its last."""
    work = [asyncio.create_task(task) for task in background(parts)]
    parts.messages.worker.start()
    yield
    await run_in_threadpool(parts.messages.worker.stop)
    for task in work:
        task.cancel()
    await asyncio.gather(*work, return_exceptions=True)


def make_app(parts: Parts) -> FastAPI:
    """The web application: addresses for boxes and programs, and the console."""

    app = FastAPI(
        title="Tallybox",
        version="1",
        summary=SUMMARY,
        openapi_url=OPENAPI_URL,
        docs_url=None,
        redoc_url=None,
        lifespan=partial(_run_beside, parts),
        max_body_size=BODY_BYTES_MAX,
    )
    mount_problems(app)
    app.include_router(box_routes(parts.centre, parts.bundles))
    desk = SyncDesk(parts.centre, parts.bells, parts.rest)
    app.add_middleware(BoxDoor, desk=desk, faults=app.exception_handlers)
    mount_programs(app, _program_services(parts))
    app.include_router(office_routes(parts.centre, parts.office))
    app.include_router(contract_routes(parts.centre, parts.office))
    app.include_router(hardware_routes(parts.centre))
    app.include_router(recovery_routes(parts.centre, parts.backups, parts.office.selling))
    app.include_router(history_routes(parts.centre, parts.office.histories))
    app.include_router(on_demand_routes(parts.centre))
    services = console_services(
        parts.centre, parts.office, parts.books, parts.live, parts.alarms, parts.sign_in, parts.second, parts.staff
    )
    mount_console(app, replace(services, messages=parts.messages.desk, customer_pages=parts.messages.pages))
    return app


def _program_services(parts: Parts) -> ProgramServices:
    return ProgramServices(
        centre=parts.centre,
        books=parts.books,
        desk=parts.desk,
        feed=parts.live,
        alarms=parts.alarms,
        operations=parts.operations,
        sign_in=parts.sign_in,
        reports=ReportOffice(parts.centre, parts.alarms),
        database_bytes=parts.engine.size_bytes,
    )


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


def _make_ready(centre: Centre) -> None:
    """What of a city takes seconds is read before anybody waits for it."""
    sys.setswitchinterval(SWITCH_S)
    with centre.store.read() as unit:
        Looker(centre).site_map(unit)


def serve(config: Config) -> None:
    """Run until SIGTERM or SIGINT. Raises DatabaseFault, KeysFault before it listens."""
    start_logging()
    parts = wire(config)
    parts.centre.journal.check_at_start()
    append_unmarked(parts.centre)
    tell_plan_once(parts.centre)
    parts.neighbours.start(partial(hear, parts.bells, parts.live, parts.centre.wishes))
    _make_ready(parts.centre)
    app = make_app(parts)
    gc.freeze()
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
