"""The load generator's process: some thousand played boxes on one event loop, told what to do through a pipe."""

import asyncio
import multiprocessing
import os
import random
import ssl
import time
from collections.abc import Sequence
from dataclasses import dataclass
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any, Final

from benchmarks.fleet.boxes import Counts, PlayedBox, World
from benchmarks.ingest.fleet import FleetBox
from benchmarks.ingest.load import make_load
from protocol.signing import public_key_from_text

AT_ONCE: Final = 50
"""Boxes that come in side by side when nobody is hurried."""
LOOK_EVERY_S: Final = 0.05


@dataclass(frozen=True)
class Orders:
    """What one process plays."""

    site: str
    ports: list[int]
    answer_keys: list[str]
    ca: Path
    wait_s: int
    whole: list[FleetBox]
    light: list[int]


class Generator:
    """The process as its parent sees it."""

    def __init__(self, orders: Orders) -> None:
        self._pipe, other = multiprocessing.Pipe()
        self.process = multiprocessing.Process(target=_run, args=(orders, other), daemon=True)
        self.process.start()
        other.close()
        self.served: list[tuple[str, float, float]] = []

    def ask(self, what: str, argument: Any = None) -> Any:
        """Send an order and wait for what came of it."""
        self._pipe.send((what, argument))
        return self._pipe.recv()

    def order(self, what: str, argument: Any = None) -> None:
        self._pipe.send((what, argument))

    def answer(self) -> Any:
        return self._pipe.recv()


def _run(orders: Orders, pipe: Connection) -> None:
    asyncio.run(_Play(orders, pipe).work())


class _Play:
    def __init__(self, orders: Orders, pipe: Connection) -> None:
        self._pipe = pipe
        self._served: list[tuple[str, float, float]] = []
        trust = ssl.create_default_context(cafile=str(orders.ca))
        keys = {key.keyid: key for key in map(public_key_from_text, orders.answer_keys)}
        self._world = World(
            orders.site, orders.ports, keys, trust, orders.wait_s, lambda *one: self._served.append(one)
        )
        loads = make_load(orders.site, orders.whole) if orders.whole else []
        self._boxes = [PlayedBox(self._world, load.box.number, load) for load in loads]
        self._whole = list(self._boxes)
        self._boxes += [PlayedBox(self._world, number, None) for number in orders.light]
        self._tasks: list[asyncio.Task[None]] = []

    async def work(self) -> None:
        loop = asyncio.get_running_loop()
        while True:
            what, argument = await loop.run_in_executor(None, self._pipe.recv)
            if what == "end":
                break
            came = await getattr(self, f"_{what}")(argument)
            self._pipe.send(came)
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def _attach(self, _: Any) -> float:
        """All boxes come in, some side by side; seconds until each has had an answer."""
        began = time.monotonic()
        room = asyncio.Semaphore(AT_ONCE)
        for box in random.sample(self._boxes, len(self._boxes)):
            await room.acquire()
            self._tasks.append(asyncio.create_task(box.live()))
            asyncio.create_task(box.attached.wait()).add_done_callback(lambda _: room.release())
        await asyncio.gather(*(box.attached.wait() for box in self._boxes))
        return time.monotonic() - began

    async def _return(self, since: float) -> float:
        """When all boxes have been answered after an instant, seconds behind it; and how long they took."""
        while min(box.answered_at for box in self._boxes) < since:  # noqa: ASYNC110  # a thousand events would be more
            await asyncio.sleep(LOOK_EVERY_S)
        return max(box.answered_at for box in self._boxes) - since

    async def _wait(self, wait_s: int) -> None:
        """How long requests are to be held from now on."""
        self._world.wait_s = wait_s

    async def _measure(self, batches: int) -> None:
        """Make so many batches ahead."""
        for number in range(batches):
            self._whole[number % len(self._whole)].measure()
            await asyncio.sleep(0)

    async def _bring(self, a_second_and_seconds: tuple[float, float]) -> int:
        """Boxes bring a batch of sixty intervals each, so many a second, one after the other."""
        a_second, seconds = a_second_and_seconds
        began, brought = time.monotonic(), 0
        while time.monotonic() < began + seconds and brought < a_second * seconds:
            self._whole[brought % len(self._whole)].bring()
            brought += 1
            await asyncio.sleep(max(0.0, began + brought / a_second - time.monotonic()))
        return brought

    async def _taken(self, _: Any) -> list[tuple[str, float, float]]:
        """Sales that were carried out since one asked last."""
        taken, self._served[:] = list(self._served), []
        return taken

    async def _counts(self, _: Any) -> tuple[Counts, float]:
        """What was counted since one asked last, and seconds of processor of this process until now."""
        counts, self._world.counts = self._world.counts, Counts()
        return counts, time.process_time()


def generators(orders: Orders, processes: int) -> list[Generator]:
    """The boxes, dealt out to processes."""
    dealt: Sequence[Orders] = [
        Orders(
            orders.site,
            orders.ports,
            orders.answer_keys,
            orders.ca,
            orders.wait_s,
            orders.whole[n::processes],
            orders.light[n::processes],
        )
        for n in range(processes)
    ]
    return [Generator(one) for one in dealt]


def cores() -> int:
    return os.cpu_count() or 1
