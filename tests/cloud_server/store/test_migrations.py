"""A database of an older schema is brought forward: it has every table and column that a new one has."""

import sqlite3
from pathlib import Path

import pytest

from cloud_server.store import tables_memory, tables_messages, tables_money, tables_office
from cloud_server.store.database import SqliteEngine
from cloud_server.store.schema import check_schema, make_schema

SITE = "0" * 32
ADDED_TO_ALARMS = ("cleared_by", "times")
ADDED_TO_GRANTS = ("undoes", "operator", "key", "second")


def columns(path: Path) -> dict[str, set[str]]:
    with sqlite3.connect(path) as database:
        tables = [row[0] for row in database.execute("SELECT name FROM sqlite_master WHERE type = 'table'")]
        return {name: {row[1] for row in database.execute(f"PRAGMA table_info({name})")} for name in tables}


def take_back_to(version: int, database: sqlite3.Connection) -> None:
    """Undo the steps from the newest schema down to an older one."""
    if version < 6:
        for model in tables_office.MODELS:
            database.execute(f'DROP TABLE "{model._meta.table_name}"')
    if version < 5:
        for model in tables_memory.MODELS:
            database.execute(f'DROP TABLE "{model._meta.table_name}"')
        database.execute("DROP INDEX signed_line_site_type_box_number_hash")
        database.execute(
            "CREATE UNIQUE INDEX signed_line_site_type_box_number ON signed_line (site, type, box, number)"
        )
    if version < 4:
        for model in tables_messages.MODELS:
            database.execute(f'DROP TABLE "{model._meta.table_name}"')
        for column in ADDED_TO_ALARMS:
            database.execute(f'ALTER TABLE alarm DROP COLUMN "{column}"')
    if version < 3:
        for model in tables_money.MODELS:
            database.execute(f'DROP TABLE "{model._meta.table_name}"')
        for column in ADDED_TO_GRANTS:
            database.execute(f'ALTER TABLE wallet_grant DROP COLUMN "{column}"')
    database.execute("UPDATE about SET value = ? WHERE name = 'schema'", (str(version),))


@pytest.mark.parametrize("version", [2, 3, 4, 5])
def test_an_older_schema_comes_forward(tmp_path: Path, version: int) -> None:
    path = tmp_path / "centre.db"
    engine = SqliteEngine(path)
    make_schema(engine, SITE)
    engine.close()
    newest = columns(path)
    with sqlite3.connect(path) as database:
        take_back_to(version, database)
    engine = SqliteEngine(path)
    assert make_schema(engine, SITE)
    check_schema(engine, SITE)
    engine.close()
    assert columns(path) == newest
