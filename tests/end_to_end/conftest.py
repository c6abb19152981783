"""A browser, and the console over a made-up street behind TLS, for tests that need no boxes."""

import asyncio
import ipaddress
import socket
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import pytest
import uvicorn
from cryptography import x509
from fastapi import FastAPI
from playwright.sync_api import Browser, sync_playwright

from cloud_server.core.roles import ROLES
from cloud_server.flows.keep_staff import StaffOffice
from cloud_server.flows.sign_in import SignIn
from cloud_server.ports import Actor
from cloud_server.web.routes import mount
from cloud_server.web.services import Services
from tests.fakes.centre_clock import FakeChance, FakeClock
from tests.fakes.centre_factors import second_factor
from tests.fakes.centre_ledger import (
    FakeCouriers,
    FakeStates,
    fake_imports,
    fake_office,
    fake_profiles,
    fake_settings,
    plain_look,
)
from tests.fakes.centre_money import FakeMoney
from tests.fakes.centre_office import FakeAlarms, FakeBatches, FakeReports
from tests.fakes.centre_people import FakePeople, PlainPasswords
from tests.fakes.centre_site import FakeSite
from tests.fakes.certificates import write_self_signed

ADMINISTRATOR = Actor(id="0" * 32, name="administrator", display_name="周管理", roles=frozenset({"administrator"}))
PASSWORD = "a short sentence"
STORY_TIMEOUT_S = 400
"""A whole site comes up before the first test of a file: alone that takes a minute on a machine that does much else."""


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Give each story the time that its site needs to come up."""
    for item in items:
        if item.path.is_relative_to(Path(__file__).parent) and item.get_closest_marker("timeout") is None:
            item.add_marker(pytest.mark.timeout(STORY_TIMEOUT_S))


@dataclass(kw_only=True)
class Served:
    """A console in this process, and its server that can be stopped and started again."""

    address: str
    app: FastAPI
    port: int
    certificate: Path
    let_go: Callable[[bool], None]
    """Told True when the server is about to end: streams are to end by themselves. False: it begins."""
    server: uvicorn.Server | None = None
    thread: threading.Thread | None = None

    def start(self) -> None:
        self.let_go(False)
        config = uvicorn.Config(
            self.app,
            host="127.0.0.1",
            port=self.port,
            ssl_certfile=str(self.certificate),
            log_level="error",
            timeout_graceful_shutdown=10,
        )
        server = self.server = uvicorn.Server(config)
        self.thread = threading.Thread(target=lambda: asyncio.run(_serve(server)), daemon=True)
        self.thread.start()
        deadline = time.monotonic() + 15
        while not self.server.started:
            assert time.monotonic() < deadline, "the console did not start"
            time.sleep(0.02)

    def stop(self) -> None:
        if self.server is not None and self.thread is not None:
            self.let_go(True)
            self.server.should_exit = True
            self.thread.join(15)
            assert not self.thread.is_alive(), "the console did not stop"


@dataclass(kw_only=True)
class Street(Served):
    """A console over a made-up street."""

    site: FakeSite
    clock: FakeClock
    sign_in: SignIn
    services: Services
    states: FakeStates

    def start_anew(self) -> None:
        """Another process on the same books: it knows nothing of what pages were sent before."""
        self.app = FastAPI()
        mount(self.app, self.services)
        self.start()

    def end_sessions(self, name: str) -> None:
        """As an administrator does; or as a copy that is older than the sign-in."""
        (person,) = [row.staff for row in self.services.staff.everybody() if row.name == name]
        self.services.staff.end_sessions(person, ADMINISTRATOR)


async def _serve(server: uvicorn.Server) -> None:
    await server.serve()
    # Connections that were cut off get the moment that they need to close.
    await asyncio.sleep(0.3)


@pytest.fixture(scope="module")
def browser(chromium: Path) -> Iterator[Browser]:
    """One browser a file: while playwright is open its event loop runs in this thread, where no other test could
    start one of its own."""
    with sync_playwright() as playwright:
        opened = playwright.chromium.launch(executable_path=chromium, args=["--no-sandbox"])
        yield opened
        opened.close()


@pytest.fixture(scope="session")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A certificate for this machine, and its key in the same file."""
    names = [x509.DNSName("localhost"), x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]
    return write_self_signed(tmp_path_factory.mktemp("tls") / "console.pem", names)


@pytest.fixture
def street(certificate: Path) -> Iterator[Street]:
    clock = FakeClock()
    site = FakeSite(clock)
    people = FakePeople()
    sign_in = SignIn(people, PlainPasswords(), clock, FakeChance())
    for role, name in zip(ROLES, ("李售电", "王主管", "孙会计", "赵技术", "钱开通", "周管理", "吴审计"), strict=True):
        sign_in.add_staff(role, name, PASSWORD, frozenset({role}), "test")
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = int(free.getsockname()[1])
    address = f"https://127.0.0.1:{port}"
    app = FastAPI()
    money, states = FakeMoney(), FakeStates()
    services = Services(
        books=site,
        desk=site,
        operations=site,
        money=money,
        refunds=money,
        reversals=money,
        office=fake_office(money),
        settings=fake_settings(),
        profiles=fake_profiles(),
        imports=fake_imports(),
        look=plain_look(),
        courier=FakeCouriers(),
        state=states,
        alarms=FakeAlarms(site),
        batches=FakeBatches(site),
        reports=FakeReports(site),
        staff=StaffOffice(people, PlainPasswords(), clock, FakeChance("staff")),
        feed=site.feed,
        sign_in=sign_in,
        second=second_factor(sign_in, clock, FakeChance("factor")),
        clock=clock,
        chance=FakeChance("console"),
        public_url=address,
    )
    mount(app, services)
    made = Street(
        address=address,
        app=app,
        port=port,
        certificate=certificate,
        let_go=partial(setattr, site.feed, "closed"),
        site=site,
        clock=clock,
        sign_in=sign_in,
        services=services,
        states=states,
    )
    made.start()
    yield made
    made.stop()
