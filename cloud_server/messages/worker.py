"""The one thread that notes, sends and listens: it drives the modem, and calls the flows that it is given.

Knows no rows and no rules. It may die at any line: whatever it had begun is taken up by the next start.
"""

import logging
import threading
import time
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final

from cloud_server.ports.messages import LeftBehind, Modem, ModemState, NotSent, PartFate

TURN_S: Final = 2.0
"""Between two turns; reports are listened for meanwhile."""
LOOK_S: Final = 30.0
"""How often registration and signal are asked for."""
OPEN_AGAIN_S: Final = 10.0
"""Between two tries to open a modem that is not there: one that was reset needs as long to start."""
CHORES_S: Final = 60.0
LISTEN_S: Final = 0.05
"""At least, behind a turn that took longer than its time."""
STOP_WITHIN_S: Final = 3.0

log = logging.getLogger(__name__)


@dataclass(frozen=True, kw_only=True)
class Steps:
    """What the worker calls, in this order."""

    take_up: Callable[[], int]
    """Once, at the start."""
    take_left: Callable[[LeftBehind], None]
    """After each opening of the modem."""
    note: Sequence[Callable[[], int]]
    """Each turn: find what is to be told."""
    turn: Callable[[], int]
    """Each turn: send what is due."""
    take_reports: Callable[[Sequence[PartFate]], int]
    chores: Sequence[Callable[[], int]]
    """Each minute."""
    pieces: Sequence[Callable[[], bool]]
    """Work that can wait, in what is left of a turn: a piece of each, again and again, until it has no more."""
    modem_seen: Callable[[ModemState], None]
    """How the modem is, whenever that was looked at."""


class MessageWorker:
    """Runs until it is stopped, in the one process of several whose turn it is. `modem` None: none is configured."""

    def __init__(
        self, modem: Modem | None, steps: Steps, rest_fold: int, turn_s: float = TURN_S,
        may_run: Callable[[], bool] = lambda: True,
    ) -> None:  # fmt: skip
        """`rest_fold`: so many times as long as a piece took, the next one waits."""
        self._rest_fold = rest_fold
        self._may_run = may_run
        self._has_run = False
        self._modem = modem
        self._steps = steps
        self._turn_s = turn_s
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name="messages", daemon=True)
        self._next: dict[str, float] = {}

    def start(self) -> None:
        """Begin."""
        self._thread.start()

    def stop(self) -> None:
        """End soon; a part that the network is being slow with is left to the next start."""
        self._stop.set()
        self._thread.join(STOP_WITHIN_S)

    def _run(self) -> None:
        while not self._stop.is_set():
            if self._may_run():
                self.once()
            else:
                self._let_go()
        if self._modem is not None:
            self._modem.close()

    def once(self) -> None:
        """One turn."""
        began_s = time.monotonic()
        if not self._has_run:
            self._has_run = True
            self._guarded(self._steps.take_up)
        self._keep_modem()
        for note in self._steps.note:
            self._guarded(note)
        self._guarded(self._steps.turn)
        if self._is_due("chores", CHORES_S):
            for chore in self._steps.chores:
                self._guarded(chore)
        ends_s = max(began_s + self._turn_s, time.monotonic() + LISTEN_S)
        waiting = deque(self._steps.pieces)
        while waiting and time.monotonic() < ends_s and not self._stop.is_set():
            work, piece_s = waiting.popleft(), time.monotonic()
            if self._guarded(work):
                waiting.append(work)
            now_s = time.monotonic()
            self._listen(min(self._rest_fold * (now_s - piece_s), ends_s - now_s))
        self._listen(ends_s - time.monotonic())

    def _listen(self, for_s: float) -> None:
        """Wait, and take what the modem has to report meanwhile."""
        if for_s <= 0:
            return
        if self._modem is not None and self._modem.is_open():
            fates = self._modem.reports(for_s)
            if fates:
                self._guarded(lambda: self._steps.take_reports(fates))
        else:
            self._stop.wait(for_s)

    def _let_go(self) -> None:
        """It is another process's turn: the modem is its as well."""
        if self._has_run and self._modem is not None:
            self._modem.close()
        self._has_run = False
        self._stop.wait(self._turn_s)

    def _keep_modem(self) -> None:
        modem = self._modem
        if modem is None:
            return
        if not modem.is_open() and self._is_due("open", OPEN_AGAIN_S):
            try:
                left = modem.open()
            except NotSent as fault:
                log.warning("modem_not_open", extra={"fault": str(fault)})
            else:
                log.info("modem_open", extra={"signal_dbm": modem.state().signal_dbm})
                self._guarded(lambda: self._steps.take_left(left))
            self._steps.modem_seen(modem.state())
        elif modem.is_open() and self._is_due("look", LOOK_S):
            self._steps.modem_seen(modem.look())

    def _is_due(self, what: str, every_s: float) -> bool:
        now_s = time.monotonic()
        if now_s < self._next.get(what, 0.0):
            return False
        self._next[what] = now_s + every_s
        return True

    @staticmethod
    def _guarded(step: Callable[[], object]) -> object:
        try:
            return step()
        except Exception:  # whatever it was is told with its trace, and the next turn tries again
            log.exception("message_step_failed")
            return None
