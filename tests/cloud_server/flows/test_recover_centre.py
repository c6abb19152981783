"""A centre from an older copy of its database: boxes bring back its own commands, then their batches; books clean."""

import copy
import dataclasses
import shutil
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import pytest

from cloud_server.core.mistakes import Mistaken, NotNow
from cloud_server.flows import synchronise, who_asks
from cloud_server.flows.box_hardware import decide_quarantine
from cloud_server.flows.keep_journal import JournalKeeper
from cloud_server.flows.read_books import ReadBooks
from cloud_server.flows.recovery_report import recovery_report
from cloud_server.flows.replay_journal import replay
from cloud_server.flows.restore_centre import raise_term
from cloud_server.flows.sell_credit import SalesDesk
from cloud_server.store.journal_file import JournalFile
from protocol.commands import Command
from protocol.envelope import Line, read_line
from protocol.messages import Answer
from protocol.payload import read_payload
from tests.cloud_server.site_rig import SiteRig, open_rig
from tests.cloud_server.speaking_box import SpeakingBox
from tests.cloud_server.street import YUAN, account_id, box_id, meter_id, wallet_id
from tests.fakes.centre_clock import FakeClock

WALLET = f"wallet/{wallet_id(1, 2)}"


class Remembering:
    """A box that keeps every line of the centre, as a real one does."""

    def __init__(self, box: SpeakingBox, epoch: Line) -> None:
        self.box = box
        self.epochs = [epoch]
        self.commands: list[Line] = []
        self.wanted: int | None = None
        self.resend: int | None = None

    def exchange(self, rig: SiteRig) -> Answer:
        box = self.box
        box.now_ms = rig.clock.now_ms
        if self.wanted is not None:
            lines: Sequence[Line] = [*self.epochs, *self.commands[self.wanted - 1 :], box.sync_line()]
        elif self.resend is not None:
            lines = [*box.sealed[self.resend - 1 :], box.sync_line()]
        else:
            lines = box.request()
        answered = synchronise.sign_answer(rig.centre, synchronise.exchange(rig.centre, lines))
        for line in answered:
            if line.type_name == "command" and read_payload(line.payload, Command).seq == len(self.commands) + 1:
                self.commands.append(line)
            if line.type_name == "epoch":
                self.epochs.append(line)
        answer = box.take(answered)
        self.wanted, self.resend = answer.commands_wanted_from, answer.resend_from
        return answer

    def settle(self, rig: SiteRig) -> None:
        for _ in range(12):
            self.exchange(rig)
            if self.box.pending:
                self.box.seal()

    def use(self, rig: SiteRig, shop: int, energy_wh: int) -> None:
        rig.clock.now_ms += 1_800_000
        self.box.use(meter_id(int(self.box.box[-5]), shop), energy_wh)
        self.box.seal()
        self.settle(rig)


def enrol(rig: SiteRig, number: int) -> Remembering:
    box = rig.enrol(number)
    with rig.store.read() as unit:
        raw = unit.lines.line("epoch", box_id(number), 1)
    return Remembering(box, read_line(raw or b""))


@contextmanager
def restored(folder: Path, clock: FakeClock) -> Iterator[SiteRig]:
    """The centre on its older copy, its term raised, every box to be heard first."""
    with open_rig(folder, clock) as rig:
        term = raise_term(rig.centre, [])
        centre = dataclasses.replace(rig.centre, term=term)
        books = ReadBooks(centre)
        yield dataclasses.replace(rig, centre=centre, books=books, desk=SalesDesk(centre, books))


def copy_of(folder: Path, to: Path) -> None:
    shutil.copytree(folder / "site" / "state", to)


def put_back(folder: Path, copy: Path) -> None:
    shutil.rmtree(folder / "site" / "state")
    shutil.copytree(copy, folder / "site" / "state")
    (folder / "journal" / "centre.lines").unlink()


@pytest.fixture
def place(tmp_path: Path) -> Path:
    return tmp_path / "centre"


def state(rig: SiteRig, number: int) -> bool:
    with rig.store.read() as unit:
        row = unit.fleet.box(box_id(number))
    assert row is not None
    return row.recovery


