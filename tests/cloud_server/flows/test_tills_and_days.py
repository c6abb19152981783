"""Tills opened, counted, closed; days closed and sealed; what is over stays as it was."""

import dataclasses

import pytest

from cloud_server.core import accounts
from cloud_server.core.mistakes import Conflict
from cloud_server.core.money_requests import CONFIRMING
from cloud_server.core.tills import close_fault, posting_day, read_counted
from cloud_server.flows.close_day import SEALED_AFTER_MS, Days
from cloud_server.flows.keep_till import Tills
from cloud_server.flows.reverse_sale import Reversals
from cloud_server.ports import Actor, Refused
from cloud_server.ports.money import ReversalOrder
from cloud_server.ports.tills import DayOrder, TillCount, TillOpening
from cloud_server.store.database import SqliteEngine, run_ddl
from protocol.units import DAY_MS
from tests.cloud_server.site_rig import CASHIER, SiteRig
from tests.cloud_server.street import YUAN, meter_id

SUPERVISOR = Actor(id="2" * 32, name="zhao", display_name="赵敏", roles=frozenset({CONFIRMING}))
OTHER = dataclasses.replace(CASHIER, id="3" * 32, name="liu")
TILL = accounts.till("wang", "cash")


def count(key: str = "c1", **counted: str) -> TillCount:
    return TillCount(key=key, counted=counted)


def days(rig: SiteRig) -> Days:
    return Days(rig.centre)


def today(rig: SiteRig) -> str:
    return rig.centre.day_of(rig.clock.now_ms)


@pytest.mark.parametrize(
    ("counted", "bank", "difference"), [("150.00", 150, 0), ("149.50", 149.5, -0.5), ("151.00", 151, 1), ("0", 0, -150)]
)
def test_a_till_is_counted_and_handed_over(rig: SiteRig, counted: str, bank: float, difference: float) -> None:
    rig.plan()
    tills = Tills(rig.centre)
    tills.open_till(TillOpening(key="o", float_amount="50.00"), CASHIER)
    rig.sell("100.00")
    assert tills.till_now("wang").expected == {"cash": 150 * YUAN}
    order = dataclasses.replace(count(cash=counted), second=SUPERVISOR if counted == "0" else None)
    closed = tills.close_till(order, CASHIER)
    assert (closed.expected, closed.difference_micro) == ({"cash": 150 * YUAN}, difference * YUAN)
    # 50 of the bank's own came back with what was taken in
    right = {accounts.BANK: 50 * YUAN - bank * YUAN, accounts.TILL_DIFFERENCE: difference * YUAN}
    assert rig.ledger(TILL, *right) == {name: micro for name, micro in right.items() if micro}
    assert tills.close_till(order, CASHIER) == closed
    assert [shift.difference_micro for shift in tills.shifts_of_day(today(rig))] == [difference * YUAN]
    assert rig.breaches() == []


def test_what_is_not_cash_counts_as_the_books_say_unless_named(rig: SiteRig) -> None:
    rig.plan()
    sell(rig, "40.00", "wechat")
    sell(rig, "10.00", "cash")
    tills = Tills(rig.centre)
    with pytest.raises(Refused, match="cash must be counted"):
        tills.close_till(TillCount(key="x", counted={}), CASHIER)
    closed = tills.close_till(count(cash="10.00"), CASHIER)
    assert closed.counted == {"cash": 10 * YUAN, "wechat": 40 * YUAN}
    assert rig.ledger(accounts.BANK) == {accounts.BANK: -50 * YUAN}
    assert tills.tills_now() == ()
    assert rig.breaches() == []


def sell(rig: SiteRig, amount: str, method: str) -> str:
    from cloud_server.ports import SaleOrder
    from tests.cloud_server.street import account_id

    order = SaleOrder(key=f"{method}{amount}", account=account_id(1, 2), amount=amount, method=method, again=True)
    return rig.desk.sell(order, CASHIER).sale


@pytest.mark.parametrize(
    ("order", "by", "error", "text"),
    [
        (count(cash="139.99"), CASHIER, Conflict, "a second person"),
        (dataclasses.replace(count(cash="139.99"), second=CASHIER), CASHIER, Conflict, "cannot confirm it too"),
        (dataclasses.replace(count(cash="150.00"), operator="wang"), OTHER, Conflict, "is closed by wang"),
        (count(cash="1,5"), CASHIER, Refused, "cash"),
        (count(gold="1", cash="1"), CASHIER, Refused, "must be one of"),
    ],
)
def test_what_cannot_be_counted(rig: SiteRig, order: TillCount, by: Actor, error: type[Exception], text: str) -> None:
    rig.plan()
    rig.sell("150.00")
    with pytest.raises(error, match=text):
        Tills(rig.centre).close_till(order, by)
    assert rig.ledger(TILL) == {TILL: -150 * YUAN}


def test_a_supervisor_counts_another_s_till_and_one_is_opened_once(rig: SiteRig) -> None:
    rig.plan()
    tills = Tills(rig.centre)
    tills.open_till(TillOpening(key="o"), CASHIER)
    with pytest.raises(Conflict, match="open already"):
        tills.open_till(TillOpening(key="o2"), CASHIER)
    rig.sell("150.00")
    closed = tills.close_till(dataclasses.replace(count(cash="150.00"), operator="wang"), SUPERVISOR)
    assert (closed.operator, tills.shift(closed.shift).closed_by) == ("wang", "zhao")
    tills.open_till(TillOpening(key="o3"), CASHIER)
    assert rig.breaches() == []


