"""The entry that each money line asks for: what a ledger made again from the journal has to hold. Pure."""

from collections.abc import Iterable, Iterator, Mapping, Set
from typing import Final

from cloud_server.core import accounts, posting_rules, tills
from cloud_server.core.contracts import closing_postings
from cloud_server.core.fleet import SaleFact
from cloud_server.core.transaction import Posting
from protocol.messages import Money
from protocol.money import (
    AdjustmentBody,
    ClosingBody,
    MoneyBody,
    MoveBody,
    OpeningBody,
    RefundBody,
    ReversalBody,
    SaleBody,
    SettledBody,
    TillBody,
    WriteOffBody,
)

BY_PEOPLE: Final = frozenset(
    {
        "sale", "opening", "refund", "refund_paid", "refund_returned", "reversal", "adjustment", "closing",
        "write_off", "settled", "till_opened", "till_closed",
    }
)  # fmt: skip
"""Kinds of entries that a person or program made; the others follow from signed lines."""

Entry = tuple[str, str, Iterable[Posting]]
"""Cause, kind, postings."""


def entries_of_line(money: Money, body: MoneyBody, sales: Mapping[str, SaleFact], refunds: Set[str]) -> Iterator[Entry]:
    """The entry that a money line asks for; none for lines that only tell of a change or of a question to a box."""
    match body:
        case SaleBody(sale=sale, account=account, amount_micro=amount_micro, method=method):
            yield f"sale/{sale}", "sale", posting_rules.sale(money.operator, method, account, amount_micro)
        case OpeningBody(wallet=wallet, account=account, amount_micro=amount_micro):
            yield f"opening/{wallet}", "opening", posting_rules.opening(account, amount_micro)
        case MoveBody(move=refund, account=account, amount_micro=amount_micro) if refund in refunds:
            yield f"refund/{refund}", "refund_returned", posting_rules.refund_returned(account, amount_micro)
        case ReversalBody(reversal=reversal, sale=name) if name in sales:
            sale_ = sales[name]
            undone = posting_rules.reversal(sale_.operator, sale_.method, sale_.account, body.amount_micro)
            yield f"reversal/{reversal}", "reversal", undone
        case RefundBody():
            yield from _of_refund(money, body)
        case _:
            yield from _of_office(money, body)


def _of_refund(money: Money, body: RefundBody) -> Iterator[Entry]:
    cause = f"refund/{body.refund}"
    if body.paid:
        paid = posting_rules.refund_paid(money.operator, body.method, body.account, body.amount_micro)
        yield cause, "refund_paid", paid
    elif body.reclaim is None:
        yield cause, "refund", posting_rules.refund_set_aside(body.account, body.amount_micro)


def _of_office(money: Money, body: MoneyBody) -> Iterator[Entry]:
    match body:
        case AdjustmentBody(adjustment=adjustment, account=account, amount_micro=amount_micro):
            yield f"adjustment/{adjustment}", "adjustment", posting_rules.adjustment(account, amount_micro)
        case WriteOffBody(write_off=str(write_off), account=account, amount_micro=amount_micro):
            yield f"write_off/{write_off}", "write_off", posting_rules.write_off(account, amount_micro)
        case ClosingBody(closing=str(closing), account=account):
            moved = {wallet.wallet: wallet.moved_micro for wallet in body.wallets}
            till = None if body.method is None else accounts.till(money.operator, body.method)
            received = None if till is None else (till, body.received_micro)
            postings = closing_postings(account, moved, received, body.rounding_micro)
            yield f"closing/{closing}", "closing", postings
        case SettledBody(wallet=wallet, account=account):
            charges = {charge.rate: charge.charge_micro for charge in body.charges}
            postings = posting_rules.settled_without_box(
                account, wallet, body.in_flight_micro, charges, body.moved_micro
            )
            yield f"settled/{wallet}", "settled", postings
        case TillBody(shift=shift, operator=operator, step="opened", amounts=amounts):
            float_micro = sum(amount.counted_micro for amount in amounts)
            yield f"till_opened/{shift}", "till_opened", tills.till_opened(operator, float_micro)
        case TillBody(shift=shift, operator=operator, amounts=amounts):
            expected = {amount.method: amount.expected_micro for amount in amounts}
            counted = {amount.method: amount.counted_micro for amount in amounts}
            yield f"till_closed/{shift}", "till_closed", tills.till_closed(operator, expected, counted)
        case _:
            pass
