"""What all row gateways share: a database inside a unit of work, a site, and the few ways to ask and to write."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final

import peewee as pw

from cloud_server.store.tables_fleet import Table

INSERT_VALUES_MAX: Final = 30_000
"""Values in one INSERT: below the 32,766 variables of SQLite and the 65,535 of PostgreSQL."""
NAMES_MAX: Final = 5_000
"""Names in one IN list, for the same reason and to keep a statement readable in a log."""


class Rows:
    """Base of the gateways. Lives as long as its unit of work; holds no rows."""

    def __init__(self, database: pw.Database, site: str) -> None:
        self._database = database
        self._site = site

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

    def _of(self, table: type[Table], *columns: Any) -> Any:
        """A query of this site's rows."""
        return table.select(*columns).where(table.site == self._site)

    def _insert(self, table: type[Table], rows: Sequence[Mapping[str, Any]]) -> None:
        """Add rows in as few statements as the engine allows. All rows have the same columns."""
        if not rows:
            return
        width = len(rows[0]) + 1
        step = max(INSERT_VALUES_MAX // width, 1)
        for start in range(0, len(rows), step):
            chunk = [{"site": self._site, **row} for row in rows[start : start + step]]
            table.insert_many(chunk).execute(self._database)

    def _put(self, table: type[Table], key: Sequence[str], rows: Sequence[Mapping[str, Any]]) -> None:
        """Add rows, or replace what is there under the same key."""
        if not rows:
            return
        fields = table._meta.fields  # noqa: SLF001  # the library's own way to look a column up by name
        target = [fields[name] for name in ("site", *key)]
        changed = [fields[name] for name in rows[0] if name not in key]
        width = len(rows[0]) + 1
        step = max(INSERT_VALUES_MAX // width, 1)
        for start in range(0, len(rows), step):
            chunk = [{"site": self._site, **row} for row in rows[start : start + step]]
            table.insert_many(chunk).on_conflict(conflict_target=target, preserve=changed).execute(self._database)

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


def pieces(names: Iterable[str]) -> Iterable[list[str]]:
    """Names in lists short enough for one IN."""
    gathered = list(dict.fromkeys(names))
    return (gathered[start : start + NAMES_MAX] for start in range(0, len(gathered), NAMES_MAX))
