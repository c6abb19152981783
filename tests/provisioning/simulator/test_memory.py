"""What a meter has told survives the simulator's death: the file, and a kill in the middle of work."""

import os
import signal
import struct
import sys
import threading
import time
from pathlib import Path

import pytest

from provisioning.simulator import SimulatedSite, SiteMistakes
from provisioning.simulator.memory import SLOT_BYTES, MemoryDamaged, MemoryFile
from tests.provisioning.simulator.master import Master
from tests.provisioning.simulator.meters import Bench
from tests.provisioning.simulator.sites import FAST_BAUD, meter, site


def reopened(bench: Bench, folder: Path) -> Bench:
    """The same meter in a simulator that was started anew, a day later."""
    bench.clock.ms += 86_400_000
    return Bench(folder, bench.description.model, watts=0, clock=bench.clock)


def test_all_that_a_meter_holds_comes_back(tmp_path: Path) -> None:
    bench = Bench(tmp_path, "adf400l_1ph", watts=3600)
    bench.write(0x0501, *(0, 77) * 4, 0, 900, 0, 100)
    bench.write(0x050D, 0, 5000, 1)
    bench.write(0x0500, 1)
    bench.wait(1000)
    bench.write(0x0801, 0x0100)
    bench.write(0x090B, 0, 5 << 8, 1 << 8 | 1, 30 << 8)
    blocks = [(0x0306, 27), (0x0400, 48), (0x0500, 18), (0x0801, 1), (0x1B00, 10)]
    told = [bench.read(*block) for block in blocks]
    again = reopened(bench, tmp_path)
    assert [again.read(*block) for block in blocks] == told
    assert not again.meter.contact_closed
    assert again.read(0x090E, 1) == (30 << 8,)


def test_a_meter_opened_by_its_own_account_is_open_after_a_restart(tmp_path: Path) -> None:
    bench = Bench(tmp_path, "adf400l_1ph", watts=3600)
    bench.write(0x050D, 0, 10, 1)
    bench.write(0x0500, 1)
    bench.wait(10_000)
    bench.read(0x030A, 2)
    assert reopened(bench, tmp_path).meter.why() == "released, arrears"


def test_nothing_flows_while_the_simulator_is_away(tmp_path: Path) -> None:
    bench = Bench(tmp_path, "dtsy1352", watts=10_000)
    bench.wait(3600)
    assert bench.read32(0x0000) == 1000
    bench.clock.ms += 3_600_000
    again = Bench(tmp_path, "dtsy1352", watts=10_000, clock=bench.clock)
    assert again.read32(0x0000) == 1000


def test_the_file_does_not_grow(tmp_path: Path) -> None:
    bench = Bench(tmp_path, "adf400l_1ph", watts=3600)
    for count in range(1, 60):
        bench.wait(100)
        bench.write(0x050D, 0xFFFF, 0xFFFF, count)
    files = [path for path in tmp_path.iterdir() if path.suffix == ".memory"]
    assert [path.stat().st_size for path in files] == [2 * SLOT_BYTES]


@pytest.mark.parametrize("torn_at", [0, 5, 20, 300, 900])
def test_a_torn_write_leaves_the_copy_before(tmp_path: Path, torn_at: int) -> None:
    bench = Bench(tmp_path, "dtsy1352", watts=3600)
    path = next(path for path in tmp_path.iterdir() if path.suffix == ".memory")
    for _ in range(2):
        bench.wait(1000)
        bench.read32(0x0000)
    raw = bytearray(path.read_bytes())
    slots = [struct.unpack_from(">Q", raw, slot * SLOT_BYTES)[0] for slot in (0, 1)]
    newest = slots.index(max(slots)) * SLOT_BYTES
    raw[newest + torn_at : newest + SLOT_BYTES] = bytes(SLOT_BYTES - torn_at)
    path.write_bytes(raw)
    again = MemoryFile(path).load()
    assert again is not None
    assert again.total_energy_uj == 3_600_000 * 1_000_000


def test_a_file_with_no_whole_copy_is_refused_and_not_overwritten(tmp_path: Path) -> None:
    bench = Bench(tmp_path, "dtsy1352")
    bench.meter.close()
    path = next(path for path in tmp_path.iterdir() if path.suffix == ".memory")
    damaged = bytes(byte ^ 0xFF for byte in path.read_bytes())
    path.write_bytes(damaged)
    with pytest.raises(MemoryDamaged, match="neither copy is whole"):
        Bench(tmp_path, "dtsy1352")
    assert path.read_bytes() == damaged


def test_a_meter_that_became_another_model_is_refused(tmp_path: Path) -> None:
    Bench(tmp_path, "dtsy1352").meter.close()
    with pytest.raises(MemoryDamaged, match="was a dtsy1352 and is a adf400l_1ph now"):
        Bench(tmp_path, "adf400l_1ph")


def test_two_simulators_on_one_folder_are_refused(tmp_path: Path) -> None:
    described = site(tmp_path, meter("m", "dtsy1352", 1))
    with SimulatedSite(described, tmp_path / "state"), pytest.raises(SiteMistakes, match="another simulator"):
        SimulatedSite(described, tmp_path / "state")
    with SimulatedSite(described, tmp_path / "state") as running:
        assert running.bus("A1").tty.is_symlink()


def _serve(folder: Path, ready_fd: int) -> None:
    described = site(folder, meter("m", "adf400l_1ph", 1, watts=30_000))
    running = SimulatedSite(described, folder / "state", speed=500)
    running.start()
    os.write(ready_fd, b"r")
    threading.Event().wait()


def test_no_told_register_is_taken_back_by_a_kill(tmp_path: Path) -> None:
    told = 0
    for _ in range(4):
        ready, ready_child = os.pipe()
        child = os.posix_spawn(
            sys.executable,
            [
                sys.executable,
                "-c",
                "import sys; from pathlib import Path; "
                "from tests.provisioning.simulator.test_memory import _serve; "
                "_serve(Path(sys.argv[1]), int(sys.argv[2]))",
                str(tmp_path),
                str(ready_child),
            ],
            {**os.environ, "PYTHONPATH": str(Path(__file__).parents[3])},
            file_actions=[(os.POSIX_SPAWN_DUP2, ready_child, ready_child)],
        )
        os.close(ready_child)
        try:
            assert os.read(ready, 1) == b"r"
            with Master(tmp_path / "A1", FAST_BAUD) as master:
                ends = time.monotonic() + 0.4
                while time.monotonic() < ends:
                    now = master.read32(1, 0x0306)
                    assert now >= told
                    told = now
        finally:
            os.kill(child, signal.SIGKILL)
            os.waitpid(child, 0)
            os.close(ready)
    # 30 kW five hundred times as fast: some 400 counts in the time that it ran.
    assert told > 300
