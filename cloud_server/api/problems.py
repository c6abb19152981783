"""Faults as problem details (RFC 9457): what the caller did wrong with field, value and message; never a secret."""

import logging
from collections.abc import Sequence

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse, PlainTextResponse, Response
from pydantic import BaseModel
from starlette.exceptions import HTTPException

from cloud_server.core.mistakes import Conflict, Mistaken, NotFound, NotNow
from cloud_server.flows.enrol_box import NotTakenIn
from cloud_server.flows.who_asks import Stranger
from cloud_server.ports import KeyReused, Refused
from cloud_server.ports.database import TryAgain
from cloud_server.ports.money import Waits
from protocol.envelope import BadEncoding
from protocol.errors import BadSignature, TheirFault, TooLarge

MEDIA_TYPE = "application/problem+json"
TRY_AGAIN_S = 5
"""After a journal that cannot be written: somebody has to look, and a till asks again."""
SHOWN_CHARACTERS_MAX = 100
FOR_PROGRAMS = ("/api/", "/v1/")

log = logging.getLogger(__name__)


class ProblemError(BaseModel):
    """One mistake: where, what stood there, what would be right. `code` is from a closed list, where there is one."""

    field: str
    value: str
    message: str
    code: str | None = None


class Problem(BaseModel):
    """A problem (RFC 9457)."""

    type: str
    title: str
    status: int
    detail: str | None = None
    errors: list[ProblemError] | None = None


class ApiProblem(Exception):
    """A problem that an endpoint itself has with a request."""

    def __init__(
        self,
        status: int,
        title: str,
        detail: str = "",
        errors: Sequence[dict[str, str]] = (),
        headers: dict[str, str] | None = None,
    ) -> None:
        super().__init__(title)
        self.status = status
        self.title = title
        self.detail = detail
        self.errors = tuple(errors)
        self.headers = headers


def problem(
    status: int,
    title: str,
    detail: str = "",
    errors: Sequence[dict[str, str]] = (),
    headers: dict[str, str] | None = None,
) -> JSONResponse:
    """A problem document."""
    body: dict[str, object] = {"type": "about:blank", "title": title, "status": status}
    if detail:
        body["detail"] = detail
    if errors:
        body["errors"] = list(errors)
    return JSONResponse(body, status_code=status, media_type=MEDIA_TYPE, headers=headers)


def field_error(field: str, value: object, message: str) -> dict[str, str]:
    """One entry of `errors`."""
    return {"field": field, "value": str(value)[:SHOWN_CHARACTERS_MAX], "message": message}


def mount_problems(app: FastAPI) -> None:
    """Turn every fault that a flow names into its problem document."""
    app.add_exception_handler(ApiProblem, _api_problem)
    app.add_exception_handler(RequestValidationError, _validation)
    app.add_exception_handler(Refused, _refused)
    app.add_exception_handler(Mistaken, _mistaken)
    app.add_exception_handler(NotFound, _not_found)
    app.add_exception_handler(KeyReused, _key_reused)
    app.add_exception_handler(Conflict, _conflict)
    app.add_exception_handler(NotNow, _not_now)
    app.add_exception_handler(Waits, _waits)
    app.add_exception_handler(TryAgain, _try_again)
    app.add_exception_handler(Stranger, _stranger)
    app.add_exception_handler(NotTakenIn, _not_taken_in)
    app.add_exception_handler(TheirFault, _their_fault)
    app.add_exception_handler(HTTPException, _http)
    app.add_exception_handler(Exception, _ours)


async def _api_problem(_: Request, fault: Exception) -> JSONResponse:
    assert isinstance(fault, ApiProblem)
    return problem(fault.status, fault.title, fault.detail, fault.errors, fault.headers)


async def _validation(_: Request, fault: Exception) -> JSONResponse:
    """What the framework itself found: each error with its place in the request."""
    assert isinstance(fault, RequestValidationError)
    errors = [field_error(_place(error["loc"]), _said(error), str(error["msg"])) for error in fault.errors()]
    return problem(422, "The request cannot be taken", errors=errors)


