"""The report of energy: by period, supply point and rate; and by building. Part of `read_reports`. By time of use, from
the sums that the ingest keeps."""

from array import array

from cloud_server.core.report_table import Column, Report, ReportTable, Value
from cloud_server.flows.report_basis import Basis
from cloud_server.flows.report_replaced import replaced_tables
from cloud_server.flows.report_sums import PeriodSums, rate_order


def energy(basis: Basis) -> Report:
    """Energy and charge by period and supply point, with a column for each rate; and by period and building."""
    sums = PeriodSums(basis)
    rates = sorted(_add_up(basis, sums), key=rate_order)
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
    by_building: tuple[tuple[Value, ...], ...] = tuple(
        (period, *group, *found) for period, group, found in sums.by_building(wanted)
    )
    chart = (0, len(of_building) - 2)
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


def _add_up(basis: Basis, sums: PeriodSums) -> set[str]:
    """Every sum of the query's days into the columns where it belongs; the rates that there were."""
    columns: dict[tuple[str, str], tuple[bytearray, list[array[int]]]] = {}
    place_of = sums.place_of.get
    for period, meter, rate, energy_wh, charge_micro in basis.unit.energy.used(basis.spans(), basis.query.step):
        place = place_of(meter)
        if place is not None:
            found = columns.get((period, rate))
            if found is None:
                found = columns[period, rate] = sums.figures(period, (rate, _ENERGY, _CHARGE))
            known, (of_rate, energy, charge) = found
            known[place] = 1
            of_rate[place] += energy_wh
            energy[place] += energy_wh
            charge[place] += charge_micro
    return {rate for _, rate in columns}


_ENERGY = "/energy"
_CHARGE = "/charge"
"""Columns beside those of the rates, whose names hold no slash."""
