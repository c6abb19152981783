"""Requests with nothing in them, which is what most boxes send most of the time: answered without a unit of their own.

A whole exchange locks the box's row, writes that the box was heard and commits. Here many boxes are looked up by one
statement, and noted as heard by another, once a second; the signature, and that box and centre say the same of
everything, are judged from what is stored at that moment. Whatever differs is left to the whole exchange.
"""

import asyncio
import threading
from concurrent.futures import ThreadPoolExecutor
from typing import Final

from cloud_server.core.standing import Standing, is_at_rest, says_nothing_new
from cloud_server.flows.again import again
from cloud_server.flows.centre import Centre
from cloud_server.flows.synchronise import Exchange, show_live
from protocol.envelope import Line, check_signature
from protocol.errors import BadSignature
from protocol.messages import BatchHead, ChainHead, Sync
from protocol.payload import read_payload
from protocol.signing import PublicKey, public_key_from_text

GATHER_S: Final = 0.01
"""How long the first who looks waits for others: a hundredth of what a recharge may take to reach its box."""
LOOK_AGAIN_S: Final = 2.0
"""A box asks again by itself: a server that is lost is not waited for."""
NOTED_AGAIN_AFTER_MS: Final = 10_000
"""A box that sends live values asks every two seconds; that it was heard is written every ten."""
NOTED_AT_ONCE: Final = 500
"""Rows that one unit locks: few enough that no batch of theirs waits for long."""


class Rest:
    """Looks and notes of one process. `look` belongs to one event loop; the rest may be called from any thread."""

    def __init__(self, centre: Centre) -> None:
        self._centre = centre
        self._thread = ThreadPoolExecutor(1, "look-for-boxes")
        self._wanted: dict[str, list[asyncio.Future[Standing | None]]] = {}
        self._looking: asyncio.Task[None] | None = None
        self._lock = threading.Lock()
        self._heard: dict[str, int] = {}

    async def take(self, line: Line, shown: str | None) -> Exchange | None:
        """What a lone `sync` line comes to; None where the whole exchange has to judge it. Raises TheirFault."""
        standing = await self._look(line.signatures[0][0])
        if standing is None or standing.record_key is None:
            return None
        try:
            key = check_signature(line, _serving(standing.record_key))
        except BadSignature:
            return None
        sync = read_payload(line.payload, Sync)
        now_ms = self._centre.clock.wall_ms()
        if (sync.site, sync.box) != (self._centre.site.site, standing.box) or shown not in (None, standing.box):
            return None
        if not says_nothing_new(standing, sync, now_ms):
            return None
        result = self._exchange(standing, key.keyid, sync)
        if result is not None:
            self._note(standing, now_ms)
            show_live(self._centre, sync)
        return result

    async def look_again(self, earlier: Exchange) -> Exchange | None:
        """The same request a while later; None where the whole look has to judge it."""
        standing = await self._look(earlier.signer)
        if standing is None or standing.record_key is None or earlier.signer not in _serving(standing.record_key):
            return None
        return self._exchange(standing, earlier.signer, earlier.sync) if standing.box == earlier.box else None

    def note_heard(self) -> int:
        """Write which boxes were heard since one wrote last; how many."""
        with self._lock:
            heard, self._heard = self._heard, {}
        noted, names = 0, sorted(heard)
        for first in range(0, len(names), NOTED_AT_ONCE):
            some = names[first : first + NOTED_AT_ONCE]
            with self._centre.store.note() as unit:
                noted += unit.standings.note_heard(some, min(heard[name] for name in some))
        return noted

    def _exchange(self, standing: Standing, signer: str, sync: Sync) -> Exchange | None:
        """What the box is told where it lacks nothing, and nothing is lacking of it."""
        authority = self._centre.authority
        if not is_at_rest(standing, sync) or sync.key_generation < authority.keys.key_generation:
            return None
        if authority.limits_for(standing.box, sync.limits_generation or 0) is not None:
            return None
        batch, command = standing.batch_head, standing.command_head
        return Exchange(
            box=standing.box,
            signer=signer,
            sync=sync,
            verdicts=(),
            lines=(),
            batch_ack=BatchHead(epoch=standing.epoch, seq=batch.seq, hash=batch.hash),
            command_head=ChainHead(seq=command.seq, hash=command.hash),
            audit_head=standing.audit_head,
            resend_from=None,
            commands_wanted_from=None,
            idle=not self._centre.wishes.waiting(standing.box),
        )

    def _note(self, standing: Standing, now_ms: int) -> None:
        if standing.seen_at_ms is None or now_ms - standing.seen_at_ms >= NOTED_AGAIN_AFTER_MS:
            with self._lock:
                self._heard[standing.box] = now_ms

    # --- looking for many at once -------------------------------------------------------------------------------

    async def _look(self, keyid: str) -> Standing | None:
        """Where the box of this key stands, as of a moment not before now."""
        found: asyncio.Future[Standing | None] = asyncio.get_running_loop().create_future()
        self._wanted.setdefault(keyid, []).append(found)
        if self._looking is None:
            self._looking = asyncio.create_task(self._look_on())
        return await found

    async def _look_on(self) -> None:
        """Until nobody wants to know anything more."""
        loop = asyncio.get_running_loop()
        try:
            while self._wanted:
                await asyncio.sleep(GATHER_S)
                wanted, self._wanted = self._wanted, {}
                asked = loop.run_in_executor(self._thread, self._ask, list(wanted))
                await asyncio.wait({asked})
                for keyid, waiting in wanted.items():
                    _tell([one for one in waiting if not one.done()], keyid, asked)
        finally:
            self._looking = None

    def _ask(self, keyids: list[str]) -> dict[str, Standing]:
        def ask() -> dict[str, Standing]:
            with self._centre.store.read() as unit:
                return unit.standings.of_keys(keyids)

        return again(ask, LOOK_AGAIN_S)


def _tell(
    waiting: list[asyncio.Future[Standing | None]], keyid: str, asked: asyncio.Future[dict[str, Standing]]
) -> None:
    """What was found, or why nothing could be: each who waits tells it as a fault of its own."""
    fault = asked.exception()
    for one in waiting:
        if fault is not None:
            one.set_exception(fault)
        else:
            one.set_result(asked.result().get(keyid))


def _serving(record_key: str) -> dict[str, PublicKey]:
    """The key of the epoch in force, by its id: no other may ask for anything here."""
    key = public_key_from_text(record_key)
    return {key.keyid: key}
