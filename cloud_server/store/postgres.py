"""PostgreSQL 15 and later: connections, units of work, and what its errors mean. Nothing here knows a table.

Writing units run at READ COMMITTED and lock first what they decide upon (see `store.unit`), so that each statement
behind a lock sees what its former holder committed. A snapshot from before the lock would be the wrong one, and
SERIALIZABLE would fail units in numbers over the sums that every batch adds to. Reading units are one snapshot.
"""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any, Final

import peewee
import psycopg
from playhouse.postgres_ext import PooledPsycopg3Database
from psycopg.types.numeric import NumericLoader
from psycopg.types.string import StrDumper

from cloud_server.ports.database import PostgresAddress, TryAgain
from cloud_server.store.database import DatabaseFault, Guarded, run_sql
from cloud_server.store.postgres_copy import without_nul
from cloud_server.store.postgres_guards import missing_guards, set_guards
from cloud_server.store.unit_memory import Remembering

OLDEST_VERSION: Final = 150_000
"""PostgreSQL 15: the oldest that is tested."""
CONNECTIONS_MAX: Final = 44
"""Of one kind in one process: the 40 threads in which the web framework runs endpoints, and background work."""
CONNECTION_WAIT_S: Final = 5.0
"""A unit that gets no connection in five seconds is told so, rather than the whole house standing still."""
IDLE_S: Final = 300
"""Connections that are older than five minutes are replaced, so that they spread again over servers that come back."""
CONNECT_OPTIONS: Final = {
    "application_name": "tallybox",
    "connect_timeout": "3",
    "target_session_attrs": "read-write",
    "tcp_user_timeout": "5000",
    "keepalives_idle": "5",
    "keepalives_interval": "2",
    "keepalives_count": "3",
}
"""Unless the address says otherwise: a host that is gone is noticed in seconds, and a standby is passed by."""
THIS_MACHINE: Final = frozenset({"localhost", "127.0.0.1", "::1"})
TLS_MODES: Final = frozenset({"verify-full", "verify-ca"})
"""Those in which a server has to show who it is (PostgreSQL 15, 34.19.1)."""
SESSION_OPTIONS: Final = (
    "-c lock_timeout=10s -c idle_in_transaction_session_timeout=60s -c jit=off -c timezone=UTC "
    "-c random_page_cost=1.1 "
    "-c default_transaction_isolation=read\\ committed"
)
"""A lock that is not had in ten seconds is a fault; a connection that stands idle in a transaction keeps locks from all
others; compiling our small statements would take longer than they do; rows of a day lie together as they came, so that
going through an index by time costs little more than reading on: believed to cost the default of four, a month's days
made the server read all years."""

QUICK_PACKING: Final = "-c default_toast_compression=lz4"
"""Batches kept byte for byte become as small by it as by the server's own way, in a sixth of the time. A server may
have been built without it."""
_PACKINGS: Final = "SELECT enumvals FROM pg_settings WHERE name = 'default_toast_compression'"

_AGAIN: Final = ("40001", "40P01", "55P03")
"""Serialization failure, deadlock, lock wait over (PostgreSQL, appendix A)."""
_SERVER_LOST: Final = ("08", "57P", "25006", "53300", "XX000")
"""Connection exceptions, a server that goes down or comes up, one that became a standby, too many connections."""


class PostgresEngine:
    """Many writers, each on a connection of its own; readers see one moment and cannot write."""

    def __init__(self, address: PostgresAddress) -> None:
        """Connect once, to find an address that cannot be used. Raises DatabaseFault."""
        self.address = address
        first = _pool(address)
        try:
            with first.connection_context():
                version = first.connection().info.server_version
                packings = run_sql(first, _PACKINGS)
        except peewee.PeeweeException as fault:
            raise DatabaseFault(f"{_shown(address)}: {str(fault).strip()}") from None
        finally:
            first.close_all()
        if version < OLDEST_VERSION:
            raise DatabaseFault(f"{_shown(address)}: PostgreSQL {version // 10_000}; 15 or later is needed")
        options = QUICK_PACKING if any("lz4" in named for (named,) in packings) else ""
        self._writers = _pool(address, options)
        self._readers = _pool(address)

    @contextmanager
    def write(self) -> Iterator[peewee.Database]:
        """A unit that may write. Raises TryAgain where it could not be taken, whatever it was doing."""
        with _unit(self._writers, "BEGIN ISOLATION LEVEL READ COMMITTED") as database:
            yield database

    @contextmanager
    def read(self) -> Iterator[peewee.Database]:
        """A snapshot: what is committed meanwhile is not seen. A look within a look is of the same moment."""
        if not self._readers.is_closed():
            yield self._readers
            return
        with _unit(self._readers, "BEGIN ISOLATION LEVEL REPEATABLE READ, READ ONLY") as database:
            yield database

    def missing_guards(self, tables: Sequence[Guarded]) -> list[str]:
        """Compare triggers and their functions with those that must be there, to the letter."""
        with self.read() as database:
            return missing_guards(database, tables)

    def set_guards(self, database: peewee.Database, tables: Sequence[Guarded]) -> None:
        """Put all of them back."""
        set_guards(database, tables)

    def size_bytes(self) -> int | None:
        """Tables, indexes and all else of this database."""
        with self.read() as database:
            return int(run_sql(database, "SELECT pg_database_size(current_database())")[0][0])

    def close(self) -> None:
        """Close what is open."""
        self._readers.close_all()
        self._writers.close_all()


