"""Lines carried by hand: what goes into files, and what a file may and may not do on a box."""

from pathlib import Path
from typing import Any

import pytest

from edge_agent.flows.courier import next_piece, take_file
from edge_agent.flows.seal_batches import seal_pending
from protocol.commands import SetMode
from protocol.courier import FILE_BYTES_MAX, box_of_name, name_to_box, write_file
from protocol.envelope import Line, seal
from protocol.errors import TooLarge
from protocol.messages import Batch, read_records
from protocol.records import Granted
from tests.edge_agent.core.street import BOX, METERS, WALLETS, YUAN
from tests.edge_agent.rig import ANSWER_KEY, COMMAND_KEY, RECORD_KEY, Rig, epoch_line, key, keys_line, rig
from tests.edge_agent.whole_box.whole_box import grant_of


def take(a: Rig, *lines: Line) -> list[tuple[Any, ...]]:
    """Type, outcome and what the command came to, of each line."""
    told = take_file(a.sync, write_file(lines))
    return [(line["type"], line["outcome"], line.get("result")) for line in told]


def book(a: Rig) -> int:
    return a.box.state.wallets[WALLETS[0]].state.book_micro


def test_a_file_brings_keys_and_commands_and_twice_is_once(tmp_path: Path) -> None:
    with rig(tmp_path) as a:
        lines = (keys_line(), epoch_line(a.box.state.config), a.command(grant_of(0, 100, 1)))
        taken = [("keys", "known", None), ("epoch", "known", None), ("command", "taken", "done")]
        assert take(a, *lines) == taken
        assert book(a) == 100 * YUAN
        again = [("keys", "known", None), ("epoch", "known", None), ("command", "known", None)]
        before = a.store.step
        assert take(a, *lines) == again
        assert (book(a), a.store.step) == (100 * YUAN, before)
        a.exchange(lines[2])
        assert book(a) == 100 * YUAN, "the same command over the fibre changes nothing"


def test_a_file_neither_sets_the_clock_nor_acknowledges(tmp_path: Path) -> None:
    with rig(tmp_path) as a:
        a.ask()
        answer = a.answer_line(server_time_ms=a.clock.wall - 200_000)
        a.sealing.head_confirmed = True
        seal_pending(a.box, a.sealing)
        waiting = a.store.first_unacknowledged()
        batch = a.store.batches(1, 1, 1)[0].line
        assert [outcome for _, outcome, _ in take(a, answer, batch)] == ["refused", "refused"]
        assert a.store.first_unacknowledged() == waiting
        assert (a.sync.ahead_ms, a.sync.fresh_at) == (None, None)
        told = take_file(a.sync, write_file([answer]))[0]["reason"]
        assert "a line of type answer is not taken from a file" in told


def test_a_changed_byte_is_refused_and_what_hangs_on_it_waits(tmp_path: Path) -> None:
    with rig(tmp_path) as a:
        first, second = a.command(grant_of(0, 1, 1)), a.command(grant_of(0, 2, 2))
        body = write_file([first, second])
        place = body.index(b'"payload":"') + 40
        bent = body[:place] + (b"A" if body[place : place + 1] != b"A" else b"B") + body[place + 1 :]
        told = take_file(a.sync, bent)
        assert [line["outcome"] for line in told] == ["refused", "refused"]
        assert "no signature" in told[0]["reason"]
        assert book(a) == 0
        told = take_file(a.sync, b"not a line\n" + body)
        assert [(line["line"], line["outcome"]) for line in told] == [(1, "refused"), (2, "taken"), (3, "taken")]
        assert book(a) == 3 * YUAN


def test_a_file_with_a_hole_says_what_is_missing(tmp_path: Path) -> None:
    with rig(tmp_path) as a:
        first, second = a.command(grant_of(0, 1, 1)), a.command(grant_of(0, 2, 2))
        told = take_file(a.sync, write_file([second]))
        assert (told[0]["outcome"], told[0]["reason"]) == ("refused", "the commands before it are missing")
        assert take(a, first, second) == [("command", "taken", "done")] * 2


@pytest.mark.parametrize("by", [ANSWER_KEY, RECORD_KEY, key(9)])
def test_no_other_key_commands(tmp_path: Path, by: Any) -> None:
    with rig(tmp_path) as a:
        assert take(a, a.command(grant_of(0, 100, 1), by=by)) == [("command", "refused", None)]
        assert book(a) == 0


def test_a_command_that_comes_too_late_is_used_up_and_says_so(tmp_path: Path) -> None:
    with rig(tmp_path) as a:
        late = a.command(SetMode(meter=METERS[0], mode="forced_off"), expires_at_ms=a.clock.wall - 1)
        told = take_file(a.sync, write_file([late]))
        assert (told[0]["outcome"], told[0]["result"], told[0]["reason"]) == ("taken", "refused", "expired")


def test_a_new_key_in_the_file_counts_for_the_commands_beside_it(tmp_path: Path) -> None:
    with rig(tmp_path) as a:
        fresh = key(9)
        new = seal("command", a.command(grant_of(0, 1, 1)).payload, fresh)
        assert take(a, new, keys_line(2, fresh)) == [("command", "taken", "done"), ("keys", "taken", None)]
        assert a.box.state.marks.key_generation == 2
        forged = seal("keys", keys_line(3, fresh).payload, COMMAND_KEY)
        assert take(a, forged) == [("keys", "refused", None)]


def test_pieces_hold_all_that_is_not_acknowledged_in_order(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("edge_agent.flows.courier.PIECE_BYTES", 1)
    with rig(tmp_path) as a:
        a.sealing.head_confirmed = True
        for number in range(1, 4):
            take_file(a.sync, write_file([a.command(grant_of(0, number, number))]))
            assert seal_pending(a.box, a.sealing)
        names: list[str] = []
        lines: list[Line] = []
        after = None
        while (piece := next_piece(a.store, BOX, after)) is not None:
            names.append(piece.name)
            lines += piece.lines
            after = piece.last
        assert names == [f"from-box-{BOX}-epoch-1-{n:08d}-{n:08d}.lines" for n in (1, 2, 3)]
        assert [line.hash for line in lines] == [a.store.batch_hash(1, n) for n in (1, 2, 3)]
        a.store.acknowledge(1, 2)
        piece = next_piece(a.store, BOX, None)
        assert piece is not None
        assert piece.last == (1, 3)
        a.store.acknowledge(1, 3)
        assert next_piece(a.store, BOX, None) is None
        assert [r.amount_micro for b in a.batches() for r in _granted(b)] == [1_000_000, 2_000_000, 3_000_000]


def _granted(batch: Batch) -> list[Granted]:
    return [record for record in read_records(batch) if isinstance(record, Granted)]


def test_bounds_and_names(tmp_path: Path) -> None:
    with rig(tmp_path) as a, pytest.raises(TooLarge):
        take_file(a.sync, b"x" * (FILE_BYTES_MAX + 1))
    assert box_of_name(name_to_box(BOX, 1, 2)) == BOX
    assert box_of_name(f"to-box-{BOX}.lines") is None
    assert box_of_name("notes.txt") is None