def test_a_sale_of_a_counted_till_is_not_reversed(rig: SiteRig) -> None:
    rig.plan()
    sale = rig.sell("150.00")
    rig.clock.now_ms += 1_000
    Tills(rig.centre).close_till(count(cash="150.00"), CASHIER)
    with pytest.raises(Conflict, match="has been counted"):
        Reversals(rig.centre).reverse(ReversalOrder(key="r", sale=sale, reason="错"), CASHIER)


def test_a_closed_day_is_booked_on_no_more(rig: SiteRig) -> None:
    rig.plan()
    box = rig.enrol(1)
    first = today(rig)
    sale = rig.sell("100.00")
    closed = days(rig).close_day(DayOrder(key="d"), CASHIER)
    assert (closed.day, closed.receipts) == (first, 1)
    with pytest.raises(Conflict, match="is closed"):
        days(rig).close_day(DayOrder(key="d2", day=first), CASHIER)
    with pytest.raises(Conflict, match="is over"):
        Reversals(rig.centre).reverse(ReversalOrder(key="r", sale=sale, reason="错"), CASHIER)
    later = rig.sell("30.00")
    box.use(meter_id(1, 2), 5_000)
    rig.settle(box)
    with rig.centre.store.read() as unit:
        fact = unit.ledger.sale(later)
        assert fact is not None
        assert fact.till_day == posting_day(first, first) > first
        assert fact.receipt.endswith("-0001")
        assert {entry.kind for entry in unit.tills.entries_of_day(first)} == {"sale", "grant"}
        assert {entry.kind for entry in unit.tills.entries_of_day(fact.till_day)} == {"sale", "grant", "batch"}
    assert rig.breaches() == []


def test_a_day_is_closed_by_itself_and_sealed_into_the_audit(rig: SiteRig) -> None:
    rig.plan()
    rig.sell("100.00")
    first = today(rig)
    assert days(rig).close_due_days() == 0
    rig.clock.now_ms += DAY_MS
    assert days(rig).close_due_days() == 1
    assert days(rig).close_due_days() == 0
    assert days(rig).seal_due_days() == 0
    rig.clock.now_ms += SEALED_AFTER_MS
    assert days(rig).seal_due_days() == 1
    assert days(rig).seal_due_days() == 0
    ((closed, sealed),) = days(rig).closed_days(5)
    assert sealed is not None
    assert (closed.day, sealed.day, sealed.entries, sealed.breaches) == (first, first, 1, 0)
    assert rig.breaches() == []


def test_closing_a_day_closes_all_before_it(rig: SiteRig) -> None:
    rig.plan()
    rig.sell("100.00")
    first = today(rig)
    rig.clock.now_ms += DAY_MS
    rig.sell("20.00")
    days(rig).close_day(DayOrder(key="d"), CASHIER)
    assert [closed.day for closed, _ in days(rig).closed_days(5)] == [today(rig), first]
    assert rig.breaches() == []


def test_an_entry_slipped_under_a_closed_day_is_found(rig: SiteRig) -> None:
    rig.plan()
    rig.sell("100.00")
    days(rig).close_day(DayOrder(key="d"), CASHIER)
    rig.clock.now_ms += SEALED_AFTER_MS
    days(rig).seal_due_days()
    rig.sell("20.00")
    with rig.engine.write() as database:
        on = "" if isinstance(rig.engine, SqliteEngine) else ' ON "ledger_transaction"'
        run_ddl(database, f'DROP TRIGGER "ledger_transaction_never_changes"{on}')
        run_ddl(database, f"UPDATE ledger_transaction SET posting_day = '{today(rig)}'")
    assert any("sealed with 1 entries, has 2" in breach for breach in rig.breaches())


def test_open_tills_hold_a_day_back_unless_it_is_said_twice(rig: SiteRig) -> None:
    rig.plan()
    Tills(rig.centre).open_till(TillOpening(key="o"), CASHIER)
    with pytest.raises(Conflict, match="tills are open: wang"):
        days(rig).close_day(DayOrder(key="d"), CASHIER)
    assert days(rig).close_day(DayOrder(key="d2", anyway=True), CASHIER).open_tills == ("wang",)


@pytest.mark.parametrize(
    ("day", "last", "fault"),
    [
        ("2026-11-22", None, None),
        ("2026-11-21", "2026-11-20", None),
        ("2026-11-20", "2026-11-20", "is closed"),
        ("2026-11-23", None, "has not begun"),
        ("gold", None, "is no day"),
    ],
)
def test_which_day_can_be_closed(day: str, last: str | None, fault: str | None) -> None:
    said = close_fault(day, "2026-11-22", last)
    assert (said is None) if fault is None else (fault in str(said))


@pytest.mark.parametrize(
    ("last", "day"),
    [(None, "2026-11-22"), ("2026-11-21", "2026-11-22"), ("2026-11-22", "2026-11-23"), ("2026-11-30", "2026-12-01")],
)
def test_the_day_that_is_booked_on(last: str | None, day: str) -> None:
    assert posting_day("2026-11-22", last) == day


@pytest.mark.parametrize(("text", "micro"), [("0", 0), ("0.00", 0), ("12.50", 12_500_000)])
def test_nothing_counts_as_counted(text: str, micro: int) -> None:
    assert read_counted("cash", text) == micro
