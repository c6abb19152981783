"""A sale as it was asked for: amounts as people type them, parts, and every mistake with its code."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cloud_server.core.fleet import Account, Wallet
from cloud_server.core.limits import SaleFacts, sale_errors
from cloud_server.core.mistakes import FieldError
from cloud_server.core.sale_order import form_errors, order_hash, read_amount, wanted_parts
from protocol.site_plan import SaleLimits

YUAN = 1_000_000


def wallet(name: str, state: str = "in_use") -> Wallet:
    return Wallet(
        wallet=name, account="k", box="b", state=state, alarm1_micro=0, alarm2_micro=0,  # type: ignore[arg-type]  # a state as the store holds it
        credit_limit_micro=0, reconnect_micro=0, meters=(),
    )  # fmt: skip


@pytest.mark.parametrize(
    ("text", "micro"),
    [("100", 100 * YUAN), ("100.00", 100 * YUAN), ("0.01", 10_000), (" 7.5 ", 7_500_000), ("1000000000", 10**15)],
)
def test_amounts(text: str, micro: int) -> None:
    assert read_amount("amount", text) == micro


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("", "required"),
        ("   ", "required"),
        ("abc", "not_a_number"),
        ("1e3", "not_a_number"),
        ("１００", "not_a_number"),
        ("1,000", "not_a_number"),
        ("NaN", "not_a_number"),
        (".5", "not_a_number"),
        ("5.", "not_a_number"),
        ("0", "not_above_zero"),
        ("0.00", "not_above_zero"),
        ("-1", "not_above_zero"),
        ("0.005", "too_many_decimals"),
        ("1.001", "too_many_decimals"),
        ("1000000000000", "too_great"),
        ("1000000000.01", "too_great"),
        ("9" * 40, "too_great"),
    ],
)
def test_amounts_that_are_none(text: str, code: str) -> None:
    error = read_amount("amount", text)
    assert isinstance(error, FieldError)
    assert (error.field, error.code) == ("amount", code)
    assert error.message


@given(st.text(max_size=60))
def test_any_text_is_an_amount_or_a_mistake(text: str) -> None:
    found = read_amount("amount", text)
    assert isinstance(found, FieldError) or (found > 0 and found % 10_000 == 0)


def test_the_only_wallet_takes_all() -> None:
    parts, errors = wanted_parts("10.00", None, [wallet("w"), wallet("closed", "closed")])
    assert [(part.wallet.wallet, part.amount_micro) for part in parts] == [("w", 10 * YUAN)]
    assert errors == []


@pytest.mark.parametrize(
    ("amount", "parts", "codes"),
    [
        ("10.00", None, ["several_wallets"]),
        ("10.00", [("w1", "4.00"), ("w2", "5.99")], ["parts_differ"]),
        ("10.00", [("w1", "4.00"), ("w9", "6.00")], ["wallet_not_of_account"]),
        ("10.00", [("w1", "4.00"), ("w1", "6.00")], ["wallet_not_of_account"]),
        ("10.00", [("w1", "x"), ("w2", "0")], ["not_a_number", "not_above_zero"]),
        ("x", [("w1", "4.00"), ("w2", "6.00")], ["not_a_number"]),
        ("10.00", [], ["parts_differ"]),
    ],
)
def test_parts_with_mistakes(amount: str, parts: list[tuple[str, str]] | None, codes: list[str]) -> None:
    taken, errors = wanted_parts(amount, parts, [wallet("w1"), wallet("w2")])
    assert taken == ()
    assert [error.code for error in errors] == codes


def test_parts_that_add_up() -> None:
    parts, errors = wanted_parts("10.00", [("w2", "6.00"), ("w1", "4.00")], [wallet("w1"), wallet("w2")])
    assert errors == []
    assert [(part.wallet.wallet, part.amount_micro) for part in parts] == [("w2", 6 * YUAN), ("w1", 4 * YUAN)]


def test_all_mistakes_of_a_form_at_once() -> None:
    closed = Account(account="k", number="K1", customer="c", customer_name="n", state="closed")
    errors = form_errors("", "shells", closed, "k")
    assert [(error.field, error.code) for error in errors] == [
        ("key", "required"),
        ("method", "unknown"),
        ("account", "account_not_in_use"),
    ]
    assert [error.code for error in form_errors("k" * 201, "cash", None, "nobody")] == ["too_long", "unknown"]


BOUNDS = SaleLimits(
    least_sale_micro=1 * YUAN,
    greatest_sale_micro=500 * YUAN,
    greatest_balance_micro=1_000 * YUAN,
    operator_day_micro=2_000 * YUAN,
)


@pytest.mark.parametrize(
    ("amount", "balance", "day", "codes"),
    [
        (1, 0, 0, []),
        (0.99, 0, 0, ["below_least"]),
        (500, 500, 1_500, []),
        (500.01, 0, 0, ["above_greatest"]),
        (500, 500.01, 0, ["above_balance_limit"]),
        (500, 0, 1_500.01, ["above_day_limit"]),
        (501, 600, 1_900, ["above_greatest", "above_balance_limit", "above_day_limit"]),
    ],
)
def test_bounds_of_the_site(amount: float, balance: float, day: float, codes: list[str]) -> None:
    facts = SaleFacts(*(round(value * YUAN) for value in (amount, balance, day)))
    assert [error.code for error in sale_errors(facts, BOUNDS)] == codes


def test_a_key_is_tied_to_all_contents() -> None:
    one = order_hash("sale", "k", 100, "cash", None, "wang")
    assert one == order_hash("sale", "k", 100, "cash", None, "wang")
    assert one != order_hash("sale", "k", 100, "cash", [], "wang")
    assert one != order_hash("sale", "k", 100, "card", None, "wang")
    assert one != order_hash("sale", "k", 100, "cash", None, "li")
