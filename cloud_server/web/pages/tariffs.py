"""A tariff as a form beside its drawing: rates, days, calendar, steps; shown as what it comes to, then its next
version. As text the same tariff stands among the settings."""

from starlette.responses import Response

from cloud_server.core.mistakes import Conflict, FieldErrorCode, Mistaken
from cloud_server.core.plan_edits import NEW, NoSuchItem
from cloud_server.flows.change_settings import Planned
from cloud_server.web.pages import errors
from cloud_server.web.pages.page import Console
from cloud_server.web.pages.tariff_drawing import draw_tariff
from cloud_server.web.render import see_other
from cloud_server.web.tariff_form import Fields, blank, fill, read_fields, shape
from cloud_server.web.visit import Visit


def show(console: Console, visit: Visit) -> Response:
    """The form of a tariff; one that a form cannot say leads to its text."""
    item = visit.parts["item"]
    if item == NEW:
        show_day = console.renderer.show_for(visit)
        return _form(console, visit, 200, blank(show_day.local(visit.now_ms)))
    text = _newest(visit, item)
    if text is None:
        return errors.not_found(console, visit)
    fields = fill(text)
    return see_other(f"/settings/tariffs/{item}?form=no") if fields is None else _form(console, visit, 200, fields)


def change(console: Console, visit: Visit) -> Response:
    """First what it comes to; then take it."""
    item, form = visit.parts["item"], visit.form
    if item != NEW and _newest(visit, item) is None:
        return errors.not_found(console, visit)
    read = read_fields(form)
    if read.mistakes:
        return _form(console, visit, 422, dict(form), mistakes=read.mistakes)
    desk, planned = visit.services.settings, None
    try:
        planned = desk.preview("tariffs", item, {"text": read.text})
        if planned is None:
            return errors.not_found(console, visit)
        if form.get("step") != "take" or planned.mistakes:
            status = 422 if planned.mistakes else 200
            return _form(console, visit, status, dict(form), text=read.text, planned=planned)
        version = form.get("version", "")
        number = int(version) if version.isascii() and version.isdecimal() else 0
        desk.take("tariffs", item, {"text": read.text}, number, visit.actor)
    except NoSuchItem:
        return errors.not_found(console, visit)
    except (Conflict, Mistaken):
        return _form(console, visit, 409, dict(form), text=read.text, planned=planned, stale=True)
    return see_other("/settings/tariffs?done=taken")


def _newest(visit: Visit, item: str) -> str | None:
    """The text of a tariff's newest version."""
    newest = visit.services.settings.plan()
    versions = [one for one in newest[1].tariffs if one.tariff == item] if newest is not None else []
    return max(versions, key=lambda one: one.version).text if versions else None


def _form(
    console: Console,
    visit: Visit,
    status: int,
    fields: Fields,
    *,
    text: str = "",
    mistakes: dict[str, FieldErrorCode] | None = None,
    planned: Planned | None = None,
    stale: bool = False,
) -> Response:
    words = console.renderer.words_for(visit)
    drawn = draw_tariff(text or (read_fields(fields).text if not mistakes else ""), visit.now_ms)
    return console.renderer.page(
        visit,
        "tariff_form.html",
        status,
        item=visit.parts["item"],
        is_new=visit.parts["item"] == NEW,
        typed=fields,
        shape=shape(fields),
        mistakes={name: words.field(code) for name, code in (mistakes or {}).items()},
        planned=planned,
        stale=stale,
        drawn=drawn if drawn is not None and not drawn.mistakes else None,
    )
