"""Questions of guests: a technician's command that was lent the line for one transaction at a time.

A guest waits behind relay orders, wishes and boundaries, and takes turns with the round, so that a scan
of a whole bus holds up nothing that matters. For the worker's thread alone.
"""

from __future__ import annotations

from collections import deque

from edge_agent.bus.transaction import Line, Pace
from edge_agent.bus.verdict import LineFault
from edge_agent.ports import Clock, LentAnswer, LentQuestion
from protocol.meter_profile.frames import read_request, write_request


class Guests:
    """Those who wait."""

    def __init__(self, line: Line, clock: Clock) -> None:
        """The line need not be open yet."""
        self._line = line
        self._clock = clock
        self._waiting: deque[LentQuestion] = deque()
        self._own_turn = False

    def take(self, question: LentQuestion) -> None:
        """It waits for its turn."""
        self._waiting.append(question)

    def own_asked(self) -> None:
        """One of our own questions was asked: it is a guest's turn."""
        self._own_turn = False

    def serve(self, *, idle: bool) -> bool:
        """Ask one guest's question, unless it is the round's turn; `idle`: the round wants nothing now."""
        if not self._waiting or (self._own_turn and not idle):
            return False
        question = self._waiting[0]
        if self._line.closed_until_ms(question.unit) > self._clock.mono_ms():
            return False  # an answer of that unit may still come: the line would have to wait for it, and all with it
        self._waiting.popleft()
        self._own_turn = True
        self._ask(question)
        return True

    def _ask(self, question: LentQuestion) -> None:
        if question.values:
            request = write_request(question.unit, question.function, question.address, question.values)
        else:
            request = read_request(question.unit, question.function, question.address, question.count)
        try:
            outcome = self._line.transact(request, Pace(question.silence_ms, question.turnaround_ms))
        except BaseException:
            question.answer(LentAnswer(down="the bus went down"))
            raise
        strays = tuple((stray.kind, stray.heard) for stray in self._line.take_strays())
        if isinstance(outcome, LineFault):
            answer = LentAnswer(fault=outcome.kind, detail=outcome.detail, heard=outcome.heard, strays=strays)
        else:
            answer = LentAnswer(words=outcome.words, strays=strays)
        question.answer(answer)

    def next_instant_ms(self) -> int | None:
        """When the first one may be asked."""
        return self._line.closed_until_ms(self._waiting[0].unit) if self._waiting else None

    def send_away(self, why: str) -> None:
        """There is no line to lend."""
        while self._waiting:
            self._waiting.popleft().answer(LentAnswer(down=why))
