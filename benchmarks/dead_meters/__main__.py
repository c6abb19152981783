"""`python -m benchmarks.dead_meters [--seconds N] [--json]`: two dead meters of twenty, and relay orders on a busy bus.

The round of the eighteen that live is measured alone, and again with the two that are dead beside them, in steady
state: when their pauses have grown to the most. Then relays are ordered at any moment of a transaction. Exit code 1
when the dead cost more than 2 % of a cycle, an order waits longer than for the running transaction, or a silence is
broken.
"""

import argparse
import json
import queue
import random
import statistics
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from benchmarks.bus.simulator import BUS, SimulatedBusProcess
from benchmarks.bus.theory import BAUD, CHARACTER_S, METERS, SILENCE_CHARACTERS, TURNAROUND_MS
from edge_agent.bus.line import SerialLine
from edge_agent.bus.packaged import builtin_profile
from edge_agent.bus.serial_port import SerialSettings
from edge_agent.bus.transaction import Pace
from edge_agent.bus.verdict import LineFault, Reply
from edge_agent.bus.worker import BusWorker
from edge_agent.clock import SystemClock
from edge_agent.core.measured import RelayOrdered
from edge_agent.ports import BusReport, CycleDone, PolledMeter, RelayOrder, RelayReport
from protocol.meter_profile.frames import Request

MODEL = "dtsy1352"
PROFILE = "acrel_dtsy1352"
DEAD = 2
COST_PERCENT_MAX = 2.0
SETTLE_S = 100.0
"""3 tries in the round, then pauses of 2, 4, 8, 16, 32 s and 60 from there on, each up to a quarter longer."""
ORDERS = 40
WRITE_CHARACTERS = 13
"""The order's own frame: two registers by function 16."""
MARGIN_S = 0.02
"""For a busy machine, on which two threads of Python take turns."""


@dataclass(frozen=True)
class Result:
    """Mean seconds of a cycle; what the dead cost; seconds from an order until its frame was whole on the wire.

    The cost is what the questions to the dead take of the line's time, in percent of what those to the live take: so
    other work on the machine, which stretches both, does not count as theirs.
    """

    alone_cycle_s: float
    beside_dead_cycle_s: float
    cost_percent: float
    order_median_s: float
    order_worst_s: float
    transaction_worst_s: float
    broken_silences: int


class TimedLine(SerialLine):
    """The line master, with a watch on each unit."""

    def __init__(self, settings: SerialSettings, clock: SystemClock) -> None:
        super().__init__(settings, clock)
        self.spent_s: dict[int, float] = {}

    def transact(self, request: Request, pace: Pace) -> Reply | LineFault:
        """Ask, and note how long the line was taken."""
        began_s = time.monotonic()
        try:
            return super().transact(request, pace)
        finally:
            self.spent_s[request.unit] = self.spent_s.get(request.unit, 0.0) + time.monotonic() - began_s


class Bus:
    """A worker on a simulated bus, which is a process of its own so that neither slows the other."""

    def __init__(self, simulated: SimulatedBusProcess) -> None:
        self.simulated = simulated
        self.clock = SystemClock()
        self.reports: queue.SimpleQueue[BusReport] = queue.SimpleQueue()
        self.polled = [PolledMeter(f"m{unit}", unit, builtin_profile(PROFILE)) for unit in range(1, METERS + 1)]
        self.line = TimedLine(SerialSettings(str(simulated.tty), baud=BAUD), self.clock)
        live = self.polled[:-DEAD]
        self.worker = BusWorker("bench", self.line, live, self.reports, self.clock, random.SystemRandom().random)

    def mean_cycle_s(self, seconds: float) -> float:
        """Of all cycles that end within so many seconds."""
        self._forget()
        ends = [self._next(CycleDone).at_mono_ms / 1_000]
        while ends[-1] - ends[0] < seconds:
            ends.append(self._next(CycleDone).at_mono_ms / 1_000)
        return (ends[-1] - ends[0]) / (len(ends) - 1)

    def dead_share(self, seconds: float) -> tuple[float, float]:
        """Mean seconds of a cycle, and what the dead take of the line's time beside the others."""
        before = dict(self.line.spent_s)
        cycle_s = self.mean_cycle_s(seconds)
        spent = {unit: spent_s - before.get(unit, 0.0) for unit, spent_s in self.line.spent_s.items()}
        dead = {meter.unit for meter in self.polled[-DEAD:]}
        dead_s = sum(spent_s for unit, spent_s in spent.items() if unit in dead)
        return cycle_s, dead_s / (sum(spent.values()) - dead_s)

    def order_s(self, meter: str, wanted: RelayOrdered) -> float:
        """From an order, given at any moment, until its frame was whole on the wire."""
        self.simulated.do("log_take", bus=BUS)
        given_ns = time.monotonic_ns()
        self.worker.order_relay(RelayOrder(f"{meter}{given_ns}", meter, wanted, self.clock.mono_ms() + 10_000))
        self._next(RelayReport)
        asked = self.simulated.do("log_take", bus=BUS)["exchanges"]
        written = next(each for each in asked if each["at_ns"] > given_ns and each["request"][2:4] == "10")
        return float(written["at_ns"] - given_ns) / 1e9

    def _next(self, kind: type[Any]) -> Any:
        while not isinstance(report := self.reports.get(timeout=30), kind):
            continue
        return report

    def _forget(self) -> None:
        while not self.reports.empty():
            self.reports.get()


