"""The streams behind the live pages. Each ends by itself when the session or the right is gone, and says so."""

import asyncio
import time
from collections.abc import AsyncIterator, Callable
from dataclasses import replace
from typing import Final

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response, StreamingResponse

from cloud_server.core.money_views import RefundRow
from cloud_server.core.operation_views import Batch
from cloud_server.core.roles import Right, may
from cloud_server.web import guard
from cloud_server.web.live import REFRESH_S, SPACING_S, make_event
from cloud_server.web.pages.exports import draw_piece as draw_export
from cloud_server.web.pages.exports import owner_of
from cloud_server.web.pages.operations import draw_batch, is_over
from cloud_server.web.pages.page import Console
from cloud_server.web.pages.point import draw_live_part
from cloud_server.web.pages.refunds import draw_piece
from cloud_server.web.pages.sales import draw_progress
from cloud_server.web.visit import Visit

CHECK_SESSION_S: Final = 15.0
"""How soon a stream ends after its session: rights taken away hold within a quarter of a minute."""
END_STATES: Final = frozenset({"on", "refused"})


class _Closing(Exception):
    """The program ends, in the middle of a stream: the browser is to ask again, not to believe it was signed out."""


Ticks = AsyncIterator[bool]
"""True where something was announced, False where only time has passed."""


async def monitor(console: Console, visit: Visit, request: Request) -> Response:
    """Every change of the monitor, from the change on that the page was drawn with."""
    after = request.headers.get("last-event-id") or visit.query.get("after", "")
    hub = console.hub_of(visit)

    async def events() -> AsyncIterator[bytes]:
        seen = after
        async for announced in _ticks(visit, "see_points", request):
            snapshot = await hub.newest(again=not announced)
            event = hub.event_since(seen, snapshot)
            seen = hub.id_of(snapshot)
            yield event or _alive(visit)
        yield make_event("signed-out", {})

    return _stream(console, request, events())


async def point(console: Console, visit: Visit, request: Request) -> Response:
    """The moving part of one supply point's page, drawn anew whenever it differs."""

    def draw() -> tuple[object, str] | None:
        moment = _moment(visit)
        page = moment.services.books.point(moment.parts["point"])
        return None if page is None else (replace(page, as_of_ms=0), draw_live_part(console, moment, page))

    return _stream(console, request, _pieces(visit, request, "see_points", draw, lambda _: False))


async def sale(console: Console, visit: Visit, request: Request) -> Response:
    """How far one sale has come, until it is on or refused."""

    def draw() -> tuple[object, str] | None:
        moment = _moment(visit)
        row = moment.services.books.sale(moment.parts["sale"])
        return None if row is None else (row, draw_progress(console, moment, row))

    def is_over(seen: object) -> bool:
        return getattr(seen, "state", None) in END_STATES

    return _stream(console, request, _pieces(visit, request, "see_sales", draw, is_over))


async def refund(console: Console, visit: Visit, request: Request) -> Response:
    """How far one refund has come, until it is paid, granted back or nothing came of it."""

    def draw() -> tuple[object, str] | None:
        moment = _moment(visit)
        row = moment.services.money.refund(moment.parts["refund"])
        return None if row is None else (row, draw_piece(console, moment, row))

    def ended(seen: object) -> bool:
        return isinstance(seen, RefundRow) and not seen.is_open

    return _stream(console, request, _pieces(visit, request, "see_sales", draw, ended))


async def export(console: Console, visit: Visit, request: Request) -> Response:
    """How far a workbook is."""

    def draw() -> tuple[object, str] | None:
        moment = _moment(visit)
        job = console.exports.job(moment.parts["job"], owner_of(moment))
        return None if job is None else ((job.state, job.done_rows), draw_export(console, moment, job))

    def ended(seen: object) -> bool:
        return isinstance(seen, tuple) and seen[0] in ("ready", "failed")

    return _stream(console, request, _pieces(visit, request, "see_points", draw, ended))


async def batch(console: Console, visit: Visit, request: Request) -> Response:
    """How far an order to many meters has come, until each has answered."""

    def draw() -> tuple[object, str] | None:
        moment = _moment(visit)
        found = moment.services.batches.batch(moment.parts["batch"])
        return None if found is None else (found, draw_batch(console, moment, found))

    def ended(seen: object) -> bool:
        return isinstance(seen, Batch) and is_over(seen)

    return _stream(console, request, _pieces(visit, request, "operate_many", draw, ended))


async def _pieces(
    visit: Visit,
    request: Request,
    right: Right,
    draw: Callable[[], tuple[object, str] | None],
    is_over: Callable[[object], bool],
) -> AsyncIterator[bytes]:
    seen: object = None
    async for _ in _ticks(visit, right, request):
        drawn = await run_in_threadpool(draw)
        if drawn is None or drawn[0] == seen:
            yield _alive(visit)
            continue
        seen = drawn[0]
        yield make_event("piece", {"now": visit.services.clock.wall_ms(), "html": drawn[1]})
        if is_over(seen):
            yield make_event("over", {})
            return
    yield make_event("signed-out", {})


async def _ticks(visit: Visit, right: Right, request: Request) -> Ticks:
    """One tick at once, then one for each announced change and at least one every few seconds, while the session and
    the right stand. Raises _Closing when the program ends."""
    token = request.cookies.get(guard.SESSION_COOKIE, "")
    feed, checked_at = visit.services.feed, time.monotonic()
    number = feed.number()
    feed.look()
    yield True
    while True:
        await asyncio.sleep(SPACING_S)
        newest = await feed.wait(number, REFRESH_S)
        if feed.is_closed():
            raise _Closing
        feed.look()
        if time.monotonic() - checked_at >= CHECK_SESSION_S:
            who = await run_in_threadpool(visit.services.sign_in.who, token, uses=False)
            if who is None or not may(who.actor.roles, right):
                return
            checked_at = time.monotonic()
        yield newest != number
        number = newest


def _stream(console: Console, request: Request, events: AsyncIterator[bytes]) -> Response:
    session = request.cookies.get(guard.SESSION_COOKIE, "")
    if not console.slots.take(session):
        return Response(status_code=429, headers={"Retry-After": "30"})

    async def guarded() -> AsyncIterator[bytes]:
        try:
            # The first bytes make the browser's connection "open"; `retry` is its own pause before it tries again.
            yield b"retry: 2000\n\n"
            async for event in events:
                yield event
        except _Closing:
            return
        finally:
            console.slots.give_back(session)

    return StreamingResponse(guarded(), media_type="text/event-stream", headers={"X-Accel-Buffering": "no"})


def _alive(visit: Visit) -> bytes:
    return make_event("alive", {"now": visit.services.clock.wall_ms()})


def _moment(visit: Visit) -> Visit:
    return replace(visit, now_ms=visit.services.clock.wall_ms())
