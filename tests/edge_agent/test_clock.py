"""The agent's clock: the system's, but where a demo or a test says that it is wrong."""

import fcntl
import struct
import time
from pathlib import Path

import pytest

from edge_agent import clock
from edge_agent.clock import OFFSET_VARIABLE, SystemClock


def system_ms() -> int:
    return time.time_ns() // 1_000_000


def test_without_the_variable_it_is_the_systems(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(OFFSET_VARIABLE, raising=False)
    assert abs(SystemClock().wall_ms() - system_ms()) < 100


def test_a_step_is_seen_and_taken_back(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(clock, "OFFSET_READ_EVERY_NS", 0)
    offset = tmp_path / "offset"
    monkeypatch.setenv(OFFSET_VARIABLE, str(offset))
    own = SystemClock()
    assert abs(own.wall_ms() - system_ms()) < 100
    offset.write_text("-7200000\n")
    assert abs(own.wall_ms() - system_ms() + 7_200_000) < 100
    offset.write_text("-9999999999999\n")
    assert own.wall_ms() == 0
    offset.unlink()
    assert abs(own.wall_ms() - system_ms()) < 100


def test_monotonic_time_is_never_stepped(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    offset = tmp_path / "offset"
    offset.write_text("999999999")
    monkeypatch.setenv(OFFSET_VARIABLE, str(offset))
    assert abs(SystemClock().mono_ms() - time.monotonic_ns() // 1_000_000) < 100


def test_the_hardware_clock_is_told_what_linux_wants_to_hear() -> None:
    """2026-11-22 19:05:07 UTC; a second's fraction is left to the battery's clock."""
    assert struct.unpack("=9i", clock.rtc_time(1_795_374_307_900)) == (7, 5, 19, 22, 10, 126, 0, 0, 0)
    written, size = 1 << 30, struct.calcsize("=9i") << 16
    assert written | size | ord("p") << 8 | 0x0A == clock.RTC_SET_TIME


def test_the_hardware_clock_is_set_with_the_system_s(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    told: list[tuple[int, bytes]] = []
    device, adjtime = tmp_path / "rtc0", tmp_path / "adjtime"
    device.touch()
    monkeypatch.setattr(fcntl, "ioctl", lambda _file, what, words: told.append((what, words)))
    assert clock.set_hardware_clock(1_795_374_307_000, device, adjtime)
    assert told == [(clock.RTC_SET_TIME, clock.rtc_time(1_795_374_307_000))]
    adjtime.write_text("0.0 0 0.0\n0\nLOCAL\n", encoding="utf-8")
    assert not clock.set_hardware_clock(1_795_374_307_000, device, adjtime), "local time is not ours to write"
    assert not clock.set_hardware_clock(1_795_374_307_000, tmp_path / "none", tmp_path / "none")
    assert len(told) == 1
    monkeypatch.setattr(clock, "set_hardware_clock", lambda at_ms: told.append((0, clock.rtc_time(at_ms))))
    monkeypatch.delenv(OFFSET_VARIABLE, raising=False)
    monkeypatch.setattr(time, "clock_settime_ns", lambda *_: None)
    clock.SystemClock().set_wall(1_795_374_307_000)
    assert len(told) == 2
