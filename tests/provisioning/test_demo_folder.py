"""The state folder: ours or not, locked, forgotten on wish; and the words of demo-control."""

import json
import socket
from pathlib import Path

import pytest

from provisioning.cli import main
from provisioning.demo.control import ControlFault, DemoControl, read_step
from provisioning.demo.folder import DemoFolder, FolderFault, Memory, Person, free_port


def test_memory_reads_back(tmp_path: Path) -> None:
    folder = DemoFolder(tmp_path / "state")
    folder.prepare(fresh=False)
    assert folder.recall() == Memory()
    memory = Memory(centre_port=18443, fibre_ports={"A1": 18444}, staff=[Person("cashier", "x", "cashier")])
    folder.remember(memory)
    assert folder.recall() == memory


def test_damaged_memory_says_what_helps(tmp_path: Path) -> None:
    folder = DemoFolder(tmp_path / "state")
    folder.prepare(fresh=False)
    folder.memory.write_text("{")
    with pytest.raises(FolderFault, match="--fresh"):
        folder.recall()


def test_somebody_elses_folder_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "thesis.txt").write_text("years of work")
    with pytest.raises(FolderFault, match="not a demo's"):
        DemoFolder(tmp_path).take_lock()
    assert (tmp_path / "thesis.txt").read_text() == "years of work"


def test_fresh_forgets_all_but_the_lock(tmp_path: Path) -> None:
    folder = DemoFolder(tmp_path / "state")
    assert folder.take_lock() >= 0
    folder.prepare(fresh=False)
    folder.remember(Memory(centre_port=1))
    (folder.centre / "keys").mkdir(parents=True)
    folder.prepare(fresh=True)
    assert folder.recall() == Memory()
    assert not folder.centre.exists()
    assert folder.lock.exists()


def test_one_demo_a_folder(tmp_path: Path) -> None:
    first = DemoFolder(tmp_path).take_lock()
    assert first >= 0
    with pytest.raises(FolderFault, match="runs on it already"):
        DemoFolder(tmp_path).take_lock()


def test_a_path_too_long_for_sockets_is_said_before(tmp_path: Path) -> None:
    with pytest.raises(FolderFault, match="characters too long"):
        DemoFolder(tmp_path / ("x" * 90)).prepare(fresh=False)


def test_a_taken_port_is_not_chosen() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        assert free_port(port, set()) != port
    assert 0 < free_port(66_000, set()) <= 65_535
    found = free_port(0, set())
    assert free_port(found, {found}) != found


@pytest.mark.parametrize(
    ("text", "step_ms"),
    [("+90", 90_000), ("90s", 90_000), ("-15m", -900_000), ("2h", 7_200_000), ("-1d", -86_400_000), ("500ms", 500),
     ("0", 0), ("-0.5s", -500), ("3min", 180_000)],
)  # fmt: skip
def test_steps_of_a_clock(text: str, step_ms: int) -> None:
    assert read_step(text) == step_ms


@pytest.mark.parametrize("text", ["", "soon", "1y", "--5", "1h30"])
def test_wrong_steps_say_what_is_right(text: str) -> None:
    with pytest.raises(ControlFault, match=r"right would be"):
        read_step(text)


@pytest.fixture
def control(tmp_path: Path) -> DemoControl:
    (tmp_path / "boxes").mkdir()
    ids = {"box": {"A1": "a" * 32}, "meter": {"101": "b" * 32}, "point": {"101": "c" * 32}, "bus": {"A1-1": "d" * 32}}
    (tmp_path / "plan.ids.json").write_text(json.dumps(ids))
    return DemoControl(tmp_path)


def test_clock_steps_add_up_and_zero_puts_it_right(control: DemoControl, tmp_path: Path) -> None:
    assert control.clock("A1", "+2h")["offset_ms"] == 7_200_000
    assert control.clock("a" * 32, "-30m")["offset_ms"] == 5_400_000
    assert (tmp_path / "boxes" / "A1-clock-offset").read_text() == "5400000\n"
    assert control.clock("A1", "0")["offset_ms"] == 0


def test_a_minus_in_a_step_is_no_option(
    control: DemoControl, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["demo-control", "--state", str(tmp_path), "clock", "A1", "-15m"]) == 0
    assert '"offset_ms": -900000' in capsys.readouterr().out


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (["cut-fibre", "B1"], "no box 'B1': there are A1"),
        (["kill", "boiler"], "there are A1, centre, simulator"),
        (["lose", "999"], "no meter '999'"),
        (["load", "999", "100"], "no point '999'"),
        (["lose", "101"], "no answer"),
    ],
)
def test_wrong_names_say_what_there_is(
    control: DemoControl, tmp_path: Path, capsys: pytest.CaptureFixture[str], words: list[str], says: str
) -> None:
    assert main(["demo-control", "--state", str(tmp_path), *words]) == 1
    assert says in capsys.readouterr().err
