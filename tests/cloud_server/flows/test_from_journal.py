"""New books out of the journal alone: every kind of money step, boxes that answer, one that was never heard."""

import dataclasses
import random
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import msgspec
import pytest

from cloud_server.core.accounts import customer, in_flight, payable, wallet
from cloud_server.core.fleet import BoxState
from cloud_server.core.journaled_plan import changes, plan_of
from cloud_server.core.mistakes import Conflict
from cloud_server.flows.office import open_office
from cloud_server.flows.plan_site import take_plan
from cloud_server.flows.recovery_report import recovery_report
from cloud_server.flows.replay_journal import Replayed, newest_term, replay
from cloud_server.flows.restore_centre import raise_term
from cloud_server.ports import Actor, KeyReused, Refused
from cloud_server.ports.hardware_orders import OpenSellingOrder, RetireOrder
from cloud_server.ports.ledger import AdjustmentOrder, CheckStep, ClosingOrder, MoveOrder, SettleOrder
from cloud_server.ports.money import RefundOrder, RefundStep, ReversalOrder
from cloud_server.ports.tills import DayOrder, TillOpening
from cloud_server.store.journal_file import JournalFile
from protocol.money import PlanBody
from protocol.payload import write_payload
from tests.cloud_server.flows.test_recover_centre import Remembering, enrol
from tests.cloud_server.site_rig import CASHIER, SiteRig, open_rig
from tests.cloud_server.street import YUAN, account_id, box_id, customer_id, meter_id, street, wallet_id
from tests.fakes.centre_clock import FakeClock
from tests.postgres_server import PostgresServer

SUPERVISOR = Actor(id="1" * 32, name="zhao", display_name="赵", roles=frozenset({"supervisor"}))


@contextmanager
def from_journal(
    place: Path, clock: FakeClock, order: random.Random | None = None
) -> Iterator[tuple[SiteRig, Replayed]]:
    """Nothing but keys, configuration and journal is left of the centre."""
    shutil.rmtree(place / "site" / "state", ignore_errors=True)
    (place / "site" / "state").mkdir()
    clock.now_ms += 60_000
    with open_rig(place, clock) as rig:
        lines = list(JournalFile(rig.config.journal).lines())
        if order is not None:
            order.shuffle(lines)
        term = raise_term(rig.centre, [newest_term(lines)])
        centre = dataclasses.replace(rig.centre, term=term)
        done = replay(centre, lambda: lines)
        desk = dataclasses.replace(rig, centre=centre, desk=type(rig.desk)(centre, rig.books))
        yield desk, done


def use(rig: SiteRig, box: Remembering, number: int, shop: int, energy_wh: int) -> None:
    rig.clock.now_ms += 1_800_000
    box.box.use(meter_id(number, shop), energy_wh)
    box.box.seal()
    box.settle(rig)


def balances(rig: SiteRig) -> dict[str, int]:
    with rig.store.evidence(rig.centre.authority.command_keys) as evidence:
        return {name: micro for name, micro in evidence.account_sums().items() if micro}


@pytest.fixture
def place(tmp_path: Path) -> Path:
    return tmp_path / "centre"


