"""Rows of energy added up by day and by month: kept by whoever adds intervals, read by reports, built anew at need."""

from collections.abc import Iterator, Sequence
from functools import cache
from typing import Any, Final
from zoneinfo import ZoneInfo

import msgspec
import peewee as pw

from cloud_server.core.energy_sums import HOURS, EnergyKey, EnergySum, EnergySums, add_parts, by_month
from cloud_server.core.report_table import Step
from cloud_server.ports.energy import Span, UsedEnergy, VacantEnergy
from cloud_server.store import tables_energy as t
from cloud_server.store.rows import Rows, pieces
from cloud_server.store.tables_history import MeterInterval
from protocol.units import Micro, Wh

_KEY: Final = ("meter", "period", "rate", "vacant")
_HOURS: Final = tuple(f"hour_{hour:02d}_wh" for hour in range(HOURS))
_ADDED: Final = ("energy_wh", "charge_micro", *_HOURS)
_PERIOD_CHARACTERS: Final[dict[Step, int]] = {"day": 10, "month": 7, "year": 4, "all": 0}
_TABLES: Final[tuple[type[t.EnergySums], ...]] = (t.EnergyDay, t.EnergyMonth)


class StoredPart(msgspec.Struct):
    """Of a part as an interval's row has it, what a sum needs."""

    from_ms: int
    rate: str
    energy_wh: int
    charge_micro: int


ROWS_AT_ONCE: Final = 5_000
"""Rows taken over from the engine at once: one by one costs twice the time, all together holds a quarter in memory."""
_parts = msgspec.json.Decoder(list[StoredPart])


