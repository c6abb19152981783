"""Guards on rows that never change, as PostgreSQL keeps them: a function and a trigger each, compared to the letter."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

import peewee

from cloud_server.store.database import Guarded, run_sql


@dataclass(frozen=True, slots=True)
class _Guard:
    """One trigger and the function that it runs; both carry the same name."""

    name: str
    table: str
    when: str
    body: str

    @property
    def trigger(self) -> str:
        """As `pg_get_triggerdef` tells it."""
        return f"CREATE TRIGGER {self.name} BEFORE {self.when} EXECUTE FUNCTION {self.name}()"

    @property
    def function(self) -> str:
        """The statement that makes or mends the function."""
        language = "RETURNS trigger LANGUAGE plpgsql"
        return f"CREATE OR REPLACE FUNCTION {self.name}() {language} AS $guard${self.body}$guard$"


def missing_guards(database: peewee.Database, tables: Sequence[Guarded]) -> list[str]:
    """Names of guards that are not there, switched off, or not as they should be."""
    found = run_sql(
        database,
        "SELECT t.tgname, c.relname, t.tgenabled, pg_get_triggerdef(t.oid, true), p.prosrc "
        "FROM pg_trigger t JOIN pg_class c ON c.oid = t.tgrelid JOIN pg_proc p ON p.oid = t.tgfoid "
        "WHERE NOT t.tgisinternal AND c.relnamespace = current_schema()::regnamespace",
    )
    present = {(name, table): (enabled, trigger, body) for name, table, enabled, trigger, body in found}
    return [
        guard.name
        for guard in _guards(tables)
        if present.get((guard.name, guard.table)) != (b"O", guard.trigger, guard.body)
        and present.get((guard.name, guard.table)) != ("O", guard.trigger, guard.body)
    ]


def set_guards(database: peewee.Database, tables: Sequence[Guarded]) -> None:
    """Make all of them anew."""
    for guard in _guards(tables):
        run_statement(database, f'DROP TRIGGER IF EXISTS "{guard.name}" ON "{guard.table}"')
        run_statement(database, guard.function)
        run_statement(database, guard.trigger)


def guard_against_emptying(database: peewee.Database, partition: str) -> None:
    """The one guard that a partition does not take over from its table."""
    guard = _emptying(partition)
    run_statement(database, guard.function)
    run_statement(database, guard.trigger)


def run_statement(database: peewee.Database, statement: str) -> None:
    """A statement without parameters and without rows."""
    database.cursor().execute(statement)  # type: ignore[no-untyped-call]  # the library has no types here


def _guards(tables: Iterable[Guarded]) -> Iterator[_Guard]:
    for guarded in tables:
        table = guarded.table
        kept = f"{table}_keeps_its_rows"
        yield _Guard(kept, table, f"DELETE ON {table} FOR EACH ROW", _refusal(f"rows of {table} are never deleted"))
        yield _emptying(table)
        changed = f"{table}_never_changes"
        refusal = _refusal(f"rows of {table} are never changed", guarded.changeable)
        yield _Guard(changed, table, f"UPDATE ON {table} FOR EACH ROW", refusal)


def _emptying(table: str) -> _Guard:
    words = _refusal(f"rows of {table} are never deleted")
    return _Guard(f"{table}_is_never_emptied", table, f"TRUNCATE ON {table} FOR EACH STATEMENT", words)


def _refusal(words: str, changeable: Sequence[str] = ()) -> str:
    """The body of a guard's function; columns in `changeable` may go from false to true, all others stay."""
    allowed = ""
    if changeable:
        marks = " AND ".join(f"NOT OLD.{name} AND NEW.{name}" for name in changeable)
        names = ", ".join(f"'{name}'" for name in changeable)
        same = f"to_jsonb(OLD) - ARRAY[{names}] = to_jsonb(NEW) - ARRAY[{names}]"
        allowed = f"IF {marks} AND {same} THEN RETURN NEW; END IF; "
    return f"BEGIN {allowed}RAISE EXCEPTION '{words}' USING ERRCODE = 'integrity_constraint_violation'; END"
