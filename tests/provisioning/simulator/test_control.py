"""The simulator as its own process, steered through its socket."""

import json
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.provisioning.simulator.master import Master, read_frame
from tests.provisioning.simulator.sites import FAST_BAUD, meter, site

REPOSITORY = Path(__file__).parents[3]


class Simulator:
    """The process, and a connection to its socket."""

    def __init__(self, folder: Path, *options: str) -> None:
        self.folder = folder
        self.tty = folder / "A1"
        self.control = folder / "control.sock"
        self.process = subprocess.Popen(
            [
                *(sys.executable, "-m", "provisioning.simulator", "--site", str(folder / "site.json")),
                *("--state", str(folder / "state"), "--control", str(self.control), *options),
            ],
            cwd=REPOSITORY,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    def ready(self) -> dict[str, Any]:
        """Its first line."""
        assert self.process.stdout is not None
        line: dict[str, Any] = json.loads(self.process.stdout.readline())
        self.connection = socket.socket(socket.AF_UNIX)
        self.connection.connect(str(self.control))
        self.answers = self.connection.makefile("r", encoding="utf-8")
        return line

    def raw(self, line: str) -> dict[str, Any]:
        """One line out, one line in."""
        self.connection.sendall(line.encode() + b"\n")
        reply: dict[str, Any] = json.loads(self.answers.readline())
        return reply

    def do(self, op: str, **keys: object) -> dict[str, Any]:
        """A request that must succeed."""
        reply = self.raw(json.dumps({"op": op, **keys}))
        assert reply.pop("ok"), reply
        return reply

    def meter(self, name: str) -> dict[str, Any]:
        """What status tells of a meter."""
        (found,) = [each for bus in self.do("status")["buses"] for each in bus["meters"] if each["id"] == name]
        return dict(found)

    def end(self, number: int = signal.SIGTERM) -> int:
        """Stop it; its exit code."""
        if hasattr(self, "connection"):
            self.answers.close()
            self.connection.close()
        if self.process.poll() is None:
            self.process.send_signal(number)
        self.process.communicate(timeout=60)
        return self.process.returncode


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    described = site(
        tmp_path,
        meter("a", "adf400l_1ph", 1, watts=1000, energy_wh=50_000, point="面馆"),
        meter("b", "dtsy1352", 2, watts=2000),
    )
    (tmp_path / "site.json").write_text(json.dumps(described), encoding="utf-8")
    return tmp_path


@pytest.fixture
def simulator(folder: Path) -> Iterator[Simulator]:
    simulator = Simulator(folder)
    assert simulator.ready() == {"ready": True, "pid": simulator.process.pid, "buses": [str(folder / "A1")]}
    yield simulator
    assert simulator.end() == 0


def test_status_loads_losses_and_adapters(simulator: Simulator) -> None:
    with Master(simulator.tty, FAST_BAUD) as master:
        master.read(1, 0x0300, 10)
        status = simulator.do("status")
        (bus,) = status["buses"]
        assert (bus["requests"], bus["replies"], bus["broken_silences"], bus["bad_crc"]) == (1, 1, 0, 0)
        assert bus["busy_ms"] >= 2
        first = bus["meters"][0]
        assert (first["id"], first["point"], first["relay"], first["watts"]) == ("a", "面馆", "closed", 1000)
        assert 50_000 <= first["energy_wh"] <= 50_020

        simulator.do("load", point="面馆", watts=2500)
        assert master.read(1, 0x0302, 1) == (2500,)
        simulator.do("speed", factor=2)
        assert master.read(1, 0x0302, 1) == (5000,)

        master.write(2, 0x0057, 1, 1)
        assert (simulator.meter("b")["relay"], simulator.meter("b")["why"]) == ("open", "forced open")

        simulator.do("lose", meter="a")
        assert master.ask(read_frame(1, 0x0300, 1), 7, 0.05) == b""
        simulator.do("revive", meter="a")
        simulator.do("lose", bus="A1")
        assert master.ask(read_frame(2, 0x0000, 1), 7, 0.05) == b""
        simulator.do("revive", bus="A1")

    simulator.do("unplug", bus="A1")
    assert not simulator.tty.exists()
    simulator.do("plug", bus="A1")
    with Master(simulator.tty, FAST_BAUD) as master:
        master.read(1, 0x0300, 1)


def test_registers_meters_and_faults(simulator: Simulator) -> None:
    with Master(simulator.tty, FAST_BAUD) as master:
        simulator.do("set", meter="a", energy_wh=42_949_672_950)
        assert master.read32(1, 0x0306) in (0xFFFFFFFF, 0)
        assert simulator.do("swap", meter="a", serial="111122223333", energy_wh=70) == {"serial": "111122223333"}
        assert simulator.meter("a")["serial"] == "111122223333"

        simulator.do("fault", meter="b", kind="crc", probability=1, seed=3)
        simulator.do("log", bus="A1", on=True)
        spoilt = master.ask(read_frame(2, 0x0000, 2), 9)
        taken = simulator.do("log_take", bus="A1")
        assert taken["left"] == 0
        (exchange,) = taken["exchanges"]
        assert exchange["sent"] == spoilt.hex()
        assert exchange["faults"] == ["crc"]
        assert simulator.meter("b")["faults"] == [{"kind": "crc", "probability": 1, "late_ms": 0, "seed": 3}]
        simulator.do("faults_clear")
        assert simulator.meter("b")["faults"] == []


@pytest.mark.parametrize(
    ("line", "word"),
    [
        ("nonsense", "not JSON"),
        ("[1]", "must be an object"),
        ("{}", "op: missing"),
        ('{"op": "explode"}', "must be one of status, load"),
        ('{"op": "status", "all": 1}', "unknown: all"),
        ('{"op": "load", "point": "nowhere", "watts": 1}', "no supply point 'nowhere'"),
        ('{"op": "load", "point": "面馆", "meter": "a", "watts": 1}', "one of the two"),
        ('{"op": "load", "meter": "a", "watts": -1}', "watts: -1: must be a number 0..1e+07"),
        ('{"op": "load", "meter": "a", "watts": NaN}', "watts: nan"),
        ('{"op": "load", "meter": "a"}', "watts: missing"),
        ('{"op": "lose", "bus": "A9"}', "no bus 'A9': there are A1"),
        ('{"op": "swap", "meter": "a", "serial": "12"}', "12 digits"),
        ('{"op": "fault", "meter": "a", "kind": "gremlin"}', "kind: 'gremlin'"),
        ('{"op": "log", "bus": "A1", "on": "yes"}', "must be true or false"),
        ('{"op": "speed", "factor": 1e9}', "factor"),
    ],
)
def test_what_is_wrong_is_told_and_harms_nothing(simulator: Simulator, line: str, word: str) -> None:
    reply = simulator.raw(line)
    assert reply["ok"] is False
    assert word in reply["error"]
    assert simulator.do("status")["speed"] == 1.0


def test_a_killed_simulator_comes_back_where_it_was(folder: Path) -> None:
    first = Simulator(folder, "--speed", "1000")
    first.ready()
    with Master(first.tty, FAST_BAUD) as master:
        time.sleep(0.3)
        told = master.read32(1, 0x0306)
        master.write(2, 0x0057, 1, 1)
    assert first.end(signal.SIGKILL) == -signal.SIGKILL
    assert first.control.exists()
    assert first.tty.is_symlink()
    second = Simulator(folder)
    second.ready()
    with Master(second.tty, FAST_BAUD) as master:
        assert told <= master.read32(1, 0x0306) <= told + 1000
        assert master.read(2, 0x0057, 2) == (1, 1)
    assert second.end() == 0
    assert not second.tty.is_symlink()
    assert not second.control.exists()


def test_another_master_asks_each_meter_in_turn(folder: Path) -> None:
    simulator = Simulator(folder)
    simulator.ready()
    before = simulator.do("status")["buses"][0]["replies"]
    simulator.do("second_master", bus="A1", every_ms=20)
    time.sleep(0.5)
    simulator.do("second_master", bus="A1", every_ms=0)
    after = simulator.do("status")["buses"][0]["replies"]
    assert after - before >= 5
    time.sleep(0.2)
    assert simulator.do("status")["buses"][0]["replies"] - after <= 1
    assert "every_ms: -1" in simulator.raw('{"op": "second_master", "bus": "A1", "every_ms": -1}')["error"]
    assert simulator.end() == 0


def test_a_wrong_site_file_tells_all_and_starts_nothing(folder: Path) -> None:
    (folder / "site.json").write_text('{"buses": [{"name": "", "baud": 1}]}', encoding="utf-8")
    simulator = Simulator(folder)
    _, errors = simulator.process.communicate(timeout=60)
    assert simulator.process.returncode == 2
    assert len(errors.splitlines()) == 4
    assert "site.buses[0].baud: 1: must be" in errors
    assert [path.name for path in folder.iterdir()] == ["site.json"]


def test_a_speed_that_is_none_is_refused(folder: Path) -> None:
    simulator = Simulator(folder, "--speed", "-1")
    _, errors = simulator.process.communicate(timeout=60)
    assert simulator.process.returncode == 2
    assert "-1: must be 0..1000" in errors