def _meters() -> list[dict[str, Any]]:
    return [
        {
            "id": f"m{unit}", "model": MODEL, "unit": unit, "serial": f"{760_000_000_000 + unit}", "energy_wh": 0,
            "load": {"kind": "constant", "watts": 2_000}, "point": f"shop {unit}", "turnaround_ms": TURNAROUND_MS,
        }
        for unit in range(1, METERS + 1)
    ]  # fmt: skip


def measure(seconds: float) -> Result:
    """All of it, on one bus."""
    with (
        tempfile.TemporaryDirectory(prefix="tb") as folder,
        SimulatedBusProcess(Path(folder), _meters()) as simulated,
    ):
        bus = Bus(simulated)
        bus.worker.start()
        time.sleep(5)
        alone_s = bus.mean_cycle_s(seconds)
        for meter in bus.polled[-DEAD:]:
            simulated.do("lose", meter=meter.meter)
        bus.worker.reconfigure(bus.polled)
        time.sleep(SETTLE_S)
        beside_s, share = bus.dead_share(seconds)
        simulated.do("log", bus=BUS, on=True)
        orders = _orders(bus)
        bus.worker.stop()
        broken = simulated.counters()["broken_silences"]
    return Result(
        alone_cycle_s=round(alone_s, 4),
        beside_dead_cycle_s=round(beside_s, 4),
        cost_percent=round(100 * share, 2),
        order_median_s=round(statistics.median(orders), 4),
        order_worst_s=round(max(orders), 4),
        transaction_worst_s=round(_longest_s(bus.polled), 4),
        broken_silences=broken,
    )


def _orders(bus: Bus) -> list[float]:
    """Relays opened and closed at any moment."""
    chance = random.Random(1)
    taken = []
    for number in range(ORDERS):
        time.sleep(chance.uniform(0.05, 0.4))
        wanted = RelayOrdered.CLOSED if number % 2 else RelayOrdered.OPEN
        taken.append(bus.order_s(f"m{chance.randint(1, METERS - DEAD)}", wanted))
    return taken


def _longest_s(meters: Sequence[PolledMeter]) -> float:
    """The running transaction at its longest, a question to a dead meter, and the order's own frame behind it."""
    silent_s = 8 * CHARACTER_S + meters[0].profile.turnaround_ms / 1_000 + 0.05
    return silent_s + (WRITE_CHARACTERS + 2 * SILENCE_CHARACTERS) * CHARACTER_S


def misses(result: Result) -> list[str]:
    """What is owed; empty when the gate is passed."""
    found = []
    if result.cost_percent > COST_PERCENT_MAX:
        found.append(f"the dead cost {result.cost_percent} % of a cycle; at most {COST_PERCENT_MAX}")
    if result.order_worst_s > result.transaction_worst_s + MARGIN_S:
        found.append(f"an order waited {result.order_worst_s} s; a transaction takes {result.transaction_worst_s} s")
    if result.broken_silences:
        found.append(f"{result.broken_silences} silences broken; none may be")
    return found


def main() -> int:
    """Measure, print, judge."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.dead_meters", description=__doc__)
    parser.add_argument("--seconds", type=float, default=120.0, help="how long to look at each (120)")
    parser.add_argument("--json", action="store_true", help="one JSON object instead of a table")
    chosen = parser.parse_args()
    result = measure(chosen.seconds)
    owed = misses(result)
    if chosen.json:
        print(json.dumps({**asdict(result), "missed": owed}))
    else:
        print(f"{METERS} meters, {DEAD} of them dead, 9600 8N1")
        share = result.cost_percent / COST_PERCENT_MAX
        print(f"cycle of {METERS - DEAD} alone      {result.alone_cycle_s:8.3f} s")
        print(f"with {DEAD} dead beside them {result.beside_dead_cycle_s:8.3f} s")
        print(f"the dead cost           {result.cost_percent:8} % of a cycle: {share:.2f} of the limit")
        ratio = result.order_worst_s / result.transaction_worst_s
        print(f"an order on the wire    {result.order_median_s:8.3f} s in the median, {result.order_worst_s:.3f} s at "
              f"worst: {ratio:.2f} of a running transaction and the order itself")  # fmt: skip
        print(f"broken silences         {result.broken_silences:8}")
    for text in owed:
        print(f"MISSED: {text}", file=sys.stderr)
    return 1 if owed else 0


if __name__ == "__main__":
    sys.exit(main())
