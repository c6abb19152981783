"""The agent's start: what is written down, and what a full disk may not hinder."""

from collections.abc import Sequence
from pathlib import Path

import pytest

from edge_agent.core.decision import Decision
from edge_agent.flows.start_up import LastRun, record_boot
from edge_agent.ports import StoreFull
from edge_agent.store.records import Store
from protocol.envelope import Line
from protocol.payload import decode
from protocol.records import Boot, Record
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
