"""Refunds and reversals at the screen, over real books: each money flow, each refusal, and the second person's yes."""

import pytest

from tests.cloud_server.console_rig import ConsoleRig
from tests.cloud_server.speaking_box import SpeakingBox
from tests.cloud_server.street import YUAN, account_id, meter_id, wallet_id
from tests.cloud_server.web.conftest import PASSWORD, Browser

ACCOUNT, WALLET = account_id(1, 2), wallet_id(1, 2)
REFUND = f"/desk/{ACCOUNT}/refund"


def sold(console: ConsoleRig, amount: str = "100.00") -> tuple[SpeakingBox, Browser]:
    """Credit in the wallet, sold by the cashier at the screen, as the box has said."""
    console.rig.plan()
    box = console.rig.enrol(1)
    cashier = console.browser("cashier")
    sell(cashier, amount)
    console.rig.settle(box)
    return box, cashier


def sell(browser: Browser, amount: str) -> str:
    """A sale; its id."""
    browser.get(f"/desk/{ACCOUNT}")
    browser.post(f"/desk/{ACCOUNT}", key=browser.hidden("key"), amount=amount, method="cash", step="sell", again="yes")
    assert browser.path.startswith("/sales/")
    return browser.path.removeprefix("/sales/")


def ask(browser: Browser, amount: str = "60", reason: str = "搬走", **more: str) -> None:
    browser.get(REFUND)
    if browser.path == "/proof":
        browser.post("/proof", next=REFUND, password=PASSWORD)
    browser.post(REFUND, key=browser.hidden("key"), amount=amount, method="cash", reason=reason, **more)


def reverse(browser: Browser, sale: str, reason: str = "amount typed wrong", **more: str) -> None:
    browser.get(f"/sales/{sale}/reversal")
    browser.post(f"/sales/{sale}/reversal", key=browser.hidden("key"), reason=reason, **more)


def test_a_refund_is_asked_of_the_box_and_paid_when_the_money_is_back(console: ConsoleRig) -> None:
    box, cashier = sold(console)
    ask(cashier)
    refund = cashier.path
    assert 'data-refund-state="asked"' in cashier.text
    assert "was handed out" not in cashier.text, "nothing is paid before the box has given it back"
    console.rig.settle(box)
    assert 'data-refund-state="payable"' in cashier.get(refund)
    assert "¥60.00 was handed out" in cashier.text
    cashier.post(f"{refund}/pay", key=cashier.hidden("key"))
    assert "Paid out and booked." in cashier.text
    assert 'data-refund-state="paid"' in cashier.text
    assert console.rig.ledger("till/cashier/cash") == {"till/cashier/cash": -40 * YUAN}
    assert "Paid out" in cashier.get("/refunds")
    assert not console.rig.breaches()


def test_what_was_not_paid_out_goes_back_to_the_wallet(console: ConsoleRig) -> None:
    box, cashier = sold(console)
    ask(cashier)
    refund = cashier.path
    console.rig.settle(box)
    cashier.get(refund)
    cashier.post(f"{refund}/give_back", key=f"desk-{refund.removeprefix('/refunds/')}-give_back")
    assert 'data-refund-state="returned"' in cashier.text
    console.rig.settle(box)
    assert box.book[WALLET] == 100 * YUAN
    assert not console.rig.breaches()


def test_a_question_is_taken_back_while_the_box_is_away(console: ConsoleRig) -> None:
    _, cashier = sold(console)
    console.rig.clock.advance(600_000)
    ask(cashier)
    assert "is out of reach: the question waits" in cashier.text
    refund = cashier.path
    cashier.post(f"{refund}/withdraw", key=cashier.hidden("key"))
    assert cashier.path == refund
    assert "Taken back" in cashier.text


@pytest.mark.parametrize(
    ("amount", "reason", "says"),
    [("", "why", "Please fill this in."), ("60", "", "Please fill this in."), ("abc", "why", "Type digits")],
)
def test_what_is_wrong_with_a_refund_is_said(amount: str, reason: str, says: str, console: ConsoleRig) -> None:
    _, cashier = sold(console)
    ask(cashier, amount, reason)
    assert cashier.status == 422
    assert says in cashier.text


