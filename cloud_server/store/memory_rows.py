"""Rows of memory lost: boxes heard behind their own chain, keys believed no more."""

from dataclasses import asdict

from cloud_server.ports.memory import BackupRow
from cloud_server.store import tables_memory as t
from cloud_server.store.rows import Rows
from cloud_server.store.tables_history import EvidenceLine


class MemoryRows(Rows):
    """Satisfies `ports.memory.MemoryBook`."""

    def heard_behind(self, box: str) -> tuple[str, int] | None:
        """What was noted when a box was heard behind its chain, and when; None where it was not."""
        h = t.HeardBehind
        query = self._of(h, h.nonce, h.noted_at_ms).where(h.box == box)
        rows = self._memory.known(("heard_behind", box), lambda: self._tuples(query))
        return (rows[0][0], rows[0][1]) if rows else None

    def note_behind(self, box: str, note: str, at_ms: int) -> None:
        """Note it."""
        self._put(t.HeardBehind, ("box",), [{"box": box, "nonce": note, "noted_at_ms": at_ms}])

    def forget_behind(self, box: str) -> None:
        """It stands where it should again."""
        self._run(t.HeardBehind.delete().where((t.HeardBehind.site == self._site) & (t.HeardBehind.box == box)))

    def revoke_key(self, keyid: str, box: str, at_ms: int, by: str, reason: str) -> None:
        """Believe this key no more."""
        row = {"keyid": keyid, "box": box, "revoked_at_ms": at_ms, "revoked_by": by, "reason": reason}
        self._put(t.RevokedKey, ("keyid",), [row])

    def evidence(self, box: str, limit: int) -> list[tuple[str, str, bytes, int]]:
        """Hash, verdict, bytes and arrival of the lines of a box that its chain does not take, newest first."""
        e = EvidenceLine
        query = self._of(e, e.hash, e.verdict, e.line, e.received_at_ms).where(e.box == box)
        rows = self._tuples(query.order_by(e.received_at_ms.desc(), e.hash).limit(limit))
        return [(line_hash, verdict, bytes(raw), at_ms) for line_hash, verdict, raw, at_ms in rows]

    def add_backup(self, row: BackupRow) -> None:
        """Remember a backup that was made, or tried."""
        self._insert(t.Backup, [asdict(row)])

    def newest_backup(self, *, good_only: bool) -> BackupRow | None:
        """The newest one."""
        query = self._of(t.Backup)
        if good_only:
            query = query.where(t.Backup.fault.is_null())
        row = self._one(query.order_by(t.Backup.began_at_ms.desc()))
        return BackupRow(**row) if row is not None else None

    def is_revoked(self, keyid: str) -> bool:
        """Whether this key is believed no more."""
        query = self._of(t.RevokedKey, t.RevokedKey.keyid).where(t.RevokedKey.keyid == keyid)
        return self._memory.known(("is_revoked", keyid), lambda: bool(self._tuples(query)))
