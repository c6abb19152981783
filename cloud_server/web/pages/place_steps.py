"""Steps with what hangs in a shaft: a meter goes to another box, a box that will not return is retired."""

from typing import Any, Final

from starlette.responses import Response

from cloud_server.core.views import PointPage
from cloud_server.ports.hardware_orders import OpenSellingOrder, RelocateOrder, RetireOrder
from cloud_server.ports.ledger import TypedRegister
from cloud_server.web.pages import errors
from cloud_server.web.pages.page import Console
from cloud_server.web.pages.second import read_second
from cloud_server.web.pages.step import StepForm, carry_out, show_step, watt_hours
from cloud_server.web.settings_fields import Field, read_fields
from cloud_server.web.visit import Visit
from cloud_server.web.word_tables import N_
from protocol.site_plan import BoxPlan, SitePlan

UNIT_MAX: Final = 247
"""The last address that a Modbus device may have (Modbus over serial line 1.02, 2.2)."""
OWN_WALLET = N_("a wallet of its own there")


def show_relocation(console: Console, visit: Visit) -> Response:
    """A meter to another box."""
    return _relocation(console, visit, 200)


def relocate(console: Console, visit: Visit) -> Response:
    """Tell the box that has it to give it up; the new one takes it with its register, and its credit follows."""
    page, newest = visit.services.books.point(visit.parts["point"]), visit.services.settings.plan()
    if page is None or page.meter is None or newest is None:
        return errors.not_found(console, visit)
    meter, form = page.meter.meter, visit.form
    values, unread = read_fields(_relocation_fields(newest[1], page, visit), form)
    if "unit" in values and not 1 <= values["unit"] <= UNIT_MAX:
        unread["unit"] = "not_an_address"
    raw_wh = watt_hours(form.get("typed", "")) if form.get("typed", "").strip() else None
    words = console.renderer.words_for(visit)
    mistakes = {name: words.field(code) for name, code in unread.items()}
    if form.get("typed", "").strip() and raw_wh is None:
        mistakes["typed"] = words.field("not_a_number")
    if mistakes:
        return _relocation(console, visit, 422, mistakes=mistakes)
    box, bus = _place(newest[1], values["device"])

    def take() -> Any:
        order = RelocateOrder(
            key=form.get("key", ""),
            meter=meter,
            box=box,
            bus=bus,
            device=values["device"],
            unit=values["unit"],
            reason=values["reason"],
            to_wallet=values.get("to_wallet") or None,
            typed=TypedRegister(meter=meter, raw_wh=raw_wh) if raw_wh is not None else None,
            second=read_second(visit),
        )
        return visit.services.office.meters.relocate_meter(order, visit.actor)

    return carry_out(
        take,
        lambda status, **wrong: _relocation(console, visit, status, **wrong),
        f"/points/{page.row.point}?ordered=release_meter",
    )


def _place(plan: SitePlan, device: str) -> tuple[str, str]:
    return next((box.box, one.bus) for box in plan.boxes for one in box.devices if one.device == device)


def _relocation_fields(plan: SitePlan, page: PointPage, visit: Visit) -> tuple[Field, ...]:
    assert page.meter is not None
    here = next((box.box for box in plan.boxes if page.meter.meter in {one.meter for one in box.meters}), "")
    bus_name = {bus.bus: bus.name for box in plan.boxes for bus in box.buses}
    places = tuple(
        (one.device, f"{box.name} · {bus_name[one.bus]} · {one.name}")
        for box in plan.boxes
        if box.box != here
        for one in box.devices
    )
    sheet = visit.services.books.sale_sheet(page.account.account) if page.account is not None else None
    wallets = tuple(
        (one.wallet, f"{'、'.join(one.shops)} · {one.box_name}")
        for one in (sheet.account.wallets if sheet is not None else ())
        if one.box != here
    )
    choice = Field(
        name="to_wallet", kind="choice", label=N_("Its credit goes to"), choices=(("", OWN_WALLET), *wallets)
    )
    return (
        Field(name="device", kind="choice", label=N_("To box, bus and enclosure"), choices=places),
        Field(name="unit", kind="count", label=N_("Bus address there"), hint="1–247"),
        *((choice,) if wallets else ()),
        Field(name="reason", kind="text", label=N_("Reason")),
        Field(
            name="typed",
            kind="text",
            label=N_("Its register, kWh"),
            hint=N_("only where its box cannot read it any more; takes two people"),
            required=False,
        ),
    )


