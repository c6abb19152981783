"""What can still be read of a store that was set aside. Only reads, and stops at each fault; mends nothing.

Nothing of it is believed here: lines carry their signatures, and whoever uses a row says what for.
"""

import hashlib
import logging
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import msgspec
import peewee

from edge_agent.core.state import MeterRow
from edge_agent.ports import Remains, StoreFault
from edge_agent.store import schema, verify
from edge_agent.store.opening import FILE_NAME, SET_ASIDE
from protocol.envelope import Line, read_line
from protocol.errors import WireError

WHY_NAME: Final = "why.txt"
NOTHING_LEFT: Final = Remains()

log = logging.getLogger(__name__)


def salvage(folder: Path) -> Remains:
    """What is left of the store that was set aside last in a state directory; nothing where there is none."""
    asides = sorted((folder / SET_ASIDE).glob("*/" + FILE_NAME), key=lambda path: int(path.parent.name))
    if not asides:
        return NOTHING_LEFT
    path = asides[-1]
    try:
        why = (path.parent / WHY_NAME).read_text(encoding="utf-8").strip()
    except OSError:
        why = ""
    uri = f"{path.resolve().as_uri()}?mode=ro"
    database = peewee.SqliteDatabase(uri, uri=True, pragmas=(("query_only", "ON"),), autoconnect=False)
    try:
        database.connect()
        with closing(database):
            remains = _Reader(database).remains(why)
    except peewee.DatabaseError as fault:
        log.warning("nothing_salvaged", extra={"fields": {"reason": str(fault)}})
        return Remains(why=why)
    fields = {"batches": len(remains.batches), "meters": len(remains.meters), "config": remains.config is not None}
    log.info("salvaged", extra={"fields": fields})
    return remains


@dataclass(frozen=True, slots=True)
class _Reader:
    """A database some of whose pages may be broken."""

    database: peewee.SqliteDatabase

    def remains(self, why: str) -> Remains:
        keys = [line for line in self._lines("keys") if line is not None]
        return Remains(
            why=why,
            keys=keys[-1] if keys else None,
            batches=self._batches(),
            meters=self._meters(),
            config=self._config(),
        )

    def _rows(self, query: Any) -> Iterator[Any]:
        """Rows as far as they can be read."""
        try:
            yield from query.execute(self.database)
        except peewee.DatabaseError as fault:
            log.warning("salvage_stopped", extra={"fields": {"reason": str(fault)}})

    def _lines(self, type_name: str) -> Iterator[Line | None]:
        query = schema.KeptLine.select().where(schema.KeptLine.type == type_name).order_by(schema.KeptLine.number)
        for row in self._rows(query):
            try:
                yield read_line(row.body)
            except WireError:
                yield None

    def _batches(self) -> tuple[Line, ...]:
        """Batches of the newest epoch in order, up to the first that cannot be read."""
        found: dict[tuple[int, int], Line] = {}
        places = schema.Batch.select().order_by(schema.Batch.epoch, schema.Batch.seq)
        for row in self._rows(places):
            try:
                found[(row.epoch, row.seq)] = verify.line_of(row)
            except StoreFault:
                continue
        newest = max((epoch for epoch, _ in found), default=0)
        return tuple(line for (epoch, _), line in sorted(found.items()) if epoch == newest)

    def _meters(self) -> tuple[MeterRow, ...]:
        found = []
        for row in self._rows(schema.Meter.select()):
            try:
                found.append(msgspec.json.decode(row.body, type=MeterRow))
            except (msgspec.MsgspecError, UnicodeDecodeError):
                continue
        return tuple(found)

    def _config(self) -> str | None:
        """The newest configuration whose text still has its hash."""
        for row in self._rows(schema.Configuration.select().order_by(schema.Configuration.version.desc())):
            if hashlib.sha256(row.text.encode()).hexdigest() == row.hash:
                return str(row.text)
        return None