def test_more_than_the_wallet_holds_is_refused_with_what_it_holds(console: ConsoleRig) -> None:
    _, cashier = sold(console)
    ask(cashier, "100.01")
    assert cashier.status == 422
    assert "¥100.00" in cashier.text.split('id="mistake-amount"')[1].split("</p>")[0]


def test_a_great_refund_takes_two_people_and_the_second_is_a_supervisor(console: ConsoleRig) -> None:
    _, cashier = sold(console, "3000")
    ask(cashier, "2000")
    assert cashier.status == 409
    assert "A second person, a supervisor, must confirm this." in cashier.text
    for second, password, says in (
        ("supervisor", "wrong password", "name or password is wrong"),
        ("cashier", PASSWORD, "it takes two people"),
        ("technician", PASSWORD, "has to be a supervisor"),
    ):
        ask(cashier, "2000", second_name=second, second_password=password)
        assert cashier.status == 409
        assert says in cashier.text
        assert password not in cashier.text, "a password is never written back"
    ask(cashier, "2000", second_name="supervisor", second_password=PASSWORD)
    assert cashier.path.startswith("/refunds/")
    assert "Confirmed by" in cashier.text


def test_the_second_persons_tries_are_throttled_like_sign_ins(console: ConsoleRig) -> None:
    _, cashier = sold(console, "3000")
    for _ in range(5):
        ask(cashier, "2000", second_name="supervisor", second_password="guess again")
    ask(cashier, "2000", second_name="supervisor", second_password=PASSWORD)
    assert cashier.status == 409
    assert "too many attempts" in cashier.text


def test_an_own_unused_sale_of_today_is_reversed_alone(console: ConsoleRig) -> None:
    box, cashier = sold(console)
    sale = sell(cashier, "50")
    reverse(cashier, sale)
    assert cashier.path == f"/sales/{sale}"
    assert "Reversed at" in cashier.text
    assert "Reversed" in cashier.get("/sales")
    assert "Total" in cashier.text
    assert "<b>100.00</b>" in cashier.text.split("<tfoot>")[1], "a reversed sale is not added up"
    console.rig.settle(box)
    assert box.book[WALLET] == 100 * YUAN
    assert not console.rig.breaches()
    reverse(cashier, sale)
    assert cashier.status == 409
    assert "has been reversed already" in cashier.text


def test_anothers_sale_and_a_used_one_take_a_supervisor(console: ConsoleRig) -> None:
    box, cashier = sold(console)
    sale = cashier.get("/sales").split('href="/sales/')[1].split('"')[0]
    if sale.startswith("?"):
        sale = next(part.split('"')[0] for part in cashier.text.split('href="/sales/')[1:] if part[0] != "?")
    box.use(meter_id(1, 2), 10_000)
    box.seal()
    console.rig.settle(box)
    reverse(cashier, sale)
    assert cashier.status == 409
    assert "must confirm this" in cashier.text
    supervisor = console.browser("supervisor")
    reverse(supervisor, sale, second_name="supervisor", second_password=PASSWORD)
    assert "it takes two people" in supervisor.text
    reverse(cashier, sale, second_name="supervisor", second_password=PASSWORD)
    assert "Reversed at" in cashier.text
    assert not console.rig.breaches()


def test_yesterdays_sale_offers_no_reversal_and_says_why(console: ConsoleRig) -> None:
    _, cashier = sold(console)
    sale = sell(cashier, "50")
    console.rig.clock.advance(86_400_000)
    cashier.sign_in("cashier")
    cashier.get(f"/sales/{sale}")
    assert 'id="reverse"' not in cashier.text
    reverse(cashier, sale)
    assert "The till day of this sale is over" in cashier.text


@pytest.mark.parametrize("role", ["accountant", "technician", "auditor", "administrator", "provisioner"])
def test_whoever_takes_no_money_gives_none_back(role: str, console: ConsoleRig) -> None:
    console.rig.plan()
    browser = console.browser(role)  # type: ignore[arg-type]  # roles by name
    browser.get(REFUND)
    assert browser.status == 403
    assert "Refund and reverse" in browser.text
