"""Rows of alarms, from raised to cleared, and of findings."""

from collections.abc import Iterable
from dataclasses import asdict

from cloud_server.core.batch_facts import AlarmChange
from cloud_server.core.fleet import FoundDifference
from cloud_server.core.transaction import transaction_id
from cloud_server.store import tables_history as t
from cloud_server.store.rows import Rows
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
        row = self._one(self._of(t.Alarm, t.Alarm.alarm_id).where(_standing(change.alarm, subject)))
        if change.raised and row is None:
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
            }
            self._put(t.Alarm, ("alarm_id",), [raised])
            return 1
        if not change.raised and row is not None:
            mine = (t.Alarm.site == self._site) & (t.Alarm.alarm_id == row["alarm_id"])
            return self._run(t.Alarm.update(cleared_at_ms=change.at_ms).where(mine))
        return 0

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


def _standing(kind: str, subject: Subject) -> object:
    which = (t.Alarm.kind == kind) & (t.Alarm.box == subject.box) & t.Alarm.cleared_at_ms.is_null()
    for column, value in (
        (t.Alarm.bus, subject.bus),
        (t.Alarm.device, subject.device),
        (t.Alarm.meter, subject.meter),
        (t.Alarm.wallet, subject.wallet),
    ):
        which &= column.is_null() if value is None else column == value
    return which
