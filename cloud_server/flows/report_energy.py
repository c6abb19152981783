"""The report of energy: by period, supply point and rate; and by building. Part of `read_reports`. By time of use, from
the sums that the ingest keeps."""

from collections.abc import Sequence
from dataclasses import dataclass, field

from cloud_server.core.report_table import Column, Report, ReportTable, Value
from cloud_server.flows.report_basis import Basis

_RATES_FIRST = ("sharp", "peak", "flat", "valley", "deep_valley")


def rate_order(rate: str) -> tuple[int, str]:
    """Where a rate stands among the columns: the usual ones by price, others by name."""
    return (_RATES_FIRST.index(rate) if rate in _RATES_FIRST else len(_RATES_FIRST), rate)


@dataclass(slots=True)
class _Used:
    """What one meter used in one period."""

    charge_micro: int = 0
    rates_wh: dict[str, int] = field(default_factory=dict)

    def figures(self, rates: Sequence[str]) -> list[int]:
        """By rate, then in all, then its charge."""
        by_rate = [self.rates_wh.get(rate, 0) for rate in rates]
        return [*by_rate, sum(by_rate), self.charge_micro]


def energy(basis: Basis) -> Report:
    """Energy and charge by period and supply point, with a column for each rate; and by period and building."""
    wanted = {meter for _, meter, _ in basis.points()}
    periods: dict[str, dict[str, _Used]] = {}
    rates: set[str] = set()
    for row in basis.unit.energy.used(basis.spans(), basis.query.step):
        if row.meter not in wanted:
            continue
        meters = periods.setdefault(row.period, {})
        used = meters.get(row.meter)
        if used is None:
            used = meters[row.meter] = _Used()
        used.charge_micro += row.charge_micro
        used.rates_wh[row.rate] = used.rates_wh.get(row.rate, 0) + row.energy_wh
        rates.add(row.rate)
    return _energy_report(basis, periods, sorted(rates, key=rate_order))


def _energy_report(basis: Basis, periods: dict[str, dict[str, _Used]], rates: list[str]) -> Report:
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
    places = [(p, meter, basis.building_name(p.building), box.name) for p, meter, box in basis.points()]
    rows: list[tuple[Value, ...]] = []
    buildings: dict[tuple[str, str, str], list[int]] = {}
    for period, meters in sorted(periods.items()):
        for point, meter, building, box in places:
            used = meters.get(meter)
            if used is None:
                continue
            numbers = used.figures(rates)
            rows.append((period, building, box, point.number, point.name, point.use, *numbers))
            whole = buildings.setdefault((period, building, point.use), [0] * len(numbers))
            for place, number in enumerate(numbers):
                whole[place] += number
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
