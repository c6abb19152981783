"""The office's list of what waits for somebody."""

import dataclasses

from cloud_server.core.tasks import TASK_KINDS, Task
from cloud_server.flows.office import open_office
from cloud_server.ports.hardware_orders import ReplaceOrder
from cloud_server.ports.ledger import AdjustmentOrder, ClosingOrder, SettleOrder
from cloud_server.ports.money import RefundOrder, RefundStep
from cloud_server.ports.tills import DayOrder, TillOpening
from tests.cloud_server.flows.test_moves_and_meters import ACCOUNT, SECOND, go_on, move, two_boxes
from tests.cloud_server.flows.test_tills_and_days import days
from tests.cloud_server.site_rig import CASHIER, SiteRig
from tests.cloud_server.street import YUAN, account_id, meter_id


def by_kind(rig: SiteRig) -> dict[str, Task]:
    found = open_office(rig.centre).tasks()
    assert {task.kind for task in found} <= set(TASK_KINDS)
    return {task.kind: task for task in found}


def test_nothing_waits_at_a_site_at_rest(rig: SiteRig) -> None:
    two_boxes(rig)
    assert by_kind(rig) == {}


def test_credit_reclaimed_but_not_paid_is_granted_back_with_one_key(rig: SiteRig) -> None:
    boxes, office = two_boxes(rig)
    order = RefundOrder(key="r", account=ACCOUNT, amount="30.00", method="cash", reason="x", wallet=SECOND)
    asked = office.refunds.ask(order, CASHIER)
    assert by_kind(rig) == {}
    rig.settle(boxes[1])
    task = by_kind(rig)["refund_payable"]
    assert (task.task, task.about, task.amount_micro) == (asked.refund, ACCOUNT, 30 * YUAN)
    office.refunds.give_back(RefundStep(key="b", refund=task.task), CASHIER)
    assert by_kind(rig) == {}


def test_each_kind_of_task_is_told(rig: SiteRig) -> None:
    boxes, office = two_boxes(rig)
    office.tills.open_till(TillOpening(key="o"), CASHIER)
    great = AdjustmentOrder(key="a", account=account_id(1, 2), amount="500.00", reason="x")
    office.adjustments.adjust(great, CASHIER)
    boxes[0].refuse = {boxes[0].command_head.seq + n for n in (1, 2)}
    rig.sell("10.00", shop=3)
    wrong = ReplaceOrder(key="w", meter=meter_id(1, 2), old_raw_wh=1, serial="N", new_raw_wh=0, reason="x")
    office.meters.replace_meter(wrong, CASHIER)
    closed = office.closings.close(ClosingOrder(key="c", account=account_id(2, 2), reason="x"), CASHIER)
    office.moves.move(move(), CASHIER)
    with rig.centre.store.write() as unit:
        unit.contracts.close_wallet(SECOND)
    go_on(rig, office, *boxes)
    days(rig).close_day(DayOrder(key="d", anyway=True), CASHIER)
    found = by_kind(rig)
    assert set(found) == {
        "second_person", "credit_at_centre", "meter_change_refused", "closing_ready", "move_stuck", "till_open"
    }  # fmt: skip
    assert (found["till_open"].about, found["meter_change_refused"].why) == ("wang", "unknown_wallet")
    credit = {task.about: task.amount_micro for task in office.tasks() if task.kind == "credit_at_centre"}
    assert credit == {account_id(1, 3): 10 * YUAN, ACCOUNT: 25 * YUAN}
    office.settlements.settle(SettleOrder(key="s", closing=closed.closing or "", how="even"), CASHIER)
    assert "closing_ready" not in by_kind(rig)


def test_a_refused_closing_says_why(rig: SiteRig) -> None:
    boxes, office = two_boxes(rig)
    boxes[0].refuse = {boxes[0].command_head.seq + 1}
    order = ClosingOrder(key="c", account=account_id(1, 2), reason="x")
    office.closings.close(order, CASHIER)
    go_on(rig, office, boxes[0])
    task = by_kind(rig)["closing_refused"]
    assert (task.about, task.why) == (account_id(1, 2), "unknown_wallet")
    assert dataclasses.asdict(task)["amount_micro"] is None
