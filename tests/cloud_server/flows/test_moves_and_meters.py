"""Credit between boxes, accounts opened and followed by others, meters replaced and moved, boxes that do not return."""

import dataclasses

import pytest

from cloud_server.core import accounts
from cloud_server.core.mistakes import Conflict, Mistaken, NotFound
from cloud_server.flows.office import Office, open_office
from cloud_server.ports import Refused
from cloud_server.ports.hardware_orders import RelocateOrder, ReplaceOrder, RetireOrder
from cloud_server.ports.ledger import (
    AccountOrder,
    CheckStep,
    ClosingOrder,
    MoveOrder,
    NextTenant,
    SettleOrder,
    TypedRegister,
)
from protocol.commands import AdoptMeter, Configure, read_body
from tests.cloud_server.flows.test_refund_credit import SUPERVISOR
from tests.cloud_server.site_rig import CASHIER, SiteRig
from tests.cloud_server.speaking_box import SpeakingBox
from tests.cloud_server.street import YUAN, account_id, box_id, meter_id, name, wallet_id

ACCOUNT, FIRST, SECOND = account_id(1, 1), wallet_id(1, 1), wallet_id(2, 1)
CUSTOMER = accounts.customer(ACCOUNT)


def two_boxes(rig: SiteRig) -> tuple[list[SpeakingBox], Office]:
    """One account with 60.00 on box 1 and 40.00 on box 2."""
    rig.plan()
    boxes = [rig.enrol(1), rig.enrol(2)]
    rig.sell("100.00", shop=1, parts=((FIRST, "60.00"), (SECOND, "40.00")))
    for box in boxes:
        rig.settle(box)
    return boxes, open_office(rig.centre)


def go_on(rig: SiteRig, office: Office, *boxes: SpeakingBox) -> None:
    """Until nothing moves any more."""
    for _ in range(3):
        for box in boxes:
            rig.settle(box)
        office.work()
    for box in boxes:
        rig.settle(box)


def move(key: str = "m", amount: str = "25.00", **how: object) -> MoveOrder:
    fields: dict[str, object] = {"account": ACCOUNT, "from_wallet": FIRST, "to_wallet": SECOND, "reason": "x"} | how
    return MoveOrder(key=key, amount=amount, **fields)  # type: ignore[arg-type]  # a test bends any field


# --- moves ------------------------------------------------------------------------------------------------------------


def test_credit_goes_from_one_box_to_another(rig: SiteRig) -> None:
    boxes, office = two_boxes(rig)
    asked = office.moves.move(move(), CASHIER)
    assert asked.state == "asked"
    rig.settle(boxes[0])
    assert rig.ledger(CUSTOMER) == {CUSTOMER: 25 * YUAN}
    assert rig.breaches() == []
    assert office.moves.go_on() == 1
    assert office.moves.go_on() == 0
    rig.settle(boxes[1])
    assert (boxes[0].book[FIRST], boxes[1].book[SECOND]) == (35 * YUAN, 65 * YUAN)
    assert rig.ledger(CUSTOMER) == {}
    ((kept, request),) = office.moves.moves(9, ACCOUNT)
    assert kept.grant is not None
    assert request is not None
    assert request.answered_micro == 25 * YUAN
    assert office.moves.move(move(), CASHIER) == asked
    assert rig.breaches() == []


def test_less_may_come_and_less_is_granted(rig: SiteRig) -> None:
    boxes, office = two_boxes(rig)
    office.moves.move(move(amount="60.00"), CASHIER)
    boxes[0].use(meter_id(1, 1), 10_000)
    go_on(rig, office, *boxes)
    assert (boxes[0].book[FIRST], boxes[1].book[SECOND]) == (0, 92 * YUAN)
    assert rig.breaches() == []


def test_a_goal_that_was_closed_meanwhile_leaves_the_credit_at_the_centre(rig: SiteRig) -> None:
    boxes, office = two_boxes(rig)
    office.moves.move(move(), CASHIER)
    with rig.centre.store.write() as unit:
        unit.contracts.close_wallet(SECOND)
    go_on(rig, office, boxes[0])
    assert rig.ledger(CUSTOMER) == {CUSTOMER: 25 * YUAN}


