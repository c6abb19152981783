"""Opening the engine that a configuration names, and what belongs to it."""

from pathlib import Path

from cloud_server.ports.database import Neighbours, PostgresAddress
from cloud_server.store.database import Engine, SqliteEngine
from cloud_server.store.neighbours import Alone, PostgresNeighbours
from cloud_server.store.postgres import PostgresEngine


def open_engine(database: Path | PostgresAddress) -> Engine:
    """A file for SQLite, an address for PostgreSQL. Raises DatabaseFault."""
    if isinstance(database, PostgresAddress):
        return PostgresEngine(database)
    return SqliteEngine(database)


def open_neighbours(database: Path | PostgresAddress, site: str) -> Neighbours:
    """SQLite serves one process, PostgreSQL several."""
    return PostgresNeighbours(database, site) if isinstance(database, PostgresAddress) else Alone()
