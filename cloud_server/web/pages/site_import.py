"""A site's list from a workbook: read with every mistake by its cell, shown as what it comes to, then taken or not."""

from collections import Counter
from urllib.parse import quote

from starlette.responses import Response

from cloud_server.core.mistakes import Conflict, Mistake, Mistaken
from cloud_server.exports.template import make_template
from cloud_server.flows.change_settings import Planned
from cloud_server.web.pages import errors
from cloud_server.web.pages.page import Console
from cloud_server.web.pages.reports import WORKBOOK_TYPE
from cloud_server.web.render import see_other
from cloud_server.web.uploads import NoWorkbook, sheets_of
from cloud_server.web.visit import Visit


def show(console: Console, visit: Visit) -> Response:
    """Where a workbook is chosen, and the template of one."""
    return _page(console, visit, 200)


def send_template(_console: Console, visit: Visit) -> Response:
    """The workbook to be filled in, in this visit's language, with what is known of the site."""
    body = make_template(visit.services.imports.known(), "zh_CN" if visit.language == "zh-CN" else "en")
    name = {"Content-Disposition": f"attachment; filename=\"site.xlsx\"; filename*=UTF-8''{quote('site.xlsx')}"}
    return Response(body, media_type=WORKBOOK_TYPE, headers=name)


def read(console: Console, visit: Visit) -> Response:
    """Read a workbook: its mistakes, or the way to what it comes to."""
    content = visit.files.get("file", b"")
    if not content:
        return _page(console, visit, 422, wrong="none")
    try:
        said = visit.services.imports.read(sheets_of(content), visit.actor)
    except NoWorkbook:
        return _page(console, visit, 422, wrong="no_workbook")
    except Conflict:
        return _page(console, visit, 409, wrong="no_plan")
    if said.mistakes:
        return _page(console, visit, 422, mistakes=said.mistakes)
    return see_other(f"/settings/import/{said.draft}")


def preview(console: Console, visit: Visit) -> Response:
    """What the workbook would do."""
    return _preview(console, visit, 200, gone=visit.query.get("gone") == "yes")


def take(console: Console, visit: Visit) -> Response:
    """Take it, if nobody changed the plan meanwhile."""
    version, gone = visit.form.get("version", ""), visit.form.get("gone") == "yes"
    number = int(version) if version.isascii() and version.isdecimal() else 0
    try:
        visit.services.imports.take(visit.parts["draft"], number, visit.actor, gone=gone)
    except (Conflict, Mistaken):
        return _preview(console, visit, 409, gone=gone, stale=True)
    return see_other("/settings/import?done=taken")


def _page(
    console: Console, visit: Visit, status: int, *, wrong: str = "", mistakes: tuple[Mistake, ...] = ()
) -> Response:
    done = visit.query.get("done") == "taken"
    return console.renderer.page(
        visit, "site_import.html", status, wrong=wrong, mistakes=mistakes, done=done and status == 200
    )


def _preview(console: Console, visit: Visit, status: int, *, gone: bool, stale: bool = False) -> Response:
    planned = visit.services.imports.preview(visit.parts["draft"], visit.actor, gone=gone)
    if planned is None:
        return errors.not_found(console, visit)
    return console.renderer.page(
        visit,
        "site_import_shown.html",
        status if not planned.mistakes else 422,
        planned=planned,
        counts=_counts(planned),
        gone=gone,
        stale=stale,
    )


def _counts(planned: Planned) -> list[tuple[str, int, int, int]]:
    """By kind of item: how many are new, changed, gone. An item counts once, however many fields of it change."""
    seen = {(one.how, one.what, one.name) for one in planned.changes}
    number = Counter((how, what) for how, what, _ in seen)
    kinds = list(dict.fromkeys(one.what for one in planned.changes))
    return [(kind, number["added", kind], number["changed", kind], number["removed", kind]) for kind in kinds]
