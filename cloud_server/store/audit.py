"""Rows of the audit: who did what, each hashed with the one before it, so that none can be changed or left out."""

from collections.abc import Iterator, Mapping
from dataclasses import asdict

import msgspec

from cloud_server.core.audit_chain import AuditEntry, next_entry
from cloud_server.store import tables_ledger as t
from cloud_server.store.rows import Rows
from protocol.chain import EMPTY_COMMANDS, Head


class AuditRows(Rows):
    """The audit chain."""

    def head(self) -> Head:
        """The newest row; number 0 where there is none."""
        query = self._of(t.AuditRow, t.AuditRow.number, t.AuditRow.hash).order_by(t.AuditRow.number.desc())
        rows = self._memory.known(("audit_head", self._site), lambda: self._tuples(query.limit(1)))
        return Head(rows[0][0], rows[0][1]) if rows else EMPTY_COMMANDS

    def newest_ms(self) -> int | None:
        """When the newest row was written; None where there is none."""
        rows = self._tuples(self._of(t.AuditRow, t.AuditRow.at_ms).order_by(t.AuditRow.number.desc()).limit(1))
        return rows[0][0] if rows else None

    def append(self, at_ms: int, who: str, action: str, subject: str, detail: Mapping[str, object]) -> None:
        """Add a row, in the same unit as what it tells of. No secrets, no phone numbers in `detail`."""
        self._only_for_site()
        text = msgspec.json.encode(detail, order="sorted").decode()
        self._insert(t.AuditRow, [asdict(next_entry(self.head(), at_ms, who, action, subject, text))])

    def entries(self) -> Iterator[AuditEntry]:
        """All rows in order."""
        for row in self._all(self._of(t.AuditRow).order_by(t.AuditRow.number)):
            yield AuditEntry(**row)
