"""Tables that PostgreSQL keeps by month, and making their months ahead. SQLite keeps each as one table.

A row of a month that nobody made (a clock of 1970, a box that was dark for a year) goes into the partition `_other`:
found as all others are, only not as quickly.
"""

from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any, Final

import peewee as pw

from cloud_server.store.database import Guarded, run_sql
from cloud_server.store.postgres_guards import guard_against_emptying, run_statement
from cloud_server.store.tables_history import MeterInterval

BY_MONTH: Final[dict[type[pw.Model], str]] = {MeterInterval: "from_ms"}
"""Table -> the column, in milliseconds since 1970, that says its month (UTC)."""
MONTHS_BEHIND: Final = 2
"""A box that comes back after its month still finds it."""
MONTHS_AHEAD: Final = 3
"""Background work makes the next month each day; a centre that stands still for three still has one."""


def make_table(database: pw.Database, model: type[pw.Model]) -> None:
    """Make a table with its indexes."""
    manager = pw.SchemaManager(model, database)
    if model not in BY_MONTH or not isinstance(database, pw.PostgresqlDatabase):
        manager.create_all(safe=False)
        return
    statement, _ = manager._create_table(safe=False).query()  # type: ignore[attr-defined]  # noqa: SLF001  # its text is needed
    run_statement(database, f'{statement} PARTITION BY RANGE ("{BY_MONTH[model]}")')
    run_statement(database, f'CREATE TABLE "{_name(model)}_other" PARTITION OF "{_name(model)}" DEFAULT')
    manager.create_indexes(safe=False)


def make_months(database: pw.Database, now_ms: int, guarded: tuple[Guarded, ...]) -> list[str]:
    """Make the months around an instant that are not there yet; their names. Nothing on SQLite."""
    if not isinstance(database, pw.PostgresqlDatabase):
        return []
    made = []
    for model, column in BY_MONTH.items():
        table = _name(model)
        present = {name for (name,) in run_sql(database, _PARTITIONS, (table,))}
        for name, from_ms, to_ms in _months(table, now_ms):
            if name in present or _is_taken(database, f"{table}_other", column, from_ms, to_ms):
                continue
            bounds = f"FOR VALUES FROM ({from_ms}) TO ({to_ms})"
            run_statement(database, f'CREATE TABLE "{name}" PARTITION OF "{table}" {bounds}')
            if table in {guard.table for guard in guarded}:
                guard_against_emptying(database, name)
            made.append(name)
    return made


_PARTITIONS: Final = (
    "SELECT c.relname FROM pg_inherits i JOIN pg_class c ON c.oid = i.inhrelid WHERE i.inhparent = CAST(%s AS regclass)"
)


def _is_taken(database: pw.Database, other: str, column: str, from_ms: int, to_ms: int) -> bool:
    """Whether rows of a month came before the month was made: they stay where they are, and so do later ones."""
    which = f'WHERE "{column}" >= %s AND "{column}" < %s LIMIT 1'
    look = f'SELECT 1 FROM "{other}" {which}'  # noqa: S608  # names of tables and columns of our own
    return bool(run_sql(database, look, (from_ms, to_ms)))


def _months(table: str, now_ms: int) -> Iterator[tuple[str, int, int]]:
    now = datetime.fromtimestamp(now_ms / 1000, UTC)
    first = now.year * 12 + now.month - 1
    for month in range(first - MONTHS_BEHIND, first + MONTHS_AHEAD + 1):
        year, number = divmod(month, 12)
        yield f"{table}_{year}_{number + 1:02}", _begin_ms(month), _begin_ms(month + 1)


def _begin_ms(month: int) -> int:
    year, number = divmod(month, 12)
    return int(datetime(year, number + 1, 1, tzinfo=UTC).timestamp()) * 1000


def _name(model: type[pw.Model]) -> str:
    meta: Any = model._meta  # noqa: SLF001  # the library's own way to tell the name
    return str(meta.table_name)
