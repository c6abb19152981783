"""Signs of life: how the last run ended, the watchdog's socket, room on the disk."""

import os
import socket
from pathlib import Path

import pytest

from edge_agent.health import RunMarks, Watchdog, free_bytes, read_boot_id
from protocol.ids import is_id

BOOT, AGENT, NOW_MS = "b" * 32, "edge-agent 1", 1_800_000_000_000


def test_the_first_run_follows_no_other(tmp_path: Path) -> None:
    end = RunMarks(tmp_path).end_of_last(BOOT, AGENT, NOW_MS)
    assert (end.why, end.seen_ms) == ("clean", NOW_MS)


@pytest.mark.parametrize(
    ("ended", "boot", "agent", "why"),
    [
        ("clean", BOOT, AGENT, "clean"),
        ("clean", "c" * 32, AGENT, "clean"),
        ("clean", BOOT, "edge-agent 2", "upgrade"),
        (None, BOOT, AGENT, "killed"),
        (None, "c" * 32, AGENT, "power"),
        ("watchdog", BOOT, AGENT, "watchdog"),
    ],
)
def test_how_the_last_run_ended(tmp_path: Path, ended: str | None, boot: str, agent: str, why: str) -> None:
    marks = RunMarks(tmp_path)
    marks.begin(BOOT, AGENT)
    if ended == "clean":
        marks.end("clean")
    elif ended == "watchdog":
        marks.end("watchdog")
    os.utime(tmp_path / "alive", (NOW_MS // 1_000, NOW_MS // 1_000))
    end = RunMarks(tmp_path).end_of_last(boot, agent, NOW_MS + 5)
    assert (end.why, end.seen_ms) == (why, NOW_MS)


def test_a_new_run_forgets_how_the_former_ended(tmp_path: Path) -> None:
    marks = RunMarks(tmp_path)
    marks.begin(BOOT, AGENT)
    marks.end("clean")
    marks.begin(BOOT, AGENT)
    assert marks.end_of_last(BOOT, AGENT, NOW_MS).why == "killed"


def test_a_torn_mark_of_a_power_cut_is_no_obstacle(tmp_path: Path) -> None:
    (tmp_path / "run.json").write_bytes(b"")
    (tmp_path / "alive").touch()
    assert RunMarks(tmp_path).end_of_last(BOOT, AGENT, NOW_MS).why == "clean"


def test_the_watchdog_is_told_on_its_socket_and_silence_is_no_fault(tmp_path: Path) -> None:
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as manager:
        manager.bind(str(tmp_path / "notify"))
        manager.settimeout(5)
        Watchdog(str(tmp_path / "notify")).tell("READY=1")
        assert manager.recv(100) == b"READY=1"
    Watchdog(str(tmp_path / "notify")).tell("WATCHDOG=1")
    Watchdog(None).tell("WATCHDOG=1")
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as manager:
        name = f"tallybox-test-{os.getpid()}"
        manager.bind(f"\0{name}")
        manager.settimeout(5)
        Watchdog(f"@{name}").tell("STOPPING=1")
        assert manager.recv(100) == b"STOPPING=1"


def test_the_machine_tells_its_boot_id_and_its_room(tmp_path: Path) -> None:
    assert is_id(read_boot_id())
    assert free_bytes(tmp_path) > 0
