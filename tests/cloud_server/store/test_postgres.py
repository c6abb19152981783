"""PostgreSQL alone: guards, locks, what its errors mean, months, words between processes, and what `check` says."""

import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import peewee
import pytest

from cloud_server.core.posting_rules import opening
from cloud_server.core.transaction import Transaction
from cloud_server.ports.database import PostgresAddress, TryAgain, WiderUnit
from cloud_server.store import schema
from cloud_server.store.database import DatabaseFault, Guarded, run_sql
from cloud_server.store.engines import open_engine
from cloud_server.store.migrations import SCHEMA_VERSION
from cloud_server.store.neighbours import PostgresNeighbours
from cloud_server.store.postgres import PostgresEngine
from cloud_server.store.schema import GUARDED, check_schema, make_months_ahead, make_schema, restore_guards
from cloud_server.store.server_check import server_warnings
from cloud_server.store.tables_fleet import Building
from cloud_server.store.unit import StoredBooks
from tests.cloud_server.site_rig import open_rig
from tests.cloud_server.store.test_migrations import COLUMNS_OF, INDEXES_OF, TABLES_OF
from tests.postgres_server import PostgresServer

pytestmark = pytest.mark.postgres

SITE = "1" * 32
NOVEMBER_MS = 1_795_000_000_000


@pytest.fixture
def address(postgres_server: PostgresServer, postgres_template: str) -> PostgresAddress:
    return postgres_server.make_database(postgres_template)


@pytest.fixture
def engine(address: PostgresAddress) -> Iterator[PostgresEngine]:
    made = PostgresEngine(address)
    make_schema(made, SITE)
    yield made
    made.close()


def entry(number: int) -> Transaction:
    return Transaction(
        kind="opening", cause=f"opening/{number}", effective_at_ms=1, posting_day="2026-11-22", who="p",
        key=f"{number}", postings=opening("a" * 32, 100),
    )  # fmt: skip


def test_a_second_site_shares_the_tables(engine: PostgresEngine) -> None:
    with pytest.raises(DatabaseFault, match="has not been set up"):
        check_schema(engine, "2" * 32)
    assert make_schema(engine, "2" * 32) is True
    assert make_schema(engine, "2" * 32) is False
    check_schema(engine, SITE)
    check_schema(engine, "2" * 32)


def test_an_address_that_nobody_answers_is_told_without_its_password() -> None:
    with pytest.raises(DatabaseFault, match=r"127\.0\.0\.1") as told:
        PostgresEngine(PostgresAddress("postgresql://somebody:secret@127.0.0.1:1/nowhere"))
    assert "secret" not in str(told.value)


@pytest.mark.parametrize("guarded", GUARDED, ids=lambda guarded: guarded.table)
def test_every_guard_stands_and_refuses(engine: PostgresEngine, guarded: Guarded) -> None:
    with pytest.raises(peewee.IntegrityError, match="never deleted"), engine.write() as database:
        run_statement(database, f'TRUNCATE "{guarded.table}"')
    assert engine.missing_guards([guarded]) == []


def run_statement(database: Any, statement: str) -> None:
    database.execute_sql(statement)


def test_rows_that_never_change_cannot_be_changed(engine: PostgresEngine) -> None:
    with StoredBooks(engine, SITE).write() as unit:
        unit.ledger.post(entry(1), 1)
        unit.audit.append(1, "p", "did", "x", {})
    for table in ("ledger_transaction", "posting", "audit"):
        for statement in (f"UPDATE {table} SET site = site", f"DELETE FROM {table}"):
            with pytest.raises(peewee.IntegrityError, match=f"rows of {table} are never"), engine.write() as database:
                run_statement(database, statement)


