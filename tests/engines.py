"""Which engine keeps the books of a test: a SQLite file, a PostgreSQL server, or one after the other.

A test that asks for the fixture `database` (or `module_database`) runs once for each engine that counts in this run.
Here is only the choice; the fixtures stand in `conftest.py`.
"""

from typing import Final, Literal

import pytest

from cloud_server.ports.database import PostgresAddress
from tests.postgres_server import PostgresServer

OPTION: Final = "--engine"
ENGINES: Final = ("sqlite", "postgresql")
CHOICES: Final = ("some", *ENGINES, "both")
"""`some`: both, but what is marked `sqlite_first` runs on PostgreSQL only among the slow sweeps."""
FIXTURES: Final[dict[str, Literal["function", "module"]]] = {"database": "function", "module_database": "module"}


def add_option(parser: pytest.Parser) -> None:
    """Let the person who runs the tests choose."""
    parser.addoption(OPTION, choices=CHOICES, default="some", help="the engines on which the centre keeps its books")


def choose(metafunc: pytest.Metafunc) -> None:
    """Give a test its engines."""
    chosen = str(metafunc.config.getoption(OPTION))
    first = metafunc.definition.get_closest_marker("sqlite_first") is not None
    for fixture, scope in FIXTURES.items():
        if fixture in metafunc.fixturenames:
            metafunc.parametrize(fixture, engines(chosen, sqlite_first=first), indirect=True, scope=scope)


def engines(chosen: str, *, sqlite_first: bool) -> list[object]:
    """The engines of one test, with the marks that say what each needs."""
    marks = [pytest.mark.postgres, *([pytest.mark.slow] if chosen == "some" and sqlite_first else [])]
    found: list[object] = [] if chosen == "postgresql" else ["sqlite"]
    if chosen != "sqlite":
        found.append(pytest.param("postgresql", marks=marks))
    return found


def place_of_books(request: pytest.FixtureRequest) -> PostgresAddress | None:
    """Where a test keeps the centre's books: None for a SQLite file in its own folder, or a new PostgreSQL database."""
    if request.param == "sqlite":
        return None
    server: PostgresServer = request.getfixturevalue("postgres_server")
    address = server.make_database(request.getfixturevalue("postgres_template"))
    request.addfinalizer(lambda: server.drop(address))
    return address
