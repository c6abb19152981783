"""The outbox from a box's record to the telephone: once, in time, within budgets, and only to numbers on file."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import msgspec
import pytest

from cloud_server.core.message_rules import LASTS_MS, MessageState
from cloud_server.core.message_settings import DutyPerson, MessageSettings, StepSetting
from cloud_server.flows import plan_site
from cloud_server.ports import Refused
from cloud_server.ports.messages import NotKnown, NotSent
from provisioning.simulator.gsm_modem import SimulatedModem
from tests.cloud_server.messages.outbox_rig import OutboxRig, open_outbox, served_street
from tests.cloud_server.site_rig import CASHIER
from tests.cloud_server.street import customer_id, street
from tests.fakes.centre_clock import FakeClock

HOUR = 3_600_000
PHONE = "13800000102"


@pytest.fixture
def rig(tmp_path: Path) -> Iterator[OutboxRig]:
    with served_street(tmp_path) as made:
        yield made


def states(rig: OutboxRig) -> list[tuple[str, str]]:
    return [(row.occasion, row.state.value) for row in rig.rows()]


def change_phones(rig: OutboxRig, *phones: str, shop: int = 2) -> None:
    plan = street(rig.site.site, boxes=1)
    customers = [
        msgspec.structs.replace(each, phones=phones) if each.customer == customer_id(1, shop) else each
        for each in plan.customers
    ]
    plan_site.take_plan(rig.site.centre, msgspec.structs.replace(plan, customers=customers), "provisioner")


def test_a_shop_that_reaches_alarm_2_is_told_once_and_the_network_says_so(rig: OutboxRig) -> None:
    rig.site.sell("4.96")
    rig.site.settle(rig.boxes[1])
    rig.turn()
    assert [row.occasion for row in rig.rows()] == ["sale"]
    rig.alarm("alarm2", value=4_960_000)
    rig.heard()
    rig.turn()
    rig.turn()
    rig.listen()
    (to, text) = rig.texts()[-1]
    assert to == PHONE
    for piece in (
        "测试街",
        "A02 商铺12",
        "4.96元",
        "11-22 12:00",
        "第二提醒额",
        "0.01元恢复供电",
        "物业收费处",
        "/my/",
    ):
        assert piece in text
    assert sorted(states(rig)) == [("alarm2", "delivered"), ("sale", "delivered")]
    assert "已到账" in rig.texts()[0][1]
    assert "4.96元" in rig.texts()[0][1]
    assert len(rig.texts()) == 2


def test_the_gravest_level_and_the_last_place_of_a_relay_are_told(rig: OutboxRig) -> None:
    rig.alarm("alarm1")
    rig.alarm("alarm2")
    rig.alarm("arrears")
    rig.relay("open", "arrears")
    rig.heard()
    rig.turn()
    assert states(rig) == [("cut_off", "delivered")]
    assert "欠费" in rig.texts()[0][1]
    # A relay that is seen open again tells nothing new; one that closes does, once.
    rig.relay("open", "arrears")
    rig.heard()
    rig.relay("closed", "restored")
    rig.alarm("arrears", raised=False)
    rig.heard()
    rig.turn()
    rig.relay("closed", "normal")
    rig.heard()
    rig.turn()
    assert [row.occasion for row in rig.rows()] == ["cut_off", "restored"]
    assert "发热电器" in rig.texts()[1][1]


def test_what_came_and_went_while_the_fibre_was_cut_is_not_told(rig: OutboxRig) -> None:
    rig.alarm("alarm1")
    rig.relay("open", "arrears")
    rig.relay("closed", "restored")
    rig.alarm("alarm1", raised=False)
    rig.relay("open", "lock_out", shop=3)
    rig.heard()
    rig.turn()
    assert rig.rows() == []


def test_the_first_look_tells_nothing_of_what_was_before(tmp_path: Path) -> None:
    with SimulatedModem(tmp_path / "modem") as simulated, open_outbox(tmp_path, simulated) as rig:
        rig.site.plan(boxes=1)
        rig.enrol(1)
        rig.settings()
        rig.alarm("alarm2", shop=1)
        rig.heard()
        assert rig.noter.look() == 0
        rig.alarm("alarm2", shop=2)
        rig.heard()
        assert (rig.noter.look(), rig.noter.look()) == (1, 0)


def test_quiet_hours_hold_a_warning_and_never_a_cut(rig: OutboxRig) -> None:
    rig.settings(quiet_from_minute=22 * 60, quiet_to_minute=7 * 60)
    rig.site.clock.advance(11 * HOUR)
    rig.alarm("alarm1")
    rig.relay("open", "arrears", shop=3)
    rig.heard()
    rig.turn()
    assert sorted(states(rig)) == [("alarm1", "queued"), ("cut_off", "delivered")]
    (held,) = [row for row in rig.rows() if row.occasion == "alarm1"]
    assert (held.reason, held.not_before_ms - rig.site.clock.now_ms) == ("quiet_hours", 8 * HOUR)
    rig.site.clock.advance(8 * HOUR)
    rig.turn()
    assert ("alarm1", "delivered") in states(rig)


def test_alarm_2_goes_at_night_where_nothing_is_known_of_the_cut(rig: OutboxRig) -> None:
    rig.settings(quiet_from_minute=0, quiet_to_minute=23 * 60)
    rig.alarm("alarm2")
    rig.heard()
    rig.turn()
    assert states(rig) == [("alarm2", "delivered")]


def test_ten_thousand_triggers_send_no_more_than_the_budget(rig: OutboxRig) -> None:
    rig.settings(customer_day_max=3, site_day_max=8)
    for shop in (1, 2, 3):
        for _ in range(6):
            rig.alarm("alarm1", shop=shop)
            rig.heard()
            rig.site.clock.advance(1_000)
    # Each look at one more batch notes one message a shop.
    rig.turn()
    for _ in range(6):
        for shop in (1, 2, 3):
            rig.alarm("alarm1", shop=shop)
        rig.heard()
        rig.site.clock.advance(60_000)
        rig.turn()
    by_number: dict[str, int] = {}
    for to, _ in rig.texts():
        by_number[to] = by_number.get(to, 0) + 1
    assert max(by_number.values()) <= 3
    # A message that has begun is sent to its end: the budget may be passed by the parts of one.
    assert 8 <= len(rig.simulated.taken) <= 8 + 3
    reasons = {row.reason for row in rig.rows() if row.state is MessageState.QUEUED}
    assert reasons <= {"customer_budget", "site_budget"}
    rig.relay("open", "arrears")
    rig.heard()
    rig.turn()
    assert ("cut_off", "delivered") in states(rig)


def test_the_kill_switch_stops_everything_and_old_news_is_dropped(rig: OutboxRig) -> None:
    rig.settings(on=False)
    rig.relay("open", "arrears")
    rig.heard()
    rig.turn()
    rig.site.clock.advance(HOUR)
    rig.turn()
    assert rig.simulated.taken == []
    assert rig.rows()[0].reason == "switched_off"
    rig.site.clock.advance(LASTS_MS)
    rig.settings(on=True)
    rig.turn()
    assert states(rig) == [("cut_off", "expired")]
    assert rig.simulated.taken == []


def test_three_numbers_each_once_and_no_others(rig: OutboxRig) -> None:
    change_phones(rig, "138 0000 0102", "+8613900000102", "13700000102")
    rig.alarm("alarm2")
    rig.heard()
    rig.turn()
    assert sorted(to for to, _ in rig.texts()) == ["+8613900000102", "13700000102", PHONE]


def test_a_number_taken_off_file_gets_nothing_more_but_is_told_so(rig: OutboxRig) -> None:
    rig.settings(quiet_from_minute=0, quiet_to_minute=13 * 60)
    rig.alarm("alarm1")
    rig.heard()
    rig.turn()
    assert states(rig) == [("alarm1", "queued")]
    change_phones(rig, "13900000188")
    rig.site.clock.advance(2 * HOUR)
    rig.turn()
    assert states(rig) == [("alarm1", "withheld"), ("number_changed", "delivered")]
    assert rig.rows()[0].reason == "not_on_file"
    ((to, text),) = rig.texts()
    assert to == PHONE
    assert "尾号0188" in text


def test_a_refusal_at_part_2_is_tried_again_from_there(rig: OutboxRig) -> None:
    rig.simulated.manners.refuse = {2: 500}
    rig.alarm("alarm2")
    rig.heard()
    rig.turn()
    (row,) = rig.rows()
    assert row.state is MessageState.SENDING
    assert [part.state.value for part in rig.parts(row.message)][:2] == ["delivered", "waiting"]
    assert rig.parts(row.message)[1].fault == "AT+CMGS: +CMS ERROR 500"
    rig.turn()
    assert len(rig.simulated.taken) == 1
    rig.site.clock.advance(6_000)
    rig.turn()
    assert states(rig) == [("alarm2", "delivered")]
    assert len(rig.texts()) == 1
    assert [part.n for part in rig.simulated.taken] == list(range(1, len(rig.simulated.taken) + 1))


def test_a_number_that_does_not_exist_is_not_tried_again(rig: OutboxRig) -> None:
    rig.simulated.manners.refuse = {1: 1}
    rig.alarm("alarm2")
    rig.heard()
    rig.turn()
    assert states(rig) == [("alarm2", "failed")]
    assert "CMS ERROR 1" in (rig.rows()[0].reason or "")


def test_the_network_gives_up(rig: OutboxRig) -> None:
    rig.simulated.manners.status = 0x46
    rig.alarm("alarm2")
    rig.heard()
    rig.turn()
    rig.listen()
    assert states(rig) == [("alarm2", "failed")]


def test_power_goes_after_the_last_key_and_the_report_tells(rig: OutboxRig) -> None:
    rig.simulated.manners.cut_after_take = 1
    rig.alarm("alarm2")
    rig.heard()
    rig.turn()
    assert not rig.modem.is_open()
    assert states(rig) == [("alarm2", "sending")]
    rig.simulated.power(on=True)
    rig.turn()
    rig.listen(0.4)
    assert states(rig) == [("alarm2", "delivered")]
    assert len(rig.texts()) == 1


def test_power_goes_before_the_network_has_it_and_nobody_knows(rig: OutboxRig) -> None:
    rig.simulated.manners.cut_before_take = 1
    rig.alarm("alarm2")
    rig.heard()
    rig.turn()
    rig.simulated.power(on=True)
    rig.turn()
    (row,) = rig.rows()
    first = rig.parts(row.message)[0]
    assert first.state.value == "handed"
    assert [part.n for part in rig.simulated.taken] == [2, 3]
    rig.site.clock.advance(LASTS_MS + 2 * HOUR)
    assert rig.sender.give_up() == 1
    assert states(rig) == [("alarm2", "unsure")]
    # A person may ask for it again.
    assert rig.desk.send_again(row.message, CASHIER)
    assert not rig.desk.send_again(row.message, CASHIER)
    rig.turn()
    assert len(rig.texts()) == 1


def test_a_modem_that_is_not_there_keeps_messages_waiting(rig: OutboxRig) -> None:
    rig.simulated.power(on=False)
    rig.alarm("alarm2")
    rig.heard()
    for _ in range(3):
        rig.turn()
    assert states(rig) == [("alarm2", "queued")]
    rig.simulated.power(on=True)
    rig.turn()
    assert states(rig) == [("alarm2", "delivered")]


def test_a_message_that_has_not_left_can_be_withdrawn(rig: OutboxRig) -> None:
    rig.simulated.power(on=False)
    rig.alarm("alarm2")
    rig.heard()
    rig.turn()
    (row,) = rig.rows()
    assert rig.desk.withdraw(row.message, CASHIER)
    rig.simulated.power(on=True)
    rig.turn()
    assert states(rig) == [("alarm2", "withheld")]
    assert rig.simulated.taken == []


def test_a_sale_that_waits_for_its_box_says_so(rig: OutboxRig) -> None:
    rig.site.sell("100.00")
    rig.turn()
    assert rig.rows() == []
    rig.site.clock.advance(121_000)
    rig.turn()
    assert states(rig) == [("sale_waiting", "delivered")]
    assert "100.00元已收款" in rig.texts()[0][1]
    rig.site.settle(rig.boxes[1])
    rig.site.clock.advance(121_000)
    rig.turn()
    assert len(rig.rows()) == 1


def test_other_ways_are_handed_over_once(tmp_path: Path) -> None:
    clock = FakeClock()
    with served_street(tmp_path, ways=("群",), clock=clock) as rig:
        row = rig.noter.row("duty", "duty/x/0/群", "群", "zh-CN", "告警", urgent=True)
        with rig.site.store.write() as unit:
            unit.messages.add([replace(row, way="群")])
        rig.ways.fault = NotSent("no")
        rig.turn()
        assert states(rig) == [("duty", "sending")]
        clock.advance(10_000)
        rig.ways.fault = None
        rig.turn()
        assert states(rig) == [("duty", "delivered")]
        assert rig.ways.sent == [("群", "", "告警")]
        with rig.site.store.write() as unit:
            unit.messages.add(
                [replace(row, message="f" * 32, cause="duty/y/0/群", way="群", state=MessageState.QUEUED)]
            )
        rig.ways.fault = NotKnown("broke off")
        rig.turn()
        assert ("duty", "unsure") in states(rig)


def test_every_number_of_the_settings_is_checked(rig: OutboxRig) -> None:
    bad = MessageSettings(
        quiet_from_minute=1_440, customer_day_max=-1, pay="", duty=(DutyPerson(name="张", number="12a"),),
        steps=(StepSetting(after_min=-1, names=("李",)),),
    )  # fmt: skip
    with pytest.raises(Refused) as found:
        rig.desk.save_settings(bad, CASHIER)
    assert [error.field for error in found.value.errors] == [
        "quiet_from_minute", "customer_day_max", "pay", "duty", "steps", "steps",
    ]  # fmt: skip


def test_nothing_breaks_the_books(rig: OutboxRig) -> None:
    rig.site.sell("10.00")
    rig.site.settle(rig.boxes[1])
    rig.turn()
    assert rig.site.breaches() == []
