"""Starts `python -m cloud_server ...` and `python -m edge_agent ...` without loading them anew each time.

A start of the centre computes for two seconds and more, nearly all of it imports, and the stories start hundreds. Here
the imports are done once for each process of tests, by `fork_server`; every start is a fork of it: a process of its own
with its own memory, files and sockets, killed like any other. What the start itself is about (the demo, an installed
version, an upgrade, a box's memory, every benchmark) goes through Python's own `-m`: `start_anew`, or not through here.
"""

import atexit
import json
import os
import select
import signal
import socket
import subprocess
import sys
import tempfile
import threading
from collections.abc import Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import IO, Final

ROOT: Final = Path(__file__).parents[1]
LOADED_WITHIN_S: Final = 120.0
FORKED_WITHIN_S: Final = 60.0


class Started:
    """A program that was started: what `subprocess.Popen` offers and the tests use of it."""

    def __init__(self, words: Sequence[str], pid: int, told: int) -> None:
        self.args = list(words)
        self.pid = pid
        self.returncode: int | None = None
        self._told: int | None = told

    def poll(self) -> int | None:
        """The exit code, negative for a signal; None while it runs."""
        return self._look(0)

    def wait(self, timeout: float | None = None) -> int:
        """Wait for its end."""
        code = self._look(timeout)
        if code is None:
            raise subprocess.TimeoutExpired(self.args, timeout or 0)
        return code

    def send_signal(self, number: int) -> None:
        if self.poll() is None:
            os.kill(self.pid, number)

    def kill(self) -> None:
        self.send_signal(signal.SIGKILL)

    def terminate(self) -> None:
        self.send_signal(signal.SIGTERM)

    def _look(self, timeout_s: float | None) -> int | None:
        if self._told is not None:
            # A poll, not a select: a run of tests may hold more than a thousand descriptors.
            watch = select.poll()
            watch.register(self._told, select.POLLIN)
            if watch.poll(None if timeout_s is None else timeout_s * 1_000):
                said = os.read(self._told, 32)
                os.close(self._told)
                self._told = None
                assert said, "the server of forks is gone"
                self.returncode = int(said)
        return self.returncode

    def __del__(self) -> None:
        if self._told is not None:
            os.close(self._told)


Program = Started | subprocess.Popen[bytes]
"""One that was started either way."""


class ForkServer:
    """The process that has loaded one program."""

    def __init__(self, program: str) -> None:
        self._lock = threading.Lock()
        self._ask, given = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        with given:
            line = [sys.executable, "-m", "tests.fork_server", program, str(given.fileno())]
            null = subprocess.DEVNULL
            self._process = subprocess.Popen(line, cwd=ROOT, stdin=null, stdout=null, pass_fds=[given.fileno()])
        self._ask.settimeout(LOADED_WITHIN_S)
        assert self._ask.recv(32) == b"ready", f"{program} could not be loaded"
        self._ask.settimeout(FORKED_WITHIN_S)

    def start(
        self, words: Sequence[str], cwd: Path, environment: Mapping[str, str], descriptors: Sequence[int]
    ) -> Started:
        """Fork, with these as standard input, output and errors."""
        request = json.dumps({"words": list(words), "cwd": str(cwd), "environment": dict(environment)}).encode()
        told, tells = os.pipe2(os.O_CLOEXEC)
        try:
            with self._lock:
                socket.send_fds(self._ask, [request], [*descriptors, tells])
                pid = int(self._ask.recv(32))
        except BaseException:
            os.close(told)
            raise
        finally:
            os.close(tells)
        return Started(words, pid, told)

    def end(self) -> None:
        self._ask.close()
        self._process.wait()


@cache
def fork_server(program: str) -> ForkServer:
    """The one of this process of tests, made when it is first asked for."""
    made = ForkServer(program)
    atexit.register(made.end)
    return made


def start(
    program: str,
    *words: str,
    cwd: Path | None = None,
    environment: Mapping[str, str] | None = None,
    output: IO[bytes] | None = None,
    errors: IO[bytes] | None = None,
) -> Started:
    """Start `python -m program words...`; what is not given is inherited, nothing can be typed in."""
    with Path(os.devnull).open("rb") as nothing:
        files = {0: nothing, 1: output, 2: errors}
        descriptors = [number if file is None else file.fileno() for number, file in files.items()]
        return fork_server(program).start(words, cwd or Path.cwd(), environment or os.environ, descriptors)


def start_anew(program: str, *words: str, environment: Mapping[str, str], errors: IO[bytes]) -> Program:
    """The same by Python's own `-m`: with a command line, a memory and a start of its own."""
    return subprocess.Popen([sys.executable, "-m", program, *words], cwd=ROOT, env=environment, stderr=errors)


def run(program: str, *words: str, timeout_s: float, cwd: Path | None = None) -> "subprocess.CompletedProcess[str]":
    """Run it to its end; the exit code and all that it said."""
    with tempfile.TemporaryFile() as output, tempfile.TemporaryFile() as errors:
        started = start(program, *words, cwd=cwd, output=output, errors=errors)
        try:
            code = started.wait(timeout_s)
        finally:
            started.kill()
        said = [_text(file) for file in (output, errors)]
    return subprocess.CompletedProcess([program, *words], code, *said)


def read(program: str, *words: str, timeout_s: float = 120.0) -> str:
    """What it printed; it must end well."""
    done = run(program, *words, timeout_s=timeout_s, cwd=ROOT)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def _text(file: IO[bytes]) -> str:
    file.seek(0)
    return file.read().decode()
