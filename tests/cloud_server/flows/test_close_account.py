"""Accounts closed and settled: refunded, paid in, given up by two people, or even; and what holds a closing back."""

import dataclasses

import pytest

from cloud_server.core import accounts
from cloud_server.core.contracts import settling
from cloud_server.core.mistakes import Conflict, NotFound
from cloud_server.flows.office import Office, open_office
from cloud_server.flows.plan_site import configure_boxes
from cloud_server.ports import Refused
from cloud_server.ports.ledger import CheckStep, ClosingOrder, ClosingStep, SettleOrder, TypedRegister
from cloud_server.ports.money import RefundOrder, RefundStep
from protocol.commands import CloseWallet, Configure, read_body
from tests.cloud_server.flows.test_refund_credit import ACCOUNT, PAYABLE, SUPERVISOR, TILL, WALLET, sold
from tests.cloud_server.site_rig import CASHIER, SiteRig
from tests.cloud_server.speaking_box import SpeakingBox
from tests.cloud_server.street import YUAN, account_id, meter_id, wallet_id

METER = meter_id(1, 2)
CUSTOMER, IN_WALLET = accounts.customer(ACCOUNT), accounts.wallet(WALLET)
NAMES = (TILL, PAYABLE, CUSTOMER, IN_WALLET, accounts.WRITE_OFF, accounts.ROUNDING)


def begin(rig: SiteRig, office: Office, key: str = "c", **how: object) -> str:
    order = ClosingOrder(key=key, account=ACCOUNT, reason="退租", **how)  # type: ignore[arg-type]  # a test bends any field
    asked = office.closings.close(order, CASHIER)
    assert asked.closing is not None, asked
    return asked.closing


def used(rig: SiteRig, box: SpeakingBox, energy_wh: int) -> None:
    box.use(METER, energy_wh)
    box.seal()
    rig.settle(box)


def states(rig: SiteRig) -> tuple[str, str]:
    with rig.centre.store.read() as unit:
        account = unit.fleet.account(ACCOUNT)
        (wallet,) = unit.fleet.wallets_of_account(ACCOUNT)
    assert account is not None
    return account.state, wallet.state


def test_what_is_left_is_refunded_and_the_account_is_closed(rig: SiteRig) -> None:
    box, office = sold(rig), open_office(rig.centre)
    used(rig, box, 10_001)  # 8.0008
    closing = begin(rig, office)
    assert states(rig) == ("closing", "closing")
    with pytest.raises(Refused, match="only an account in use"):
        rig.sell("1.00")
    with pytest.raises(Conflict, match="is asked"):
        office.settlements.settle(SettleOrder(key="early", closing=closing, how="refund"), CASHIER)
    rig.settle(box)
    body = read_body(box.taken[-1])
    assert isinstance(body, CloseWallet)
    assert (body.wallet, box.book[WALLET], states(rig)) == (WALLET, 0, ("closing", "closed"))
    assert office.settlements.stands_at(closing) == 91_999_200
    done = office.settlements.settle(SettleOrder(key="s", closing=closing, how="refund"), CASHIER)
    assert (done.state, done.settled_micro) == ("settled", 91_999_200)
    assert rig.ledger(*NAMES) == {TILL: -100 * YUAN, PAYABLE: 91_990_000, accounts.ROUNDING: 9_200}
    assert done.refund is not None
    office.refunds.pay(RefundStep(key="p", refund=done.refund), CASHIER)
    assert rig.ledger(*NAMES) == {TILL: -8_010_000, accounts.ROUNDING: 9_200}
    assert states(rig) == ("closed", "closed")
    rig.settle(box)
    last = read_body(box.taken[-1])
    assert isinstance(last, Configure)
    assert WALLET not in {wallet.wallet for wallet in box.config.wallets if box.config is not None}  # type: ignore[union-attr]  # it has one
    used(rig, box, 500)  # vacant now: nobody pays
    assert rig.breaches() == []


