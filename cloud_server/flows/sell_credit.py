"""A sale: money in at the desk or from a gateway, credit on its way to the box. The order of a money step in one file.

Lock, check, sign, commit everything as one transaction, append to the journal and flush, mark; only then answer.
"""

import json
from collections.abc import Sequence
from dataclasses import dataclass, replace

from cloud_server.core import balances, sale_order
from cloud_server.core.fleet import Account, FoundDifference, SaleFact, Wallet, WalletGrant
from cloud_server.core.limits import DUPLICATE_WITHIN_MS, SaleFacts, sale_errors
from cloud_server.core.mistakes import FieldError, NotFound
from cloud_server.core.posting_rules import sale as sale_postings
from cloud_server.core.receipts import receipt_number
from cloud_server.core.sale_order import WantedPart
from cloud_server.core.transaction import Transaction
from cloud_server.core.views import SaleRow, SaleState
from cloud_server.flows.again import again
from cloud_server.flows.alarm_life import raise_alarm
from cloud_server.flows.centre import Centre
from cloud_server.flows.open_selling import selling_errors
from cloud_server.flows.sign_lines import Asker, add_money_line, sign_grant
from cloud_server.ports import Actor, Books, KeyReused, LooksLikeDuplicate, Refused, SaleOrder, Unit
from protocol.commands import SalePart
from protocol.money import SaleBody
from protocol.records import Subject
from protocol.units import Micro


@dataclass(frozen=True, slots=True)
class _Taken:
    """What was answered first under a key: it is answered so for ever."""

    sale: str
    state: SaleState
    boxes: tuple[str, ...]


class SalesDesk:
    """Takes money for console and API alike; satisfies `ports.Desk`."""

    def __init__(self, centre: Centre, books: Books) -> None:
        self._centre = centre
        self._books = books

    def sell(self, order: SaleOrder, by: Actor) -> SaleRow:
        """Sell. Raises Refused, KeyReused, LooksLikeDuplicate, NotNow."""
        centre = self._centre
        centre.journal.stop_if_faulty()
        request = _request_hash(order, by)
        try:
            taken = again(lambda: self._sold(order, by, request))
        except _Alike as alike:
            raise LooksLikeDuplicate(self._row(alike.sale)) from None
        centre.fail_point("sale_committed")
        centre.journal.append_unmarked()
        centre.fail_point("sale_journaled")
        for box in taken.boxes:
            centre.wake.wake(box)
        centre.live.changed()
        return replace(again(lambda: self._row(taken.sale)), state=taken.state)

    def _sold(self, order: SaleOrder, by: Actor, request: str) -> _Taken:
        with self._centre.store.write() as unit:
            taken = _answered_before(unit, order.key, request) or self._take(unit, order, by, request)
            self._centre.fail_point("sale_before_commit")
        return taken

    def note_print(self, sale: str, by: Actor) -> int:
        """Count a print of a receipt and tell the audit. Raises NotFound."""
        centre = self._centre
        with centre.store.write() as unit:
            if unit.ledger.sale(sale) is None:
                raise NotFound("sale", sale)
            now_ms = centre.clock.wall_ms()
            number = unit.ledger.note_print(sale, now_ms, by.name)
            unit.audit.append(now_ms, by.name, "receipt_printed", sale, {"copy": number})
        return number

    def _row(self, sale: str) -> SaleRow:
        row = self._books.sale(sale)
        if row is None:
            raise NotFound("sale", sale)
        return row

    def _take(self, unit: Unit, order: SaleOrder, by: Actor, request: str) -> _Taken:
        """Everything of a sale that must be in one transaction."""
        centre = self._centre
        now_ms = centre.clock.wall_ms()
        account = unit.fleet.account(order.account)
        wallets = unit.fleet.wallets_of_account(order.account)
        parts, held = _judged(unit, order, by, account, wallets, centre.posting_day(unit, now_ms))
        assert account is not None
        amount_micro = _paid(order, parts)
        if not order.again:
            earlier = unit.ledger.sale_like(account.account, amount_micro, now_ms - DUPLICATE_WITHIN_MS)
            if earlier is not None:
                raise _Alike(earlier.sale)
        sale = self._sale(unit, order, by, wallets, amount_micro, now_ms)
        grants = [_grant(centre.new_id(), part, sale) for part in parts]
        _write_sale(centre, unit, sale, grants)
        state = _sign(centre, unit, sale, grants) if grants else _keep_as_credit(unit, sale, wallets, held)
        detail = {"receipt": sale.receipt, "amount_micro": amount_micro, "method": sale.method}
        unit.audit.append(now_ms, by.name, "sale", sale.sale, detail)
        boxes = tuple(sorted({grant.box for grant in grants}))
        answer = json.dumps({"sale": sale.sale, "state": state, "boxes": boxes})
        unit.lines.keep_answer(order.key, request, answer, now_ms)
        return _Taken(sale.sale, state, boxes)

    def _sale(
        self, unit: Unit, order: SaleOrder, by: Actor, wallets: Sequence[Wallet], amount_micro: Micro, now_ms: int
    ) -> SaleFact:
        day = self._centre.posting_day(unit, now_ms)
        names = [wallet.wallet for wallet in wallets]
        sums = unit.ledger.sums(balances.accounts_of(order.account, names))
        heard = [box.posted_at_ms for name in {w.box for w in wallets} if (box := unit.fleet.box(name)) is not None]
        known_at = [at_ms for at_ms in heard if at_ms is not None]
        return SaleFact(
            sale=self._centre.new_id(),
            receipt=receipt_number(
                self._centre.site.code, day, self._centre.term, unit.ledger.next_receipt(day, self._centre.term)
            ),
            account=order.account,
            amount_micro=amount_micro,
            method=order.method,
            operator=by.name,
            operator_name=by.display_name,
            paid_at_ms=now_ms,
            till_day=day,
            key=order.key,
            balance_before_micro=balances.of_account(order.account, names, sums).wallets_micro if known_at else None,
            balance_before_at_ms=min(known_at, default=None),
        )


