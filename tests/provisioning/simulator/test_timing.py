"""A real pty at line speed: how long a reply takes, what happens to a master that does not keep the silence."""

import time
from pathlib import Path

import pytest

from provisioning.simulator import SimulatedSite
from tests.provisioning.simulator.master import Master, framed, read_frame
from tests.provisioning.simulator.sites import meter, site


@pytest.mark.parametrize(("baud", "turnaround_ms"), [(9600, 5), (19200, 0), (115200, 5), (1200, 20)])
def test_a_reply_takes_its_time_on_the_line(tmp_path: Path, baud: int, turnaround_ms: int) -> None:
    registers = 6 if baud == 1200 else 30
    described = site(tmp_path, meter("m", "adf400l_1ph", 1, turnaround_ms=turnaround_ms), baud=baud)
    floor_s = (8 + 3.5 + 5 + 2 * registers) * 10 / baud + turnaround_ms / 1000
    taken: list[float] = []
    with SimulatedSite(described, tmp_path / "state") as running, Master(running.bus("A1").tty, baud) as master:
        for _ in range(3 if baud == 1200 else 12):
            master.keep_silence()
            begin = time.monotonic()
            master.send(read_frame(1, 0x0300, registers))
            assert len(master.receive(5 + 2 * registers)) == 5 + 2 * registers
            taken.append(time.monotonic() - begin)
        assert running.bus("A1").line.counters.broken_silences == 0
    assert min(taken) >= floor_s
    # A machine that is busy wakes up late now and then; the best one tells the simulator's own part.
    assert min(taken) / floor_s < 1.03 + 0.001 / floor_s


LOOKS = 5
SILENCE_S = 0.02


def test_the_bytes_come_one_after_another(tmp_path: Path) -> None:
    described = site(tmp_path, meter("m", "adf400l_1ph", 1), baud=9600)
    spreads = []
    with SimulatedSite(described, tmp_path / "state") as running, Master(running.bus("A1").tty) as master:
        for _ in range(LOOKS):
            begin = time.monotonic()
            master.send(read_frame(1, 0x0300, 30))
            master.receive(12)
            after_12 = time.monotonic() - begin
            master.receive(53)
            spreads.append(time.monotonic() - begin - after_12)
            assert after_12 >= (8 + 3.5 + 12) * 10 / 9600
            time.sleep(SILENCE_S)
    assert max(spreads) > 0.8 * 53 * 10 / 9600, "a reader that is late sees them together; not each time"


def test_a_master_that_keeps_no_silence_loses_its_requests(tmp_path: Path) -> None:
    described = site(tmp_path, meter("m", "adf400l_1ph", 1), baud=9600)
    with SimulatedSite(described, tmp_path / "state") as running, Master(running.bus("A1").tty) as master:
        frame = read_frame(1, 0x0300, 1)
        lost = 0
        for _ in range(8):
            assert len(master.ask(frame, 7)) == 7
            master.send(frame)
            lost += master.receive(7, 0.1) == b""
        counters = running.bus("A1").line.counters
    assert counters.broken_silences == lost
    assert counters.replies == 16 - lost
    # On a busy machine this process itself may pause for a silence between two lines; mostly it does not.
    assert lost >= 4


def test_a_master_at_another_speed_is_not_heard(tmp_path: Path) -> None:
    described = site(tmp_path, meter("m", "adf400l_1ph", 1), baud=9600)
    with SimulatedSite(described, tmp_path / "state") as running:
        with Master(running.bus("A1").tty, 19200) as master:
            assert master.ask(read_frame(1, 0x0300, 1), 7, 0.1) == b""
        assert running.bus("A1").line.counters.wrong_baud == 1
        with Master(running.bus("A1").tty, 9600) as master:
            assert len(master.ask(read_frame(1, 0x0300, 1), 7)) == 7


def test_wrong_crc_and_other_units_are_met_with_silence(tmp_path: Path) -> None:
    described = site(tmp_path, meter("m", "adf400l_1ph", 1))
    with SimulatedSite(described, tmp_path / "state") as running, Master(running.bus("A1").tty, 115200) as master:
        good = read_frame(1, 0x0300, 1)
        assert master.ask(good[:-1] + bytes((good[-1] ^ 1,)), 7, 0.05) == b""
        assert master.ask(read_frame(2, 0x0300, 1), 7, 0.05) == b""
        assert running.bus("A1").line.counters.bad_crc == 1
        assert len(master.ask(good, 7)) == 7


def test_a_broadcast_is_carried_out_and_not_answered(tmp_path: Path) -> None:
    described = site(tmp_path, meter("a", "adf400l_1ph", 1), meter("b", "adf400l_1ph", 2))
    with SimulatedSite(described, tmp_path / "state") as running, Master(running.bus("A1").tty, 115200) as master:
        write = framed(bytes.fromhex("00 10 08 01 00 01 02 01 00"))
        assert master.ask(write, 8, 0.05) == b""
        assert [each.contact_closed for each in running.meters()] == [False, False]


def test_local_echo_and_a_slow_adapter(tmp_path: Path) -> None:
    described = site(tmp_path, meter("m", "adf400l_1ph", 1), baud=9600, echo=True, latency_ms=16)
    frame = read_frame(1, 0x0300, 10)
    with SimulatedSite(described, tmp_path / "state") as running, Master(running.bus("A1").tty) as master:
        begin = time.monotonic()
        reply = master.ask(frame, 8 + 25)
        taken_s = time.monotonic() - begin - 4 * master.character_s
    assert reply[:8] == frame
    assert reply[8:] == framed(reply[8:-2])
    # Fifteen bytes in the first latency, ten in the second, which runs to its end.
    assert taken_s >= (8 + 3.5 + 15) * 10 / 9600 + 0.016


def test_an_adapter_that_vanishes_and_returns(tmp_path: Path) -> None:
    described = site(tmp_path, meter("m", "adf400l_1ph", 1))
    with SimulatedSite(described, tmp_path / "state") as running:
        bus = running.bus("A1")
        with Master(bus.tty, 115200) as master:
            assert len(master.ask(read_frame(1, 0x0300, 1), 7)) == 7
            bus.unplug()
            assert not bus.tty.is_symlink()
            with pytest.raises(OSError, match="Input/output error"):
                master.ask(read_frame(1, 0x0300, 1), 7)
        bus.plug()
        with Master(bus.tty, 115200) as master:
            assert len(master.ask(read_frame(1, 0x0300, 1), 7)) == 7
        assert bus.line.counters.replies == 2
