"""The sync worker: one thread that sends what it is given, drops it when something newer comes, and reports.

Believes nothing and keeps nothing; satisfies `ports.Uplink`.
"""

import asyncio
import ssl
import threading
from collections.abc import Callable
from typing import Final

import httpx

from edge_agent.ports import Blame, Clock, Exchange, ExchangeAnswered, ExchangeFailed, ExchangeReport
from edge_agent.sync.https import NoReply, make_client, post, refuse
from protocol.envelope import read_body
from protocol.errors import WireError

HEARTBEAT_S: Final = 1.0
"""The loop stirs once a second, so that the watchdog can tell waiting from dead."""


class HttpsUplink:
    """One centre, one request at a time."""

    def __init__(
        self,
        centre: str,
        make_context: Callable[[bool], ssl.SSLContext],
        report: Callable[[ExchangeReport], None],
        clock: Clock,
    ) -> None:
        """`report` is called on the worker's thread and must not block; `make_context` is told whether dates count."""
        self._centre = centre
        self._make_context = make_context
        self._report = report
        self._clock = clock
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._run, name="uplink", daemon=True)
        self._running: asyncio.Task[None] | None = None
        self._ending: asyncio.Event = asyncio.Event()
        self._last_progress_mono_ms = clock.mono_ms()
        self._client: httpx.AsyncClient | None = None
        self._client_kind = (True, 0)
        self._certificates = 0

    @property
    def last_progress_mono_ms(self) -> int:
        """When the worker last moved."""
        return self._last_progress_mono_ms

    def start(self) -> None:
        """Begin to work; once."""
        self._thread.start()

    def stop(self, timeout_s: float = 5.0) -> bool:
        """End, dropping what is under way."""
        if self._thread.ident is None:
            return True
        if self._thread.is_alive():
            self._loop.call_soon_threadsafe(self._ending.set)
        self._thread.join(timeout_s)
        return not self._thread.is_alive()

    def send(self, exchange: Exchange) -> None:
        """Send this; the newest wins."""
        self._loop.call_soon_threadsafe(self._begin, exchange)

    def certificate_changed(self) -> None:
        """Ours was renewed: the next exchange shows it."""
        self._loop.call_soon_threadsafe(self._count_certificate)

    # --- the thread ---------------------------------------------------------------------------------------------

    def _run(self) -> None:
        try:
            self._loop.run_until_complete(self._work())
        finally:
            self._loop.close()

    async def _work(self) -> None:
        while not self._ending.is_set():
            self._last_progress_mono_ms = self._clock.mono_ms()
            try:
                await asyncio.wait_for(self._ending.wait(), HEARTBEAT_S)
            except TimeoutError:
                continue
        if self._running is not None:
            self._running.cancel()
            await asyncio.gather(self._running, return_exceptions=True)
        await self._hang_up()

    async def _client_for(self, exchange: Exchange) -> httpx.AsyncClient:
        """The connection that is kept, or a new one where dates count otherwise, or another certificate does."""
        kind = (exchange.trust_dates, self._certificates)
        if self._client is None or self._client_kind != kind:
            await self._hang_up()
            self._client, self._client_kind = make_client(self._centre, self._make_context(exchange.trust_dates)), kind
        return self._client

    async def _hang_up(self) -> None:
        if self._client is not None:
            client, self._client = self._client, None
            await client.aclose()

    def _count_certificate(self) -> None:
        self._certificates += 1

    def _begin(self, exchange: Exchange) -> None:
        if self._running is not None:
            self._running.cancel()
        self._running = self._loop.create_task(self._exchange(exchange))

    async def _exchange(self, exchange: Exchange) -> None:
        began = self._clock.mono_ms()
        try:
            client = await self._client_for(exchange)
            reply = await post(client, exchange.path, exchange.lines, exchange.wait_s)
            if reply.status != 200:
                raise refuse(reply)
            lines = tuple(read_body(reply.body, reply.encoding))
        except NoReply as fault:
            self._failed(exchange, fault.blame, str(fault), fault.retry_after_s)
        except WireError as fault:
            self._failed(exchange, Blame.THEIRS, f"the answer is not lines: {fault}", None)
        else:
            now = self._clock.mono_ms()
            self._report(ExchangeAnswered(exchange.number, lines, now - began, now))

    def _failed(self, exchange: Exchange, blame: Blame, detail: str, retry_after_s: int | None) -> None:
        self._report(ExchangeFailed(exchange.number, blame, detail, retry_after_s, self._clock.mono_ms()))
