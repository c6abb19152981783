"""Reports of how energy is used: loss behind main meters, vacant use, beside earlier periods, by hour, income by rate.
Part of `read_reports`. Energy goes by time of use, from the sums that the ingest keeps."""

from array import array
from collections.abc import Mapping, Sequence
from datetime import date, timedelta

from cloud_server.core.energy_sums import HOURS
from cloud_server.core.report_table import Column, Report, ReportTable, Value, totals
from cloud_server.flows.report_basis import Basis
from cloud_server.flows.report_late import booked_later
from cloud_server.flows.report_replaced import replaced_tables
from cloud_server.flows.report_sums import PeriodSums, rate_order


def _report(basis: Basis, *tables: ReportTable, vacant: bool = False) -> Report:
    _, to_ms = basis.stretch
    tables = (*tables, *replaced_tables(basis, vacant=vacant))
    return Report(query=basis.query, made_at_ms=basis.look.now_ms, tables=tables, lacks=basis.lacks(to_ms))


def loss(basis: Basis) -> Report:
    """What the main meters of a building measured, against the sum of all others behind them."""
    sums: dict[tuple[str, str], dict[str, int]] = {}
    use_of = {
        meter: (basis.building_name(point.building), point.use)
        for point, meters, _ in basis.served()
        for meter in meters
    }
    for period, meter, energy_wh in basis.unit.energy.of_periods(basis.spans(), basis.query.step):
        if meter in use_of:
            building, use = use_of[meter]
            found = sums.setdefault((period, building), {"main": 0, "tenant": 0, "public": 0})
            found[use] += energy_wh
    with_main = {building for building, use in use_of.values() if use == "main"}
    rows: list[tuple[Value, ...]] = []
    for (period, building), found in sorted(sums.items()):
        behind = found["tenant"] + found["public"]
        missing = found["main"] - behind if building in with_main else None
        share = round(missing * 10_000 / found["main"]) if missing is not None and found["main"] else None
        rows.append((period, building, found["main"], found["tenant"], found["public"], behind, missing, share))
    columns = (
        Column("period", "day"),
        Column("building", "text"),
        Column("main_energy", "energy"),
        Column("tenant_energy", "energy"),
        Column("public_energy", "energy"),
        Column("behind", "energy"),
        Column("loss", "energy"),
        Column("loss_share", "percent"),
    )
    return _report(basis, ReportTable(title="loss", columns=columns, rows=tuple(rows), chart=(0, 6)))


def vacant(basis: Basis) -> Report:
    """Energy that was used on supply points of shops without an account: charged to nobody."""
    sums: dict[tuple[str, str], list[int]] = {}
    for row in basis.unit.energy.vacant(basis.spans(), basis.query.step):
        found = sums.setdefault((row.period, row.meter), [0, 0])
        found[0] += row.energy_wh
        found[1] = max(found[1], row.last_used_ms)
    rows: list[tuple[Value, ...]] = []
    for period in sorted({name for name, _ in sums}):
        for point, meters, box in basis.served():
            used = [sums[period, meter] for meter in meters if (period, meter) in sums]
            energy_wh = sum(energy for energy, _ in used)
            if energy_wh and point.use == "tenant":
                name, last_ms = basis.building_name(point.building), max(last for _, last in used)
                rows.append((period, name, box.name, point.number, point.name, energy_wh, last_ms))
    columns = (
        Column("period", "day"),
        Column("building", "text"),
        Column("box", "text"),
        Column("shop_number", "text"),
        Column("shop", "text"),
        Column("energy", "energy"),
        Column("last_used", "moment"),
    )
    found_rows = tuple(rows)
    total = totals(columns, found_rows, frozenset({"energy"}))
    table = ReportTable(title="vacant", columns=columns, rows=found_rows, total=total)
    return _report(basis, table, vacant=True)


def compare(basis: Basis) -> Report:
    """Energy of a stretch of days beside as many days before it, and beside the same days a year earlier."""
    first, last = date.fromisoformat(basis.query.from_day), date.fromisoformat(basis.query.to_day)
    days = (last - first).days + 1
    before = (first - timedelta(days=days), last - timedelta(days=days))
    year = (_year_before(first), _year_before(last))
    stretches = [_energy_of(basis, *pair) for pair in ((first, last), before, year)]
    rows: list[tuple[Value, ...]] = []
    for point, meters, box in basis.served():
        now, then, ago = (_added(found, meters) for found in stretches)
        if now is None and then is None and ago is None:
            continue
        name = basis.building_name(point.building)
        figures = (now or 0, then, _change(now, then), ago, _change(now, ago))
        rows.append((name, box.name, point.number, point.name, point.use, *figures))
    columns = (
        Column("building", "text"),
        Column("box", "text"),
        Column("shop_number", "text"),
        Column("shop", "text"),
        Column("use", "use"),
        Column("energy", "energy"),
        Column("energy_before", "energy"),
        Column("change_before", "percent"),
        Column("energy_year", "energy"),
        Column("change_year", "percent"),
    )
    table = ReportTable(title="compare", columns=columns, rows=tuple(rows), chart=(2, 5))
    return _report(basis, table)