class _Database(Remembering, PooledPsycopg3Database):  # type: ignore[misc]  # the library has no types here
    """What differs from the library's own: text by bytes, no narrow integers, and three conversions."""

    field_types: Final = PooledPsycopg3Database.field_types | {
        "TEXT": 'TEXT COLLATE "C"',
        "INT": "BIGINT",
        "INTEGER": "BIGINT",
    }

    def _connect(self) -> Any:
        connection = super()._connect()
        connection.adapters.register_loader("numeric", _WholeNumber)
        connection.adapters.register_dumper(str, _Text)
        return connection


class _WholeNumber(NumericLoader):
    """Sums of whole numbers come as NUMERIC; here everything is counted in whole units."""

    def load(self, data: Any) -> Any:
        found = super().load(data)
        return int(found) if found == found.to_integral_value() else found


class _Text(StrDumper):
    """Without what the server does not keep."""

    def dump(self, obj: str) -> Any:
        return super().dump(without_nul(obj))


def _pool(address: PostgresAddress, options: str = "") -> _Database:
    said = psycopg.conninfo.conninfo_to_dict(address.text)
    given = _given(said)
    given["options"] = f"{SESSION_OPTIONS} {options} {said.get('options') or ''}".strip()
    return _Database(
        address.text,
        autoconnect=False,
        max_connections=CONNECTIONS_MAX,
        timeout=CONNECTION_WAIT_S,
        stale_timeout=IDLE_S,
        **given,
    )


@contextmanager
def _unit(database: _Database, begin: str) -> Iterator[peewee.Database]:
    """One transaction on a connection of its own. The statements that frame it do not pass through the library."""
    try:
        database.connect()
    except (peewee.PeeweeException, ValueError) as fault:
        raise TryAgain(f"the database cannot be reached: {str(fault).strip()}") from None
    connection = database.connection()
    try:
        connection.execute(begin)
        memory = database.begin_memory(may_write="READ ONLY" not in begin)
        yield database
        memory.finish()
        _commit(connection)
    except (peewee.PeeweeException, psycopg.Error) as fault:
        again = _try_again(fault, connection)
        if again is None:
            raise
        raise again from fault
    finally:
        _let_go(database, connection)


def _commit(connection: Any) -> None:
    try:
        connection.execute("COMMIT")
    except psycopg.Error as fault:
        if connection.broken or connection.closed:
            raise TryAgain(f"the connection was lost at COMMIT: {fault}", unknown=True) from fault
        raise


def _let_go(database: _Database, connection: Any) -> None:
    """Hand the connection back clean, or close it."""
    try:
        if not connection.closed and connection.info.transaction_status != psycopg.pq.TransactionStatus.IDLE:
            connection.execute("ROLLBACK")
    except psycopg.Error:
        connection.close()
    database.close()


def _try_again(fault: BaseException, connection: Any) -> TryAgain | None:
    """What an error of the database means for the unit; None for one that would come again."""
    cause = getattr(fault, "orig", None) or fault
    state = getattr(cause, "sqlstate", None) or ""
    if state in _AGAIN or state.startswith(_SERVER_LOST) or connection.broken or connection.closed:
        return TryAgain(f"the unit was not taken ({state or 'connection lost'}): {str(cause).strip()}")
    return None


def _shown(address: PostgresAddress) -> str:
    """The address without its password."""
    said = psycopg.conninfo.conninfo_to_dict(address.text)
    said.pop("password", None)
    return "postgresql " + " ".join(f"{name}={value}" for name, value in said.items())


def connect_apart(address: PostgresAddress) -> psycopg.Connection[Any]:
    """A connection outside the pools, each statement committed by itself. Raises psycopg.Error."""
    said = psycopg.conninfo.conninfo_to_dict(address.text)
    given: dict[str, Any] = _given(said)
    return psycopg.connect(address.text, autocommit=True, **given)


def tls_mode(address: PostgresAddress) -> str | None:
    """How the connection is guarded: the mode of the address, else `verify-full` (ASVS 12.3.1); None on this machine,
    where there is nothing between."""
    said = psycopg.conninfo.conninfo_to_dict(address.text)
    return str(said["sslmode"]) if "sslmode" in said else _given(said).get("sslmode")


def _given(said: Mapping[str, Any]) -> dict[str, str]:
    """What a connection is told beside its address, where that does not say otherwise."""
    options = {name: value for name, value in CONNECT_OPTIONS.items() if name not in said}
    hosts = str(said.get("host") or "").split(",")
    if "sslmode" not in said and not all(h in THIS_MACHINE or not h or h.startswith("/") for h in hosts):
        options["sslmode"] = "verify-full"
    return options


def ask(address: PostgresAddress, statements: Sequence[str]) -> list[list[tuple[Any, ...]]]:
    """Run statements that only look, each on its own, outside any unit; their rows."""
    database = _pool(address)
    try:
        with database.connection_context():
            return [run_sql(database, statement) for statement in statements]
    except peewee.PeeweeException as fault:
        raise DatabaseFault(f"{_shown(address)}: {str(fault).strip()}") from None
    finally:
        database.close_all()
