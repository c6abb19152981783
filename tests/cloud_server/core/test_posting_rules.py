"""Which account gives and which takes: one table an accountant could read. A credit is positive, a debit negative."""

import pytest

from cloud_server.core import accounts, posting_rules
from cloud_server.core.accounts import Side, parse_account
from cloud_server.core.mistakes import Mistaken
from cloud_server.core.transaction import Posting, Transaction, Unbalanced, merged, transaction_id
from protocol.records import CommandResult, Fee, Granted, Interval, Part, Reading

YUAN = 1_000_000
SHOP, WALLET, OTHER = "a" * 32, "b" * 32, "c" * 32


def interval(wallet: str | None, **charges: int) -> Interval:
    parts = [
        Part(
            from_ms=0, to_ms=1, rate=rate, step=0, tariff="d" * 32, tariff_version=1, price_micro=1, energy_wh=1,
            charge_micro=charge,
        )
        for rate, charge in charges.items()
    ]  # fmt: skip
    return Interval(
        at_ms=1, meter="e" * 32, wallet=wallet, from_=Reading(raw_wh=0, at_ms=0), to=Reading(raw_wh=1, at_ms=1),
        source="total", ratio_version=1, energy_wh=len(parts), energy_carry=(0, 1), parts=parts,
        charge_micro=sum(charges.values()), money_carry_nano=0, flags=[],
    )  # fmt: skip


FEE = Fee(at_ms=1, wallet=WALLET, day="2026-11-22", fee="管理费", charge_micro=500)
GRANTED = Granted(at_ms=1, command=1, grant="f" * 32, wallet=WALLET, amount_micro=100 * YUAN, book_micro=100 * YUAN)

RULES = [
    # what happened, postings, {account: credit}
    ("100.00 in cash at wang's till", posting_rules.sale("wang", "cash", SHOP, 100 * YUAN),
     {"till/wang/cash": -100 * YUAN, f"customer/{SHOP}": 100 * YUAN}),
    ("55.50 brought in from the old system", posting_rules.opening(SHOP, 55_500_000),
     {"opening": -55_500_000, f"customer/{SHOP}": 55_500_000}),
    ("a grant of 100.00 is signed", posting_rules.grant_signed(SHOP, WALLET, 100 * YUAN),
     {f"customer/{SHOP}": -100 * YUAN, f"in_flight/{WALLET}": 100 * YUAN}),
    ("the box has put it into the wallet", posting_rules.grant_applied(WALLET, 100 * YUAN),
     {f"in_flight/{WALLET}": -100 * YUAN, f"wallet/{WALLET}": 100 * YUAN}),
    ("the box has refused it", posting_rules.grant_refused(SHOP, WALLET, 100 * YUAN),
     {f"in_flight/{WALLET}": -100 * YUAN, f"customer/{SHOP}": 100 * YUAN}),
    ("a minus grant of 30.00 is signed", posting_rules.grant_signed(SHOP, WALLET, -30 * YUAN),
     {f"customer/{SHOP}": 30 * YUAN, f"in_flight/{WALLET}": -30 * YUAN}),
    ("50.00 given back for a refund", posting_rules.reclaimed("refund", SHOP, WALLET, 50 * YUAN),
     {f"wallet/{WALLET}": -50 * YUAN, f"payable/{SHOP}": 50 * YUAN}),
    *(
        (f"50.00 given back for a {purpose}", posting_rules.reclaimed(purpose, SHOP, WALLET, 50 * YUAN),
         {f"wallet/{WALLET}": -50 * YUAN, f"customer/{SHOP}": 50 * YUAN})
        for purpose in ("move", "adjustment", "close")
    ),
    ("20.00 never granted are to be refunded", posting_rules.refund_set_aside(SHOP, 20 * YUAN),
     {f"customer/{SHOP}": -20 * YUAN, f"payable/{SHOP}": 20 * YUAN}),
    ("70.00 paid out in cash", posting_rules.refund_paid("wang", "cash", SHOP, 70 * YUAN),
     {f"payable/{SHOP}": -70 * YUAN, "till/wang/cash": 70 * YUAN}),
    ("70.00 not paid out after all", posting_rules.refund_returned(SHOP, 70 * YUAN),
     {f"payable/{SHOP}": -70 * YUAN, f"customer/{SHOP}": 70 * YUAN}),
    ("a sale of 100.00 by card undone", posting_rules.reversal("wang", "card", SHOP, 100 * YUAN),
     {f"customer/{SHOP}": -100 * YUAN, "till/wang/card": 100 * YUAN}),
    ("its minus grant is signed", posting_rules.grant_signed(SHOP, WALLET, -100 * YUAN),
     {f"in_flight/{WALLET}": -100 * YUAN, f"customer/{SHOP}": 100 * YUAN}),
    ("the minus grant is applied", posting_rules.grant_applied(WALLET, -100 * YUAN),
     {f"wallet/{WALLET}": -100 * YUAN, f"in_flight/{WALLET}": 100 * YUAN}),
    ("the minus grant is refused", posting_rules.grant_refused(SHOP, WALLET, -100 * YUAN),
     {f"customer/{SHOP}": -100 * YUAN, f"in_flight/{WALLET}": 100 * YUAN}),
    ("energy at two rates", posting_rules.for_records([interval(WALLET, peak=1_200, valley=300)]),
     {f"wallet/{WALLET}": -1_500, "revenue/peak": 1_200, "revenue/valley": 300}),
    ("energy that nobody pays", posting_rules.for_records([interval(None, flat=0)]), {}),
    ("the fee of a day", posting_rules.fee(FEE),
     {f"wallet/{WALLET}": -500, "revenue/fixed": 500}),
    ("a whole batch", posting_rules.for_records(
        [interval(WALLET, flat=700), interval(OTHER, flat=50), GRANTED,
         CommandResult(at_ms=1, command=1, outcome="done")]),
     {f"in_flight/{WALLET}": -100 * YUAN, f"wallet/{WALLET}": 100 * YUAN - 700, f"wallet/{OTHER}": -50,
      "revenue/flat": 750}),
]  # fmt: skip


