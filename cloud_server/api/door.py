"""The door of the API: how often an address may ask, how large and how deep a body may be, and what came of it.

It stands before the framework, so that what is refused here has cost nothing.
"""

import re
import time
from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any, Final

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from cloud_server.api.problems import ApiProblem, problem
from cloud_server.api.request_counts import RequestCounts
from cloud_server.api.throttle import Throttle
from cloud_server.ports import WallClock
from protocol.limits import BODY_BYTES_MAX, DEPTH_MAX

API: Final = "/api/v1/"
JSON_BYTES_MAX: Final = 262_144
"""A sale with a hundred parts has ten thousand bytes."""
BODY_IN_SCOPE: Final = "tallybox.body"
"""Where the body that was read lies for whoever judges it before its handler does."""
LARGE: Final = frozenset({"/api/v1/site/plan", "/api/v1/settlements"})
"""Addresses that take whole files: a plan of a large site, a day of a payment provider."""
METHODS: Final = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})


class ApiDoor:
    """ASGI middleware; counts every request, and guards those of the API."""

    def __init__(self, app: ASGIApp, throttle: Throttle, counts: RequestCounts, clock: WallClock) -> None:
        self._app = app
        self._throttle = throttle
        self._counts = counts
        self._clock = clock

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Let a request in, or answer it here."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        began, status = time.perf_counter(), 500

        async def sent(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
            await send(message)

        try:
            await self._guarded(scope, receive, sent)
        finally:
            method = scope["method"] if scope["method"] in METHODS else "other"
            self._counts.note(method, route_of(scope), status, time.perf_counter() - began)

    async def _guarded(self, scope: Scope, receive: Receive, send: Send) -> None:
        if not scope["path"].startswith(API):
            await self._app(scope, receive, send)
            return
        try:
            client = scope.get("client")
            self._throttle.let_in("address", client[0] if client else "", self._clock.wall_ms())
            if scope["method"] in ("POST", "PUT", "PATCH", "DELETE"):
                body = await _body(receive, BODY_BYTES_MAX if scope["path"] in LARGE else JSON_BYTES_MAX)
                if len(body) <= JSON_BYTES_MAX and _is_json(scope) and depth(body) > DEPTH_MAX:
                    raise ApiProblem(400, "The body is nested too deep", f"at most {DEPTH_MAX} levels")
                scope[BODY_IN_SCOPE] = body
                receive = _again(body, receive)
        except ApiProblem as fault:
            await problem(fault.status, fault.title, fault.detail, fault.errors, fault.headers)(scope, receive, send)
            return
        await self._app(scope, receive, send)


def route_of(scope: MutableMapping[str, Any]) -> str:
    """The address as written in code: with the names of its parts, so that no id becomes a name of a metric."""
    return str(getattr(scope.get("route"), "path", "other"))


def depth(body: bytes) -> int:
    """How deep brackets are nested, texts left out. Whether it is JSON at all is for its reader to say."""
    deepest = level = 0
    for (bracket,) in _BRACKET.findall(_TEXT.sub(b"", body)):
        level += 1 if bracket in _OPENING else -1
        deepest = max(deepest, level)
    return deepest


_TEXT: Final = re.compile(rb'"(?:[^"\\]|\\.)*"', re.DOTALL)
_BRACKET: Final = re.compile(rb"[\[\]{}]")
_OPENING: Final = b"[{"


async def _body(receive: Receive, most: int) -> bytes:
    body = bytearray()
    while True:
        message = await receive()
        if message["type"] == "http.disconnect":
            raise ApiProblem(400, "The request ended before its body did")
        body += message.get("body", b"")
        if len(body) > most:
            raise ApiProblem(413, "Too large", f"a body here has at most {most} bytes")
        if not message.get("more_body", False):
            return bytes(body)


def _again(body: bytes, receive: Receive) -> Callable[[], Awaitable[Message]]:
    """The body that was read, once more; then whatever the connection says."""
    given = False

    async def once_more() -> Message:
        nonlocal given
        if given:
            return await receive()
        given = True
        return {"type": "http.request", "body": body, "more_body": False}

    return once_more


def _is_json(scope: Scope) -> bool:
    """Whether the framework would read the body as JSON."""
    found = dict(scope["headers"]).get(b"content-type", b"").partition(b";")[0].strip().lower()
    return bool(found == b"application/json" or found.endswith(b"+json") or not found)
