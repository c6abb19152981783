"""Points whose meter was replaced: each meter with its plate number, its days, its registers, and what it counted. Rows
of a point add up to the point's own. Part of `read_reports`."""

from cloud_server.core.point_meters import PointMeter, Swap
from cloud_server.core.report_table import Column, ReportTable, Value
from cloud_server.flows.report_basis import Basis
from protocol.box_config import MeterConfig, Ratio
from protocol.site_plan import PointPlan
from protocol.units import Ms, Wh

_PLACE = (Column("shop_number", "text"), Column("shop", "text"))
_METER = (Column("meter", "text"), Column("ct", "ratio"), Column("pt", "ratio"))
_REGISTERS = (
    Column("from", "moment"),
    Column("from_register", "energy"),
    Column("to", "moment"),
    Column("to_register", "energy"),
)


def replaced_tables(basis: Basis, *, vacant: bool = False) -> tuple[ReportTable, ...]:
    """A table of the meters at points where one was replaced in the days of the query; none where none was.

    `vacant`: of what was charged to nobody alone.
    """
    from_ms, to_ms = basis.stretch
    changed = basis.past.changed_in(from_ms, to_ms)
    if not changed:
        return ()
    chosen = [(point, changed[point.point]) for point, _, _ in basis.served() if point.point in changed]
    meters = [one.meter for _, found in chosen for one in found]
    used = basis.unit.energy.of_some(basis.spans(), meters, vacant=vacant)
    rows: list[tuple[Value, ...]] = [
        (point.number, point.name, *_meter(one), *_ends(basis, one), *used.get(one.meter, (0, 0)))
        for point, found in chosen
        for one in found
    ]
    columns = (*_PLACE, *_METER, *_REGISTERS, Column("energy", "energy"), Column("charge", "exact"))
    return (ReportTable(title="replaced", columns=columns, rows=tuple(rows)),) if rows else ()


def gone_table(basis: Basis) -> tuple[ReportTable, ...]:
    """All meters that served a point before, with the registers at which they came and went; none: no table."""
    rows: list[tuple[Value, ...]] = []
    for point, _, _ in basis.served():
        for one in basis.past.at_point.get(point.point, ()):
            if one.until_ms is not None:
                ends = (one.from_ms, one.first_raw_wh, one.until_ms, one.last_raw_wh)
                rows.append((point.number, point.name, *_meter(one), *ends))
    columns = (*_PLACE, *_METER, *_REGISTERS)
    return (ReportTable(title="gone", columns=columns, rows=tuple(rows)),) if rows else ()


def swap_table(basis: Basis, swaps: list[Swap]) -> tuple[ReportTable, ...]:
    """Replacements one by one: the register that closed the old meter, and the one that opened the new; none: none.

    Where a display had begun anew, what stood on it has a column of its own: that number is on the photo.
    """
    displayed = any(swap.old_display_wh is not None for swap in swaps)
    columns = (
        Column("at", "moment"),
        Column("shop_number", "text"),
        Column("old_meter", "text"),
        Column("closing_register", "energy"),
        *((Column("closing_display", "energy"),) if displayed else ()),
        Column("new_meter", "text"),
        Column("opening_register", "energy"),
        Column("batches", "text"),
    )
    points = {point.point: point.number for point in basis.look.site.points}
    rows: tuple[tuple[Value, ...], ...] = tuple(
        (
            swap.at_ms,
            points.get(swap.point, ""),
            number_of(basis, swap.old),
            swap.old_raw_wh,
            *((swap.old_raw_wh if swap.old_display_wh is None else swap.old_display_wh,) if displayed else ()),
            swap.serial,
            swap.new_raw_wh,
            f"{box_name(basis, swap.box)} {swap.batch}",
        )
        for swap in swaps
    )
    return (ReportTable(title="swaps", columns=columns, rows=rows),) if rows else ()


def meter_config(basis: Basis, meter: str) -> MeterConfig | None:
    """What a meter is, or was while it served; None where nobody knows any more."""
    placed, past = basis.look.site.meters.get(meter), basis.past.meter(meter)
    return placed.meter if placed is not None else past.config if past is not None else None


def point_of(basis: Basis, meter: str) -> PointPlan | None:
    """The point that a meter serves or served."""
    now = basis.look.site.point_of.get(meter)
    if now is not None:
        return now
    point = basis.past.point_of.get(meter)
    return next((one for one in basis.look.site.points if one.point == point), None)


def number_of(basis: Basis, meter: str) -> str:
    """What stands on a meter's plate; its name where nobody has read that."""
    past, config = basis.past.meter(meter), meter_config(basis, meter)
    if past is not None and past.number:
        return past.number
    return (config.serial or config.name) if config is not None else ""


def box_name(basis: Basis, box: str) -> str:
    """The name of a box; its id where it is in no plan any more."""
    planned = basis.look.site.boxes.get(box)
    return planned.name if planned is not None else box


def ratio_texts(ratio: Ratio | None) -> tuple[str | None, str | None]:
    """CT and PT as written, where they are known."""
    return (f"{ratio.ct[0]}:{ratio.ct[1]}", f"{ratio.pt[0]}:{ratio.pt[1]}") if ratio is not None else (None, None)


def _meter(one: PointMeter) -> tuple[Value, ...]:
    """Its plate, and the newest ratio that it had."""
    ratio = max(one.config.ratios, key=lambda r: r.from_ms) if one.config is not None else None
    return one.number, *ratio_texts(ratio)


def _ends(basis: Basis, one: PointMeter) -> tuple[Ms | None, Wh | None, Ms | None, Wh | None]:
    """From when and which register to when and which, within the days of the query."""
    from_ms, to_ms = basis.stretch
    read = basis.unit.reports.register_ends(one.meter, from_ms, to_ms)
    begin: tuple[Ms | None, Wh | None] = read[:2] if read is not None else (None, None)
    end: tuple[Ms | None, Wh | None] = read[2:] if read is not None else (None, None)
    if one.from_ms is not None and one.from_ms >= from_ms:
        begin = (one.from_ms, one.first_raw_wh)
    if one.until_ms is not None and one.until_ms < to_ms:
        end = (one.until_ms, one.last_raw_wh)
    return *begin, *end
