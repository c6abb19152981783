"""A scan of a simulated bus: who answers, by which profile, and two meters on one id."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from edge_agent.agent.site_profiles import all_profiles
from edge_agent.bus.line import SerialLine
from edge_agent.bus.packaged import builtin_profile
from edge_agent.bus.port_holder import holders
from edge_agent.bus.scan import Scan, Scanned
from edge_agent.bus.serial_port import LineDown, SerialPort, SerialSettings
from edge_agent.bus.transaction import Pace
from edge_agent.clock import SystemClock
from provisioning.simulator import Fault, SimulatedSite
from provisioning.simulator import FaultKind as SimulatedFault
from tests.edge_agent.bus.simulated_bus import MODELS, site_of

BAUD = 115_200
UNITS = range(1, 14)


@contextmanager
def open_line(folder: Path) -> Iterator[SerialLine]:
    line = SerialLine(SerialSettings(str(folder / "tty"), baud=BAUD, late_window_ms=50), SystemClock())
    line.open()
    try:
        yield line
    finally:
        line.close()


def scan(site: SimulatedSite, folder: Path, within_ms: int = 60_000, narrow: str | None = None) -> Scanned:
    clock = SystemClock()
    told: list[str] = []
    profiles = [builtin_profile(narrow)] if narrow else all_profiles([])
    with site, open_line(folder) as line:
        until = clock.mono_ms() + within_ms
        walk = Scan(
            line, profiles, clock, told.append,
            pace=Pace(turnaround_ms=20), until_mono_ms=until, narrow=narrow is not None,
        )  # fmt: skip
        found = walk.run(UNITS)
    assert told
    assert site.buses[0].line.counters.broken_silences == 0
    return found


def test_each_meter_is_found_with_its_profile_and_number(tmp_path: Path) -> None:
    found = scan(site_of(MODELS, tmp_path, BAUD), tmp_path)
    assert found.complete
    assert found.asked == len(UNITS)
    assert [(meter.unit, meter.fits[0].profile.name, meter.fits[0].serial) for meter in found.meters] == [
        (1, "acrel_adf400l_1ph", "760000000000"),
        (5, "acrel_adf400l_3ph", "760000000001"),
        (9, "acrel_dtsy1352", "760000000002"),
    ]
    assert found.meters[1].fits[0].energy_wh // 10_000 == 100
    assert not any(meter.doubled for meter in found.meters)


def test_two_meters_on_one_id_are_told_and_not_described(tmp_path: Path) -> None:
    site = site_of(MODELS, tmp_path, BAUD)
    site.add_fault(site.meter("m1"), Fault(SimulatedFault.DUPLICATE))
    found = scan(site, tmp_path)
    assert [(meter.unit, meter.doubled) for meter in found.meters] == [(1, False), (5, True), (9, False)]
    assert found.meters[1].fits == ()
    assert found.meters[1].heard


def test_one_disturbance_is_not_taken_for_two_meters(tmp_path: Path) -> None:
    site = site_of(["dtsy1352"], tmp_path, BAUD)
    site.add_fault(site.meter("m0"), Fault(SimulatedFault.CRC, probability=0.3, seed=2))
    found = scan(site, tmp_path, narrow="acrel_dtsy1352")
    assert [meter.unit for meter in found.meters] == [1]


def test_a_scan_for_one_profile_asks_what_it_reads(tmp_path: Path) -> None:
    found = scan(site_of(MODELS, tmp_path, BAUD), tmp_path, narrow="acrel_adf400l_3ph")
    fitting = {meter.unit: [fit.profile.name for fit in meter.fits] for meter in found.meters}
    assert fitting[5] == ["acrel_adf400l_3ph"]
    assert fitting.get(1, []) == []


def test_a_scan_ends_in_time_and_says_that_it_is_not_whole(tmp_path: Path) -> None:
    found = scan(site_of(MODELS, tmp_path, BAUD), tmp_path, within_ms=150)
    assert not found.complete
    assert found.asked < len(UNITS)


HOLD = "import fcntl,os,sys,time; fd=os.open(sys.argv[1],os.O_RDWR|os.O_NOCTTY); fcntl.flock(fd,fcntl.LOCK_EX); "


def test_who_holds_a_port_is_named(tmp_path: Path) -> None:
    with site_of(["dtsy1352"], tmp_path, BAUD):
        port = str(tmp_path / "tty")
        line = [sys.executable, "-c", HOLD + "print(1, flush=True); time.sleep(60)", port]
        with subprocess.Popen(line, stdout=subprocess.PIPE, text=True) as other:
            assert other.stdout is not None
            other.stdout.readline()
            try:
                with pytest.raises(LineDown, match=rf"held by python.* \(process {other.pid}\)"):
                    SerialPort(SerialSettings(port))
                assert [holder.pid for holder in holders(port)] == [other.pid]
            finally:
                other.kill()


def test_a_lock_is_enough_to_name_a_process_whose_files_we_may_not_see(tmp_path: Path) -> None:
    port = tmp_path / "port"
    port.touch()
    status = port.stat()
    place = f"{os.major(status.st_dev):02x}:{os.minor(status.st_dev):02x}:{status.st_ino}"
    proc = tmp_path / "proc"
    (proc / "4242").mkdir(parents=True)
    (proc / "4242" / "cmdline").write_bytes(b"/opt/bin/python3\0-m\0edge_agent\0run\0--config\0x\0")
    (proc / "locks").write_text(
        f"1: FLOCK  ADVISORY  WRITE 4242 {place} 0 EOF\n1: -> FLOCK  ADVISORY  WRITE 7 {place} 0 EOF\n"
    )
    assert [str(holder) for holder in holders(str(port), proc)] == ["python3 -m edge_agent run (process 4242)"]
    assert holders(str(tmp_path / "gone"), proc) == []
