"""A simulated bus in this process with a worker on it, and a place where its reports arrive."""

from __future__ import annotations

import queue
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, TypeVar

from edge_agent.bus.line import SerialLine
from edge_agent.bus.packaged import builtin_profile
from edge_agent.bus.serial_port import SerialSettings
from edge_agent.bus.worker import BusWorker
from edge_agent.clock import SystemClock
from edge_agent.core.polling import PollingLimits
from edge_agent.ports import BusReport, PolledMeter
from provisioning.simulator import SimulatedBus, SimulatedMeter, SimulatedSite

MODELS = ("adf400l_1ph", "adf400l_3ph", "dtsy1352")
LATE_WINDOW_MS = 150
TURNAROUND_MS = 20
"""Ten times that of the simulated meters; ours allow real ones more, and a test would wait for it."""
REPORT_WITHIN_S = 20.0
R = TypeVar("R", bound=BusReport)


@dataclass
class Reports:
    """Everything that a worker said, in order; tests wait for what they want to hear."""

    queue: queue.SimpleQueue[BusReport] = field(default_factory=queue.SimpleQueue)
    heard: list[BusReport] = field(default_factory=list)

    def await_one(self, kind: type[R], fits: Callable[[R], bool] = lambda _: True) -> R:
        """The next report of that kind that fits."""
        deadline = time.monotonic() + REPORT_WITHIN_S
        while True:
            report = self.queue.get(timeout=max(0.001, deadline - time.monotonic()))
            self.heard.append(report)
            if isinstance(report, kind) and fits(report):
                return report

    def all_of(self, kind: type[R]) -> list[R]:
        """What was heard of a kind until now."""
        while not self.queue.empty():
            self.heard.append(self.queue.get())
        return [report for report in self.heard if isinstance(report, kind)]


@dataclass
class SimulatedStreet:
    """A bus at work."""

    site: SimulatedSite
    worker: BusWorker
    reports: Reports
    clock: SystemClock
    polled: list[PolledMeter]

    @property
    def bus(self) -> SimulatedBus:
        """The simulated line."""
        return self.site.buses[0]

    def meter(self, name: str) -> SimulatedMeter:
        """A simulated meter."""
        return self.site.meter(name)


def meter_entry(number: int, model: str, unit: int, watts: float = 2_000) -> dict[str, Any]:
    """One meter of the site file."""
    return {
        "id": f"m{number}",
        "model": model,
        "unit": unit,
        "serial": f"{760_000_000_000 + number}",
        "energy_wh": 1_000_000 * number,
        "load": {"kind": "constant", "watts": watts},
        "point": f"shop {number}",
        "turnaround_ms": 2,
    }


def site_of(models: Sequence[str], folder: Path, baud: int, watts: float = 2_000, **bus: Any) -> SimulatedSite:
    """A site with one bus; units are four apart, since a three-phase user takes three."""
    meters = [meter_entry(number, model, 1 + 4 * number, watts) for number, model in enumerate(models)]
    entry = {"name": "A1-1", "tty": str(folder / "tty"), "baud": baud, "meters": meters, **bus}
    return SimulatedSite({"buses": [entry]}, folder / "memory")


def polled_meters(site: SimulatedSite, poll_ms: int = 0) -> list[PolledMeter]:
    """The meters of a site's first bus as the agent knows them."""
    return [
        PolledMeter(
            each.description.id,
            each.description.unit,
            replace(builtin_profile(f"acrel_{each.description.model}"), turnaround_ms=TURNAROUND_MS),
            poll_ms=poll_ms,
            detail_ms=5_000,
        )
        for each in site.buses[0].meters
    ]


@contextmanager
def simulated_street(
    folder: Path,
    models: Sequence[str] = MODELS,
    *,
    baud: int = 115_200,
    limits: PollingLimits | None = None,
    echo: bool = False,
    poll_ms: int = 0,
    started: bool = True,
) -> Iterator[SimulatedStreet]:
    """Meters m0, m1, ... on one bus, being polled."""
    site = site_of(models, folder, baud, echo=echo)
    clock = SystemClock()
    reports = Reports()
    settings = SerialSettings(str(folder / "tty"), baud=baud, local_echo=echo, late_window_ms=LATE_WINDOW_MS)
    polled = polled_meters(site, poll_ms)
    worker = BusWorker("A1-1", SerialLine(settings, clock), polled, reports.queue, clock, lambda: 0.5, limits)
    street = SimulatedStreet(site, worker, reports, clock, polled)
    with site:
        if started:
            worker.start()
        try:
            yield street
        finally:
            assert worker.stop(), "the worker did not end"
