"""What pages and programs read: states, live values and their age, searches, what is lost and with what."""

import pytest

from cloud_server.core.batch_facts import AlarmChange
from cloud_server.core.views import PointRow
from cloud_server.flows import synchronise
from cloud_server.flows.watch_fleet import watch_fleet
from protocol.messages import Live
from protocol.records import Alarm, MeterEvent, Record, Subject
from tests.cloud_server.site_rig import SiteRig
from tests.cloud_server.speaking_box import SpeakingBox
from tests.cloud_server.street import YUAN, account_id, box_id, meter_id, name, point_id, wallet_id


@pytest.fixture
def box(rig: SiteRig) -> SpeakingBox:
    rig.plan()
    made = rig.enrol(1)
    rig.settle(made)
    return made


def row(rig: SiteRig, box: int, shop: int) -> PointRow:
    return next(found for found in rig.books.monitor().points if found.point == point_id(box, shop))


def tell(rig: SiteRig, box: SpeakingBox, *records: Record) -> None:
    box.pending = list(records)
    box.seal()
    rig.settle(box)


def test_before_a_plan_there_is_nothing(rig: SiteRig) -> None:
    assert rig.books.monitor().points == ()
    assert rig.books.find_accounts("a", 9) == ()
    assert rig.books.sale("9" * 32) is None
    assert rig.books.sale_sheet("9" * 32) is None
    assert rig.books.point("9" * 32) is None
    assert rig.books.site().currency == "CNY"


def test_points_come_in_the_order_of_their_places(rig: SiteRig, box: SpeakingBox) -> None:
    del box
    assert [found.number for found in rig.books.monitor().points] == ["A01", "A02", "A03", "B01", "B02", "B03"]
    (building,) = rig.books.monitor().buildings
    assert [(found.name, found.standing) for found in building.boxes] == [("A1", "enrolled"), ("A2", "planned")]


def test_a_balance_carries_its_age(rig: SiteRig, box: SpeakingBox) -> None:
    sealed_at = rig.clock.now_ms
    box.use(meter_id(1, 1), 1_000)
    box.seal()
    rig.settle(box)
    rig.clock.advance(5_000)
    found = row(rig, 1, 1)
    assert (found.balance_micro, found.balance_at_ms) == (-800_000, sealed_at)
    never = row(rig, 2, 2)
    assert (never.balance_micro, never.balance_at_ms) == (None, None)


def test_live_values_show_until_they_are_old(rig: SiteRig, box: SpeakingBox) -> None:
    at = rig.clock.now_ms
    live = Live(
        meter=meter_id(1, 1), at_ms=at, power_w=1_500, power_estimated=False, relay="open", balance_micro=7 * YUAN,
        values={"voltage_a_mv": 230_100},
    )  # fmt: skip
    synchronise.exchange(rig.centre, [box.sync_line(live=[live])])
    page = rig.books.point(point_id(1, 1))
    assert page is not None
    assert page.meter is not None
    assert (page.row.power_w, page.row.relay, page.row.balance_micro, page.row.seen_at_ms) == (
        1_500,
        "open",
        7 * YUAN,
        at,
    )
    assert [(value.name, value.value) for value in page.meter.values] == [("voltage_a_mv", 230_100)]
    rig.clock.advance(60_001)
    page = rig.books.point(point_id(1, 1))
    assert page is not None
    assert (page.row.power_w, page.row.relay) == (None, "unknown")


def test_what_was_posted_after_a_live_value_counts_though_the_clock_of_the_box_had_leapt(
    rig: SiteRig, box: SpeakingBox
) -> None:
    leapt = Live(
        meter=meter_id(1, 2), at_ms=rig.clock.now_ms + 7_200_000, power_w=1, power_estimated=False, relay="open",
        balance_micro=0, values={},
    )  # fmt: skip
    synchronise.exchange(rig.centre, [box.sync_line(live=[leapt])])
    assert (row(rig, 1, 2).balance_micro, row(rig, 1, 2).relay) == (0, "open")
    rig.clock.advance(5)
    rig.sell("3.00")
    rig.settle(box)
    assert (row(rig, 1, 2).balance_micro, row(rig, 1, 2).relay) == (3 * YUAN, "unknown")