def test_every_kind_of_step_comes_back_and_the_money_agrees(place: Path) -> None:
    clock = FakeClock()
    with open_rig(place, clock) as rig:
        rig.plan(opening_micro=3 * YUAN)
        one, two = enrol(rig, 1), enrol(rig, 2)
        office = open_office(rig.centre)
        office.tills.open_till(TillOpening(key="till", float_amount="200"), CASHIER)
        rig.sell("100")
        rig.sell("30", shop=1, parts=((wallet_id(1, 1), "10"), (wallet_id(2, 1), "20")))
        for box in (one, two):
            box.settle(rig)
        use(rig, one, 1, 2, 5_000)
        wrong = rig.sell("11", shop=3)
        one.settle(rig)
        office.reversals.reverse(ReversalOrder(key="rev", sale=wrong, reason="错收"), CASHIER)
        order = AdjustmentOrder(key="adj", account=account_id(1, 2), amount="2.50", reason="补")
        office.adjustments.adjust(order, CASHIER)
        refund = RefundOrder(key="ref", account=account_id(1, 2), amount="20", method="cash", reason="退")
        asked = office.refunds.ask(refund, CASHIER)
        one.settle(rig)
        office.refunds.pay(RefundStep(key="pay", refund=asked.refund), CASHIER)
        move = MoveOrder(
            key="mov",
            account=account_id(1, 1),
            from_wallet=wallet_id(1, 1),
            to_wallet=wallet_id(2, 1),
            amount="4",
            reason="搬",
        )
        office.moves.move(move, CASHIER)
        one.settle(rig)
        office.work()
        two.settle(rig)
        closing = office.closings.close(ClosingOrder(key="clo", account=account_id(2, 3), reason="退租"), CASHIER)
        two.settle(rig)
        assert closing.closing is not None
        office.settlements.settle(SettleOrder(key="set", closing=closing.closing, how="refund"), CASHIER)
        two.settle(rig)
        office.days.close_day(DayOrder(key="day", anyway=True), SUPERVISOR)
        kept = rig.sell("7", key="kept")
        one.settle(rig)
        two.settle(rig)
        assert rig.breaches() == []
        before = balances(rig)
        with rig.store.read() as unit:
            plan = unit.fleet.plan()
    with from_journal(place, clock) as (rig, done):
        assert (done.not_taken, done.plan_taken) == (0, True)
        assert rig.breaches() == []
        one.settle(rig)
        assert rig.breaches() == []
        two.settle(rig)
        assert rig.breaches() == []
        assert balances(rig) == before
        with rig.store.read() as unit:
            assert plan is not None
            assert write_payload(unit.fleet.plan() or plan) == write_payload(plan)
            assert [asked for asked in unit.recovery.questions() if asked.answer is None] == []
        assert rig.sell("7", key="kept") == kept, "the same key gives the same answer"
        with pytest.raises(KeyReused):
            open_office(rig.centre).adjustments.adjust(order, CASHIER)
        rig.sell("1", key="after")
        one.settle(rig)
        assert balances(rig)[wallet(wallet_id(1, 2))] == before[wallet(wallet_id(1, 2))] + YUAN
        report = recovery_report(rig.centre)
        assert report is not None
        assert (report.under_way, report.sales_back) == (False, 4)
        assert rig.breaches() == []


def test_what_was_never_signed_waits_for_its_box_as_before(place: Path) -> None:
    clock = FakeClock()
    with open_rig(place, clock) as rig:
        rig.plan(opening_micro=3 * YUAN)
        enrol(rig, 1)
        office = open_office(rig.centre)
        rig.sell("9", box=2, shop=2)
        back = rig.sell("8", box=2, shop=3)
        office.reversals.reverse(ReversalOrder(key="rev", sale=back, reason="错收"), CASHIER)
        order = AdjustmentOrder(key="adj", account=account_id(2, 2), amount="-1", reason="补")
        office.adjustments.adjust(order, CASHIER)
        before = balances(rig)
    with from_journal(place, clock) as (rig, done):
        assert done.not_taken == 0
        assert balances(rig) == before
        assert rig.breaches() == []
        two = rig.enrol(2)
        rig.settle(two)
        assert rig.ledger(wallet(wallet_id(2, 2)), wallet(wallet_id(2, 3)), customer(account_id(2, 3))) == {
            wallet(wallet_id(2, 2)): 11 * YUAN,
            wallet(wallet_id(2, 3)): 3 * YUAN,
        }
        assert rig.breaches() == []


def test_a_box_that_is_silent_is_told_of_box_by_box(place: Path) -> None:
    clock = FakeClock()
    with open_rig(place, clock) as rig:
        rig.plan()
        one, two = enrol(rig, 1), enrol(rig, 2)
        rig.sell("100")
        rig.sell("50", box=2, shop=2)
        one.settle(rig)
        two.settle(rig)
    with from_journal(place, clock) as (rig, _):
        one.settle(rig)
        with pytest.raises(Refused, match="was not heard since"):
            rig.sell("6", box=2, shop=2, key="early")
        order = OpenSellingOrder(key="open", box=box_id(2), reason="电话问过，箱子还在工作")
        selling = open_office(rig.centre)
        asked = selling.selling.open(order, CASHIER)
        with pytest.raises(Refused):
            rig.sell("6", box=2, shop=2, key="early")
        with pytest.raises(Conflict, match="cannot confirm it too"):
            selling.second.approve(CheckStep(key="self", request=asked.request or ""), CASHIER)
        selling.second.approve(CheckStep(key="yes", request=asked.request or ""), SUPERVISOR)
        with pytest.raises(Conflict, match="is not closed"):
            selling.selling.open(dataclasses.replace(order, key="twice"), CASHIER)
        waits = rig.sell("6", box=2, shop=2, key="after")
        report = recovery_report(rig.centre)
        assert report is not None
        (opened,) = [box.recovery for box in report.boxes if box.under_way]
        assert (opened.opened_by, opened.opened_second) == (CASHIER.name, SUPERVISOR.name)
        told = {box.box: (box.under_way, box.awaited_micro, box.waiting_micro) for box in report.boxes}
        assert told == {box_id(1): (False, 0, 0), box_id(2): (True, 0, 6 * YUAN)}
        assert rig.ledger(in_flight(wallet_id(2, 2)), payable(account_id(2, 2))) == {
            in_flight(wallet_id(2, 2)): 50 * YUAN
        }
        assert rig.breaches() == []
        two.settle(rig)
        assert rig.ledger(wallet(wallet_id(2, 2))) == {wallet(wallet_id(2, 2)): 56 * YUAN}
        with rig.store.read() as unit:
            assert unit.ledger.sale(waits) is not None
        assert rig.breaches() == []


