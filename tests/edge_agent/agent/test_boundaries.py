"""The end of an interval comes by the box's own clock, whatever was led back since it was set."""

from collections.abc import Sequence
from pathlib import Path

import pytest

from edge_agent.schedule import BoundaryDue
from tests.edge_agent.agent.owner_rig import owner_rig
from tests.edge_agent.rig import START_MS

HALF_HOUR_MS = 1_800_000
LED_BACK_MS = 700


def test_a_boundary_is_not_begun_before_its_time_where_the_clock_was_led_back(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What is read before the end closes no interval: it missed its batch, and waited for the next boundary."""
    at_ms = START_MS + HALF_HOUR_MS
    asked: list[int] = []

    def ask(at_wall_ms: int, meters: Sequence[str]) -> None:
        assert meters
        asked.append(at_wall_ms)

    with owner_rig(tmp_path) as o:
        monkeypatch.setattr(o.a.bus, "boundary", ask)
        o.a.clock.go_on(HALF_HOUR_MS)
        o.a.clock.wall -= LED_BACK_MS
        o.give(BoundaryDue(at_ms))
        assert asked == []
        assert o.schedule.boundaries[-1] == at_ms, "it is set anew"
        o.a.clock.go_on(LED_BACK_MS)
        o.give(BoundaryDue(at_ms))
        assert asked == [at_ms]
        assert o.schedule.boundaries[-1] == at_ms + HALF_HOUR_MS
