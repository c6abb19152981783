"""Opening the engine that a configuration names."""

from pathlib import Path

from cloud_server.ports.database import PostgresAddress
from cloud_server.store.database import Engine, SqliteEngine
from cloud_server.store.postgres import PostgresEngine


def open_engine(database: Path | PostgresAddress) -> Engine:
    """A file for SQLite, an address for PostgreSQL. Raises DatabaseFault."""
    if isinstance(database, PostgresAddress):
        return PostgresEngine(database)
    return SqliteEngine(database)
