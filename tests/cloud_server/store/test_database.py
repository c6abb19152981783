"""The engine: one writer, readers that see one moment and cannot write, guards on rows, full durability."""

import sqlite3
import threading
from pathlib import Path

import peewee
import pytest

from cloud_server.core.posting_rules import opening
from cloud_server.core.transaction import Transaction
from cloud_server.store import schema
from cloud_server.store.database import DatabaseFault, Guarded, SqliteEngine, run_sql
from cloud_server.store.migrations import SCHEMA_VERSION, STEPS
from cloud_server.store.schema import GUARDED, check_schema, make_schema, restore_guards
from cloud_server.store.unit import StoredBooks

SITE = "1" * 32


@pytest.fixture
def engine(tmp_path: Path) -> SqliteEngine:
    made = SqliteEngine(tmp_path / "centre.db")
    assert make_schema(made, SITE) is True
    return made


def entry(number: int) -> Transaction:
    return Transaction(
        kind="opening",
        cause=f"opening/{number}",
        effective_at_ms=1,
        posting_day="2026-11-22",
        who="p",
        key=f"{number}",
        postings=opening("a" * 32, 100),
    )


def test_what_is_committed_is_synchronised_in_full(engine: SqliteEngine) -> None:
    with engine.write() as database:
        settings = {name: run_sql(database, f"PRAGMA {name}")[0][0] for name in ("journal_mode", "synchronous")}
    assert settings == {"journal_mode": "wal", "synchronous": 2}


def test_the_schema_is_made_once(engine: SqliteEngine) -> None:
    assert make_schema(engine, SITE) is False
    check_schema(engine, SITE)


def test_an_unknown_or_newer_database_is_refused(engine: SqliteEngine, tmp_path: Path) -> None:
    with pytest.raises(DatabaseFault, match="has not been set up"):
        check_schema(SqliteEngine(tmp_path / "other.db"), SITE)
    with StoredBooks(engine, SITE).write() as unit:
        unit.site.put_fact("schema", str(SCHEMA_VERSION + 1))
    with pytest.raises(DatabaseFault, match="must be newer"):
        make_schema(engine, SITE)
    with pytest.raises(DatabaseFault, match="this program wants"):
        check_schema(engine, SITE)


def test_a_file_that_is_no_database_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "centre.db"
    path.write_bytes(b"not a database" * 1_000)
    with pytest.raises(DatabaseFault):
        SqliteEngine(path)


@pytest.mark.parametrize("guarded", GUARDED, ids=lambda guarded: guarded.table)
@pytest.mark.parametrize("statement", ["DELETE FROM {table}", "UPDATE {table} SET site = site"])
def test_rows_that_never_change_cannot_be_changed(lived_in: Path, guarded: Guarded, statement: str) -> None:
    table = guarded.table
    file = sqlite3.connect(lived_in)
    try:
        assert file.execute(f"SELECT COUNT(*) FROM {table}").fetchone()[0] > 0
        with pytest.raises(sqlite3.IntegrityError, match=f"rows of {table} are never"):
            file.execute(statement.format(table=table))
    finally:
        file.close()


@pytest.mark.parametrize(
    "change", ["journaled = 0", "journaled = 0, line = 'x'", "line = 'x'", "journaled = 1, number = 99", "hash = 'x'"]
)
def test_a_signed_line_is_only_marked(lived_in: Path, change: str) -> None:
    file = sqlite3.connect(lived_in)
    try:
        with pytest.raises(sqlite3.IntegrityError, match="never changed"):
            file.execute(f"UPDATE signed_line SET {change} WHERE journaled = 1")
    finally:
        file.close()


def test_missing_guards_stop_the_start_and_are_put_back(engine: SqliteEngine) -> None:
    with engine.write() as database:
        run_sql(database, 'DROP TRIGGER "posting_never_changes"')
        run_sql(database, 'DROP TRIGGER "audit_keeps_its_rows"')
        run_sql(database, "CREATE TRIGGER audit_keeps_its_rows BEFORE DELETE ON audit WHEN 0 BEGIN SELECT 1; END")
    with pytest.raises(DatabaseFault, match=r"posting_never_changes, audit_keeps_its_rows"):
        check_schema(engine, SITE)
    assert restore_guards(engine) == ["posting_never_changes", "audit_keeps_its_rows"]
    check_schema(engine, SITE)