DEBTS = [
    # energy, how, what stands in the books after it: a debt of 20.00, of 20.0008, of 0.008
    (150_000, "paid", {TILL: -120 * YUAN}),
    (150_001, "paid", {TILL: -120_010_000, accounts.ROUNDING: 9_200}),
    (150_001, "write_off", {TILL: -100 * YUAN, accounts.WRITE_OFF: -20_000_800}),
    (125_010, "even", {TILL: -100 * YUAN, accounts.ROUNDING: -8_000}),
    (125_000, "even", {TILL: -100 * YUAN}),
]


@pytest.mark.parametrize(("energy_wh", "how", "books"), DEBTS)
def test_a_debt_is_paid_in_or_given_up(rig: SiteRig, energy_wh: int, how: str, books: dict[str, int]) -> None:
    box, office = sold(rig), open_office(rig.centre)
    used(rig, box, energy_wh)
    closing = begin(rig, office)
    rig.settle(box)
    order = SettleOrder(key="s", closing=closing, how=how, reason="欠费", method="cash")  # type: ignore[arg-type]  # from a table
    done = office.settlements.settle(order, CASHIER)
    if how == "write_off":
        assert (done.state, rig.ledger(accounts.WRITE_OFF)) == ("confirming", {})
        checked = office.second.approve(CheckStep(key="y", request=done.request or ""), SUPERVISOR)
        assert checked.answer["state"] == "settled"
    assert rig.ledger(*NAMES) == books
    assert states(rig) == ("closed", "closed")
    box.seal([])
    rig.settle(box)
    assert rig.breaches() == []


def test_what_was_never_granted_is_settled_too(rig: SiteRig) -> None:
    rig.plan()
    office = open_office(rig.centre)
    rig.sell("100.00")  # its box was never heard
    closing = begin(rig, office)
    assert office.closings.closing(closing).state == "waiting"
    box = rig.enrol(1)
    rig.settle(box)
    assert [command.kind for command in box.taken] == ["close_wallet"]
    office.settlements.settle(SettleOrder(key="s", closing=closing, how="refund"), CASHIER)
    assert rig.ledger(*NAMES) == {TILL: -100 * YUAN, PAYABLE: 100 * YUAN}
    assert rig.breaches() == []


def test_a_box_that_cannot_read_refuses_and_two_people_type(rig: SiteRig) -> None:
    box, office = sold(rig), open_office(rig.centre)
    box.refuse = {2}
    closing = begin(rig, office)
    rig.settle(box)
    assert office.closings.closing(closing).state == "refused"
    typed = (TypedRegister(meter=METER, raw_wh=10_000),)
    asked = office.closings.again(ClosingStep(key="a", closing=closing, typed=typed), CASHIER)
    assert asked.state == "confirming"
    office.second.approve(CheckStep(key="y", request=asked.request or ""), SUPERVISOR)
    rig.settle(box)
    assert office.settlements.stands_at(closing) == 92 * YUAN
    assert rig.ledger(CUSTOMER, IN_WALLET) == {CUSTOMER: 92 * YUAN}
    assert rig.breaches() == []


def test_two_wallets_on_two_boxes_are_both_closed(rig: SiteRig) -> None:
    rig.plan()
    boxes, office = [rig.enrol(1), rig.enrol(2)], open_office(rig.centre)
    parts = ((wallet_id(1, 1), "30.00"), (wallet_id(2, 1), "20.00"))
    rig.sell("50.00", shop=1, parts=parts)
    for box in boxes:
        rig.settle(box)
    asked = office.closings.close(ClosingOrder(key="c", account=account_id(1, 1), reason="退租"), CASHIER)
    assert asked.closing is not None
    rig.settle(boxes[0])
    assert office.closings.closing(asked.closing).state == "asked"
    rig.settle(boxes[1])
    assert office.settlements.stands_at(asked.closing) == 50 * YUAN
    office.settlements.settle(SettleOrder(key="s", closing=asked.closing, how="refund"), CASHIER)
    assert rig.breaches() == []


