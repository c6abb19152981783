"""Played boxes over real HTTPS: each keeps its connection, holds its request open, and carries grants out.

They speak as the agent does: signed `sync` lines, zstd, one request at a time, pauses as the centre asks for them.
"""

import asyncio
import random
import ssl
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Final

from benchmarks.fleet.site import epoch_hash, light_key_seed
from benchmarks.ingest.load import AGENT, BoxLoad
from protocol.chain import Head
from protocol.commands import Command, Grant
from protocol.commands import read_body as read_command
from protocol.envelope import Line, check_signature, read_body, seal, write_body
from protocol.messages import Answer, Batch, ChainHead, Clock, Sync, write_record
from protocol.payload import read_payload, write_payload
from protocol.records import CommandResult, Granted, Record
from protocol.signing import PublicKey, SigningKey, signing_key
from tests.cloud_server import street

RETRY_FIRST_S: Final = 1.0
RETRY_LAST_S: Final = 8.0
"""As the agent's: pauses after a failure double, each shortened by chance."""
LEAST_BETWEEN_S: Final = 0.5
CONNECT_S: Final = 10.0
ANSWER_S: Final = 30.0


class Refused(Exception):
    """The centre did not answer 200."""

    def __init__(self, status: int, retry_after_s: float) -> None:
        super().__init__(str(status))
        self.status = status
        self.retry_after_s = retry_after_s


@dataclass
class Counts:
    """What all boxes of one process came to."""

    answers: int = 0
    batches: int = 0
    handshakes: int = 0
    failures: dict[str, int] = field(default_factory=dict)
    asked_to_wait: int = 0
    waits_s: float = 0.0

    def failed(self, kind: str) -> None:
        self.failures[kind] = self.failures.get(kind, 0) + 1


@dataclass
class World:
    """What all boxes of one process share."""

    site: str
    ports: Sequence[int]
    answer_keys: dict[str, PublicKey]
    trust: ssl.SSLContext
    wait_s: int
    told: Callable[[str, float, float], None]
    """Called with key of a sale, when its grant was held by the box, and when its batch was acknowledged."""
    counts: Counts = field(default_factory=Counts)


