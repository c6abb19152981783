"""A disk that fills: alarms with a gap between them, old batches let go, money commands let in by the ballast."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import pytest

from edge_agent.core.decision import Decision
from edge_agent.core.room import FLOOR_MS, MIB, NEARLY_FULL_BYTES, ROOMY_BYTES, keep_from_ms
from edge_agent.core.state import Now
from edge_agent.flows.apply_commands import apply_commands
from edge_agent.flows.keep_room import FAILING_FOR_MS, LOOK_EVERY_MS, RoomKeeper
from edge_agent.flows.seal_batches import seal_pending
from edge_agent.ports import StoreFull
from edge_agent.store.ballast import BALLAST_BYTES, NAME, StateDisk
from protocol.commands import SetMode
from protocol.envelope import Line
from protocol.messages import read_records
from protocol.records import Alarm, MeterEvent
from protocol.units import DAY_MS
from tests.edge_agent.core.street import METERS, WALLETS, YUAN
from tests.edge_agent.rig import Rig, rig
from tests.edge_agent.whole_box.whole_box import grant_of


@dataclass
class ToldDisk:
    """As full as a test says."""

    free: int = 500 * MIB
    held: bool = False

    def free_bytes(self) -> int:
        return self.free

    def hold_ballast(self) -> bool:
        self.held = True
        return True

    def drop_ballast(self) -> bool:
        held, self.held = self.held, False
        return held


def told(a: Rig) -> list[tuple[str, str]]:
    """Alarms about room, in order."""
    seal_pending(a.box, a.sealing)
    records = [record for batch in a.batches() for record in read_records(batch)]
    return [(r.alarm, r.state) for r in records if isinstance(r, Alarm) and r.alarm.startswith("store_")]


def look_at(a: Rig, room: RoomKeeper, disk: ToldDisk, free: int) -> None:
    disk.free = free
    a.clock.go_on(LOOK_EVERY_MS)
    room.look()


def test_nearly_full_is_told_once_and_cleared_well_above(tmp_path: Path) -> None:
    with rig(tmp_path) as a:
        a.sealing.head_confirmed = True
        disk = ToldDisk()
        room = RoomKeeper(a.box, disk)
        room.look()
        assert disk.held
        for free in (NEARLY_FULL_BYTES, NEARLY_FULL_BYTES - 1, NEARLY_FULL_BYTES + 1, ROOMY_BYTES - 1, 1):
            look_at(a, room, disk, free)
        assert told(a) == [("store_nearly_full", "raised")]
        look_at(a, room, disk, ROOMY_BYTES)
        look_at(a, room, disk, ROOMY_BYTES - 1)
        assert told(a) == [("store_nearly_full", "raised"), ("store_nearly_full", "cleared")]


def test_a_nearly_full_disk_keeps_the_floor_and_what_is_not_acknowledged(tmp_path: Path) -> None:
    with rig(tmp_path) as a:
        a.sealing.head_confirmed = True
        disk = ToldDisk()
        room = RoomKeeper(a.box, disk)
        for _ in range(4):
            a.box.take(Decision(records=(MeterEvent(at_ms=a.clock.wall, meter=METERS[0], event="back"),)))
            assert seal_pending(a.box, a.sealing)
            a.clock.go_on(50 * DAY_MS)
        a.store.acknowledge(1, 3)
        room.look()
        assert [b.seq for b in a.batches()] == [1, 2, 3, 4]
        look_at(a, room, disk, 1)
        assert [b.seq for b in a.batches()] == [4], "200, 150 and 100 days old; the fourth is not acknowledged"


@pytest.mark.parametrize(
    ("retain_days", "nearly_full", "days"), [(400, False, 400), (400, True, 90), (90, True, 90), (90, False, 90)]
)
def test_how_long_batches_are_kept(retain_days: int, nearly_full: bool, days: int) -> None:
    now = Now(wall_ms=1_000 * DAY_MS, mono_ms=0, sure=True)
    assert now.wall_ms - keep_from_ms(retain_days, nearly_full=nearly_full, now=now) == days * DAY_MS
    assert FLOOR_MS == 90 * DAY_MS


def without_room(a: Rig, monkeypatch: pytest.MonkeyPatch, disk: ToldDisk) -> None:
    """The store takes writes only while the ballast is given up."""
    commit = a.store.commit

    def full(decision: Decision, lines: Sequence[Line] = ()) -> None:
        if disk.held or disk.free == 0:
            raise StoreFull("the disk takes no writes")
        commit(decision, lines)

    monkeypatch.setattr(a.store, "commit", full)


def test_the_ballast_is_for_money_alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with rig(tmp_path) as a:
        disk = ToldDisk()
        RoomKeeper(a.box, disk).look()
        without_room(a, monkeypatch, disk)
        mode = a.command(SetMode(meter=METERS[0], mode="protected"))
        with pytest.raises(StoreFull):
            apply_commands(a.box, a.sync.ring, [mode])
        assert disk.held
        a.commands.clear()
        paid = a.command(grant_of(0, 100, 1))
        assert apply_commands(a.box, a.sync.ring, [paid]) == 1
        assert not disk.drop_ballast(), "given up for the grant"
        assert a.box.state.wallets[WALLETS[0]].state.book_micro == 100 * YUAN
        disk.free = 0
        with pytest.raises(StoreFull):
            apply_commands(a.box, a.sync.ring, [a.command(grant_of(0, 100, 2))])


def test_a_full_store_is_told_of_when_there_is_room_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with rig(tmp_path) as a:
        a.sealing.head_confirmed = True
        disk = ToldDisk()
        room = RoomKeeper(a.box, disk)
        room.look()
        with monkeypatch.context() as patched:
            without_room(a, patched, disk)
            room.failed(StoreFull("the disk takes no writes"))
            for _ in range(3):
                a.clock.go_on(1_000)
                room.look()
            assert len(a.box.deferred) == 1, "the alarm waits for room, once"
        a.clock.go_on(1_000)
        room.look()
        assert told(a) == [("store_full", "raised")]
        a.clock.go_on(FAILING_FOR_MS)
        room.look()
        assert told(a) == [("store_full", "raised"), ("store_full", "cleared")]


def test_the_ballast_is_real_room(tmp_path: Path) -> None:
    disk = StateDisk(tmp_path)
    assert disk.hold_ballast()
    assert disk.hold_ballast(), "once is enough"
    assert (tmp_path / NAME).stat().st_blocks * 512 >= BALLAST_BYTES
    assert disk.free_bytes() > 0
    assert disk.drop_ballast()
    assert not disk.drop_ballast()
    assert [path.name for path in tmp_path.iterdir()] == []
