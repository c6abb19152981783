"""What a unit of work holds in memory for its own length: rows that it will add, and what it has read already.

A box that catches up brings a thousand batches in one unit; each would otherwise ask the same questions and add a few
rows by statements of its own. Nothing is hidden by it: before any statement goes to the database, all gathered rows
are written, and any statement that may change rows makes the unit forget what it had read. Knows no table.
"""

import threading
from collections.abc import Callable, Hashable, Mapping, Sequence
from typing import Any, TypeVar

Value = TypeVar("Value")
WriteRows = Callable[[list[Any]], None]


class UnitMemory:
    """Belongs to one unit; empty at its beginning and at its end."""

    def __init__(self, *, may_write: bool = True) -> None:
        self._may_write = may_write
        self._added: dict[Hashable, tuple[WriteRows, list[Any]]] = {}
        self._replaced: dict[Hashable, tuple[WriteRows, dict[Hashable, Any]]] = {}
        self._at_end: dict[Hashable, Callable[[], None]] = {}
        self._known: dict[Hashable, Any] = {}
        self._writes = False

    def add(self, kind: Hashable, write: WriteRows, rows: Sequence[Any]) -> None:
        """Gather rows to be added; rows of one kind are written by one call, in their order."""
        if not self._may_write:
            write(list(rows))  # which the database refuses
        elif rows:
            self._added.setdefault(kind, (write, []))[1].extend(rows)

    def replace(self, kind: Hashable, write: WriteRows, rows: Mapping[Any, Any]) -> None:
        """Gather rows, or what rows are made from, to be written under a key; of several under one the last counts."""
        if not self._may_write:
            write(list(rows.values()))
        elif rows:
            self._replaced.setdefault(kind, (write, {}))[1].update(rows)

    def at_end(self, key: Hashable, work: Callable[[], None]) -> None:
        """Do this once, when everything else of the unit is written."""
        self._at_end.setdefault(key, work)

    def known(self, key: Hashable, find: Callable[[], Value]) -> Value:
        """What was found before under this key, or is found now."""
        if key not in self._known:
            self._known[key] = find()
        found: Value = self._known[key]
        return found

    def know(self, key: Hashable, value: object) -> None:
        """What a question would be answered now."""
        self._known[key] = value

    def before(self, statement: str) -> None:
        """Called with each statement, before it goes to the database."""
        if self._writes:
            return
        self.write()
        if not statement.startswith(("SELECT", "(SELECT", "WITH")):
            self._known.clear()

    def write(self) -> None:
        """Write what was gathered."""
        if not self._added and not self._replaced:
            return
        added, replaced = self._added, self._replaced
        self._added, self._replaced = {}, {}
        self._writes = True
        try:
            for write, rows in added.values():
                write(rows)
            for write, by_key in replaced.values():
                write(list(by_key.values()))
        finally:
            self._writes = False

    def finish(self) -> None:
        """Write all, and do what was left for the end."""
        self.write()
        for work in self._at_end.values():
            work()
        self._at_end.clear()


class Remembering:
    """Mixed into a database of the library: a memory for the unit under way in each thread."""

    def __init__(self, *arguments: Any, **named: Any) -> None:
        self._of_thread = threading.local()
        super().__init__(*arguments, **named)

    @property
    def memory(self) -> UnitMemory:
        """The memory of this thread's unit."""
        found: UnitMemory | None = getattr(self._of_thread, "memory", None)
        return found if found is not None else self.begin_memory()

    def begin_memory(self, *, may_write: bool = True) -> UnitMemory:
        """A new unit begins in this thread."""
        self._of_thread.memory = UnitMemory(may_write=may_write)
        begun: UnitMemory = self._of_thread.memory
        return begun

    def execute_sql(self, sql: str, params: Any = None, **options: Any) -> Any:
        """Every statement of the library passes here."""
        self.memory.before(sql)
        return super().execute_sql(sql, params, **options)  # type: ignore[misc]  # of the database that this is mixed into