class EnergyRows(Rows):
    """Lives as long as its unit of work; what a unit adds is written once, at its end, in its transaction."""

    def __init__(self, database: pw.Database, site: str) -> None:
        super().__init__(database, site)
        self._added: EnergySums = {}

    # --- kept by the ingest -------------------------------------------------------------------------------------

    def add(self, days: EnergySums) -> None:
        """Add sums by day to those that are kept, and to those of their months."""
        if not days:
            return
        for key, found in days.items():
            known = self._added.get(key)
            if known is None:
                self._added[key] = found
            else:
                known.add(found)
        self._memory.at_end(("energy", self._site), self._write_added)

    def _write_added(self) -> None:
        days, self._added = self._added, {}
        for table, sums in ((t.EnergyDay, days), (t.EnergyMonth, by_month(days))):
            # In one order for all, so that two units never wait for each other.
            self._write(table, [_row(key, sums[key]) for key in sorted(sums)], _add_on_conflict(table))

    # --- built anew ---------------------------------------------------------------------------------------------

    def rebuild(self, zone: ZoneInfo) -> int:
        """Throw all sums away and add the intervals up again; how many intervals."""
        for table in _TABLES:
            self._run(table.delete().where(table.site == self._site))
        count = 0
        for meter in self.interval_meters():
            intervals, days = self.summed(meter, zone)
            count += intervals
            for table, sums in ((t.EnergyDay, days), (t.EnergyMonth, by_month(days))):
                self._insert(table, [_row(key, found) for key, found in sums.items()])
        return count

    def interval_meters(self) -> list[str]:
        """Every meter that has intervals."""
        i = MeterInterval
        return [row[0] for row in self._tuples(self._of(i, i.meter).distinct().order_by(i.meter))]

    def summed(self, meter: str, zone: ZoneInfo) -> tuple[int, EnergySums]:
        """How many intervals a meter has, and what they come to by day: from the rows themselves."""
        i, days, count = MeterInterval, EnergySums(), 0
        query = self._of(i, i.parts, i.wallet.is_null()).where(i.meter == meter)
        for parts, vacant in self._straight(query):
            count += 1
            add_parts(days, zone, meter, _parts.decode(parts), vacant=bool(vacant))
        return count, days

    def kept(self, meter: str) -> tuple[EnergySums, EnergySums]:
        """What is kept of a meter, by day and by month."""
        days, months = (self._kept(table, meter) for table in _TABLES)
        return days, months

    def _kept(self, table: type[t.EnergySums], meter: str) -> EnergySums:
        found: EnergySums = {}
        for row in self._all(self._of(table).where(table.meter == meter)):
            key = EnergyKey(meter, row["period"], row["rate"], bool(row["vacant"]))
            hours = [row[name] for name in _HOURS]
            found[key] = EnergySum(row["energy_wh"], row["charge_micro"], row["last_used_ms"], hours)
        return found

    def kept_meters(self) -> set[str]:
        """Every meter of which a sum is kept."""
        return {row[0] for table in _TABLES for row in self._tuples(self._of(table, table.meter).distinct())}

    # --- reports ------------------------------------------------------------------------------------------------

    def used(self, spans: tuple[Span, ...], step: Step) -> Iterator[UsedEnergy]:
        """Energy and charge by period, meter and rate, in one piece or in several.

        Where a period is a row's own, rows come as they are: adding them up here would sort texts by the ten thousand
        for the sake of the few days on which a meter served both somebody and nobody.
        """
        for table, period, query in self._spans(spans, step):
            if period is table.period:
                wanted = query.select(period, table.meter, table.rate, table.energy_wh, table.charge_micro)
            else:
                sums = (_whole(table.energy_wh), _whole(table.charge_micro))
                wanted = query.select(period, table.meter, table.rate, *sums)
                wanted = wanted.group_by(period, table.meter, table.rate)
            yield from self._straight(wanted)

    def charged(self, spans: tuple[Span, ...]) -> Micro:
        """What all meters were charged in these days."""
        return sum(
            charge_micro
            for table, _, query in self._spans(spans, "all")
            for (charge_micro,) in self._straight(query.select(_whole(table.charge_micro)))
            if charge_micro is not None
        )

    def of_periods(self, spans: tuple[Span, ...], step: Step) -> Iterator[tuple[str, str, Wh]]:
        """Energy by period and meter, in one piece or in several."""
        for table, period, query in self._spans(spans, step):
            wanted = query.select(period, table.meter, _whole(table.energy_wh)).group_by(period, table.meter)
            yield from ((name, meter, energy_wh) for name, meter, energy_wh in self._straight(wanted))

    def anything_within(self, from_day: str, to_day: str) -> bool:
        """Whether a sum of one of these days is kept."""
        d = t.EnergyDay
        query = self._of(d, d.period).where((d.period >= from_day) & (d.period <= to_day)).order_by(d.period)
        return bool(self._tuples(query.limit(1)))

    def of_meters(self, spans: tuple[Span, ...]) -> Iterator[tuple[str, Wh]]:
        """Energy of each meter in all; a meter comes once for each span."""
        for table, _, query in self._spans(spans, "all"):
            wanted = query.select(table.meter, _whole(table.energy_wh)).group_by(table.meter)
            yield from ((meter, energy_wh) for meter, energy_wh in self._straight(wanted))

    def of_some(self, spans: tuple[Span, ...], meters: Sequence[str], *, vacant: bool) -> dict[str, tuple[Wh, Micro]]:
        """Energy and charge in all of some meters; `vacant`: of what was charged to nobody alone."""
        sums: dict[str, tuple[Wh, Micro]] = {}
        for table, _, query in self._spans(spans, "all"):
            added = (_whole(table.energy_wh), _whole(table.charge_micro))
            for names in pieces(meters):
                wanted = query.select(table.meter, *added).where(table.meter.in_(names)).group_by(table.meter)
                if vacant:
                    wanted = wanted.where(table.vacant == 1)
                for meter, energy_wh, charge_micro in self._straight(wanted):
                    known = sums.get(meter, (0, 0))
                    sums[meter] = (known[0] + energy_wh, known[1] + charge_micro)
        return sums

    def vacant(self, spans: tuple[Span, ...], step: Step) -> Iterator[VacantEnergy]:
        """What was charged to nobody, by period and meter."""
        for table, period, query in self._spans(spans, step):
            sums = (_whole(table.energy_wh), pw.fn.MAX(table.last_used_ms))
            wanted = query.select(period, table.meter, *sums).where(table.vacant == 1)
            yield from map(VacantEnergy._make, self._straight(wanted.group_by(period, table.meter)))

    def hours(self, spans: tuple[Span, ...]) -> Iterator[tuple[str, list[Wh]]]:
        """Energy of each meter by the hour of the day, over all days; a meter comes once for each span."""
        for table, _, query in self._spans(spans, "all"):
            columns = [_whole(getattr(table, name)) for name in _HOURS]
            for meter, *hours in self._straight(query.select(table.meter, *columns).group_by(table.meter)):
                yield meter, hours

    def days_of(self, meter: str, from_day: str, to_day: str) -> dict[str, tuple[Wh, Micro]]:
        """Energy and charge of one meter on each day on which it has intervals."""
        d = t.EnergyDay
        query = self._of(d, d.period, pw.fn.SUM(d.energy_wh), pw.fn.SUM(d.charge_micro))
        query = query.where((d.meter == meter) & (d.period >= from_day) & (d.period <= to_day)).group_by(d.period)
        return {row[0]: (row[1], row[2]) for row in self._tuples(query)}

    def _straight(self, query: Any) -> Iterator[tuple[Any, ...]]:
        """Rows from the cursor itself: the library's way round takes five times as long, and values are what they are.

        Read to their end before anything else is asked: the unit has one connection.
        """
        cursor = self._database.execute(query)  # type: ignore[no-untyped-call]  # peewee does not type it
        while rows := cursor.fetchmany(ROWS_AT_ONCE):
            yield from rows

    def _spans(self, spans: tuple[Span, ...], step: Step) -> Iterator[tuple[type[t.EnergySums], Any, Any]]:
        length = _PERIOD_CHARACTERS[step]
        for span in spans:
            table = t.EnergyMonth if span.by_month else t.EnergyDay
            # Numbers in the text: PostgreSQL takes two parameters for two different expressions.
            cut = pw.fn.SUBSTR(table.period, pw.SQL("1"), pw.SQL(str(length)))
            period = cut if length < len(span.first) else table.period
            yield table, period, self._of(table).where((table.period >= span.first) & (table.period <= span.last))