@pytest.mark.parametrize(
    ("order", "error", "text"),
    [
        (move(amount="60.01"), Refused, "holds 60.00"),
        (move(to_wallet=FIRST), Refused, "to_wallet"),
        (move(to_wallet=wallet_id(1, 2)), Refused, "to_wallet"),
        (move(from_wallet="9" * 32), Refused, "from_wallet"),
        (move(reason=""), Refused, "reason"),
        (move(account="9" * 32), NotFound, "account"),
    ],
)
def test_what_cannot_be_moved(rig: SiteRig, order: MoveOrder, error: type[Exception], text: str) -> None:
    _, office = two_boxes(rig)
    with pytest.raises(error, match=text):
        office.moves.move(order, CASHIER)
    assert rig.ledger(CUSTOMER) == {}


# --- accounts ---------------------------------------------------------------------------------------------------------


def test_a_tenant_follows_another_on_the_same_meter(rig: SiteRig) -> None:
    boxes, office = two_boxes(rig)
    tenant = NextTenant(number="K9001", customer_name="新商户", phones=("13900000000",))
    order = ClosingOrder(key="c", account=account_id(1, 2), reason="换租", next_tenant=tenant)
    rig.sell("30.00")
    rig.settle(boxes[0])
    boxes[0].use(meter_id(1, 2), 1_000)
    asked = office.closings.close(order, CASHIER)
    go_on(rig, office, *boxes)
    closing = office.closings.closing(asked.closing or "")
    new = closing.fact.next_account
    assert new is not None
    with rig.centre.store.read() as unit:
        account = unit.fleet.account(new)
        (wallet,) = unit.fleet.wallets_of_account(new)
    assert account is not None
    assert (account.number, account.customer_name, wallet.meters) == ("K9001", "新商户", (meter_id(1, 2),))
    assert boxes[0].config is not None
    assert wallet.wallet in {w.wallet for w in boxes[0].config.wallets}
    interval = boxes[0].use(meter_id(1, 2), 1_000)
    assert interval.wallet == wallet.wallet
    boxes[0].seal()
    rig.settle(boxes[0])
    office.settlements.settle(SettleOrder(key="s", closing=closing.fact.closing, how="refund"), CASHIER)
    assert rig.ledger(accounts.payable(account_id(1, 2)), accounts.wallet(wallet.wallet)) == {
        accounts.payable(account_id(1, 2)): 29_200_000, accounts.wallet(wallet.wallet): -800_000
    }  # fmt: skip
    assert rig.breaches() == []


def test_an_account_is_opened_on_meters_that_nobody_pays_for(rig: SiteRig) -> None:
    boxes, office = two_boxes(rig)
    taken = AccountOrder(key="t", number="K1", customer_name="x", meters=(meter_id(1, 2),))
    with pytest.raises(Refused, match="pays for it"):
        office.accounts.open_account(taken, CASHIER)
    office.closings.close(ClosingOrder(key="c", account=account_id(1, 2), reason="x"), CASHIER)
    rig.settle(boxes[0])
    double = AccountOrder(key="d", number="K1001", customer_name="x", meters=(meter_id(1, 2),))
    with pytest.raises(Mistaken, match="stands twice"):
        office.accounts.open_account(double, CASHIER)
    made = office.accounts.open_account(taken, CASHIER)
    rig.settle(boxes[0])
    assert office.accounts.open_account(taken, CASHIER) == made
    from cloud_server.ports import SaleOrder

    rig.desk.sell(SaleOrder(key="s", account=made.account, amount="5.00", method="cash"), CASHIER)
    rig.settle(boxes[0])
    assert boxes[0].book[made.wallets[0]] == 5 * YUAN
    assert rig.breaches() == []


# --- meters -----------------------------------------------------------------------------------------------------------


