"""What only a payment gateway asks: whether and how much an account can be paid, and whether a day's money agrees."""

from dataclasses import dataclass

from cloud_server.core import balances
from cloud_server.core.settlement import (
    SETTLED,
    KeptSettlement,
    Payment,
    Settlement,
    match,
    payments_of,
    settlement_detail,
)
from cloud_server.flows.centre import Centre
from cloud_server.flows.open_selling import closed_boxes
from cloud_server.ports import Actor
from protocol.units import FEN_MICRO, Micro


@dataclass(frozen=True, slots=True, kw_only=True)
class Quote:
    """Whether an account can be paid for now, what one payment may be, and a name for the payer to recognise."""

    account: str
    payable: bool
    why: str
    """Empty where it is payable."""
    least_micro: Micro
    greatest_micro: Micro
    name: str
    """Masked: enough to tell one's own shop by, too little to learn another's name from."""
    shops: tuple[str, ...]
    wallets: tuple[str, ...]
    """More than one: a sale has to name the wallet of each part."""


def quote(centre: Centre, account: str, by: Actor) -> Quote | None:
    """What the gateway shows before it takes money; None for an account that there is not."""
    with centre.store.read() as unit:
        plan = unit.fleet.plan()
        found = unit.fleet.account(account)
        if plan is None or found is None:
            return None
        wallets = [wallet for wallet in unit.fleet.wallets_of_account(account) if wallet.state == "in_use"]
        names = [wallet.wallet for wallet in wallets]
        sums = unit.ledger.sums(balances.accounts_of(account, names))
        limits = unit.fleet.sale_limits()
        closed = closed_boxes(unit, [wallet for wallet in wallets if wallet.wallet in names])
        used_micro = unit.ledger.operator_day_micro(by.name, centre.posting_day(unit, centre.clock.wall_ms()))
    held_micro = balances.of_account(account, names, sums).total_micro
    room = (
        limits.greatest_sale_micro,
        limits.greatest_balance_micro - held_micro,
        limits.operator_day_micro - used_micro,
    )
    greatest = max(min(room) // FEN_MICRO * FEN_MICRO, 0)
    planned = next(one for one in plan.accounts if one.account == account)
    customer = next(one for one in plan.customers if one.customer == planned.customer)
    points = {point.point: point.number for point in plan.points}
    fed = {meter for wallet in plan.wallets if wallet.wallet in names for meter in wallet.meters}
    shops = sorted({points[m.point] for box in plan.boxes for m in box.meters if m.meter in fed and m.point in points})
    why = _why_not(found.state, bool(wallets), greatest >= limits.least_sale_micro)
    why = why or ("box_not_heard" if closed else "")
    return Quote(
        account=account,
        payable=not why,
        why=why,
        least_micro=limits.least_sale_micro,
        greatest_micro=greatest,
        name=masked(customer.name),
        shops=tuple(shops),
        wallets=tuple(names),
    )


def _why_not(state: str, has_wallet: bool, has_room: bool) -> str:
    if state != "in_use":
        return "account_not_in_use"
    if not has_wallet:
        return "no_wallet"
    return "" if has_room else "no_room"


def masked(name: str) -> str:
    """A name with its inside hidden: 张*，王**铺. Of two characters one is shown, of more the first and the last."""
    shown = name.strip()
    if len(shown) <= 1:
        return "*"
    return shown[0] + "*" if len(shown) == 2 else shown[0] + "*" * (len(shown) - 2) + shown[-1]


def settle_day(
    centre: Centre, by: Actor, method: str, day: str, theirs: list[Payment], file_sha256: str
) -> tuple[KeptSettlement, Settlement]:
    """Match a provider's file of one till day against `till/<token>/<method>`, and keep what came of it."""
    with centre.store.read() as unit:
        ours = []
        for sale in unit.programs.sales_of_till_day(by.name, method, day):
            ours.append(Payment(sale.key, sale.amount_micro, sale.sale))
            undone = unit.money.reversal_of_sale(sale.sale)
            if undone is not None:
                ours.append(Payment(sale.key, -sale.amount_micro, undone.reversal))
        paid = unit.programs.refunds_paid_on(by.name, method, *centre.bounds_of_day(day))
    ours += [Payment(refund.fact.key, -refund.fact.settled_micro, refund.fact.refund) for refund in paid]
    found = match(ours, theirs)
    payments, now_ms = payments_of(found), centre.clock.wall_ms()
    kept = KeptSettlement(
        settlement=centre.new_id(),
        day=day,
        method=method,
        operator=by.name,
        matched_at_ms=now_ms,
        file_sha256=file_sha256,
        agrees=found.agrees,
        matched=len(found.matched),
        differing=len(found.differing),
        ours_only=len(found.ours_only),
        theirs_only=len(found.theirs_only),
        ours_micro=found.ours_micro,
        theirs_micro=found.theirs_micro,
    )
    with centre.store.write() as unit:
        unit.settlements.add(kept, payments)
        unit.audit.append(now_ms, by.name, SETTLED, kept.settlement, settlement_detail(kept, payments))
    return kept, found
