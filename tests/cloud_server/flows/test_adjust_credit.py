"""Adjustments, plus and minus, alone and by two people; and the requests that wait for the second one."""

import dataclasses

import pytest

from cloud_server.core import accounts
from cloud_server.core.adjusting import period_errors, read_energy, read_signed
from cloud_server.core.mistakes import Conflict, FieldError, NotFound
from cloud_server.flows.adjust_credit import Adjustments
from cloud_server.flows.second_person import SecondPerson, StepKind
from cloud_server.ports import Actor, KeyReused, Refused
from cloud_server.ports.ledger import AdjustmentOrder, CheckStep
from tests.cloud_server.flows.test_refund_credit import ACCOUNT, SUPERVISOR, TILL, WALLET, sold
from tests.cloud_server.site_rig import CASHIER, SiteRig
from tests.cloud_server.street import YUAN, account_id, wallet_id

NAMES = (accounts.ADJUSTMENTS, accounts.customer(ACCOUNT), accounts.wallet(WALLET), accounts.in_flight(WALLET))


def wish(key: str = "a1", amount: str = "12.00", **how: object) -> AdjustmentOrder:
    fields: dict[str, object] = {"account": ACCOUNT, "reason": "互感器变比"} | how
    return AdjustmentOrder(key=key, amount=amount, **fields)  # type: ignore[arg-type]  # a test bends any field


def checker(rig: SiteRig) -> SecondPerson:
    desk = Adjustments(rig.centre)
    return SecondPerson(rig.centre, {"adjustment": StepKind(AdjustmentOrder, desk.take)})


@pytest.mark.parametrize(("amount", "after"), [("12.00", 112), ("-12.00", 88), ("-99.99", 0.01)])
def test_an_adjustment_reaches_the_wallet(rig: SiteRig, amount: str, after: float) -> None:
    box, desk = sold(rig), Adjustments(rig.centre)
    order = wish(amount=amount, energy="-15.5", from_day="2026-08-01", to_day="2026-10-31")
    made = desk.adjust(order, CASHIER)
    assert made.state == "made"
    assert desk.adjust(order, CASHIER) == made
    rig.settle(box)
    assert box.book[WALLET] == after * YUAN
    assert rig.ledger(*NAMES) == {accounts.ADJUSTMENTS: (100 - after) * YUAN, accounts.wallet(WALLET): after * YUAN}
    (kept,) = desk.adjustments(9, ACCOUNT)
    assert (kept.energy_wh, kept.from_day, kept.second) == (-15_500, "2026-08-01", None)
    assert rig.breaches() == []


def test_a_minus_adjustment_may_take_a_wallet_below_zero(rig: SiteRig) -> None:
    box = sold(rig)
    Adjustments(rig.centre).adjust(wish(amount="-130.00", second=SUPERVISOR), CASHIER)
    rig.settle(box)
    assert box.book[WALLET] == -30 * YUAN
    assert rig.breaches() == []


def test_a_refused_minus_grant_stays_owed_at_the_centre(rig: SiteRig) -> None:
    box = sold(rig)
    box.refuse = {2}
    Adjustments(rig.centre).adjust(wish(amount="-12.00"), CASHIER)
    rig.settle(box)
    assert rig.ledger(*NAMES) == {
        accounts.ADJUSTMENTS: 12 * YUAN, accounts.customer(ACCOUNT): -12 * YUAN, accounts.wallet(WALLET): 100 * YUAN
    }  # fmt: skip
    assert rig.breaches() == []


def test_above_the_limit_it_waits_for_another_and_is_then_made(rig: SiteRig) -> None:
    box, desk, second = sold(rig), Adjustments(rig.centre), checker(rig)
    asked = desk.adjust(wish(amount="100.01"), CASHIER)
    assert (asked.state, asked.adjustment) == ("confirming", None)
    assert asked.request is not None
    rig.settle(box)
    assert rig.ledger(*NAMES) == {accounts.wallet(WALLET): 100 * YUAN}
    (waiting,) = second.waiting()
    assert (waiting.kind, waiting.about, waiting.amount_micro) == ("adjustment", ACCOUNT, 100_010_000)
    done = second.approve(CheckStep(key="y", request=asked.request), SUPERVISOR)
    assert (done.state, done.answer["state"]) == ("done", "made")
    assert second.approve(CheckStep(key="y", request=asked.request), SUPERVISOR) == done
    rig.settle(box)
    assert box.book[WALLET] == 200_010_000
    assert desk.adjust(wish(amount="100.01"), CASHIER) == asked
    (kept,) = desk.adjustments(9)
    assert (kept.operator, kept.second, second.waiting()) == ("wang", "zhao", ())
    with pytest.raises(Conflict, match="is done"):
        second.reject(CheckStep(key="n", request=asked.request), SUPERVISOR)
    assert rig.breaches() == []


