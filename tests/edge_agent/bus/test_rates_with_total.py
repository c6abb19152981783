"""Registers by rate that are to judge are read with the total, in the same errand."""

from __future__ import annotations

from pathlib import Path

import pytest

from edge_agent.bus.line import SerialLine
from edge_agent.bus.packaged import builtin_names, builtin_profile
from edge_agent.bus.serial_port import SerialSettings
from edge_agent.bus.worker import BusWorker
from edge_agent.clock import SystemClock
from edge_agent.ports import PolledMeter, ReadingReport
from protocol.meter_profile.blocks import plan_blocks, with_rates
from tests.edge_agent.bus.simulated_bus import Reports, site_of

BAUD = 115_200
WITH_RATES = [name for name in builtin_names() if builtin_profile(name).rates]


@pytest.mark.parametrize("name", WITH_RATES)
def test_every_profile_of_ours_can_be_read_so(name: str) -> None:
    together = with_rates(builtin_profile(name))
    plan = plan_blocks(together)
    assert plan.mistakes == ()
    read = {quantity.key for block in plan.enforcement for quantity in block.quantities}
    assert {rate.key for rate in together.rates.values()} <= read
    assert together.energy in plan.enforcement[0].quantities, "the total is read first"


@pytest.mark.parametrize("name", [name for name in builtin_names() if not builtin_profile(name).rates])
def test_a_meter_without_rates_is_read_as_ever(name: str) -> None:
    assert with_rates(builtin_profile(name)) == builtin_profile(name)


@pytest.mark.parametrize("model", ["adf400l_1ph", "adf400l_3ph", "dtsy1352"])
def test_a_reading_carries_both(tmp_path: Path, model: str) -> None:
    site, clock, reports = site_of([model], tmp_path, BAUD), SystemClock(), Reports()
    polled = [PolledMeter("m0", 1, with_rates(builtin_profile(f"acrel_{model}")))]
    line = SerialLine(SerialSettings(str(tmp_path / "tty"), baud=BAUD, late_window_ms=150), clock)
    worker = BusWorker("A1-1", line, polled, reports.queue, clock, lambda: 0.5)
    with site:
        site.set_energy_wh(site.meter("m0"), 1_234_560)
        worker.start()
        try:
            reading = reports.await_one(ReadingReport).reading
        finally:
            assert worker.stop()
    assert set(reading.rates_raw_wh) == set(polled[0].profile.rates)
    assert abs(sum(reading.rates_raw_wh.values()) - reading.raw_wh) <= 50
