"""The store: what was committed is there again, what was changed behind its back is found, nothing else is deleted."""

import errno
import os
import shutil
import sqlite3
from pathlib import Path

import msgspec
import peewee
import pytest

from edge_agent.core.decision import Decision
from edge_agent.core.state import WalletRow
from edge_agent.ports import SealedBatch, StoreFull, StoreUnusable
from edge_agent.store import schema
from edge_agent.store.database import APPLICATION_ID, StoreLocked, connect
from edge_agent.store.head_file import StoreHead, read_head, write_head
from edge_agent.store.opening import FILE_NAME, HEAD_NAME, SET_ASIDE, open_store
from edge_agent.store.records import Store
from protocol.chain import Head
from protocol.messages import Batch, ChainHead, Clock
from protocol.records import MeterEvent
from protocol.state import WalletState
from tests.edge_agent.core.street import BOX, METERS, SITE, WALLETS, box_config, meter_config
from tests.edge_agent.rig import RECORD_KEY, START_MS, enrol, epoch_line, sealed

LATER_MS = START_MS + 1


def event(index: int) -> MeterEvent:
    return MeterEvent(at_ms=START_MS + index, meter=METERS[0], event="back")


def batch_of(store: Store, seq: int, prev: str) -> SealedBatch:
    """A batch over all that is pending."""
    pending = store.pending(10_000)
    batch = Batch(
        site=SITE, box=BOX, epoch=1, seq=seq, prev=prev, boot_id="b" * 32, mono_ms=1, sealed_at_ms=START_MS + seq,
        clock=Clock(sure=True, source="rtc"), agent="test", rules=1, commands_applied=ChainHead(seq=0, hash="0" * 64),
        key_generation=1, term_seen=1, tariff_hashes={}, records=[msgspec.Raw(r.raw) for r in pending], wallets={},
    )  # fmt: skip
    return SealedBatch(1, seq, sealed("batch", batch, RECORD_KEY), acknowledged=False)


def seal_all(store: Store, seq: int, prev: str) -> str:
    batch = batch_of(store, seq, prev)
    store.seal(batch, prev, START_MS + seq, store.pending(10_000)[-1].number)
    return batch.line.hash