def test_a_signed_line_is_only_marked(engine: PostgresEngine) -> None:
    add = (
        "INSERT INTO signed_line (site, hash, type, box, number, line, made_at_ms, journaled) "
        "VALUES ('s', 'h', 'money', '', 1, 'x', 1, false)"
    )
    with engine.write() as database:
        run_statement(database, add)
    for change in ("journaled = true, line = 'y'", "number = 2", "journaled = false"):
        with pytest.raises(peewee.IntegrityError, match="never changed"), engine.write() as database:
            run_statement(database, f"UPDATE signed_line SET {change}")
    with engine.write() as database:
        run_statement(database, "UPDATE signed_line SET journaled = true")
    with pytest.raises(peewee.IntegrityError, match="never changed"), engine.write() as database:
        run_statement(database, "UPDATE signed_line SET journaled = true")


def test_missing_guards_stop_the_start_and_are_put_back(engine: PostgresEngine) -> None:
    with engine.write() as database:
        run_statement(database, "DROP TRIGGER posting_never_changes ON posting")
        run_statement(database, "ALTER TABLE sale DISABLE TRIGGER sale_keeps_its_rows")
        body = "RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN OLD; END'"
        run_statement(database, f"CREATE OR REPLACE FUNCTION audit_keeps_its_rows() {body}")
    with pytest.raises(DatabaseFault, match="posting_never_changes"):
        check_schema(engine, SITE)
    assert set(restore_guards(engine)) == {"posting_never_changes", "sale_keeps_its_rows", "audit_keeps_its_rows"}
    check_schema(engine, SITE)


def test_a_database_of_an_older_schema_comes_forward_with_its_guards(engine: PostgresEngine) -> None:
    """Each step of the program forward ends with every guard in its place, whatever it did to the tables."""
    older = SCHEMA_VERSION - 2
    with engine.write() as database:
        for step in range(SCHEMA_VERSION, older, -1):
            for statement in INDEXES_OF.get(step, ()):
                run_statement(database, statement)
            for model in TABLES_OF[step].MODELS if step in TABLES_OF else ():
                run_statement(database, f'DROP TABLE "{model._meta.table_name}"')
            for table, added in COLUMNS_OF.get(step, {}).items():
                for column in added:
                    run_statement(database, f'ALTER TABLE {table} DROP COLUMN "{column}"')
        run_statement(database, "DROP TRIGGER posting_never_changes ON posting")
        run_statement(database, f"UPDATE about SET value = '{older}' WHERE name = 'schema'")
    with pytest.raises(DatabaseFault, match=f"has schema {older}"):
        check_schema(engine, SITE)
    assert make_schema(engine, SITE) is True
    assert engine.missing_guards(GUARDED) == []
    check_schema(engine, SITE)


FAIL_TWICE = (
    "CREATE SEQUENCE tries",
    "CREATE FUNCTION fail_twice() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN IF nextval('tries') <= 2 THEN "
    "RAISE EXCEPTION 'could not serialize access due to concurrent update' USING ERRCODE = '40001'; END IF; "
    "RETURN NEW; END $$",
    "CREATE TRIGGER fail_twice BEFORE INSERT ON sale FOR EACH ROW EXECUTE FUNCTION fail_twice()",
)
"""A sequence keeps its count when a transaction is undone."""


def test_a_sale_that_could_not_be_serialized_is_taken_again_and_is_one_sale(
    tmp_path: Path, address: PostgresAddress
) -> None:
    with open_rig(tmp_path, database=address) as rig:
        rig.plan()
        box = rig.enrol(1)
        with rig.engine.write() as database:
            for statement in FAIL_TWICE:
                run_statement(database, statement)
        sale = rig.sell("100.00", key="k")
        assert rig.sell("100.00", key="k") == sale
        with rig.engine.read() as database:
            assert run_sql(database, "SELECT last_value FROM tries") == [(3,)]
            assert run_sql(database, "SELECT count(*) FROM sale") == [(1,)]
        rig.settle(box)
        assert rig.breaches() == []


