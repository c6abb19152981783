"""The way in for requests to sync, before the framework looks for an address: there are more of them than of all others
together, and its way to an endpoint costs half as much again as all that is done for a box that has nothing to tell.
"""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final

from fastapi import Request, Response
from starlette.types import ASGIApp, Receive, Scope, Send

from cloud_server.api.box_sync import SyncDesk

SYNC: Final = "/v1/box/sync"
Fault = Callable[[Request, Any], Response | Awaitable[Response]]


@dataclass(frozen=True, slots=True)
class _Route:
    """What the counts of requests ask of an address."""

    path: str


class BoxDoor:
    """ASGI middleware: batches and a `sync` line in; the answer comes at once, or when there is something to say."""

    def __init__(self, app: ASGIApp, desk: SyncDesk, faults: Mapping[Any, Fault]) -> None:
        """`faults`: what becomes of each kind of fault, as the application was told; ours are left to it."""
        self._app = app
        self._desk = desk
        self._faults = faults
        self._route = _Route(SYNC)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve a request to sync; pass on any other."""
        if scope["type"] != "http" or scope["path"] != SYNC or scope["method"] != "POST":
            await self._app(scope, receive, send)
            return
        scope["route"] = self._route
        request = Request(scope, receive)
        try:
            response = await self._desk.serve(request)
        except Exception as fault:
            told = next((kind for kind in type(fault).__mro__ if kind in self._faults), Exception)
            if told is Exception:
                raise
            came = self._faults[told](request, fault)
            response = came if isinstance(came, Response) else await came
        await response(scope, receive, send)
