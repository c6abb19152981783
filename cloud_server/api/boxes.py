"""Addresses for boxes: enrol, renew. Lines in, lines out; the signature on a line says who speaks.

Requests to sync come in by `box_door`; what they go through stands in `box_sync`.
"""

import base64
import re
from pathlib import Path
from typing import Final

from fastapi import APIRouter, Request, Response
from fastapi.responses import FileResponse, JSONResponse
from starlette.concurrency import run_in_threadpool

from cloud_server.api.box_sync import answer_of, body_of, encoding_of
from cloud_server.api.problems import problem
from cloud_server.flows import enrol_box
from cloud_server.flows.centre import Centre
from protocol.bundle import ENDING
from protocol.envelope import Line, read_body
from protocol.errors import NotALine

CERTIFICATE_HEADER: Final = "Tallybox-Certificate"
_HASH: Final = re.compile(r"[0-9a-f]{64}")


def box_routes(centre: Centre, bundles: Path) -> APIRouter:
    """The addresses. `bundles`: the folder with what boxes were ordered to fetch."""
    router = APIRouter(prefix="/v1/box", include_in_schema=False)

    @router.post("/enrol")
    async def enrol(request: Request) -> Response:
        """One `enrol` line: 202 until a person has confirmed the box, then its certificate and lines."""
        line = await _one_line(request)
        came = await run_in_threadpool(enrol_box.ask_to_enrol, centre, line)
        if isinstance(came, enrol_box.Waiting):
            return JSONResponse({"fingerprint": came.fingerprint}, status_code=202)
        return _taken_in(request, came)

    @router.post("/renew")
    async def renew(request: Request) -> Response:
        """One `renew` line: a new certificate."""
        line = await _one_line(request)
        return _taken_in(request, await run_in_threadpool(enrol_box.renew, centre, line))

    @router.get("/bundle/{name}")
    async def bundle(name: str) -> Response:
        """A version of the program by the hash of its line. It holds no secret, and the box believes the root alone."""
        path = bundles / f"{name}{ENDING}"
        if _HASH.fullmatch(name) is None or not path.is_file():
            return problem(404, "No such bundle")
        return FileResponse(path, media_type="application/zip")

    return router


async def _one_line(request: Request) -> Line:
    lines = await run_in_threadpool(read_body, await body_of(request), encoding_of(request))
    if len(lines) != 1:
        raise NotALine(f"one line is wanted here, {len(lines)} came")
    return lines[0]


def _taken_in(request: Request, came: enrol_box.TakenIn) -> Response:
    response = answer_of(request, came.lines)
    response.headers[CERTIFICATE_HEADER] = base64.b64encode(came.certificate_pem.encode()).decode()
    return response
