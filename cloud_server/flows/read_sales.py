"""Accounts and sales as the desk shows them, from one look. Part of `read_books`."""

from typing import cast

from cloud_server.core.batch_facts import WalletFacts
from cloud_server.core.fleet import GrantState, SaleFact, WalletGrant
from cloud_server.core.fleet_health import sale_state
from cloud_server.core.limits import GRANT_ANSWERED_WITHIN_MS
from cloud_server.core.search import rank
from cloud_server.core.views import (
    STATES,
    AccountFound,
    AccountView,
    Method,
    SalePartRow,
    SaleRow,
    WalletView,
)
from cloud_server.flows.look import Look
from cloud_server.flows.read_monitor import point_row
from cloud_server.ports import Unit
from protocol.records import RefusalReason
from protocol.site_plan import AccountPlan, WalletPlan
from protocol.units import FEN_MICRO, Micro


def account_view(look: Look, account: AccountPlan) -> AccountView:
    """A contract with its wallets."""
    customer = look.site.customers[account.customer]
    return AccountView(
        account=account.account,
        number=account.number,
        state=look.account_states.get(account.account, "in_use"),
        customer=customer.name,
        phones=customer.phones,
        credit_micro=look.customer_micro.get(account.account, 0),
        wallets=tuple(_wallet_view(look, wallet) for wallet in look.site.wallets_of.get(account.account, ())),
    )


def _wallet_view(look: Look, wallet: WalletPlan) -> WalletView:
    facts = look.wallet_facts.get(wallet.wallet, WalletFacts(wallet=wallet.wallet))
    balance_micro, balance_at_ms = look.balance(wallet.wallet, tuple(wallet.meters), wallet.box)
    in_flight_micro = look.in_flight_micro.get(wallet.wallet, 0)
    return WalletView(
        wallet=wallet.wallet,
        box=wallet.box,
        box_name=look.site.boxes[wallet.box].name,
        shops=look.site.shops(wallet),
        balance_micro=balance_micro,
        balance_at_ms=balance_at_ms,
        in_flight_micro=in_flight_micro,
        alarm1_micro=wallet.alarm1_micro,
        alarm2_micro=wallet.alarm2_micro,
        trip_micro=-wallet.credit_limit_micro,
        reconnect_micro=wallet.reconnect_micro,
        arrears_open=facts.arrears,
        needs_micro=_needs(wallet, facts, balance_micro, in_flight_micro),
        in_reach=look.in_reach(wallet.box),
    )


