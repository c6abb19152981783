"""A year of half hours in PostgreSQL within minutes: each month filled without indexes, indexed, put in the empty one's
place. What stands there at the end, partitions, indexes and guards, is what the program makes.
"""

from collections import Counter
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from typing import Final

import psycopg

from cloud_server.store.database import run_sql
from cloud_server.store.postgres import PostgresEngine
from cloud_server.store.postgres_guards import guard_against_emptying

WORKERS: Final = 2
DAY_HALVES: Final = 48
SETTINGS: Final = (
    "wal_level=minimal", "max_wal_senders=0", "shared_buffers=1GB", "maintenance_work_mem=512MB",
    "max_parallel_maintenance_workers=0", "checkpoint_timeout=1h", "max_wal_size=8GB",
)  # fmt: skip
"""Of the server while it is filled and asked; a site of this size gives it no less memory."""
Sums = Counter[tuple[str, str]]
"""Of each meter: how many intervals, watt-hours, micro-units."""


def fill_months(engine: PostgresEngine, insert: Callable[..., str], halves: Iterable[tuple[int, int]]) -> Sums:
    """Fill every month. `insert` makes the statement of a table and the first and last number of its halves; `halves`
    are all numbers with their begin."""
    months: dict[str, list[int]] = {}
    for number, from_ms in halves:
        months.setdefault(f"meter_interval_{datetime.fromtimestamp(from_ms / 1000, UTC):%Y_%m}", []).append(number)
    with ThreadPoolExecutor(WORKERS) as workers:
        made = list(workers.map(lambda month: _fill(engine.address.text, insert, *month), months.items()))
    with engine.write() as database:
        for month in months:
            _put(database, month)
    return sum(made, Sums())


def _fill(address: str, insert: Callable[..., str], month: str, numbers: list[int]) -> Sums:
    """One month, day by day as it came in, in a transaction of the table's own: nothing of it goes through the log."""
    table = f"bench_{month}"
    with psycopg.connect(address) as connection:
        connection.execute(f"CREATE TABLE {table} (LIKE meter_interval INCLUDING DEFAULTS)".encode())
        for first in range(numbers[0], numbers[-1] + 1, DAY_HALVES):
            last = min(first + DAY_HALVES - 1, numbers[-1])
            connection.execute(insert(table=table, first=first, last=last).encode())
        key = "(site, box, epoch, seq, n, from_ms)"
        for index in (f"ADD CONSTRAINT {table}_pkey PRIMARY KEY {key}", *_bounds(connection, month)):
            connection.execute(f"ALTER TABLE {table} {index}".encode())
        for columns in ("site, meter, from_ms", "site, from_ms"):
            connection.execute(f"CREATE INDEX ON {table} ({columns})".encode())
        asked = f"SELECT meter, COUNT(*), SUM(energy_wh), SUM(charge_micro) FROM {table} GROUP BY meter"
        sums = Sums()
        for meter, *found in connection.execute(asked.encode()).fetchall():
            sums.update({(meter, name): int(value) for name, value in zip(("rows", "wh", "micro"), found, strict=True)})
    return sums


def _bounds(connection: psycopg.Connection[tuple[str, ...]], month: str) -> list[str]:
    """What the program's own partition holds, as a check: with it the month is put in place without being read."""
    asked = "SELECT pg_get_partition_constraintdef(CAST(%s AS regclass))"
    row = connection.execute(asked, (month,)).fetchone()
    assert row is not None, f"the program made no partition {month}"
    return [f"ADD CONSTRAINT bench_bounds CHECK ({row[0]})"]


def _put(database: object, month: str) -> None:
    ((bounds,),) = run_sql(
        database,  # type: ignore[arg-type]  # the engine's own
        "SELECT pg_get_expr(relpartbound, oid) FROM pg_class WHERE relname = %s",
        (month,),
    )
    for statement in (
        f"DROP TABLE {month}",
        f"ALTER TABLE bench_{month} RENAME TO {month}",
        f"ALTER TABLE {month} RENAME CONSTRAINT bench_{month}_pkey TO {month}_pkey",
        f"ALTER TABLE meter_interval ATTACH PARTITION {month} {bounds}",
        f"ALTER TABLE {month} DROP CONSTRAINT bench_bounds",
    ):
        database.execute_sql(statement)  # type: ignore[attr-defined]  # the engine's own
    guard_against_emptying(database, month)  # type: ignore[arg-type]  # the engine's own
