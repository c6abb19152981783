"""Bringing signed lines from the database into the journal file, and saying why selling stops when that fails."""

import logging
import threading
from typing import Final

from cloud_server.core.mistakes import NotNow
from cloud_server.flows.again import again
from cloud_server.ports import Journal, JournalFault, Store
from protocol.envelope import read_line
from protocol.errors import TheirFault

LINES_AT_ONCE: Final = 500
"""Lines appended with one flush: bounds the memory of a start after a long fault."""

log = logging.getLogger(__name__)


class JournalKeeper:
    """Appends what is unmarked, marks it, and remembers whether the journal can be trusted."""

    def __init__(self, store: Store, journal: Journal, host: str = "") -> None:
        """`host` tells the journals of several hosts apart; empty where the database serves one."""
        self._store = store
        self._journal = journal
        self._mark = f"journal_bytes@{host}" if host else "journal_bytes"
        self._lock = threading.Lock()
        self._fault: str | None = None
        self._missing: str | None = None

    @property
    def fault(self) -> str | None:
        """Why selling is stopped, in words for people; None where all is well."""
        return self._missing or self._fault

    def check_at_start(self) -> None:
        """Compare the file with the database's mark: a journal that is shorter has lost what was promised."""
        with self._store.read() as unit:
            mark = int(unit.site.fact(self._mark) or 0)
        try:
            length = self._journal.length()
            further = self._journal.line_behind(mark) if length is not None and length > mark else None
        except JournalFault as fault:
            self._fault = str(fault)
            return
        if further is not None and not self._knows(further):
            self._missing = (
                "the journal holds lines that this database has never signed: it is an older copy; stop the centre and "
                "run `cloud-server restore --in-place`, which takes them in"
            )
            log.error("database_older_than_journal", extra={"length": length, "mark": mark})
        if mark and (length is None or length < mark):
            self._missing = (
                f"the journal holds {length or 0} bytes and held {mark}: it was lost or set back; "
                "nothing is sold until it has been restored"
            )
            log.error("journal_shorter_than_mark", extra={"length": length, "mark": mark})

    def _knows(self, raw: bytes) -> bool:
        """Whether a line behind the mark is one of ours: a crash between the file and the mark leaves some."""
        try:
            line = read_line(raw)
        except TheirFault:
            return True
        with self._store.read() as unit:
            return unit.lines.has_line(line.hash)

    def stop_if_faulty(self) -> None:
        """Before a money step. Raises NotNow."""
        if self.fault is not None:
            raise NotNow(f"selling is stopped: {self.fault}")

    def append_unmarked(self) -> int:
        """Append every line that is not in the journal for certain; how many. Raises NotNow when it cannot be done."""
        if self._missing is not None:
            raise NotNow(self._missing)
        appended = 0
        with self._lock:
            while True:
                count = again(self._append_some)
                if not count:
                    self._fault = None
                    return appended
                appended += count

    def _append_some(self) -> int:
        """Append the oldest lines and mark them; how many. Taken again, it writes lines twice, which is harmless."""
        with self._store.read() as unit:
            lines = unit.lines.unjournaled(LINES_AT_ONCE)
        if not lines:
            return 0
        try:
            length = self._journal.append(raw for _, raw in lines)
        except JournalFault as fault:
            self._fault = str(fault)
            log.error("journal_cannot_be_written", extra={"fault": str(fault)})
            raise NotNow(f"the journal cannot be written: {fault}") from None
        with self._store.note() as unit:
            unit.lines.mark_journaled([line_hash for line_hash, _ in lines])
            unit.site.put_fact(self._mark, str(length))
        return len(lines)