def test_a_closing_whose_box_refused_is_given_up(rig: SiteRig) -> None:
    box, office = sold(rig), open_office(rig.centre)
    box.refuse = {2}
    closing = begin(rig, office)
    with pytest.raises(Conflict, match="was told to close"):
        office.closings.cancel(ClosingStep(key="x0", closing=closing), CASHIER)
    rig.settle(box)
    office.closings.cancel(ClosingStep(key="x", closing=closing), CASHIER)
    assert states(rig) == ("in_use", "in_use")
    rig.sell("5.00")
    rig.settle(box)
    assert box.book[WALLET] == 105 * YUAN
    assert rig.breaches() == []


def test_what_holds_a_closing_back(rig: SiteRig) -> None:
    box, office = sold(rig), open_office(rig.centre)
    wish = RefundOrder(key="r", account=ACCOUNT, amount="5.00", method="cash", reason="x")
    asked = office.refunds.ask(wish, CASHIER)
    with pytest.raises(Conflict, match="is open"):
        begin(rig, office)
    rig.settle(box)
    office.refunds.pay(RefundStep(key="p", refund=asked.refund), CASHIER)
    begin(rig, office, "c2")
    with pytest.raises(Conflict, match="is closing"):
        begin(rig, office, "c3")


def test_a_great_balance_and_typed_registers_want_two(rig: SiteRig) -> None:
    box, office = sold(rig), open_office(rig.centre)
    typed = (TypedRegister(meter=METER, raw_wh=5_000),)
    order = ClosingOrder(key="t", account=ACCOUNT, reason="表坏", typed=typed)
    asked = office.closings.close(order, CASHIER)
    assert (asked.state, states(rig)) == ("confirming", ("in_use", "in_use"))
    office.second.approve(CheckStep(key="y", request=asked.request or ""), SUPERVISOR)
    rig.settle(box)
    body = read_body(box.taken[-1])
    assert isinstance(body, CloseWallet)
    assert [(said.raw_wh, said.who, said.second) for said in body.typed or ()] == [(5_000, "wang", "zhao")]
    assert rig.breaches() == []


def test_the_wrong_end_is_refused_by_name(rig: SiteRig) -> None:
    box, office = sold(rig), open_office(rig.centre)
    closing = begin(rig, office)
    rig.settle(box)
    for how in ("paid", "write_off", "even"):
        order = SettleOrder(key=how, closing=closing, how=how, reason="x", second=SUPERVISOR)
        with pytest.raises(Refused, match=r"100\.00 is left: refund"):
            office.settlements.settle(order, CASHIER)
    with pytest.raises(NotFound):
        office.settlements.settle(SettleOrder(key="n", closing="9" * 32, how="even"), CASHIER)
    wrong = dataclasses.replace(ClosingOrder(key="w", account="9" * 32, reason="x"))
    with pytest.raises(NotFound):
        office.closings.close(wrong, CASHIER)


@pytest.mark.parametrize(
    ("customer", "wallet", "refund", "owed"),
    [(0, 0, 0, 0), (9_999, 0, 0, 0), (10_000, 0, 10_000, 0), (0, -9_999, 0, 0), (0, -10_001, 0, 20_000),
     (30_000, -10_000, 20_000, 0), (10_000, -30_000, 0, 20_000)],
)  # fmt: skip
def test_what_a_closing_comes_to(customer: int, wallet: int, refund: int, owed: int) -> None:
    left = settling(ACCOUNT, [WALLET], {CUSTOMER: customer, IN_WALLET: wallet})
    assert (left.refund_micro, left.owed_micro) == (refund, owed)


def test_nothing_is_configured_twice(rig: SiteRig) -> None:
    sold(rig)
    with rig.centre.store.write() as unit:
        assert configure_boxes(rig.centre, unit, "x") == ()
