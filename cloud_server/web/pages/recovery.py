"""A centre that was restored: which boxes were heard, what came back, what only people know, and their answers."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from starlette.responses import Response

from cloud_server.core.checkpoint import Checkpoint
from cloud_server.core.mistakes import Conflict, Mistaken, NotFound
from cloud_server.core.recovery import Question
from cloud_server.core.site_map import SiteMap, map_site
from cloud_server.flows.recovery_report import ANSWERS
from cloud_server.web.pages import errors
from cloud_server.web.pages.page import Console
from cloud_server.web.render import see_other
from cloud_server.web.visit import Visit
from cloud_server.web.word_tables import N_

QUESTIONS_MOST: Final = 200
"""Questions on one page; the next ones come up as these are answered."""
NOTE_CHARACTERS_MAX: Final = 200


KIND: Final[Mapping[str, str]] = {
    "receipt": N_("A receipt number was given out, and no line tells of its sale. Was money taken?"),
    "receipt_twice": N_("Two sales got one receipt number. Which customer holds which receipt?"),
    "refund_paid": N_("Credit was asked back for a refund. Was the money paid out?"),
    "money_line": N_("Of this step only its signed line is known. Is it to be done again?"),
    "reversal": N_("A sale was undone, and the reversal itself is not known. Was the money handed back?"),
    "closing": N_("Credit was asked back for a closing or a move. Is it to be done again?"),
    "history": N_("Batches are on no machine any more. Is what went between all charges and fees?"),
}
"""What is asked, by the closed list of kinds."""
ANSWER: Final[Mapping[str, str]] = {
    "paid": N_("money was paid"),
    "not_paid": N_("no money was paid"),
    "done_again": N_("done again by hand"),
    "left": N_("left as it is"),
    "found": N_("found by itself"),
}
LABEL: Final[Mapping[str, str]] = {
    "account": N_("Account"),
    "amount_micro": N_("Amount"),
    "day": N_("Day"),
    "kind": N_("Step"),
    "operator": N_("Operator"),
    "at_ms": N_("At"),
}


@dataclass(frozen=True, slots=True)
class Told:
    """One thing that is known of a question: its word, and the value, which may be money or energy."""

    label: str
    value: str = ""
    amount_micro: int | None = None
    energy_wh: int | None = None
    at_ms: int | None = None


@dataclass(frozen=True, slots=True)
class Asked:
    """A question with what is known of it."""

    question: Question
    what: str
    box: str
    told: tuple[Told, ...]


def show(console: Console, visit: Visit) -> Response:
    """How far it is."""
    return _page(console, visit, 200)


def answer(console: Console, visit: Visit) -> Response:
    """What a person knows of a question; the books are not touched by it."""
    said, note = visit.form.get("answer", ""), visit.form.get("note", "").strip()[:NOTE_CHARACTERS_MAX]
    try:
        visit.services.office.recovery.answer(visit.parts["question"], said, note, visit.actor.name)
    except NotFound:
        return errors.not_found(console, visit)
    except Mistaken:
        return _page(console, visit, 422, wrong=visit.parts["question"])
    except Conflict:
        return _page(console, visit, 409, answered=True)
    return see_other("/recovery?done=1")


def _page(console: Console, visit: Visit, status: int, *, wrong: str | None = None, answered: bool = False) -> Response:
    report = visit.services.office.recovery.report()
    names = {box.box: box.name for box in report.boxes} if report is not None else {}
    asked = report.questions if report is not None else ()
    open_ones = [one for one in asked if one.answer is None]
    newest = visit.services.settings.plan() if asked else None
    site = map_site(newest[1]) if newest is not None else None
    return console.renderer.page(
        visit,
        "recovery.html",
        status,
        report=report,
        names=names,
        open_count=len(open_ones),
        questions=[_asked(visit, site, one, names) for one in open_ones[:QUESTIONS_MOST]],
        closed=[_asked(visit, site, one, names) for one in asked if one.answer is not None][:QUESTIONS_MOST],
        lost={one.point.box: one.point for one in visit.services.office.histories.waiting()},
        gone={box: [p for p in report.passed_over if p.box == box] for box in names} if report is not None else {},
        gone_micro=_gone_micro,
        answers=[(code, ANSWER[code]) for code in ANSWERS],
        answer_words=ANSWER,
        wrong=wrong,
        answered=answered,
        typed=dict(visit.form),
        done=visit.query.get("done") == "1",
    )


def _gone_micro(point: Checkpoint) -> int:
    return -sum(point.differences.values())


def _asked(visit: Visit, site: SiteMap | None, question: Question, names: Mapping[str, str]) -> Asked:
    detail: dict[str, Any] = json.loads(question.detail)
    if question.kind == "history":
        told = _history(site, detail)
    else:
        told = tuple(_told(visit, name, detail[name]) for name in LABEL if detail.get(name) is not None)
    box = names.get(question.box, "") if question.box is not None else ""
    return Asked(question, KIND[question.kind], box, told)


def _told(visit: Visit, name: str, value: Any) -> Told:
    match name:
        case "amount_micro":
            return Told(LABEL[name], amount_micro=value)
        case "at_ms":
            return Told(LABEL[name], at_ms=value)
        case "account":
            sheet = visit.services.books.sale_sheet(str(value))
            if sheet is None:
                return Told(LABEL[name], str(value))
            shops = "、".join(shop for wallet in sheet.account.wallets for shop in wallet.shops)
            return Told(LABEL[name], f"{shops} {sheet.account.customer} ({sheet.account.number})")
        case _:
            return Told(LABEL[name], str(value))


def _history(site: SiteMap | None, detail: Mapping[str, Any]) -> tuple[Told, ...]:
    """Shop by shop what went between two balances that are proven, and by how much the registers rose."""
    energies = detail.get("register_wh", {})
    return tuple(
        Told(shops_of(site, wallet), amount_micro=-micro, energy_wh=energies.get(wallet))
        for wallet, micro in detail["differences"].items()
    )


def shops_of(site: SiteMap | None, wallet: str) -> str:
    """The shops of a wallet, by its id where the plan does not know it any more."""
    known = site.wallets.get(wallet) if site is not None else None
    return "、".join(site.shops(known)) if site is not None and known is not None else wallet
