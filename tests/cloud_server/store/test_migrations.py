"""A database of an older schema is brought forward: it has every table and column that a new one has."""

import sqlite3
from pathlib import Path

import pytest

from cloud_server.store import (
    tables_energy,
    tables_factors,
    tables_gateway,
    tables_histories,
    tables_ledger_days,
    tables_memory,
    tables_messages,
    tables_money,
    tables_office,
    tables_profiles,
    tables_webhooks,
)
from cloud_server.store.database import SqliteEngine
from cloud_server.store.migrations import SCHEMA_VERSION
from cloud_server.store.schema import check_schema, make_schema

SITE = "0" * 32
ADDED_TO_ALARMS = ("cleared_by", "times")
ADDED_TO_GRANTS = ("undoes", "operator", "key", "second")


def columns(path: Path) -> dict[str, set[str]]:
    with sqlite3.connect(path) as database:
        tables = [row[0] for row in database.execute("SELECT name FROM sqlite_master WHERE type = 'table'")]
        return {name: {row[1] for row in database.execute(f"PRAGMA table_info({name})")} for name in tables}


TABLES_OF = {
    15: tables_ledger_days,
    13: tables_profiles,
    14: tables_histories,
    11: tables_gateway,
    9: tables_energy,
    8: tables_webhooks,
    7: tables_factors,
    6: tables_office,
    5: tables_memory,
    4: tables_messages,
    3: tables_money,
}
"""Schema -> the tables that came with it."""
COLUMNS_OF: dict[int, dict[str, tuple[str, ...]]] = {
    15: {"account_balance": ("taken_micro", "given_micro")},
    12: {"box": ("said_at_ms",)},
    10: {"staff": ("buildings",), "api_token": ("buildings",)},
    4: {"alarm": ADDED_TO_ALARMS},
    3: {"wallet_grant": ADDED_TO_GRANTS},
}
"""Schema -> the columns that came to older tables with it."""


def take_back_to(version: int, database: sqlite3.Connection) -> None:
    """Undo the steps from the newest schema down to an older one."""
    for step in range(SCHEMA_VERSION, version, -1):
        for model in TABLES_OF[step].MODELS if step in TABLES_OF else ():
            database.execute(f'DROP TABLE IF EXISTS "{model._meta.table_name}"')
        for table, added in COLUMNS_OF.get(step, {}).items():
            for column in added:
                database.execute(f'ALTER TABLE {table} DROP COLUMN "{column}"')
    if version < 5:
        database.execute("DROP INDEX signed_line_site_type_box_number_hash")
        database.execute(
            "CREATE UNIQUE INDEX signed_line_site_type_box_number ON signed_line (site, type, box, number)"
        )
    database.execute("UPDATE about SET value = ? WHERE name = 'schema'", (str(version),))


@pytest.mark.parametrize("version", range(2, SCHEMA_VERSION))
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
