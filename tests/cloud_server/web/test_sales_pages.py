"""The sales desk: find, type, confirm, sold once; and what it says to every amount that cannot be."""

from collections.abc import Callable
from dataclasses import replace
from urllib.parse import quote

import pytest

from cloud_server.core.roles import Role
from tests.cloud_server.web.conftest import Browser
from tests.fakes.centre_clock import FakeClock
from tests.fakes.centre_site import FakeSite
from tests.fakes.centre_street import made_id

DARK = made_id("account 11")
DESK = f"/desk/{DARK}"


def sell(browser: Browser, amount: str = "100", method: str = "cash", step: str = "sell", **more: str) -> None:
    browser.get(DESK)
    browser.post(DESK, key=browser.hidden("key"), amount=amount, method=method, step=step, **more)


@pytest.mark.parametrize(
    ("typed", "says"),
    [
        ("", "Please fill this in."),
        ("0", "The amount must be above 0."),
        ("-1", "The amount must be above 0."),
        ("0.005", "At most two decimals"),
        ("1000000000000", "Far above what one sale can be."),
        ("999999", "One sale is at most ¥50,000.00."),
        ("abc", "Type digits with at most two decimals"),
        ("1e3", "Type digits with at most two decimals"),
        ("NaN", "Type digits with at most two decimals"),
        ("1,0", "Type digits with at most two decimals"),
        ("٣", "Type digits with at most two decimals"),
    ],
)
def test_an_amount_that_cannot_be_is_said_beside_its_field(
    typed: str, says: str, cashier: Browser, site: FakeSite
) -> None:
    sell(cashier, amount=typed)
    assert cashier.status == 422
    assert 'aria-describedby="mistake-amount"' in cashier.text
    said = cashier.text.split('id="mistake-amount"')[1].split("</p>")[0]
    assert says in said
    assert not site.sales


@pytest.mark.parametrize("typed", ["100", "100.0", " 100.00 ", "¥100", "１００", "100．00"])
def test_what_keyboards_add_is_taken(typed: str, cashier: Browser, site: FakeSite) -> None:
    sell(cashier, amount=typed)
    assert [row.amount_micro for row in site.sales.values()] == [100_000_000]


def test_thousands_marks_are_taken_where_they_stand_right(cashier: Browser, site: FakeSite) -> None:
    sell(cashier, amount="1,200.50")
    assert [row.amount_micro for row in site.sales.values()] == [1_200_500_000]


def test_first_enter_asks_and_second_enter_sells(cashier: Browser, site: FakeSite) -> None:
    sell(cashier, step="confirm", cash_given="200")
    assert cashier.status == 200
    assert not site.sales
    assert "A202 悦读书店" in cashier.text
    assert "王建国" in cashier.text
    assert "needs at least ¥0.36 to switch on" in cashier.text
    assert cashier.text.count("¥100.00") >= 2, "the amount, and the change"
    fields = {name: cashier.hidden(name) for name in ("key", "amount", "method", "cash_given")}
    cashier.post(DESK, step="sell", **fields)
    assert cashier.path.startswith("/sales/")
    assert "Change" in cashier.text
    assert len(site.sales) == 1


def test_enter_twice_is_one_sale(cashier: Browser, site: FakeSite) -> None:
    sell(cashier, step="confirm")
    fields = {name: cashier.hidden(name) for name in ("key", "amount", "method", "cash_given", "form_token")}
    first = cashier.client.post(DESK, data={**fields, "step": "sell"}, headers={"Origin": "https://centre.test"})
    second = cashier.client.post(DESK, data={**fields, "step": "sell"}, headers={"Origin": "https://centre.test"})
    assert first.url == second.url
    assert len(site.sales) == 1


def test_a_form_used_again_with_another_amount_sells_nothing(cashier: Browser, site: FakeSite) -> None:
    cashier.get(DESK)
    key = cashier.hidden("key")
    cashier.post(DESK, key=key, amount="100", method="cash", step="sell")
    cashier.get(DESK)
    cashier.post(DESK, key=key, amount="200", method="cash", step="sell")
    assert cashier.status == 409
    assert "This form was used already with other contents" in cashier.text
    assert cashier.hidden("key") != key
    assert len(site.sales) == 1


def test_the_same_again_within_two_minutes_asks(cashier: Browser, site: FakeSite, clock: FakeClock) -> None:
    sell(cashier)
    sell(cashier)
    assert cashier.status == 409
    assert "Is this a second payment?" in cashier.text
    assert len(site.sales) == 1
    fields = {name: cashier.hidden(name) for name in ("key", "amount", "method", "cash_given", "again")}
    cashier.post(DESK, step="sell", **fields)
    assert len(site.sales) == 2
    clock.advance(120_000)
    sell(cashier)
    assert len(site.sales) == 3


def test_cash_below_the_amount_is_a_mistake_and_a_card_has_no_change(cashier: Browser, site: FakeSite) -> None:
    sell(cashier, amount="100", cash_given="99.99")
    assert cashier.status == 422
    assert "Less than the amount." in cashier.text.split('id="mistake-cash_given"')[1]
    sell(cashier, amount="100", method="card", cash_given="99.99")
    assert len(site.sales) == 1


