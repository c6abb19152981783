"""The agent under a service manager: ready, fed, reloaded, ended in time. The manager's socket is ours."""

import json
import signal
import socket
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.busy import busy
from tests.edge_agent.whole_box.whole_box import WholeBox, config_of, grant_of, whole_box
from tests.fakes.fake_centre import make_authority

DRAINED_S = 5.0


class Manager:
    """systemd's end of sd_notify."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.told: list[str] = []
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self._socket.bind(str(path))
        self._socket.settimeout(0.05)

    def heard(self, word: str) -> bool:
        try:
            while True:
                self.told.append(self._socket.recv(4_096).decode())
        except TimeoutError:
            return any(word in text for text in self.told)

    def close(self) -> None:
        self._socket.close()


@pytest.fixture
def manager(tmp_path: Path) -> Iterator[Manager]:
    found = Manager(tmp_path / "notify")
    yield found
    found.close()


@pytest.fixture
def box(tmp_path: Path, manager: Manager) -> Iterator[WholeBox]:
    with whole_box(tmp_path, make_authority(tmp_path), config_of(switch_pause_s=0)) as found:
        found.environment["NOTIFY_SOCKET"] = str(manager.path)
        found.enrol()
        yield found


def test_ready_fed_reloaded_and_ended_in_time(box: WholeBox, manager: Manager) -> None:
    box.start()
    box.centre.wait_for(lambda: manager.heard("READY=1"), 15)
    box.centre.wait_for(lambda: manager.heard("WATCHDOG=1"), 15)
    assert box.process is not None

    good = box.box_toml.read_text(encoding="utf-8")
    box.box_toml.write_text(good + "[limits]\ngreatest_grant_micro = -1\n[sync]\nwait = 3\n", encoding="utf-8")
    box.process.send_signal(signal.SIGHUP)
    box.centre.wait_for(lambda: len(box.told("config_not_reloaded")) == 2)
    assert manager.heard("RELOADING=1\nMONOTONIC_USEC=")

    box.box_toml.write_text(good + "[limits]\ngreatest_grant_micro = 5_000_000\n", encoding="utf-8")
    box.process.send_signal(signal.SIGHUP)
    box.centre.wait_for(lambda: bool(box.told("config_reloaded")))
    box.centre.command(grant_of(0, 6, 1))
    box.centre.command(grant_of(0, 5, 2))
    box.centre.wait_for(lambda: box.status()["commands"]["seq"] == 2)
    assert box.status()["meters"][0]["balance"] == "5.00", "the greater one is over the new limit"

    # The centre holds the request, a bus is in the middle of a round, records wait: all that ends within five seconds.
    began = time.monotonic()
    assert box.end() == 0
    assert time.monotonic() - began < DRAINED_S * busy()
    assert manager.heard("STOPPING=1")
    assert box.status()["batches"]["records_not_sealed"] == 0


def test_it_ends_in_time_though_the_fibre_is_cut(box: WholeBox) -> None:
    box.start()
    box.centre.wait_for(lambda: len(box.centre.batches) > 0)
    box.centre.swallow = 1_000_000
    box.centre.command(grant_of(0, 5, 1))
    began = time.monotonic()
    assert box.end() == 0
    assert time.monotonic() - began < DRAINED_S * busy()


def test_check_looks_at_the_books_of_a_running_and_of_a_stopped_agent(box: WholeBox) -> None:
    box.start()
    box.centre.command(grant_of(0, 5, 1))
    box.centre.wait_for(lambda: box.status()["commands"]["seq"] == 1)
    running = box.command("check")
    assert running.returncode == 0, running.stdout
    assert "its books hold" in running.stdout
    assert box.end() == 0
    stopped = box.command("check", "--json")
    assert stopped.returncode == 0, stopped.stdout
    assert any("its books hold" in note for note in json.loads(stopped.stdout)["notes"])