def test_the_boxes_are_the_backup_of_the_ledger(place: Path, tmp_path: Path) -> None:
    clock = FakeClock()
    with open_rig(place, clock) as rig:
        rig.plan()
        one, two = enrol(rig, 1), enrol(rig, 2)
        rig.sell("100")
        for box in (one, two):
            box.settle(rig)
        one.use(rig, 2, 1_000)
    copy_of(place, tmp_path / "yesterday")
    with open_rig(place, clock) as rig:
        first = rig.sell("50", key="k-50")
        both = rig.sell(
            "30",
            shop=1,
            key="k-30",
            parts=((wallet_id(1, 1), "10"), (wallet_id(2, 1), "20")),
        )
        one.settle(rig)
        two.settle(rig)
        one.use(rig, 2, 5_000)
        accounts = [WALLET, f"wallet/{wallet_id(1, 1)}", f"wallet/{wallet_id(2, 1)}"]
        before = rig.ledger(*accounts)
        assert rig.breaches() == []
    put_back(place, tmp_path / "yesterday")
    clock.now_ms += 60_000
    with restored(place, clock) as rig:
        assert state(rig, 1)
        assert state(rig, 2)
        one.settle(rig)
        assert not state(rig, 1)
        in_flight = f"in_flight/{wallet_id(2, 1)}"
        assert rig.ledger(in_flight) == {in_flight: 20 * YUAN}, "the part of a box that was not heard yet"
        assert rig.breaches() == []
        two.settle(rig)
        assert rig.ledger(*accounts) == before
        assert rig.ledger(in_flight) == {}
        with rig.store.read() as unit:
            assert {s.sale for s in unit.books.sales()} >= {first, both}
        assert rig.sell("50", key="k-50") == first, "the same key gives the same answer"
        rig.sell("7")
        one.settle(rig)
        assert rig.ledger(WALLET)[WALLET] == before[WALLET] + 7 * YUAN
        assert rig.breaches() == []


def test_a_box_enrolled_after_the_copy_introduces_itself(place: Path, tmp_path: Path) -> None:
    clock = FakeClock()
    with open_rig(place, clock) as rig:
        rig.plan()
    copy_of(place, tmp_path / "yesterday")
    with open_rig(place, clock) as rig:
        one = enrol(rig, 1)
        rig.sell("100")
        one.settle(rig)
        one.use(rig, 2, 5_000)
    put_back(place, tmp_path / "yesterday")
    clock.now_ms += 60_000
    with restored(place, clock) as rig:
        with pytest.raises(who_asks.Stranger):
            one.exchange(rig)
        one.wanted = 1
        one.settle(rig)
        assert rig.ledger(WALLET) == {WALLET: 96 * YUAN}
        assert rig.breaches() == []


def test_a_number_signed_twice_keeps_the_first_and_the_second_gets_a_new_one(place: Path, tmp_path: Path) -> None:
    clock = FakeClock()
    with open_rig(place, clock) as rig:
        rig.plan()
        one = enrol(rig, 1)
        one.settle(rig)
    copy_of(place, tmp_path / "yesterday")
    with open_rig(place, clock) as rig:
        rig.sell("100")
        one.settle(rig)
        one.use(rig, 2, 1_000)
    put_back(place, tmp_path / "yesterday")
    clock.now_ms += 60_000
    with open_rig(place, clock) as rig:
        rig.sell("40")
        one.settle(rig)
        assert rig.ledger(WALLET) == {WALLET: 140 * YUAN - 800_000}
        assert one.box.command_head.seq == 2
        assert rig.breaches() == []


def test_what_nobody_can_prove_is_asked(place: Path, tmp_path: Path) -> None:
    clock = FakeClock()
    with open_rig(place, clock) as rig:
        rig.plan()
        one = enrol(rig, 1)
        one.settle(rig)
    copy_of(place, tmp_path / "yesterday")
    with open_rig(place, clock) as rig:
        rig.sell("10", box=2, shop=2)
        rig.sell("20")
        one.settle(rig)
    put_back(place, tmp_path / "yesterday")
    clock.now_ms += 60_000
    with restored(place, clock) as rig:
        one.settle(rig)
        with rig.store.read() as unit:
            (asked,) = unit.recovery.questions()
        assert (asked.kind, asked.subject.endswith("-0001")) == ("receipt", True)
        assert rig.breaches() == []
        assert account_id(2, 2) not in asked.detail


