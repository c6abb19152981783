"""A street of two thousand supply points with their half hours and sums, made by SQL on either engine."""

import json
from collections import defaultdict
from functools import partial
from typing import Any, Final

import peewee as pw

from benchmarks.console.books import fill_books
from benchmarks.console.months import Sums, fill_months
from cloud_server.core.energy_sums import HOURS
from cloud_server.store.database import Engine, run_many, run_sql
from cloud_server.store.energy_rows import EnergyRows
from cloud_server.store.postgres import PostgresEngine
from protocol.zone import site_zone
from tests.cloud_server.site_rig import SiteRig
from tests.cloud_server.street import TARIFF, box_id, meter_id, wallet_id

BOXES: Final = 8
SHOPS: Final = 247
"""Unit addresses of one bus: 8 × 247 = 1,976 supply points."""
HALF_HOUR_MS: Final = 1_800_000
DAY_MS: Final = 86_400_000
RATES: Final = (("valley", 8, 300_000), ("flat", 18, 800_000), ("peak", 24, 1_200_000))
"""Name, the hour at which it ends, price: in whole thousandths, so that each charge is exact."""


def fill(rig: SiteRig, days: int, sum_days: int) -> int:
    """Intervals of the last `days` days and sums of the last `sum_days`; how many intervals."""
    today_ms = rig.centre.bounds_of_day(rig.centre.day_of(rig.clock.now_ms))[0]
    halves = [_half(rig, today_ms, number) for number in range(-sum_days * 48, 0)]
    first_day = rig.centre.day_of(today_ms - days * DAY_MS)
    with rig.engine.write() as database:
        _name_meters(database)
        _name_halves(database, halves[-days * 48 :])
        for statement in _sums(database, rig.site, halves):
            _run(database, *statement)
    insert = partial(_INTERVALS.format, site=rig.site, tariff=TARIFF)
    if isinstance(rig.engine, PostgresEngine):
        found = fill_months(rig.engine, insert, [half[:2] for half in halves[-days * 48 :]])
    else:
        with rig.engine.write() as database:
            _run(database, insert(table="meter_interval", first=-days * 48, last=-1))
            found = _added_rows(database)
    with rig.engine.write() as database:
        fill_books(
            database, rig, [(box, shop) for box in range(1, BOXES + 1) for shop in range(1, SHOPS + 1)], sum_days
        )
        for table in ("bench_meter", "bench_half", "bench_day"):
            _run(database, f"DROP TABLE {table}")
    _hold_against_rows(rig.engine, rig.site, rig.centre.site.zone, first_day, found)
    return sum(count for (_, what), count in found.items() if what == "rows")


def _added_rows(database: pw.Database) -> Sums:
    """What the rows themselves come to, meter by meter."""
    found = Sums()
    asked = "SELECT meter, COUNT(*), SUM(energy_wh), SUM(charge_micro) FROM meter_interval GROUP BY meter"
    for meter, *sums in run_sql(database, asked):
        found.update({(meter, name): int(value) for name, value in zip(("rows", "wh", "micro"), sums, strict=True)})
    return found


def _run(database: pw.Database, statement: str, parameters: tuple[Any, ...] = ()) -> None:
    """A statement that answers with no rows."""
    database.execute_sql(statement, parameters)


def _half(rig: SiteRig, today_ms: int, number: int) -> tuple[int, int, str, int, int, str, int]:
    """Number, begin, rate, price, what it adds to each meter's use, its day and hour."""
    from_ms = today_ms + number * HALF_HOUR_MS
    hour = number % 48 // 2
    rate, _, price = next(found for found in RATES if hour < found[1])
    return number, from_ms, rate, price, number % 7, rig.centre.day_of(from_ms), hour


def _name_meters(database: pw.Database) -> None:
    _run(database, "CREATE TABLE bench_meter (meter TEXT, box TEXT, wallet TEXT, n BIGINT, base BIGINT)")
    places = [(box, shop) for box in range(1, BOXES + 1) for shop in range(1, SHOPS + 1)]
    rows = [(meter_id(b, n), box_id(b), wallet_id(b, n), n, 100 + n % 50) for b, n in places]
    run_many(database, f"INSERT INTO bench_meter VALUES ({', '.join([database.param] * 5)})", rows)


def _name_halves(database: pw.Database, halves: list[Any]) -> None:
    columns = "number BIGINT, from_ms BIGINT, rate TEXT, price BIGINT, more BIGINT, day TEXT"
    _run(database, f"CREATE TABLE bench_half ({columns})")
    rows = [half[:6] for half in halves]
    run_many(database, f"INSERT INTO bench_half VALUES ({', '.join([database.param] * 6)})", rows)


