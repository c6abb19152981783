"""Refunds: what was never granted, what a box gives back, paid out or granted again; each once, each in the books."""

import dataclasses

import pytest

from cloud_server.core import accounts
from cloud_server.core.fleet import BoxState
from cloud_server.core.mistakes import Conflict, NotFound
from cloud_server.flows.refund_credit import Refunds
from cloud_server.ports import Actor, KeyReused, Refused
from cloud_server.ports.money import RefundAnswer, RefundOrder, RefundStep
from protocol.commands import Command, Reclaim, read_body
from protocol.envelope import read_line
from protocol.messages import Money
from protocol.money import RefundBody, read_money_body
from protocol.payload import read_payload
from tests.cloud_server.flows.test_sell_credit import journal_lines
from tests.cloud_server.site_rig import CASHIER, SiteRig
from tests.cloud_server.speaking_box import SpeakingBox
from tests.cloud_server.street import YUAN, account_id, meter_id, wallet_id

SUPERVISOR = Actor(id="2" * 32, name="zhao", display_name="赵敏", roles=frozenset({"supervisor"}))
ACCOUNT, WALLET = account_id(1, 2), wallet_id(1, 2)
TILL, PAYABLE = "till/wang/cash", f"payable/{ACCOUNT}"
NAMES = (TILL, PAYABLE, accounts.customer(ACCOUNT), accounts.wallet(WALLET), accounts.in_flight(WALLET))


def wish(key: str = "r1", amount: str = "60.00", **how: object) -> RefundOrder:
    fields: dict[str, object] = {"account": ACCOUNT, "method": "cash", "reason": "搬走"} | how
    return RefundOrder(key=key, amount=amount, **fields)  # type: ignore[arg-type]  # a test bends any field


def step(answer: RefundAnswer, key: str) -> RefundStep:
    return RefundStep(key=key, refund=answer.refund)


def sold(rig: SiteRig) -> SpeakingBox:
    """100.00 in the wallet, as the box has said."""
    rig.plan()
    box = rig.enrol(1)
    rig.sell("100.00")
    rig.settle(box)
    return box


def state_of(rig: SiteRig, answer: RefundAnswer) -> str:
    with rig.centre.store.read() as unit:
        refund = unit.money.refund(answer.refund)
    assert refund is not None
    return refund.state


def test_a_refund_is_asked_given_back_and_paid(rig: SiteRig) -> None:
    box, desk = sold(rig), Refunds(rig.centre)
    asked = desk.ask(wish(), CASHIER)
    assert (asked.state, asked.payable_micro, asked.paid_micro) == ("asked", 0, 0)
    with pytest.raises(Conflict, match="is asked"):
        desk.pay(step(asked, "early"), CASHIER)
    rig.settle(box)
    assert box.book[WALLET] == 40 * YUAN
    assert rig.ledger(*NAMES) == {TILL: -100 * YUAN, PAYABLE: 60 * YUAN, accounts.wallet(WALLET): 40 * YUAN}
    assert rig.breaches() == []
    paid = desk.pay(step(asked, "p1"), CASHIER)
    assert (paid.state, paid.payable_micro, paid.paid_micro) == ("paid", 0, 60 * YUAN)
    assert rig.ledger(*NAMES) == {TILL: -40 * YUAN, accounts.wallet(WALLET): 40 * YUAN}
    assert rig.breaches() == []
    assert desk.pay(step(asked, "p1"), CASHIER) == paid
    with pytest.raises(Conflict, match="is paid"):
        desk.pay(step(asked, "p2"), CASHIER)
    bodies = [read_money_body(read_payload(read_line(raw).payload, Money)) for raw in journal_lines(rig)
              if read_line(raw).type_name == "money"]  # fmt: skip
    told = [body for body in bodies if isinstance(body, RefundBody)]
    assert [(body.amount_micro, body.paid, body.reclaim is None) for body in told] == [
        (60 * YUAN, False, False),
        (60 * YUAN, True, False),
    ]


def test_the_box_decides_how_much_comes(rig: SiteRig) -> None:
    box, desk = sold(rig), Refunds(rig.centre)
    asked = desk.ask(wish(amount="100.00"), CASHIER)
    box.use(meter_id(1, 2), 10_000)
    rig.settle(box)
    paid = desk.pay(step(asked, "p"), CASHIER)
    assert paid.paid_micro == 92 * YUAN
    assert rig.ledger(*NAMES) == {TILL: -8 * YUAN}
    assert rig.breaches() == []


