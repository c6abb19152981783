"""The port of a simulated modem: a pty behind a symbolic link, its power, and what happens there after a while.

Knows no commands: what comes in is given octet by octet to whoever is built on it.
"""

import contextlib
import os
import pty
import select
import threading
import time
import tty
from abc import ABC, abstractmethod
from collections.abc import Callable
from pathlib import Path
from types import TracebackType
from typing import Self

_LOOK_S = 0.005


class ModemPort(ABC):
    """One port. `link` is where it appears: a symbolic link to the pty, gone while there is no power."""

    def __init__(self, link: Path) -> None:
        self.link = link
        self.starts = 0
        self._lock = threading.RLock()
        self._ending = threading.Event()
        self._master = -1
        self._slave = -1
        self._thread = threading.Thread(target=self._run, name=f"modem {link.name}", daemon=True)
        self._due: list[tuple[float, Callable[[], None]]] = []

    @abstractmethod
    def _reset(self) -> None:
        """Power comes: forget what does not outlive it."""

    @abstractmethod
    def _hear(self, octet: int) -> None:
        """An octet came in."""

    def __enter__(self) -> Self:
        self._power_on()
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._ending.set()
        self._thread.join(5)
        self._power_off()

    def power(self, *, on: bool) -> None:
        """Pull the plug, or put it in."""
        with self._lock:
            if not on:
                self._power_off()
            elif self._master < 0:
                self._power_on()

    def _power_on(self) -> None:
        self._master, self._slave = pty.openpty()
        tty.setraw(self._slave)
        self._reset()
        self.starts += 1
        fresh = self.link.with_name(f".{self.link.name}.{os.getpid()}")
        fresh.unlink(missing_ok=True)
        fresh.symlink_to(os.ttyname(self._slave))
        fresh.replace(self.link)

    def _power_off(self) -> None:
        if self._master >= 0:
            self.link.unlink(missing_ok=True)
            for end in (self._master, self._slave):
                os.close(end)
        self._master = self._slave = -1

    def _run(self) -> None:
        while not self._ending.is_set():
            with self._lock:
                master = self._master
            if master < 0:
                time.sleep(_LOOK_S)
                continue
            ready, _, _ = select.select([master], [], [], _LOOK_S)
            with self._lock:
                if master != self._master:
                    continue
                if ready:
                    with contextlib.suppress(OSError):
                        for octet in os.read(master, 4096):
                            self._hear(octet)
                self._do_due()

    def _do_due(self) -> None:
        now = time.monotonic()
        for item in [each for each in self._due if each[0] <= now]:
            self._due.remove(item)
            item[1]()

    def _later(self, after_s: float, what: Callable[[], None]) -> None:
        self._due.append((time.monotonic() + after_s, what))

    def _say(self, text: str) -> None:
        if self._master >= 0:
            os.write(self._master, text.encode("latin-1"))
