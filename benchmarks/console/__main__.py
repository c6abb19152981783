"""`python -m benchmarks.console [--days N] [--json]`: the console over two thousand points and days of use.

Real store, real pages, in one process without network. Beside each figure stands a ratio to a peer of the same run: a
bare page of the same framework that sends as many bytes, or the bare SQL that reads the same rows. Exit code 1 where a
limit is not held.
"""

import argparse
import json
import resource
import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

from fastapi import FastAPI
from starlette.responses import HTMLResponse
from starlette.testclient import TestClient

from cloud_server.store import tables_history as th
from tests.cloud_server.console_rig import ConsoleRig, open_console_rig
from tests.cloud_server.street import TARIFF, account_id, box_id, meter_id, point_id, wallet_id
from tests.cloud_server.web.conftest import Browser

BOXES: Final = 8
SHOPS: Final = 247
"""Unit addresses of one bus: 8 × 247 = 1,976 supply points."""
HALF_HOUR_MS: Final = 1_800_000
FIRST_VIEW_S: Final = 1.0
FIRST_VIEW_BYTES: Final = 300_000
PAGE_S: Final = 0.3
ENERGY_S: Final = 2.0
EXPORT_S: Final = 25.0
TURNS: Final = 7
ROWS_AT_ONCE: Final = 20_000
PAGES: Final = {
    "point": f"/points/{point_id(1, 2)}",
    "desk": "/desk?q=B0",
    "sale form": f"/desk/{account_id(1, 2)}",
    "customers": "/customers",
    "sales": "/sales",
    "alarms": "/alarms",
    "reports": "/reports",
    "balances": "/reports/balances",
}


def fill(rig: ConsoleRig, days: int) -> int:
    """Half hours of every meter, straight into the store; how many rows."""
    begin_ms = rig.rig.clock.now_ms // 86_400_000 * 86_400_000 - 8 * 3_600_000 - days * 86_400_000
    rows: list[dict[str, Any]] = []
    count = 0
    with rig.rig.engine.write() as database:
        for box in range(1, BOXES + 1):
            for half_hour in range(days * 48):
                from_ms = begin_ms + half_hour * HALF_HOUR_MS
                rows += [_row(rig.rig.site, box, shop, half_hour, from_ms) for shop in range(1, SHOPS + 1)]
                if len(rows) >= ROWS_AT_ONCE:
                    count += _insert(database, rows)
        count += _insert(database, rows)
    return count


def _insert(database: Any, rows: list[dict[str, Any]]) -> int:
    count = len(rows)
    for start in range(0, count, 500):
        th.MeterInterval.insert_many(rows[start : start + 500]).execute(database)
    rows.clear()
    return count


def _row(site: str, box: int, shop: int, half_hour: int, from_ms: int) -> dict[str, Any]:
    energy_wh = 100 + shop % 50
    part = {"from_ms": from_ms, "to_ms": from_ms + HALF_HOUR_MS, "rate": "flat", "step": 0, "tariff": TARIFF}
    part |= {"tariff_version": 1, "price_micro": 800_000, "energy_wh": energy_wh, "charge_micro": energy_wh * 800}
    return {
        "site": site,
        "meter": meter_id(box, shop),
        "from_ms": from_ms,
        "box": box_id(box),
        "epoch": 1,
        "seq": half_hour + 1,
        "n": shop,
        "to_ms": from_ms + HALF_HOUR_MS,
        "wallet": wallet_id(box, shop),
        "from_raw_wh": half_hour * energy_wh,
        "to_raw_wh": (half_hour + 1) * energy_wh,
        "energy_wh": energy_wh,
        "charge_micro": energy_wh * 800,
        "ratio_version": 1,
        "max_power_w": None,
        "parts": json.dumps([part]),
        "flags": "[]",
    }


def timed(work: Callable[[], object], turns: int = TURNS) -> float:
    """Seconds at the median; the first turn warms."""
    work()
    found = []
    for _ in range(turns):
        began_s = time.perf_counter()
        work()
        found.append(time.perf_counter() - began_s)
    return statistics.median(found)


