"""The real agent and its bus: lent to commands, shared with another master, served again when its worker died."""

import json
import subprocess
import sys
from collections.abc import Iterator
from itertools import pairwise
from typing import Any

import pytest

from edge_agent.console.local_socket import AgentUnreachable, ask
from edge_agent.core.foreign_master import QUIET_MS
from protocol.commands import InService, SetMode
from protocol.records import Alarm, Evidence, Interval
from provisioning.simulator.second_master import read_question
from tests.edge_agent.core.street import METERS
from tests.edge_agent.whole_box.whole_box import WholeBox, config_of, grant_of, whole_box
from tests.fakes.fake_centre import make_authority


@pytest.fixture(scope="module")
def box(tmp_path_factory: pytest.TempPathFactory) -> Iterator[WholeBox]:
    folder = tmp_path_factory.mktemp("box")
    with whole_box(
        folder, make_authority(tmp_path_factory.mktemp("ca")), config_of(switch_pause_s=0, poll_ms=100)
    ) as found:
        found.enrol()
        found.start(anew=True)
        found.centre.wait_for(lambda: len(found.centre.batches) > 0)
        yield found


def asked(box: WholeBox, *words: str) -> "subprocess.CompletedProcess[str]":
    return box.command(*words, timeout_s=60)


def status(box: WholeBox) -> dict[str, Any]:
    """As the command tells it, without the time that a command takes to start; nothing while none listens."""
    try:
        return ask(box.state_dir, "status")
    except AgentUnreachable:
        return {"buses": [{"cycles": None}], "meters": [{"age_s": None}] * 2}


def test_a_scan_goes_through_the_running_agent(box: WholeBox) -> None:
    cycles = status(box)["buses"][0]["cycles"]
    done = asked(box, "scan", "--bus", "A1", "--units", "1-3", "--turnaround-ms", "20", "--json")
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout)
    assert found["lent"]
    assert [(m["unit"], m["profile"], m["serial"]) for m in found["meters"]] == [
        (1, "acrel_dtsy1352", "760000000000"),
        (2, "acrel_dtsy1352", "760000000001"),
    ]
    assert 'profile = "acrel_dtsy1352"' in found["draft"]
    assert "unit 1 answers" in done.stderr
    after = status(box)
    assert after["buses"][0]["cycles"] > cycles + 5, "the round stood still"
    assert after["buses"][0]["lost"] == 0
    assert not after["alarms"]


def test_a_profile_is_tried_through_the_running_agent_whatever_the_port_is_called(box: WholeBox) -> None:
    port = str((box.folder / "tty").resolve())
    done = asked(box, "profile", "try", "acrel_dtsy1352", "--unit", "2", "--port", port)
    assert done.returncode == 0, done.stderr
    assert "760000000001" in done.stdout
    wrong = asked(box, "profile", "try", "acrel_dtsy1352", "--bus", "B7")
    assert wrong.returncode == 2
    assert "there are A1" in wrong.stderr


