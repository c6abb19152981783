"""Addresses for boxes: enrol, renew, sync. Lines in, lines out; the signature on a line says who speaks.

A sync request with nothing in it is held until there is something for its box. No thread and no connection to the
database is held meanwhile.
"""

import asyncio
import base64
import re
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from fastapi import APIRouter, Request, Response
from fastapi.responses import FileResponse, JSONResponse
from starlette.concurrency import run_in_threadpool
from starlette.requests import ClientDisconnect

from cloud_server.api.peer import box_in_certificate
from cloud_server.api.problems import problem
from cloud_server.flows import enrol_box, synchronise
from cloud_server.flows.again import again
from cloud_server.flows.centre import Centre
from cloud_server.flows.waiting import BoxBells, HeldRequest
from protocol.bundle import ENDING
from protocol.envelope import Line, read_body, write_body
from protocol.errors import NotALine, TooLarge
from protocol.limits import BODY_BYTES_MAX

MEDIA_TYPE: Final = "application/x-ndjson"
CERTIFICATE_HEADER: Final = "Tallybox-Certificate"
EXCHANGE_AGAIN_S: Final = 2.0
"""A box asks again by itself: what others were in the way of is taken anew, a server that is lost is not waited for."""
_HASH: Final = re.compile(r"[0-9a-f]{64}")
SMALL_BYTES: Final = 1_400
"""Below one packet compression saves nothing."""


def box_routes(centre: Centre, bells: BoxBells, bundles: Path) -> APIRouter:
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

    @router.post("/sync")
    async def sync(request: Request) -> Response:
        """Batches and a `sync` line; the answer comes at once, or when there is something to say."""
        lines, shown = await _lines(request), box_in_certificate(request)
        rings = bells.rings()
        result = await run_in_threadpool(again, lambda: synchronise.exchange(centre, lines, shown), EXCHANGE_AGAIN_S)
        if result.idle and result.sync.wait_s > 0:
            # Listen, look where anything was rung since the first look, and look again at the end: a command signed in
            # between is not missed.
            with bells.hold(result.box) as held:
                if bells.rings() != rings:
                    result = await run_in_threadpool(synchronise.look_again, centre, result)
                if result.idle and await _waited(request, held, result.sync.wait_s):
                    result = await run_in_threadpool(synchronise.look_again, centre, result)
        answer = await run_in_threadpool(synchronise.sign_answer, centre, result)
        return _answer(request, answer)

    return router


async def _waited(request: Request, held: HeldRequest, wait_s: float) -> bool:
    """True when there is something for the box, or the time is over; False when the box has hung up."""
    woken = asyncio.ensure_future(held.woken(wait_s))
    hung_up = asyncio.ensure_future(_hung_up(request))
    try:
        await asyncio.wait({woken, hung_up}, return_when=asyncio.FIRST_COMPLETED)
        return woken.done()
    finally:
        woken.cancel()
        hung_up.cancel()


async def _hung_up(request: Request) -> None:
    """Behind the body the connection has nothing more to say but that it ended."""
    while (await request.receive())["type"] != "http.disconnect":
        pass


async def _lines(request: Request) -> list[Line]:
    """Read the body within its bound, unpack and split it. Raises TheirFault."""
    body = bytearray()
    try:
        async for piece in request.stream():
            body += piece
            if len(body) > BODY_BYTES_MAX:
                raise TooLarge(f"more than {BODY_BYTES_MAX} bytes")
    except ClientDisconnect:
        raise NotALine("the request ended before its body did") from None
    encoding = request.headers.get("content-encoding", "identity").strip().lower()
    return await run_in_threadpool(read_body, bytes(body), encoding)


async def _one_line(request: Request) -> Line:
    lines = await _lines(request)
    if len(lines) != 1:
        raise NotALine(f"one line is wanted here, {len(lines)} came")
    return lines[0]


def _taken_in(request: Request, came: enrol_box.TakenIn) -> Response:
    response = _answer(request, came.lines)
    response.headers[CERTIFICATE_HEADER] = base64.b64encode(came.certificate_pem.encode()).decode()
    return response


def _answer(request: Request, lines: Sequence[Line]) -> Response:
    encoding = "identity"
    if sum(len(line.raw) for line in lines) > SMALL_BYTES:
        encoding = _encoding(request.headers.get("accept-encoding", ""))
    headers = {} if encoding == "identity" else {"Content-Encoding": encoding}
    return Response(write_body(lines, encoding), media_type=MEDIA_TYPE, headers=headers)


def _encoding(accepted: str) -> str:
    """The best encoding that the box takes (RFC 9110, 12.5.3); a weight of 0 refuses one."""
    wanted = {}
    for part in accepted.split(","):
        name, _, weight = part.strip().partition(";")
        wanted[name.strip().lower()] = weight.replace(" ", "") not in ("q=0", "q=0.0", "q=0.00", "q=0.000")
    return next((name for name in ("zstd", "gzip") if wanted.get(name)), "identity")
