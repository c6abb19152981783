"""The exchange with the centre: what it lacks goes up, what the box lacks comes down, again and again.

One request at a time, the newest wins. Nothing of an answer is believed before `flows/answers` has judged it.
The worker that speaks HTTPS is behind `ports.Uplink`; this runs on the owner thread.
"""

import logging
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Final

import msgspec

from edge_agent.core.decision import Decision
from edge_agent.flows.answers import Believed, KeyRing, judge_answer, read_limits
from edge_agent.flows.apply_commands import apply_commands, take_epoch
from edge_agent.flows.box import Box, live_of
from edge_agent.flows.lacking import Lacking
from edge_agent.flows.pauses import IDLE_LEAST_MS, jittered, retry_pause_ms, spread_ms
from edge_agent.flows.seal_batches import Sealing, batch_head, seal_pending
from edge_agent.flows.watch_clock import ClockWatch
from edge_agent.ports import Blame, Exchange, ExchangeAnswered, ExchangeFailed, StoreFull, Uplink
from protocol.envelope import Line, seal
from protocol.errors import TheirFault
from protocol.messages import Answer, ChainHead, Live, Sync
from protocol.payload import write_payload
from protocol.signing import PublicKey

PATH: Final = "/v1/box/sync"
LIVE_EVERY_S: Final = 2
"""How often live values go up while somebody looks."""
TIME_ASKED_EVERY_MS: Final = 10_000
"""How often an answer is asked for at once while the clock is not believed."""
NOT_KNOWN: Final = "HTTP 401"
HELD_OF_OLDER: Final = frozenset({"superseded_epoch", "known", "accepted"})
"""Verdicts by which the centre holds a batch of an epoch that is over: `batch_ack` tells of the one in force alone."""
NONCES_KEPT: Final = 4
"""Requests whose answer would still be taken as fresh: the newest, and those it overtook."""

log = logging.getLogger(__name__)


