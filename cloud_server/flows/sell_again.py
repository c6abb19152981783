"""A sale written again after its centre has forgotten it: rows, entry, receipt number, key; its parts awaited.

Nothing is signed here. What no line can prove is asked of people.
"""

import json

from cloud_server.core import posting_rules, sale_order
from cloud_server.core.fleet import Box, SaleFact, WalletGrant
from cloud_server.core.receipts import TWICE, base36
from cloud_server.core.recovery import HEARD, ExpectedPart, Question, missing_receipts
from cloud_server.core.transaction import Transaction
from cloud_server.flows.centre import Centre
from cloud_server.ports import Unit
from protocol.money import SaleBody

BY_RECOVERY = "recovery"


def receipt_of(centre: Centre, unit: Unit, receipt: str) -> str:
    """Its number; marked where a centre that did not know of its loss has given it out again."""
    if receipt not in unit.ledger.receipts_like(receipt):
        return receipt
    ask(centre, unit, "receipt_twice", f"{receipt}{TWICE}2", None, {"given_out_again": receipt})
    return f"{receipt}{TWICE}2"


def write_sale_again(centre: Centre, unit: Unit, sale: SaleFact, told: SaleBody, state: str) -> None:
    """The sale's rows: itself, its entry, its receipt, its key with the answer that it gives for ever."""
    now_ms = centre.clock.wall_ms()
    unit.ledger.add_sale(sale)
    unit.ledger.post(
        Transaction(
            kind="sale",
            cause=f"sale/{sale.sale}",
            effective_at_ms=sale.paid_at_ms,
            posting_day=centre.posting_day(unit, sale.paid_at_ms),
            who=sale.operator,
            key=sale.key,
            postings=posting_rules.sale(sale.operator, sale.method, sale.account, sale.amount_micro),
        ),
        now_ms,
    )
    _take_receipt(centre, unit, sale)
    if unit.lines.kept_answer(sale.key) is None:
        boxes = sorted({part.box for part in told.parts})
        parts = None if len(told.parts) == 1 else [(part.wallet, part.amount_micro) for part in told.parts]
        request = sale_order.order_hash("sale", sale.account, sale.amount_micro, sale.method, parts, sale.operator)
        answer = json.dumps({"sale": sale.sale, "state": state, "boxes": boxes})
        unit.lines.keep_answer(sale.key, request, answer, now_ms)
    unit.audit.append(now_ms, BY_RECOVERY, "sale_written_again", sale.sale, {"receipt": sale.receipt})


def _take_receipt(centre: Centre, unit: Unit, sale: SaleFact) -> None:
    """Its number was given out: no other gets it, and numbers before it of which nothing is known are asked for."""
    series, _, number = sale.receipt.rpartition("-")
    if TWICE in number or not number.isdecimal():
        return
    term = term_of(series)
    last = unit.ledger.raise_receipt(sale.till_day, term, int(number))
    receipts = unit.ledger.receipts_like(series)
    for receipt in missing_receipts(receipts, series, last):
        ask(centre, unit, "receipt", receipt, None, {"day": sale.till_day})
    unit.recovery.answer_by_itself("receipt", sale.receipt, centre.clock.wall_ms(), "its sale came back")


def term_of(series: str) -> int:
    """The term in the head of a receipt number, which is in base 36."""
    term = int(series.rpartition("-")[2], 36)
    assert base36(term) == series.rpartition("-")[2]
    return term


def await_part(centre: Centre, unit: Unit, sale: SaleFact, wallet: str, box: str, amount_micro: int) -> None:
    """A part whose box was not heard yet: it goes to in_flight, since its grant may be on the box."""
    if unit.recovery.part(sale.sale, wallet) is not None:
        return
    part = ExpectedPart(
        sale=sale.sale,
        wallet=wallet,
        box=box,
        account=sale.account,
        amount_micro=amount_micro,
        made_at_ms=sale.paid_at_ms,
    )
    unit.recovery.expect(part)
    _post_part(centre, unit, part, "part", part.postings())


def end_part(centre: Centre, unit: Unit, part: ExpectedPart, state: str) -> None:
    """It is awaited no more: heard of, or to be signed anew."""
    assert state in (HEARD, "reissued")
    unit.recovery.end_part(part, "heard" if state == HEARD else "reissued", centre.clock.wall_ms())
    _post_part(centre, unit, part, "part_ended", part.ended())


def grant_parts_anew(centre: Centre, unit: Unit, box: Box) -> None:
    """What was awaited of a box that has been heard, and did not come, was never signed: a new grant waits for it."""
    for part in unit.recovery.parts_of_box(box.box):
        end_part(centre, unit, part, "reissued")
        if unit.money.reversal_of_sale(part.sale) is not None:
            continue
        unit.ledger.add_grants(
            [
                WalletGrant(
                    grant=centre.new_id(),
                    wallet=part.wallet,
                    box=part.box,
                    account=part.account,
                    amount_micro=part.amount_micro,
                    cause="sale",
                    sale=part.sale,
                    made_at_ms=part.made_at_ms,
                )
            ]
        )


def _post_part(centre: Centre, unit: Unit, part: ExpectedPart, kind: str, postings: posting_rules.Postings) -> None:
    now_ms = centre.clock.wall_ms()
    unit.ledger.post(
        Transaction(
            kind=kind,
            cause=part.cause,
            effective_at_ms=part.made_at_ms,
            posting_day=centre.posting_day(unit, now_ms),
            who=BY_RECOVERY,
            key=part.cause,
            postings=postings,
        ),
        now_ms,
    )


def ask(centre: Centre, unit: Unit, kind: str, subject: str, box: str | None, detail: dict[str, object]) -> None:
    """Ask people what no signed line can prove; once for each subject."""
    unit.recovery.ask(
        Question(
            question=centre.new_id(),
            kind=kind,  # type: ignore[arg-type]  # callers name one of the closed list
            subject=subject,
            box=box,
            detail=json.dumps(detail, sort_keys=True),
            asked_at_ms=centre.clock.wall_ms(),
        )
    )