def test_without_its_configuration_a_command_says_that_the_agent_holds_the_port(box: WholeBox) -> None:
    line = [sys.executable, "-m", "edge_agent", "profile", "try", "acrel_dtsy1352", "--port", str(box.folder / "tty")]
    done = subprocess.run([*line, "--config", "/no/such/box.toml"], capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert box.process is not None
    assert "-m edge_agent run" in done.stderr
    assert f"(process {box.process.pid})" in done.stderr


def test_another_master_stops_all_relay_writes_and_raises_an_alarm(box: WholeBox) -> None:
    for index in (0, 1):
        tested = asked(box, "relay-test", "--meter", f"M{index}", "--who", "Li", "--yes", "--json")
        assert tested.returncode == 0, tested.stderr
        box.centre.command(grant_of(index, 100, 1 + index))
        box.centre.command(InService(meter=METERS[index], on=True))
    questions = tuple(read_question(unit, 0, 10) for unit in (1, 2))
    box.site.play_second_master(box.site.buses[0], 200, questions)
    box.centre.wait_for(lambda: "raised" in foreign_alarms(box))
    box.centre.command(SetMode(meter=METERS[0], mode="forced_off"))
    refused = asked(box, "relay-test", "--meter", "M1", "--who", "Li", "--yes", "--json")
    assert json.loads(refused.stdout)["refused"] == "meter_in_use"
    box.centre.wait_for(lambda: status(box)["meters"][0]["wanted"] == "open")
    assert box.site.meter("m0").contact_closed
    assert status(box)["buses"][0]["foreign_master"]
    shown = asked(box, "status")
    assert "ANOTHER MASTER" in shown.stdout
    evidence = [record for record in box.centre.records() if isinstance(record, Evidence)]
    assert [each.evidence for each in evidence] == ["foreign_master"]
    assert status(box)["meters"][1]["age_s"] <= 10, "meters are read on"
    box.site.play_second_master(box.site.buses[0], 0, ())


def foreign_alarms(box: WholeBox) -> list[str]:
    return [r.state for r in box.centre.records() if isinstance(r, Alarm) and r.alarm == "foreign_master"]


def test_after_the_quiet_the_relay_is_opened_by_itself(box: WholeBox) -> None:
    """The quiet is shortened for a test by a run of the agent whose constant is smaller; all else is the real agent."""
    box.end()
    start_changed(box, f"import edge_agent.core.foreign_master as f; f.QUIET_MS = {QUIET_MS // 300}")
    box.centre.wait_for(lambda: foreign_alarms(box) == ["raised", "cleared"], 15)
    box.centre.wait_for(lambda: not box.site.meter("m0").contact_closed, 10)
    assert box.end() == 0


DIE_ONCE = """
import edge_agent.bus.line as line
asked, transact = [0], line.SerialLine.transact
def dying(self, request, pace):
    asked[0] += 1
    if asked[0] == {first} or asked[0] > {then}:
        raise KeyError("a mistake of ours")
    return transact(self, request, pace)
line.SerialLine.transact = dying
"""


def test_a_worker_that_dies_is_begun_anew(box: WholeBox) -> None:
    start_changed(box, DIE_ONCE.format(first=30, then=10**9))
    box.centre.wait_for(lambda: len(box.told("worker_died")) == 1, 15)
    assert "a mistake of ours" in box.told("worker_died")[0]
    before = status(box)["buses"][0]["cycles"]
    box.centre.wait_for(lambda: status(box)["buses"][0]["cycles"] > before, 10)
    assert status(box)["meters"][1]["age_s"] <= 2
    assert box.end() == 0


def test_a_worker_that_dies_again_and_again_ends_the_agent_with_an_error(box: WholeBox) -> None:
    start_changed(box, DIE_ONCE.format(first=30, then=35))
    assert box.process is not None
    assert box.process.wait(20) == 1
    box.process = None
    assert "died 3 times" in box.log.read_text(encoding="utf-8")
    box.start()
    box.centre.wait_for(lambda: status(box)["meters"][1]["age_s"] is not None, 10)
    assert box.end() == 0
    intervals = [r for r in box.centre.records() if isinstance(r, Interval)]
    for meter in METERS[:2]:
        mine = [each for each in intervals if each.meter == meter]
        assert all(one.to.raw_wh == two.from_.raw_wh for one, two in pairwise(mine))


def start_changed(box: WholeBox, change: str) -> None:
    """The agent with one thing of it changed before it runs."""
    script = f"{change}\nimport sys\nfrom edge_agent.cli import main\nsys.exit(main())\n"
    line = [sys.executable, "-c", script, "run", "--config", str(box.box_toml)]
    with box.log.open("ab") as log:
        box.process = subprocess.Popen(line, stderr=log)
    box.centre.wait_for((box.state_dir / "agent.sock").exists, 15)


def test_a_scan_without_an_agent_opens_the_port_itself(box: WholeBox) -> None:
    assert box.process is None
    done = asked(box, "scan", "--bus", "A1", "--units", "1-3", "--turnaround-ms", "20", "--json")
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout)
    assert not found["lent"]
    assert (found["baud"], len(found["meters"])) == (115_200, 2), "as the store says that the bus talks"


def test_nothing_on_the_bus_is_told_by_the_exit_code(box: WholeBox) -> None:
    done = asked(box, "scan", "--bus", "A1", "--units", "40-41", "--turnaround-ms", "20")
    assert done.returncode == 1
    assert "0 found, 2 unit ids asked" in done.stdout
    wrong = asked(box, "scan", "--bus", "A1", "--units", "9-3")
    assert wrong.returncode == 2
    assert "the lower one first" in wrong.stderr
