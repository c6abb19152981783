"""Rows of alarms, from raised to cleared, and of findings."""

from collections.abc import Iterable
from dataclasses import asdict
from typing import Any

from cloud_server.core.alarm_rules import BY_HAND_KINDS, MONEY_KINDS, SAME_AGAIN_WITHIN_MS
from cloud_server.core.batch_facts import AlarmChange
from cloud_server.core.fleet import FoundDifference
from cloud_server.core.transaction import transaction_id
from cloud_server.store import tables_history as t
from cloud_server.store.rows import Rows, pieces
from cloud_server.store.webhook_rows import WebhookRows
from protocol.records import Subject


class AlarmRows(Rows):
    """Alarms that stand or stood, and differences that a person has to settle."""

    def change_alarms(self, changes: Iterable[AlarmChange]) -> int:
        """Raise and clear in the given order. Raising what stands and clearing what does not change nothing.

        Returns how many alarms were raised or cleared.
        """
        return sum(self._change(change) for change in changes)

    def _change(self, change: AlarmChange) -> int:
        subject = change.subject
        query = self._of(t.Alarm, t.Alarm.alarm_id).where(_standing(change.alarm, subject))
        row = self._memory.known(("standing", change.alarm, subject), lambda: self._one(query))
        if change.raised and row is None:
            if self._stands_on(change):
                return 1
            place = f"{change.alarm}/{_name(subject)}/{change.at_ms}"
            again = self._tuples(self._of(t.Alarm, t.Alarm.alarm_id).where(t.Alarm.alarm_id == _id(place)))
            raised = {
                "alarm_id": _id(f"{place}/again") if again else _id(place),
                "kind": change.alarm,
                "box": subject.box,
                "bus": subject.bus,
                "device": subject.device,
                "meter": subject.meter,
                "wallet": subject.wallet,
                "value": change.value,
                "raised_at_ms": change.at_ms,
                "cleared_at_ms": None,
                "cleared_by": None,
                "times": 1,
            }
            self._put(t.Alarm, ("alarm_id",), [raised])
            self._tell(raised)
            return 1
        if not change.raised and row is not None:
            mine = (t.Alarm.site == self._site) & (t.Alarm.alarm_id == row["alarm_id"])
            return self._run(t.Alarm.update(cleared_at_ms=change.at_ms).where(mine))
        return 0

    def _tell(self, raised: dict[str, Any]) -> None:
        """Other programs hear of it by the same transaction."""
        names = ("kind", "box", "bus", "device", "meter", "wallet", "value")
        data = {"alarm": raised["alarm_id"]} | {name: raised[name] for name in names}
        webhooks = WebhookRows(self._database, self._site)
        webhooks.tell("alarm.raised", raised["alarm_id"], raised["raised_at_ms"], data)

    def _stands_on(self, change: AlarmChange) -> bool:
        """An alarm that ended a moment ago and is back has not ended: it stands on, counted, with its notes."""
        if change.alarm in MONEY_KINDS or change.alarm in BY_HAND_KINDS:
            return False
        a = t.Alarm
        recent = _about(change.alarm, change.subject) & (a.cleared_at_ms >= change.at_ms - SAME_AGAIN_WITHIN_MS)
        row = self._one(self._of(a, a.alarm_id).where(recent).order_by(a.cleared_at_ms.desc(nulls="LAST"), a.alarm_id))
        if row is None:
            return False
        mine = (a.site == self._site) & (a.alarm_id == row["alarm_id"])
        self._run(a.update(cleared_at_ms=None, cleared_by=None, times=a.times + 1, value=change.value).where(mine))
        return True

    def settle(self, alarms: Iterable[str], kinds: Iterable[str], at_ms: int, who: str) -> int:
        """A person says that these, of kinds that nothing else ends, are over; how many were standing."""
        a, done = t.Alarm, 0
        for names in pieces(alarms):
            which = (a.site == self._site) & a.alarm_id.in_(names) & a.kind.in_(list(kinds)) & a.cleared_at_ms.is_null()
            done += self._run(a.update(cleared_at_ms=at_ms, cleared_by=who).where(which))
        return done

    def standing_alarms(self, kind: str) -> list[tuple[str, int]]:
        """Box and time of the alarms of one kind that stand."""
        query = self._of(t.Alarm, t.Alarm.box, t.Alarm.raised_at_ms)
        rows = self._tuples(query.where((t.Alarm.kind == kind) & t.Alarm.cleared_at_ms.is_null()))
        return [(row[0], row[1]) for row in rows]

    def add_findings(self, findings: Iterable[FoundDifference], raised_at_ms: int) -> int:
        """Store findings; the same difference of the same batch is stored once. How many were new."""
        rows: dict[str, dict[str, object]] = {}
        for finding in findings:
            place = "" if finding.standing else f"{finding.epoch}/{finding.seq}"
            what = f"{finding.kind}/{finding.box}/{place}/{finding.meter}/{finding.wallet}/{finding.detail}"
            row = asdict(finding)
            row.pop("standing")
            rows.setdefault(_id(what), row | {"finding": _id(what), "raised_at_ms": raised_at_ms})
        return self._add_missing(t.Finding, "finding", rows)

    def wallets_with_findings(self) -> set[str]:
        """Wallets that a finding names."""
        rows = self._tuples(self._of(t.Finding, t.Finding.wallet).where(t.Finding.wallet.is_null(is_null=False)))
        return {row[0] for row in rows}


def _id(place: str) -> str:
    return transaction_id("observed", place)


def _name(subject: Subject) -> str:
    return f"{subject.box}/{subject.bus}/{subject.device}/{subject.meter}/{subject.wallet}"


def _standing(kind: str, subject: Subject) -> Any:
    return _about(kind, subject) & t.Alarm.cleared_at_ms.is_null()


def _about(kind: str, subject: Subject) -> Any:
    which = (t.Alarm.kind == kind) & (t.Alarm.box == subject.box)
    for column, value in (
        (t.Alarm.bus, subject.bus),
        (t.Alarm.device, subject.device),
        (t.Alarm.meter, subject.meter),
        (t.Alarm.wallet, subject.wallet),
    ):
        which &= column.is_null() if value is None else column == value
    return which
