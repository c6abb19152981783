"""How a decision takes hold: what shares a transaction, what goes at once, and what a full disk leaves."""

import itertools
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

import msgspec
import pytest

from edge_agent.core.decision import Decision, Order
from edge_agent.core.measured import RelayPosition
from edge_agent.core.wallets import running_micro
from edge_agent.flows.apply_commands import apply_commands
from edge_agent.flows.box import DEFER_MS, DEFERRED_MAX
from edge_agent.flows.seal_batches import seal_pending
from edge_agent.ports import StoreFull
from protocol.commands import InService, LockOutCommand
from protocol.envelope import Line
from protocol.messages import read_records
from protocol.payload import decode
from protocol.records import Alarm, Granted, Interval, MeterEvent, MeterTest, Record
from tests.edge_agent.core.street import METERS, WALLETS, YUAN, box_config, meter_config, wallet_config
from tests.edge_agent.rig import Rig, rig
from tests.edge_agent.whole_box.whole_box import grant_of

HALF_HOUR_MS = 1_800_000
CONFIG = box_config(tuple(meter_config(n) for n in range(4)), tuple(wallet_config(n) for n in range(4)))


def pending(a: Rig) -> list[Record]:
    return [decode(each.raw, Record) for each in a.store.pending(1_000)]


def four_intervals(a: Rig) -> None:
    """Four meters with money, read at the end of an interval."""
    for index in range(4):
        apply_commands(a.box, a.sync.ring, [a.command(grant_of(index, 1_000, index))])
        a.read(index, 1_000)
    a.box.flush()
    a.clock.go_on(HALF_HOUR_MS)
    for index in range(4):
        a.clock.go_on(20)
        a.read(index, 3_000)


def test_the_intervals_of_one_boundary_share_a_transaction(tmp_path: Path) -> None:
    with rig(tmp_path, CONFIG) as a:
        a.box.defer_ms = DEFER_MS
        four_intervals(a)
        step = a.store.step
        books = [a.box.state.wallets[WALLETS[n]].state.book_micro for n in range(4)]
        assert books == [1_000 * YUAN - 2 * YUAN] * 4, "in memory at once"
        a.box.flush(due_only=True)
        assert a.store.step == step, "not yet due"
        a.clock.go_on(DEFER_MS)
        a.box.flush(due_only=True)
        a.box.flush()
        assert a.store.step == step + 1
        assert sum(isinstance(record, Interval) for record in pending(a)) == 4
    with rig(tmp_path, fresh=False) as again:
        assert [again.box.state.wallets[WALLETS[n]].state.book_micro for n in range(4)] == books


def test_what_was_deferred_goes_before_a_command_in_the_same_transaction(tmp_path: Path) -> None:
    with rig(tmp_path, CONFIG) as a:
        a.box.defer_ms = DEFER_MS
        four_intervals(a)
        step = a.store.step
        apply_commands(a.box, a.sync.ring, [a.command(grant_of(0, 7, 99))])
        assert a.store.step == step + 1
        kinds = [type(record) for record in pending(a)]
        assert kinds.index(Interval) < len(kinds) - 1 - kinds[::-1].index(Granted)
        assert kinds.count(Interval) == 5
    with rig(tmp_path, fresh=False) as again:
        assert again.box.state.wallets[WALLETS[0]].state.book_micro == 1_005 * YUAN


def test_an_order_never_waits_and_never_goes_before_its_commit(tmp_path: Path) -> None:
    with rig(tmp_path) as a:
        a.box.defer_ms = DEFER_MS
        a.read(0, 1_000, RelayPosition.CLOSED)
        at_commit = a.store.step
        seen: list[tuple[int, int]] = []
        a.bus.on_order = lambda: seen.append((a.store.step, len(a.box.deferred)))
        apply_commands(a.box, a.sync.ring, [a.command(LockOutCommand(meter=METERS[0], who="Li"))])
        assert seen == [(at_commit + 1, 0)]


