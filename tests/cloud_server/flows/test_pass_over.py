"""Batches that are on no machine any more, and a centre of which only the journal is left: what a line proves."""

import copy
import dataclasses
import json
import tomllib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import msgspec
import pytest
from fastapi import FastAPI
from fastapi.testclient import TestClient

from cloud_server.api.problems import mount_problems
from cloud_server.api.recovery import recovery_routes
from cloud_server.core.accounts import OPENING, customer, in_flight, payable, wallet
from cloud_server.core.checkpoint import ACTION
from cloud_server.core.fleet import GrantState
from cloud_server.flows import enrol_box, synchronise
from cloud_server.flows.enrol_box import TakenIn, Waiting
from cloud_server.flows.issue_token import issue_token
from cloud_server.flows.keep_backup import BackupKeeper
from cloud_server.flows.office import open_office
from cloud_server.flows.recovery_report import answer_question, recovery_report
from cloud_server.flows.who_asks import Stranger
from cloud_server.ports.database import PostgresAddress
from cloud_server.ports.ledger import AdjustmentOrder
from cloud_server.ports.money import RefundOrder, RefundStep
from protocol.envelope import Line
from protocol.messages import Answer, BatchHead
from tests.cloud_server.flows.test_from_journal import from_journal, use
from tests.cloud_server.flows.test_recover_centre import Remembering, enrol
from tests.cloud_server.site_rig import CASHIER, SiteRig, open_rig
from tests.cloud_server.speaking_box import make_box
from tests.cloud_server.street import YUAN, account_id, box_id, wallet_id
from tests.fakes.centre_clock import FakeClock
from tests.postgres_server import PostgresServer


class Left(Remembering):
    """What is left at a place: the batches of its newest epoch, and some of those before it."""

    older: tuple[Line, ...] = ()
    asked_epoch = 0

    def exchange(self, rig: SiteRig) -> Answer:
        box = self.box
        box.now_ms = rig.clock.now_ms
        try:
            result = synchronise.exchange(rig.centre, self._request())
        except Stranger:
            # As a real box does behind a 401: its epoch lines say who it is.
            result = synchronise.exchange(rig.centre, [*self.epochs, self._sync()])
        answer = box.take(synchronise.sign_answer(rig.centre, result))
        self.wanted, self.resend, self.asked_epoch = (
            answer.commands_wanted_from, answer.resend_from, answer.batch_ack.epoch
        )  # fmt: skip
        return answer

    def _request(self) -> list[Line]:
        if self.wanted is not None:
            return [*self.epochs, self._sync()]
        if self.resend is None:
            return self.box.request()
        kept = self.box.sealed if self.asked_epoch == self.box.epoch else self.older
        return [*kept[self.resend - 1 :], self._sync()]

    def _sync(self) -> Line:
        """Says where it goes on where it has not got what was asked for."""
        has_it = self.asked_epoch == self.box.epoch or len(self.older) >= (self.resend or 0)
        begun = BatchHead(epoch=self.box.epoch, seq=0, hash=self.epochs[-1].hash)
        return self.box.sync_line(goes_on_from=None if self.resend is None or has_it else begun)


def replaced(rig: SiteRig, number: int, epochs: list[Line]) -> Left:
    """Other hardware at a place."""
    spare = make_box(rig.site, box_id(number), rig.clock.now_ms, f"spare{len(epochs)}")
    line = spare.enrol_line(tomllib.loads(enrol_box.make_claim(rig.centre, spare.box, "chen", replaces=True))["token"])
    asked = enrol_box.ask_to_enrol(rig.centre, line)
    assert isinstance(asked, Waiting)
    enrol_box.confirm(rig.centre, spare.box, asked.fingerprint, "chen")
    came = enrol_box.ask_to_enrol(rig.centre, line)
    assert isinstance(came, TakenIn)
    spare.open_epoch(came.lines[-1])
    left = Left(spare, epochs[0])
    left.epochs = [*epochs, came.lines[-1]]
    return left


