"""One request of a box to sync: taken in, held while there is nothing for the box, answered.

No thread and no connection to the database is held while a request waits. Whole exchanges have threads of their own, so
that a site that returns does not stand before those who sell.
"""

import asyncio
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import Final

from fastapi import Request, Response
from starlette.requests import ClientDisconnect

from cloud_server.api.peer import box_in_certificate
from cloud_server.api.problems import ApiProblem
from cloud_server.flows import synchronise
from cloud_server.flows.again import again
from cloud_server.flows.centre import Centre
from cloud_server.flows.group_desk import GROUP_MAX
from cloud_server.flows.read_wishes import SLOWER_MAX_S
from cloud_server.flows.rest import Rest
from cloud_server.flows.synchronise import Exchange
from cloud_server.flows.waiting import BoxBells, HeldRequest
from protocol.envelope import Line, read_body, write_body
from protocol.errors import NotALine, TooLarge
from protocol.limits import BODY_BYTES_MAX

MEDIA_TYPE: Final = "application/x-ndjson"
EXCHANGE_AGAIN_S: Final = 2.0
"""A box asks again by itself: what others were in the way of is taken anew, a server that is lost is not waited for."""
EXCHANGES_AT_ONCE: Final = GROUP_MAX
"""Threads for whole exchanges. Most of them only wait to be taken along; no more than a group are."""
LOOKS_AT_ONCE: Final = 4
"""Threads for whole looks at the end of a wait, each with a connection of its own."""
LONE_BYTES_MAX: Final = 2_000
"""A lone `sync` line takes some 700 bytes, packed; what is larger is unpacked elsewhere than on the event loop."""
SMALL_BYTES: Final = 1_400
"""Below one packet compression saves nothing."""


class SyncDesk:
    """Serves requests to sync. One for a process."""

    def __init__(self, centre: Centre, bells: BoxBells, rest: Rest) -> None:
        self._centre = centre
        self._bells = bells
        self._rest = rest
        self._exchanges = ThreadPoolExecutor(EXCHANGES_AT_ONCE, "exchange")
        self._looks = ThreadPoolExecutor(LOOKS_AT_ONCE, "look-again")

    async def serve(self, request: Request) -> Response:
        """Raises Stranger, TheirFault, TryAgain, ApiProblem 503."""
        body, encoding, shown = await body_of(request), encoding_of(request), box_in_certificate(request)
        rings = self._bells.rings()
        result = None
        if len(body) <= LONE_BYTES_MAX:
            lines = read_body(body, encoding)
            if len(lines) == 1 and lines[0].type_name == "sync":
                result = await self._rest.take(lines[0], shown)
        if result is None:
            result = await self._exchange(body, encoding, shown)
        if result.idle and result.sync.wait_s > 0:
            result = await self._hold(request, result, rings)
        return answer_of(request, synchronise.sign_answer(self._centre, result))

    async def _exchange(self, body: bytes, encoding: str, shown: str | None) -> Exchange:
        """Stand in line for a whole exchange."""
        crowd = self._centre.crowd
        if not crowd.enter(len(body)):
            wait_s = crowd.retry_after_s() or SLOWER_MAX_S
            raise ApiProblem(503, "Too many boxes at once", headers={"Retry-After": str(wait_s)})
        try:
            taking_in = partial(self._taken_in, body, encoding, shown)
            return await asyncio.get_running_loop().run_in_executor(self._exchanges, taking_in)
        finally:
            crowd.leave(len(body))

    def _taken_in(self, body: bytes, encoding: str, shown: str | None) -> Exchange:
        lines = read_body(body, encoding)
        return again(lambda: synchronise.exchange(self._centre, lines, shown), EXCHANGE_AGAIN_S)

    async def _hold(self, request: Request, result: Exchange, rings: int) -> Exchange:
        """Listen, look where the box was rung since the first look, and look again at each ring and at the end: what
        was signed in between is not missed. A ring that brought nothing is no end."""
        clock = asyncio.get_running_loop().time
        ends = clock() + result.sync.wait_s
        with self._bells.hold(result.box) as held:
            hung_up = asyncio.ensure_future(_hung_up(request, held))
            try:
                rung = self._bells.rung_since(result.box, rings)
                while not hung_up.done():
                    if not rung:
                        rung = await held.woken(ends - clock())
                    if hung_up.done():
                        break
                    result = await self._look_again(result)
                    if not (rung and result.idle and held.holds) or self._centre.live.invite(result.box):
                        break
                    rung = False
            finally:
                hung_up.cancel()
        return result

    async def _look_again(self, earlier: Exchange) -> Exchange:
        found = await self._rest.look_again(earlier)
        if found is None:
            looking = partial(synchronise.look_again, self._centre, earlier)
            found = await asyncio.get_running_loop().run_in_executor(self._looks, looking)
        return found


async def _hung_up(request: Request, held: HeldRequest) -> None:
    """Behind the body the connection has nothing more to say but that it ended."""
    while (await request.receive())["type"] != "http.disconnect":
        pass
    held.wake()


async def body_of(request: Request) -> bytes:
    """The body as sent, within its bound. Raises TheirFault."""
    body = bytearray()
    try:
        async for piece in request.stream():
            body += piece
            if len(body) > BODY_BYTES_MAX:
                raise TooLarge(f"more than {BODY_BYTES_MAX} bytes")
    except ClientDisconnect:
        raise NotALine("the request ended before its body did") from None
    return bytes(body)


def encoding_of(request: Request) -> str:
    """How the body is packed."""
    return request.headers.get("content-encoding", "identity").strip().lower()


def answer_of(request: Request, lines: Sequence[Line]) -> Response:
    """Lines as a response, packed as the box takes it."""
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
