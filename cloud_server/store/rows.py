"""What all row gateways share: a database inside a unit of work, a site, and the few ways to ask and to write."""

from collections.abc import Iterable, Mapping, Sequence
from enum import Enum
from functools import cache, partial
from typing import Any, Final, TypeVar

import msgspec
import peewee as pw

from cloud_server.ports.database import WiderUnit
from cloud_server.store import postgres_rows
from cloud_server.store.database import run_many
from cloud_server.store.tables_fleet import Table
from cloud_server.store.unit_memory import UnitMemory

Name = TypeVar("Name", str, int)
FEW_NAMES: Final = 50
"""So many are written into a statement of SQLite one by one; more go as one list in JSON."""
NAMES_MAX: Final = 5_000
"""Names in one IN list, for the same reason and to keep a statement readable in a log."""


class Scope(Enum):
    """What a unit of work may do beside others that run at the same time."""

    READ = "read"
    SITE = "site"
    """The site's own writer, of which there is one at a time."""
    BOX = "box"
    """A writer of what one box says; there may be one for each box."""
    NOTE = "note"
    """A mark that nobody decides upon and that nothing else hangs on."""


class Rows:
    """Base of the gateways. Lives as long as its unit of work."""

    def __init__(self, database: pw.Database, site: str, scope: Scope = Scope.SITE) -> None:
        self._database = database
        self._site = site
        self._scope = scope

    def _only_for_site(self) -> None:
        """Called before the next link of a chain or number of a row is taken. Raises WiderUnit."""
        if self._scope is not Scope.SITE:
            raise WiderUnit(type(self).__name__)

    def _locked(self, query: Any) -> Any:
        """The query's rows are this unit's until it ends, if it writes and the engine lets in several writers."""
        if self._scope is Scope.READ or not self._database.for_update:
            return query
        return query.for_update()

    def _all(self, query: Any) -> list[dict[str, Any]]:
        """All rows as dictionaries of columns, without the site."""
        rows = list(query.dicts().execute(self._database))
        for row in rows:
            row.pop("site", None)
        return rows

    def _one(self, query: Any) -> dict[str, Any] | None:
        rows = self._all(query.limit(1))
        return rows[0] if rows else None

    def _tuples(self, query: Any) -> list[tuple[Any, ...]]:
        return list(query.tuples().execute(self._database))

    def _plain(self, query: Any) -> list[tuple[Any, ...]]:
        """Rows of numbers and texts as the engine gives them: the library looks at each value again, at twice the
        price. Not for bytes and truth values, of which the engines have different ideas."""
        return list(self._database.execute(query).fetchall())  # type: ignore[no-untyped-call]  # the library has none

    def _among(self, column: Any, names: Sequence[str]) -> Any:
        """Whether a column has one of many values: one value of the statement, as each takes the library its time."""
        if isinstance(self._database, pw.PostgresqlDatabase):
            return column == pw.fn.ANY(pw.Value(names, converter=list, unpack=False))
        if len(names) <= FEW_NAMES:
            return column.in_(names)
        listed = pw.Value(msgspec.json.encode(names).decode(), converter=str, unpack=False)
        return pw.NodeList((column, pw.SQL("IN (SELECT value FROM json_each("), listed, pw.SQL("))")))

    def _of(self, table: type[Table], *columns: Any) -> Any:
        """A query of this site's rows."""
        return table.select(*columns).where(table.site == self._site)

    def _insert(self, table: type[Table], rows: Sequence[Mapping[str, Any]]) -> None:
        """Add rows, all with the same columns."""
        self._write(table, rows, "")

    def _put(self, table: type[Table], key: Sequence[str], rows: Sequence[Mapping[str, Any]]) -> None:
        """Add rows, or replace what is there under the same key."""
        if not rows:
            return
        target = ", ".join(f'"{name}"' for name in ("site", *key))
        changed = ", ".join(f'"{name}" = EXCLUDED."{name}"' for name in rows[0] if name not in key)
        self._write(table, rows, f" ON CONFLICT ({target}) DO UPDATE SET {changed}")

    def _write(self, table: type[Table], rows: Sequence[Mapping[str, Any]], conflict: str) -> None:
        """One prepared statement for all rows: a query built for each would take longer than the engine does."""
        if rows:
            values = [(self._site, *row.values()) for row in rows]
            self._write_tuples(table, ("site", *rows[0]), values, conflict)

    def _write_tuples(
        self, table: type[Table], names: tuple[str, ...], rows: Sequence[tuple[Any, ...]], conflict: str = ""
    ) -> None:
        """Add rows whose values stand in the order of `names`, the site among them."""
        if isinstance(self._database, pw.PostgresqlDatabase):
            postgres_rows.write(self._database, table, names, rows, conflict)
            return
        columns = ", ".join(f'"{name}"' for name in names)
        marks = ", ".join([self._database.param] * len(names))
        into = f'"{_name_of(table)}" ({columns}) VALUES ({marks}){conflict}'
        run_many(self._database, f"INSERT INTO {into}", rows)

    def _gather(self, table: type[Table], rows: Sequence[dict[str, Any]]) -> None:
        """Add rows, all with the same columns, when the unit next asks the database for anything."""
        self._memory.add((table, self._site), partial(self._insert, table), rows)

    def _gather_tuples(self, table: type[Table], names: tuple[str, ...], rows: Sequence[tuple[Any, ...]]) -> None:
        """The same for rows whose values stand in the order of `names`, the site among them."""
        self._memory.add((table, self._site, names), partial(self._write_tuples, table, names), rows)

    def _gather_put(self, table: type[Table], key: Sequence[str], rows: Iterable[dict[str, Any]]) -> None:
        """Add or replace rows when the unit next asks the database for anything."""
        named = {tuple(row[name] for name in key): row for row in rows}
        self._memory.replace((table, self._site), partial(self._put, table, key), named)

    @property
    def _memory(self) -> UnitMemory:
        found: UnitMemory = self._database.memory  # type: ignore[attr-defined]  # both engines' databases have one
        return found

    def _add_missing(self, table: type[Table], key: str, rows: Mapping[str, Mapping[str, Any]]) -> int:
        """Add the rows whose key is not there yet; how many."""
        column = table._meta.fields[key]  # noqa: SLF001  # the library's own way to look a column up by name
        added = 0
        for names in pieces(rows):
            known = {found for (found,) in self._tuples(self._of(table, column).where(column.in_(names)))}
            new = [rows[name] for name in names if name not in known]
            self._insert(table, new)
            added += len(new)
        return added

    def _run(self, query: Any) -> int:
        """Run an update or delete; how many rows it touched."""
        return int(query.execute(self._database))


@cache
def _name_of(table: type[Table]) -> str:
    return str(table._meta.table_name)  # noqa: SLF001  # the library's own way to tell a table's name


def pieces(names: Iterable[Name]) -> Iterable[list[Name]]:
    """Names in lists short enough for one IN."""
    gathered = list(dict.fromkeys(names))
    return (gathered[start : start + NAMES_MAX] for start in range(0, len(gathered), NAMES_MAX))