def test_the_command_names_all_that_a_box_must_know(rig: SiteRig) -> None:
    box, desk = sold(rig), Refunds(rig.centre)
    desk.ask(wish(), CASHIER)
    rig.settle(box)
    body = read_body(box.taken[-1])
    assert isinstance(body, Reclaim)
    said = (body.wallet, body.amount_micro, body.floor_micro, body.purpose)
    assert said == (WALLET, 60 * YUAN, 0, "refund")


def test_credit_never_granted_is_refunded_without_the_box(rig: SiteRig) -> None:
    rig.plan()
    box, desk = rig.enrol(1), Refunds(rig.centre)
    box.refuse = {1}
    rig.sell("100.00")
    rig.settle(box)
    asked = desk.ask(wish(amount="30.00"), CASHIER)
    assert (asked.state, asked.payable_micro) == ("payable", 30 * YUAN)
    assert rig.ledger(*NAMES) == {TILL: -100 * YUAN, PAYABLE: 30 * YUAN, accounts.customer(ACCOUNT): 70 * YUAN}
    desk.pay(step(asked, "p"), CASHIER)
    assert rig.ledger(*NAMES) == {TILL: -70 * YUAN, accounts.customer(ACCOUNT): 70 * YUAN}
    assert rig.breaches() == []


def test_the_centre_s_share_goes_first_and_the_box_gives_the_rest(rig: SiteRig) -> None:
    box, desk = sold(rig), Refunds(rig.centre)
    box.refuse = {2}
    rig.sell("20.00")
    rig.settle(box)
    asked = desk.ask(wish(amount="50.00"), CASHIER)
    assert (asked.state, asked.payable_micro) == ("asked", 20 * YUAN)
    rig.settle(box)
    assert desk.pay(step(asked, "p"), CASHIER).paid_micro == 50 * YUAN
    assert box.book[WALLET] == 70 * YUAN
    assert rig.breaches() == []


def test_given_back_unpaid_it_goes_to_the_wallet_again_with_one_key(rig: SiteRig) -> None:
    box, desk = sold(rig), Refunds(rig.centre)
    asked = desk.ask(wish(), CASHIER)
    rig.settle(box)
    back = desk.give_back(step(asked, "b"), CASHIER)
    assert (back.state, back.payable_micro, back.paid_micro) == ("returned", 0, 0)
    assert desk.give_back(step(asked, "b"), CASHIER) == back
    assert rig.ledger(*NAMES) == {
        TILL: -100 * YUAN, accounts.wallet(WALLET): 40 * YUAN, accounts.in_flight(WALLET): 60 * YUAN
    }  # fmt: skip
    rig.settle(box)
    assert box.book[WALLET] == 100 * YUAN
    with pytest.raises(Conflict, match="is returned"):
        desk.pay(step(asked, "p"), CASHIER)
    assert rig.breaches() == []


def test_a_refund_is_withdrawn_before_its_box_has_heard_of_it(rig: SiteRig) -> None:
    box, desk = sold(rig), Refunds(rig.centre)
    asked = desk.ask(wish(), CASHIER)
    assert desk.withdraw(step(asked, "w"), CASHIER).state == "asked"
    rig.settle(box)
    assert state_of(rig, asked) == "withdrawn"
    assert (box.book[WALLET], rig.ledger(PAYABLE)) == (100 * YUAN, {})
    assert rig.breaches() == []


def test_a_withdrawal_that_comes_too_late_changes_nothing(rig: SiteRig) -> None:
    box, desk = sold(rig), Refunds(rig.centre)
    asked = desk.ask(wish(), CASHIER)
    rig.exchange(box)
    desk.withdraw(step(asked, "w"), CASHIER)
    rig.settle(box)
    assert state_of(rig, asked) == "payable"
    with pytest.raises(Conflict, match="is answered"):
        desk.withdraw(step(asked, "w2"), CASHIER)
    assert desk.pay(step(asked, "p"), CASHIER).paid_micro == 60 * YUAN
    assert rig.breaches() == []


