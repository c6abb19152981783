"""Charges that were used in one stretch of days and booked in another: records that came late. Part of `read_reports`.

Energy goes by time of use, finance by posting day. What stands here is the bridge between the two: a closed month never
changes, and what came after its close is named with the box that brought it.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any, Final

import msgspec

from cloud_server.core.accounts import parse_account
from cloud_server.core.report_table import Column, Fact, ReportTable, Value, totals
from cloud_server.flows.report_basis import Basis
from cloud_server.ports.office import BatchPlace, Trial
from protocol.records import Part
from protocol.units import Micro, Ms

_parts = msgspec.json.Decoder(list[Part])
TOGETHER_MS: Final = (3_600_000, 14_400_000)
"""All meters are asked for at once, an hour and then four back from the end of a period: most stop at the first, since
of two half hours only the last is booked behind midnight. What is left is asked for meter by meter."""
PAGE_ROWS: Final = 50
"""Intervals of one meter fetched at a time."""
_FIGURES: Final = frozenset({"intervals", "energy", "charge"})


@dataclass(slots=True)
class _Late:
    """What one box brought late under one posting day."""

    from_ms: Ms
    to_ms: Ms
    intervals: int = 0
    energy_wh: int = 0
    charge_micro: Micro = 0


@dataclass(frozen=True, slots=True)
class Bridge:
    """From what was used in the days of a query to what was booked in them."""

    later: ReportTable
    earlier: ReportTable
    later_micro: Micro
    earlier_micro: Micro

    @property
    def tables(self) -> tuple[ReportTable, ...]:
        """Those in which something stands."""
        return tuple(table for table in (self.later, self.earlier) if table.rows)


def booked_later(basis: Basis) -> ReportTable:
    """What was used in these days and booked after them."""
    return _table(basis, "booked_later", _later(basis, {}))


def _later(basis: Basis, days: dict[BatchPlace, str]) -> dict[tuple[str, str], _Late]:
    # Nothing is booked behind the day under which is booked now.
    if basis.query.to_day >= basis.centre.posting_day(basis.unit, basis.centre.clock.wall_ms()):
        return {}
    return _sums(basis, days, basis.stretch, basis.query.to_day, "9999-12-31")


def bridge(basis: Basis) -> Bridge:
    """What was used in these days and booked after them, and what was booked in them and used before."""
    begin_ms, _ = basis.stretch
    eve = (date.fromisoformat(basis.query.from_day) - timedelta(days=1)).isoformat()
    days: dict[BatchPlace, str] = {}
    later = _later(basis, days)
    earlier = _sums(basis, days, (0, begin_ms), eve, basis.query.to_day)
    return Bridge(
        later=_table(basis, "booked_later", later),
        earlier=_table(basis, "used_earlier", earlier),
        later_micro=sum(late.charge_micro for late in later.values()),
        earlier_micro=sum(late.charge_micro for late in earlier.values()),
    )


def _sums(
    basis: Basis, days: dict[BatchPlace, str], used: tuple[Ms, Ms], after_day: str, to_day: str
) -> dict[tuple[str, str], _Late]:
    """By box and posting day: charges for use within `used` that were booked after a day, up to another."""
    sums: dict[tuple[str, str], _Late] = {}
    open_meters = {meter for _, meters, _ in basis.served() for meter in meters}

    def take(row: dict[str, Any]) -> None:
        """A box's batches are posted in their order, so the first interval that was booked in time ends the walk."""
        booked = days[row["box"], row["epoch"], row["seq"]]
        if booked <= after_day:
            open_meters.discard(row["meter"])
        elif row["wallet"] is not None and booked <= to_day:
            _add(sums, (row["box"], booked), _parts.decode(row["parts"]), used)

    before_ms = used[1]
    for length_ms in TOGETHER_MS:
        rows = basis.unit.reports.intervals_begun(open_meters, before_ms - length_ms, before_ms)
        _add_days(basis, days, rows, after_day)
        for row in rows:
            if row["meter"] in open_meters:
                take(row)
        before_ms -= length_ms
    for meter in sorted(basis.unit.reports.begun_before(open_meters, before_ms)):
        _walk(basis, days, meter, before_ms, after_day, take, open_meters)
    return sums


