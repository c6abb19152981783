"""Where many boxes stand, by one statement; and that they were heard, by another."""

from collections.abc import Collection, Iterable
from typing import Any

import peewee as pw

from cloud_server.core.fleet import BoxState
from cloud_server.core.standing import Standing
from cloud_server.store import tables_fleet as t
from cloud_server.store.audit import AuditRows
from cloud_server.store.rows import Rows, pieces
from cloud_server.store.tables_enrolment import Epoch
from cloud_server.store.tables_ledger import SignedLine
from cloud_server.store.tables_memory import HeardBehind, RevokedKey, VoidLine
from protocol.chain import Head


class StandingRows(Rows):
    """Satisfies `ports.store.Standings`."""

    def of_keys(self, keyids: Iterable[str]) -> dict[str, Standing]:
        """By the id of a record key: its box. A key that no box has, or that two have, is left out."""
        head = AuditRows(self._database, self._site).head().hash
        found: dict[str, Standing] = {}
        twice: set[str] = set()
        for names in pieces(keyids):
            for keyid, *row in self._tuples(self._standings(names)):
                standing = _standing(row, head)
                if found.setdefault(keyid, standing).box != standing.box:
                    twice.add(keyid)
        return {keyid: standing for keyid, standing in found.items() if keyid not in twice}

    def _standings(self, keyids: list[str]) -> Any:
        e, b, s, void, revoked, behind = Epoch, t.Box, SignedLine, VoidLine, RevokedKey, HeardBehind
        newest = (s.site == b.site) & (s.hash == b.command_hash) & (s.journaled == True)  # noqa: E712  # of the query
        query = self._of(
            e, e.keyid, b.box, b.state, b.recovery, b.epoch, b.record_key, b.batch_seq, b.batch_hash, b.command_seq,
            b.command_hash, b.fetched_seq, b.key_generation, b.term_seen, b.agent, b.seen_at_ms,
            s.number, void.hash, revoked.keyid, behind.noted_at_ms,
        )  # fmt: skip
        left = pw.JOIN.LEFT_OUTER
        return (
            query.join(b, on=(b.site == e.site) & (b.box == e.box))
            .join_from(b, s, left, on=newest)
            .join_from(b, void, left, on=(void.site == b.site) & (void.hash == b.command_hash))
            .join_from(e, revoked, left, on=(revoked.site == e.site) & (revoked.keyid == e.keyid))
            .join_from(b, behind, left, on=(behind.site == b.site) & (behind.box == b.box))
            .where(e.keyid.in_(keyids))
        )

    def note_heard(self, boxes: Collection[str], at_ms: int) -> int:
        """These boxes were heard at an instant, or later; how many rows say so now.

        A row that another unit holds is passed by: that unit hears the box itself.
        """
        noted = 0
        for names in pieces(boxes):
            free = self._of(t.Box, t.Box.box).where(t.Box.box.in_(names) & (t.Box.seen_at_ms < at_ms))
            if self._database.for_update:
                free = free.for_update("FOR UPDATE SKIP LOCKED")
            mine = [box for (box,) in self._tuples(free)]
            if mine:
                which = (t.Box.site == self._site) & t.Box.box.in_(mine) & (t.Box.seen_at_ms < at_ms)
                noted += self._run(t.Box.update(seen_at_ms=at_ms).where(which))
        return noted


def _standing(row: list[Any], audit_head: str) -> Standing:
    (box, state, recovery, epoch, record_key, batch_seq, batch_hash, command_seq, command_hash, fetched_seq,
     key_generation, term_seen, agent, seen_at_ms, journaled, void, revoked, behind_at_ms) = row  # fmt: skip
    return Standing(
        box=box,
        state=BoxState(state),
        recovery=bool(recovery),
        epoch=epoch,
        record_key=record_key,
        batch_head=Head(batch_seq, batch_hash),
        command_head=Head(command_seq, command_hash),
        fetched_seq=fetched_seq,
        key_generation=key_generation,
        term_seen=term_seen,
        agent=agent,
        seen_at_ms=seen_at_ms,
        journaled=command_seq == 0 or (journaled == command_seq and void is None),
        revoked=revoked is not None,
        behind_at_ms=behind_at_ms,
        audit_head=audit_head,
    )
