"""A large report as a workbook, made behind the page: asked for, watched, fetched."""

from dataclasses import replace
from urllib.parse import parse_qsl

from starlette.responses import FileResponse, Response

from cloud_server.core.report_table import ReportKind
from cloud_server.core.roles import Right
from cloud_server.core.territory import territory_text
from cloud_server.web.export_jobs import ExportJob
from cloud_server.web.forms import new_key
from cloud_server.web.pages import errors
from cloud_server.web.pages.page import Console
from cloud_server.web.pages.reports import WORKBOOK_TYPE, file_names, make_file
from cloud_server.web.render import see_other
from cloud_server.web.visit import Visit


def begin(console: Console, visit: Visit, rights: dict[ReportKind, Right]) -> Response:
    """Begin to make it: with exactly the filter of the page."""
    kind = next((kind for kind in rights if kind == visit.form.get("kind")), None)
    if kind is None:
        return errors.not_found(console, visit)
    if rights[kind] not in visit.rights:
        return errors.forbidden(console, visit, rights[kind])
    query = dict(parse_qsl(visit.form.get("query", "")))
    asked = replace(visit, path=f"/reports/{kind}.xlsx", query=query)
    plain, _ = file_names(console, asked, kind, query.get("from", ""))
    job = ExportJob(
        job=new_key(visit.services.chance),
        owner=owner_of(visit),
        title=kind,
        file_name=plain,
        asked_at_ms=visit.now_ms,
    )
    console.exports.start(job, lambda made, file: make_file(console, asked, file, made.count))
    return see_other(f"/exports/{job.job}")


def show(console: Console, visit: Visit) -> Response:
    """How far it is."""
    job = console.exports.job(visit.parts["job"], owner_of(visit))
    if job is None:
        return errors.not_found(console, visit)
    return console.renderer.page(visit, "export.html", job=job)


def owner_of(visit: Visit) -> str:
    """Who may fetch it: the person, as long as they see the same buildings as when they asked for it."""
    return f"{visit.actor.id} {territory_text(visit.actor.territory)}"


def draw_piece(console: Console, visit: Visit, job: ExportJob) -> str:
    """The part that the stream replaces."""
    return console.renderer.text(visit, "export_piece.html", job=job)


def fetch(console: Console, visit: Visit) -> Response:
    """The workbook."""
    job = console.exports.job(visit.parts["job"], owner_of(visit))
    if job is None or job.state != "ready" or job.file is None:
        return errors.not_found(console, visit)
    return FileResponse(
        job.file,
        media_type=WORKBOOK_TYPE,
        headers={"Content-Disposition": f'attachment; filename="{job.file_name}"'},
    )