def bare_page_s(size: int) -> float:
    """A bare page of the same framework that sends as many bytes."""
    app, text = FastAPI(), "x" * size

    @app.get("/")
    def page() -> HTMLResponse:
        return HTMLResponse(text)

    with TestClient(app) as client:
        return timed(lambda: client.get("/"))


def page_s(browser: Browser, path: str) -> float:
    """Seconds for a page at the median."""
    return timed(lambda: browser.get(path))


def measure(days: int) -> dict[str, Any]:
    """Everything, in one run."""
    found: dict[str, Any] = {"supply_points": BOXES * SHOPS, "days": days}
    with tempfile.TemporaryDirectory(prefix="tb") as folder, open_console_rig(Path(folder)) as rig:
        rig.rig.plan(boxes=BOXES, shops=SHOPS)
        found["interval_rows"] = fill(rig, days)
        browser = rig.browser("supervisor")
        began_s = time.perf_counter()
        answer = browser.client.get("/", headers={"Accept-Encoding": "gzip"})
        found["monitor_first_s"] = round(time.perf_counter() - began_s, 3)
        found["monitor_bytes_sent"] = int(answer.headers.get("content-length", len(answer.content)))
        monitor_s = timed(lambda: browser.get("/"))
        found["monitor_median_s"] = round(monitor_s, 4)
        found["monitor_to_bare_page"] = round(monitor_s / bare_page_s(len(answer.text)), 1)
        found["pages_median_s"] = {name: round(page_s(browser, path), 4) for name, path in PAGES.items()}
        found |= _reports(rig, browser, days)
    found["greatest_memory_mib"] = round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024)
    return found


def _reports(rig: ConsoleRig, browser: Browser, days: int) -> dict[str, Any]:
    today = rig.rig.centre.day_of(rig.rig.clock.now_ms)
    first = rig.rig.centre.day_of(rig.rig.clock.now_ms - days * 86_400_000)
    asked = f"from={first}&to={today}&step=all"

    def bare() -> object:
        with rig.rig.engine.read() as database:
            sql = "SELECT meter, SUM(energy_wh), SUM(charge_micro) FROM meter_interval WHERE site = ? GROUP BY meter"
            return database.execute_sql(sql, (rig.rig.site,)).fetchall()

    energy_s = timed(lambda: browser.get(f"/reports/energy?{asked}"), 3)
    by_day = f"from={first}&to={today}&step=day"
    began_s = time.perf_counter()
    sheet = browser.client.get(f"/reports/energy.xlsx?{by_day}")
    return {
        "energy_report_s": round(energy_s, 3),
        "energy_to_bare_sql": round(energy_s / timed(bare, 3), 1),
        "export_s": round(time.perf_counter() - began_s, 2),
        "export_rows": BOXES * SHOPS * days,
        "export_bytes": len(sheet.content),
    }


def breaches(found: dict[str, Any]) -> list[str]:
    """The limits that were not held."""
    wrong = []
    if found["monitor_first_s"] > FIRST_VIEW_S:
        wrong.append(f"first view of the monitor {found['monitor_first_s']} s > {FIRST_VIEW_S}")
    if found["monitor_bytes_sent"] > FIRST_VIEW_BYTES:
        wrong.append(f"{found['monitor_bytes_sent']} bytes sent > {FIRST_VIEW_BYTES}")
    wrong += [f"{name} {took} s > {PAGE_S}" for name, took in found["pages_median_s"].items() if took > PAGE_S]
    if found["energy_report_s"] > ENERGY_S:
        wrong.append(f"energy report {found['energy_report_s']} s > {ENERGY_S}")
    if found["export_s"] > EXPORT_S:
        wrong.append(f"export {found['export_s']} s > {EXPORT_S}")
    return wrong


def main() -> int:
    """Measure, tell, and fail where a limit is not held."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.console", description="Two thousand supply points.")
    parser.add_argument("--days", type=int, default=7, help="days of half hours in the store")
    parser.add_argument("--json", action="store_true", help="one line of JSON")
    chosen = parser.parse_args()
    found = measure(chosen.days)
    wrong = breaches(found)
    print(json.dumps(found) if chosen.json else "\n".join(f"{name}: {value}" for name, value in found.items()))
    for line in wrong:
        print(f"above its limit: {line}", file=sys.stderr)
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