def _place(place: Sequence[object]) -> str:
    """("body", "parts", 0, "amount") -> parts[0].amount."""
    text = ""
    for part in place[1:] or place:
        text += f"[{part}]" if isinstance(part, int) else f".{part}"
    return text.lstrip(".")


def _said(error: dict[str, object]) -> object:
    """The wrong value itself; where a whole object lacks a field, nothing was said."""
    said = error.get("input")
    return "" if said is None or isinstance(said, dict | list) else said


async def _refused(_: Request, fault: Exception) -> JSONResponse:
    assert isinstance(fault, Refused)
    errors = [field_error(e.field, e.value, e.message) | {"code": e.code} for e in fault.errors]
    return problem(422, "The request was refused; nothing was done", errors=errors)


async def _mistaken(_: Request, fault: Exception) -> JSONResponse:
    assert isinstance(fault, Mistaken)
    errors = [field_error(m.place, m.value, m.message) for m in fault.mistakes]
    return problem(422, "The request has mistakes; nothing was done", errors=errors)


async def _not_found(_: Request, fault: Exception) -> JSONResponse:
    assert isinstance(fault, NotFound)
    return problem(404, f"There is no such {fault.what}", str(fault))


async def _key_reused(_: Request, fault: Exception) -> JSONResponse:
    errors = [field_error("Idempotency-Key", "", "was used before with other contents")]
    return problem(422, "The idempotency key was used for something else", str(fault), errors)


async def _conflict(_: Request, fault: Exception) -> JSONResponse:
    return problem(409, "The books do not allow it; nothing was done", str(fault))


async def _waits(_: Request, fault: Exception) -> JSONResponse:
    """No problem at all: the step is kept. What became of it stands under its request."""
    assert isinstance(fault, Waits)
    return JSONResponse({"state": "confirming", "request": fault.request}, status_code=202)


async def _not_now(_: Request, fault: Exception) -> JSONResponse:
    return problem(503, "Not now", str(fault), headers={"Retry-After": str(TRY_AGAIN_S)})


async def _try_again(request: Request, _fault: Exception) -> Response:
    """The database is busy or between two servers; whoever asks again with the same key is served once."""
    headers = {"Retry-After": str(TRY_AGAIN_S)}
    detail = "the database did not answer in time; ask again, with the same key where there is one"
    if not request.url.path.startswith(FOR_PROGRAMS):
        return PlainTextResponse(detail, status_code=503, headers=headers)
    return problem(503, "Not now", detail, headers=headers)


async def _stranger(_: Request, fault: Exception) -> JSONResponse:
    return problem(401, "Not believed", str(fault))


async def _not_taken_in(_: Request, fault: Exception) -> JSONResponse:
    return problem(401, "The box cannot be taken in", str(fault))


async def _their_fault(_: Request, fault: Exception) -> JSONResponse:
    match fault:
        case TooLarge():
            return problem(413, "Too large", str(fault))
        case BadEncoding():
            return problem(415, "The body cannot be unpacked", str(fault))
        case BadSignature():
            return problem(401, "Not believed", str(fault))
        case _:
            return problem(400, "The body is not what belongs here", str(fault))


async def _ours(request: Request, _fault: Exception) -> Response:
    """A fault of ours, told with its trace in the log and with nothing of it to the caller."""
    if not request.url.path.startswith(FOR_PROGRAMS):
        return PlainTextResponse("Internal Server Error", status_code=500)
    detail = "nothing is known of what was done; ask again with the same key"
    return problem(500, "A fault of this centre", detail)


async def _http(_: Request, fault: Exception) -> JSONResponse:
    assert isinstance(fault, HTTPException)
    return problem(fault.status_code, str(fault.detail), headers=dict(fault.headers or {}))
