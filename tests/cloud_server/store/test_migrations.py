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
from cloud_server.store.database import SqliteEngine, run_sql
from cloud_server.store.migrations import SCHEMA_VERSION
from cloud_server.store.schema import check_schema, make_schema

SITE = "0" * 32
ADDED_TO_ALARMS = ("cleared_by", "times")
ADDED_TO_GRANTS = ("undoes", "operator", "key", "second")


def tables_of(database: sqlite3.Connection) -> list[str]:
    return [row[0] for row in database.execute("SELECT name FROM sqlite_master WHERE type = 'table'")]


def shape(path: Path) -> dict[str, tuple[set[str], set[tuple[str, bool, bool]]]]:
    """Of each table its columns, and its indexes: their columns, whether each is unique, and partial."""
    with sqlite3.connect(path) as database:
        return {
            name: (
                {row[1] for row in database.execute(f"PRAGMA table_info({name})")},
                {
                    (_columns(database, index), bool(unique), bool(partial))
                    for _, index, unique, _, partial in database.execute(f"PRAGMA index_list({name})")
                },
            )
            for name in tables_of(database)
        }


def _columns(database: sqlite3.Connection, index: str) -> str:
    return " ".join(row[2] for row in database.execute(f'PRAGMA index_info("{index}")'))


def rows(path: Path) -> dict[str, list[tuple[object, ...]]]:
    """Every row of every table, its columns by name."""
    with sqlite3.connect(path) as database:
        found = {}
        for name in tables_of(database):
            names = sorted(row[1] for row in database.execute(f"PRAGMA table_info({name})"))
            listed = ", ".join(f'"{column}"' for column in names)
            found[name] = sorted(database.execute(f"SELECT {listed} FROM {name}"), key=repr)
        return found


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
    16: {"posting": ("posting_day",)},
    15: {"account_balance": ("taken_micro", "given_micro")},
    12: {"box": ("said_at_ms",)},
    10: {"staff": ("buildings",), "api_token": ("buildings",)},
    4: {"alarm": ADDED_TO_ALARMS},
    3: {"wallet_grant": ADDED_TO_GRANTS},
}
"""Schema -> the columns that came to older tables with it."""

INDEXES_OF: dict[int, tuple[str, ...]] = {
    16: (
        "DROP INDEX batch_waiting",
        "DROP INDEX alarm_standing",
        "DROP INDEX sale_site_paid_at_ms_sale",
        "DROP INDEX command_site_issued_at_ms_box_seq",
        "DROP INDEX posting_site_account_posting_day",
        "CREATE INDEX posting_site_account ON posting (site, account)",
    ),
}
"""Schema -> what takes its indexes away and puts those of before in their place."""


def take_back_to(version: int, database: sqlite3.Connection) -> None:
    """Undo the steps from the newest schema down to an older one."""
    for step in range(SCHEMA_VERSION, version, -1):
        for statement in INDEXES_OF.get(step, ()):
            database.execute(statement)
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
    newest = shape(path)
    with sqlite3.connect(path) as database:
        take_back_to(version, database)
    engine = SqliteEngine(path)
    assert make_schema(engine, SITE)
    check_schema(engine, SITE)
    engine.close()
    assert shape(path) == newest


def test_what_is_added_up_from_older_rows_is_what_would_have_been_kept(lived_in: Path) -> None:
    before = rows(lived_in)
    with sqlite3.connect(lived_in) as database:
        for (name,) in database.execute("SELECT name FROM sqlite_master WHERE type = 'trigger'").fetchall():
            database.execute(f'DROP TRIGGER "{name}"')
        take_back_to(14, database)
    engine = SqliteEngine(lived_in)
    with engine.read() as database_of_site:
        (site,) = run_sql(database_of_site, "SELECT site FROM about WHERE name = 'schema'")[0]
    assert make_schema(engine, site)
    check_schema(engine, site)
    engine.close()
    after = rows(lived_in)
    assert [name for name in before if name != "about" and after[name] != before[name]] == []
    assert min(map(len, (before["posting"], before["ledger_day"], before["account_balance"]))) > 5
