"""The agent's clock: the system's, but where a demo or a test says that it is wrong."""

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
