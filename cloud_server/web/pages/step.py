"""One step of the office as a form: its fields, its second person, what was wrong with it; and carrying it out."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from decimal import Decimal, InvalidOperation
from typing import Any, Final

from starlette.responses import Response

from cloud_server.core.mistakes import Conflict, Mistaken, NotFound
from cloud_server.ports import KeyReused, Refused
from cloud_server.web.forms import clean_amount, new_key
from cloud_server.web.pages.page import Console
from cloud_server.web.pages.second import NAME_FIELD
from cloud_server.web.render import see_other
from cloud_server.web.settings_fields import Field
from cloud_server.web.visit import Visit

REGISTER_KWH_MAX: Final = 10_000_000
"""More than any register shows: a typing mistake."""


@dataclass(frozen=True, slots=True, kw_only=True)
class StepForm:
    """What a step's form shows: what is done, to whom, the fields, where back leads, when a second person is needed.

    `about` says in words what will happen; `typed` is what stands in the fields at first. A `template` of its own says
    more of it, from `told`.
    """

    title: str
    whom: str
    fields: tuple[Field, ...]
    back: str
    why: str
    about: tuple[str, ...] = ()
    typed: Mapping[str, str] = field(default_factory=dict)
    template: str = "step_form.html"
    told: object = None


def watt_hours(text: str) -> int | None:
    """Kilowatt-hours as a display shows them."""
    try:
        value = Decimal(clean_amount(text))
    except InvalidOperation:
        return None
    return int(value * 1_000) if value.is_finite() and 0 <= value <= REGISTER_KWH_MAX else None


def carry_out(take: Callable[[], Any], again: Callable[..., Response], done: str) -> Response:
    """Do it and go on to `done`, or to the tasks where it waits for its second person; else the form with why not."""
    try:
        answer = take()
    except Refused as refused:
        return again(422, refused=refused)
    except Mistaken as mistaken:
        return again(422, mistaken=mistaken)
    except Conflict as conflict:
        return again(409, conflict=conflict)
    except (KeyReused, NotFound):
        return again(409, conflict=Conflict("this form was used already", "answered"))
    return see_other("/tasks" if answer.state == "confirming" else done)


def show_step(console: Console, visit: Visit, status: int, form: StepForm, wrong: Mapping[str, Any]) -> Response:
    """The form; `wrong` as `carry_out` says it, or `mistakes` by field."""
    words, refused = console.renderer.words_for(visit), wrong.get("refused")
    mistakes = dict(wrong.get("mistakes", {}))
    if refused is not None:
        mistakes |= {error.field: words.field(error.code) for error in refused.errors}
    named = {one.name for one in form.fields}
    return console.renderer.page(
        visit,
        form.template,
        status,
        title=form.title,
        whom=form.whom,
        about=form.about,
        told=form.told,
        fields=form.fields,
        back=form.back,
        why=form.why,
        typed=dict(visit.form) if visit.form else dict(form.typed),
        mistakes=mistakes,
        others=[error for error in refused.errors if error.field not in named] if refused is not None else [],
        mistaken=wrong.get("mistaken"),
        conflict=wrong.get("conflict"),
        key=visit.form.get("key") or new_key(visit.services.chance),
        second={"second": visit.form.get(NAME_FIELD, "")},
    )
