"""The report of energy: by period, supply point and rate; and by building. Part of `read_reports`. By time of use, from
the sums that the ingest keeps."""

from cloud_server.core.report_table import Column, Report, ReportTable, Value
from cloud_server.flows.report_basis import Basis
from cloud_server.flows.report_replaced import replaced_tables
from cloud_server.flows.report_sums import PeriodSums, rate_order


def energy(basis: Basis) -> Report:
    """Energy and charge by period and supply point, with a column for each rate; and by period and building."""
    sums, found = PeriodSums(basis), set()
    for row in basis.unit.energy.used(basis.spans(), basis.query.step):
        place = sums.place_of(row.meter)
        if place is not None:
            found.add(row.rate)
            sums.add(row.period, place, row.rate, row.energy_wh)
            sums.add(row.period, place, _ENERGY, row.energy_wh)
            sums.add(row.period, place, _CHARGE, row.charge_micro)
    rates = sorted(found, key=rate_order)
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
    wanted = (*rates, _ENERGY, _CHARGE)
    of_building = (Column("period", "day"), Column("building", "text"), Column("use", "use"), *figures)
    by_building, chart = _by_building(sums, wanted), (0, len(of_building) - 2)
    _, to_ms = basis.stretch
    return Report(
        query=basis.query,
        made_at_ms=basis.look.now_ms,
        # A main meter measures what the shops' meters measure again: a sum over all of them would count it twice.
        tables=(
            ReportTable(title="by_building", columns=of_building, rows=by_building, chart=chart),
            ReportTable(title="by_point", columns=columns, rows=sums.rows(wanted, with_use=True)),
            *replaced_tables(basis),
        ),
        lacks=basis.lacks(to_ms),
    )


_ENERGY = "/energy"
_CHARGE = "/charge"
"""Columns beside those of the rates, whose names hold no slash."""


def _by_building(sums: PeriodSums, columns: tuple[str, ...]) -> tuple[tuple[Value, ...], ...]:
    buildings: dict[tuple[str, str, str], list[int]] = {}
    for period, place, figures in sums.read(columns):
        whole = buildings.setdefault((period, place.building, place.use), [0] * len(figures))
        for at, figure in enumerate(figures):
            whole[at] += figure
    return tuple((*key, *figures) for key, figures in buildings.items())
