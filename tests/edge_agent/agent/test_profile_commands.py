"""`edge-agent profile check` and `try`: as a person at a bench uses them."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from edge_agent.agent.terminal import FAILED, OK, WRONG
from edge_agent.bus.packaged import builtin_text
from edge_agent.cli import main
from tests.edge_agent.bus.profile_texts import BOARD, PLAIN
from tests.edge_agent.bus.simulated_bus import site_of


def test_a_sound_profile_prints_what_it_would_do(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = tmp_path / "shop.toml"
    file.write_text(builtin_text("eastron_sdm320y"), encoding="utf-8")
    assert main(["profile", "check", str(file)]) == OK
    told = capsys.readouterr().out
    assert told.endswith(f"{file}: no mistakes found\n")
    assert "01 04 01 56 00 02 90 27" in told


def test_ours_are_known_by_name_and_a_unit_may_be_given(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["profile", "check", "acrel_ddsy1352", "--unit", "9"]) == OK
    assert "09 10 00 57 00 02 04 00 01 00 01" in capsys.readouterr().out
    assert main(["profile", "check", "waveshare_modbus_rtu_relay"]) == OK
    assert "01 05 00 00 FF 00 8C 3A" in capsys.readouterr().out


def test_all_mistakes_of_a_profile_are_named_at_once(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    text = (
        PLAIN.replace("longest_read = 60", "longest_read = 300\nspeed = 9600")
        .replace('grade = "manual"', 'grade = "sure"')
        .replace('type = "u32"', 'type = "u33"')
        .replace('scale = "1/100"', "scale = 0.01")
        .replace("power = {", "powr = {")
        .replace("phases = 1", "")
    ) + '[relay]\nkind = "coil"\nfunction = 6\naddress = 70000\nclosed = [1]\nopen = [1]\nreadback = "yes"\n'
    file = tmp_path / "n1.toml"
    file.write_text(text, encoding="utf-8")
    assert main(["profile", "check", str(file)]) == WRONG
    lines = capsys.readouterr().err.splitlines()
    keys = [line.removeprefix("n1.toml: ").partition(" = ")[0] for line in lines]
    assert sorted(keys) == sorted(
        [
            "line.longest_read", "line.speed", "grade", "quantities.energy.type", "quantities.energy.scale",
            "quantities.powr", "phases", "relay.function", "relay.address", "relay.open", "relay.readback",
            "relay.grade",
        ]
    )  # fmt: skip
    assert all("right would be" in line or "the same as" in line for line in lines)


def test_a_board_with_a_mistake_and_a_file_that_is_not_there(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "b4.toml"
    file.write_text(BOARD.replace("channels = 4", "channels = 0"), encoding="utf-8")
    assert main(["profile", "check", str(file)]) == WRONG
    assert "b4.toml: channels = 0: right would be a whole number from 1 to 64" in capsys.readouterr().err
    file.write_bytes(b"\xff\xfe")
    assert main(["profile", "check", str(file)]) == WRONG
    assert "not UTF-8" in capsys.readouterr().err
    assert main(["profile", "check", str(tmp_path / "gone.toml")]) == WRONG
    assert "right would be a readable file, or one of acrel_adf400l_1ph" in capsys.readouterr().err


def test_a_unit_id_beyond_the_bus_is_refused(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as stopped:
        main(["profile", "check", "acrel_ddsy1352", "--unit", "248"])
    assert stopped.value.code == WRONG
    assert "right would be a unit id from 1 to 247" in capsys.readouterr().err


def run_try(port: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    """In a process of its own: a pty must not be opened twice from within one test process."""
    command = [
        sys.executable,
        "-m",
        "edge_agent",
        "profile",
        "try",
        *arguments,
        "--port",
        str(port),
        "--baud",
        "115200",
    ]
    return subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)


def test_try_shows_raw_words_beside_values_and_writes_nothing(tmp_path: Path) -> None:
    site = site_of(["dtsy1352"], tmp_path, 115_200)
    with site:
        done = run_try(tmp_path / "tty", "acrel_dtsy1352")
        (meter,) = site.buses[0].meters
        assert done.returncode == OK, done.stderr
        assert not site.buses[0].line.counters.broken_silences
        assert meter.contact_closed
    assert "enforcement: 01 03 00 00 00 04 44 09" in done.stdout
    assert "serial" in done.stdout
    assert "760000000000" in done.stdout
    assert "released" in done.stdout


def test_try_tells_what_failed(tmp_path: Path) -> None:
    with site_of(["dtsy1352"], tmp_path, 115_200):
        wrong_profile = run_try(tmp_path / "tty", "eastron_sdm120")
        assert wrong_profile.returncode == FAILED
        assert "exception: exception 1 (illegal function) (heard 01 84 01 82 C0)" in wrong_profile.stdout
    gone = run_try(tmp_path / "gone", "acrel_dtsy1352")
    assert gone.returncode == FAILED
    assert "there is no such port" in gone.stderr
    bad = run_try(tmp_path / "gone", "waveshare_modbus_rtu_relay")
    assert bad.returncode == WRONG
    assert "this is a relay board, which counts nothing" in bad.stderr
