"""`python -m benchmarks.fleet [--boxes N] [--processes 1,2]`: many boxes that hold their requests open at one centre.

Real processes of the centre on PostgreSQL, real HTTPS, real signatures; the boxes are played. Measured: what an idle
request costs, a sale until its grant was applied and told, the steady state of ten thousand boxes (its batches and
requests by the second), and the return of all after the centre was killed. Exit code 1 when a limit is missed.
"""

import argparse
import resource
import sys
from typing import Final

from benchmarks.fleet.run import Row, Wanted, as_text, measure

APPLIED_P99_S: Final = 1.0
"""Sale to grant applied: a recharge reaches a box in reach within a second."""
STEADY_SHARE: Final = 0.5
"""Of the machine, database included, for the steady state of ten thousand boxes of sixty meters."""
FILES_A_BOX: Final = 1.2


def judge(row: Row) -> list[str]:
    """Which limits were missed."""
    missed = []
    if row.sold and (row.lost or row.applied_p99_s > APPLIED_P99_S):
        missed.append(f"sale to applied: p99 {row.applied_p99_s} s, {row.lost} lost; at most {APPLIED_P99_S} s")
    if row.steady_share > STEADY_SHARE:
        missed.append(f"steady state: {row.steady_share:.0%} of the machine; at most {STEADY_SHARE:.0%}")
    return missed


def main() -> int:
    """Measure, print, judge."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.fleet", description=__doc__)
    parser.add_argument("--boxes", type=int, default=1_000, help="how many boxes (1000)")
    parser.add_argument("--processes", default="1,2", help="server processes of the centre, one run for each (1,2)")
    parser.add_argument("--players", type=int, default=1, help="processes that play boxes (1)")
    parser.add_argument("--sales", type=int, default=200, help="how many sales (200); 0 leaves them out")
    parser.add_argument("--sales-a-second", type=float, default=3.0, help="how many of them in a second (3)")
    parser.add_argument("--idle", type=float, default=20, help="seconds of idle waiting that are measured (20)")
    parser.add_argument("--steady", type=float, default=40, help="seconds of steady state (40); 0 leaves it out")
    parser.add_argument("--no-return", action="store_true", help="do not kill the centre at the end")
    chosen = parser.parse_args()
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if chosen.boxes * FILES_A_BOX > hard:
        parser.error(f"{chosen.boxes} boxes want more files than one process may open here ({hard})")
    resource.setrlimit(resource.RLIMIT_NOFILE, (max(soft, min(hard, 65_536)), hard))
    missed = []
    for processes in map(int, chosen.processes.split(",")):
        wanted = Wanted(
            boxes=chosen.boxes,
            processes=processes,
            players=chosen.players,
            sales=chosen.sales,
            sales_a_second=chosen.sales_a_second,
            steady_s=chosen.steady,
            idle_s=chosen.idle,
            returns=not chosen.no_return,
        )
        row = measure(wanted)
        print(as_text(row), flush=True)
        missed += [f"{processes} processes: {fault}" for fault in judge(row)]
    for fault in missed:
        print(f"missed: {fault}", file=sys.stderr)
    return 1 if missed else 0


if __name__ == "__main__":
    sys.exit(main())
