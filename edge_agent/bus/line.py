"""The line master: owns the time on one RS-485 line, asks one question after another, never takes a wrong answer.

What it adds to pymodbus's PDUs: silence before every request, measured from the last byte on the line; an end at the
expected length; a bad frame ended by silence; and a book of open questions, so that an answer that comes late is
known for what it is. Which meter is asked, and when, is not decided here.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable

from edge_agent.bus.foreign import foreign_questions
from edge_agent.bus.requests import crc_is_right
from edge_agent.bus.serial_port import READ_AT_MOST, LineDown, SerialPort, SerialSettings
from edge_agent.bus.transaction import OpenQuestion, Pace, Patience, Port, Stray
from edge_agent.bus.verdict import EXCEPTION_FLAG, LineFault, Reply, is_echo, judge, wanted_length
from edge_agent.core.measured import FaultKind
from edge_agent.ports import Clock
from protocol.meter_profile.frames import EXCEPTION_REPLY_LENGTH, Request

SERIAL_PATIENCE = Patience(frame_gap_us=50_000, answer_margin_us=50_000)
"""USB adapters deliver in lots up to 16 ms apart, and on a busy box our own thread may wait for a processor longer than
that; only a frame that is cut off or an answer that does not come ever costs it."""
BABBLE_BYTES = 1_024
"""So many bytes without a silence between them are no answer that comes late: somebody talks without end."""
EARLIEST_PERCENT = 90
"""Baud rates may be a few percent off: what is whole before 90 % of the time of
question and answer is no answer."""
PILED_BYTES = 8_192
"""What may have come while nobody listened is taken away before a silence is waited for: a driver keeps 4096 bytes."""
FOREIGN_ANSWER_US = 250_000
"""After another master's question its answer is let pass, lest we take it for ours: as long as meters take."""


