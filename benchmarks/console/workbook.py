"""A hundred thousand rows to Excel behind the page, beside a console that goes on."""

import statistics
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date, timedelta
from io import BytesIO
from pathlib import Path
from typing import Final

from python_calamine import CalamineWorkbook

from tests.cloud_server.console_rig import ConsoleRig
from tests.cloud_server.web.conftest import Browser

ROWS: Final = 100_000
LOOK_EVERY_S: Final = 0.02
PAGE: Final = "/desk?q=A0"


@dataclass(frozen=True)
class Exported:
    """One workbook: rows, seconds by the clock, seconds of this process' processor, growth of its memory, bytes; and
    the desk's search while it was made, in seconds at the median."""

    rows: int
    seconds: float
    processor_s: float
    growth_mib: float
    size: int
    page_s: float


def export(rig: ConsoleRig, browser: Browser, points: int) -> Exported:
    """Ask for energy day by day until there are rows enough, look at pages meanwhile, fetch and open it."""
    today = date.fromisoformat(rig.rig.centre.day_of(rig.rig.clock.now_ms))
    days = ROWS // points + 1
    query = f"from={today - timedelta(days=days)}&to={today - timedelta(days=1)}&step=day"
    browser.get(PAGE)
    looked: list[float] = []
    began_s, processor_s = time.perf_counter(), time.process_time()
    with growth() as grown:
        browser.get("/reports")
        browser.post("/exports", kind="energy", query=query)
        path = browser.path
        while 'data-export-state="ready"' not in browser.get(path):
            page_s = time.perf_counter()
            browser.get(PAGE)
            looked.append(time.perf_counter() - page_s)
            time.sleep(0.5)
        seconds, processor_s = time.perf_counter() - began_s, time.process_time() - processor_s
    file = browser.client.get(f"{path}/file").content
    rows = len(CalamineWorkbook.from_filelike(BytesIO(file)).get_sheet_by_index(1).to_python())
    return Exported(rows, seconds, processor_s, max(grown), len(file), statistics.median(looked or [0.0]))


@contextmanager
def growth() -> Iterator[list[float]]:
    """How much more memory the process has than at first, in MiB, looked at all the time."""
    found, over = [0.0], threading.Event()
    before = _resident_mib()

    def look() -> None:
        while not over.wait(LOOK_EVERY_S):
            found.append(_resident_mib() - before)

    thread = threading.Thread(target=look)
    thread.start()
    try:
        yield found
    finally:
        over.set()
        thread.join()


def _resident_mib() -> float:
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * 4096 / 1024**2
