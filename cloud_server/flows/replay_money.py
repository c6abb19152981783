"""Money lines of the journal taken into books that have forgotten them: the entry of each, and the rows beside it.

The entry is the one that `verify` asks of the same line. What a step had granted comes back with its command; what
was never signed is granted when all lines are in (`flows.after_journal`).
"""

from dataclasses import replace

from cloud_server.core.contracts import WalletSettlement
from cloud_server.core.fleet import SaleFact
from cloud_server.core.invariants.step_entries import entries_of_line
from cloud_server.core.money_requests import RefundFact, ReversalFact
from cloud_server.core.rest_of_history import LostHistory
from cloud_server.core.tills import ClosedDay, TillShift
from cloud_server.core.transaction import Posting, Transaction, transaction_id
from cloud_server.flows.centre import Centre
from cloud_server.flows.sell_again import await_part, write_sale_again
from cloud_server.ports import Unit
from protocol.messages import Money
from protocol.money import (
    AccountBody,
    ClosingBody,
    DayBody,
    HistoryBody,
    MoneyBody,
    MoveBody,
    RefundBody,
    ReversalBody,
    SaleBody,
    SettledBody,
    TillBody,
)

FROM_JOURNAL = "journal"
"""In the place of the hash of a request: the key is used up, and answers nobody any more."""


def take_step(centre: Centre, unit: Unit, money: Money, body: MoneyBody) -> None:
    """Book a money line and keep what stands beside it."""
    if isinstance(body, SaleBody):
        _take_sale(centre, unit, money, body)
        return
    _book(centre, unit, money, body)
    if unit.lines.kept_answer(money.idempotency_key) is None:
        unit.lines.keep_answer(money.idempotency_key, FROM_JOURNAL, "{}", money.posted_at_ms)
    match body:
        case RefundBody():
            _take_refund(unit, money, body)
        case MoveBody(move=refund, amount_micro=amount_micro) if unit.money.refund(refund) is not None:
            _end_refund(unit, money, refund, "returned", amount_micro)
        case ReversalBody():
            _take_reversal(unit, money, body)
        case ClosingBody() | SettledBody():
            _take_wallets(unit, money, body)
        case AccountBody(account=account, state=state) if unit.fleet.account(account) is not None:
            unit.contracts.set_account_state(account, state)
        case TillBody():
            _take_till(centre, unit, money, body)
        case HistoryBody():
            _take_history(unit, money, body)
        case DayBody(day=day, receipts=receipts) if unit.tills.closed_day(day) is None:
            closed = ClosedDay(
                day=day,
                closed_at_ms=money.posted_at_ms,
                who=money.operator,
                key=money.idempotency_key,
                receipts=receipts,
                open_tills=(),
            )
            unit.tills.add_closed_day(closed)
        case _:
            pass


def _book(centre: Centre, unit: Unit, money: Money, body: MoneyBody) -> None:
    """Under the day of the step, as far as that is open."""
    sale = unit.ledger.sale(body.sale) if isinstance(body, ReversalBody) else None
    sales = {sale.sale: sale} if sale is not None else {}
    refunds = {body.move} if isinstance(body, MoveBody) and unit.money.refund(body.move) is not None else set()
    for cause, kind, postings in entries_of_line(money, body, sales, refunds):
        _post(centre, unit, money, (kind, cause, tuple(postings)), sale)


def _post(
    centre: Centre, unit: Unit, money: Money, entry: tuple[str, str, tuple[Posting, ...]], corrects: SaleFact | None
) -> None:
    kind, cause, postings = entry
    if not postings:
        return
    unit.ledger.post(
        Transaction(
            kind=kind,
            cause=cause,
            effective_at_ms=money.posted_at_ms,
            posting_day=centre.posting_day(unit, money.posted_at_ms),
            who=money.operator,
            key=money.idempotency_key,
            second=money.second,
            reason=money.reason,
            corrects=transaction_id("sale", f"sale/{corrects.sale}") if corrects is not None else None,
            postings=postings,
        ),
        centre.clock.wall_ms(),
    )


def _take_sale(centre: Centre, unit: Unit, money: Money, body: SaleBody) -> None:
    """With all its parts awaited, until their grants or their boxes are heard of."""
    if unit.ledger.sale(body.sale) is not None:
        return
    sale = SaleFact(
        sale=body.sale,
        receipt=body.receipt,
        account=body.account,
        amount_micro=body.amount_micro,
        method=body.method,
        operator=money.operator,
        operator_name=money.operator,
        paid_at_ms=money.posted_at_ms,
        till_day=body.till_day,
        key=money.idempotency_key,
        balance_before_micro=None,
        balance_before_at_ms=None,
    )
    write_sale_again(centre, unit, sale, body, "sold")
    for part in body.parts:
        await_part(centre, unit, sale, part.wallet, part.box, part.amount_micro)