def test_a_method_that_is_none_is_said(cashier: Browser, site: FakeSite) -> None:
    sell(cashier, method="promise")
    assert cashier.status == 422
    assert "This is not one of the choices." in cashier.text
    assert not site.sales


@pytest.mark.parametrize(("typed", "words"), [("0.5", "at least ¥1.00"), ("50000.01", "at most ¥50,000.00")])
def test_what_no_sale_may_be_is_said_before_it_is_to_be_confirmed(typed: str, words: str, cashier: Browser) -> None:
    cashier.get(DESK)
    cashier.post(DESK, amount=typed, method="cash", key="k" * 8, step="confirm")
    assert cashier.status == 422
    assert words in cashier.text.split('id="mistake-amount"')[1]
    assert 'id="sell"' not in cashier.text


@pytest.mark.parametrize("typed", ["A202", "悦读", "王建国", "13800000011", "20260011", "a202"])
def test_an_account_is_found_by_what_a_customer_says(typed: str, cashier: Browser) -> None:
    cashier.get(f"/desk?q={quote(typed)}")
    assert f'href="{DESK}"' in cashier.text


def test_one_exact_answer_goes_on_at_once(cashier: Browser) -> None:
    cashier.get("/desk?q=A202&go=1")
    assert cashier.path == DESK


def test_nobody_found_is_said_and_written_harmlessly(cashier: Browser) -> None:
    cashier.get("/desk?q=%3Cscript%3Ealert(1)%3C/script%3E")
    assert "<script>alert" not in cashier.text
    assert "Nobody fits" in cashier.text


def test_waiting_for_a_lost_box_is_said_before_and_after(cashier: Browser, site: FakeSite, clock: FakeClock) -> None:
    site.lose_box(site.numbered("A202").box, clock.wall_ms() - 60_000)
    sell(cashier, step="confirm")
    assert "Box A1 is out of reach" in cashier.text
    sell(cashier)
    assert "Waiting for the box since 12:00:00" in cashier.text


def test_progress_says_how_far_the_money_is(cashier: Browser, site: FakeSite) -> None:
    sell(cashier)
    path = cashier.path
    assert 'data-sale-state="sold"' in cashier.text
    sale = path.split("/")[-1]
    site.move_sale(sale, state="delivered", delivered_at_ms=site.clock.wall_ms())
    assert 'data-sale-state="delivered"' in cashier.get(path)
    site.move_sale(sale, state="on", on_at_ms=site.clock.wall_ms(), balance_after_micro=99_650_000)
    assert "¥99.65" in cashier.get(path)
    site.sales[sale] = replace(
        site.sales[sale],
        state="refused",
        parts=tuple(replace(part, state="refused", reason="over_limit") for part in site.sales[sale].parts),
    )
    assert "above the limit kept on the box" in cashier.get(path)


def test_a_reprint_is_marked_and_a_look_is_no_print(cashier: Browser, site: FakeSite) -> None:
    sell(cashier)
    receipt = f"{cashier.path}/receipt"
    assert "View, not a receipt" in cashier.get(receipt)
    cashier.post(receipt, paper="80mm")
    assert "Reprint" not in cashier.text
    assert "receipt-80mm.css" in cashier.text
    assert "壹佰元整" in cashier.text
    cashier.get(receipt)
    cashier.post(receipt, paper="a4")
    assert "Reprint no. 1" in cashier.text
    assert "receipt-a4.css" in cashier.text


def test_the_day_shows_its_sales_and_their_sum(browser_of: Callable[[Role], Browser], site: FakeSite) -> None:
    cashier = browser_of("cashier")
    sell(cashier, amount="100")
    sell(cashier, amount="50.50", method="wechat")
    auditor = browser_of("auditor")
    text = auditor.get("/sales")
    assert "2 sales" in text
    assert "¥150.50" in text
    assert "WeChat Pay" in text
    assert "No sale on this day." in auditor.get("/sales?day=2026-11-21")
    assert auditor.get("/sales?day=nonsense")
    assert auditor.status == 200


def test_phones_are_shown_to_those_who_serve_customers_only(browser_of: Callable[[Role], Browser]) -> None:
    point = made_id("point 11")
    assert "13800000011" in browser_of("cashier").get(f"/points/{point}")
    technician = browser_of("technician")
    assert "13800000011" not in technician.get(f"/points/{point}")
    assert "13800000011" not in technician.get("/")


def test_a_shop_with_a_hostile_name_is_only_text(
    browser_of: Callable[[Role], Browser], site: FakeSite, clock: FakeClock
) -> None:
    hostile = '"><img src=x onerror=alert(1)><script>alert(2)</script>{{ 7*7 }}'
    row = site.numbered("A202")
    site.change(row.point, name=hostile, customer=hostile, number="A202")
    browser = browser_of("supervisor")
    for path in (
        "/",
        "/?view=rows",
        f"/points/{row.point}",
        "/desk?q=A202",
        DESK,
        f"/points/{row.point}/mode/forced_off",
    ):
        text = browser.get(path)
        assert "<script>alert" not in text, path
        assert "<img" not in text, path
        assert "49" not in text.split("onerror")[1][:60], path
    sell(browser)
    for path in (browser.path, f"{browser.path}/receipt", "/sales"):
        assert "<img" not in browser.get(path), path