def test_many_writers_of_one_site_take_turns(engine: PostgresEngine, address: PostgresAddress) -> None:
    """Two engines stand for two processes."""
    other = open_engine(address)
    numbers: list[int] = []

    def take(store: StoredBooks) -> None:
        for _ in range(10):
            with store.write() as unit:
                number = unit.ledger.next_receipt("2026-11-22", 1)
                unit.ledger.post(entry(number), 1)
                unit.audit.append(number, "p", "did", "x", {})
            numbers.append(number)

    stores = [StoredBooks(engine, SITE), StoredBooks(other, SITE)]
    threads = [threading.Thread(target=take, args=(stores[n % 2],)) for n in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    other.close()
    assert sorted(numbers) == list(range(1, 61))
    with stores[0].read() as unit:
        assert unit.ledger.sums(["opening"]) == {"opening": -6_000}
        assert unit.audit.head().seq == 60


def test_units_of_boxes_run_beside_each_other_and_their_sums_add_up(engine: PostgresEngine) -> None:
    store = StoredBooks(engine, SITE)
    both_inside = threading.Barrier(2, timeout=60)

    def post(number: int) -> None:
        with store.write_box() as unit:
            unit.ledger.post(entry(number), 1)
            both_inside.wait()

    threads = [threading.Thread(target=post, args=(number,)) for number in (1, 2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    with store.read() as unit:
        assert unit.ledger.sums(["opening"]) == {"opening": -200}


def test_a_unit_of_a_box_takes_no_link_of_a_chain_of_the_site(engine: PostgresEngine) -> None:
    store = StoredBooks(engine, SITE)
    with pytest.raises(WiderUnit), store.write_box() as unit:
        unit.audit.append(1, "p", "did", "x", {})
    with pytest.raises(WiderUnit), store.write_box() as unit:
        unit.ledger.next_receipt("2026-11-22", 1)


def test_a_reader_sees_one_moment_and_cannot_write(engine: PostgresEngine) -> None:
    store = StoredBooks(engine, SITE)
    with store.read() as before:
        assert before.ledger.sums(["opening"]) == {}
        with store.write() as unit:
            unit.ledger.post(entry(1), 1)
        assert before.ledger.sums(["opening"]) == {}
    with pytest.raises((TryAgain, peewee.PeeweeException), match="read-only"), store.read() as after:
        after.ledger.post(entry(2), 1)


def test_a_deadlock_is_a_unit_to_be_taken_again(engine: PostgresEngine) -> None:
    with engine.write() as database:
        run_statement(database, "CREATE TABLE pair (n int PRIMARY KEY)")
        run_statement(database, "INSERT INTO pair VALUES (1), (2)")
    first_held = threading.Barrier(2, timeout=60)
    outcomes: list[str] = []

    def cross(one: int, other: int) -> None:
        try:
            with engine.write() as database:
                run_statement(database, f"SELECT 1 FROM pair WHERE n = {one} FOR UPDATE")
                first_held.wait()
                run_statement(database, f"SELECT 1 FROM pair WHERE n = {other} FOR UPDATE")
            outcomes.append("done")
        except TryAgain as fault:
            outcomes.append(f"again, unknown={fault.unknown}")

    threads = [threading.Thread(target=cross, args=pair) for pair in ((1, 2), (2, 1))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(outcomes) == ["again, unknown=False", "done"]


def end_backend(database: Any, server: PostgresServer) -> None:
    pid = run_sql(database, "SELECT pg_backend_pid()")[0][0]
    server.execute(f"SELECT pg_terminate_backend({pid})")
    time.sleep(0.1)


def test_a_server_that_ends_a_connection_is_a_unit_to_be_taken_again(
    engine: PostgresEngine, postgres_server: PostgresServer
) -> None:
    def lost() -> None:
        with engine.write() as database:
            end_backend(database, postgres_server)
            run_sql(database, "SELECT 1")

    with pytest.raises(TryAgain) as told:
        lost()
    assert told.value.unknown is False
    with engine.write() as database:
        assert run_sql(database, "SELECT 1") == [(1,)]


def test_a_connection_lost_at_commit_leaves_nobody_knowing(
    engine: PostgresEngine, postgres_server: PostgresServer
) -> None:
    with pytest.raises(TryAgain) as told, engine.write() as database:
        end_backend(database, postgres_server)
    assert told.value.unknown is True


def test_text_with_nul_is_kept_and_sums_are_whole_numbers(engine: PostgresEngine) -> None:
    with engine.write() as database:
        Building.insert(site=SITE, building="b", name="a\0b", position=2**40).execute(database)
        rows = list(Building.select(Building.name, peewee.fn.SUM(Building.position)).group_by(Building.name).tuples()
                    .execute(database))  # fmt: skip
    assert rows == [("a\N{REPLACEMENT CHARACTER}b", 2**40)]
    assert type(rows[0][1]) is int


def test_text_is_compared_by_bytes_in_every_column(engine: PostgresEngine) -> None:
    with engine.read() as database:
        other = run_sql(
            database,
            "SELECT table_name, column_name FROM information_schema.columns "
            "WHERE table_schema = 'public' AND data_type = 'text' AND collation_name IS DISTINCT FROM 'C'",
        )
    assert other == []


def test_every_key_and_index_leads_with_the_site(engine: PostgresEngine) -> None:
    with engine.read() as database:
        other = run_sql(
            database,
            "SELECT i.indexrelid::regclass::text FROM pg_index i JOIN pg_class c ON c.oid = i.indrelid "
            "JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum = i.indkey[0] "
            "WHERE c.relnamespace = 'public'::regnamespace AND a.attname <> 'site'",
        )
    assert other == []


def test_months_are_made_ahead_once_and_keep_their_rows(engine: PostgresEngine) -> None:
    made = make_months_ahead(engine, NOVEMBER_MS)
    assert made == [f"meter_interval_{month}" for month in
                    ("2026_09", "2026_10", "2026_11", "2026_12", "2027_01", "2027_02")]  # fmt: skip
    assert make_months_ahead(engine, NOVEMBER_MS) == []
    assert engine.missing_guards(schema.GUARDED) == []
    values = "'m', {at}, 'b', 1, 1, {n}, 1, NULL, 0, 0, 0, 0, 1, NULL, '[]', '[]'"
    with engine.write() as database:
        for n, at_ms in enumerate((NOVEMBER_MS, 0)):
            run_statement(database, f"INSERT INTO meter_interval VALUES ('{SITE}', {values.format(n=n, at=at_ms)})")
        places = run_sql(database, "SELECT tableoid::regclass::text FROM meter_interval ORDER BY 1")
    assert places == [("meter_interval_2026_11",), ("meter_interval_other",)]
    for statement in ("DELETE FROM meter_interval_2026_11", "UPDATE meter_interval_other SET n = 5",
                      "TRUNCATE meter_interval_2026_11"):  # fmt: skip
        with pytest.raises(peewee.IntegrityError, match="never"), engine.write() as database:
            run_statement(database, statement)


def test_words_reach_the_others_and_one_has_the_turn(address: PostgresAddress) -> None:
    heard: list[str] = []
    came = threading.Event()

    def hear(word: str) -> None:
        heard.append(word)
        came.set()

    one, other = PostgresNeighbours(address, SITE), PostgresNeighbours(address, SITE)
    one.start(hear)
    other.start(lambda _word: None)
    assert (one.has_turn(), other.has_turn()) == (True, False)
    one.tell("wake nobody")
    other.tell("wake " + "b" * 32)
    assert came.wait(30)
    assert heard == ["wake " + "b" * 32]
    one.close()
    deadline = time.monotonic() + 30
    while not other.has_turn() and time.monotonic() < deadline:
        time.sleep(0.05)
    assert other.has_turn()
    other.close()


def test_the_check_says_what_the_server_is_set_to(address: PostgresAddress) -> None:
    said = "\n".join(server_warnings(address))
    for word in ("fsync", "synchronous_commit", "synchronous_standby_names", "superuser"):
        assert word in said