def test_a_box_with_nothing_to_give_ends_the_refund(rig: SiteRig) -> None:
    box, desk = sold(rig), Refunds(rig.centre)
    asked = desk.ask(wish(), CASHIER)
    box.use(meter_id(1, 2), 200_000)
    rig.settle(box)
    assert state_of(rig, asked) == "refused"
    with pytest.raises(Conflict, match="is refused"):
        desk.pay(step(asked, "p"), CASHIER)
    assert rig.breaches() == []


def test_a_quarantined_box_is_asked_nothing_and_the_request_waits(rig: SiteRig) -> None:
    box, desk = sold(rig), Refunds(rig.centre)
    with rig.centre.store.write() as unit:
        row = unit.fleet.box(box.box)
        assert row is not None
        unit.fleet.save_box(dataclasses.replace(row, state=BoxState.QUARANTINED))
    asked = desk.ask(wish(), CASHIER)
    assert asked.state == "waiting"
    rig.settle(box)
    assert box.book[WALLET] == 100 * YUAN
    assert desk.withdraw(step(asked, "w"), CASHIER).state == "withdrawn"
    assert rig.breaches() == []


def test_an_answer_that_nobody_asked_for_is_parked(rig: SiteRig) -> None:
    box, desk = sold(rig), Refunds(rig.centre)
    asked = desk.ask(wish(), CASHIER)
    rig.exchange(box)
    given = next(record for record in box.pending if type(record).__name__ == "Reclaimed")
    box.seal([given, *(record for record in box.pending if record is not given), given])
    assert [verdict.verdict for verdict in rig.exchange(box).verdicts] == ["parked"]
    assert rig.ledger(PAYABLE) == {}
    assert state_of(rig, asked) == "asked"


WRONG = [
    (wish(amount="0"), Refused, "amount"),
    (wish(amount="100.01"), Refused, "holds 100.00 at most"),
    (wish(method="gold"), Refused, "method"),
    (wish(reason=" "), Refused, "reason"),
    (wish(key=""), Refused, "key"),
    (wish(wallet=wallet_id(1, 3)), Refused, "wallet"),
    (wish(account="9" * 32), NotFound, "account"),
    (wish(second=CASHIER), Conflict, "cannot confirm it too"),
    (wish(second=dataclasses.replace(CASHIER, name="li")), Conflict, "is no supervisor"),
]


@pytest.mark.parametrize(("order", "error", "text"), WRONG)
def test_what_cannot_be_asked_changes_nothing(
    rig: SiteRig, order: RefundOrder, error: type[Exception], text: str
) -> None:
    sold(rig)
    before = journal_lines(rig)
    with pytest.raises(error, match=text):
        Refunds(rig.centre).ask(order, CASHIER)
    assert journal_lines(rig) == before
    assert rig.ledger(*NAMES) == {TILL: -100 * YUAN, accounts.wallet(WALLET): 100 * YUAN}


def test_a_great_refund_wants_two_people(rig: SiteRig) -> None:
    box, desk = sold(rig), Refunds(rig.centre)
    rig.sell("2000.00")
    rig.settle(box)
    with pytest.raises(Conflict, match="a second person"):
        desk.ask(wish(amount="1000.01"), CASHIER)
    asked = desk.ask(wish(amount="1000.01", second=SUPERVISOR), CASHIER)
    rig.settle(box)
    desk.pay(step(asked, "p"), CASHIER)
    with rig.centre.store.read() as unit:
        money = unit.lines.chain_head("money", "", journaled_only=True)
        raw = unit.lines.line("money", "", money.seq)
    assert raw is not None
    assert read_payload(read_line(raw).payload, Money).second == "zhao"
    assert rig.breaches() == []


def test_the_same_key_is_one_refund_and_no_other(rig: SiteRig) -> None:
    box, desk = sold(rig), Refunds(rig.centre)
    first = desk.ask(wish(), CASHIER)
    assert desk.ask(wish(amount="60"), CASHIER) == first
    with pytest.raises(KeyReused):
        desk.ask(wish(amount="61.00"), CASHIER)
    with pytest.raises(Conflict, match="asked back already"):
        desk.ask(wish("r2"), CASHIER)
    rig.settle(box)
    assert desk.ask(wish(), CASHIER) == first
    assert sum(read_payload_kind(command) == "reclaim" for command in box.taken) == 1


def read_payload_kind(command: Command) -> str:
    return command.kind
