"""`python -m benchmarks.agent [--seconds N] [--json]`: one box, four buses of twenty meters at 9600 baud, in service.

Exit code 1 when it misses its gate: processor, memory, or a broken silence.
"""

import argparse
import json
import statistics
import sys
import tempfile
import time
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Final

import psutil

from benchmarks.demo_site.site import Site
from edge_agent.console import local_socket

PROCESSOR_PERCENT_MAX: Final = 15.0
"""Of one core: a fanless box has two slow ones, and must stay cool."""
MEMORY_MIB_MAX: Final = 64.0
SETTLE_S: Final = 20.0
"""After the last relay test: its batches are sent, its orders read back."""


@dataclass(frozen=True)
class Row:
    """What one agent used while nothing but its daily work was going on."""

    processor_percent: float
    memory_mib: float
    median_cycle_ms: float
    requests_a_second: float
    broken_silences: int


def measure(duration_s: float) -> Row:
    """Start the site, let it settle, look twice."""
    with tempfile.TemporaryDirectory(prefix="tb") as folder, Site("full_box", Path(folder)) as site:
        site.wait_for_service()
        time.sleep(SETTLE_S)
        box = site.facts["boxes"][0]
        agent = psutil.Process(box["pid"])
        before, spent, began_s = site.simulated(), agent.cpu_times(), time.monotonic()
        time.sleep(duration_s)
        after, spent_after, elapsed_s = site.simulated(), agent.cpu_times(), time.monotonic() - began_s
        memory_mib = agent.memory_info().rss / 2**20
        status = local_socket.ask(Path(box["state_dir"]), "status")
    used_s = spent_after.user + spent_after.system - spent.user - spent.system

    def more(counter: str) -> int:
        return sum(int(b[counter]) for b in after) - sum(int(b[counter]) for b in before)

    return Row(
        processor_percent=round(100 * used_s / elapsed_s, 1),
        memory_mib=round(memory_mib, 1),
        median_cycle_ms=statistics.median(bus["cycle_ms"] for bus in status["buses"]),
        requests_a_second=round(more("requests") / elapsed_s, 1),
        broken_silences=more("broken_silences"),
    )


def misses(row: Row) -> list[str]:
    """What it owes; empty when the gate is passed."""
    found = []
    if row.processor_percent > PROCESSOR_PERCENT_MAX:
        found.append(f"{row.processor_percent} % of a core; at most {PROCESSOR_PERCENT_MAX}")
    if row.memory_mib > MEMORY_MIB_MAX:
        found.append(f"{row.memory_mib} MiB; at most {MEMORY_MIB_MAX}")
    if row.broken_silences:
        found.append(f"{row.broken_silences} silences broken; none may be")
    return found


def main() -> int:
    """Measure, print, judge."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.agent", description=__doc__)
    parser.add_argument("--seconds", type=float, default=60.0, help="how long to look (60)")
    parser.add_argument("--json", action="store_true", help="one JSON object instead of a table")
    chosen = parser.parse_args()
    row = measure(chosen.seconds)
    owed = misses(row)
    if chosen.json:
        print(json.dumps({**asdict(row), "misses": owed}))
    else:
        print("one box, four buses of twenty meters, 9600 8N1, all in service")
        share = row.processor_percent / PROCESSOR_PERCENT_MAX
        print(f"processor    {row.processor_percent:8} %  of one core, {share:.2f} of the limit")
        print(f"memory       {row.memory_mib:8} MiB, {row.memory_mib / MEMORY_MIB_MAX:.2f} of the limit")
        print(f"cycle        {row.median_cycle_ms:8} ms, {row.requests_a_second} requests a second over all buses")
        print(f"broken silences {row.broken_silences:5}")
    for text in owed:
        print(f"missed: {text}", file=sys.stderr)
    return 1 if owed else 0


if __name__ == "__main__":
    sys.exit(main())
