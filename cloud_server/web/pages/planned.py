"""A change of the plan as a form: first what it comes to is shown, then it is taken. No rule stands here."""

from typing import Any

from starlette.responses import Response

from cloud_server.core.mistakes import Conflict, FieldErrorCode, Mistaken
from cloud_server.core.plan_edits import NoSuchItem, Section
from cloud_server.flows.change_settings import Planned
from cloud_server.web.pages.page import Console
from cloud_server.web.visit import Visit


def plan_form(
    console: Console,
    visit: Visit,
    status: int,
    title: str,
    back: str,
    extra: dict[str, Any],
    mistakes: dict[str, FieldErrorCode] | None,
    planned: Planned | None,
) -> Response:
    """The form of a change of the plan, with what it comes to once that was asked."""
    words = console.renderer.words_for(visit)
    return console.renderer.page(
        visit,
        "plan_form.html",
        status,
        title=title,
        back=back,
        mistakes={name: words.field(code) for name, code in (mistakes or {}).items()},
        planned=planned,
        **extra,
    )


def plan_step(visit: Visit, section: Section, item: str, values: dict[str, Any]) -> tuple[Planned | None, bool]:
    """What a change comes to, and whether it was taken: only when it was shown before."""
    desk = visit.services.settings
    try:
        planned = desk.preview(section, item, values)
        if planned is None or planned.mistakes or visit.form.get("step") != "take":
            return planned, False
        version = visit.form.get("version", "")
        desk.take(section, item, values, int(version) if version.isdecimal() else 0, visit.actor)
    except NoSuchItem:
        return None, False
    except (Conflict, Mistaken):
        return desk.preview(section, item, values), False
    return planned, True