def three_batches(store: Store) -> list[str]:
    hashes = ["e" * 64]
    for seq in (1, 2, 3):
        store.commit(Decision(records=(event(seq),)))
        hashes.append(seal_all(store, seq, hashes[-1]))
    return hashes[1:]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A state directory with an enrolled box, three batches (one acknowledged) and one pending record."""
    with open_store(tmp_path, START_MS) as store:
        enrol(store, box_config())
        three_batches(store)
        store.acknowledge(1, 1)
        store.commit(Decision(records=(event(9),), money_ids=("a" * 32, "b" * 32)))
    return tmp_path


def reopen(folder: Path) -> None:
    with open_store(folder, LATER_MS):
        pass


def test_a_decision_is_there_again_as_it_was_committed(tmp_path: Path) -> None:
    config = box_config((meter_config(0), meter_config(1)))
    with open_store(tmp_path, START_MS) as store:
        enrol(store, config)
        before = store.load()
        assert before is not None
        wallet = WalletState(wallet=WALLETS[0], book_micro=-5, arrears_open=True, alarm_level=2, alarm2_used=False)
        row = msgspec.structs.replace(before.meters[0], wanted="open", cause="arrears", alarms=("relay_deaf",))
        marks = msgspec.structs.replace(before.marks, commands_seq=7, commands_hash="c" * 64)
        store.commit(
            Decision(
                records=(event(1), event(2)), meters=(row,), wallets=(WalletRow(state=wallet),), marks=marks,
                money_ids=("a" * 32,),
            )
        )  # fmt: skip
    with open_store(tmp_path, START_MS) as store:
        after = store.load()
        assert after is not None
        assert after.marks == marks
        assert row in after.meters
        assert len(after.meters) == 2
        assert after.wallets == (WalletRow(state=wallet),)
        assert store.knows_money("a" * 32)
        assert not store.knows_money("b" * 32)
        pending = store.pending(10)
        assert [record.commands_applied for record in pending[-2:]] == [Head(7, "c" * 64)] * 2
        assert pending[-1].step == pending[-2].step
        assert b'"event":"back"' in pending[-1].raw


def test_the_configuration_is_written_once_and_not_with_every_command(tmp_path: Path) -> None:
    with open_store(tmp_path, START_MS) as store:
        enrol(store, box_config())
        held = store.load()
        assert held is not None
        assert held.marks.config
        for seq in range(1, 40):
            store.commit(Decision(marks=msgspec.structs.replace(held.marks, commands_seq=seq, commands_hash="c" * 64)))
        again = store.load()
        assert again is not None
        assert again.marks.config == held.marks.config
        assert store.configurations() == [held.marks.config]
    rows = sqlite3.connect(tmp_path / FILE_NAME).execute("SELECT length(body) FROM mark").fetchall()
    assert rows[0][0] < 1_000


def test_lines_are_kept_byte_for_byte_and_once(folder: Path) -> None:
    with open_store(folder, START_MS) as store:
        line = epoch_line(box_config())
        kept = store.newest_line("epoch")
        assert kept is not None
        assert kept.raw == line.raw
        step = store.step
        store.commit(Decision(), (line,))
        assert store.step == step + 1
        assert store.newest_line("command") is None


def test_records_leave_the_pending_list_with_their_batch(folder: Path) -> None:
    with open_store(folder, START_MS) as store:
        assert store.pending_count() == 1
        head = store.batch_head(1)
        assert head is not None
        assert head.seq == 3
        seal_all(store, 4, head.hash)
        assert store.pending_count() == 0
        assert store.batch_head(2) is None


def test_acknowledgements_are_cumulative_and_counted_once(folder: Path) -> None:
    with open_store(folder, START_MS) as store:
        assert store.first_unacknowledged() == (1, 2)
        assert store.acknowledge(1, 3) == 2
        assert store.acknowledge(1, 3) == 0
        assert store.first_unacknowledged() is None
        lines = [batch.line for batch in store.batches(1, 1, 2**30)]
        assert [store.batch_hash(1, seq) for seq in (1, 2, 3)] == [line.hash for line in lines]
        assert store.batches(1, 1, 1)[0].seq == 1
        assert len(store.batches(1, 1, 1)) == 1


def test_only_old_acknowledged_batches_are_thinned_and_never_the_newest(folder: Path) -> None:
    with open_store(folder, START_MS) as store:
        assert store.thin_out(START_MS + 10**9) == 1
        assert [batch.seq for batch in store.batches(1, 1, 2**30)] == [2, 3]
        store.acknowledge(1, 3)
        assert store.thin_out(START_MS) == 0
        assert store.thin_out(START_MS + 10**9) == 1
        assert [batch.seq for batch in store.batches(1, 1, 2**30)] == [3]
    reopen(folder)


# --- what must be found ---------------------------------------------------------------------------------------------

TAMPERINGS = {
    "balance": "UPDATE wallet SET body = replace(body, '\"book_micro\":0', '\"book_micro\":900')",
    "mode": 'UPDATE meter SET body = replace(body, \'"mode":"prepaid"\', \'"mode":"protected"\')',
    "meter removed": "DELETE FROM meter",
    "marks": "UPDATE mark SET body = replace(body, '\"term\":1000', '\"term\":1')",
    "pending changed": "UPDATE pending SET body = replace(body, 'back', 'lost')",
    "pending removed": "DELETE FROM pending",
    "money id removed": "DELETE FROM money_id WHERE number = 2",
    "money ids swapped": "UPDATE money_id SET money_id = CASE number WHEN 1 THEN 'x' ELSE 'y' END",
    "keys removed": "DELETE FROM line WHERE type = 'keys'",
    "line changed": "UPDATE line SET body = replace(body, 'A', 'B') WHERE type = 'epoch'",
    "batch line changed": "UPDATE batch SET body = flip(body) WHERE seq = 3",
    "batch line of another": "UPDATE batch SET body = (SELECT b.body FROM batch b WHERE b.seq = 2) WHERE seq = 3",
    "acknowledgement moved": "UPDATE acknowledged SET seq = 3",
    "acknowledgement removed": "DELETE FROM acknowledged",
    "newest batch removed": "DELETE FROM batch WHERE seq = 3",
    "batch in the middle removed": "DELETE FROM batch WHERE seq = 2",
    "first link of a batch changed": "UPDATE batch SET prev = hash WHERE seq = 2",
    "configuration": "UPDATE configuration SET text = replace(text, 'CNY', 'EUR')",
    "head": "UPDATE head SET step = step + 1",
    "head removed": "DELETE FROM head",
    "hash of the newest commit": "UPDATE head SET hashes = replace(hashes, 'a', 'b')",
}


@pytest.mark.parametrize("statement", TAMPERINGS.values(), ids=TAMPERINGS)
def test_a_row_changed_behind_the_agents_back_is_found_and_set_aside(folder: Path, statement: str) -> None:
    database = sqlite3.connect(folder / FILE_NAME)
    database.create_function("replace", 3, _replace)
    database.create_function("flip", 1, lambda body: bytes([*body[:40], body[40] ^ 1, *body[41:]]))
    assert database.execute(statement).rowcount > 0
    database.commit()
    database.close()
    before = (folder / FILE_NAME).read_bytes()
    with pytest.raises(StoreUnusable, match="store_damaged"):
        reopen(folder)
    aside = folder / SET_ASIDE / str(LATER_MS)
    assert (aside / FILE_NAME).read_bytes() == before
    assert "store_damaged" in (aside / "why.txt").read_text()
    with pytest.raises(StoreUnusable, match="store_lost"):
        reopen(folder)


def _replace(value: bytes | str, old: str, new: str) -> bytes | str:
    """SQLite's own replace() makes a text of a BLOB, which a STRICT table refuses."""
    if isinstance(value, bytes):
        return value.replace(old.encode(), new.encode())
    return value.replace(old, new)