def test_a_meter_is_replaced_and_its_wallet_goes_on(rig: SiteRig) -> None:
    boxes, office = two_boxes(rig)
    old = meter_id(1, 1)
    order = ReplaceOrder(key="r", meter=old, old_raw_wh=10_000, serial="N-7", new_raw_wh=3, reason="表坏", name="M9")
    asked = office.meters.replace_meter(order, CASHIER)
    with pytest.raises(Conflict, match="being changed already"):
        office.meters.replace_meter(dataclasses.replace(order, key="r2"), CASHIER)
    go_on(rig, office, *boxes)
    assert asked.change is not None
    assert office.meters.change(asked.change).state == "done"
    assert boxes[0].book[FIRST] == 52 * YUAN
    assert boxes[0].config is not None
    (new,) = {m.meter for m in boxes[0].config.meters} - {meter_id(1, n) for n in (1, 2, 3)}
    placed = next(m for m in boxes[0].config.meters if m.meter == new)
    assert (placed.serial, placed.unit, placed.name) == ("N-7", 1, "M9")
    boxes[0].use(new, 5_000)
    boxes[0].seal()
    rig.settle(boxes[0])
    assert boxes[0].book[FIRST] == 48 * YUAN
    with rig.centre.store.read() as unit:
        (gone,) = unit.contracts.bindings_of_point(placed.point)
    assert (gone.meter, gone.last_raw_wh, gone.why) == (old, 10_000, "replace")
    assert rig.breaches() == []


def test_a_box_that_refuses_a_replacement_changes_nothing(rig: SiteRig) -> None:
    boxes, office = two_boxes(rig)
    boxes[0].refuse = {2}
    order = ReplaceOrder(key="r", meter=meter_id(1, 1), old_raw_wh=1, serial="N", new_raw_wh=0, reason="x")
    asked = office.meters.replace_meter(order, CASHIER)
    go_on(rig, office, *boxes)
    change = office.meters.change(asked.change or "")
    assert (change.state, change.why) == ("refused", "unknown_wallet")
    with rig.centre.store.read() as unit:
        assert unit.fleet.box_of_meter(meter_id(1, 1)) == box_id(1)
    assert rig.breaches() == []


def relocate(meter: str, **how: object) -> RelocateOrder:
    fields: dict[str, object] = {"box": box_id(2), "bus": name(0xB05, 2), "device": name(0xDE, 2), "unit": 9} | how
    return RelocateOrder(key="g", meter=meter, reason="改接", **fields)  # type: ignore[arg-type]  # a test bends any field


def test_a_meter_goes_to_another_box_with_register_carries_and_credit(rig: SiteRig) -> None:
    boxes, office = two_boxes(rig)
    meter = meter_id(1, 2)
    rig.sell("30.00")
    rig.settle(boxes[0])
    boxes[0].use(meter, 1_001)
    boxes[0].seal()
    rig.settle(boxes[0])
    asked = office.meters.relocate_meter(relocate(meter), CASHIER)
    go_on(rig, office, *boxes)
    assert office.meters.change(asked.change or "").state == "done"
    adopted = [body for command in boxes[1].taken if isinstance(body := read_body(command), AdoptMeter)]
    assert [(body.state.raw_wh, body.state.money_carry_nano) for body in adopted] == [(1_001, 0)]
    with rig.centre.store.read() as unit:
        wallets = {wallet.box: wallet for wallet in unit.fleet.wallets_of_account(account_id(1, 2))}
        assert unit.fleet.box_of_meter(meter) == box_id(2)
    assert (wallets[box_id(1)].state, wallets[box_id(2)].state) == ("closed", "in_use")
    assert boxes[1].book[wallets[box_id(2)].wallet] == 29_199_200
    boxes[1].use(meter, 999)
    boxes[1].seal()
    rig.settle(boxes[1])
    assert boxes[1].book[wallets[box_id(2)].wallet] == 28_400_000
    assert rig.ledger(accounts.customer(account_id(1, 2))) == {}
    assert rig.breaches() == []


def test_a_meter_goes_into_a_wallet_that_is_there_already(rig: SiteRig) -> None:
    boxes, office = two_boxes(rig)
    office.meters.relocate_meter(relocate(meter_id(1, 1), to_wallet=SECOND), CASHIER)
    go_on(rig, office, *boxes)
    assert boxes[1].book[SECOND] == 100 * YUAN
    with rig.centre.store.read() as unit:
        meters = {w.wallet: w.meters for w in unit.fleet.wallets_of_account(ACCOUNT)}
    assert meters[SECOND] == (meter_id(1, 1), meter_id(2, 1))
    assert rig.breaches() == []