def test_the_journal_alone_brings_back_what_no_box_has_fetched(place: Path, tmp_path: Path) -> None:
    clock = FakeClock()
    with open_rig(place, clock) as rig:
        rig.plan()
        one = enrol(rig, 1)
        one.settle(rig)
    copy_of(place, tmp_path / "yesterday")
    with open_rig(place, clock) as rig:
        rig.sell("100")
        one.settle(rig)
        one.use(rig, 2, 1_000)
        waiting = rig.sell("50")
        unheard = rig.sell("9", box=2, shop=2)
        assert rig.breaches() == []
    shutil.rmtree(place / "site" / "state")
    shutil.copytree(tmp_path / "yesterday", place / "site" / "state")
    clock.now_ms += 60_000
    with restored(place, clock) as rig:
        lines = JournalFile(rig.config.journal)
        done = replay(rig.centre, lines.lines)
        assert (done.taken["money"], done.taken["command"], done.not_taken) == (3, 2, 0)
        assert replay(rig.centre, lines.lines).taken.total() == 0
        assert rig.breaches() == []
        one.settle(rig)
        assert rig.ledger(WALLET) == {WALLET: 150 * YUAN - 800_000}
        with rig.store.read() as unit:
            assert {sale.sale for sale in unit.books.sales()} >= {waiting, unheard}
        credit = f"customer/{account_id(2, 2)}"
        two = rig.enrol(2)
        rig.settle(two)
        assert rig.ledger(credit, f"wallet/{wallet_id(2, 2)}") == {f"wallet/{wallet_id(2, 2)}": 9 * YUAN}
        report = recovery_report(rig.centre)
        assert report is not None
        assert (report.under_way, report.sales_back) == (False, 3)
        assert rig.breaches() == []


def test_a_database_put_back_by_hand_is_found_by_its_journal(place: Path, tmp_path: Path) -> None:
    clock = FakeClock()
    with open_rig(place, clock) as rig:
        rig.plan()
        rig.centre.journal.check_at_start()
        assert rig.centre.journal.fault is None
    copy_of(place, tmp_path / "yesterday")
    with open_rig(place, clock) as rig:
        rig.sell("100")
        rig.centre.journal.check_at_start()
        assert rig.centre.journal.fault is None
    shutil.rmtree(place / "site" / "state")
    shutil.copytree(tmp_path / "yesterday", place / "site" / "state")
    with open_rig(place, clock) as rig:
        rig.centre.journal.check_at_start()
        assert "restore --in-place" in str(rig.centre.journal.fault)
        with pytest.raises(NotNow):
            rig.sell("1")


def test_two_machines_with_one_key_part_while_their_centre_recovers(
    place: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Found by seed 20012: nothing that either says ends the recovery any more, so a person decides before it ends."""
    clock = FakeClock()
    with open_rig(place, clock) as rig:
        rig.plan()
        one = enrol(rig, 1)
        rig.sell("100")
        one.settle(rig)
    copy_of(place, tmp_path / "yesterday")
    with open_rig(place, clock) as rig:
        one.use(rig, 2, 1_000)
    two = copy.deepcopy(one)
    put_back(place, tmp_path / "yesterday")
    clock.now_ms += 60_000
    with restored(place, clock) as rig:
        with pytest.raises(Mistaken, match="its recovery comes first"):
            decide_quarantine(rig.centre, box_id(1), "present", "zhao", "nobody was heard yet")
        for box, energy_wh in ((one, 500), (two, 700)):
            box.box.use(meter_id(1, 2), energy_wh)
            box.box.seal()
        with monkeypatch.context() as broken:
            broken.setattr(JournalKeeper, "fault", "the disk is full")
            two.settle(rig)
            one.settle(rig)
        one.settle(rig)
        assert state(rig, 1), "its batches part from those that were taken"
        decide_quarantine(rig.centre, box_id(1), "present", "zhao", "the other is off")
        one.settle(rig)
        assert not state(rig, 1)
        rig.sell("7", key="after")
        one.settle(rig)
        assert rig.ledger(WALLET) == {WALLET: 107 * YUAN - 1_360_000}
        assert rig.breaches() == []