def _walk(
    basis: Basis,
    days: dict[BatchPlace, str],
    meter: str,
    before_ms: Ms,
    after_day: str,
    take: Callable[[dict[str, Any]], None],
    open_meters: set[str],
) -> None:
    """The rest of a meter whose box was away for long, or that has not served for long, newest first."""
    while meter in open_meters:
        rows = basis.unit.reports.intervals_before(meter, before_ms, PAGE_ROWS)
        _add_days(basis, days, rows, after_day)
        for row in rows:
            if meter in open_meters:
                take(row)
        if len(rows) < PAGE_ROWS:
            return
        before_ms = int(rows[-1]["from_ms"])


def _add_days(basis: Basis, days: dict[BatchPlace, str], rows: Sequence[dict[str, Any]], after_day: str) -> None:
    """The posting day of each row's batch: that of its entry, else of the day on which it was posted."""
    batches = {(row["box"], row["epoch"], row["seq"]) for row in rows}
    basis.unit.reports.add_booking_days(days, batches)
    for batch, posted_at_ms in basis.unit.reports.posted_at(batches - days.keys()).items():
        days[batch] = basis.centre.day_of(posted_at_ms) if posted_at_ms is not None else after_day


def _add(sums: dict[tuple[str, str], _Late], key: tuple[str, str], parts: list[Part], used: tuple[Ms, Ms]) -> None:
    within = [part for part in parts if used[0] <= part.from_ms < used[1]]
    if not within:
        return
    late = sums.setdefault(key, _Late(within[0].from_ms, within[-1].to_ms))
    late.from_ms, late.to_ms = min(late.from_ms, within[0].from_ms), max(late.to_ms, within[-1].to_ms)
    late.intervals += 1
    late.energy_wh += sum(part.energy_wh for part in within)
    late.charge_micro += sum(part.charge_micro for part in within)


def _table(basis: Basis, title: str, sums: dict[tuple[str, str], _Late]) -> ReportTable:
    columns = (
        Column("box", "text"),
        Column("posting_day", "day"),
        Column("from", "moment"),
        Column("to", "moment"),
        Column("intervals", "count"),
        Column("energy", "energy"),
        Column("charge", "exact"),
    )
    names = {box: placed.name for box, placed in basis.look.site.boxes.items()}
    rows: tuple[tuple[Value, ...], ...] = tuple(
        (names.get(box, box), day, late.from_ms, late.to_ms, late.intervals, late.energy_wh, late.charge_micro)
        for (box, day), late in sorted(sums.items(), key=lambda one: (names.get(one[0][0], ""), one[0][1]))
    )
    return ReportTable(title=title, columns=columns, rows=rows, total=totals(columns, rows, _FIGURES))


def bridge_facts(basis: Basis, made: Bridge, before: Trial, after: Trial) -> tuple[Fact, ...]:
    """The sum from use to books, which has to come out even; only over the whole site. `before` and `after`: the trial
    balances of the eve and of the last day."""
    first, last = date.fromisoformat(basis.query.from_day), date.fromisoformat(basis.query.to_day)
    used = basis.unit.energy.charged(basis.spans_between(first, last))
    booked = _revenue(after) - _revenue(before)
    return (
        Fact(key="bridge_used", kind="exact", value=used),
        Fact(key="bridge_later", kind="exact", value=-made.later_micro),
        Fact(key="bridge_earlier", kind="exact", value=made.earlier_micro),
        Fact(key="bridge_booked", kind="exact", value=booked),
        Fact(key="bridge_rest", kind="exact", value=booked - used + made.later_micro - made.earlier_micro),
    )


def _revenue(trial: Trial) -> Micro:
    """What was ever booked as revenue for energy; daily fees are no energy."""
    return sum(
        given - taken
        for name, taken, given in trial
        if (parsed := parse_account(name)).kind == "revenue" and parsed.about != ("fixed",)
    )
