"""Fixtures of the centre's tests: a rig of real parts in a folder of its own."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from cloud_server.ports.database import PostgresAddress
from cloud_server.store.postgres import PostgresEngine
from cloud_server.store.schema import make_schema
from tests.cloud_server.console_rig import ConsoleRig, open_console_rig
from tests.cloud_server.site_rig import SiteRig, open_rig
from tests.postgres_server import PostgresServer

ENGINES = ("sqlite", pytest.param("postgresql", marks=pytest.mark.postgres))


@pytest.fixture(scope="session")
def postgres_template(postgres_server: PostgresServer) -> str:
    """The name of a database with all tables and no site, of which each test's own is a copy."""
    postgres_server.execute("CREATE DATABASE filled")
    engine = PostgresEngine(postgres_server.address("filled"))
    make_schema(engine, "f" * 32)
    engine.close()
    return "filled"


@pytest.fixture(params=ENGINES)
def database(request: pytest.FixtureRequest) -> PostgresAddress | None:
    """Where a rig keeps its books: None for a SQLite file in the rig's own folder, or a new PostgreSQL database."""
    if request.param == "sqlite":
        return None
    server: PostgresServer = request.getfixturevalue("postgres_server")
    return server.make_database(request.getfixturevalue("postgres_template"))


@pytest.fixture
def rig(tmp_path: Path, database: PostgresAddress | None) -> Iterator[SiteRig]:
    with open_rig(tmp_path, database=database) as made:
        yield made


@pytest.fixture
def console(tmp_path: Path) -> Iterator[ConsoleRig]:
    with open_console_rig(tmp_path) as made:
        yield made