@contextmanager
def lived_in(place: Path, clock: FakeClock, database: PostgresAddress | None = None) -> Iterator[tuple[SiteRig, Left]]:
    """A box with all kinds of money steps behind it, whose machine was then replaced."""
    with open_rig(place, clock, database=database) as rig:
        rig.plan(opening_micro=3 * YUAN)
        one = enrol(rig, 1)
        office = open_office(rig.centre)
        rig.sell("100")
        rig.sell("40", shop=3)
        one.settle(rig)
        use(rig, one, 1, 2, 5_000)
        one.box.refuse.add(one.box.command_head.seq + 1)
        rig.sell("9", shop=3)
        one.settle(rig)
        order = AdjustmentOrder(key="adj", account=account_id(1, 2), amount="2.50", reason="补")
        office.adjustments.adjust(order, CASHIER)
        refund = RefundOrder(key="ref", account=account_id(1, 2), amount="20", method="cash", reason="退")
        asked = office.refunds.ask(refund, CASHIER)
        one.settle(rig)
        office.refunds.pay(RefundStep(key="pay", refund=asked.refund), CASHIER)
        use(rig, one, 1, 3, 1_000)
        assert rig.breaches() == []
        yield rig, replaced(rig, 1, one.epochs)


def lost_entry(rig: SiteRig) -> tuple[list[dict[str, object]], int]:
    """What the audit says was passed over, and what stands against it."""
    with rig.store.evidence(rig.centre.authority.command_keys) as evidence:
        told = [msgspec.json.decode(entry.detail) for entry in evidence.audit_entries() if entry.action == ACTION]
    return told, rig.ledger(OPENING).get(OPENING, 0)


WALLETS = tuple(wallet(wallet_id(1, shop)) for shop in (1, 2, 3))
REST = (*(in_flight(wallet_id(1, shop)) for shop in (1, 2, 3)), payable(account_id(1, 2)), customer(account_id(1, 2)))


@pytest.fixture
def place(tmp_path: Path) -> Path:
    return tmp_path / "centre"


def programs_hear_of_it(rig: SiteRig) -> list[dict[str, Any]]:
    """What other programs are told, of this recovery and of all."""
    app = FastAPI()
    mount_problems(app)
    office = open_office(rig.centre)
    app.include_router(recovery_routes(rig.centre, BackupKeeper(rig.centre, None), office.selling))
    client = TestClient(app)
    client.headers["Authorization"] = f"Bearer {issue_token(rig.centre, 'auditor', ['read'], 90, 'test').secret}"
    now, ever = client.get("/api/v1/recovery"), client.get("/api/v1/recovery/passed-over")
    assert now.json()["passed_over"] == ever.json()["items"]
    return list(ever.json()["items"])


def goes_through(place: Path, clock: FakeClock, left: Left, before: dict[str, int], charged_micro: int) -> None:
    """The dead end that it was: the first epoch's batches are on no machine, and only the journal is left."""
    with from_journal(place, clock) as (rig, done):
        assert done.not_taken == 0
        opened_micro = rig.ledger(OPENING)[OPENING]
        left.settle(rig)
        assert rig.ledger(*WALLETS, *REST) == before
        told, opening_micro = lost_entry(rig)
        assert [(one["lost_epoch"], one["epoch"], one["first"]) for one in told] == [(1, 2, 1)]
        assert opening_micro - opened_micro == charged_micro
        report = recovery_report(rig.centre)
        assert report is not None
        assert [box.under_way for box in report.boxes if box.box == box_id(1)] == [False]
        listed = programs_hear_of_it(rig)
        assert [(one["lost_epoch"], one["epoch"], one["first"]) for one in listed] == [(1, 2, 1)]
        assert sum(part["amount_micro"] for part in listed[0]["differences"]) == -charged_micro
        (asked,) = [one for one in report.questions if one.kind == "history"]
        assert sum(json.loads(asked.detail)["differences"].values()) == -charged_micro
        answer_question(rig.centre, asked.question, "left", "电表读数核对过", "zhao")
        assert rig.breaches() == []
        use(rig, left, 1, 2, 700)
        rig.sell("5", key="after")
        left.settle(rig)
        assert rig.ledger(WALLETS[1])[WALLETS[1]] == before[WALLETS[1]] + 5 * YUAN - 7 * 80_000
        assert rig.breaches() == []


