"""Rows of alarms as people see to them: by filter, with their notes; and the records of boxes by kind and time."""

from collections.abc import Iterable, Sequence

import peewee as pw

from cloud_server.core.alarm_views import AlarmFilter
from cloud_server.ports.office import AlarmRowFact, EventFact
from cloud_server.store import tables_history as t
from cloud_server.store.rows import Rows, pieces
from protocol.units import Ms


class AlarmBook(Rows):
    """Reads alarms and events; adds notes, which are never changed."""

    def alarms(self, chosen: AlarmFilter, boxes: Sequence[str] | None, limit: int) -> list[AlarmRowFact]:
        """Alarms newest first. `boxes` None: of all of them."""
        a = t.Alarm
        query = self._of(a)
        if chosen.state == "standing":
            query = query.where(a.cleared_at_ms.is_null())
        elif chosen.state == "past":
            query = query.where(a.cleared_at_ms.is_null(is_null=False))
        if chosen.kind:
            query = query.where(a.kind == chosen.kind)
        if boxes is not None:
            query = query.where(a.box.in_(list(boxes)))
        if chosen.from_ms is not None:
            query = query.where(a.raised_at_ms >= chosen.from_ms)
        if chosen.to_ms is not None:
            query = query.where(a.raised_at_ms < chosen.to_ms)
        if chosen.unseen:
            noted = self._of(t.AlarmNote, t.AlarmNote.alarm_id)
            query = query.where(a.alarm_id.not_in(noted))
        rows = self._all(query.order_by(a.raised_at_ms.desc(), a.alarm_id).limit(limit))
        return [AlarmRowFact(**row) for row in rows]

    def notes(self, alarms: Iterable[str]) -> list[tuple[str, Ms, str, str]]:
        """Alarm, when, who, note; oldest first."""
        n = t.AlarmNote
        found: list[tuple[str, Ms, str, str]] = []
        for names in pieces(alarms):
            query = self._of(n, n.alarm_id, n.at_ms, n.who, n.note).where(n.alarm_id.in_(names))
            found += [(row[0], row[1], row[2], row[3]) for row in self._tuples(query.order_by(n.alarm_id, n.n))]
        return found

    def add_notes(self, alarms: Iterable[str], at_ms: Ms, who: str, note: str) -> int:
        """One more note to each of these alarms that exists; how many those are."""
        n, added = t.AlarmNote, 0
        for names in pieces(alarms):
            known = [
                row[0] for row in self._tuples(self._of(t.Alarm, t.Alarm.alarm_id).where(t.Alarm.alarm_id.in_(names)))
            ]
            counted = self._of(n, n.alarm_id, pw.fn.MAX(n.n)).where(n.alarm_id.in_(known)).group_by(n.alarm_id)
            last = dict(self._tuples(counted))
            rows = [
                {"alarm_id": alarm, "n": last.get(alarm, 0) + 1, "at_ms": at_ms, "who": who, "note": note}
                for alarm in known
            ]
            self._insert(n, rows)
            added += len(rows)
        return added

    def events(self, kinds: Sequence[str], from_ms: Ms, to_ms: Ms, limit: int) -> list[EventFact]:
        """Records of these kinds in a stretch of time, newest first."""
        e = t.BoxEvent
        which = e.kind.in_(list(kinds)) & (e.at_ms >= from_ms) & (e.at_ms < to_ms)
        query = self._of(e, e.box, e.kind, e.at_ms, e.meter, e.body).where(which)
        return [
            EventFact(*row)
            for row in self._tuples(query.order_by(e.at_ms.desc(), e.seq.desc(), e.n.desc()).limit(limit))
        ]
