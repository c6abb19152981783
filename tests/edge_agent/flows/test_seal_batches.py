"""Sealing: what a batch says, where it is cut, and when nothing may be sealed."""

from pathlib import Path

import pytest

from edge_agent.core.decision import Decision
from edge_agent.flows import seal_batches
from edge_agent.flows.apply_commands import apply_commands
from edge_agent.flows.seal_batches import seal_pending
from protocol.box_config import text_hash
from protocol.envelope import check_signature
from protocol.messages import read_records
from protocol.records import Granted, Interval, MeterEvent
from protocol.wallet import replay
from tests.edge_agent.core.street import FLAT, METERS, TARIFF, WALLETS, YUAN
from tests.edge_agent.rig import RECORD_KEY, Rig, rig
from tests.edge_agent.whole_box.whole_box import grant_of


def note(a_rig: Rig, count: int) -> None:
    """So many records in one commit."""
    at_ms = a_rig.clock.wall
    event = MeterEvent(at_ms=at_ms, meter=METERS[0], event="back")
    a_rig.box.take(Decision(records=(event,) * count))


def test_the_first_batch_hangs_on_the_epoch_line_and_the_next_on_it(tmp_path: Path) -> None:
    with rig(tmp_path) as a:
        a.sealing.head_confirmed = True
        assert seal_pending(a.box, a.sealing) == 1
        note(a, 3)
        assert seal_pending(a.box, a.sealing) == 1
        assert seal_pending(a.box, a.sealing) == 0
        first, second = a.batches()
        assert (first.seq, first.prev) == (1, a.box.state.marks.epoch_hash)
        assert (second.seq, second.prev) == (2, a.store.batch_hash(1, 1))
        assert len(second.records) == 3
        for batch in a.store.batches(1, 1, 2**30):
            check_signature(batch.line, {RECORD_KEY.public.keyid: RECORD_KEY.public})


def test_after_a_start_nothing_is_sealed_until_the_head_is_confirmed_or_the_time_has_passed(tmp_path: Path) -> None:
    with rig(tmp_path) as a:
        assert seal_pending(a.box, a.sealing) == 0
        a.clock.go_on(599_000)
        assert seal_pending(a.box, a.sealing) == 0
        a.clock.go_on(1_001)
        assert seal_pending(a.box, a.sealing) == 1


def test_a_box_that_was_set_back_seals_nothing(tmp_path: Path) -> None:
    with rig(tmp_path) as a:
        a.sealing.head_confirmed, a.sealing.set_back = True, "the centre holds more"
        a.clock.go_on(10_000_000)
        assert seal_pending(a.box, a.sealing) == 0
        assert a.store.pending_count() == 1


def test_a_batch_carries_balances_commands_and_tariffs_as_of_its_last_record(tmp_path: Path) -> None:
    with rig(tmp_path) as a:
        a.sealing.head_confirmed = True
        a.read(0, 1_000)
        a.clock.go_on(60_000)
        a.read(0, 3_500)
        apply_commands(a.box, a.sync.ring, [a.command(grant_of(0, 50, 1))])
        seal_pending(a.box, a.sealing)
        (batch,) = a.batches()
        records = read_records(batch)
        assert [type(r) for r in records if isinstance(r, Interval | Granted)] == [Interval, Granted]
        assert batch.wallets == {WALLETS[0]: 50 * YUAN - 2_500_000}
        assert batch.wallets == replay({}, records)
        assert (batch.commands_applied.seq, batch.commands_applied.hash) == (1, a.commands[0].hash)
        assert batch.tariff_hashes == {TARIFF: {"1": text_hash(FLAT)}}


def test_too_many_records_make_several_batches_each_with_the_balance_at_its_end(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("protocol.limits.RECORDS_MAX", 10)
    with rig(tmp_path) as a:
        a.read(0, 1_000)
        for number in range(6):
            apply_commands(a.box, a.sync.ring, [a.command(grant_of(0, 1, number))])
        a.sealing.head_confirmed = True
        assert seal_pending(a.box, a.sealing) > 1
        books: dict[str, int] = {}
        granted = 0
        for batch in a.batches():
            records = read_records(batch)
            assert len(records) <= 10
            books = replay(books, records)
            granted += sum(isinstance(record, Granted) for record in records)
            assert batch.wallets[WALLETS[0]] == books.get(WALLETS[0], 0)
            assert batch.commands_applied.seq == granted
        assert granted == 6
        assert a.store.pending_count() == 0


def test_records_of_one_commit_stay_together_where_they_fit(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("protocol.limits.RECORDS_MAX", 10)
    with rig(tmp_path) as a:
        a.sealing.head_confirmed = True
        seal_pending(a.box, a.sealing)
        for count in (4, 5, 6, 25):
            note(a, count)
        seal_pending(a.box, a.sealing)
        assert [len(batch.records) for batch in a.batches()[1:]] == [9, 6, 10, 10, 5]


def test_a_batch_is_cut_by_its_bytes_too(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(seal_batches, "RECORD_BYTES_MAX", 300)
    with rig(tmp_path) as a:
        a.sealing.head_confirmed = True
        for _ in range(9):
            note(a, 1)
        seal_pending(a.box, a.sealing)
        for batch in a.batches():
            assert len(batch.records) == 1 or sum(len(bytes(raw)) for raw in batch.records) <= 300
        assert sum(len(batch.records) for batch in a.batches()) == 10
