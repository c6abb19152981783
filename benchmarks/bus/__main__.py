"""`python -m benchmarks.bus [--cycles N] [--json]`: our master beside others on one simulated bus.

Exit code 1 when ours misses its gate: efficiency, a broken silence, a lost read, or behind the best of the others.
"""

import argparse
import json
import statistics
import subprocess
import sys
import tempfile
from dataclasses import asdict, dataclass, field
from pathlib import Path

from benchmarks.bus.masters import MASTERS, Measured
from benchmarks.bus.simulator import SimulatedBusProcess
from benchmarks.bus.theory import BAUD, CYCLE_S, LEAST_EFFICIENCY, LEVEL, METERS, REGISTERS, TURNAROUND_MS

OURS = "agent"
CARELESS = "pymodbus async"
CARELESS_CYCLES = 1
"""It loses half its reads, and waits a second for each: one round says it all."""
PASSES = 2
"""All masters take turns so often, so that other work on the machine strikes none alone."""


@dataclass(frozen=True)
class Row:
    """One master's result; `cycle_s` is the median round, so that a moment of other work on the machine is no fault."""

    master: str
    cycle_s: float
    efficiency: float
    broken_silences: int
    served: int
    wanted: int
    processor_percent: float

    @property
    def is_clean(self) -> bool:
        """Whether its efficiency means anything."""
        return self.broken_silences == 0 and self.served == self.wanted


@dataclass
class Tally:
    """What one master did in all its turns."""

    cycles_s: list[float] = field(default_factory=list)
    served: int = 0
    processor_s: float = 0.0
    broken_silences: int = 0

    def row(self, master: str) -> Row:
        """As it stands in the table."""
        cycle_s = statistics.median(self.cycles_s)
        return Row(
            master=master,
            cycle_s=round(cycle_s, 4),
            efficiency=round(CYCLE_S / cycle_s, 4),
            broken_silences=self.broken_silences,
            served=self.served,
            wanted=METERS * len(self.cycles_s),
            processor_percent=round(100 * self.processor_s / sum(self.cycles_s), 1),
        )


def take_turn(master: str, cycles: int, bus: SimulatedBusProcess, tally: Tally) -> None:
    """Run one master in its own process, and add what it did."""
    before = bus.counters()
    command = [sys.executable, "-m", "benchmarks.bus.masters", master, str(bus.tty), str(cycles)]
    done = subprocess.run(command, check=True, capture_output=True, text=True)
    measured = Measured(**json.loads(done.stdout))
    tally.cycles_s += measured.cycles_s
    tally.served += measured.served
    tally.processor_s += measured.processor_s
    tally.broken_silences += bus.counters()["broken_silences"] - before["broken_silences"]


def measure(cycles: int) -> list[Row]:
    """All masters, in turns."""
    tallies = {master: Tally() for master in MASTERS}
    with tempfile.TemporaryDirectory() as folder, SimulatedBusProcess(Path(folder)) as bus:
        for _ in range(PASSES):
            for master in MASTERS:
                if master != CARELESS:
                    take_turn(master, cycles, bus, tallies[master])
        take_turn(CARELESS, CARELESS_CYCLES, bus, tallies[CARELESS])
    return [tally.row(master) for master, tally in tallies.items()]


def misses(rows: list[Row]) -> list[str]:
    """What our row owes; empty when the gate is passed."""
    ours = next(row for row in rows if row.master == OURS)
    best = max((row.efficiency for row in rows if row.is_clean and row is not ours), default=0.0)
    found = []
    if ours.efficiency < LEAST_EFFICIENCY:
        found.append(f"efficiency {ours.efficiency} is below {LEAST_EFFICIENCY}")
    if ours.broken_silences:
        found.append(f"{ours.broken_silences} silences broken; none may be")
    if ours.served != ours.wanted:
        found.append(f"{ours.served} reads of {ours.wanted}")
    if ours.efficiency < best - LEVEL:
        found.append(f"efficiency {ours.efficiency} is behind the best of the others, {best}")
    return found


def show(rows: list[Row]) -> None:
    """The table."""
    print(f"{METERS} meters, one read of {REGISTERS} registers each, {BAUD} 8N1, turnaround {TURNAROUND_MS} ms")
    print(f"theoretical cycle: {CYCLE_S:.3f} s")
    print(f"{'master':<26}{'cycle s':>9}{'efficiency':>12}{'broken':>8}{'reads':>10}{'cpu %':>7}")
    for row in rows:
        reads = f"{row.served}/{row.wanted}"
        line = f"{row.master:<26}{row.cycle_s:>9.3f}{row.efficiency:>12.4f}{row.broken_silences:>8}{reads:>10}"
        print(f"{line}{row.processor_percent:>7.1f}", flush=True)


def main() -> int:
    """Measure all masters one after the other."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.bus", description=__doc__)
    parser.add_argument("--cycles", type=int, default=3, help="rounds that are counted in each turn (default 3)")
    parser.add_argument("--json", action="store_true", help="print JSON instead of a table")
    chosen = parser.parse_args()
    rows = measure(chosen.cycles)
    missed = misses(rows)
    if chosen.json:
        print(json.dumps({"theoretical_cycle_s": CYCLE_S, "rows": [asdict(row) for row in rows], "missed": missed}))
    else:
        show(rows)
        for each in missed:
            print(f"MISSED: {each}", file=sys.stderr)
    return 1 if missed else 0


if __name__ == "__main__":
    sys.exit(main())
