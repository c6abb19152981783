"""The agent's start: what is written down, and what a full disk may not hinder."""

from collections.abc import Sequence
from pathlib import Path

import msgspec
import pytest

from edge_agent.core.decision import Decision
from edge_agent.flows.start_up import LastRun, record_boot
from edge_agent.ports import StoreFull
from edge_agent.store.records import Store
from protocol.envelope import Line
from protocol.payload import decode
from protocol.records import Boot, Record
from protocol.units import DAY_MS
from tests.edge_agent.core.street import box_config
from tests.edge_agent.rig import rig


def boots(store: Store) -> list[Boot]:
    told = [decode(record.raw, Record) for record in store.pending(100)]
    return [record for record in told if isinstance(record, Boot)]


def test_a_full_disk_does_not_keep_the_agent_from_starting(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Found by the simulation: it ended, again and again, and enforced nothing."""
    with rig(tmp_path) as a:

        def full(decision: Decision, lines: Sequence[Line] = ()) -> None:
            raise StoreFull("the disk takes no writes")

        with monkeypatch.context() as without_room:
            without_room.setattr(a.store, "commit", full)
            record_boot(a.box, LastRun("killed", 1))
        assert boots(a.store) == []
        a.box.flush()
        assert [boot.why for boot in boots(a.store)] == ["killed"]


@pytest.mark.parametrize(
    ("false_by_ms", "believed"),
    [(0, True), (3 * DAY_MS, True), (30 * 365 * DAY_MS, False), (-3 * DAY_MS, False), (-60_000, True)],
)
def test_after_a_start_a_clock_that_cannot_follow_what_was_recorded_is_not_believed(
    tmp_path: Path, false_by_ms: int, believed: bool
) -> None:
    """Found by the simulation: a clock of 2056 charged 400 days of fees at once, a slow one had registers held."""
    with rig(tmp_path, box_config()) as a:
        a.read(0, 1_000)
    with rig(tmp_path, fresh=False) as a:
        a.clock.wall += false_by_ms
        assert a.box.now().sure is believed


def test_a_fresh_answer_makes_a_doubted_clock_believed(tmp_path: Path) -> None:
    with rig(tmp_path, box_config()) as a:
        a.clock.wall += 3 * DAY_MS
        a.read(0, 1_000)
    with rig(tmp_path, fresh=False) as a:
        assert not a.box.now().sure
        a.exchange()
        assert a.box.now().sure


def test_a_clock_that_was_not_believed_is_not_believed_after_a_restart(tmp_path: Path) -> None:
    """Found by the simulation: what it had stamped meanwhile made it look right."""
    with rig(tmp_path, box_config()) as a:
        a.clock.wall += 30 * 365 * DAY_MS
        a.read(0, 1_000)
        marks = msgspec.structs.replace(a.box.state.marks, alarms=("clock_unsure",))
        a.box.take(Decision(marks=marks))
    with rig(tmp_path, fresh=False) as a:
        a.clock.wall += 30 * 365 * DAY_MS
        assert not a.box.now().sure
