"""The addresses for other programs over a centre of real parts in one process; tokens as a test wants them."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from fastapi import FastAPI
from fastapi.testclient import TestClient

from cloud_server.api.problems import mount_problems
from cloud_server.api.program_routes import OPENAPI_URL, ProgramServices, mount_programs
from cloud_server.api.throttle import Rates, Throttle
from cloud_server.core.api_token import Scope
from cloud_server.core.rate_limit import Rate
from cloud_server.flows.issue_token import issue_token
from cloud_server.flows.read_alarms import AlarmOffice
from cloud_server.flows.read_reports import ReportOffice
from cloud_server.flows.sign_in import SignIn
from tests.cloud_server.site_rig import SiteRig
from tests.fakes.centre_clock import FakeChance
from tests.fakes.centre_people import FakePeople, PlainPasswords

NO_LIMIT = Rate(per_second=1_000_000, burst=1_000_000)
"""A clock that stands still fills no bucket."""


@dataclass
class Programs:
    """The application, and a client for each set of scopes."""

    rig: SiteRig
    app: FastAPI
    clients: dict[tuple[str, ...], TestClient] = field(default_factory=dict)

    def __call__(self, *scopes: Scope, name: str = "gateway") -> TestClient:
        """A program with these scopes; none: without a token."""
        key = (name, *scopes)
        if key not in self.clients:
            client = TestClient(self.app, raise_server_exceptions=False)
            if scopes:
                secret = issue_token(self.rig.centre, name, scopes, 90, "test").secret
                client.headers["Authorization"] = f"Bearer {secret}"
            self.clients[key] = client
        return self.clients[key]

    def items(self, path: str, client: TestClient | None = None, **filters: Any) -> list[dict[str, Any]]:
        """Every row of a list, page by page of two."""
        found: list[dict[str, Any]] = []
        after = ""
        while True:
            params: dict[str, Any] = {"after": after, "limit": 2} | filters
            page = (client or self("admin")).get(path, params=params)
            assert page.status_code == 200, page.text
            found += page.json()["items"]
            after = page.json()["next"]
            if after is None:
                return found
            assert len(page.json()["items"]) == 2


@contextmanager
def open_programs(rig: SiteRig, rates: Rates | None = None) -> Iterator[Programs]:
    """Everything that other programs may ask, over a rig."""
    app = FastAPI(title="Tallybox", version="1", openapi_url=OPENAPI_URL, docs_url=None, redoc_url=None)
    mount_problems(app)
    alarms = AlarmOffice(rig.centre)
    services = ProgramServices(
        centre=rig.centre,
        books=rig.books,
        desk=rig.desk,
        feed=rig.live,
        alarms=alarms,
        operations=rig.operations,
        sign_in=SignIn(FakePeople(), PlainPasswords(), rig.clock, FakeChance("people")),
        reports=ReportOffice(rig.centre, alarms),
        database_bytes=rig.engine.size_bytes,
        throttle=Throttle(rates or Rates(token=NO_LIMIT, address=NO_LIMIT, stranger=NO_LIMIT)),
    )
    mount_programs(app, services)
    yield Programs(rig, app)
