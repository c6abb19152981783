"""One simulated bus: a pty, a thread, and the meters that hang on its line.

The thread sleeps until bytes come or the next piece of a reply is due on an absolute schedule, so that a late wake-up
is made up for and not added. All decisions about time are in line.py.
"""

import os
import select
import termios
import threading
import traceback
import tty
from collections import deque
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from provisioning.simulator.faults import SILENCE, FaultKind, Outgoing, spoil
from provisioning.simulator.frames import BROADCAST_UNIT, Request, parse_request
from provisioning.simulator.line import NANOSECONDS_PER_SECOND, HeardFrame, Hearing, Line
from provisioning.simulator.meter import SimulatedMeter
from provisioning.simulator.second_master import SecondMaster
from provisioning.simulator.simulator_clock import SimulatorClock
from provisioning.simulator.site_description import BAUDS, BusDescription

NANOSECONDS_PER_MILLISECOND = 1_000_000
# One read takes what a pty can hold.
READ_BYTES = 4096
# The speeds of a terminal by baud, to hear a master that has set another.
TERMINAL_SPEEDS = {baud: getattr(termios, f"B{baud}") for baud in BAUDS}
# Where the output speed stands in what tcgetattr answers.
OUTPUT_SPEED = 5
# What the log keeps: some hours of a bus at 9600, some hundred bytes each.
LOGGED_EXCHANGES = 200_000


class BusFailed(RuntimeError):
    """The thread of a bus died; its cause is chained."""


@dataclass(frozen=True, slots=True)
class Exchange:
    """One frame heard, and what became of it.

    at_ns: monotonic end of the request; hearing: whether the line let the meters hear it; true_reply: what the meter
    answered; sent: what went out after faults, None for silence; late_ms: how much later than its turnaround.
    """

    at_ns: int
    request: bytes
    hearing: Hearing
    true_reply: bytes | None
    sent: bytes | None
    late_ms: int
    faults: tuple[FaultKind, ...]


