"""What waits for somebody: steps that want a second person's yes, and refunds that lie ready. No rule of money."""

from dataclasses import dataclass
from typing import Final
from urllib.parse import quote

from starlette.responses import Response

from cloud_server.core.mistakes import Conflict, ConflictCode, NotFound
from cloud_server.core.site_map import SiteMap, map_site
from cloud_server.core.tasks import Task
from cloud_server.ports import KeyReused, Refused
from cloud_server.ports.ledger import CheckStep
from cloud_server.web.forms import new_key
from cloud_server.web.pages import errors
from cloud_server.web.pages.page import Console
from cloud_server.web.render import see_other
from cloud_server.web.visit import Visit

REFUNDS_MOST: Final = 200
ANSWERS: Final = ("approve", "reject", "withdraw")


def show(console: Console, visit: Visit) -> Response:
    """Everything that waits, with what this person may do about it."""
    return _page(console, visit, 200)


def answer(console: Console, visit: Visit) -> Response:
    """Yes, no, or never mind."""
    how = visit.parts["answer"]
    if how not in ANSWERS:
        return errors.not_found(console, visit)
    if how != "withdraw" and not visit.may("confirm"):
        return errors.forbidden(console, visit, "confirm")
    second = visit.services.office.second
    take = {"approve": second.approve, "reject": second.reject, "withdraw": second.withdraw}[how]
    step = CheckStep(
        key=visit.form.get("key", "")[:200], request=visit.parts["request"], note=visit.form.get("note", "")[:200]
    )
    try:
        take(step, visit.actor)
    except NotFound:
        return errors.not_found(console, visit)
    except Conflict as conflict:
        return _page(console, visit, 409, conflict.code)
    except (KeyReused, Refused):
        return _page(console, visit, 409, "answered")
    return see_other(f"/tasks?done={how}")


def _page(console: Console, visit: Visit, status: int, conflict: ConflictCode | None = None) -> Response:
    done = visit.query.get("done", "")
    newest = visit.services.settings.plan()
    site = map_site(newest[1]) if newest is not None else None
    return console.renderer.page(
        visit,
        "tasks.html",
        status,
        waiting=visit.services.office.second.waiting(),
        refunds=visit.services.money.refunds(REFUNDS_MOST, open_only=True),
        others=_others(visit, site),
        me=visit.actor.name,
        name_of=lambda about: _about(site, about),
        key=lambda: new_key(visit.services.chance),
        conflict=conflict,
        done=done if done in ANSWERS else "",
    )


@dataclass(frozen=True, slots=True)
class Waiting:
    """One more thing that waits: what it is, whom it concerns, and where it is seen to."""

    task: Task
    whom: str
    path: str


def _others(visit: Visit, site: SiteMap | None) -> list[Waiting]:
    """What waits beside second persons and refunds, of what this person may see: the rest is not named at all."""
    found = []
    for task in visit.services.office.tasks():
        if task.kind in ("till_open", "day_not_sealed_clean"):
            path = f"/till?operator={quote(task.about)}" if task.kind == "till_open" else "/till"
            if visit.may("close_day"):
                found.append(Waiting(task, task.about, path))
        elif task.kind in ("meter_change_refused", "replacement_noted"):
            point = site.point_of.get(task.about) if site is not None else None
            if point is not None:
                found.append(Waiting(task, f"{point.number} {point.name}", f"/points/{point.point}"))
        elif task.kind not in ("second_person", "refund_payable") and site is not None and task.about in site.accounts:
            settles = task.kind == "closing_ready" and visit.may("close_accounts")
            path = f"/closings/{task.task}" if settles else f"/customers/{task.about}"
            found.append(Waiting(task, _about(site, task.about), path))
    return found


def _about(site: SiteMap | None, about: str) -> str:
    """The account or box that a request is about, in words; what is neither stands as it is."""
    if site is None:
        return about
    account = site.accounts.get(about)
    if account is None:
        return site.boxes[about].name if about in site.boxes else about
    shops = "、".join(shop for wallet in site.wallets_of.get(about, ()) for shop in site.shops(wallet))
    return f"{shops} {site.customers[account.customer].name} ({account.number})"