def test_a_store_set_back_is_found_by_the_head_file_and_left_untouched(folder: Path) -> None:
    old = (folder / FILE_NAME).read_bytes()
    with open_store(folder, START_MS) as store:
        store.commit(Decision(records=(event(10),)))
    (folder / FILE_NAME).write_bytes(old)
    with pytest.raises(StoreUnusable, match="store_rolled_back") as caught:
        reopen(folder)
    assert "its newest commits are lost" in str(caught.value)
    assert (folder / SET_ASIDE / str(LATER_MS) / FILE_NAME).read_bytes() == old


def test_a_wal_that_lost_its_tail_is_found(folder: Path) -> None:
    """The file stays whole for SQLite: only the head file knows that commits are missing."""
    live = folder / "live"
    live.mkdir()
    with open_store(folder, START_MS) as store:
        for index in range(5):
            store.commit(Decision(records=(event(20 + index),)))
        for name in (FILE_NAME, f"{FILE_NAME}-wal", HEAD_NAME):
            shutil.copy(folder / name, live / name)
    wal = (live / f"{FILE_NAME}-wal").read_bytes()
    (live / f"{FILE_NAME}-wal").write_bytes(wal[: len(wal) * 3 // 4])
    with pytest.raises(StoreUnusable, match="store_rolled_back"):
        reopen(live)
    aside = live / SET_ASIDE / str(LATER_MS)
    assert (aside / f"{FILE_NAME}-wal").read_bytes() == wal[: len(wal) * 3 // 4]


def test_another_history_of_the_same_length_is_found(folder: Path) -> None:
    old = (folder / FILE_NAME).read_bytes()
    with open_store(folder, START_MS) as store:
        store.commit(Decision(records=(event(10),)))
    head = (folder / HEAD_NAME).read_bytes()
    (folder / HEAD_NAME).unlink()
    (folder / FILE_NAME).write_bytes(old)
    newest = read_head_of(old, folder)
    write_head(folder / HEAD_NAME, newest)
    with open_store(folder, START_MS) as store:
        store.commit(Decision(records=(event(11),)))
    (folder / HEAD_NAME).write_bytes(head)
    with pytest.raises(StoreUnusable, match="store_rolled_back"):
        reopen(folder)


def read_head_of(database: bytes, folder: Path) -> StoreHead:
    copy = folder / "copy.db"
    copy.write_bytes(database)
    epoch, step, text = sqlite3.connect(copy).execute("SELECT epoch, step, hashes FROM head").fetchone()
    return StoreHead(epoch, step, text.split(" ")[0])


def test_a_head_file_that_is_behind_was_interrupted_and_is_caught_up(folder: Path) -> None:
    behind = (folder / HEAD_NAME).read_bytes()
    with open_store(folder, START_MS) as store:
        store.commit(Decision(records=(event(10),)))
        store.commit(Decision(records=(event(11),)))
    (folder / HEAD_NAME).write_bytes(behind)
    with open_store(folder, START_MS) as store:
        assert store.pending_count() == 3
        newest = store.step
    head = read_head(folder / HEAD_NAME)
    assert head is not None
    assert head.seq == newest


@pytest.mark.parametrize("body", [b"", b"{", b'{"epoch": 1}', b"\xff\xfe"])
def test_a_head_file_that_cannot_be_read_is_damage(folder: Path, body: bytes) -> None:
    (folder / HEAD_NAME).write_bytes(body)
    with pytest.raises(StoreUnusable, match="store_damaged"):
        reopen(folder)


def test_a_database_that_vanished_beside_its_head_file_is_loss(folder: Path) -> None:
    (folder / FILE_NAME).unlink()
    with pytest.raises(StoreUnusable, match="store_rolled_back"):
        reopen(folder)


def test_garbage_instead_of_a_database_is_damage(folder: Path) -> None:
    (folder / FILE_NAME).write_bytes(b"no database at all" * 1_000)
    with pytest.raises(StoreUnusable, match="store_damaged"):
        reopen(folder)


def test_a_newer_programs_store_is_refused_and_stays_where_it_is(folder: Path) -> None:
    database = sqlite3.connect(folder / FILE_NAME)
    database.execute("PRAGMA user_version = 99")
    database.close()
    with pytest.raises(StoreUnusable, match="store_newer"):
        reopen(folder)
    assert (folder / FILE_NAME).exists()
    assert not (folder / SET_ASIDE).exists()


def test_another_programs_database_is_refused(tmp_path: Path) -> None:
    database = sqlite3.connect(tmp_path / FILE_NAME)
    database.execute("CREATE TABLE t (x)")
    database.commit()
    database.close()
    with pytest.raises(StoreUnusable, match=hex(APPLICATION_ID)):
        connect(tmp_path / FILE_NAME)


def test_one_agent_a_state_directory(folder: Path) -> None:
    with open_store(folder, START_MS), pytest.raises(StoreLocked, match="end it first"):
        reopen(folder)
    reopen(folder)


def test_a_full_disk_does_not_keep_the_lock_from_holding(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def no_room(*_: object) -> int:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(os, "pwrite", no_room)
    with open_store(folder, START_MS), pytest.raises(StoreLocked, match="process unknown"):
        reopen(folder)


def test_a_commit_without_room_keeps_nothing_and_the_next_one_works(folder: Path) -> None:
    with open_store(folder, START_MS) as store:
        pages = store._database.execute_sql("PRAGMA page_count").fetchone()[0]
        store._database.execute_sql(f"PRAGMA max_page_count = {pages}")
        many = tuple(event(index) for index in range(500))
        before, step = store.pending_count(), store.step
        with pytest.raises(StoreFull):
            store.commit(Decision(records=many, money_ids=("c" * 32,)))
        assert (store.pending_count(), store.step) == (before, step)
        assert not store.knows_money("c" * 32)
        store._database.execute_sql("PRAGMA max_page_count = 1000000")
        store.commit(Decision(records=many, money_ids=("c" * 32,)))
        assert store.pending_count() == before + 500
    reopen(folder)


def test_the_tables_are_strict_and_are_those_of_the_models(folder: Path) -> None:
    database = sqlite3.connect(folder / FILE_NAME)
    tables = {row[1]: row[5] for row in database.execute("PRAGMA table_list") if row[1] != "sqlite_schema"}
    tables.pop("sqlite_temp_schema", None)
    assert set(tables.values()) == {1}
    models = [m for m in vars(schema).values() if isinstance(m, type) and issubclass(m, peewee.Model)]
    for model in models:
        columns = {row[1] for row in database.execute(f"PRAGMA table_info({model._meta.table_name})")}
        assert columns == {field.column_name for field in model._meta.sorted_fields}
    assert {model._meta.table_name for model in models} == set(tables)
    assert database.execute("PRAGMA application_id").fetchone()[0] == APPLICATION_ID


def test_the_settings_that_keep_a_commit_through_a_power_cut_hold(folder: Path) -> None:
    with open_store(folder, START_MS) as store:
        found = {
            name: store._database.execute_sql(f"PRAGMA {name}").fetchone()[0]
            for name in ("journal_mode", "synchronous", "foreign_keys", "trusted_schema", "cell_size_check")
        }
    full = 2
    assert found == {
        "journal_mode": "wal", "synchronous": full, "foreign_keys": 1, "trusted_schema": 0, "cell_size_check": 1
    }  # fmt: skip
