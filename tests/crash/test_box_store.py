"""The box's store, killed at every line of a commit: the state is the one before or the one after, never between.

The usual run takes every fifth or seventh line, `-m slow` each.
"""

from pathlib import Path

import pytest

from edge_agent.flows.apply_commands import apply_commands
from edge_agent.flows.seal_batches import seal_pending
from protocol.envelope import Line
from protocol.messages import read_records
from protocol.payload import decode
from protocol.records import Granted, Record
from tests.crash.kill_at_line import Begin, copy_files, kill_at_each_line
from tests.edge_agent.core.street import WALLETS, YUAN
from tests.edge_agent.rig import Rig, rig
from tests.edge_agent.whole_box.whole_box import grant_of

COMMIT = ("store/steps.py", "store/records.py", "store/head_file.py", "store/outbox.py", "store/database.py")
COMMANDS = (*COMMIT, "flows/box.py", "flows/apply_commands.py")
SEALING = (*COMMIT, "flows/seal_batches.py")
LEAST_LINES = 50
"""Fewer would mean that the sweep does not see the code it is meant to kill."""


def enrolled(folder: Path, yuan: tuple[int, ...]) -> list[Line]:
    """A box at rest, and grants for it."""
    folder.mkdir()
    with rig(folder) as a:
        a.read(0, 1_000)
        return [a.command(grant_of(0, each, each)) for each in yuan]


def granted(a: Rig) -> list[int]:
    """What was granted, from all records: sealed, then pending."""
    records = [record for batch in a.batches() for record in read_records(batch)]
    records += [decode(pending.raw, Record) for pending in a.store.pending(10_000)]
    return [record.amount_micro // YUAN for record in records if isinstance(record, Granted)]


def grants_that_hold(a: Rig, yuan: tuple[int, ...]) -> int:
    """How many grants hold: wallet, records, money ids, lines and command head must all tell the same."""
    amounts = granted(a)
    assert amounts == list(yuan[: len(amounts)])
    assert a.box.state.wallets[WALLETS[0]].state.book_micro == sum(amounts) * YUAN
    assert a.box.state.marks.commands_seq == len(amounts)
    assert len(a.store.command_lines(1, 2**30)) == len(amounts)
    known = [a.store.knows_money(grant_of(0, each, each).grant) for each in yuan]
    assert known == [index < len(amounts) for index in range(len(yuan))]
    return len(amounts)


@pytest.mark.parametrize(("yuan", "stride"), [((7,), 5), pytest.param((1, 10, 100), 1, marks=pytest.mark.slow)])
def test_commands_killed_at_every_line(tmp_path: Path, yuan: tuple[int, ...], stride: int) -> None:
    lines = enrolled(tmp_path / "source", yuan)
    folder = tmp_path
    found: set[int] = set()

    def prepare(line: int) -> None:
        nonlocal folder
        folder = tmp_path / str(line)
        copy_files(tmp_path / "source", folder)

    def work(begin: Begin) -> None:
        with rig(folder, fresh=False) as a:
            begin()
            assert apply_commands(a.box, a.sync.ring, lines) == len(yuan)

    def check() -> None:
        with rig(folder, fresh=False) as a:
            found.add(grants_that_hold(a, yuan))
            apply_commands(a.box, a.sync.ring, lines)
            assert grants_that_hold(a, yuan) == len(yuan)

    assert kill_at_each_line(COMMANDS, prepare, work, check, stride) > LEAST_LINES
    assert found == set(range(len(yuan) + 1))


@pytest.mark.parametrize("stride", [7, pytest.param(1, marks=pytest.mark.slow)])
def test_sealing_and_acknowledging_killed_at_every_line(tmp_path: Path, stride: int) -> None:
    lines = enrolled(tmp_path / "source", (7,))
    with rig(tmp_path / "source", fresh=False) as a:
        apply_commands(a.box, a.sync.ring, lines)
        whole = a.store.pending_count()
    folder = tmp_path
    found = set()

    def prepare(line: int) -> None:
        nonlocal folder
        folder = tmp_path / str(line)
        copy_files(tmp_path / "source", folder)

    def seal(a: Rig) -> None:
        a.sealing.head_confirmed = True
        seal_pending(a.box, a.sealing)
        head = a.store.batch_head(1)
        assert head is not None
        a.store.acknowledge(1, head.seq)

    def work(begin: Begin) -> None:
        with rig(folder, fresh=False) as a:
            begin()
            seal(a)

    def check() -> None:
        with rig(folder, fresh=False) as a:
            sealed = sum(len(batch.records) for batch in a.batches())
            assert sealed + a.store.pending_count() == whole
            found.add((sealed, a.store.first_unacknowledged()))
            seal(a)
            assert grants_that_hold(a, (7,)) == 1
            assert [batch.seq for batch in a.batches()] == [1]
            assert a.store.first_unacknowledged() is None

    assert kill_at_each_line(SEALING, prepare, work, check, stride) > LEAST_LINES
    assert found == {(0, None), (whole, (1, 1)), (whole, None)}