@dataclass(slots=True)
class Synchroniser:
    """Where the box stands with the centre. Times are monotonic milliseconds."""

    box: Box
    sealing: Sealing
    uplink: Uplink
    ring: KeyRing
    root: PublicKey
    wait_s: int
    limits_changed: Callable[[], None]
    current_at: int
    """When a fresh answer last showed that no command is held back on the way; at first the start."""
    _nonces: dict[int, str] = field(default_factory=dict)
    _number: int = 0
    _outstanding: bool = False
    _asked_at: int = 0
    _carried: bool = False
    _next_at: int = 0
    _failures: int = 0
    _live_until: int = 0
    _live_at: int = -LIVE_EVERY_S * 1_000
    ahead_ms: int | None = None
    """Our wall clock less the server's, at the newest fresh answer."""
    fresh_at: int | None = None
    """When the newest fresh answer came; None since the start without one."""
    last_failure: str | None = None
    clock_watch: ClockWatch = field(init=False)
    lacking: Lacking = field(init=False)
    _time_asked_at: int | None = None

    def __post_init__(self) -> None:
        self.clock_watch = ClockWatch(self.box)
        self.lacking = Lacking(self.box)

    # --- sending ------------------------------------------------------------------------------------------------

    def wake(self) -> None:
        """Something urgent was sealed: ask now, whatever is under way."""
        if self._failures == 0:
            self._outstanding = False
            self._next_at = 0

    def next_due(self) -> int | None:
        """When `pulse` wants to be called next; None while an answer is awaited."""
        return None if self._outstanding else self._next_at

    def pulse(self) -> None:
        """Begin the next exchange where its time has come."""
        now = self.box.clock.mono_ms()
        if self._outstanding or now < self._next_at:
            return
        lines, more = self.lacking.lines()
        live = self._live(now)
        wait_s = 0 if lines or more or not self.sealing.head_confirmed else self.wait_s
        if now < self._live_until:
            wait_s = min(wait_s, LIVE_EVERY_S)
        if self.clock_watch.wants_time() and (
            self._time_asked_at is None or now >= self._time_asked_at + TIME_ASKED_EVERY_MS
        ):
            # Only an answer that was not held tells the time exactly.
            wait_s, self._time_asked_at = 0, now
        nonce = self.box.new_id()
        sync = self._sync_line(nonce, wait_s, live)
        self._number += 1
        self._nonces[self._number] = nonce
        for old in [number for number in self._nonces if number <= self._number - NONCES_KEPT]:
            del self._nonces[old]
        self._outstanding, self._asked_at, self._carried = True, now, bool(lines)
        self.uplink.send(Exchange(self._number, PATH, (*lines, sync), wait_s, self.box.now().sure))

    def _live(self, now: int) -> list[Live] | None:
        """Live values while somebody looks, at their pace."""
        if now >= self._live_until or now < self._live_at + LIVE_EVERY_S * 1_000:
            return None
        self._live_at = now
        return live_of(self.box)

    def _sync_line(self, nonce: str, wait_s: int, live: list[Live] | None) -> Line:
        box, marks, head = self.box, self.box.state.marks, batch_head(self.box)
        sync = Sync(
            site=box.who.site,
            box=box.who.box,
            epoch=marks.epoch,
            nonce=nonce,
            sent_at_ms=box.clock.wall_ms(),
            batch_head=ChainHead(seq=head.seq, hash=head.hash),
            command_head=ChainHead(seq=marks.commands_seq, hash=marks.commands_hash),
            key_generation=marks.key_generation,
            term_seen=marks.term,
            agent=box.who.agent,
            wait_s=wait_s,
            limits_generation=box.limits.generation or None,
            goes_on_from=self.lacking.goes_on_from(),
            live=live,
        )
        return seal("sync", write_payload(sync), box.who.record_key)

    # --- receiving ----------------------------------------------------------------------------------------------

    def failed(self, report: ExchangeFailed) -> None:
        """Nothing usable came: try again later, the later the oftener it failed."""
        if report.number != self._number:
            return
        self._outstanding = False
        self.last_failure = f"{report.blame.value}: {report.detail}"
        level = logging.ERROR if report.blame is Blame.OURS else logging.WARNING
        self.lacking.introduce = report.detail.startswith(NOT_KNOWN)
        fields = {"blame": report.blame.value, "reason": report.detail, "failures": self._failures + 1}
        log.log(level, "sync_failed", extra={"fields": fields})
        self._back_off(report.at_mono_ms, report.retry_after_s)

    def _back_off(self, now: int, retry_after_s: int | None) -> None:
        self._failures += 1
        jittered_ms = jittered(retry_pause_ms(self._failures), self.box.chance)
        self._next_at = now + max(jittered_ms, spread_ms(retry_after_s, self.box.chance))

    def answered(self, report: ExchangeAnswered) -> None:
        """Judge what came, and let it take effect."""
        nonce = self._nonces.get(report.number)
        if nonce is None:
            return
        if report.number == self._number:
            self._outstanding = False
        marks = self.box.state.marks
        try:
            believed = judge_answer(
                report.lines, nonce, self.box.who.site, self.box.who.box, marks.term, self.ring, self.root
            )
        except TheirFault as fault:
            log.warning("answer_not_believed", extra={"fields": {"reason": str(fault)}})
            self.last_failure = f"{Blame.THEIRS.value}: {fault}"
            self._back_off(report.at_mono_ms, None)
            return
        del self._nonces[report.number]
        self.lacking.introduce = False
        self._failures, self.last_failure, self.fresh_at = 0, None, report.at_mono_ms
        try:
            self._take(believed, report)
        except StoreFull:
            # What could not be kept comes again with the next answer; a full disk is not asked at network speed.
            self._back_off(report.at_mono_ms, None)
            raise

    def _take(self, believed: Believed, report: ExchangeAnswered) -> None:
        answer, now = believed.answer, report.at_mono_ms
        self._take_time(answer, report)
        self.take_keys(believed.ring)
        self._take_limits(believed)
        self._take_epochs(believed)
        acknowledged = self._take_acknowledgement(answer)
        used = apply_commands(self.box, self.ring, believed.commands)
        if used or answer.command_head.seq <= self.box.state.marks.commands_seq:
            self.current_at = now
        self._take_term(answer.term)
        self._take_wishes(answer, now)
        if self.box.urgent:
            seal_pending(self.box, self.sealing)
        waiting = self.box.store.first_unacknowledged() is not None
        progress = acknowledged > 0 or used > 0
        stuck = self._carried and waiting and not progress
        if stuck:
            self._back_off(now, answer.retry_after_s)
        else:
            idle_ms = 0 if progress or waiting else max(0, self._asked_at + IDLE_LEAST_MS - now)
            self._next_at = now + max(idle_ms, spread_ms(answer.retry_after_s, self.box.chance))

    def _take_time(self, answer: Answer, report: ExchangeAnswered) -> None:
        """Compare clocks: the answer was written a moment ago, however long the request was held."""
        waited_ms = self.box.clock.mono_ms() - report.at_mono_ms
        self.clock_watch.take_server_time(answer.server_time_ms, report.round_trip_ms + 2 * waited_ms)
        self.ahead_ms = self.box.clock.wall_ms() - answer.server_time_ms

    def take_keys(self, ring: KeyRing) -> None:
        """Keep a higher key generation at once: from now on its signature is wanted on every command."""
        if ring.generation > self.ring.generation:
            marks = msgspec.structs.replace(self.box.state.marks, key_generation=ring.generation)
            self.box.take(Decision(marks=marks), (ring.line,))
            log.info("keys_taken", extra={"fields": {"generation": ring.generation}})
        self.ring = ring

    def _take_term(self, term: int) -> None:
        """A higher term counts for what comes after this answer; the commands in it are older than its last line."""
        if term > self.box.state.marks.term:
            self.box.take(Decision(marks=msgspec.structs.replace(self.box.state.marks, term=term)))

    def _take_limits(self, believed: Believed) -> None:
        for line in believed.limits:
            try:
                offered = read_limits(line, self.root, self.box.who.site, self.box.who.box).limits_generation
            except TheirFault as fault:
                log.warning("limits_not_believed", extra={"fields": {"reason": str(fault)}})
                continue
            held = self.box.limits.generation
            if offered <= held:
                if offered < held:
                    log.warning("limits_older", extra={"fields": {"offered": offered, "held": held}})
                continue
            self.box.take(Decision(), (line,))
            self.limits_changed()

    def _take_acknowledgement(self, answer: Answer) -> int:
        """Mark what the centre holds; find out whether it holds more than this store."""
        marks, ack = self.box.state.marks, answer.batch_ack
        self.sealing.audit_head = answer.audit_head
        self.sealing.server_time_at_mono_ms = self.box.clock.mono_ms()
        count = 0
        for verdict in answer.verdicts:
            if verdict.verdict in HELD_OF_OLDER and verdict.epoch < marks.epoch:
                count += self.box.store.acknowledge(verdict.epoch, verdict.seq)
            elif verdict.verdict not in ("accepted", "known"):
                fields = {"epoch": verdict.epoch, "seq": verdict.seq, "verdict": verdict.verdict}
                log.warning("batch_verdict", extra={"fields": fields})
        if ack.epoch == marks.epoch:
            ours = marks.epoch_hash if ack.seq == 0 else self.box.store.batch_hash(ack.epoch, ack.seq)
            if ours != ack.hash:
                self._set_back(f"the centre holds batch {ack.epoch}/{ack.seq} {ack.hash[:12]}…, this store does not")
                return count
            count += self.box.store.acknowledge(ack.epoch, ack.seq)
        if ack.epoch > marks.epoch:
            self._set_back(f"the centre holds epoch {ack.epoch}, this store is in epoch {marks.epoch}")
        elif not self.sealing.head_confirmed:
            self.sealing.head_confirmed = True
            log.info("head_confirmed", extra={"fields": {"epoch": ack.epoch, "seq": ack.seq}})
            seal_pending(self.box, self.sealing)
        return count

    def _set_back(self, why: str) -> None:
        if self.sealing.set_back is None:
            log.error("store_rolled_back", extra={"fields": {"reason": why}})
        self.sealing.set_back = why

    def _take_epochs(self, believed: Believed) -> None:
        for line in believed.epochs:
            try:
                taken = take_epoch(self.box, self.sealing, self.ring, line)
            except (TheirFault, KeyError) as fault:
                log.error("epoch_not_taken", extra={"fields": {"hash": line.hash, "reason": str(fault)}})
                return
            if taken:
                self.epoch_taken()

    def epoch_taken(self) -> None:
        """A newer epoch took effect: what the store had lost is behind us."""
        self.sealing.set_back = None
        self.lacking.resend_from = None

    def _take_wishes(self, answer: Answer, now: int) -> None:
        self.lacking.take(answer)
        if answer.live_until_ms is not None:
            self._live_until = now + max(0, answer.live_until_ms - answer.server_time_ms)
        else:
            self._live_until = 0
        for bus_id, bus in self.box.buses.items():
            wanted = [meter for meter in answer.read_now if self.box.place.bus_of.get(meter) == bus_id]
            if wanted:
                bus.read_now(wanted)
