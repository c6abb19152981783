"""Telling other programs what has happened, inside the transaction in which it became true."""

from collections.abc import Iterable

from cloud_server.core.fleet import GrantState, WalletGrant
from cloud_server.core.money_requests import Refund
from cloud_server.ports import Unit
from protocol.units import Ms


def tell_of_grants(unit: Unit, grants: Iterable[WalletGrant], at_ms: Ms) -> None:
    """How far the sales behind some grants have come, now that these were answered or seen on."""
    for name in sorted({grant.sale for grant in grants if grant.sale is not None}):
        sale = unit.ledger.sale(name)
        if sale is None:
            continue
        parts = unit.ledger.grants_of_sale(name)
        data = {
            "sale": sale.sale,
            "key": sale.key,
            "receipt": sale.receipt,
            "account": sale.account,
            "amount_micro": sale.amount_micro,
        }
        if any(part.state is GrantState.REFUSED for part in parts):
            unit.webhooks.tell("sale.refused", name, at_ms, data)
        elif all(part.state is GrantState.APPLIED for part in parts):
            unit.webhooks.tell("sale.delivered", name, at_ms, data)
            if all(part.on_at_ms is not None for part in parts):
                unit.webhooks.tell("sale.on", name, at_ms, data)


def tell_of_reclaims(unit: Unit, reclaims: Iterable[str], at_ms: Ms) -> None:
    """The refunds whose money a box has given back."""
    for name in reclaims:
        refund = unit.programs.refund_of_reclaim(name)
        if refund is not None and refund.state == "payable":
            tell_of_refund(unit, refund, at_ms)


def tell_of_refund(unit: Unit, refund: Refund, at_ms: Ms) -> None:
    """A refund that may be paid, or was."""
    fact = refund.fact
    data = {
        "refund": fact.refund,
        "key": fact.key,
        "account": fact.account,
        "amount_micro": refund.given_micro,
    }
    if refund.state == "payable":
        unit.webhooks.tell("refund.payable", fact.refund, at_ms, data)
    elif refund.state == "paid":
        unit.webhooks.tell("refund.paid", fact.refund, at_ms, data)