def test_a_lost_meter_and_a_lost_bus_are_told_apart(rig: SiteRig, box: SpeakingBox) -> None:
    at, bus = rig.clock.now_ms, name(0xB05, 1)
    tell(rig, box, MeterEvent(at_ms=at, meter=meter_id(1, 1), event="lost"))
    assert (row(rig, 1, 1).state, row(rig, 1, 1).lost_with) == ("lost", None)
    tell(rig, box, Alarm(at_ms=at, alarm="bus_lost", subject=Subject(box=box.box, bus=bus), state="raised"))
    assert (row(rig, 1, 1).state, row(rig, 1, 1).lost_with) == ("normal", "bus")
    assert rig.books.monitor().buildings[0].boxes[0].buses[0].lost_since_ms == at
    tell(rig, box, Alarm(at_ms=at, alarm="bus_lost", subject=Subject(box=box.box, bus=bus), state="cleared"))
    tell(rig, box, MeterEvent(at_ms=at, meter=meter_id(1, 1), event="back"))
    assert (row(rig, 1, 1).state, row(rig, 1, 1).lost_with) == ("normal", None)


def test_a_silent_box_is_lost_once_and_heard_again(rig: SiteRig, box: SpeakingBox) -> None:
    assert watch_fleet(rig.centre) == 0
    heard_at = rig.clock.now_ms
    rig.clock.advance(180_001)
    assert watch_fleet(rig.centre) == 1
    assert watch_fleet(rig.centre) == 0
    shown = rig.books.monitor().buildings[0].boxes[0]
    assert shown.lost_since_ms == heard_at
    assert row(rig, 1, 1).lost_with == "box"
    rig.exchange(box)
    with rig.centre.store.read() as unit:
        assert unit.alarms.standing_alarms("box_lost") == []
    assert rig.books.monitor().buildings[0].boxes[0].lost_since_ms is None


@pytest.mark.parametrize(
    ("text", "numbers"),
    [
        ("A02", ["K1002"]),
        ("k1", ["K1001", "K1002", "K1003"]),
        ("张记12", ["K1002"]),
        ("zj12", ["K1002"]),
        ("13800000103", ["K1003"]),
        ("M203", ["K2003"]),
        ("商铺", ["K1001", "K1002", "K1003", "K2002", "K2003"]),
        ("nobody", []),
        ("", []),
    ],
)
def test_accounts_are_found_as_staff_type(rig: SiteRig, box: SpeakingBox, text: str, numbers: list[str]) -> None:
    del box
    assert sorted(found.number for found in rig.books.find_accounts(text, 20)) == numbers
    assert len(rig.books.find_accounts(text, 1)) == min(len(numbers), 1)


def test_a_sale_sheet_says_what_is_missing_to_switch_on(rig: SiteRig, box: SpeakingBox) -> None:
    box.use(meter_id(1, 2), 1_234)
    box.seal()
    rig.settle(box)
    subject = Subject(box=box.box, wallet=wallet_id(1, 2))
    tell(rig, box, Alarm(at_ms=rig.clock.now_ms, alarm="arrears", subject=subject, state="raised"))
    sheet = rig.books.sale_sheet(account_id(1, 2))
    assert sheet is not None
    (wallet,) = sheet.account.wallets
    assert (wallet.balance_micro, wallet.arrears_open, wallet.in_reach) == (-987_200, True, True)
    assert wallet.needs_micro == 1_000_000
    assert (sheet.limits.least_micro, sheet.account.credit_micro) == (10_000, 0)
    rig.sell("0.40")
    sheet = rig.books.sale_sheet(account_id(1, 2))
    assert sheet is not None
    assert (sheet.account.wallets[0].in_flight_micro, sheet.account.wallets[0].needs_micro) == (400_000, 600_000)


def test_sales_of_a_day_come_newest_first(rig: SiteRig, box: SpeakingBox) -> None:
    del box
    rig.sell("1.00")
    rig.clock.advance(1_000)
    rig.sell("2.00", shop=3)
    rig.clock.advance(86_400_000)
    rig.sell("3.00")
    assert [sale.amount_micro for sale in rig.books.sales_of_day("2026-11-22").sales] == [2 * YUAN, YUAN]
    assert [sale.amount_micro for sale in rig.books.sales_of_day().sales] == [3 * YUAN]


def test_an_alarm_stands_once_however_often_it_is_told(rig: SiteRig) -> None:
    subject = Subject(box=box_id(1), meter=meter_id(1, 1))
    with rig.centre.store.write() as unit:
        told = [AlarmChange("overload", subject, raised, at, None) for raised, at in ((True, 1), (True, 2), (False, 3))]
        assert unit.alarms.change_alarms(told) == 2
        assert unit.alarms.change_alarms(told) == 2
        assert unit.alarms.change_alarms([AlarmChange("overload", subject, False, 9, None)]) == 0
        assert unit.alarms.standing_alarms("overload") == []
