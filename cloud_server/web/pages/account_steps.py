"""Steps with an account that go on by themselves: credit moved between its wallets, another tenant in its place, a
closing asked again or given up; and meters added to it. No rule of plan or money stands here."""

from typing import Any

from starlette.responses import Response

from cloud_server.core.mistakes import Conflict, NotFound
from cloud_server.core.views import SaleSheet, WalletView
from cloud_server.ports import KeyReused, Refused
from cloud_server.ports.ledger import ClosingOrder, ClosingStep, MoveOrder, NextTenant
from cloud_server.web.forms import clean_amount
from cloud_server.web.pages import errors
from cloud_server.web.pages.page import Console
from cloud_server.web.pages.second import read_second
from cloud_server.web.pages.step import StepForm, carry_out, show_step
from cloud_server.web.render import see_other
from cloud_server.web.settings_fields import Field, read_fields
from cloud_server.web.visit import Visit
from cloud_server.web.word_tables import N_

TENANT_FIELDS = (
    Field(name="customer_name", kind="text", label=N_("New customer")),
    Field(name="phones", kind="lines", label=N_("Phones"), hint=N_("at most three, one a line"), required=False),
    Field(name="number", kind="text", label=N_("New account no.")),
    Field(name="reason", kind="text", label=N_("Reason")),
)
TENANT_STEPS = (
    N_("No more sales to the account so far; its boxes read the meters a last time and give all money back."),
    N_("The account of the new tenant opens by itself on the same meters, with the same alarms and nothing on it."),
    N_("What is left of the old account is settled here: paid out, or a debt paid in."),
)
PHONES_MOST = 3


def show_move(console: Console, visit: Visit) -> Response:
    """Credit from one wallet of an account to another."""
    sheet = visit.services.books.sale_sheet(visit.parts["account"])
    return errors.not_found(console, visit) if sheet is None else _move(console, visit, 200, sheet)


def move(console: Console, visit: Visit) -> Response:
    """Ask the box of the one for it; it is granted to the other as soon as it is back."""
    sheet = visit.services.books.sale_sheet(visit.parts["account"])
    if sheet is None:
        return errors.not_found(console, visit)
    form = visit.form
    order = MoveOrder(
        key=form.get("key", ""),
        account=sheet.account.account,
        from_wallet=form.get("from_wallet", ""),
        to_wallet=form.get("to_wallet", ""),
        amount=clean_amount(form.get("amount", "")),
        reason=form.get("reason", "").strip(),
    )
    return carry_out(
        lambda: visit.services.office.moves.move(order, visit.actor),
        lambda status, **wrong: _move(console, visit, status, sheet, **wrong),
        f"/customers/{sheet.account.account}?done=moving",
    )


def _move(console: Console, visit: Visit, status: int, sheet: SaleSheet, **wrong: Any) -> Response:
    account, show = sheet.account, console.renderer.show_for(visit)

    def word(wallet: WalletView) -> str:
        return f"{'、'.join(wallet.shops)} · {wallet.box_name} · {show.money(wallet.balance_micro)}"

    wallets = tuple((one.wallet, word(one)) for one in account.wallets)
    fields = (
        Field(name="from_wallet", kind="choice", label=N_("From wallet"), choices=wallets),
        Field(name="to_wallet", kind="choice", label=N_("To wallet"), choices=wallets),
        Field(name="amount", kind="text", label=N_("Amount")),
        Field(name="reason", kind="text", label=N_("Reason")),
    )
    form = StepForm(
        title=N_("Move credit"),
        whom=f"{account.customer} · {account.number}",
        fields=fields,
        back=f"/customers/{account.account}",
        why="",
        about=(
            N_("The box of the first wallet gives back what is unused, up to this amount."),
            N_("What came back is granted to the other wallet by itself."),
        ),
        typed={"to_wallet": wallets[1][0]} if len(wallets) > 1 else {},
    )
    return show_step(console, visit, status, form, wrong)


def show_tenant(console: Console, visit: Visit) -> Response:
    """Another tenant in the place of this account's customer."""
    sheet = visit.services.books.sale_sheet(visit.parts["account"])
    return errors.not_found(console, visit) if sheet is None else _tenant(console, visit, 200, sheet)


def change_tenant(console: Console, visit: Visit) -> Response:
    """Begin: the account closes, the new one follows by itself."""
    sheet = visit.services.books.sale_sheet(visit.parts["account"])
    newest = visit.services.settings.plan()
    if sheet is None or newest is None:
        return errors.not_found(console, visit)
    values, unread = read_fields(TENANT_FIELDS, visit.form)
    if not unread and values["number"] in {one.number for one in newest[1].accounts}:
        unread["number"] = "taken"
    if not unread and len(values["phones"]) > PHONES_MOST:
        unread["phones"] = "too_long"
    if unread:
        words = console.renderer.words_for(visit)
        mistakes = {name: words.field(code) for name, code in unread.items()}
        return _tenant(console, visit, 422, sheet, mistakes=mistakes)

    def take() -> Any:
        order = ClosingOrder(
            key=visit.form.get("key", ""),
            account=sheet.account.account,
            reason=values["reason"],
            next_tenant=NextTenant(
                number=values["number"], customer_name=values["customer_name"], phones=values["phones"]
            ),
            second=read_second(visit),
        )
        return visit.services.office.closings.close(order, visit.actor)

    return carry_out(
        take,
        lambda status, **wrong: _tenant(console, visit, status, sheet, **wrong),
        f"/customers/{sheet.account.account}?done=tenant",
    )


def _tenant(console: Console, visit: Visit, status: int, sheet: SaleSheet, **wrong: Any) -> Response:
    account, show = sheet.account, console.renderer.show_for(visit)
    balance_micro = account.credit_micro + sum(one.balance_micro or 0 for one in account.wallets)
    form = StepForm(
        title=N_("Change of tenant"),
        whom=f"{account.customer} · {account.number} · {show.money(balance_micro)}",
        fields=TENANT_FIELDS,
        back=f"/customers/{account.account}",
        why=N_("Needed above the site's limit."),
        about=TENANT_STEPS,
        typed={"reason": console.renderer.translate_for(visit)("Change of tenant")},
    )
    return show_step(console, visit, status, form, wrong)


def go_on_closing(console: Console, visit: Visit) -> Response:
    """Ask again those boxes that refused, or give the closing up while every wallet is still open."""
    how = visit.parts["step"]
    closings = visit.services.office.closings
    take = {"again": closings.again, "cancel": closings.cancel}.get(how)
    if take is None:
        return errors.not_found(console, visit)
    try:
        account = closings.closing(visit.parts["closing"]).fact.account
    except NotFound:
        return errors.not_found(console, visit)
    try:
        take(ClosingStep(key=visit.form.get("key", ""), closing=visit.parts["closing"]), visit.actor)
    except (Conflict, KeyReused, NotFound, Refused) as fault:
        code = fault.code if isinstance(fault, Conflict) else "answered"
        return see_other(f"/customers/{account}?conflict={code}")
    return see_other(f"/customers/{account}?done={'cancelled' if how == 'cancel' else 'closing'}")
