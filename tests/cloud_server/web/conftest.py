"""The console over a made-up street: the real app, guard and pages; clock, store and boxes are fakes."""

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from html import unescape
from typing import Any

import httpx
import pytest
from fastapi import FastAPI
from starlette.testclient import TestClient

from cloud_server.core.roles import ROLES, Role
from cloud_server.flows.keep_staff import StaffOffice
from cloud_server.flows.sign_in import SignIn
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

ADDRESS = "https://centre.test"
PASSWORD = "a short sentence"
_TOKEN = re.compile(r'name="form_token" value="([^"]+)"')


@dataclass
class Browser:
    """A person's browser: keeps cookies, sends forms with the token of the page that it last saw."""

    client: TestClient | httpx.Client
    address: str = ADDRESS
    text: str = ""
    status: int = 0
    headers: dict[str, str] = field(default_factory=dict)
    path: str = ""

    def get(self, path: str, **headers: str) -> str:
        return self._keep(self.client.get(path, headers=headers))

    def post(self, path: str, **fields: str) -> str:
        """Send a form as the page would: with its token and our own Origin."""
        data = {"form_token": self.token(), **fields}
        return self._keep(self.client.post(path, data=data, headers={"Origin": self.address}))

    def send_file(self, path: str, content: bytes, **fields: str) -> str:
        """Send a form with a file, as the page would."""
        data, files = {"form_token": self.token(), **fields}, {"file": ("chosen", content)}
        return self._keep(self.client.post(path, data=data, files=files, headers={"Origin": self.address}))

    def token(self) -> str:
        found = _TOKEN.search(self.text)
        return unescape(found.group(1)) if found else ""

    def hidden(self, name: str) -> str:
        """The value of a field on the page."""
        found = re.search(rf'name="{re.escape(name)}" value="([^"]*)"', self.text)
        assert found is not None, f"no field {name!r} on {self.path}"
        return unescape(found.group(1))

    def sign_in(self, name: str, password: str = PASSWORD) -> None:
        self.get("/sign-in")
        self.post("/sign-in", name=name, password=password, next="/")

    def _keep(self, answer: Any) -> str:
        self.text = answer.text
        self.status = answer.status_code
        self.headers = dict(answer.headers)
        self.path = answer.url.path
        return self.text


def console_app(services: Services) -> FastAPI:
    """The console and nothing else."""
    app = FastAPI()
    mount(app, services)
    return app


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


@pytest.fixture
def site(clock: FakeClock) -> FakeSite:
    return FakeSite(clock)


@pytest.fixture
def people() -> FakePeople:
    return FakePeople()


@pytest.fixture
def sign_in(people: FakePeople, clock: FakeClock) -> SignIn:
    """Sign-in with one person a role, each named like it."""
    flow = SignIn(people, PlainPasswords(), clock, FakeChance())
    for role in ROLES:
        flow.add_staff(role, f"The {role}", PASSWORD, frozenset({role}), "test")
    return flow


@pytest.fixture
def alarms(site: FakeSite) -> FakeAlarms:
    return FakeAlarms(site)


@pytest.fixture
def reports(site: FakeSite) -> FakeReports:
    return FakeReports(site)


@pytest.fixture
def services(
    site: FakeSite,
    sign_in: SignIn,
    clock: FakeClock,
    people: FakePeople,
    alarms: FakeAlarms,
    reports: FakeReports,
) -> Services:
    money = FakeMoney()
    return Services(
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
        state=FakeStates(),
        alarms=alarms,
        batches=FakeBatches(site),
        reports=reports,
        staff=StaffOffice(people, PlainPasswords(), clock, FakeChance("staff")),
        feed=site.feed,
        sign_in=sign_in,
        second=second_factor(sign_in, clock, FakeChance("factor")),
        clock=clock,
        chance=FakeChance("console"),
        public_url=ADDRESS,
    )


@pytest.fixture
def app(services: Services) -> FastAPI:
    return console_app(services)


@pytest.fixture
def stranger(app: FastAPI) -> Iterator[Browser]:
    """Somebody who is not signed in, with an English browser."""
    with TestClient(app, base_url=ADDRESS, headers={"Accept-Language": "en"}) as client:
        yield Browser(client)


@pytest.fixture
def browser_of(app: FastAPI) -> Iterator[Callable[[Role], Browser]]:
    """A signed-in browser by role."""
    clients: list[TestClient] = []

    def open_one(role: Role) -> Browser:
        client = TestClient(app, base_url=ADDRESS, headers={"Accept-Language": "en"})
        clients.append(client)
        browser = Browser(client)
        browser.sign_in(role)
        assert browser.path == "/"
        return browser

    yield open_one
    for client in clients:
        client.close()


@pytest.fixture
def cashier(browser_of: Callable[[Role], Browser]) -> Browser:
    return browser_of("cashier")


@pytest.fixture
def supervisor(browser_of: Callable[[Role], Browser]) -> Browser:
    return browser_of("supervisor")