def test_an_older_database_is_brought_forward_with_its_guards(
    engine: SqliteEngine, monkeypatch: pytest.MonkeyPatch
) -> None:
    def rebuild(database: peewee.Database) -> None:
        """As SQLite rebuilds a table: a copy takes its place, and the guards are gone."""
        run_sql(database, "CREATE TABLE posting_new AS SELECT *, 0 AS extra FROM posting")
        run_sql(database, "DROP TABLE posting")
        run_sql(database, "ALTER TABLE posting_new RENAME TO posting")

    monkeypatch.setattr(schema, "SCHEMA_VERSION", SCHEMA_VERSION + 1)
    monkeypatch.setitem(STEPS, SCHEMA_VERSION + 1, rebuild)
    assert make_schema(engine, SITE) is True
    check_schema(engine, SITE)


def test_the_second_schema_is_the_same_whichever_way_it_came(tmp_path: Path) -> None:
    old, new = SqliteEngine(tmp_path / "old.db"), SqliteEngine(tmp_path / "new.db")
    for engine in (old, new):
        make_schema(engine, SITE)
    with old.write() as database:
        for statement in ("TABLE alarm_note", "TABLE password_link"):
            run_sql(database, f"DROP {statement}")
        for index in ("box_event_site_kind_at_ms", "alarm_site_raised_at_ms", "meter_interval_site_from_ms"):
            run_sql(database, f"DROP INDEX {index}")
        STEPS[2](database)
        old.set_guards(database, GUARDED)
    shape = "SELECT type, name, tbl_name FROM sqlite_master ORDER BY type, name"
    with old.read() as ours, new.read() as theirs:
        assert run_sql(ours, shape) == run_sql(theirs, shape)
        for table in ("alarm_note", "password_link"):
            assert run_sql(ours, f"PRAGMA table_info({table})") == run_sql(theirs, f"PRAGMA table_info({table})")


def test_a_unit_that_fails_leaves_nothing(engine: SqliteEngine) -> None:
    store = StoredBooks(engine, SITE)

    def fail_in_the_middle() -> None:
        with store.write() as unit:
            unit.ledger.post(entry(1), 1)
            unit.ledger.next_receipt("2026-11-22", 1)
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        fail_in_the_middle()
    with store.write() as unit:
        assert unit.ledger.sums(["opening"]) == {}
        assert unit.ledger.next_receipt("2026-11-22", 1) == 1


def test_a_reader_sees_one_moment_and_cannot_write(engine: SqliteEngine) -> None:
    store = StoredBooks(engine, SITE)
    with store.read() as before:
        assert before.ledger.sums(["opening"]) == {}
        with store.write() as unit:
            unit.ledger.post(entry(1), 1)
        assert before.ledger.sums(["opening"]) == {}
    with store.read() as after:
        assert after.ledger.sums(["opening"]) == {"opening": -100}
        with pytest.raises(peewee.OperationalError, match="readonly"):
            after.ledger.post(entry(2), 1)


def test_many_writers_take_turns(engine: SqliteEngine) -> None:
    store = StoredBooks(engine, SITE)
    numbers: list[int] = []

    def take() -> None:
        for _ in range(20):
            with store.write() as unit:
                number = unit.ledger.next_receipt("2026-11-22", 1)
                unit.ledger.post(entry(number), 1)
            numbers.append(number)

    threads = [threading.Thread(target=take) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(numbers) == list(range(1, 121))
    with store.read() as unit:
        assert unit.ledger.sums(["opening"]) == {"opening": -12_000}


def test_the_same_entry_cannot_be_posted_twice(engine: SqliteEngine) -> None:
    store = StoredBooks(engine, SITE)
    with store.write() as unit:
        unit.ledger.post(entry(1), 1)
    with pytest.raises(peewee.IntegrityError), store.write() as unit:
        unit.ledger.post(entry(1), 1)
    with store.read() as unit:
        assert unit.ledger.sums(["opening"]) == {"opening": -100}