def test_where_a_meter_cannot_go(rig: SiteRig) -> None:
    _, office = two_boxes(rig)
    with pytest.raises(Mistaken, match="bus"):
        office.meters.relocate_meter(relocate(meter_id(1, 2), bus="9" * 32), CASHIER)
    with pytest.raises(Conflict, match="already"):
        office.meters.relocate_meter(relocate(meter_id(2, 2)), CASHIER)
    with pytest.raises(NotFound):
        office.meters.relocate_meter(relocate("9" * 32), CASHIER)


# --- boxes that do not return -----------------------------------------------------------------------------------------


def retired(rig: SiteRig, office: Office, *typed: TypedRegister) -> dict[str, int]:
    asked = office.boxes.retire(RetireOrder(key="x", box=box_id(1), reason="水淹", typed=typed), CASHIER)
    assert asked.state == "confirming"
    done = office.second.approve(CheckStep(key="y", request=asked.request or ""), SUPERVISOR)
    return dict(done.answer["wallets"])  # type: ignore[call-overload]  # what a retirement answers


def test_a_retired_box_is_settled_from_typed_registers(rig: SiteRig) -> None:
    boxes, office = two_boxes(rig)
    boxes[0].use(meter_id(1, 1), 1)
    boxes[0].seal()
    rig.settle(boxes[0])
    rig.sell("10.00", shop=1, parts=((FIRST, "5.00"), (SECOND, "5.00")))  # its grant is never answered
    wallets = retired(rig, office, TypedRegister(meter=meter_id(1, 1), raw_wh=20_001))
    assert wallets[FIRST] == 60 * YUAN - 16_000_800 + 5 * YUAN
    assert rig.ledger(CUSTOMER, accounts.wallet(FIRST), accounts.in_flight(FIRST), "revenue/flat") == {
        CUSTOMER: 48_999_200, "revenue/flat": 16_000_800
    }  # fmt: skip
    with pytest.raises(Exception, match="believed"):
        rig.exchange(boxes[0])
    rig.settle(boxes[1])
    assert rig.breaches() == []
    with pytest.raises(Conflict, match="is retired"):
        office.boxes.retire(RetireOrder(key="x2", box=box_id(1), reason="x"), CASHIER)
    asked = office.closings.close(ClosingOrder(key="c", account=ACCOUNT, reason="退租"), CASHIER)
    go_on(rig, office, boxes[1])
    office.settlements.settle(SettleOrder(key="s", closing=asked.closing or "", how="refund"), CASHIER)
    assert rig.ledger(accounts.payable(ACCOUNT)) == {accounts.payable(ACCOUNT): 93_990_000}
    assert rig.breaches() == []


def test_a_meter_of_a_retired_box_goes_on_elsewhere(rig: SiteRig) -> None:
    boxes, office = two_boxes(rig)
    retired(rig, office, TypedRegister(meter=meter_id(1, 1), raw_wh=20_001))
    order = relocate(meter_id(1, 1), account=ACCOUNT, to_wallet=SECOND)
    office.meters.relocate_meter(order, CASHIER)
    go_on(rig, office, boxes[1])
    assert boxes[1].registers[meter_id(1, 1)] == 20_001
    last = [body for command in boxes[1].taken if isinstance(body := read_body(command), Configure)]
    assert meter_id(1, 1) in last[-1].config
    assert rig.breaches() == []


def test_what_waits_for_a_retired_box_is_over(rig: SiteRig) -> None:
    boxes, office = two_boxes(rig)
    asked = office.closings.close(ClosingOrder(key="c", account=ACCOUNT, reason="退租"), CASHIER)
    rig.settle(boxes[1])
    retired(rig, office)
    assert office.closings.closing(asked.closing or "").state == "ready"
    assert office.settlements.stands_at(asked.closing or "") == 100 * YUAN
    assert rig.breaches() == []


def test_registers_below_the_last_posted_one_are_refused(rig: SiteRig) -> None:
    boxes, office = two_boxes(rig)
    boxes[0].use(meter_id(1, 1), 5_000)
    boxes[0].seal()
    rig.settle(boxes[0])
    for meter, raw_wh in ((meter_id(1, 1), 4_999), (meter_id(2, 1), 5_000)):
        typed = (TypedRegister(meter=meter, raw_wh=raw_wh),)
        with pytest.raises(Refused, match="typed"):
            office.boxes.retire(RetireOrder(key="x", box=box_id(1), reason="x", typed=typed), CASHIER)
