"""Fifty open monitors over real sockets: how long a change takes to reach the last of them, and what it costs."""

import asyncio
import socket
import statistics
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Final

import uvicorn
from fastapi import FastAPI

from cloud_server.ports import LiveMeter
from tests.cloud_server.console_rig import ConsoleRig
from tests.cloud_server.street import meter_id

SCREENS: Final = 50
CHANGES: Final = 12
METERS_CHANGED: Final = 60
"""A box tells of all its meters at once."""
WAIT_S: Final = 60.0


@dataclass(frozen=True)
class Reached:
    """Of a change that all screens show: seconds until the last had it, seconds of processor of server and readers."""

    seconds: float
    processor_s: float


@contextmanager
def serve(app: FastAPI) -> Iterator[int]:
    """The app on a port of its own, in a thread."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        server = uvicorn.Server(uvicorn.Config(app, log_level="error", lifespan="off"))
        thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]})
        thread.start()
        while not server.started:
            time.sleep(0.01)
        try:
            yield int(listener.getsockname()[1])
        finally:
            server.should_exit = True
            thread.join()


def watch(rig: ConsoleRig) -> Reached:
    """Open the screens, change something a few times; the medians. The rig's live room is closed after it."""
    browsers = [rig.browser(role) for role in ("supervisor", "cashier", "technician")]
    cookies = ["; ".join(f"{name}={value}" for name, value in b.client.cookies.items()) for b in browsers]
    with serve(rig.app) as port:
        found = asyncio.run(_watch(rig, port, cookies))
        rig.rig.live.close()
    seconds = statistics.median(reached.seconds for reached in found)
    return Reached(seconds, statistics.median(reached.processor_s for reached in found))


async def _watch(rig: ConsoleRig, port: int, cookies: list[str]) -> list[Reached]:
    screens = [await asyncio.open_connection("127.0.0.1", port) for _ in range(SCREENS)]
    host = rig.rig.centre.site.public_url.removeprefix("https://")
    for number, (_, writer) in enumerate(screens):
        cookie = cookies[number % len(cookies)]
        head = f"GET /live/monitor?after= HTTP/1.1\r\nHost: {host}\r\nCookie: {cookie}\r\n"
        writer.write((head + "Accept: text/event-stream\r\n\r\n").encode())
    await asyncio.gather(*(_until(reader, b"event: anew") for reader, _ in screens))
    found = []
    for change in range(CHANGES):
        await asyncio.sleep(1.0)
        began_s, processor_s = time.perf_counter(), time.process_time()
        rig.rig.live.show(_values(rig.rig.clock.now_ms, change))
        await asyncio.gather(*(_until(reader, f",{_power(change)},".encode()) for reader, _ in screens))
        found.append(Reached(time.perf_counter() - began_s, time.process_time() - processor_s))
    for _, writer in screens:
        writer.close()
    return found[2:]


async def _until(reader: asyncio.StreamReader, wanted: bytes) -> None:
    async with asyncio.timeout(WAIT_S):
        while wanted not in await reader.readuntil(b"\n\n"):
            pass


def _power(change: int) -> int:
    return 7_770_000 + change


def _values(now_ms: int, change: int) -> list[LiveMeter]:
    return [
        LiveMeter(
            meter=meter_id(1, shop),
            at_ms=now_ms,
            heard_at_ms=now_ms,
            power_w=_power(change),
            power_estimated=False,
            relay="closed",
            balance_micro=1_000_000,
            values={},
        )
        for shop in range(1, METERS_CHANGED + 1)
    ]
