"""Hardware whose store is gone asks the centre for an epoch: first it brings every sealed batch that still verifies.

It has keys and no state. Nothing is charged and nothing is sealed until the epoch is in the store; the registers of the
meters hold meanwhile what is used.
"""

import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Final

from edge_agent.core.opening import hold_lock_outs, open_epoch, tell_loss
from edge_agent.core.place import Place
from edge_agent.flows.answers import Doubtful, KeyRing, judge_answer, read_keys
from edge_agent.flows.apply_commands import read_epoch
from edge_agent.flows.box import Who
from edge_agent.flows.lacking import PIECE_BYTES
from edge_agent.flows.pauses import IDLE_LEAST_MS, retry_pause_ms
from edge_agent.flows.synchronise import PATH
from edge_agent.ports import Clock, Exchange, ExchangeAnswered, ExchangeFailed, RecordStore, Remains, Uplink
from protocol.box_config import BoxConfig
from protocol.chain import EMPTY_COMMANDS
from protocol.config_text import read_config
from protocol.envelope import Line, check_signature, seal
from protocol.errors import TheirFault
from protocol.ids import make_id
from protocol.messages import Batch, BatchHead, ChainHead, Sync
from protocol.payload import read_payload, write_payload
from protocol.records import AlarmKind
from protocol.signing import PublicKey

NOTHING: Final = ChainHead(seq=EMPTY_COMMANDS.seq, hash=EMPTY_COMMANDS.hash)

log = logging.getLogger(__name__)


@dataclass(slots=True)
class Recovery:
    """How far the hardware has come on its way to an epoch. Times are monotonic milliseconds."""

    who: Who
    root: PublicKey
    store: RecordStore
    uplink: Uplink
    clock: Clock
    chance: Callable[[int], bytes]
    read_place: Callable[[BoxConfig], Place]
    remains: Remains
    done: bool = False
    last_failure: str | None = None
    _ring: KeyRing | None = None
    _held: BatchHead | None = None
    """The newest batch that the centre holds, as its newest answer says."""
    _nonces: dict[int, str] = field(default_factory=dict)
    _number: int = 0
    _outstanding: bool = False
    _next_at: int = 0
    _failures: int = 0

    def pulse(self) -> None:
        """Ask, where it is time."""
        now = self.clock.mono_ms()
        if self.done or self._outstanding or now < self._next_at:
            return
        nonce = make_id(self.clock.wall_ms(), self.chance(10))
        self._number += 1
        self._nonces = {self._number: nonce}
        self._outstanding = True
        lines = (*self._batches(), self._sync_line(nonce))
        self.uplink.send(Exchange(self._number, PATH, lines, 0))

    def _sync_line(self, nonce: str) -> Line:
        sync = Sync(
            site=self.who.site,
            box=self.who.box,
            epoch=0,
            nonce=nonce,
            sent_at_ms=self.clock.wall_ms(),
            batch_head=NOTHING,
            command_head=NOTHING,
            key_generation=0 if self._ring is None else self._ring.generation,
            term_seen=0,
            agent=self.who.agent,
            wait_s=0,
        )
        return seal("sync", write_payload(sync), self.who.record_key)

    def _batches(self) -> list[Line]:
        """What the store that is gone had sealed behind what the centre holds, as far as it hangs together."""
        if self._held is None:
            return []
        ours = {self.who.record_key.public.keyid: self.who.record_key.public}
        found: list[Line] = []
        size, seq, prev = 0, self._held.seq, self._held.hash
        for line in self.remains.batches:
            try:
                check_signature(line, ours)
                batch = read_payload(line.payload, Batch)
            except TheirFault:
                continue
            if (batch.epoch, batch.seq, batch.prev) != (self._held.epoch, seq + 1, prev):
                continue
            size += len(line.raw)
            if found and size > PIECE_BYTES:
                break
            found.append(line)
            seq, prev = batch.seq, line.hash
        return found

    def failed(self, report: ExchangeFailed) -> None:
        """Nothing usable came."""
        if report.number == self._number:
            self._again(f"{report.blame.value}: {report.detail}", report.at_mono_ms, report.retry_after_s)

    def _again(self, why: str, now: int, retry_after_s: int | None) -> None:
        self._outstanding = False
        self._failures += 1
        self.last_failure = why
        log.warning("epoch_not_got", extra={"fields": {"reason": why, "failures": self._failures}})
        self._next_at = now + max(retry_pause_ms(self._failures), (retry_after_s or 0) * 1_000)

    def answered(self, report: ExchangeAnswered) -> None:
        """Judge what came; an epoch for this hardware ends the recovery."""
        nonce = self._nonces.pop(report.number, None)
        if nonce is None:
            return
        try:
            ring = self._ring_of(report.lines)
            believed = judge_answer(report.lines, nonce, self.who.site, self.who.box, 0, ring, self.root)
            self._ring, self._held = believed.ring, believed.answer.batch_ack
            if believed.epochs and believed.answer.batch_ack.seq == 0:
                self.adopt(believed.epochs[-1], believed.ring, believed.limits)
        except TheirFault as fault:
            self._again(f"theirs: {fault}", report.at_mono_ms, None)
            return
        self._outstanding, self._failures, self.last_failure = False, 0, None
        pause_ms = max(IDLE_LEAST_MS, (believed.answer.retry_after_s or 0) * 1_000)
        self._next_at = report.at_mono_ms + pause_ms

    def _ring_of(self, lines: Sequence[Line]) -> KeyRing:
        """The centre's keys: those known already, those that came, those that the old store held."""
        if self._ring is not None:
            return self._ring
        came = [line for line in lines if line.type_name == "keys"]
        for line in (*came, *((self.remains.keys,) if self.remains.keys is not None else ())):
            return read_keys(line, self.root, self.who.site)
        raise Doubtful("the centre's keys are not known and did not come")

    def carried(self, lines: Sequence[Line]) -> str:
        """Take an epoch that somebody carried here in a file, with the centre's keys; what came of it."""
        try:
            self._ring = self._ring_of(lines)
            epochs = [line for line in lines if line.type_name == "epoch"]
            if not epochs:
                return "no epoch is in the file; a person at the centre opens one for this box first"
            self.adopt(epochs[-1], self._ring, ())
        except TheirFault as fault:
            return f"refused: {fault}"
        return "taken"

    def adopt(self, line: Line, ring: KeyRing, limits: Sequence[Line]) -> None:
        """Begin an epoch in the empty store. Raises TheirFault."""
        epoch = read_epoch(line, ring, self.who.site, self.who.box, self.who.record_key.public.text)
        try:
            place = self.read_place(read_config(epoch.config))
        except (KeyError, ValueError) as fault:
            raise Doubtful(f"the epoch's configuration cannot be used: {fault}") from None
        now_ms = self.clock.wall_ms()
        decision = open_epoch(place, epoch, line.hash, ring.generation, now_ms)
        decision = hold_lock_outs(decision, self.remains.meters, now_ms)
        decision = tell_loss(decision, self.who.box, loss_alarm(self.remains), now_ms)
        self.store.commit(decision, (ring.line, *limits, line))
        self.done = True
        log.warning("epoch_opened", extra={"fields": {"epoch": epoch.epoch, "why": epoch.why}})


def loss_alarm(remains: Remains) -> AlarmKind:
    """Which alarm tells of the store that is gone."""
    return "store_rolled_back" if remains.why.startswith("store_rolled_back") else "store_damaged"
