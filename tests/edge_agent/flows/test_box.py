"""How a decision takes hold: what shares a transaction, what goes at once, and what a full disk leaves."""

from collections.abc import Sequence
from pathlib import Path

import pytest

from edge_agent.core.decision import Decision, Order
from edge_agent.core.measured import RelayPosition
from edge_agent.flows.apply_commands import apply_commands
from edge_agent.flows.box import DEFER_MS
from edge_agent.flows.seal_batches import seal_pending
from edge_agent.ports import StoreFull
from protocol.commands import LockOutCommand
from protocol.envelope import Line
from protocol.messages import read_records
from protocol.payload import decode
from protocol.records import Granted, Interval, MeterEvent, Record
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
