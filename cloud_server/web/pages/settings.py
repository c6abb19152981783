"""Settings without touching a file: each item has a form; what a change comes to is shown as a plan; then it is taken,
whole or not at all. No rule of the plan stands here."""

from typing import Any

from starlette.responses import Response

from cloud_server.core.mistakes import Conflict, FieldErrorCode, Mistaken
from cloud_server.core.plan_edits import NEW, NoSuchItem, Section
from cloud_server.flows.change_settings import Planned
from cloud_server.web.pages import errors
from cloud_server.web.pages.page import Console
from cloud_server.web.pages.tariff_drawing import draw_tariff
from cloud_server.web.render import see_other
from cloud_server.web.settings_fields import Field, read_fields
from cloud_server.web.settings_specs import HEADS, SECTIONS, SINGLE, current, fields_of, items_of
from cloud_server.web.visit import Visit
from protocol.site_plan import SitePlan

NUMBERS = ("baud", "phases")
"""Chosen as text, numbers in the plan."""


def show_home(console: Console, visit: Visit) -> Response:
    """What there is to set."""
    return console.renderer.page(visit, "settings.html", sections=SECTIONS, single=SINGLE)


def show_section(console: Console, visit: Visit) -> Response:
    """The items of a section, or the form of the one that it has."""
    found = _section(visit)
    if found is None:
        return errors.not_found(console, visit)
    section, plan = found
    if section in SINGLE:
        return _form(console, visit, 200, section, "", plan)
    return console.renderer.page(
        visit,
        "settings_list.html",
        section=section,
        title=SECTIONS[section][0],
        heads=HEADS[section],
        items=items_of(section, plan),
        done=visit.query.get("done") == "taken",
    )


def show_item(console: Console, visit: Visit) -> Response:
    """The form of an item, or of one to be added."""
    found = _section(visit)
    if found is None:
        return errors.not_found(console, visit)
    return _form(console, visit, 200, found[0], visit.parts["item"], found[1])


def change(console: Console, visit: Visit) -> Response:
    """First what it comes to; then take it."""
    found = _section(visit)
    if found is None:
        return errors.not_found(console, visit)
    section, plan = found
    item = visit.parts.get("item", "")
    fields = fields_of(section, plan)
    values, mistakes = read_fields(fields, visit.form)
    if mistakes:
        return _form(console, visit, 422, section, item, plan, mistakes=mistakes)
    values = as_planned(values)
    planned: Planned | None = None
    desk, step = visit.services.settings, visit.form.get("step", "preview")
    try:
        planned = desk.preview(section, item, values)
        if planned is None:
            return errors.not_found(console, visit)
        if step != "take" or planned.mistakes:
            return _form(console, visit, 422 if planned.mistakes else 200, section, item, plan, planned=planned)
        version = visit.form.get("version", "")
        desk.take(section, item, values, int(version) if version.isdecimal() else 0, visit.actor)
    except NoSuchItem:
        return errors.not_found(console, visit)
    except (Conflict, Mistaken):
        return _form(console, visit, 409, section, item, plan, planned=planned, stale=True)
    return see_other(f"/settings/{section}?done=taken")


def as_planned(values: dict[str, Any]) -> dict[str, Any]:
    """Values as the plan has them."""
    return {name: int(value) if name in NUMBERS else value for name, value in values.items()}


def _section(visit: Visit) -> tuple[Section, SitePlan] | None:
    section = next((name for name in SECTIONS if name == visit.parts["section"]), None)
    newest = visit.services.settings.plan()
    return (section, newest[1]) if section is not None and newest is not None else None


def _form(
    console: Console,
    visit: Visit,
    status: int,
    section: Section,
    item: str,
    plan: SitePlan,
    *,
    mistakes: dict[str, FieldErrorCode] | None = None,
    planned: Planned | None = None,
    stale: bool = False,
) -> Response:
    filled = current(section, item, plan)
    if filled is None:
        return errors.not_found(console, visit)
    words = console.renderer.words_for(visit)
    fields: tuple[Field, ...] = fields_of(section, plan)
    typed = dict(visit.form) if visit.form else filled
    return console.renderer.page(
        visit,
        "settings_form.html",
        status,
        section=section,
        item=item,
        is_new=item == NEW,
        title=SECTIONS[section][0],
        about=SECTIONS[section][1],
        single=section in SINGLE,
        fields=fields,
        typed=typed,
        mistakes={name: words.field(code) for name, code in (mistakes or {}).items()},
        planned=planned,
        stale=stale,
        done=visit.query.get("done") == "taken" and not visit.form,
        drawn=draw_tariff(typed.get("text", ""), visit.now_ms) if section == "tariffs" else None,
    )