def _relocation(console: Console, visit: Visit, status: int, **wrong: Any) -> Response:
    page, newest = visit.services.books.point(visit.parts["point"]), visit.services.settings.plan()
    if page is None or page.meter is None or newest is None:
        return errors.not_found(console, visit)
    show = console.renderer.show_for(visit)
    form = StepForm(
        title=N_("Move the meter to another box"),
        whom=f"{page.row.number} {page.row.name} · {page.meter.serial or page.meter.number}"
        f" · {show.energy(page.meter.register_wh)} kWh",
        fields=_relocation_fields(newest[1], page, visit),
        back=f"/points/{page.row.point}",
        why=N_("Needed where a register is typed."),
        about=(
            N_("Its box reads it a last time, gives its credit back and lets it go."),
            N_("The new box takes it with exactly that register; the credit follows."),
        ),
        typed={"unit": "1"},
    )
    return show_step(console, visit, status, form, wrong)


def show_retirement(console: Console, visit: Visit) -> Response:
    """A box that will not return."""
    return _retirement(console, visit, 200)


def retire(console: Console, visit: Visit) -> Response:
    """Settle its wallets without it; always by two people."""
    box = _box(visit)
    if box is None:
        return errors.not_found(console, visit)
    form = visit.form
    said = {meter.meter: form.get(f"kwh-{meter.meter}", "").strip() for meter in box.meters}
    read = {meter: watt_hours(text) for meter, text in said.items() if text}
    words = console.renderer.words_for(visit)
    unread = {f"kwh-{meter}": words.field("not_a_number") for meter, raw_wh in read.items() if raw_wh is None}
    if unread:
        return _retirement(console, visit, 422, mistakes=unread)

    def take() -> Any:
        order = RetireOrder(
            key=form.get("key", ""),
            box=box.box,
            reason=form.get("reason", "").strip(),
            typed=tuple(TypedRegister(meter=meter, raw_wh=raw_wh or 0) for meter, raw_wh in read.items()),
            second=read_second(visit),
        )
        return visit.services.office.boxes.retire(order, visit.actor)

    return carry_out(take, lambda status, **wrong: _retirement(console, visit, status, **wrong), "/states?done=retired")


def _box(visit: Visit) -> BoxPlan | None:
    newest = visit.services.settings.plan()
    boxes = newest[1].boxes if newest is not None else []
    return next((box for box in boxes if box.box == visit.parts["box"]), None)


def _retirement(console: Console, visit: Visit, status: int, **wrong: Any) -> Response:
    box, newest = _box(visit), visit.services.settings.plan()
    if box is None or newest is None:
        return errors.not_found(console, visit)
    point = {one.point: f"{one.number} {one.name}" for one in newest[1].points}
    registers = tuple(
        Field(
            name=f"kwh-{meter.meter}",
            kind="text",
            label=f"{point.get(meter.point, '')} · {meter.serial or meter.name}",
            hint=N_("kWh; empty: as last posted"),
            required=False,
        )
        for meter in box.meters
    )
    form = StepForm(
        title=N_("Retire the box"),
        whom=box.name,
        fields=(Field(name="reason", kind="text", label=N_("Reason")), *registers),
        back="/states",
        why=N_("Always needed: nothing that this box may still bring is posted any more."),
        about=(
            N_("For a box that will not return: burnt, stolen, lost with its memory."),
            N_("Each wallet is settled at the last posted batch and the registers typed here, as its display says."),
            N_("What is left is the customer's credit at the centre, to be paid out or moved with the meter."),
        ),
    )
    return show_step(console, visit, status, form, wrong)


def show_selling(console: Console, visit: Visit) -> Response:
    """Sales to a box that was not heard since the centre was restored."""
    return _selling(console, visit, 200)


def open_selling(console: Console, visit: Visit) -> Response:
    """Take sales to it again; always by two people."""

    def take() -> Any:
        order = OpenSellingOrder(
            key=visit.form.get("key", ""),
            box=visit.parts["box"],
            reason=visit.form.get("reason", "").strip(),
            second=read_second(visit),
        )
        return visit.services.office.selling.open(order, visit.actor)

    return carry_out(take, lambda status, **wrong: _selling(console, visit, status, **wrong), "/states?done=selling")


def _selling(console: Console, visit: Visit, status: int, **wrong: Any) -> Response:
    box = _box(visit)
    if box is None:
        return errors.not_found(console, visit)
    form = StepForm(
        title=N_("Open selling"),
        whom=box.name,
        fields=(Field(name="reason", kind="text", label=N_("Reason")),),
        back="/states",
        why=N_("Always needed: what this box holds may be more than the books say."),
        about=(
            N_("The box was not heard since the centre was restored; it sells again by itself the moment it is."),
            N_("Opened, money is taken and booked at once; the credit waits at the centre until the box is heard."),
        ),
    )
    return show_step(console, visit, status, form, wrong)