class _Alike(Exception):
    """Leaves the unit of work with the earlier sale that this one looks like."""

    def __init__(self, sale: str) -> None:
        super().__init__(sale)
        self.sale = sale


def _request_hash(order: SaleOrder, by: Actor) -> str:
    amount = sale_order.read_amount("amount", order.amount)
    parts = None
    if order.parts is not None:
        shares = [(wallet, sale_order.read_amount("amount", text), text) for wallet, text in order.parts]
        parts = [(wallet, share if isinstance(share, int) else text) for wallet, share, text in shares]
    said = amount if isinstance(amount, int) else order.amount
    taken = ("taken",) if order.taken else ()
    return sale_order.order_hash("sale", order.account, said, order.method, parts, by.name, *taken)


def _answered_before(unit: Unit, key: str, request: str) -> _Taken | None:
    kept = unit.lines.kept_answer(key)
    if kept is None:
        return None
    if kept[0] != request:
        raise KeyReused(f"the key {key[:40]!r} was used for something else")
    answer = json.loads(kept[1])
    return _Taken(answer["sale"], answer["state"], tuple(answer["boxes"]))


def _judged(
    unit: Unit, order: SaleOrder, by: Actor, account: Account | None, wallets: Sequence[Wallet], day: str
) -> tuple[tuple[WantedPart, ...], tuple[FieldError, ...]]:
    """The parts of the sale; none, and what stands against it, where the money was taken already. Raises Refused."""
    try:
        return _judge(unit, order, by, account, wallets, day), ()
    except Refused as refused:
        if not order.taken or not sale_order.is_held(refused.errors):
            raise
        return (), tuple(refused.errors)


def _paid(order: SaleOrder, parts: Sequence[WantedPart]) -> Micro:
    """What was paid in: the parts' sum, or the amount as it was typed where there are none."""
    amount = sale_order.read_amount("amount", order.amount)
    assert not isinstance(amount, FieldError)
    return sum(part.amount_micro for part in parts) if parts else amount


