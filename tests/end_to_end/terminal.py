"""A terminal with a person in front of it: runs a command on a pty and answers what it asks."""

import os
import re
import subprocess
import sys
import threading
import time
from collections.abc import Mapping, Sequence
from pathlib import Path

READ_BYTES = 65_536
TAKE_TERMINAL = """
import fcntl, os, sys, termios
fcntl.ioctl(0, termios.TIOCSCTTY, 0)
os.execv(sys.argv[1], sys.argv[1:])
"""
"""A passphrase is asked on the controlling terminal, which a new session has to take."""


class Terminal:
    """One command on a pty. What it prints is kept; each question is answered once each time that it is asked."""

    def __init__(
        self, words: Sequence[str], folder: Path, answers: Mapping[str, str], environment: Mapping[str, str]
    ) -> None:
        """Start it. `answers` are what to type by the end of the question."""
        self.words = list(words)
        self.screen = ""
        self._answers = answers
        self._seen = 0
        self._master, slave = os.openpty()
        self.process = subprocess.Popen(
            [sys.executable, "-c", TAKE_TERMINAL, *self.words],
            cwd=folder,
            stdin=slave,
            stdout=slave,
            stderr=slave,
            env={**os.environ, **environment},
            start_new_session=True,
        )
        os.close(slave)
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def _read(self) -> None:
        while True:
            try:
                raw = os.read(self._master, READ_BYTES)
            except OSError:
                return  # the last process on the terminal has ended
            if not raw:
                return
            self.screen += raw.decode(errors="replace").replace("\r\n", "\n")
            for question, answer in self._answers.items():
                if self.screen[self._seen :].rstrip().endswith(question):
                    self._seen = len(self.screen)
                    os.write(self._master, f"{answer}\n".encode())

    def end(self, within_s: float) -> str:
        """Wait until it has ended well; what it printed."""
        try:
            code = self.process.wait(within_s)
        except subprocess.TimeoutExpired:
            raise AssertionError(f"{' '.join(self.words)} has not ended:\n{self.screen}") from None
        self._reader.join(5)
        assert code == 0, f"{' '.join(self.words)} ended with {code}:\n{self.screen}"
        return self.screen

    def wait_for(self, pattern: str, within_s: float) -> str:
        """Wait until it has printed something; the first group of the pattern, or all of what fits."""
        deadline = time.monotonic() + within_s
        while (found := re.search(pattern, self.screen)) is None:
            assert time.monotonic() < deadline, f"no {pattern!r} within {within_s:.0f} s:\n{self.screen}"
            assert self.process.poll() is None, f"{' '.join(self.words)} ended:\n{self.screen}"
            time.sleep(0.05)
        return found.group(found.re.groups and 1)

    def stop(self) -> None:
        """As a service manager does."""
        if self.process.poll() is None:
            self.process.terminate()
            try:
                self.process.wait(15)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()