def _whole(column: pw.Field) -> Any:
    """The sum of a column as the whole number that it is: PostgreSQL makes decimals of sums, and taking those apart
    costs more than all else about a row. 9.2 * 10**18 micro-units are more than a city takes in a thousand years."""
    return pw.fn.SUM(column).cast("BIGINT")


def _row(key: EnergyKey, found: EnergySum) -> dict[str, Any]:
    row: dict[str, Any] = {"meter": key.meter, "period": key.period, "rate": key.rate, "vacant": int(key.vacant)}
    row |= {"energy_wh": found.energy_wh, "charge_micro": found.charge_micro, "last_used_ms": found.last_used_ms}
    return row | dict(zip(_HOURS, found.hours_wh, strict=True))


@cache
def _add_on_conflict(table: type[t.EnergySums]) -> str:
    name = str(table._meta.table_name)  # noqa: SLF001  # the library's own way to tell a table's name
    target = ", ".join(f'"{column}"' for column in ("site", *_KEY))
    added = ", ".join(f'"{column}" = "{name}"."{column}" + EXCLUDED."{column}"' for column in _ADDED)
    last = f'"{name}"."last_used_ms"'
    newer = f'CASE WHEN EXCLUDED."last_used_ms" > {last} THEN EXCLUDED."last_used_ms" ELSE {last} END'
    return f' ON CONFLICT ({target}) DO UPDATE SET {added}, "last_used_ms" = {newer}'