def test_the_line_of_the_next_epoch_stands_for_batches_that_are_gone(place: Path) -> None:
    clock = FakeClock()
    with lived_in(place, clock) as (rig, left):
        use(rig, left, 1, 2, 500)
        rig.sell("11")
        left.settle(rig)
        before = rig.ledger(*WALLETS, *REST)
        assert rig.breaches() == []
    goes_through(place, clock, left, before, charged_micro=6_000 * 800 + 9 * YUAN)


@pytest.mark.postgres
def test_it_does_so_on_a_server(place: Path, postgres_server: PostgresServer, postgres_template: str) -> None:
    clock = FakeClock()
    lost, empty = (postgres_server.make_database(postgres_template) for _ in range(2))
    with lived_in(place, clock, lost) as (rig, left):
        left.settle(rig)
        before, settings = rig.ledger(*WALLETS, *REST), rig.config.path
    settings.write_text(settings.read_text().replace(lost.text, empty.text))
    goes_through(place, clock, left, before, charged_micro=6_000 * 800 + 9 * YUAN)


def test_what_is_left_of_an_epoch_is_posted_before_its_end_is_passed_over(place: Path) -> None:
    """A store that was set back: the first batches are there, the last ones are not."""
    clock = FakeClock()
    with open_rig(place, clock) as rig:
        rig.plan()
        one = enrol(rig, 1)
        rig.sell("100")
        one.settle(rig)
        use(rig, one, 1, 2, 1_000)
        image = copy.deepcopy(one.box)
        use(rig, one, 1, 2, 500)
        rig.sell("11")
        one.settle(rig)
        left = Left(image, one.epochs[0])
        left.older = tuple(image.sealed)
        while image.epoch == 1:
            clock.now_ms += 5_000
            for line in synchronise.sign_answer(rig.centre, synchronise.exchange(rig.centre, image.request())):
                if line.type_name == "epoch":
                    left.epochs.append(line)
                    image.open_epoch(line)
        use(rig, left, 1, 2, 250)
        before = rig.ledger(*WALLETS, *REST)
        assert before[WALLETS[1]] == 111 * YUAN - 1_750 * 800
        assert rig.breaches() == []
    with from_journal(place, clock) as (rig, _):
        left.settle(rig)
        assert rig.ledger(*WALLETS, *REST) == before
        (told,) = lost_entry(rig)[0]
        assert (told["lost_epoch"], told["first"]) == (1, len(left.older) + 1)
        assert told["differences"] == {wallet_id(1, 2): -500 * 800}
        assert rig.breaches() == []


def test_lines_that_stand_for_one_another_are_taken_in_turn(place: Path) -> None:
    """Two machines were replaced, and nothing of either is left: two lines, two entries."""
    clock = FakeClock()
    with lived_in(place, clock) as (rig, left):
        use(rig, left, 1, 2, 500)
        rig.sell("11")
        left.settle(rig)
        newest = replaced(rig, 1, left.epochs)
        use(rig, newest, 1, 2, 300)
        before = rig.ledger(*WALLETS, *REST)
        assert rig.breaches() == []
    with from_journal(place, clock) as (rig, _):
        newest.settle(rig)
        assert rig.ledger(*WALLETS, *REST) == before
        assert [(one["lost_epoch"], one["epoch"]) for one in lost_entry(rig)[0]] == [(1, 2), (2, 3)]
        assert rig.breaches() == []


def test_a_checkpoint_that_was_bent_is_found(place: Path) -> None:
    clock = FakeClock()
    with lived_in(place, clock) as (rig, left):
        left.settle(rig)
    with from_journal(place, clock) as (rig, _):
        left.settle(rig)
        assert rig.breaches() == []
        with rig.store.write() as unit:
            (grant, *_) = unit.ledger.grants_of_account(account_id(1, 2), GrantState.APPLIED)
            unit.ledger.save_grant(dataclasses.replace(grant, reason=None))
        assert any(grant.grant in breach for breach in rig.breaches()), "neither batch nor checkpoint tells of it"
