"""Reports over real rows: they agree with the ledger, and the statement proves every fen that it charges."""

from typing import Any

import pytest

from cloud_server.core.alarm_views import AlarmFilter
from cloud_server.core.report_table import Report, ReportKind, ReportQuery, ReportTable
from cloud_server.flows.read_alarms import AlarmOffice
from cloud_server.flows.read_batches import BatchBook
from cloud_server.flows.read_reports import ReportOffice
from cloud_server.flows.watch_fleet import watch_fleet
from cloud_server.ports import Actor, Operation
from protocol.units import DAY_MS
from tests.cloud_server.site_rig import SiteRig
from tests.cloud_server.street import YUAN, account_id, box_id, meter_id

SUPERVISOR = Actor(id="1" * 32, name="zhang", display_name="张建", roles=frozenset({"supervisor"}))


def make(rig: SiteRig, kind: ReportKind, **how: Any) -> Report:
    """A report of this month so far."""
    today = rig.centre.day_of(rig.clock.now_ms)
    query = ReportQuery(kind=kind, from_day=how.pop("from_day", today[:8] + "01"), to_day=today, **how)
    found = ReportOffice(rig.centre, AlarmOffice(rig.centre)).report(query)
    assert found is not None
    return found


def table(report: Report, title: str) -> ReportTable:
    return next(one for one in report.tables if one.title == title)


def column(made: ReportTable, key: str) -> list[object]:
    at = [one.key for one in made.columns].index(key)
    return [row[at] for row in made.rows]


@pytest.fixture
def sold(rig: SiteRig) -> SiteRig:
    """A hundred yuan sold to shop 2 of box 1, two and a half kilowatt-hours used."""
    rig.plan()
    box = rig.enrol(1)
    rig.sell("100.00")
    rig.settle(box)
    box.use(meter_id(1, 2), 2_500)
    box.seal()
    rig.settle(box)
    return rig


def test_sales_come_from_the_tills(sold: SiteRig) -> None:
    report = make(sold, "sales")
    assert column(table(report, "by_operator"), "operator") == ["wang"]
    assert column(table(report, "by_operator"), "method") == ["cash"]
    assert column(table(report, "by_period"), "income") == [100 * YUAN]
    assert table(report, "by_period").total == (None, 1, 100 * YUAN, 0, 0, 100 * YUAN)
    assert make(sold, "sales", operator="nobody").tables[0].rows == ()
    assert make(sold, "sales", method="card").tables[0].rows == ()


def test_the_trial_balance_is_zero(sold: SiteRig) -> None:
    made = table(make(sold, "trial"), "trial")
    assert made.total is not None
    assert made.total[-1] == 0
    balances = dict(zip(column(made, "ledger_account"), column(made, "ledger_balance"), strict=True))
    assert balances["wallet"] == 98 * YUAN
    assert balances["till/wang/cash"] == -100 * YUAN
    assert balances["revenue/flat"] == 2 * YUAN


def test_a_statement_proves_every_fen(sold: SiteRig) -> None:
    report = make(sold, "statement", account=account_id(1, 2))
    facts = {fact.key: fact.value for fact in report.facts}
    assert facts["opening"] == 0
    assert facts["came_in"] == 100 * YUAN
    assert facts["charged"] == -2 * YUAN
    assert facts["closing"] == 98 * YUAN
    assert facts["proven"] == 2 * YUAN
    assert facts["unproven"] == 0
    money = table(report, "money")
    assert column(money, "balance_after")[-1] == 98 * YUAN
    registers = table(report, "proof_registers")
    assert sum(v for v in column(registers, "energy") if isinstance(v, int)) == 2_500
    first, last = column(registers, "from_register")[0], column(registers, "to_register")[0]
    assert isinstance(first, int)
    assert last == first + 2_500
    prices = table(report, "proof_prices")
    assert column(prices, "price") == [800_000]
    assert column(prices, "charge") == [2 * YUAN]


