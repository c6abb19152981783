"""Many rows into PostgreSQL at once: COPY for what is only added, one statement for all rows otherwise."""

from collections.abc import Sequence
from functools import cache
from typing import Any, Final

import msgspec
import peewee

from cloud_server.store import postgres_copy
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
        if not conflict and len(rows) >= COPY_FROM and "BLOB" not in _types(table, names):
            with cursor.copy(_copy(table, names)) as copy:
                copy.write(postgres_copy.text(_types(table, names), rows))
        elif not conflict and "BLOB" in _types(table, names):
            with cursor.copy(f"{_copy(table, names)} (FORMAT binary)") as copy:
                copy.write(postgres_copy.binary(_types(table, names), rows))
        elif "BLOB" in _types(table, names):
            columns = [list(column) for column in zip(*rows, strict=True)]
            cursor.execute(_insert(table, names) + conflict, columns)
        else:
            cursor.execute(_insert_json(table, names) + conflict, (_json(rows).decode(),))


def _json(rows: Sequence[tuple[object, ...]]) -> bytes:
    """Rows as one JSON text, written some twenty times as fast as the library writes arrays."""
    text = msgspec.json.encode(rows)
    if b"\\u0000" in text:
        text = msgspec.json.encode([[_without_nul(value) for value in row] for row in rows])
    return text


def _without_nul(value: object) -> object:
    return value.replace("\0", "\N{REPLACEMENT CHARACTER}") if isinstance(value, str) else value


@cache
def _copy(table: type[peewee.Model], names: tuple[str, ...]) -> str:
    return f'COPY "{_name(table)}" ({_listed(names)}) FROM STDIN'


@cache
def _insert(table: type[peewee.Model], names: tuple[str, ...]) -> str:
    arrays = ", ".join(f"%s::{_ARRAYS[kind]}[]" for kind in _types(table, names))
    into = f'"{_name(table)}" ({_listed(names)}) SELECT * FROM unnest({arrays})'  # noqa: S608  # names of our own
    return f"INSERT INTO {into}"


@cache
def _insert_json(table: type[peewee.Model], names: tuple[str, ...]) -> str:
    arrays = [_ARRAYS[kind] for kind in _types(table, names)]
    values = ", ".join(f"(value ->> {n})::{array}" for n, array in enumerate(arrays))
    rows = "FROM jsonb_array_elements(%s::jsonb)"
    into = f'"{_name(table)}" ({_listed(names)}) SELECT {values} {rows}'
    return f"INSERT INTO {into}"


@cache
def _types(table: type[peewee.Model], names: tuple[str, ...]) -> tuple[str, ...]:
    fields = _meta(table).fields
    return tuple(fields[name].field_type for name in names)


def _listed(names: tuple[str, ...]) -> str:
    return ", ".join(f'"{name}"' for name in names)


def _name(table: type[peewee.Model]) -> str:
    return str(_meta(table).table_name)


def _meta(table: type[peewee.Model]) -> Any:
    return table._meta  # noqa: SLF001  # the library's own way to look a table up
