"""The agent's bus worker in a process of its own: `python -m benchmarks.gateway.ours TTY PERIOD_MS`; a line a reading.

All of the agent is loaded, so that its memory is counted; store and exchange with the centre are measured elsewhere
(`benchmarks.agent`), since the peer's are of another kind.
"""

import subprocess
import sys
import threading
from dataclasses import replace
from pathlib import Path
from types import TracebackType
from typing import Self

import edge_agent.agent.run
from benchmarks.bus.theory import BAUD, REGISTERS, UNITS
from edge_agent.bus.line import SerialLine
from edge_agent.bus.packaged import builtin_profile
from edge_agent.bus.serial_port import SerialSettings
from edge_agent.bus.worker import BusWorker
from edge_agent.clock import SystemClock
from edge_agent.ports import BusReport, PolledMeter, ReadingReport

LOADED = edge_agent.agent.run.__name__


class OurAgent:
    """The process, and how many readings it has told."""

    def __init__(self, tty: Path, period_ms: int) -> None:
        command = [sys.executable, "-m", "benchmarks.gateway.ours", str(tty), str(period_ms)]
        self.process = subprocess.Popen(command, stdout=subprocess.PIPE)
        self.served = 0
        threading.Thread(target=self._count, daemon=True).start()

    def _count(self) -> None:
        assert self.process.stdout is not None
        for _ in self.process.stdout:
            self.served += 1

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.process.kill()
        self.process.wait()


class _Teller:
    """A line for each reading; satisfies `ReportSink`."""

    def put(self, report: BusReport) -> None:
        """Called on the worker's thread."""
        if isinstance(report, ReadingReport):
            sys.stdout.write(f"{report.reading.meter}\n")
            sys.stdout.flush()


def main() -> int:
    """Poll until killed."""
    tty, period_ms = sys.argv[1:]
    profile = replace(builtin_profile("acrel_adf400l_3ph"), relay=None, serial=None, quantities={}, rates={})
    profile = replace(profile, enforcement=("raw_wh",), read_multiple=REGISTERS, longest_read=REGISTERS)
    meters = [PolledMeter(f"m{unit}", unit, profile, poll_ms=int(period_ms)) for unit in UNITS]
    clock = SystemClock()
    worker = BusWorker(
        "bench", SerialLine(SerialSettings(tty, baud=BAUD), clock), meters, _Teller(), clock, lambda: 0.5
    )
    worker.start()
    threading.Event().wait()
    return 0


if __name__ == "__main__":
    sys.exit(main())
