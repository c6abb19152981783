"""Steps of the office that change a contract: adjust credit, settle a closing, replace a meter. Each says who else has
to say yes; one that waits for its second person is found under the tasks. No rule of money stands here."""

from typing import Any, Final

from starlette.responses import Response

from cloud_server.core.mistakes import Conflict, NotFound
from cloud_server.core.views import METHODS, SaleSheet
from cloud_server.ports.hardware_orders import ReplaceOrder
from cloud_server.ports.ledger import AdjustmentOrder, SettleOrder
from cloud_server.web.forms import clean_amount
from cloud_server.web.pages import errors
from cloud_server.web.pages.page import Console
from cloud_server.web.pages.second import read_second
from cloud_server.web.pages.step import StepForm, carry_out, show_step, watt_hours
from cloud_server.web.settings_fields import Field
from cloud_server.web.show import parse_day
from cloud_server.web.visit import Visit
from cloud_server.web.word_tables import METHOD, N_

HOW: Final = (
    ("refund", N_("pay it out")),
    ("paid", N_("the debt was paid in")),
    ("write_off", N_("give the debt up")),
    ("even", N_("nothing is left")),
)
OBSERVED: Final = N_(
    "The new meter begins in observe: it is charged, and never switched until it passed its relay test "
    "and is in service."
)


def show_adjustment(console: Console, visit: Visit) -> Response:
    """Credit or debit outside the till."""
    sheet = visit.services.books.sale_sheet(visit.parts["account"])
    return errors.not_found(console, visit) if sheet is None else _adjustment(console, visit, 200, sheet)


def adjust(console: Console, visit: Visit) -> Response:
    """Make it, or let it wait for its second person."""
    sheet = visit.services.books.sale_sheet(visit.parts["account"])
    if sheet is None:
        return errors.not_found(console, visit)
    form = visit.form

    def take() -> Any:
        order = AdjustmentOrder(
            key=form.get("key", ""),
            account=visit.parts["account"],
            amount=clean_amount(form.get("amount", "")),
            reason=form.get("reason", "").strip(),
            wallet=form.get("wallet") or None,
            energy=clean_amount(form.get("energy", "")) or None,
            from_day=parse_day(form.get("from_day")),
            to_day=parse_day(form.get("to_day")),
            second=read_second(visit),
        )
        return visit.services.office.adjustments.adjust(order, visit.actor)

    def again(status: int, **wrong: Any) -> Response:
        return _adjustment(console, visit, status, sheet, **wrong)

    return carry_out(take, again, f"/customers/{sheet.account.account}?done=adjusted")


def _adjustment(console: Console, visit: Visit, status: int, sheet: SaleSheet, **wrong: Any) -> Response:
    account = sheet.account
    wallets = tuple((one.wallet, f"{'、'.join(one.shops)} · {one.box_name}") for one in account.wallets)
    fields = (
        Field(name="amount", kind="text", label=N_("Amount"), hint=N_("with a minus sign: taken from the wallet")),
        *((Field(name="wallet", kind="choice", label=N_("Wallet"), choices=wallets),) if len(wallets) > 1 else ()),
        Field(name="energy", kind="text", label=N_("Energy kWh"), hint=N_("where energy is the reason")),
        Field(name="from_day", kind="day", label=N_("From")),
        Field(name="to_day", kind="day", label=N_("Until")),
        Field(name="reason", kind="text", label=N_("Reason")),
    )
    whom = f"{account.customer} · {account.number}"
    back = f"/customers/{account.account}"
    form = StepForm(title=N_("Adjust"), whom=whom, fields=fields, back=back, why=N_("Needed above the site's limit."))
    return show_step(console, visit, status, form, wrong)


def show_settling(console: Console, visit: Visit) -> Response:
    """What is left of a closed account, and what becomes of it."""
    return _settling(console, visit, 200)


def settle(console: Console, visit: Visit) -> Response:
    """End the closing."""
    form, closing = visit.form, visit.parts["closing"]
    how = next((code for code, _ in HOW if code == form.get("how")), None)
    if how is None:
        return _settling(console, visit, 422)

    def take() -> Any:
        order = SettleOrder(
            key=form.get("key", ""),
            closing=closing,
            how=how,  # type: ignore[arg-type]  # one of the codes above
            method=form.get("method", "cash"),
            reason=form.get("reason", "").strip(),
            second=read_second(visit),
        )
        return visit.services.office.settlements.settle(order, visit.actor)

    return carry_out(take, lambda status, **wrong: _settling(console, visit, status, **wrong), "/refunds")


