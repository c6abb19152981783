"""The fibre: requests and answers as bytes, delayed, lost, repeated, cut short, played again, and overtaken.

The centre's side of a held request (long poll) is here too, as `api/boxes` tells it.
"""

import random
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Final

from cloud_server.core.mistakes import NotNow
from cloud_server.flows import synchronise, who_asks
from cloud_server.flows.synchronise import Exchange as Look
from edge_agent.flows.synchronise import NOT_KNOWN
from edge_agent.ports import Blame, Clock, Exchange, ExchangeAnswered, ExchangeFailed, ExchangeReport
from protocol.envelope import Line, read_body, write_body
from protocol.errors import WireError
from tests.simulation.centre import SimCentre
from tests.simulation.clocks import Timeline

GIVE_UP_MS: Final = 30_000
"""How long a box waits for a whole answer behind the time for which it asked to be held."""
KEPT: Final = 12
"""Requests and answers remembered, to be played again."""
LATE_MAX_MS: Final = 100_000
"""So long a request may lie before a busy centre: its box has given up meanwhile, and asked anew more than once."""
LATE_SHARES: Final = (0.0, 0.2, 0.5, 0.8)
SHARE_CHANGES: Final = 0.02
TWICE: Final = 0.1

STRANGER: Final = b"401"
"""What stands for the status of an answer that says so: a box then brings the lines that tell who it is."""


@dataclass
class Weather:
    """How bad the fibre of one box is; chances from 0 to 1."""

    cut: bool = False
    lost: float = 0.0
    repeated: float = 0.0
    torn: float = 0.0
    replayed: float = 0.0
    slowest_ms: int = 200


@dataclass
class Crowd:
    """How far behind a busy centre is with requests: some are taken in late, out of their order, or twice.

    Nothing is played again that is older than that: connections are encrypted, and end. Has a chance of its own, so
    that a world without it stays the same.
    """

    chance: random.Random
    share: float = LATE_SHARES[-1]
    ended: bool = False

    def delays_ms(self) -> tuple[int, ...]:
        """How much later than the fibre brought it a request is taken in; two where it is taken in twice."""
        if self.chance.random() < SHARE_CHANGES:
            self.share = self.chance.choice(LATE_SHARES)
        if self.ended:
            return (0,)
        first_ms = self.chance.randrange(LATE_MAX_MS) if self.chance.random() < self.share else 0
        if self.chance.random() < TWICE * bool(self.share):
            return first_ms, self.chance.randrange(LATE_MAX_MS)
        return (first_ms,)


