"""`python -m benchmarks.gateway [--seconds N] [--environment DIR] [--json]`: reads served, bus time, memory, processor.

Each program polls twenty meters on a strict bus, one block of 60 registers from each every four seconds; the line
itself would allow one every 3.02 s. Exit code 1 when ours serves fewer than the peer, or breaks a silence. Where the
package cannot be had, that is said, and ours is measured alone.
"""

import argparse
import json
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path

import psutil

from benchmarks.bus.simulator import SimulatedBusProcess
from benchmarks.bus.theory import METERS, READ_S, REGISTERS
from benchmarks.gateway.mqtt_sink import MqttSink
from benchmarks.gateway.ours import OurAgent
from benchmarks.gateway.peer import PACKAGE, NotInstalled, install, start

OURS = "edge-agent, bus worker"
PERIOD_MS = 4_000
OUR_WARM_UP_S = 5.0
WARM_UP_S = 25.0
"""The peer takes some ten seconds to connect; neither is measured while it starts."""


@dataclass(frozen=True)
class Row:
    """One program's minute. `bus_percent`: what its questions and their answers take of the line's time."""

    program: str
    served: int
    wanted: int
    asked: int
    broken_silences: int
    bus_percent: float
    processor_percent: float
    memory_mib: float
    threads: int

    @property
    def served_percent(self) -> float:
        """Of the reads that were wanted."""
        return round(100 * self.served / self.wanted, 1)


@dataclass(frozen=True)
class Running:
    """A program that is measured: how its process is found, and how many reads it has served until now."""

    name: str
    pid: int
    served: Callable[[], int]
    warm_up_s: float


def measure_ours(seconds: float, folder: Path) -> Row:
    """The agent's bus worker in a process of its own."""
    with SimulatedBusProcess(folder) as bus, OurAgent(bus.tty, PERIOD_MS) as ours:
        return _measured(Running(OURS, ours.process.pid, lambda: ours.served, OUR_WARM_UP_S), bus, seconds)


def measure_peer(seconds: float, folder: Path, environment: Path) -> Row:
    """The gateway. Raises NotInstalled."""
    python = install(environment)
    with SimulatedBusProcess(folder) as bus, MqttSink() as sink:
        process = start(python, folder / "gateway", bus.tty, sink.port, PERIOD_MS)
        try:
            return _measured(Running(PACKAGE, process.pid, lambda: sum(sink.values.values()), WARM_UP_S), bus, seconds)
        finally:
            process.kill()
            process.wait()


def _measured(program: Running, bus: SimulatedBusProcess, seconds: float) -> Row:
    time.sleep(program.warm_up_s)
    process = psutil.Process(program.pid)
    before, served, spent, began_s = bus.counters(), program.served(), process.cpu_times(), time.monotonic()
    time.sleep(seconds)
    took_s = time.monotonic() - began_s
    after, spent_after = bus.counters(), process.cpu_times()
    used_s = spent_after.user + spent_after.system - spent.user - spent.system
    asked = after["requests"] - before["requests"] + after["broken_silences"] - before["broken_silences"]
    return Row(
        program=program.name,
        served=program.served() - served,
        wanted=round(METERS * took_s * 1_000 / PERIOD_MS),
        asked=asked,
        broken_silences=after["broken_silences"] - before["broken_silences"],
        bus_percent=round(100 * asked * READ_S / took_s, 1),
        processor_percent=round(100 * used_s / took_s, 1),
        memory_mib=round(process.memory_info().rss / 2**20, 1),
        threads=process.num_threads(),
    )


def show(rows: list[Row]) -> None:
    """The table."""
    print(f"{METERS} meters, {REGISTERS} registers of each every {PERIOD_MS / 1_000:g} s, 9600 8N1, strict bus")
    print(f"{'program':<30}{'served':>12}{'%':>7}{'broken':>8}{'bus %':>7}{'cpu %':>7}{'MiB':>7}{'threads':>9}")
    for row in rows:
        reads = f"{row.served}/{row.wanted}"
        line = f"{row.program:<30}{reads:>12}{row.served_percent:>7}{row.broken_silences:>8}{row.bus_percent:>7}"
        print(f"{line}{row.processor_percent:>7}{row.memory_mib:>7}{row.threads:>9}")
    if len(rows) > 1 and rows[1].served:
        print(f"ours serves {rows[0].served_percent / rows[1].served_percent:.2f} times as many of the wanted reads")


def misses(rows: list[Row]) -> list[str]:
    """What our row owes; empty when the gate is passed."""
    ours = rows[0]
    found = [f"{ours.broken_silences} silences broken; none may be"] if ours.broken_silences else []
    if ours.served_percent < 99:
        found.append(f"{ours.served} of {ours.wanted} reads")
    if any(row.served_percent > ours.served_percent for row in rows[1:]):
        found.append("the peer serves more")
    return found


def main() -> int:
    """Measure both, one after the other."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.gateway", description=__doc__)
    parser.add_argument("--seconds", type=float, default=60.0, help="how long to look at each (60)")
    parser.add_argument("--environment", type=Path, help="an environment to install the peer in (else a new one)")
    parser.add_argument("--json", action="store_true", help="print JSON instead of a table")
    chosen = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="tb") as folder:
        place = Path(folder)
        for name in ("ours", "peer"):
            (place / name).mkdir()
        rows, absent = [measure_ours(chosen.seconds, place / "ours")], ""
        try:
            rows.append(measure_peer(chosen.seconds, place / "peer", chosen.environment or place / "environment"))
        except NotInstalled as fault:
            absent = str(fault)
    owed = misses(rows)
    if chosen.json:
        print(json.dumps({"rows": [asdict(row) for row in rows], "absent": absent, "missed": owed}))
    else:
        show(rows)
        if absent:
            print(f"not measured: {PACKAGE} could not be installed: {absent}")
    for each in owed:
        print(f"MISSED: {each}", file=sys.stderr)
    return 1 if owed else 0


if __name__ == "__main__":
    sys.exit(main())