class PlayedBox:
    """One box. `load` where it is whole: then it can take grants and bring batches."""

    def __init__(self, world: World, number: int, load: BoxLoad | None) -> None:
        self.world = world
        self.number = number
        self.box = street.box_id(number)
        self.key: SigningKey = load.box.key if load is not None else signing_key(light_key_seed(number))
        self.load = load
        self.batch_head = Head(0, epoch_hash(number))
        self.command_head = Head(0, "0" * 64)
        self.attached = asyncio.Event()
        self.answered_at = 0.0
        self._ahead: list[list[Record]] = []
        """Half hours that it has measured and not brought yet."""
        self._nonces = 0
        self._unsent: list[tuple[Line, list[tuple[str, float]]]] = []
        self._failures = 0
        self._asked_s = 0.0
        self._reader: asyncio.StreamReader | None = None
        self._writer: asyncio.StreamWriter | None = None
        self._holding: asyncio.Task[None] | None = None

    def measure(self) -> None:
        """Price a half hour of all meters: the work of a box's own processor, done before the clock starts."""
        assert self.load is not None
        self._ahead.append(list(self.load._half_hour()))

    def bring(self) -> None:
        """A boundary has come: the held request is dropped for one with a batch, as the agent does."""
        self._seal(self._ahead.pop(0), [])
        if self._holding is not None:
            self._holding.cancel()

    async def live(self) -> None:
        """For ever."""
        try:
            while True:
                began = time.monotonic()
                self._holding = asyncio.ensure_future(self._exchange())
                try:
                    await asyncio.wait({self._holding})
                except asyncio.CancelledError:
                    self._holding.cancel()
                    raise
                pause_s = await self._pause(self._holding, began)
                if pause_s > 0:
                    await asyncio.sleep(pause_s)
        finally:
            self._hang_up()

    async def _pause(self, done: asyncio.Task[None], began: float) -> float:
        """How long to wait before the next request, after one that ended somehow."""
        if done.cancelled():
            self._hang_up()
            return 0.0
        fault = done.exception()
        if fault is None:
            self._failures = 0
            asked_s, self._asked_s = self._asked_s, 0.0
            if asked_s:
                self.world.counts.asked_to_wait += 1
                self.world.counts.waits_s += asked_s
            idle_s = 0.0 if self._unsent else max(0.0, began + LEAST_BETWEEN_S - time.monotonic())
            return max(idle_s, asked_s * random.uniform(1, 1.5))
        self.world.counts.failed(f"HTTP {fault.status}" if isinstance(fault, Refused) else type(fault).__name__)
        if not isinstance(fault, Refused):
            self._hang_up()
        self._failures += 1
        pause_s = min(RETRY_FIRST_S * 2 ** (self._failures - 1), RETRY_LAST_S) * random.uniform(0.5, 1)
        retry_s = fault.retry_after_s if isinstance(fault, Refused) else 0.0
        return max(pause_s, retry_s * random.uniform(1, 1.5))

    async def _exchange(self) -> None:
        if self._writer is None:
            await asyncio.wait_for(self._connect(), CONNECT_S)
        sent = list(self._unsent)
        wait_s = 0 if sent or not self.attached.is_set() else self.world.wait_s
        nonce, line = self._sync(wait_s)
        lines = await asyncio.wait_for(self._post([*(batch for batch, _ in sent), line]), wait_s + ANSWER_S)
        held_at = time.monotonic()
        check_signature(lines[-1], self.world.answer_keys)
        answer = read_payload(lines[-1].payload, Answer)
        assert answer.nonce == nonce, "an answer to another request"
        self.world.counts.answers += 1
        self.answered_at = held_at
        self._asked_s = float(answer.retry_after_s or 0)
        for batch, grants in sent:
            if answer.batch_ack.seq >= read_payload(batch.payload, Batch).seq:
                self._unsent.remove((batch, grants))
                self.world.counts.batches += 1
                for key, delivered_at in grants:
                    self.world.told(key, delivered_at, held_at)
        self._apply([line for line in lines if line.type_name == "command"], held_at)
        self.attached.set()

    def _apply(self, lines: Sequence[Line], held_at: float) -> None:
        """Carry grants out, and seal what was done at once."""
        records: list[Record] = []
        grants = []
        for line in lines:
            command = read_payload(line.payload, Command)
            if command.seq != self.command_head.seq + 1:
                continue
            assert command.prev == self.command_head.hash
            self.command_head = Head(command.seq, line.hash)
            body = read_command(command)
            assert self.load is not None
            assert isinstance(body, Grant)
            now_ms = time.time_ns() // 1_000_000
            self.load.balances[body.wallet] += body.amount_micro
            granted = Granted(
                at_ms=now_ms, command=command.seq, grant=body.grant, wallet=body.wallet,
                amount_micro=body.amount_micro, book_micro=self.load.balances[body.wallet],
            )  # fmt: skip
            records += [granted, CommandResult(at_ms=now_ms, command=command.seq, outcome="done")]
            grants.append((body.idempotency_key, held_at))
        if records:
            self._seal(records, grants)

    def _seal(self, records: Sequence[Record], grants: list[tuple[str, float]]) -> None:
        load = self.load
        assert load is not None
        now_ms = time.time_ns() // 1_000_000
        batch = Batch(
            site=self.world.site,
            box=self.box,
            epoch=1,
            seq=self.batch_head.seq + 1,
            prev=self.batch_head.hash,
            boot_id=self.box,
            mono_ms=now_ms,
            sealed_at_ms=now_ms,
            clock=Clock(sure=True, source="server"),
            agent=AGENT,
            rules=1,
            commands_applied=ChainHead(seq=self.command_head.seq, hash=self.command_head.hash),
            key_generation=1,
            term_seen=1,
            tariff_hashes={t.tariff: {str(t.version): t.hash} for t in load.box.config.tariffs},
            records=[write_record(record) for record in records],
            wallets=dict(load.balances),
        )
        line = seal("batch", write_payload(batch), self.key)
        self.batch_head = Head(batch.seq, line.hash)
        self._unsent.append((line, grants))

    def _sync(self, wait_s: int) -> tuple[str, Line]:
        self._nonces += 1
        nonce = f"{self.number:016x}{time.time_ns():016x}"
        sync = Sync(
            site=self.world.site,
            box=self.box,
            epoch=1,
            nonce=nonce,
            sent_at_ms=time.time_ns() // 1_000_000,
            batch_head=ChainHead(seq=self.batch_head.seq, hash=self.batch_head.hash),
            command_head=ChainHead(seq=self.command_head.seq, hash=self.command_head.hash),
            key_generation=1,
            term_seen=1,
            agent=AGENT,
            wait_s=wait_s,
        )
        return nonce, seal("sync", write_payload(sync), self.key)

    # --- the connection -------------------------------------------------------------------------------------------

    async def _connect(self) -> None:
        port = self.world.ports[self.number % len(self.world.ports)]
        self._reader, self._writer = await asyncio.open_connection(
            "127.0.0.1", port, ssl=self.world.trust, server_hostname="127.0.0.1"
        )
        self.world.counts.handshakes += 1

    def _hang_up(self) -> None:
        if self._writer is not None:
            with suppress(OSError):
                self._writer.transport.abort()
        self._reader = self._writer = None

    async def _post(self, lines: Sequence[Line]) -> list[Line]:
        assert self._reader is not None
        assert self._writer is not None
        body = write_body(lines, "zstd")
        head = (
            f"POST /v1/box/sync HTTP/1.1\r\nHost: centre\r\nAccept-Encoding: zstd\r\nContent-Encoding: zstd\r\n"
            f"Content-Type: application/x-ndjson\r\nContent-Length: {len(body)}\r\n\r\n"
        )
        self._writer.write(head.encode() + body)
        await self._writer.drain()
        said = (await self._reader.readuntil(b"\r\n\r\n")).decode("latin-1").split("\r\n")
        headers = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in said[1:] if line)}
        answer = await self._reader.readexactly(int(headers["content-length"]))
        status = int(said[0].split(" ")[1])
        if status != 200:
            raise Refused(status, float(headers.get("retry-after", 0)))
        return read_body(answer, headers.get("content-encoding", "identity"))