def test_sealing_takes_what_was_deferred_with_it(tmp_path: Path) -> None:
    with rig(tmp_path, CONFIG) as a:
        a.box.defer_ms = DEFER_MS
        four_intervals(a)
        a.sealing.head_confirmed = True
        seal_pending(a.box, a.sealing)
        records = [record for batch in a.batches() for record in read_records(batch)]
        assert sum(isinstance(record, Interval) for record in records) == 4
        assert a.batches()[-1].wallets == {WALLETS[n]: 998 * YUAN for n in range(4)}


def test_a_full_disk_keeps_what_was_deferred_until_there_is_room(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with rig(tmp_path, CONFIG) as a:
        a.box.defer_ms = DEFER_MS
        four_intervals(a)

        def full(decision: Decision, lines: Sequence[Line] = ()) -> None:
            raise StoreFull("the disk takes no writes")

        with monkeypatch.context() as without_room:
            without_room.setattr(a.store, "commit", full)
            with pytest.raises(StoreFull):
                a.box.flush()
            with pytest.raises(StoreFull):
                apply_commands(a.box, a.sync.ring, [a.command(grant_of(0, 7, 99))])
        assert len(a.box.deferred) == 4
        assert a.box.state.marks.commands_seq == 4
        a.box.flush()
        assert sum(isinstance(record, Interval) for record in pending(a)) == 4


def test_sealing_that_fails_half_way_leaves_everything_as_it_was(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with rig(tmp_path, CONFIG) as a:
        a.box.defer_ms = DEFER_MS
        four_intervals(a)
        a.sealing.head_confirmed = True
        before = a.store.pending_count(), a.store.step

        def full(*_: object) -> None:
            raise StoreFull("the disk takes no writes")

        with monkeypatch.context() as without_room:
            without_room.setattr(a.store, "seal", full)
            with pytest.raises(StoreFull):
                seal_pending(a.box, a.sealing)
        assert (a.store.pending_count(), a.store.step) == before
        assert len(a.box.deferred) == 4
        assert seal_pending(a.box, a.sealing) == 1
        assert a.store.step == before[1] + 1, "deferred decisions and their batch are one transaction"
    with rig(tmp_path, fresh=False) as again:
        assert again.store.pending_count() == 0
        assert len(again.batches()) == 1


def test_without_room_an_opening_goes_on_and_a_closing_does_not(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with rig(tmp_path) as a:
        a.read(0, 1_000)
        opening = Decision(records=(_event(a),), orders=(Order(METERS[0], "open", "arrears"),), urgent=True)
        closing = Decision(records=(_event(a),), orders=(Order(METERS[0], "closed", "restored"),), urgent=True)

        def full(decision: Decision, lines: Sequence[Line] = ()) -> None:
            raise StoreFull("the disk takes no writes")

        with monkeypatch.context() as without_room:
            without_room.setattr(a.store, "commit", full)
            with pytest.raises(StoreFull):
                a.box.take(closing)
            assert a.bus.orders == []
            a.box.take(opening)
            assert [order.wanted.value for order in a.bus.orders] == ["open"]
        before = len(pending(a))
        a.box.flush()
        assert len(pending(a)) == before + 1


def _without_room(a: Rig, patched: pytest.MonkeyPatch) -> None:
    def full(decision: Decision, lines: Sequence[Line] = ()) -> None:
        raise StoreFull("the disk takes no writes")

    patched.setattr(a.store, "commit", full)


def test_for_a_day_without_room_the_registers_hold_what_was_used(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Memory stays flat, nothing is charged twice, and once there is room one interval holds the day."""
    with rig(tmp_path, CONFIG) as a:
        a.box.defer_ms = DEFER_MS
        four_intervals(a)
        a.box.flush()
        begun = [row.state.raw_wh for row in a.box.state.meters.values()]
        waiting = []
        with monkeypatch.context() as patched:
            _without_room(a, patched)
            for half_hour in range(1, 49):
                a.clock.go_on(HALF_HOUR_MS - 80 - DEFER_MS)
                for index in range(4):
                    a.clock.go_on(20)
                    a.read(index, 3_000 + half_hour * 100)
                a.clock.go_on(DEFER_MS)
                with suppress(StoreFull):
                    a.box.flush(due_only=True)
                waiting.append(a.box.deferred_size)
            assert max(waiting) == 8, "one boundary's intervals, and no more"
            assert [row.state.raw_wh for row in a.box.state.meters.values()] != begun
            assert running_micro(a.box.state, a.box.state.config.wallets[0]) == (1_000_000 - 6_800) * 1_000
        a.clock.go_on(HALF_HOUR_MS)
        a.box.flush()
        for index in range(4):
            a.read(index, 8_000)
        a.box.flush()
        charged = [record for record in pending(a) if isinstance(record, Interval)]
        of_one = [record for record in charged if record.meter == METERS[0]]
        assert sum(record.energy_wh for record in of_one) == 7_000
        assert all(one.to.raw_wh == next_.from_.raw_wh for one, next_ in itertools.pairwise(of_one))
        assert max(record.to.at_ms - record.from_.at_ms for record in of_one) >= 47 * HALF_HOUR_MS
        assert a.box.state.wallets[WALLETS[0]].state.book_micro == 1_000 * YUAN - 7_000_000


def test_without_room_a_shop_that_ran_dry_is_cut_off_though_nothing_can_be_recorded(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Alarms on the way down wait for room too: they must not keep the readings from counting."""
    with rig(tmp_path, CONFIG) as a:
        apply_commands(a.box, a.sync.ring, [a.command(grant_of(0, 100, 1))])
        a.read(0, 1_000)
        row = a.box.state.meters[METERS[0]]
        test = MeterTest(at_ms=1, meter=METERS[0], test="relay", passed=True, who="Li")
        tested = msgspec.structs.replace(row, state=msgspec.structs.replace(row.state, tests=[test]))
        a.box.take(Decision(meters=(tested,)))
        apply_commands(a.box, a.sync.ring, [a.command(InService(meter=METERS[0], on=True))])
        a.bus.orders.clear()
        with monkeypatch.context() as patched:
            _without_room(a, patched)
            for raw_wh in (60_000, 95_000, 101_500, 101_500, 101_500):
                a.clock.go_on(600_000)
                a.read(0, raw_wh)
                a.clock.go_on(1_000)
                a.read(0, raw_wh)
            assert [order.wanted.value for order in a.bus.orders][:1] == ["open"]
            assert a.box.deferred_size < 20
        a.box.flush()
        assert {r.alarm for r in pending(a) if isinstance(r, Alarm)} >= {"alarm1", "alarm2", "arrears"}


def test_more_than_memory_may_hold_is_refused_but_openings_go_on(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with rig(tmp_path) as a:
        opening = Decision(records=(_event(a),), orders=(Order(METERS[0], "open", "arrears"),), urgent=True)
        with monkeypatch.context() as patched:
            _without_room(a, patched)
            for _ in range(DEFERRED_MAX // 2):
                a.box.take(Decision(records=(_event(a),)))
            with pytest.raises(StoreFull, match="wait for room"):
                a.box.take(Decision(records=(_event(a),)))
            a.box.take(opening)
            assert [order.wanted.value for order in a.bus.orders] == ["open"]
        a.box.flush()
        assert a.box.deferred_size == 0
        assert not a.box.state.no_room


def _event(a: Rig) -> MeterEvent:
    return MeterEvent(at_ms=a.clock.wall, meter=METERS[0], event="back")


def test_a_crash_before_the_commit_charges_the_same_energy_at_the_next_reading(tmp_path: Path) -> None:
    with rig(tmp_path, CONFIG) as a:
        a.box.defer_ms = DEFER_MS
        four_intervals(a)
        wall = a.clock.wall
    with rig(tmp_path, fresh=False) as again:
        again.clock.wall = wall + 60_000
        assert again.box.state.wallets[WALLETS[0]].state.book_micro == 1_000 * YUAN
        again.read(0, 3_500)
        again.clock.go_on(HALF_HOUR_MS)
        again.read(0, 3_500)
        assert again.box.state.wallets[WALLETS[0]].state.book_micro == 1_000 * YUAN - 2_500_000
