"""Alarms, orders to many and reports of the made-up street, in memory: implement the console's office ports."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import replace

from cloud_server.core.alarm_rules import BY_HAND_KINDS
from cloud_server.core.alarm_views import AlarmEntry, AlarmFilter, AlarmNews, AlarmNote, AlarmPage, fold_lost
from cloud_server.core.operation_views import Batch, BatchHead, BatchLine
from cloud_server.core.report_table import Column, Fact, Lack, Report, ReportQuery, ReportTable
from cloud_server.core.views import CommandRow, PointRow
from cloud_server.ports import Actor
from tests.fakes.centre_site import FakeSite
from tests.fakes.centre_street import YUAN, made_id


class FakeAlarms:
    """Implements `AlarmDesk`: one alarm for each point in arrears, at alarm 2 or lost."""

    def __init__(self, site: FakeSite) -> None:
        self._site = site
        self.notes: dict[str, list[AlarmNote]] = {}
        self.more: list[AlarmEntry] = []

    def entries(self) -> tuple[AlarmEntry, ...]:
        kinds = {"arrears": "arrears", "alarm2": "alarm2", "lost": "meter_lost"}
        made = [self._entry(row, kinds[row.state]) for row in self._site.rows.values() if row.state in kinds]
        return tuple(replace(one, notes=tuple(self.notes.get(one.alarm, ()))) for one in [*self.more, *made])

    def _entry(self, row: PointRow, kind: str) -> AlarmEntry:
        building = next(b for b in self._site.buildings if b.building == row.building)
        box = next(b for b in building.boxes if b.box == row.box)
        return AlarmEntry(
            alarm=made_id(f"alarm {row.point}"),
            kind=kind,  # type: ignore[arg-type]  # literals by table
            raised_at_ms=row.since_ms or 0,
            cleared_at_ms=None,
            value=row.balance_micro,
            box=row.box,
            bus=row.bus,
            meter=row.meter,
            building=row.building,
            building_name=building.name,
            box_name=box.name,
            point=row.point,
            shop=f"{row.number} {row.name}",
            customer=row.customer or "",
        )

    def page(self, chosen: AlarmFilter) -> AlarmPage:
        standing = fold_lost(one for one in self.entries() if one.cleared_at_ms is None)
        shown = fold_lost(
            one
            for one in self.entries()
            if (chosen.state == "all" or (one.cleared_at_ms is None) == (chosen.state == "standing"))
            and chosen.kind in ("", one.kind)
            and (not chosen.place or chosen.place in (one.building, one.box, one.bus))
            and not (chosen.unseen and one.notes)
        )
        counts = Counter(one.kind for one in standing)
        return AlarmPage(as_of_ms=self._site.clock.wall_ms(), entries=shown, counts=tuple(counts.items()), more=False)

    def news(self) -> AlarmNews:
        standing = fold_lost(one for one in self.entries() if one.cleared_at_ms is None)
        return AlarmNews(standing=len(standing), unseen=tuple(one for one in standing if not one.notes))

    def acknowledge(self, alarms: Sequence[str], note: str, by: Actor) -> int:
        known = [one.alarm for one in self.entries() if one.alarm in alarms]
        for alarm in known:
            made = AlarmNote(at_ms=self._site.clock.wall_ms(), who=by.name, note=note)
            self.notes.setdefault(alarm, []).append(made)
        return len(known)

    def settle(self, alarms: Sequence[str], note: str, by: Actor) -> int:
        ended = [one for one in self.more if one.alarm in alarms and one.kind in BY_HAND_KINDS]
        self.more = [
            replace(one, cleared_at_ms=self._site.clock.wall_ms(), cleared_by=by.name) if one in ended else one
            for one in self.more
        ]
        return len(ended)


class FakeBatches:
    """Implements `OperationBook` over the orders that the street was given."""

    def __init__(self, site: FakeSite) -> None:
        self._site = site

    def batch(self, key: str) -> Batch | None:
        operation = self._site.operations.get(key)
        if operation is None:
            return None
        rows = [row for row in self._site.rows.values() if row.meter in operation.meters]
        lines = tuple(_line(row, self._site.commands[row.meter or ""][-1]) for row in rows)
        return Batch(head=self._head(key), lines=lines)

    def _head(self, key: str) -> BatchHead:
        operation = self._site.operations[key]
        first = self._site.commands[operation.meters[0]][-1]
        return BatchHead(
            key=key,
            kind=operation.kind,
            who=first.who,
            issued_at_ms=first.issued_at_ms,
            count=len(operation.meters),
            until_ms=operation.until_ms,
        )

    def recent(self, limit: int) -> tuple[BatchHead, ...]:
        keys = [key for key in self._site.operations if key.startswith("batch-")]
        return tuple(self._head(key) for key in keys[-limit:])


def _line(row: PointRow, command: CommandRow) -> BatchLine:
    return BatchLine(
        point=row.point,
        number=row.number,
        name=row.name,
        building_name="一号楼",
        box_name="A1",
        meter_number=row.meter_number or "",
        in_reach=row.lost_with is None,
        command=command.command,
        state=command.state,
        state_at_ms=command.state_at_ms,
        reason=command.reason,
    )


class FakeReports:
    """Implements `Reports`: the same small tables whatever is asked, with every kind of value."""

    def __init__(self, site: FakeSite) -> None:
        self._site = site
        self.asked: list[ReportQuery] = []

    def report(self, query: ReportQuery) -> Report | None:
        self.asked.append(query)
        if query.kind == "statement" and not any(row.account == query.account for row in self._site.rows.values()):
            return None
        now = self._site.clock.wall_ms()
        columns = (
            Column("period", "day"),
            Column("operator", "text"),
            Column("method", "method"),
            Column("rate", "rate"),
            Column("alarm", "alarm"),
            Column("what", "event"),
            Column("ledger_account", "ledger"),
            Column("at", "moment"),
            Column("lasted", "span"),
            Column("price", "price"),
            Column("rate_peak", "energy"),
            Column("count", "count"),
            Column("income", "money"),
        )
        codes = ("cash", "peak", "box_lost", "cause:arrears", "till/li/cash")
        rows = tuple(
            (f"2026-11-{day:02d}", "=SUM(A1)", *codes, now, 93_784_000, 812_300, day * 12_340, 3, day * 100 * YUAN)
            for day in range(1, 6)
        )
        table = ReportTable(
            title="by_period",
            columns=columns,
            rows=rows,
            total=(*(None,) * 12, 1_500 * YUAN),
            chart=(0, 12),
        )
        return Report(
            query=query,
            made_at_ms=now,
            tables=(table, ReportTable(title="by_operator", columns=columns, rows=())),
            facts=(Fact(key="opening", kind="money", value=-5 * YUAN),) if query.kind == "statement" else (),
            lacks=(Lack(why="silent", box_name="A2", since_ms=now - 7_200_000), Lack(why="cut")),
        )

    def operators(self) -> tuple[str, ...]:
        return ("李售电", "王主管")
