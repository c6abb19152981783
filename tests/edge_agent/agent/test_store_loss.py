"""What an agent does while its store is gone: it asks, brings what still verifies, and keeps closed what was noted."""

import itertools
from pathlib import Path

import msgspec
import pytest

from edge_agent.agent.store_loss import kept_closed
from edge_agent.core.protection import may_be_kept_closed
from edge_agent.flows.recover import Recovery
from edge_agent.ports import Blame, ExchangeAnswered, ExchangeFailed, Remains
from edge_agent.store.opening import FILE_NAME, SET_ASIDE, open_store
from edge_agent.store.protect_file import read_protected, write_protected
from edge_agent.store.salvage import salvage
from protocol.config_text import write_config
from protocol.envelope import Line
from protocol.messages import Answer, BatchHead, ChainHead, Sync
from protocol.payload import read_payload
from protocol.state import LockOutState
from tests.edge_agent.core.street import BOX, METERS, SITE, box_config
from tests.edge_agent.rig import (
    ANSWER_KEY,
    ROOT,
    TERM,
    RigClock,
    RigUplink,
    epoch_line,
    keys_line,
    read_place,
    rig,
    sealed,
)


def recovery_of(folder: Path, store: object, remains: Remains, clock: RigClock) -> tuple[Recovery, RigUplink]:
    with rig(folder / "donor") as donor:
        who = donor.box.who
    uplink, chance = RigUplink(), itertools.count(1)
    made = Recovery(
        who=who,
        root=ROOT.public,
        store=store,  # type: ignore[arg-type]  # the real store of the test
        uplink=uplink,
        clock=clock,
        chance=lambda n: next(chance).to_bytes(n, "big"),
        read_place=lambda config: read_place(BOX, config),
        remains=remains,
    )
    return made, uplink


def answer(nonce: str, head: BatchHead) -> Line:
    zero = ChainHead(seq=0, hash="0" * 64)
    told = Answer(
        site=SITE,
        box=BOX,
        nonce=nonce,
        server_time_ms=1,
        term=TERM,
        batch_ack=head,
        command_head=zero,
        audit_head="0" * 64,
        verdicts=[],
    )
    return sealed("answer", told, ANSWER_KEY)


def test_it_asks_with_nothing_and_takes_only_an_epoch_that_nobody_wrote_in(tmp_path: Path) -> None:
    clock = RigClock()
    (tmp_path / "donor").mkdir()
    (tmp_path / "state").mkdir()
    with open_store(tmp_path / "state", clock.wall, begin_anew=True) as store:
        recovery, uplink = recovery_of(tmp_path, store, Remains(why="store_damaged: x"), clock)
        recovery.pulse()
        asked = read_payload(uplink.sent[-1].lines[-1].payload, Sync)
        assert (asked.epoch, asked.batch_head.seq, asked.command_head.seq, asked.key_generation) == (0, 0, 0, 0)
        recovery.failed(ExchangeFailed(1, Blame.WORLD, "cut", None, clock.mono))
        recovery.pulse()
        assert len(uplink.sent) == 1, "not at once again"
        clock.go_on(60_000)
        recovery.pulse()
        epoch = epoch_line(box_config(), 4)
        written = BatchHead(epoch=4, seq=3, hash="a" * 64)
        nonce = read_payload(uplink.sent[-1].lines[-1].payload, Sync).nonce
        recovery.answered(ExchangeAnswered(2, (keys_line(), epoch, answer(nonce, written)), 5, clock.mono))
        finished = recovery.done
        assert not finished
        clock.go_on(60_000)
        recovery.pulse()
        nonce = read_payload(uplink.sent[-1].lines[-1].payload, Sync).nonce
        fresh = BatchHead(epoch=4, seq=0, hash=epoch.hash)
        recovery.answered(ExchangeAnswered(3, (keys_line(), epoch, answer(nonce, fresh)), 5, clock.mono))
        assert recovery.done
        held = store.load()
        assert held is not None
        assert held.marks.epoch == 4


def test_a_damaged_store_is_set_aside_and_what_is_left_of_it_can_be_read(tmp_path: Path) -> None:
    with rig(tmp_path) as a:
        a.exchange()
        config = write_config(a.box.state.config)
    body = (tmp_path / FILE_NAME).read_bytes()
    (tmp_path / FILE_NAME).write_bytes(body.replace(b'"book_micro":', b'"book_micrp":'))
    with open_store(tmp_path, 5, begin_anew=True) as store:
        assert store.load() is None
    assert (tmp_path / SET_ASIDE / "5" / FILE_NAME).exists()
    remains = salvage(tmp_path)
    assert remains.why.startswith("store_damaged")
    assert remains.keys is not None
    assert remains.config == config
    place, closed = kept_closed(remains, BOX, (METERS[0], "f" * 32))
    assert (place is not None, closed) == (True, (METERS[0],))
    with open_store(tmp_path, 6, begin_anew=True) as again:
        assert again.load() is None, "set aside once; empty, and still asking"


@pytest.mark.parametrize(
    ("change", "may"),
    [
        ({}, True),
        ({"service": "observe"}, False),
        ({"mode": "forced_off"}, False),
        ({"locked_out": LockOutState(who="Li", at_ms=1)}, False),
        ({"mode": "protected"}, True),
    ],
)
def test_only_what_nobody_works_on_may_be_kept_closed(tmp_path: Path, change: dict[str, object], may: bool) -> None:
    with rig(tmp_path, box_config(on_store_loss="protect")) as a:
        row = a.box.state.meters[METERS[0]]
        state = msgspec.structs.replace(row.state, **({"service": "in_service"} | change))
        a.box.state.meters[METERS[0]] = msgspec.structs.replace(row, state=state)
        assert (METERS[0] in may_be_kept_closed(a.box.place, a.box.state)) is may


def test_the_note_beside_the_store(tmp_path: Path) -> None:
    assert read_protected(tmp_path) == ()
    write_protected(tmp_path, ("a", "b"))
    assert read_protected(tmp_path) == ("a", "b")
    (tmp_path / "protect.json").write_text('{"meters": [1]}')
    assert read_protected(tmp_path) == (), "one that is not understood closes nothing"
