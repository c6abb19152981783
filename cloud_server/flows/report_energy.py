"""Reports of energy and meters: energy by period and rate, registers, what is lost, modes that stand. Part of
`read_reports`. Energy goes by time of use."""

from bisect import bisect_right

import msgspec

from cloud_server.core.report_table import Column, Report, ReportTable, Value
from cloud_server.flows.read_monitor import mode_now
from cloud_server.flows.report_basis import Basis
from protocol.records import Part


class _PartOf(msgspec.Struct):
    """Of a part of an interval, what a sum needs."""

    from_ms: int
    rate: str
    energy_wh: int
    charge_micro: int


_parts = msgspec.json.Decoder(list[_PartOf])
_RATES_FIRST = ("sharp", "peak", "flat", "valley", "deep_valley")
assert {"from_ms", "rate", "energy_wh", "charge_micro"} <= set(Part.__struct_fields__)


def energy(basis: Basis) -> Report:
    """Energy and charge by period and supply point, with a column for each rate; and by period and building."""
    from_ms, to_ms = basis.stretch
    starts = basis.day_starts()
    instants, periods = [start for start, _ in starts], [basis.period(day) for _, day in starts]
    wanted = {meter for _, meter, _ in basis.points()}
    sums: dict[tuple[str, str], dict[str, int]] = {}
    charges: dict[tuple[str, str], int] = {}
    for meter, _, text in basis.unit.reports.interval_parts(from_ms, to_ms):
        if meter not in wanted:
            continue
        for part in _parts.decode(text):
            at = bisect_right(instants, part.from_ms) - 1
            key = (periods[max(at, 0)], meter)
            by_rate = sums.setdefault(key, {})
            by_rate[part.rate] = by_rate.get(part.rate, 0) + part.energy_wh
            charges[key] = charges.get(key, 0) + part.charge_micro
    rates = sorted({rate for found in sums.values() for rate in found}, key=rate_order)
    return _energy_report(basis, sums, charges, rates)


def rate_order(rate: str) -> tuple[int, str]:
    """Where a rate stands among the columns: the usual ones by price, others by name."""
    return (_RATES_FIRST.index(rate) if rate in _RATES_FIRST else len(_RATES_FIRST), rate)


def _energy_report(
    basis: Basis,
    sums: dict[tuple[str, str], dict[str, int]],
    charges: dict[tuple[str, str], int],
    rates: list[str],
) -> Report:
    figures = (
        *(Column(f"rate_{rate}", "energy") for rate in rates),
        Column("energy", "energy"),
        Column("charge", "money"),
    )
    columns = (
        Column("period", "day"),
        Column("building", "text"),
        Column("box", "text"),
        Column("shop_number", "text"),
        Column("shop", "text"),
        Column("use", "use"),
        *figures,
    )
    rows: list[tuple[Value, ...]] = []
    buildings: dict[tuple[str, str, str], list[int]] = {}
    for period in sorted({name for name, _ in sums}):
        for point, meter, box in basis.points():
            found = sums.get((period, meter))
            if found is None:
                continue
            numbers = [found.get(rate, 0) for rate in rates]
            numbers += [sum(found.values()), charges[period, meter]]
            name = basis.building_name(point.building)
            rows.append((period, name, box.name, point.number, point.name, point.use, *numbers))
            whole = buildings.setdefault((period, name, point.use), [0] * len(numbers))
            buildings[period, name, point.use] = [a + b for a, b in zip(whole, numbers, strict=True)]
    of_building = (Column("period", "day"), Column("building", "text"), Column("use", "use"), *figures)
    by_building: tuple[tuple[Value, ...], ...] = tuple((*key, *numbers) for key, numbers in buildings.items())
    _, to_ms = basis.stretch
    return Report(
        query=basis.query,
        made_at_ms=basis.look.now_ms,
        # A main meter measures what the shops' meters measure again: a sum over all of them would count it twice.
        tables=(
            ReportTable(title="by_building", columns=of_building, rows=by_building, chart=(0, len(of_building) - 2)),
            ReportTable(title="by_point", columns=columns, rows=tuple(rows)),
        ),
        lacks=basis.lacks(to_ms),
    )


