"""Batches of a box that are on no machine any more, and no line of the centre tells of them: two take its word."""

from dataclasses import dataclass
from typing import Any

from starlette.responses import Response

from cloud_server.core.checkpoint import Checkpoint, Said
from cloud_server.core.site_map import map_site
from cloud_server.flows.accept_history import Lost
from cloud_server.ports.hardware_orders import HistoryOrder
from cloud_server.web.pages import errors
from cloud_server.web.pages.page import Console
from cloud_server.web.pages.recovery import shops_of
from cloud_server.web.pages.second import read_second
from cloud_server.web.pages.step import StepForm, carry_out, show_step
from cloud_server.web.settings_fields import Field
from cloud_server.web.visit import Visit
from cloud_server.web.word_tables import N_


@dataclass(frozen=True, slots=True)
class Told:
    """What is accepted, shop by shop: difference and balance."""

    point: Checkpoint
    said: Said
    rows: tuple[tuple[str, int, int], ...]


def show(console: Console, visit: Visit) -> Response:
    """What would be accepted."""
    return _form(console, visit, 200)


def accept(console: Console, visit: Visit) -> Response:
    """Ask for it, or do it where a second person says yes at once."""
    typed = visit.form.get("seen", "")

    def take() -> Any:
        order = HistoryOrder(
            key=visit.form.get("key", ""),
            box=visit.parts["box"],
            last=int(typed) if typed.isdecimal() else 0,
            reason=visit.form.get("reason", "").strip(),
            second=read_second(visit),
        )
        return visit.services.office.histories.accept(order, visit.actor)

    return carry_out(take, lambda status, **wrong: _form(console, visit, status, **wrong), "/recovery")


def _form(console: Console, visit: Visit, status: int, **wrong: Any) -> Response:
    found = next(
        (one for one in visit.services.office.histories.waiting() if one.point.box == visit.parts["box"]), None
    )
    if found is None:
        return errors.not_found(console, visit)
    form = StepForm(
        title=N_("Accept that batches are gone"),
        whom=found.name,
        fields=(Field(name="reason", kind="text", label=N_("Reason")),),
        back="/recovery",
        why=N_("Always needed: no line of the centre proves what this box says."),
        about=(
            N_("These batches are on no machine any more: neither the box nor a backup nor the journal has them."),
            N_("The balances that the box says in its oldest batch count; the books take them over in one entry."),
            N_("Revenue by rate and the energy of that time are not in the books any more; no report invents them."),
            N_("Everything behind them is posted as ever, and the recovery of this box ends by itself."),
        ),
        template="history_step.html",
        told=_told(visit, found),
    )
    return show_step(console, visit, status, form, wrong)


def _told(visit: Visit, found: Lost) -> Told:
    newest = visit.services.settings.plan()
    site = map_site(newest[1]) if newest is not None else None
    rows = tuple(
        (shops_of(site, wallet), micro, found.said.balances.get(wallet, 0))
        for wallet, micro in found.point.differences.items()
    )
    return Told(found.point, found.said, rows)