_INTERVALS: Final = (
    "INSERT INTO {table} (site, meter, from_ms, box, epoch, seq, n, to_ms, wallet, from_raw_wh, to_raw_wh, "
    "energy_wh, charge_micro, ratio_version, max_power_w, parts, flags) "
    "SELECT '{site}', m.meter, h.from_ms, m.box, 1, h.number + 1000000, m.n, h.from_ms + 1800000, m.wallet, 0, 0, "
    "m.base + h.more, (m.base + h.more) * h.price / 1000, 1, NULL, "
    '\'[{{"from_ms":\' || h.from_ms || \',"to_ms":\' || (h.from_ms + 1800000) || \',"rate":"\' || h.rate '
    '|| \'","step":0,"tariff":"{tariff}","tariff_version":1,"price_micro":\' || h.price '
    "|| ',\"energy_wh\":' || (m.base + h.more) || ',\"charge_micro\":' || ((m.base + h.more) * h.price / 1000) "
    "|| '}}]', '[]' FROM bench_half h CROSS JOIN bench_meter m WHERE h.number BETWEEN {first} AND {last}"
)


def _sums(database: pw.Database, site: str, halves: list[Any]) -> list[tuple[str, tuple[Any, ...]]]:
    """What the ingest would have kept of those half hours: by day and rate, then by month."""
    counts: dict[tuple[str, str], list[int]] = defaultdict(lambda: [0] * (4 + 2 * HOURS))
    for _, from_ms, rate, price, more, day, hour in halves:
        found = counts[day, rate]
        found[0] += 1
        found[1] += more
        found[2], found[3] = price, max(found[3], from_ms)
        found[4 + 2 * hour] += 1
        found[5 + 2 * hour] += more
    hours = ", ".join(f"c{hour} BIGINT, x{hour} BIGINT" for hour in range(HOURS))
    columns = f"day TEXT, rate TEXT, count BIGINT, more BIGINT, price BIGINT, last_ms BIGINT, {hours}"
    _run(database, f"CREATE TABLE bench_day ({columns})")
    marks = ", ".join([database.param] * (6 + 2 * HOURS))
    run_many(database, f"INSERT INTO bench_day VALUES ({marks})", [(*key, *found) for key, found in counts.items()])
    names = [f"hour_{hour:02d}_wh" for hour in range(HOURS)]
    into = ["site", "meter", "period", "rate", "vacant", "energy_wh", "charge_micro", "last_used_ms", *names]
    each = ", ".join(f"d.c{hour} * m.base + d.x{hour}" for hour in range(HOURS))
    whole = "d.count * m.base + d.more"
    by_day = (
        f"INSERT INTO energy_day ({', '.join(into)}) SELECT {database.param}, m.meter, d.day, d.rate, 0, {whole}, "
        f"({whole}) * d.price / 1000, d.last_ms, {each} FROM bench_day d CROSS JOIN bench_meter m "
        "ORDER BY d.day, m.meter"  # as they came in: what a day's report reads lies together
    )
    added = ", ".join(f"SUM({name})" for name in names)
    by_month = (
        f"INSERT INTO energy_month ({', '.join(into)}) SELECT site, meter, substr(period, 1, 7), rate, vacant, "
        f"SUM(energy_wh), SUM(charge_micro), MAX(last_used_ms), {added} FROM energy_day "
        "GROUP BY site, meter, substr(period, 1, 7), rate, vacant"
    )
    # Each half hour of a box came in one batch, posted five seconds behind its end.
    batches = (
        "INSERT INTO batch (site, box, epoch, seq, state, fault, sealed_at_ms, posted_at_ms) "
        f"SELECT {database.param}, m.box, 1, h.number + 1000000, 'posted', NULL, "
        "h.from_ms + 1800000, h.from_ms + 1805000 "
        "FROM bench_half h CROSS JOIN (SELECT DISTINCT box FROM bench_meter) m"
    )
    return [(by_day, (site,)), (by_month, ()), (batches, (site,))]


def _hold_against_rows(engine: Engine, site: str, zone: str, first_day: str, found: Sums) -> None:
    """The sums made by SQL are those that the program would have kept: of every meter over the days with rows, and of
    some meters on each of these days by the program's own adding."""
    with engine.read() as database:
        asked = f"SELECT meter, SUM(energy_wh), SUM(charge_micro) FROM energy_day WHERE period >= {database.param}"
        for meter, wh, micro in run_sql(database, f"{asked} GROUP BY meter", (first_day,)):
            assert (int(wh), int(micro)) == (found[meter, "wh"], found[meter, "micro"]), f"sums of {meter}"
        rows = EnergyRows(database, site)
        for meter in (meter_id(1, 1), meter_id(BOXES, SHOPS)):
            _, summed = rows.summed(meter, site_zone(zone))
            kept = {key: found for key, found in rows.kept(meter)[0].items() if key.period >= first_day}
            assert kept == summed, f"sums of {meter} are not those of its rows: {json.dumps(sorted(map(str, kept)))}"
