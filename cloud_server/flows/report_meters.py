"""Reports of meters and boxes as they stand: registers, what is lost, modes that stand. Part of `read_reports`."""

from collections.abc import Iterator, Sequence, Set
from typing import Final

from cloud_server.core.batch_facts import MeterFacts
from cloud_server.core.report_table import Column, Report, ReportTable, Value
from cloud_server.flows.read_monitor import mode_now
from cloud_server.flows.report_basis import Basis
from cloud_server.flows.report_replaced import gone_table
from cloud_server.flows.report_sums import rate_order
from protocol.site_plan import BoxPlan, PointPlan
from protocol.units import Ms


def registers(basis: Basis) -> Report:
    """The newest register of every meter with its time, as the meter shows it: without ratio; and of those that served
    before, the registers at which they came and went."""
    look = basis.look
    rates = sorted({rate for found in look.facts.values() for rate in (found[0].rates_raw_wh or {})}, key=rate_order)
    columns = (
        Column("building", "text"),
        Column("box", "text"),
        Column("bus", "text"),
        Column("shop_number", "text"),
        Column("shop", "text"),
        Column("meter", "text"),
        Column("serial", "text"),
        Column("ct", "ratio"),
        Column("pt", "ratio"),
        Column("register", "energy"),
        *(Column(f"register_{rate}", "energy") for rate in rates),
        Column("read_at", "moment"),
    )
    rows = tuple(_registers_of(basis, *place, rates) for place in basis.points())
    table = ReportTable(title="registers", columns=columns, rows=rows)
    tables = (table, *gone_table(basis))
    return Report(query=basis.query, made_at_ms=look.now_ms, tables=tables, lacks=basis.lacks(look.now_ms))


def _registers_of(basis: Basis, point: PointPlan, meter: str, box: BoxPlan, rates: Sequence[str]) -> tuple[Value, ...]:
    look = basis.look
    config, known = look.site.meters[meter].meter, look.facts.get(meter)
    past = (ratio for ratio in config.ratios if ratio.from_ms <= look.now_ms)
    ratio = max(past, key=lambda r: r.from_ms, default=config.ratios[0])
    by_rate = (known[0].rates_raw_wh or {}) if known is not None else {}
    return (
        basis.building_name(point.building),
        box.name,
        next((b.name for b in box.buses if b.bus == config.bus), ""),
        point.number,
        point.name,
        config.name,
        config.serial or "",
        f"{ratio.ct[0]}:{ratio.ct[1]}",
        f"{ratio.pt[0]}:{ratio.pt[1]}",
        known[1] if known is not None else None,
        *(by_rate.get(rate) for rate in rates),
        known[2] if known is not None else None,
    )


def lost(basis: Basis) -> Report:
    """Boxes that are lost with when they were last heard; meters that are lost behind boxes that are heard."""
    look = basis.look
    planned = (box.box for box in look.site.plan.boxes)
    away = {box for box in planned if look.box_lost_since_ms(look.boxes[box]) is not None}
    return Report(
        query=basis.query,
        made_at_ms=basis.look.now_ms,
        tables=(
            ReportTable(title="lost_boxes", columns=_LOST_BOXES, rows=tuple(_lost_boxes(basis, away))),
            ReportTable(title="lost_meters", columns=_LOST_METERS, rows=tuple(_lost_meters(basis, away))),
        ),
    )


_LOST_BOXES: Final = (
    Column("building", "text"),
    Column("box", "text"),
    Column("meters", "count"),
    Column("last_heard", "moment"),
    Column("silent_for", "span"),
    Column("posted_until", "moment"),
)
_LOST_METERS: Final = (
    Column("building", "text"),
    Column("box", "text"),
    Column("bus", "text"),
    Column("shop_number", "text"),
    Column("shop", "text"),
    Column("meter", "text"),
    Column("read_at", "moment"),
    Column("lost_since", "moment"),
    Column("silent_for", "span"),
)


def _lost_boxes(basis: Basis, away: Set[str]) -> Iterator[tuple[Value, ...]]:
    look = basis.look
    for planned in look.site.plan.boxes:
        if planned.box not in away:
            continue
        box = look.boxes[planned.box]
        silent = look.now_ms - box.seen_at_ms if box.seen_at_ms is not None else None
        building = basis.building_name(planned.building)
        yield building, planned.name, len(planned.meters), box.seen_at_ms, silent, box.posted_at_ms


def _lost_meters(basis: Basis, away: Set[str]) -> Iterator[tuple[Value, ...]]:
    look = basis.look
    raised = {alarm.meter: alarm.raised_at_ms for alarm in look.alarms if alarm.kind == "meter_lost"}
    for point, meter, planned in basis.points():
        if planned.box in away or not look.facts_of(meter).lost:
            continue
        config = look.site.meters[meter].meter
        bus = next((b.name for b in planned.buses if b.bus == config.bus), "")
        since_ms = raised.get(meter)
        silent = look.now_ms - since_ms if since_ms is not None else None
        building, read_ms = basis.building_name(point.building), look.facts[meter][2]
        yield building, planned.name, bus, point.number, point.name, config.name, read_ms, since_ms, silent


def modes(basis: Basis) -> Report:
    """What stands beside plain prepaid supply: protected, cut off, locked out, observe; who, since, until."""
    look = basis.look
    standing = [
        (point, meter, box, mode)
        for point, meter, box in basis.points()
        for mode in _standing(look.facts_of(meter), point, look.now_ms)
        if basis.query.state in ("", mode)
    ]
    ordered = basis.unit.reports.newest_modes([meter for _, meter, _, _ in standing])
    rows: list[tuple[Value, ...]] = []
    for point, meter, box, mode in standing:
        facts = look.facts_of(meter)
        who, since_ms = ordered.get((meter, "off" if mode == "observe" else mode), (None, None))
        if mode == "locked_out":
            who, since_ms = facts.locked_out_by, facts.locked_out_at_ms
        until_ms = facts.mode_until_ms if mode in ("protected", "forced_off") else None
        name = basis.building_name(point.building)
        rows.append((name, box.name, point.number, point.name, mode, who, since_ms, until_ms, facts.seen))
    columns = (
        Column("building", "text"),
        Column("box", "text"),
        Column("shop_number", "text"),
        Column("shop", "text"),
        Column("mode", "mode"),
        Column("by", "text"),
        Column("since", "moment"),
        Column("until", "moment"),
        Column("relay", "relay"),
    )
    table = ReportTable(title="modes", columns=columns, rows=tuple(rows))
    return Report(query=basis.query, made_at_ms=look.now_ms, tables=(table,), lacks=basis.lacks(look.now_ms))


def _standing(facts: MeterFacts, point: PointPlan, now_ms: Ms) -> Iterator[str]:
    if facts.locked_out_by is not None:
        yield "locked_out"
    mode = mode_now(facts, now_ms)
    if mode != "prepaid":
        yield mode
    if facts.service == "observe" and point.use == "tenant":
        yield "observe"
