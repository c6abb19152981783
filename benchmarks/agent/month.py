"""`python -m benchmarks.agent.month [--meters N] [--days D] [--json]`: does memory stay flat over a month?

The agent's own loop, core and store, sealing and the exchange included, in virtual time; the memory of this process is
looked at once a day. Exit code 1 when it grows by more than it may.
"""

import argparse
import gc
import json
import sys
import tempfile
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Final

from benchmarks.agent.slope import slope_a_step
from benchmarks.agent.virtual_box import virtual_box
from protocol.units import DAY_MS

CYCLE_MS: Final = 300_000
GRAIN_MS: Final = 60_000
SETTLE_DAYS: Final = 8
"""Left out of the slope: until the store's page cache is full."""
KIB_A_DAY_MAX: Final = 64.0
"""2 MiB a month; a record that stayed behind for each interval of eighty meters would be 5 MiB a day."""


@dataclass(frozen=True)
class Row:
    """What a month of virtual time left in memory."""

    meters: int
    days: int
    rss_mib_first: float
    rss_mib_last: float
    slope_kib_a_day: float
    records_sealed: int
    store_mib: float


def _rss_kib() -> float:
    gc.collect()
    text = Path("/proc/self/status").read_text(encoding="ascii")
    return float(next(line for line in text.splitlines() if line.startswith("VmRSS")).split()[1])


def measure(meters: int, days: int) -> Row:
    """Let the days pass."""
    with (
        tempfile.TemporaryDirectory(prefix="tallybox-month-") as name,
        virtual_box(Path(name), meters, CYCLE_MS, GRAIN_MS) as box,
    ):
        seen = []
        for day in range(days):
            box.time.go_on(DAY_MS)
            seen.append((float(day), _rss_kib()))
            print(f"day {day + 1}: {seen[-1][1] / 1024:.1f} MiB", file=sys.stderr, flush=True)
        late = seen[min(SETTLE_DAYS, days // 3) :]
        return Row(
            meters=meters,
            days=days,
            rss_mib_first=round(seen[0][1] / 1024, 1),
            rss_mib_last=round(seen[-1][1] / 1024, 1),
            slope_kib_a_day=round(slope_a_step(late), 1),
            records_sealed=box.centre.records,
            store_mib=round(sum(path.stat().st_size for path in Path(name).glob("box.db*")) / 2**20, 1),
        )


def main() -> int:
    """Measure, print, judge."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.agent.month", description=__doc__)
    parser.add_argument("--meters", type=int, default=80)
    parser.add_argument("--days", type=int, default=30)
    parser.add_argument("--json", action="store_true", help="one JSON object instead of a table")
    chosen = parser.parse_args()
    row = measure(chosen.meters, chosen.days)
    if chosen.json:
        print(json.dumps(asdict(row)))
    else:
        print(f"one box of {row.meters} meters, {row.days} days of virtual time, {row.records_sealed} records sealed")
        print(f"memory {row.rss_mib_first} MiB after a day, {row.rss_mib_last} MiB at last")
        print(f"slope  {row.slope_kib_a_day} KiB a day")
        print(f"store  {row.store_mib} MiB")
    if row.slope_kib_a_day > KIB_A_DAY_MAX:
        print(f"missed: memory grows by {row.slope_kib_a_day} KiB a day; at most {KIB_A_DAY_MAX}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