def _year_before(day: date) -> date:
    try:
        return day.replace(year=day.year - 1)
    except ValueError:
        return day.replace(year=day.year - 1, day=28)


def _energy_of(basis: Basis, first: date, last: date) -> dict[str, int]:
    sums: dict[str, int] = {}
    for meter, energy_wh in basis.unit.energy.of_meters(basis.spans_between(first, last)):
        sums[meter] = sums.get(meter, 0) + energy_wh
    return sums


def _added(found: Mapping[str, int], meters: Sequence[str]) -> int | None:
    """What all meters of a point come to; None where nothing is known of any."""
    known = [found[meter] for meter in meters if meter in found]
    return sum(known) if known else None


def _change(now: int | None, then: int | None) -> int | None:
    """How much more, in hundredths of a percent; None where there is nothing to compare with."""
    return round(((now or 0) - then) * 10_000 / then) if then else None


def hours(basis: Basis) -> Report:
    """Energy by the hour of the day, added up over the days."""
    sums: dict[str, list[int]] = {}
    for meter, hours_wh in basis.unit.energy.hours(basis.spans()):
        before = sums.get(meter)
        sums[meter] = hours_wh if before is None else [a + b for a, b in zip(before, hours_wh, strict=True)]
    rows: list[tuple[Value, ...]] = []
    of_point = [
        (point, [sum(hour) for hour in zip(*known, strict=True)])
        for point, meters, _ in basis.served()
        if (known := [sums[meter] for meter in meters if meter in sums])
    ]
    for point, found in of_point:
        rows.append((basis.building_name(point.building), point.number, point.name, *found, sum(found)))
    columns = (
        Column("building", "text"),
        Column("shop_number", "text"),
        Column("shop", "text"),
        *(Column(f"hour_{hour:02d}", "energy") for hour in range(HOURS)),
        Column("energy", "energy"),
    )
    tenants = [found for point, found in of_point if point.use != "main"]
    by_hour: tuple[tuple[Value, ...], ...] = tuple(
        (f"{hour:02d}:00", sum(found[hour] for found in tenants)) for hour in range(HOURS)
    )
    heads = (Column("hour", "text"), Column("energy", "energy"))
    return _report(
        basis,
        ReportTable(title="by_hour", columns=heads, rows=by_hour if tenants else (), chart=(0, 1)),
        ReportTable(title="by_point", columns=columns, rows=tuple(rows)),
    )


_CHARGE = "/charge"
"""A column beside those of the rates, whose names hold no slash."""


def _add_charges(basis: Basis, sums: PeriodSums) -> set[str]:
    """Every charge of the query's days into the columns where it belongs; the rates that there were."""
    columns: dict[tuple[str, str], tuple[bytearray, list[array[int]]]] = {}
    place_of = sums.place_of.get
    for period, meter, rate, _, charge_micro in basis.unit.energy.used(basis.spans(), basis.query.step):
        place = place_of(meter)
        if place is not None and charge_micro:
            found = columns.get((period, rate))
            if found is None:
                found = columns[period, rate] = sums.figures(period, (rate, _CHARGE))
            known, (of_rate, charge) = found
            known[place] = 1
            of_rate[place] += charge_micro
            charge[place] += charge_micro
    return {rate for _, rate in columns}


def income(basis: Basis) -> Report:
    """What was charged for energy, by period, supply point and rate."""
    sums = PeriodSums(basis)
    rates = sorted(_add_charges(basis, sums), key=rate_order)
    wanted = (*rates, _CHARGE)
    figures = (*(Column(f"charge_{rate}", "money") for rate in rates), Column("charge", "money"))
    keys = frozenset(column.key for column in figures)
    heads = (Column("period", "day"), *figures)
    by_period: tuple[tuple[Value, ...], ...] = tuple((period, *numbers) for period, numbers in sums.whole(wanted))
    columns = (
        Column("period", "day"),
        Column("building", "text"),
        Column("box", "text"),
        Column("shop_number", "text"),
        Column("shop", "text"),
        *figures,
    )
    total = totals(heads, by_period, keys)
    # The same sums stand under both tables: rows of points are made only as they are read.
    below = (*(None for _ in columns[: -len(figures)]), *total[-len(figures) :])
    rows = sums.rows(wanted, with_use=False)
    return _report(
        basis,
        ReportTable(title="by_period", columns=heads, rows=by_period, total=total, chart=(0, len(heads) - 1)),
        ReportTable(title="by_point", columns=columns, rows=rows, total=below),
        *(one for one in (booked_later(basis),) if one.rows),
    )
