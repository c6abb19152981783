"""The console over a centre of real parts in one process: the program's own wiring, with time and chance as told."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

from fastapi import FastAPI
from starlette.testclient import TestClient

from cloud_server.core.roles import ROLES, Role
from cloud_server.flows.customer_page import CustomerPages
from cloud_server.flows.keep_links import LinkKeeper
from cloud_server.flows.keep_staff import StaffOffice
from cloud_server.flows.message_desk import MessageDesk
from cloud_server.flows.office import open_office
from cloud_server.flows.read_alarms import AlarmOffice
from cloud_server.flows.second_factor import SecondFactor
from cloud_server.flows.sign_in import SignIn
from cloud_server.ports.database import PostgresAddress
from cloud_server.store.factors import StoredFactors
from cloud_server.store.people import StoredPeople
from cloud_server.web.assembly import console_services
from cloud_server.web.codes import TimeCodes
from cloud_server.web.routes import mount
from tests.cloud_server.site_rig import SiteRig, open_rig
from tests.cloud_server.web.conftest import PASSWORD, Browser
from tests.fakes.centre_clock import FakeChance, FakeClock
from tests.fakes.centre_people import PlainPasswords

LINK_SECRET = b"l" * 32
"""Customers' links are made with it."""


@dataclass
class ConsoleRig:
    """A real centre with its console; one person a role, each named like it."""

    rig: SiteRig
    app: FastAPI
    clients: list[TestClient]

    def browser(self, role: Role, language: str = "en") -> Browser:
        """A signed-in browser."""
        address = self.rig.centre.site.public_url
        client = TestClient(self.app, base_url=address, headers={"Accept-Language": language})
        self.clients.append(client)
        browser = Browser(client, address=address)
        browser.sign_in(role)
        assert browser.path == "/", browser.text
        return browser


def wire_console(rig: SiteRig, public_url: str = "") -> FastAPI:
    """The console as the program wires it, with passwords that cost nothing; its people are the roles."""
    people, passwords = StoredPeople(rig.engine, rig.site), PlainPasswords()
    sign_in = SignIn(people, passwords, rig.clock, FakeChance("sign-in"))
    for role in ROLES:
        if people.staff_named(role) is None:
            sign_in.add_staff(role, f"The {role}", PASSWORD, frozenset({role}), "test")
    staff = StaffOffice(people, passwords, rig.clock, FakeChance("staff"))
    second = SecondFactor(
        StoredFactors(rig.engine, rig.site),
        TimeCodes(),
        sign_in,
        rig.clock,
        FakeChance("factor"),
        demanded=False,
        issuer=rig.centre.site.name,
    )
    office, alarms = open_office(rig.centre), AlarmOffice(rig.centre)
    services = console_services(rig.centre, office, rig.books, rig.live, alarms, sign_in, second, staff)
    links = LinkKeeper(rig.centre, LINK_SECRET)
    app = FastAPI()
    mount(
        app,
        replace(
            services,
            public_url=public_url or services.public_url,
            messages=MessageDesk(rig.centre),
            customer_pages=CustomerPages(rig.centre, links),
        ),
    )
    return app


@contextmanager
def open_console_rig(
    folder: Path, clock: FakeClock | None = None, database: PostgresAddress | None = None
) -> Iterator[ConsoleRig]:
    """A centre in a folder with its console."""
    with open_rig(folder, clock, database=database) as rig:
        made = ConsoleRig(rig, wire_console(rig), [])
        try:
            yield made
        finally:
            for client in made.clients:
                client.close()