class SimulatedBus:
    """A line with its meters. `lock` guards the meters; counters may be read at any time."""

    def __init__(self, description: BusDescription, meters: list[SimulatedMeter], clock: SimulatorClock) -> None:
        self.description = description
        self.meters = meters
        self.lock = threading.RLock()
        self.lost = False
        self.line = Line(description.baud, int(description.latency_ms * NANOSECONDS_PER_MILLISECOND), description.echo)
        self.exchanges: deque[Exchange] = deque(maxlen=LOGGED_EXCHANGES)
        self.logs_all = False
        self.logged_units: set[int] = set()
        self.second_master: SecondMaster | None = None
        self.started_ns = clock.now_ns()
        self.failure: Exception | None = None
        self._unit = {meter.unit: meter for meter in meters}
        self._clock = clock
        self._master_fd = -1
        self._slave_fd = -1
        self._wake_fd = -1
        self._stopping = False
        self._thread: threading.Thread | None = None

    @property
    def tty(self) -> Path:
        """The path that a box opens."""
        return self.description.tty

    # ------------------------------------------------------------------------------------------------- start and stop

    @property
    def plugged(self) -> bool:
        """Whether the adapter is there."""
        return self._thread is not None

    def start(self) -> None:
        """Make the pty and its link, and begin to listen; what was to be sent before is gone."""
        self.line = Line(self.line.baud, self.line.latency_ns, self.line.echo, self.line.counters)
        self._wake_fd = os.eventfd(0, os.EFD_CLOEXEC)
        self._stopping = False
        self._open()
        self._thread = threading.Thread(target=self._run, name=f"bus {self.description.name}", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """Stop listening and take the pty away; raises BusFailed where the thread had died."""
        self.unplug()
        if self.failure is not None:
            raise BusFailed(f"bus {self.description.name}: {self.failure}") from self.failure

    def unplug(self) -> None:
        """The adapter vanishes: whoever has it open sees the line hang up, and the path is gone."""
        if self._thread is None:
            return
        self._stopping = True
        os.eventfd_write(self._wake_fd, 1)
        self._thread.join()
        self._thread = None
        os.close(self._wake_fd)
        self._close()

    def plug(self) -> None:
        """The adapter is back at its path."""
        if self._thread is None:
            self.start()

    def take_exchanges(self, most: int) -> list[Exchange]:
        """The oldest recorded exchanges, at most so many, taken off the log."""
        taken: list[Exchange] = []
        while self.exchanges and len(taken) < most:
            taken.append(self.exchanges.popleft())
        return taken

    def _open(self) -> None:
        self._master_fd, self._slave_fd = os.openpty()
        # The slave end stays open here, so that a box that closes it does not end the line.
        tty.setraw(self._slave_fd)
        os.set_blocking(self._master_fd, False)
        link = self.description.tty
        link.parent.mkdir(parents=True, exist_ok=True)
        if link.exists() and not link.is_symlink():
            raise FileExistsError(f"bus {self.description.name}: {link} is there and is no symbolic link")
        beside = link.with_name(f".{link.name}.new")
        beside.unlink(missing_ok=True)
        beside.symlink_to(os.ttyname(self._slave_fd))
        beside.replace(link)

    def _close(self) -> None:
        with suppress(FileNotFoundError):
            if self.description.tty.readlink() == Path(os.ttyname(self._slave_fd)):
                self.description.tty.unlink()
        os.close(self._master_fd)
        os.close(self._slave_fd)

    # ------------------------------------------------------------------------------------------------------ the thread

    def _run(self) -> None:
        try:
            while not self._stopping:
                self._step()
        except Exception as error:  # noqa: BLE001 - told by stop() and by status; a thread has no other caller
            self.failure = error
            # At once, since whoever waits for an answer of this bus will wait in vain.
            traceback.print_exception(error)

    def _step(self) -> None:
        now_ns = self._clock.now_ns()
        frame = self.line.frame_at(now_ns)
        if frame is not None:
            self._heard(frame)
        for piece in self.line.pieces_at(now_ns):
            before_ns = self._clock.now_ns()
            # A master that does not read loses bytes, as from a UART that overran.
            with suppress(BlockingIOError):
                os.write(self._master_fd, piece.data)
            self.line.handed_over(piece, before_ns)
        self._let_second_master_speak(self._clock.now_ns())
        next_ns = self._next_ns()
        pause = None if next_ns is None else max(0, next_ns - self._clock.now_ns()) / NANOSECONDS_PER_SECOND
        readable, _, _ = select.select([self._master_fd, self._wake_fd], [], [], pause)
        if self._wake_fd in readable and not self._stopping:
            os.eventfd_read(self._wake_fd)
        if self._master_fd in readable:
            now_ns = self._clock.now_ns()
            data = os.read(self._master_fd, READ_BYTES)
            if termios.tcgetattr(self._slave_fd)[OUTPUT_SPEED] != TERMINAL_SPEEDS[self.description.baud]:
                # At another speed nothing on the line makes sense to a meter.
                self.line.counters.wrong_baud += 1
                return
            frame = self.line.frame_at(now_ns)
            if frame is not None:
                self._heard(frame)
            self.line.hear(data, now_ns)

    def play_second_master(self, second: SecondMaster | None) -> None:
        """From now on another master asks on this line too; None takes it away."""
        self.second_master = second
        if self._thread is not None:
            os.eventfd_write(self._wake_fd, 1)

    def _let_second_master_speak(self, now_ns: int) -> None:
        second = self.second_master
        if second is not None and self.line.silent_at(now_ns):
            question = second.question_at(now_ns)
            if question is not None:
                self.line.hear_other(question, now_ns)

    def _next_ns(self) -> int | None:
        """When there may be something to do again."""
        next_ns, second = self.line.next_ns(), self.second_master
        if second is None:
            return next_ns
        # While the line is busy, its own instants wake us.
        due_ns = second.next_ns if self.line.silent_at(self._clock.now_ns()) else None
        return min((each for each in (next_ns, due_ns) if each is not None), default=second.next_ns)

    def _heard(self, frame: HeardFrame) -> None:
        if frame.hearing is not Hearing.CLEAR:
            self._log(frame)
            return
        request = parse_request(frame.data)
        if request is None:
            self.line.counters.bad_crc += 1
            self._log(frame)
            return
        self.line.counters.requests += 1
        with self.lock:
            reply, outgoing = self._carry_out(frame, request)
        self._log(frame, reply, outgoing)

    def _carry_out(self, frame: HeardFrame, request: Request) -> tuple[bytes | None, Outgoing]:
        """Ask the meter that is meant, or all; what it answers, and what goes out of that."""
        if request.unit == BROADCAST_UNIT:
            for each in self.meters:
                self._answer(each, request)
            return None, SILENCE
        meter = self._unit.get(request.unit)
        reply = None if meter is None else self._answer(meter, request)
        if meter is not None and meter.unit != request.unit:
            self._unit = {each.unit: each for each in self.meters}
        if meter is None or reply is None:
            return None, SILENCE
        outgoing = spoil(request, frame.data, reply, meter.faults)
        if outgoing.frame is not None:
            delay_ms = meter.description.turnaround_ms + outgoing.late_ms
            self.line.send(outgoing.frame, frame.ended_ns + int(delay_ms * NANOSECONDS_PER_MILLISECOND))
        return reply, outgoing

    def _answer(self, meter: SimulatedMeter, request: Request) -> bytes | None:
        return None if meter.lost or self.lost else meter.answer(request, self._clock.now_ms())

    def _log(self, frame: HeardFrame, reply: bytes | None = None, outgoing: Outgoing = SILENCE) -> None:
        if self.logs_all or frame.data[0] in self.logged_units:
            sent, late_ms, faults = outgoing.frame, outgoing.late_ms, outgoing.faults
            self.exchanges.append(Exchange(frame.ended_ns, frame.data, frame.hearing, reply, sent, late_ms, faults))