def _needs(wallet: WalletPlan, facts: WalletFacts, balance_micro: Micro | None, in_flight_micro: Micro) -> Micro:
    """Whole fen, rounded up, that bring the wallet to its reconnect level; what is on its way counts."""
    if not facts.arrears or balance_micro is None:
        return 0
    missing = wallet.reconnect_micro - balance_micro - in_flight_micro
    return max(-(-missing // FEN_MICRO) * FEN_MICRO, 0)


def find_accounts(look: Look, text: str, limit: int) -> tuple[AccountFound, ...]:
    """Accounts that answer a search, best first; closed ones last. Rows are made of those that are shown alone."""
    found = []
    for account in look.site.plan.accounts:
        customer = look.site.customers[account.customer]
        texts = [account.number, customer.name, *customer.phones]
        for meter in _meters(look, account):
            point = look.site.point_of[meter]
            placed = look.site.meters[meter]
            texts += [point.number, point.name, placed.meter.name, placed.number]
        best = rank(text, texts)
        if best is not None:
            found.append(((_is_closed(look, account), best, account.number), account))
    shown = sorted(found, key=lambda pair: pair[0])[:limit]
    return tuple(_found(look, account) for _, account in shown)


def all_accounts(look: Look, limit: int) -> tuple[AccountFound, ...]:
    """The first accounts by number, closed ones last."""
    order = sorted(look.site.plan.accounts, key=lambda one: (_is_closed(look, one), one.number))
    return tuple(_found(look, account) for account in order[:limit])


def _is_closed(look: Look, account: AccountPlan) -> bool:
    return look.account_states.get(account.account) == "closed"


def _meters(look: Look, account: AccountPlan) -> list[str]:
    wallets = look.site.wallets_of.get(account.account, ())
    return [meter for wallet in wallets for meter in wallet.meters if meter in look.site.point_of]


def _found(look: Look, account: AccountPlan) -> AccountFound:
    rows = [point_row(look, look.site.point_of[meter]) for meter in _meters(look, account)]
    customer = look.site.customers[account.customer]
    balances = [
        look.balance(wallet.wallet, tuple(wallet.meters), wallet.box)
        for wallet in look.site.wallets_of.get(account.account, ())
    ]
    known = [(micro, at_ms) for micro, at_ms in balances if micro is not None and at_ms is not None]
    return AccountFound(
        account=account.account,
        number=account.number,
        account_state=look.account_states.get(account.account, "in_use"),
        customer=customer.name,
        phones=customer.phones,
        shops=tuple(f"{row.number} {row.name}" for row in rows),
        meter_numbers=tuple(row.meter_number for row in rows if row.meter_number is not None),
        state=next((state for state in STATES if any(row.state == state for row in rows)), "not_opened"),
        balance_micro=sum(micro for micro, _ in known) if known else None,
        balance_at_ms=min((at_ms for _, at_ms in known), default=None),
    )


def sale_rows(look: Look, unit: Unit, sales: list[SaleFact]) -> tuple[SaleRow, ...]:
    """Sales with how far each has come; those of accounts that are out of sight are left out."""
    sales = [sale for sale in sales if sale.account in look.site.accounts]
    names = [sale.sale for sale in sales]
    grants = unit.books.grants_of_sales(names)
    prints = unit.books.prints(names)
    return tuple(_sale_row(look, sale, grants.get(sale.sale, []), prints.get(sale.sale, 0)) for sale in sales)


def _sale_row(look: Look, sale: SaleFact, grants: list[WalletGrant], prints: int) -> SaleRow:
    account = look.site.accounts[sale.account]
    parts = tuple(_part_row(look, grant) for grant in grants)
    state = sale_state(grants, all(_answers(look, grant) for grant in grants))
    applied = [grant.applied_at_ms for grant in grants if grant.applied_at_ms is not None]
    seen_on = [grant.on_at_ms for grant in grants if grant.on_at_ms is not None]
    books = [grant.book_after_micro for grant in grants if grant.book_after_micro is not None]
    return SaleRow(
        sale=sale.sale,
        receipt=sale.receipt,
        account=sale.account,
        account_number=account.number,
        customer=look.site.customers[account.customer].name,
        shops=tuple(shop for part in parts for shop in part.shops),
        amount_micro=sale.amount_micro,
        method=cast(Method, sale.method),
        operator=sale.operator,
        operator_name=sale.operator_name,
        paid_at_ms=sale.paid_at_ms,
        till_day=sale.till_day,
        state=state,
        parts=parts,
        waiting_since_ms=sale.paid_at_ms if state == "waiting" else None,
        delivered_at_ms=max(applied) if len(applied) == len(grants) and applied else None,
        on_at_ms=max(seen_on) if len(seen_on) == len(grants) and seen_on else None,
        balance_before_micro=sale.balance_before_micro,
        balance_before_at_ms=sale.balance_before_at_ms,
        balance_after_micro=sum(books) if len(books) == len(grants) and books else None,
        prints=prints,
    )


def _part_row(look: Look, grant: WalletGrant) -> SalePartRow:
    box, wallet = look.site.boxes.get(grant.box), look.site.wallets.get(grant.wallet)
    return SalePartRow(
        wallet=grant.wallet,
        box=grant.box,
        box_name=box.name if box is not None else "",
        shops=look.site.shops(wallet) if wallet is not None else (),
        amount_micro=grant.amount_micro,
        state=sale_state([grant], _answers(look, grant)),
        reason=cast(RefusalReason | None, grant.reason),
    )


def _answers(look: Look, grant: WalletGrant) -> bool:
    """Whether nothing more is awaited from the grant's box, or the box is in reach and has had no time to answer."""
    if grant.state is not GrantState.SIGNED:
        return True
    return look.in_reach(grant.box) and look.now_ms - grant.made_at_ms <= GRANT_ANSWERED_WITHIN_MS