class SerialLine:
    """A line on a serial port, or behind a serial server; satisfies `Line`. For one thread."""

    def __init__(
        self,
        settings: SerialSettings,
        clock: Clock,
        open_port: Callable[[SerialSettings], Port] = SerialPort,
        patience: Patience = SERIAL_PATIENCE,
    ) -> None:
        """Nothing is opened yet."""
        self._settings = settings
        self._clock = clock
        self._open_port = open_port
        self._patience = patience
        self._port: Port | None = None
        self._last_byte_us = 0
        self._last_unit = 0
        self._open_questions: dict[int, OpenQuestion] = {}
        self._strays: deque[Stray] = deque()
        self._unanswered = b""
        self._foreign: list[bytes] = []

    def open(self) -> None:
        """Take the port, alone. Raises LineDown with words for a technician."""
        self.close()
        self._port = self._open_port(self._settings)
        self._last_byte_us = self._clock.mono_us()

    def close(self) -> None:
        """Let go of the port."""
        if self._port is not None:
            self._port.close()
            self._port = None

    def closed_until_ms(self, unit: int) -> int:
        """End of the unit's late window."""
        question = self._open_questions.get(unit)
        return -(-question.until_us // 1_000) if question else 0

    def take_strays(self) -> list[Stray]:
        """What was heard beside the answers since the last call."""
        strays = list(self._strays)
        self._strays.clear()
        return strays

    def take_foreign(self) -> tuple[bytes, ...]:
        """Questions of another master that were heard since the last call."""
        frames = tuple(self._foreign)
        self._foreign.clear()
        return frames

    def transact(self, request: Request, pace: Pace) -> Reply | LineFault:
        """One question and its answer. A unit in its late window is listened to until the window ends.

        Raises LineDown; the line is closed then.
        """
        try:
            outcome = self._transact(request, pace)
        except LineDown:
            self._port = None
            raise
        if isinstance(outcome, Reply) or outcome.kind is FaultKind.EXCEPTION:
            self._open_questions.pop(request.unit, None)
            self._unanswered = b""
        else:
            self._listen_for_others(outcome.heard, request.frame)
            self._unanswered = request.frame
            until_us = self._clock.mono_us() + self._settings.late_window_ms * 1_000
            self._open_questions[request.unit] = OpenQuestion(request, until_us)
        self._last_unit = request.unit
        return outcome

    def _transact(self, request: Request, pace: Pace) -> Reply | LineFault:
        question = self._open_questions.get(request.unit)
        quiet_until_us = question.until_us if question else 0
        if not self._await_silence(max(self._settings.silence_us, pace.silence_ms * 1_000), quiet_until_us):
            return LineFault(FaultKind.LONG, "the line is never silent: another master, or a fault in the wiring")
        if self._foreign and not request.is_read:
            return LineFault(FaultKind.LONG, "another master was heard: nothing was written")
        sent_us = self._clock.mono_us()
        self._opened().write(request.frame)
        self._last_byte_us = sent_us + self._settings.characters_us(len(request.frame))
        answer_by_us = self._last_byte_us + pace.turnaround_ms * 1_000 + self._patience.answer_margin_us
        if self._settings.local_echo:
            fault = self._strip_echo(request, answer_by_us)
            if fault is not None:
                return fault
        return self._await_answer(request, sent_us, answer_by_us)

    def _opened(self) -> Port:
        if self._port is None:
            raise LineDown(f"{self._settings.port}: not open")
        return self._port

    # --- before a request ------------------------------------------------------------------------------------------

    def _await_silence(self, silence_us: int, quiet_until_us: int) -> bool:
        """Listen until the line was silent for so long, and not before the instant given. False for a babbler."""
        heard = self._take_piled()
        piled = len(heard)
        while len(heard) < piled + BABBLE_BYTES:
            rest_us = max(self._last_byte_us + silence_us, quiet_until_us) - self._clock.mono_us()
            chunk = self._hear(rest_us)
            if chunk:
                heard += chunk
            elif rest_us <= 0:
                asked = foreign_questions(bytes(heard), self._unanswered).open_at_end
                if asked and quiet_until_us < self._last_byte_us:
                    quiet_until_us = self._last_byte_us + FOREIGN_ANSWER_US
                    continue
                self._note_strays(bytes(heard))
                return True
        self._note_strays(bytes(heard))
        return False

    def _note_strays(self, heard: bytes) -> None:
        """Say whose these bytes are: a late answer of a unit with an open question, or the tail of the last frame."""
        if not heard:
            return
        self._listen_for_others(heard, self._unanswered)
        if heard[0] in self._open_questions:
            self._strays.append(Stray(heard[0], FaultKind.LATE, heard))
        elif self._last_unit in self._open_questions:
            self._strays.append(Stray(self._last_unit, FaultKind.LATE, heard))
        else:
            self._strays.append(Stray(self._last_unit, FaultKind.LONG, heard))

    def _take_piled(self) -> bytearray:
        """What came while nobody listened."""
        heard = bytearray()
        while len(heard) < PILED_BYTES and (chunk := self._hear(0)):
            heard += chunk
        return heard

    def _listen_for_others(self, heard: bytes, own: bytes) -> None:
        """Note questions that are not ours; a question of ours that has no answer yet may still echo."""
        self._foreign += foreign_questions(heard, own).frames

    def _strip_echo(self, request: Request, answer_by_us: int) -> LineFault | None:
        """Read our own request back where the adapter hears itself; what differs was a collision."""
        heard = bytearray()
        while len(heard) < len(request.frame):
            wait_us = self._patience.frame_gap_us if heard else answer_by_us - self._clock.mono_us()
            chunk = self._hear(wait_us, len(request.frame) - len(heard))
            if not chunk:
                break
            heard += chunk
        if not heard:
            return LineFault(FaultKind.TIMEOUT, "no answer, and no echo though the adapter is said to echo")
        if heard == request.frame:
            return None
        return LineFault(FaultKind.ECHO, "what the adapter heard is not what it sent: a collision", bytes(heard))

    # --- after a request -------------------------------------------------------------------------------------------

    def _await_answer(self, request: Request, sent_us: int, answer_by_us: int) -> Reply | LineFault:
        """Take frames until one is this question's, or its time is over. A frame of another unit ends nothing."""
        foreign: LineFault | None = None
        while True:
            frame = self._receive(request, answer_by_us)
            if frame and self._came_too_early(request, frame, sent_us):
                kind = FaultKind.ECHO if frame == request.frame else FaultKind.LATE
                self._strays.append(Stray(request.unit, kind, frame))
                self._listen_for_others(frame, request.frame)
                continue
            outcome = judge(request, frame, self._last_byte_us // 1_000)
            if isinstance(outcome, LineFault) and outcome.kind is FaultKind.WRONG_UNIT:
                if foreign is not None:
                    self._listen_for_others(foreign.heard, request.frame)
                foreign = outcome
            elif foreign is not None and not frame:
                return foreign
            else:
                if foreign is not None:
                    self._strays.append(Stray(request.unit, foreign.kind, foreign.heard))
                    self._listen_for_others(foreign.heard, request.frame)
                return outcome

    def _came_too_early(self, request: Request, frame: bytes, sent_us: int) -> bool:
        """Whether this frame was whole before the meter could have heard the question and sent it.

        It is then an answer to an earlier question that outlived its window, or our own write, coming back.
        """
        earliest_us = self._settings.characters_us(len(request.frame) + len(frame)) * EARLIEST_PERCENT // 100
        return self._patience.is_paced and self._last_byte_us < sent_us + earliest_us

    def _receive(self, request: Request, answer_by_us: int) -> bytes:
        """One frame: to its expected length, or what came before a silence; nothing when nothing came in time."""
        heard = bytearray()
        while True:
            self._skim(request, heard)
            wanted = wanted_length(request, heard)
            if wanted is not None and len(heard) >= wanted:
                return self._without_tail(request, bytes(heard), wanted)
            if not heard:
                chunk = self._hear(answer_by_us - self._clock.mono_us())
            elif wanted is None:
                chunk = self._hear(self._patience.frame_gap_us)
            else:
                chunk = self._hear_rest(wanted - len(heard))
            if not chunk or len(heard) >= BABBLE_BYTES:
                return bytes(heard)
            heard += chunk

    def _hear_rest(self, missing: int) -> bytes:
        """Sleep until the missing bytes can be there, rather than wake for each; then wait no longer than a gap."""
        due_us = self._last_byte_us + self._settings.characters_us(missing)
        self._clock.pause_us(due_us - self._clock.mono_us())
        return self._hear(self._patience.frame_gap_us)

    def _hear(self, wait_us: int, at_most: int = READ_AT_MOST) -> bytes:
        chunk = self._opened().read(wait_us, at_most)
        if chunk:
            self._last_byte_us = self._clock.mono_us()
        return chunk

    def _skim(self, request: Request, heard: bytearray) -> None:
        """Take away what stands before the answer and is known: our own echo, a late answer of another unit."""
        own = len(request.frame)
        if is_echo(request, heard):
            self._strays.append(Stray(request.unit, FaultKind.ECHO, bytes(heard[:own])))
            del heard[:own]
        late = self._late_frame(request, heard)
        if late:
            self._strays.append(Stray(late[0], FaultKind.LATE, late))
            del heard[: len(late)]

    def _without_tail(self, request: Request, heard: bytes, wanted: int) -> bytes:
        """A clean frame without the byte or two that a driver makes as it lets go of the line.

        A tail that could be a frame stays: two meters on one unit id must not pass as one.
        """
        frame, tail = heard[:wanted], heard[wanted:]
        if not tail or len(tail) >= EXCEPTION_REPLY_LENGTH or not crc_is_right(frame):
            return heard
        self._strays.append(Stray(request.unit, FaultKind.LONG, tail))
        return frame

    def _late_frame(self, request: Request, heard: bytearray) -> bytes:
        """A whole answer of another unit to its open question, at the beginning of what was heard; else nothing."""
        if len(heard) < EXCEPTION_REPLY_LENGTH or heard[0] == request.unit:
            return b""
        question = self._open_questions.get(heard[0])
        if question is None:
            return b""
        is_exception = heard[1] == question.request.function | EXCEPTION_FLAG
        length = EXCEPTION_REPLY_LENGTH if is_exception else question.request.reply_length
        frame = bytes(heard[:length])
        return frame if len(frame) == length and crc_is_right(frame) else b""