def test_a_box_that_was_retired_stays_so(place: Path) -> None:
    clock = FakeClock()
    with open_rig(place, clock) as rig:
        rig.plan()
        enrol(rig, 1)
        two = enrol(rig, 2)
        rig.sell("50", box=2, shop=2)
        two.settle(rig)
        use(rig, two, 2, 2, 1_000)
        rig.sell("7", box=2, shop=2)
        office = open_office(rig.centre)
        asked = office.boxes.retire(RetireOrder(key="ret", box=box_id(2), reason="水淹"), CASHIER)
        office.second.approve(CheckStep(key="yes", request=asked.request or ""), SUPERVISOR)
        credit = rig.ledger(customer(account_id(2, 2)))
        assert credit == {customer(account_id(2, 2)): 57 * YUAN - 800_000}
        assert rig.breaches() == []
    with from_journal(place, clock) as (rig, done):
        assert done.not_taken == 0
        assert rig.ledger(customer(account_id(2, 2))) == credit
        with rig.store.read() as unit:
            row = unit.fleet.box(box_id(2))
        assert row is not None
        assert (row.state, row.recovery) == (BoxState.RETIRED, False)
        assert rig.breaches() == []


def test_lines_of_several_hosts_find_their_order(place: Path) -> None:
    clock = FakeClock()
    with open_rig(place, clock) as rig:
        rig.plan()
        one = enrol(rig, 1)
        for _ in range(5):
            rig.sell("10")
        one.settle(rig)
        before = balances(rig)
    with from_journal(place, clock, random.Random(4)) as (rig, done):
        assert done.not_taken == 0
        one.settle(rig)
        assert balances(rig) == before
        assert rig.breaches() == []


@pytest.mark.postgres
def test_the_journal_fills_an_empty_database_of_a_server(
    place: Path, postgres_server: PostgresServer, postgres_template: str
) -> None:
    clock = FakeClock()
    lost, empty = (postgres_server.make_database(postgres_template) for _ in range(2))
    with open_rig(place, clock, database=lost) as rig:
        rig.plan(opening_micro=3 * YUAN)
        one = enrol(rig, 1)
        rig.sell("100")
        one.settle(rig)
        use(rig, one, 1, 2, 5_000)
        before = balances(rig)
        settings = rig.config.path
    settings.write_text(settings.read_text().replace(lost.text, empty.text))
    with from_journal(place, clock) as (rig, done):
        assert rig.config.database == empty
        assert (done.not_taken, done.plan_taken) == (0, True)
        one.settle(rig)
        assert balances(rig) == before
        assert rig.breaches() == []


def test_a_line_that_was_cut_short_stops_its_chain_and_nothing_else(place: Path) -> None:
    clock = FakeClock()
    with open_rig(place, clock) as rig:
        rig.plan()
        one = enrol(rig, 1)
        rig.sell("10")
        one.settle(rig)
        path = JournalFile(rig.config.journal).path
    path.write_bytes(path.read_bytes() + path.read_bytes()[:90])
    with from_journal(place, clock) as (rig, done):
        assert done.not_taken == 1
        one.settle(rig)
        assert rig.breaches() == []


def test_a_plan_told_in_pieces_comes_to_the_same() -> None:
    first, then = street("0" * 32, boxes=2), street("0" * 32, boxes=3, shops=2)
    pieces = [*changes(None, first), *changes(first, then)]
    assert write_payload(plan_of(None, first.site, pieces) or first) == write_payload(then)
    assert changes(then, then) == []
    assert plan_of(first, first.site, changes(first, then)) == then
    assert plan_of(None, first.site, [PlanBody(customers=tuple(first.customers))]) is None


def test_of_a_plan_that_changed_only_the_change_is_told(rig: SiteRig) -> None:
    rig.plan()
    with rig.store.read() as unit:
        before = unit.lines.chain_head("money", "", journaled_only=False)
    plan = street(rig.site)
    named = [
        msgspec.structs.replace(person, name="李") if person.customer == customer_id(1, 1) else person
        for person in plan.customers
    ]
    take_plan(rig.centre, msgspec.structs.replace(plan, customers=named), "provisioner")
    with rig.store.read() as unit:
        after = unit.lines.chain_head("money", "", journaled_only=False)
    assert after.seq == before.seq + 2, "a piece of the plan, and the customer"