def test_no_and_never_mind_leave_everything_as_it_was(rig: SiteRig) -> None:
    sold(rig)
    desk, second = Adjustments(rig.centre), checker(rig)
    first, other = desk.adjust(wish("a", "500.00"), CASHIER), desk.adjust(wish("b", "500.00"), CASHIER)
    assert first.request is not None
    assert other.request is not None
    assert second.reject(CheckStep(key="n", request=first.request, note="证据不足"), SUPERVISOR).state == "rejected"
    with pytest.raises(Conflict, match="only wang"):
        second.withdraw(CheckStep(key="w0", request=other.request), SUPERVISOR)
    assert second.withdraw(CheckStep(key="w", request=other.request), CASHIER).state == "withdrawn"
    assert second.request(first.request).note == "证据不足"
    assert rig.ledger(accounts.ADJUSTMENTS) == {}
    assert rig.breaches() == []


@pytest.mark.parametrize(
    ("by", "text"),
    [(CASHIER, "cannot confirm it too"), (dataclasses.replace(CASHIER, name="li"), "is no supervisor")],
)
def test_who_cannot_say_yes(rig: SiteRig, by: Actor, text: str) -> None:
    sold(rig)
    asked = Adjustments(rig.centre).adjust(wish(amount="500.00"), CASHIER)
    assert asked.request is not None
    for step in (checker(rig).approve, checker(rig).reject):
        with pytest.raises(Conflict, match=text):
            step(CheckStep(key="y", request=asked.request), by)
    assert len(checker(rig).waiting()) == 1


WRONG = [
    (wish(amount="0"), Refused, "amount"),
    (wish(amount="--1"), Refused, "amount"),
    (wish(amount="1.001"), Refused, "amount"),
    (wish(reason=" "), Refused, "reason"),
    (wish(key=""), Refused, "key"),
    (wish(energy="viel"), Refused, "energy"),
    (wish(from_day="2026-08-01"), Refused, "to_day"),
    (wish(wallet=wallet_id(1, 3)), Refused, "wallet"),
    (wish(account=account_id(1, 1)), Refused, "2 wallets"),
    (wish(account="9" * 32), NotFound, "account"),
    (wish(second=CASHIER), Conflict, "cannot confirm it too"),
]


@pytest.mark.parametrize(("order", "error", "text"), WRONG)
def test_what_cannot_be_adjusted(rig: SiteRig, order: AdjustmentOrder, error: type[Exception], text: str) -> None:
    sold(rig)
    with pytest.raises(error, match=text):
        Adjustments(rig.centre).adjust(order, CASHIER)
    assert rig.ledger(TILL, *NAMES) == {TILL: -100 * YUAN, accounts.wallet(WALLET): 100 * YUAN}


def test_the_same_key_is_one_adjustment(rig: SiteRig) -> None:
    sold(rig)
    desk = Adjustments(rig.centre)
    desk.adjust(wish(), CASHIER)
    with pytest.raises(KeyReused):
        desk.adjust(wish(amount="13.00"), CASHIER)


@pytest.mark.parametrize(
    ("text", "micro"), [("12.00", 12 * YUAN), ("-0.01", -10_000), ("\u22125", -5 * YUAN), ("+3", 3 * YUAN)]
)
def test_amounts_with_their_sign(text: str, micro: int) -> None:
    assert read_signed("amount", text) == micro


@pytest.mark.parametrize(("text", "wh"), [("12", 12_000), ("-0.5", -500), ("1.234", 1_234), ("0", 0)])
def test_kilowatt_hours(text: str, wh: int) -> None:
    assert read_energy(text) == wh


@pytest.mark.parametrize("text", ["", "1.2345", "x", "1e3", "9999999999"])
def test_what_is_no_energy(text: str) -> None:
    assert isinstance(read_energy(text), FieldError)


def test_a_period_has_two_ends_in_their_order() -> None:
    assert period_errors(None, None) == period_errors("2026-08-01", "2026-08-01") == []
    assert [error.field for error in period_errors("2026-08-02", "2026-08-01")] == ["to_day"]