def _take_refund(unit: Unit, money: Money, body: RefundBody) -> None:
    """A refund asked for is told in one line or two: what was at the centre, and what is asked of a box."""
    if body.paid:
        _end_refund(unit, money, body.refund, "paid", body.amount_micro)
        return
    found = unit.money.refund(body.refund)
    at_centre_micro = body.amount_micro if body.reclaim is None else 0
    if found is None:
        fact = RefundFact(
            refund=body.refund,
            account=body.account,
            wallet=None,
            method=body.method,
            wanted_micro=body.amount_micro,
            centre_micro=at_centre_micro,
            reclaim=body.reclaim,
            operator=money.operator,
            second=money.second,
            reason=money.reason,
            key=money.idempotency_key,
            asked_at_ms=money.posted_at_ms,
        )
        unit.money.add_refund(fact)
        return
    more = replace(
        found.fact,
        wanted_micro=found.fact.wanted_micro + body.amount_micro,
        centre_micro=found.fact.centre_micro + at_centre_micro,
        reclaim=found.fact.reclaim or body.reclaim,
    )
    unit.money.save_refund(more)


def _end_refund(unit: Unit, money: Money, refund: str, how: str, amount_micro: int) -> None:
    found = unit.money.refund(refund)
    if found is None:
        return
    ended = replace(
        found.fact,
        settled="paid" if how == "paid" else "returned",
        settled_micro=amount_micro,
        settled_at_ms=money.posted_at_ms,
        settled_by=money.operator,
    )
    unit.money.save_refund(ended)


def _take_reversal(unit: Unit, money: Money, body: ReversalBody) -> None:
    sale = unit.ledger.sale(body.sale)
    if sale is None or unit.money.reversal_of_sale(body.sale) is not None:
        return
    fact = ReversalFact(
        reversal=body.reversal,
        sale=body.sale,
        account=sale.account,
        amount_micro=body.amount_micro,
        operator=money.operator,
        second=money.second,
        reason=money.reason,
        key=money.idempotency_key,
        reversed_at_ms=money.posted_at_ms,
    )
    unit.money.add_reversal(fact)


def _take_wallets(unit: Unit, money: Money, body: ClosingBody | SettledBody) -> None:
    """What a closing or the end of a box took over from wallets, so that their boxes' last word still fits."""
    boxes = {wallet.wallet: wallet.box for wallet in unit.fleet.wallets_of_account(body.account)}
    if isinstance(body, SettledBody):
        taken = [(body.wallet, body.moved_micro)]
        charged_micro, in_flight_micro = sum(charge.charge_micro for charge in body.charges), body.in_flight_micro
    else:
        taken = [(wallet.wallet, wallet.moved_micro) for wallet in body.wallets]
        charged_micro = in_flight_micro = 0
    for wallet, moved_micro in taken:
        if wallet not in boxes or unit.contracts.settlements([wallet]):
            continue
        unit.contracts.add_settlement(
            WalletSettlement(
                wallet=wallet,
                account=body.account,
                box=boxes[wallet],
                how="retired" if isinstance(body, SettledBody) else "debt",
                charged_micro=charged_micro,
                moved_micro=moved_micro,
                in_flight_micro=in_flight_micro,
                who=money.operator,
                second=money.second,
                reason=money.reason,
                key=money.idempotency_key,
                at_ms=money.posted_at_ms,
            )
        )
        if isinstance(body, SettledBody):
            unit.contracts.close_wallet(wallet)


def _take_history(unit: Unit, money: Money, body: HistoryBody) -> None:
    """What people have accepted of a box: booked when it brings the batch that says so."""
    accepted = LostHistory(
        box=body.box,
        epoch=body.epoch,
        last=body.last,
        prev=body.prev,
        line_hash=body.rest,
        line=None,
        heard_at_ms=money.posted_at_ms,
        accepted_by=money.operator,
        second=money.second,
        reason=money.reason,
        accepted_at_ms=money.posted_at_ms,
    )
    unit.recovery.save_lost_history(accepted)


def _take_till(centre: Centre, unit: Unit, money: Money, body: TillBody) -> None:
    known = unit.tills.shift(body.shift)
    counted = {amount.method: amount.counted_micro for amount in body.amounts}
    if body.step == "opened":
        if known is None:
            opened = TillShift(
                shift=body.shift,
                operator=body.operator,
                opened_at_ms=money.posted_at_ms,
                float_micro=sum(counted.values()),
                key=money.idempotency_key,
            )
            unit.tills.add_shift(opened)
        return
    closed = TillShift(
        shift=body.shift,
        operator=body.operator,
        opened_at_ms=known.opened_at_ms if known is not None else None,
        float_micro=known.float_micro if known is not None else 0,
        key=money.idempotency_key,
        closed_at_ms=money.posted_at_ms,
        closed_day=centre.posting_day(unit, money.posted_at_ms),
        closed_by=money.operator,
        second=money.second,
        note=money.reason,
        expected={amount.method: amount.expected_micro for amount in body.amounts},
        counted=counted,
    )
    if known is None:
        unit.tills.add_shift(closed)
    else:
        unit.tills.save_shift(closed)