def registers(basis: Basis) -> Report:
    """The newest register of every meter with its time, as the meter shows it: without ratio."""
    look = basis.look
    facts = look.facts
    rates = sorted({rate for found in facts.values() for rate in (found[0].rates_raw_wh or {})}, key=rate_order)
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
    rows: list[tuple[Value, ...]] = []
    for point, meter, box in basis.points():
        config = look.site.meters[meter].meter
        known = facts.get(meter)
        ratio = max(
            (r for r in config.ratios if r.from_ms <= look.now_ms), key=lambda r: r.from_ms, default=config.ratios[0]
        )
        by_rate = (known[0].rates_raw_wh or {}) if known is not None else {}
        rows.append(
            (
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
        )
    table = ReportTable(title="registers", columns=columns, rows=tuple(rows))
    return Report(query=basis.query, made_at_ms=look.now_ms, tables=(table,), lacks=basis.lacks(look.now_ms))


def lost(basis: Basis) -> Report:
    """Boxes that are lost with when they were last heard; meters that are lost behind boxes that are heard."""
    look = basis.look
    boxes: list[tuple[Value, ...]] = []
    meters: list[tuple[Value, ...]] = []
    raised = {alarm.meter: alarm.raised_at_ms for alarm in look.alarms if alarm.kind == "meter_lost"}
    away = set()
    for planned in look.site.plan.boxes:
        box = look.boxes[planned.box]
        since_ms = look.box_lost_since_ms(box)
        if since_ms is not None:
            away.add(planned.box)
            seen_ms = box.seen_at_ms
            silent = look.now_ms - seen_ms if seen_ms is not None else None
            building = basis.building_name(planned.building)
            boxes.append((building, planned.name, len(planned.meters), seen_ms, silent, box.posted_at_ms))
    for point, meter, planned in basis.points():
        if planned.box in away or not look.facts_of(meter).lost:
            continue
        config = look.site.meters[meter].meter
        bus = next((b.name for b in planned.buses if b.bus == config.bus), "")
        read_ms, since_ms = look.facts[meter][2], raised.get(meter)
        silent = look.now_ms - since_ms if since_ms is not None else None
        building = basis.building_name(point.building)
        meters.append((building, planned.name, bus, point.number, point.name, config.name, read_ms, since_ms, silent))
    of_boxes = (
        Column("building", "text"),
        Column("box", "text"),
        Column("meters", "count"),
        Column("last_heard", "moment"),
        Column("silent_for", "span"),
        Column("posted_until", "moment"),
    )
    of_meters = (
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
    return Report(
        query=basis.query,
        made_at_ms=look.now_ms,
        tables=(
            ReportTable(title="lost_boxes", columns=of_boxes, rows=tuple(boxes)),
            ReportTable(title="lost_meters", columns=of_meters, rows=tuple(meters)),
        ),
    )


def modes(basis: Basis) -> Report:
    """What stands beside plain prepaid supply: protected, cut off, locked out, observe; who, since, until."""
    look, standing = basis.look, []
    for point, meter, box in basis.points():
        facts = look.facts_of(meter)
        mode = mode_now(facts, look.now_ms)
        if facts.locked_out_by is not None:
            standing.append((point, meter, box, "locked_out"))
        if mode != "prepaid":
            standing.append((point, meter, box, mode))
        if facts.service == "observe" and point.use == "tenant":
            standing.append((point, meter, box, "observe"))
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
    chosen = tuple(row for row in rows if basis.query.state in ("", row[4]))
    return Report(
        query=basis.query,
        made_at_ms=look.now_ms,
        tables=(ReportTable(title="modes", columns=columns, rows=chosen),),
        lacks=basis.lacks(look.now_ms),
    )