def test_a_statement_of_later_days_opens_with_what_the_days_before_left(sold: SiteRig) -> None:
    began = sold.centre.day_of(sold.clock.now_ms)
    sold.clock.now_ms += DAY_MS
    sold.sell("30.00")
    keys = ("opening", "came_in", "charged", "closing")
    later = make(sold, "statement", account=account_id(1, 2), from_day=sold.centre.day_of(sold.clock.now_ms))
    facts = {fact.key: fact.value for fact in later.facts}
    assert [facts[key] for key in keys] == [98 * YUAN, 30 * YUAN, 0, 128 * YUAN]
    both = make(sold, "statement", account=account_id(1, 2), from_day=began)
    facts = {fact.key: fact.value for fact in both.facts}
    assert [facts[key] for key in ("opening", "came_in", "charged", "closing")] == [
        0,
        130 * YUAN,
        -2 * YUAN,
        128 * YUAN,
    ]


def test_energy_by_day_month_and_in_all_agree(sold: SiteRig) -> None:
    for step in ("day", "month", "all"):
        report = make(sold, "energy", step=step)
        assert sum(v for v in column(table(report, "by_point"), "energy") if isinstance(v, int)) == 2_500
        assert sum(v for v in column(table(report, "by_building"), "charge") if isinstance(v, int)) == 2 * YUAN
        assert column(table(report, "by_point"), "rate_flat") == [2_500]
    assert len(make(sold, "energy", place=box_id(2)).tables[1].rows) == 0


def test_lists_of_now_hold_every_meter_and_say_what_is_lost(sold: SiteRig) -> None:
    with sold.centre.store.read() as unit:
        plan = unit.fleet.plan()
    assert plan is not None
    meters = sum(len(box.meters) for box in plan.boxes)
    assert len(make(sold, "registers").tables[0].rows) == meters
    assert len(make(sold, "balances").tables[0].rows) == len(plan.wallets)
    assert make(sold, "balances", state="arrears").tables[0].rows == ()
    tenants = sum(point.use == "tenant" for point in plan.points)
    assert column(make(sold, "modes").tables[0], "mode").count("observe") == tenants
    assert make(sold, "lost").tables[0].rows == ()
    sold.clock.advance(3 * 3_600_000)
    report = make(sold, "lost")
    assert len(column(table(report, "lost_boxes"), "box")) == 1
    assert [lack.why for lack in make(sold, "energy").lacks] == ["silent"]


def test_what_happened_and_who_did_it(sold: SiteRig) -> None:
    log = make(sold, "audit").tables[0]
    assert "action:sale" in column(log, "action")
    assert make(sold, "audit", operator="nobody").tables[0].rows == ()
    assert make(sold, "audit", text="plan_taken").tables[0].rows != ()
    assert all(str(what).startswith("event:") for what in column(make(sold, "events").tables[0], "event"))


def test_a_lost_box_is_one_alarm_that_somebody_sees_to(sold: SiteRig) -> None:
    office = AlarmOffice(sold.centre)
    sold.clock.advance(3 * 3_600_000)
    assert watch_fleet(sold.centre) == 1
    page = office.page(AlarmFilter())
    assert [entry.kind for entry in page.entries] == ["box_lost"]
    assert page.counts == (("box_lost", 1),)
    assert [entry.alarm for entry in office.news().unseen] == [page.entries[0].alarm]
    assert office.acknowledge([page.entries[0].alarm, "0" * 32], "电工已出发", SUPERVISOR) == 1
    assert office.acknowledge([page.entries[0].alarm], "", SUPERVISOR) == 1
    assert office.news().unseen == ()
    notes = office.page(AlarmFilter()).entries[0].notes
    assert [(note.who, note.note) for note in notes] == [("zhang", "电工已出发"), ("zhang", "")]
    assert office.page(AlarmFilter(unseen=True)).entries == ()
    assert office.page(AlarmFilter(state="past")).entries == ()
    assert office.page(AlarmFilter(place=box_id(2))).entries == ()
    assert len(make(sold, "alarms").tables[0].rows) == 1
    assert sold.breaches() == []


def test_an_order_to_many_is_followed_to_its_end(sold: SiteRig) -> None:
    book = BatchBook(sold.centre)
    operation = Operation(key="batch-1-a", kind="protected", meters=(meter_id(1, 1), meter_id(1, 2)))
    sold.operations.order(operation, SUPERVISOR)
    batch = book.batch("batch-1-a")
    assert batch is not None
    assert (batch.head.kind, batch.head.count, batch.head.who) == ("protected", 2, "zhang")
    assert {line.state for line in batch.lines} <= {"queued", "delivered"}
    assert [head.key for head in book.recent(5)] == ["batch-1-a"]
    assert book.batch("desk-1") is None
    assert book.batch("batch-none") is None