@dataclass
class Fibre:
    """The way between one box and the centre."""

    box: str
    time: Timeline
    chance: random.Random
    centre: SimCentre
    weather: Weather = field(default_factory=Weather)
    requests: list[tuple[int, bytes]] = field(default_factory=list)
    answers: list[bytes] = field(default_factory=list)
    held: "Held | None" = None
    crowd: Crowd | None = None

    def delay_ms(self) -> int:
        return self.chance.randrange(5, self.weather.slowest_ms)

    def carry_up(self, body: bytes, answer: Callable[[bytes | None], None]) -> None:
        """A request sets out. `answer` gets the answer's bytes, or None where the centre refused or died."""
        weather = self.weather
        if weather.cut or self.chance.random() < weather.lost:
            return
        self.requests = [*self.requests, (self.time.now_ms, body)][-KEPT:]
        sent = self._torn(body)
        delay_ms = self.delay_ms()
        for late_ms in self.crowd.delays_ms() if self.crowd is not None else (0,):
            self._later(delay_ms + late_ms, lambda: self._arrive(sent, answer))
        if self.chance.random() < weather.repeated:
            sent_ms, old = self.chance.choice(self.requests)
            delay_ms = self.delay_ms()
            if self.crowd is None or self.time.now_ms + delay_ms - sent_ms < LATE_MAX_MS:
                self._later(delay_ms, lambda: self._arrive(old, lambda _: None))

    def carry_down(self, body: bytes | None, take: Callable[[bytes | None], None]) -> None:
        """An answer sets out."""
        weather = self.weather
        if weather.cut or self.chance.random() < weather.lost:
            return
        if body is None:
            self._later(self.delay_ms(), lambda: take(None))
            return
        sent = self._torn(body)
        if self.answers and self.chance.random() < weather.replayed:
            sent = self.chance.choice(self.answers)
        self.answers = [*self.answers, body][-KEPT:]
        self._later(self.delay_ms(), lambda: take(sent))
        if self.chance.random() < weather.repeated:
            old = self.chance.choice(self.answers)
            self._later(self.delay_ms(), lambda: take(old))

    def _later(self, delay_ms: int, what: Callable[[], None]) -> None:
        """With a busy centre nothing is under way for longer than it says, however coarse the time is: requests that
        had lain for hours would all come at once, as they never do."""
        self.time.after(delay_ms, what, exact=self.crowd is not None)

    def _torn(self, body: bytes) -> bytes:
        """Cut short, at any byte or at the end of a line."""
        if self.chance.random() >= self.weather.torn:
            return body
        if self.chance.random() < 0.5:
            return body[: self.chance.randrange(len(body))]
        return b"".join(body.splitlines(keepends=True)[: self.chance.randrange(body.count(b"\n") + 1)])

    # --- the centre's end -------------------------------------------------------------------------------------------

    def _arrive(self, body: bytes, answer: Callable[[bytes | None], None]) -> None:
        def exchange() -> Look | bytes | None:
            try:
                return synchronise.exchange(self.centre.parts.centre, read_body(body))
            except who_asks.Stranger:
                return STRANGER
            except (WireError, NotNow):
                return None

        if not self.centre.running:
            return
        look = self.centre.burn(exchange)
        if not isinstance(look, Look):
            if self.centre.running:
                answer(look)
            return
        if look.idle and look.sync.wait_s > 0:
            self._hold(Held(look, answer))
        else:
            self._say(look, answer)

    def _hold(self, held: "Held") -> None:
        """The newest request is held; one held before is let go."""
        older, self.held = self.held, held
        if older is not None:
            self._let_go(older)

        def time_is_over() -> None:
            if self.held is held:
                self.ring()

        self.time.after(held.look.sync.wait_s * 1_000, time_is_over)

    def ring(self) -> None:
        """There is something for the box, or the time is over."""
        held, self.held = self.held, None
        if held is not None:
            self._let_go(held)

    def _let_go(self, held: "Held") -> None:
        if self.centre.running:
            look = self.centre.burn(lambda: synchronise.look_again(self.centre.parts.centre, held.look))
            if look is not None:
                self._say(look, held.answer)

    def _say(self, look: Look, answer: Callable[[bytes | None], None]) -> None:
        lines = self.centre.burn(lambda: synchronise.sign_answer(self.centre.parts.centre, look))
        if lines is not None:
            answer(write_body(lines, "identity"))


@dataclass
class Held:
    """A request that the centre holds open."""

    look: Look
    answer: Callable[[bytes | None], None]


@dataclass
class SimUplink:
    """The worker of one run of the agent; satisfies `edge_agent.ports.Uplink`. The newest request wins."""

    fibre: Fibre
    clock: Clock
    report: Callable[[ExchangeReport], None]
    running: bool = True
    newest: int = 0
    ended: int = 0

    @property
    def last_progress_mono_ms(self) -> int:
        return self.clock.mono_ms()

    def start(self) -> None: ...

    def stop(self, timeout_s: float = 5.0) -> bool:
        self.running = False
        return True

    def certificate_changed(self) -> None: ...

    def send(self, exchange: Exchange) -> None:
        self.newest = exchange.number
        began_ms = self.clock.mono_ms()
        wait_ms = 200 if self.fibre.weather.cut else exchange.wait_s * 1_000 + GIVE_UP_MS

        def take(body: bytes | None) -> None:
            if not self.running or exchange.number != self.newest or self.ended >= exchange.number:
                return
            if self.fibre.crowd is not None and self.clock.mono_ms() - began_ms > wait_ms:
                # Given up, though time is too coarse to have said so yet.
                return
            lines = _lines_of(body)
            if body == STRANGER:
                self._fail(exchange, Blame.THEIRS, f"{NOT_KNOWN}: the key of this line is not known")
            elif lines is None:
                self._fail(exchange, Blame.THEIRS, "the answer is not lines")
            else:
                self.ended = exchange.number
                now_ms = self.clock.mono_ms()
                self.report(ExchangeAnswered(exchange.number, lines, now_ms - began_ms, now_ms))

        body = write_body(exchange.lines, "identity")
        self.fibre.carry_up(body, lambda answer: self.fibre.carry_down(answer, take))
        self.fibre.time.after(wait_ms, lambda: self._fail(exchange, Blame.WORLD, "no answer"))

    def _fail(self, exchange: Exchange, blame: Blame, detail: str) -> None:
        if self.running and exchange.number == self.newest and self.ended < exchange.number:
            self.ended = exchange.number
            self.report(ExchangeFailed(exchange.number, blame, detail, None, self.clock.mono_ms()))


def _lines_of(body: bytes | None) -> tuple[Line, ...] | None:
    if body is None:
        return None
    try:
        return tuple(read_body(body))
    except WireError:
        return None