def _settling(console: Console, visit: Visit, status: int, **wrong: Any) -> Response:
    try:
        closing = visit.services.office.closings.closing(visit.parts["closing"])
        left_micro = visit.services.office.settlements.stands_at(closing.fact.closing)
    except (NotFound, Conflict):
        return errors.not_found(console, visit)
    sheet = visit.services.books.sale_sheet(closing.fact.account)
    if sheet is None:
        return errors.not_found(console, visit)
    show = console.renderer.show_for(visit)
    fields = (
        Field(name="how", kind="choice", label=N_("What becomes of it"), choices=HOW),
        Field(name="method", kind="choice", label=N_("Method"), choices=tuple((one, METHOD[one]) for one in METHODS)),
        Field(name="reason", kind="text", label=N_("Reason")),
    )
    whom = f"{sheet.account.customer} · {sheet.account.number} · {show.money(left_micro)}"
    back = f"/customers/{closing.fact.account}"
    why = N_("Needed above the site's limit, and always to give a debt up.")
    form = StepForm(title=N_("Settle"), whom=whom, fields=fields, back=back, why=why)
    return show_step(console, visit, status, form, wrong)


def show_replacement(console: Console, visit: Visit) -> Response:
    """Another meter serves a point."""
    return _replacement(console, visit, 200)


def replace(console: Console, visit: Visit) -> Response:
    """Tell the box: last register of the old meter, serial and first register of the new one."""
    page = visit.services.books.point(visit.parts["point"])
    if page is None or page.meter is None:
        return errors.not_found(console, visit)
    form, meter = visit.form, page.meter.meter
    registers = {name: watt_hours(form.get(name, "")) for name in ("old_kwh", "new_kwh")}
    words = console.renderer.words_for(visit)
    unread = {name: words.field("not_a_number") for name, value in registers.items() if value is None}
    if unread:
        return _replacement(console, visit, 422, mistakes=unread)

    def take() -> Any:
        order = ReplaceOrder(
            key=form.get("key", ""),
            meter=meter,
            old_raw_wh=registers["old_kwh"] or 0,
            serial=form.get("serial", "").strip(),
            new_raw_wh=registers["new_kwh"] or 0,
            reason=form.get("reason", "").strip(),
            name=form.get("name", "").strip() or None,
            second=read_second(visit),
        )
        return visit.services.office.meters.replace_meter(order, visit.actor)

    return carry_out(
        take,
        lambda status, **wrong: _replacement(console, visit, status, **wrong),
        f"/points/{page.row.point}?ordered=replace_meter",
    )


def _replacement(console: Console, visit: Visit, status: int, **wrong: Any) -> Response:
    page = visit.services.books.point(visit.parts["point"])
    if page is None or page.meter is None:
        return errors.not_found(console, visit)
    show = console.renderer.show_for(visit)
    fields = (
        Field(name="old_kwh", kind="text", label=N_("Last kWh of the old meter"), hint=N_("as its display says")),
        Field(name="serial", kind="text", label=N_("Serial no. of the new meter")),
        Field(name="new_kwh", kind="text", label=N_("First kWh of the new meter")),
        Field(name="name", kind="text", label=N_("Its meter no."), hint=N_("empty: as before"), required=False),
        Field(name="reason", kind="text", label=N_("Reason")),
    )
    known = f"{show.energy(page.meter.register_wh)} kWh"
    noted, typed = page.noted, dict[str, str]()
    about: tuple[str, ...] = (OBSERVED,)
    if noted is not None:
        old_wh = noted.old_wh if noted.old_wh is not None else page.meter.register_wh
        typed = {
            "serial": noted.new_serial,
            "old_kwh": _kilowatt_hours(old_wh),
            "new_kwh": _kilowatt_hours(noted.new_wh),
        }
        translate = console.renderer.translate_for(visit)
        typed["reason"] = translate(N_("noted on the spot by %(who)s, %(time)s")) % {
            "who": noted.who,
            "time": show.full(noted.at_ms),
        }
        about = (N_("Filled in as noted on the spot: compare it with the plate and the photo, then replace."), *about)
    whom = f"{page.row.number} {page.row.name} · {page.meter.serial or page.meter.number} · {known}"
    back = f"/points/{page.row.point}"
    why = N_("Needed where the books ask for it.")
    form = StepForm(
        title=N_("Replace the meter"), whom=whom, fields=fields, back=back, why=why, about=about, typed=typed
    )
    return show_step(console, visit, status, form, wrong)


def _kilowatt_hours(register_wh: int | None) -> str:
    """A register as its display shows it."""
    return f"{register_wh / 1_000:.3f}".rstrip("0").rstrip(".") if register_wh is not None else ""
