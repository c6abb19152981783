"""Rows about this database itself: its term, its schema, the mark of its journal."""

from typing import Any

from cloud_server.ports.fleet_rows import SiteFact
from cloud_server.store import tables_fleet as t
from cloud_server.store.rows import Rows


class SiteRows(Rows):
    """Facts by name."""

    def lock_days(self, *, shared: bool) -> None:
        """Hold posting days as they are, beside others that do; or wait for those, to close one."""
        if self._database.for_update:
            row = (t.About.site == self._site) & (t.About.name == "days")
            query = t.About.select(t.About.value).where(row)
            how: Any = "FOR SHARE" if shared else "FOR UPDATE"  # the library takes the words, its types do not say so
            self._tuples(query.for_update(how))

    def lock(self) -> None:
        """Wait until no other unit of the site's own writer is under way; this one is it until its end."""
        row = (t.About.site == self._site) & (t.About.name == "schema")
        self._tuples(self._locked(t.About.select(t.About.value).where(row)))

    def fact(self, name: SiteFact | str) -> str | None:
        """One fact, or None where it was never written."""
        rows = self._tuples(self._of(t.About, t.About.value).where(t.About.name == name))
        return rows[0][0] if rows else None

    def put_fact(self, name: SiteFact | str, value: str) -> None:
        """Write one fact."""
        self._put(t.About, ("name",), [{"name": name, "value": value}])