@pytest.mark.parametrize(("what", "postings", "wanted"), RULES, ids=[rule[0] for rule in RULES])
def test_postings(what: str, postings: tuple[Posting, ...], wanted: dict[str, int]) -> None:
    assert {posting.account: posting.amount_micro for posting in merged(postings)} == wanted
    assert sum(posting.amount_micro for posting in postings) == 0


def entry(*postings: Posting) -> Transaction:
    return Transaction(
        kind="sale", cause="sale/1", effective_at_ms=0, posting_day="2026-11-22", who="wang", key="k", postings=postings
    )


@pytest.mark.parametrize(
    "postings",
    [
        (),
        (Posting("bank", 1),),
        (Posting("bank", 1), Posting("opening", -2)),
    ],
)
def test_an_unbalanced_entry_cannot_be_built(postings: tuple[Posting, ...]) -> None:
    with pytest.raises(Unbalanced):
        entry(*postings)


def test_an_entry_on_an_account_outside_the_chart_cannot_be_built() -> None:
    with pytest.raises(ValueError, match="chart of accounts"):
        entry(Posting("piggy_bank", 1), Posting("bank", -1))


def test_the_id_of_an_entry_follows_from_its_cause() -> None:
    assert entry(Posting("bank", 1), Posting("opening", -1)).id == transaction_id("sale", "sale/1")
    assert transaction_id("sale", "sale/1") != transaction_id("sale", "sale/2")
    assert transaction_id("sale", "sale/1") != transaction_id("grant", "sale/1")


@pytest.mark.parametrize(
    ("text", "kind", "side"),
    [
        ("till/wang/cash", "till", Side.ASSET),
        ("bank", "bank", Side.ASSET),
        (f"wallet/{WALLET}", "wallet", Side.LIABILITY),
        ("revenue/peak", "revenue", Side.INCOME),
        ("revenue/fixed", "revenue", Side.INCOME),
        ("opening", "opening", Side.EQUITY),
    ],
)
def test_the_chart_of_accounts(text: str, kind: str, side: Side) -> None:
    assert (parse_account(text).kind, parse_account(text).side) == (kind, side)


@pytest.mark.parametrize("text", ["", "wallet", "wallet/", "till/wang", "bank/icbc", "gold", "wallet/a/b"])
def test_what_is_not_in_the_chart(text: str) -> None:
    with pytest.raises(ValueError, match="chart of accounts"):
        parse_account(text)


@pytest.mark.parametrize("name", ["", "a/b"])
def test_no_name_breaks_an_account_id(name: str) -> None:
    with pytest.raises(Mistaken):
        accounts.till(name, "cash")
