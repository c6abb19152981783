"""Processes of the demo: started with a log, seen to die, ended in order, found again after a kill."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import psutil
import pytest

from provisioning.demo import children as children_module
from provisioning.demo.children import ChildDied, Children, end_left_behind

WITHIN_S = 10.0
SLEEPER = "import time, sys; print('up', flush=True); time.sleep(60)"
DEAF = "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); print('up', flush=True); time.sleep(60)"
DYING = "import sys; print('no such bus', file=sys.stderr); sys.exit(3)"


def wait_until(happened: Callable[[], bool]) -> None:
    end = time.monotonic() + WITHIN_S
    while not happened():
        assert time.monotonic() < end, "waited in vain"
        time.sleep(0.01)


@pytest.fixture
def children(tmp_path: Path) -> Children:
    found = Children(tmp_path / "children.json")
    for name, program in (("sleeper", SLEEPER), ("deaf", DEAF), ("dying", DYING)):
        found.add(name, [sys.executable, "-c", program], tmp_path / f"{name}.log", {"TALLYBOX_TEST": name})
    return found


def says_up(children: Children, name: str) -> None:
    wait_until(lambda: "up" in children.get(name).last_words())


def test_a_child_writes_its_log_and_ends_when_asked(children: Children) -> None:
    child = children.start("sleeper")
    says_up(children, "sleeper")
    assert child.pid_now == child.pid
    children.end_all()
    assert children.get("sleeper").pid_now is None
    assert child.process is not None
    assert child.process.returncode == -signal.SIGTERM
    assert children.died() == []


def test_who_does_not_hear_is_killed(children: Children, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(children_module, "END_WITHIN_S", 0.2)
    child = children.start("deaf")
    says_up(children, "deaf")
    children.end_all()
    assert child.process is not None
    assert child.process.returncode == -signal.SIGKILL


def test_a_death_is_told_once_with_its_last_words(children: Children) -> None:
    child = children.start("dying")
    wait_until(lambda: not child.runs)
    with pytest.raises(ChildDied, match=r"(?s)dying ended with 3.*no such bus"):
        children.check()
    children.check()


def test_a_kill_of_ours_is_no_death(children: Children) -> None:
    pid = children.start("sleeper").pid
    assert children.kill("sleeper") == pid
    assert not psutil.pid_exists(pid)
    children.check()
    assert children.kill("sleeper") == 0
    assert children.start("sleeper").pid != pid
    children.end_all()


def test_last_words_are_those_of_the_newest_life(children: Children) -> None:
    child = children.start("dying")
    wait_until(lambda: not child.runs)
    with child.log.open("a") as log:
        log.write("of an earlier life\n")
    child = children.start("dying")
    wait_until(lambda: not child.runs)
    assert child.last_words().strip() == "no such bus"


def test_starting_what_runs_changes_nothing(children: Children) -> None:
    pid = children.start("sleeper").pid
    assert children.start("sleeper").pid == pid
    children.end_all()


def test_ctrl_c_in_the_terminal_does_not_reach_them(children: Children) -> None:
    child = children.start("sleeper")
    assert os.getpgid(child.pid) == child.pid
    children.end_all()


def test_what_a_killed_demo_left_is_ended_by_the_next(children: Children, tmp_path: Path) -> None:
    child = children.start("sleeper")
    assert child.process is not None
    assert end_left_behind(tmp_path / "children.json") == ["sleeper"]
    child.process.wait(WITHIN_S)
    assert not psutil.pid_exists(child.pid)
    assert end_left_behind(tmp_path / "children.json") == []


def test_a_process_id_used_anew_is_left_alone(children: Children, tmp_path: Path) -> None:
    record = tmp_path / "children.json"
    with subprocess.Popen([sys.executable, "-c", SLEEPER], stdout=subprocess.DEVNULL) as stranger:
        record.write_text('{"sleeper": {"pid": ' + str(stranger.pid) + ', "born": 1.0}}')
        assert end_left_behind(record) == []
        assert stranger.poll() is None
        stranger.kill()
