"""`python -m benchmarks.agent.soak [--seconds N] [--json]`: does the agent's memory stay flat over an hour?

One box, four buses of twenty meters at 9600 baud, in service, as a real process over simulated lines; looked at every
half minute. Exit code 1 when its memory grows or it uses more processor or memory than it may.
"""

import argparse
import json
import sys
import tempfile
import time
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Final

import psutil

from benchmarks.agent.__main__ import MEMORY_MIB_MAX, PROCESSOR_PERCENT_MAX, SETTLE_S
from benchmarks.agent.slope import slope_a_step
from benchmarks.demo_site.site import Site

EVERY_S: Final = 30.0
SLOPE_KIB_AN_HOUR_MAX: Final = 512.0
"""Less than this is the allocator finding its size; a leak of a record a boundary would pass it within hours."""
STARTING_S: Final = 600.0
"""The first minutes are left out of the slope: what is done at each boundary (five minutes apart here) has been done
twice by then. Code that runs for the first time takes its pages for good, and is no growth."""


@dataclass(frozen=True)
class Row:
    """What one agent used over the whole time."""

    seconds: int
    processor_percent: float
    memory_mib_first: float
    memory_mib_last: float
    memory_mib_most: float
    own_mib_first: float
    own_mib_last: float
    """Without what is mapped of files, which the kernel takes back when it wants the room."""
    slope_kib_an_hour: float
    written_mib: float
    threads: int


def measure(duration_s: float) -> Row:
    """Start the site, let it settle, look again and again."""
    with tempfile.TemporaryDirectory(prefix="tb") as folder, Site("full_box", Path(folder)) as site:
        site.wait_for_service()
        time.sleep(SETTLE_S)
        agent = psutil.Process(site.facts["boxes"][0]["pid"])
        spent, written, began_s = agent.cpu_times(), agent.io_counters().write_bytes, time.monotonic()
        seen: list[tuple[float, float]] = []
        own_kib: list[float] = []
        while (at_s := time.monotonic() - began_s) < duration_s:
            memory = agent.memory_info()
            seen.append((at_s, memory.rss / 1024))
            own_kib.append((memory.rss - memory.shared) / 1024)
            time.sleep(min(EVERY_S, duration_s))
        after, elapsed_s = agent.cpu_times(), time.monotonic() - began_s
        threads, written = agent.num_threads(), agent.io_counters().write_bytes - written
    used_s = after.user + after.system - spent.user - spent.system
    late = [(at_s, kib) for at_s, kib in seen if at_s >= min(STARTING_S, duration_s / 4)]
    sizes = [kib / 1024 for _, kib in seen]
    return Row(
        seconds=round(elapsed_s),
        processor_percent=round(100 * used_s / elapsed_s, 1),
        memory_mib_first=round(sizes[0], 1),
        memory_mib_last=round(sizes[-1], 1),
        memory_mib_most=round(max(sizes), 1),
        own_mib_first=round(own_kib[0] / 1024, 1),
        own_mib_last=round(own_kib[-1] / 1024, 1),
        slope_kib_an_hour=round(slope_a_step(late) * 3_600, 1),
        written_mib=round(written / 2**20, 2),
        threads=threads,
    )


def misses(row: Row) -> list[str]:
    """What it owes; empty when the gate is passed."""
    found = []
    if row.processor_percent > PROCESSOR_PERCENT_MAX:
        found.append(f"{row.processor_percent} % of a core; at most {PROCESSOR_PERCENT_MAX}")
    if row.memory_mib_most > MEMORY_MIB_MAX:
        found.append(f"{row.memory_mib_most} MiB; at most {MEMORY_MIB_MAX}")
    if row.slope_kib_an_hour > SLOPE_KIB_AN_HOUR_MAX:
        found.append(f"memory grows by {row.slope_kib_an_hour} KiB an hour; at most {SLOPE_KIB_AN_HOUR_MAX}")
    return found


def main() -> int:
    """Measure, print, judge."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.agent.soak", description=__doc__)
    parser.add_argument("--seconds", type=float, default=3_600.0, help="how long to look (3600)")
    parser.add_argument("--json", action="store_true", help="one JSON object instead of a table")
    chosen = parser.parse_args()
    row = measure(chosen.seconds)
    owed = misses(row)
    if chosen.json:
        print(json.dumps({**asdict(row), "misses": owed}))
    else:
        print(f"one box, four buses of twenty meters, 9600 8N1, all in service, {row.seconds} s")
        print(f"processor    {row.processor_percent:8} %  of one core")
        sizes = f"{row.memory_mib_last} at last, {row.memory_mib_most} at most"
        print(f"memory       {row.memory_mib_first:8} MiB at first, {sizes}")
        print(f"of it own    {row.own_mib_first:8} MiB at first, {row.own_mib_last} at last")
        print(f"slope        {row.slope_kib_an_hour:8} KiB an hour")
        print(f"written      {row.written_mib:8} MiB, {row.threads} threads")
    for text in owed:
        print(f"missed: {text}", file=sys.stderr)
    return 1 if owed else 0


if __name__ == "__main__":
    sys.exit(main())
