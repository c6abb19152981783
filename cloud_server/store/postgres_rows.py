"""Many rows into PostgreSQL at once: COPY for what is only added, one statement over arrays for the rest."""

from collections.abc import Sequence
from functools import cache
from typing import Any, Final

import peewee

from cloud_server.store.unit_memory import Remembering

COPY_FROM: Final = 20
"""Fewer rows go quicker as one prepared statement than as a COPY with its round trips."""
_ARRAYS: Final = {"TEXT": "text", "BIGINT": "bigint", "INT": "bigint", "BOOL": "boolean", "BLOB": "bytea"}
"""The library's name of a column's type and PostgreSQL's."""


def write(
    database: peewee.PostgresqlDatabase,
    table: type[peewee.Model],
    names: tuple[str, ...],
    rows: Sequence[tuple[object, ...]],
    conflict: str,
) -> None:
    """Add rows, all with the same columns; `conflict` is the statement's ON CONFLICT clause, or empty."""
    if isinstance(database, Remembering):
        database.memory.before("INSERT")
    with peewee.__exception_wrapper__:  # type: ignore[attr-defined]  # left out of the library's types
        cursor = database.cursor()  # type: ignore[no-untyped-call]  # the library has no types here
        if not conflict and len(rows) >= COPY_FROM:
            with cursor.copy(_copy(table, names)) as copy:
                for row in rows:
                    copy.write_row(row)
        else:
            cursor.execute(_insert(table, names) + conflict, [list(column) for column in zip(*rows, strict=True)])


@cache
def _copy(table: type[peewee.Model], names: tuple[str, ...]) -> str:
    return f'COPY "{_name(table)}" ({_listed(names)}) FROM STDIN'


@cache
def _insert(table: type[peewee.Model], names: tuple[str, ...]) -> str:
    fields = _meta(table).fields
    arrays = ", ".join(f"%s::{_ARRAYS[fields[name].field_type]}[]" for name in names)
    into = f'"{_name(table)}" ({_listed(names)}) SELECT * FROM unnest({arrays})'  # noqa: S608  # names of our own
    return f"INSERT INTO {into}"


def _listed(names: tuple[str, ...]) -> str:
    return ", ".join(f'"{name}"' for name in names)


def _name(table: type[peewee.Model]) -> str:
    return str(_meta(table).table_name)


def _meta(table: type[peewee.Model]) -> Any:
    return table._meta  # noqa: SLF001  # the library's own way to look a table up