def _keep_as_credit(unit: Unit, sale: SaleFact, wallets: Sequence[Wallet], held: Sequence[FieldError]) -> SaleState:
    """A finding says why the money lies at the centre; it stands until a person has seen to it."""
    box = next((wallet.box for wallet in wallets), "")
    why = "; ".join(f"{error.field}: {error.message}" for error in held)
    detail = f"receipt {sale.receipt} of account {sale.account} is credit at the centre: {why}"
    found = FoundDifference(kind="sale_held", box=box, epoch=0, seq=0, detail=detail)
    if unit.alarms.add_findings([found], sale.paid_at_ms):
        raise_alarm(unit, "finding", sale.paid_at_ms, Subject(box=box))
    return "credit"


def _judge(
    unit: Unit, order: SaleOrder, by: Actor, account: Account | None, wallets: Sequence[Wallet], day: str
) -> tuple[WantedPart, ...]:
    """The parts of the sale, or every mistake at once."""
    errors: list[FieldError] = sale_order.form_errors(order.key, order.method, account, order.account)
    if by.roles and unit.fleet.sale_limits().till_wanted and unit.tills.open_shift(by.name) is None:
        message = f"the till of {by.name} is not open"
        errors.append(FieldError(field="till", value=by.name, code="required", message=message))
    if account is None:
        amount = sale_order.read_amount("amount", order.amount)
        errors += [amount] if isinstance(amount, FieldError) else []
        raise Refused(errors)
    parts, wrong = sale_order.wanted_parts(order.amount, order.parts, wallets)
    errors += wrong
    errors += selling_errors(unit, (part.wallet for part in parts))
    if parts:
        names = [wallet.wallet for wallet in wallets]
        sums = unit.ledger.sums(balances.accounts_of(order.account, names))
        facts = SaleFacts(
            amount_micro=sum(part.amount_micro for part in parts),
            balance_micro=balances.of_account(order.account, names, sums).total_micro,
            operator_day_micro=unit.ledger.operator_day_micro(by.name, day),
        )
        errors += sale_errors(facts, unit.fleet.sale_limits())
    if errors:
        raise Refused(errors)
    return parts


def _grant(grant: str, part: WantedPart, sale: SaleFact) -> WalletGrant:
    return WalletGrant(
        grant=grant,
        wallet=part.wallet.wallet,
        box=part.wallet.box,
        account=sale.account,
        amount_micro=part.amount_micro,
        cause="sale",
        sale=sale.sale,
        made_at_ms=sale.paid_at_ms,
    )


def _write_sale(centre: Centre, unit: Unit, sale: SaleFact, grants: Sequence[WalletGrant]) -> None:
    unit.ledger.add_sale(sale)
    unit.ledger.add_grants(grants)
    unit.ledger.post(
        Transaction(
            kind="sale",
            cause=f"sale/{sale.sale}",
            effective_at_ms=sale.paid_at_ms,
            posting_day=sale.till_day,
            who=sale.operator,
            key=sale.key,
            postings=sale_postings(sale.operator, sale.method, sale.account, sale.amount_micro),
        ),
        sale.paid_at_ms,
    )
    body = SaleBody(
        sale=sale.sale,
        receipt=sale.receipt,
        account=sale.account,
        amount_micro=sale.amount_micro,
        method=sale.method,
        till_day=sale.till_day,
        parts=[SalePart(wallet=g.wallet, box=g.box, amount_micro=g.amount_micro) for g in grants],
    )
    add_money_line(centre, unit, "sale", body, Asker(operator=sale.operator, key=sale.key))


def _sign(centre: Centre, unit: Unit, sale: SaleFact, grants: list[WalletGrant]) -> SaleState:
    """Sign the grants of boxes that take commands, boxes by id; the sale's state as it is answered."""
    state: SaleState = "sold"
    for name in sorted({grant.box for grant in grants}):
        box = unit.fleet.box(name)
        if box is None or not box.takes_commands:
            state = "waiting"
            continue
        for grant in (grant for grant in grants if grant.box == name):
            box = sign_grant(centre, unit, box, grant, sale, grants)
    return state
