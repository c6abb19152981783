"""`python -m benchmarks.ingest [--boxes 10,100,1000] [--drain] [--json]`: records taken in a second, on PostgreSQL.

Everything that a batch goes through is in it: body unpacked, signatures, chain, strict reading, every charge computed
again, ledger, facts, rows, commit, signed answer. Not in it: TLS and HTTP. Beside it, in the same run, a bare COPY of
the same rows into the same kind of table. The load is made before the clock starts.
"""

import argparse
import json
import sys
from dataclasses import asdict
from typing import Final

from benchmarks.ingest.drain import drain
from benchmarks.ingest.run import Row, cores, measure, server

RATIO_AIM: Final = 0.25
RATE_AIM: Final = 20_000
DRAIN_AIM_S: Final = 20
SHAPES: Final = {10: ((96, 1), (12, 8)), 100: ((16, 1), (2, 8)), 1_000: ((2, 1),), 10_000: ((1, 1),)}
"""Boxes -> batches in a request and half hours in a batch. The more boxes, the less each has to tell."""


def shown(row: Row) -> str:
    """One line of the table."""
    return (
        f"{row.boxes:6} {row.records:8} {row.batches_a_request:4} x {row.records_a_batch:3}  {row.rate:8.0f}/s  "
        f"{row.records / row.copy.wall_s:8.0f}/s  {row.ratio:5.2f} ({row.ratio_of_processor:4.2f})   "
        f"{row.ingest.ours_s / row.records * 1e6:5.0f} + {row.ingest.server_s / row.records * 1e6:3.0f} us   "
        f"{cores() * 1e6 / row.processor_us:7.0f}/s"
    )


def drained(*, as_json: bool) -> int:
    """The month of one box."""
    with server() as made:
        took = drain(made)
    if as_json:
        print(json.dumps(asdict(took)))
    else:
        spent = took.spent
        print(f"{took.records} records in {spent.wall_s:.1f} s by the clock; processor {spent.ours_s:.1f} + "
              f"{spent.server_s:.1f} s")  # fmt: skip
        print(f"sales beside it: {len(took.sold_s)}, at most {max(took.sold_s, default=0):.2f} s; command in an answer "
              f"after {max(took.under_way_s, default=0):.2f} s at most")  # fmt: skip
    return 0 if took.spent.wall_s <= DRAIN_AIM_S else 1


def main() -> int:
    """Measure, print, judge."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.ingest", description=__doc__)
    parser.add_argument("--boxes", default="10,100,1000", help="how many boxes, of 10, 100, 1000, 10000")
    parser.add_argument("--drain", action="store_true", help="one box back after thirty days instead, sales beside it")
    parser.add_argument("--json", action="store_true", help="one JSON object a line instead of a table")
    chosen = parser.parse_args()
    if chosen.drain:
        return drained(as_json=chosen.json)
    rows = []
    if not chosen.json:
        print(
            " boxes  records  a request    taken in     bare COPY  ratio (of cpu)   processor     with all cores ours"
        )
    with server() as made:
        for boxes in map(int, chosen.boxes.split(",")):
            for batches, half_hours in SHAPES[boxes]:
                row = measure(made, boxes, batches, half_hours)
                rows.append(row)
                print(json.dumps(asdict(row)) if chosen.json else shown(row), flush=True)
    best = max(rows, key=lambda row: row.rate)
    if best.ratio < RATIO_AIM or best.rate < RATE_AIM:
        aim = f"the aim is {RATE_AIM} and {RATIO_AIM}"
        print(f"missed: {best.rate:.0f} records/s and {best.ratio:.2f} of bare COPY; {aim}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
