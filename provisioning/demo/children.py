"""The processes of a demo: starts them with their logs, sees when one dies, ends them.

Every child is a process group of its own, so that Ctrl-C in the terminal reaches the demo alone and it can end them in
order. What it started is written down: the next start ends what a killed demo left behind, and nothing else.
"""

import os
import signal
import subprocess
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Final

import msgspec
import psutil

from provisioning.files import SETTINGS_MODE, write_file

END_WITHIN_S: Final = 5.0
"""What a child gets to end by itself after SIGTERM."""
LOG_LINES_SHOWN: Final = 15


Errand = subprocess.Popen[bytes]


class ChildDied(Exception):
    """A child ended that should not have; the text has its last words."""


class _Started(msgspec.Struct, frozen=True):
    """A process as it can be found again: its id is used anew after it ends, its moment of birth is not."""

    pid: int
    born: float


@dataclass
class Child:
    """One process and how to start it again.

    `wanted`: it was started and not ended by us. `log_from_bytes`: where its newest life begins in its log.
    """

    name: str
    command: Sequence[str]
    log: Path
    environment: Mapping[str, str] = field(default_factory=dict)
    process: subprocess.Popen[bytes] | None = None
    wanted: bool = False
    log_from_bytes: int = 0

    @property
    def pid(self) -> int:
        return 0 if self.process is None else self.process.pid

    @property
    def pid_now(self) -> int | None:
        """Its process id while it runs."""
        return self.pid if self.runs else None

    @property
    def runs(self) -> bool:
        return self.process is not None and self.process.poll() is None

    def last_words(self) -> str:
        """The end of what it has logged since it was started."""
        try:
            said = self.log.read_bytes()[self.log_from_bytes :]
        except FileNotFoundError:
            return "    (no log)"
        lines = said.decode(errors="replace").splitlines()
        return "\n".join(f"    {line}" for line in lines[-LOG_LINES_SHOWN:]) or "    (nothing)"

    def obituary(self) -> str:
        """What became of it, for people."""
        code = None if self.process is None else self.process.returncode
        how = f"was ended by {signal.Signals(-code).name}" if code is not None and code < 0 else f"ended with {code}"
        return f"{self.name} {how}; the end of {self.log}:\n{self.last_words()}"


class Children:
    """All children of one demo. Safe for threads."""

    def __init__(self, record: Path) -> None:
        """`record`: the file that names them for the next start."""
        self._record = record
        self._children: dict[str, Child] = {}
        self._errands: set[Errand] = set()
        self._lock = threading.RLock()

    def add(self, name: str, command: Sequence[str], log: Path, environment: Mapping[str, str] | None = None) -> None:
        """Say how a child is started. Does not start it."""
        with self._lock:
            self._children[name] = Child(name, command, log, environment or {})

    @property
    def names(self) -> list[str]:
        return list(self._children)

    def get(self, name: str) -> Child:
        """Raises KeyError."""
        return self._children[name]

    def start(self, name: str) -> Child:
        """Start a child that does not run. Its output goes to the end of its log."""
        with self._lock:
            child = self._children[name]
            if not child.runs:
                with child.log.open("ab") as log:
                    child.log_from_bytes = log.tell()
                    child.process = subprocess.Popen(
                        child.command,
                        stdin=subprocess.DEVNULL,
                        stdout=log,
                        stderr=subprocess.STDOUT,
                        env={**os.environ, **child.environment},
                        process_group=0,
                    )
                self._write_down()
            child.wanted = True
            return child

    @contextmanager
    def errand(self, command: Sequence[str], output: IO[bytes] | int, faults: IO[bytes] | int) -> Iterator[Errand]:
        """Run a command that ends by itself; it is ended with the context, and with all children."""
        with subprocess.Popen(
            command, stdin=subprocess.DEVNULL, stdout=output, stderr=faults, process_group=0
        ) as process:
            with self._lock:
                self._errands.add(process)
            try:
                yield process
            finally:
                with self._lock:
                    self._errands.discard(process)
                process.kill()

    def end_errands(self) -> None:
        """Break off what would end by itself; who waits for it goes on at once."""
        with self._lock:
            for errand in self._errands:
                errand.kill()

    def kill(self, name: str) -> int:
        """SIGKILL, as when the power goes. Returns the process id that was; 0 when it did not run."""
        with self._lock:
            child = self._children[name]
            child.wanted = False
            if child.process is None or not child.runs:
                return 0
            child.process.kill()
            child.process.wait()
            return child.pid

    def died(self) -> list[Child]:
        """Children that ended by themselves since the last look."""
        with self._lock:
            found = [child for child in self._children.values() if child.wanted and not child.runs]
            for child in found:
                child.wanted = False
            return found

    def check(self) -> None:
        """Raises ChildDied for the first that ended by itself."""
        for child in self.died():
            raise ChildDied(child.obituary())

    def end_all(self) -> None:
        """End whoever still runs, and forget what the next start would have had to end."""
        with self._lock:
            self.end_errands()
            self.end(self.names)
            self._record.unlink(missing_ok=True)

    def end(self, names: Sequence[str]) -> None:
        """SIGTERM to these, some seconds, SIGKILL to the rest."""
        with self._lock:
            children = [self._children[name] for name in names]
            running = [child.process for child in children if child.process is not None and child.runs]
            for child in children:
                child.wanted = False
            for process in running:
                process.terminate()
            end = time.monotonic() + END_WITHIN_S
            for process in running:
                try:
                    process.wait(max(0.0, end - time.monotonic()))
                except subprocess.TimeoutExpired:
                    process.kill()
                    process.wait()

    def _write_down(self) -> None:
        started = {}
        for child in self._children.values():
            if child.process is not None and child.runs:
                try:
                    started[child.name] = _Started(child.pid, psutil.Process(child.pid).create_time())
                except psutil.NoSuchProcess:
                    # It died in between; `died` will say so.
                    continue
        write_file(self._record, msgspec.json.encode(started), SETTINGS_MODE)


def end_left_behind(record: Path) -> list[str]:
    """End the children that a killed demo left running. Returns their names."""
    if not record.exists():
        return []
    try:
        started = msgspec.json.decode(record.read_bytes(), type=dict[str, _Started])
    except msgspec.MsgspecError:
        # Written whole or not at all: a damaged one is a damaged disk, and then there is nobody we know.
        return []
    found: dict[str, psutil.Process] = {}
    for name, each in started.items():
        try:
            process = psutil.Process(each.pid)
            if process.create_time() == each.born and process.status() != psutil.STATUS_ZOMBIE:
                found[name] = process
        except psutil.NoSuchProcess:
            continue
    for process in found.values():
        process.terminate()
    _, alive = psutil.wait_procs(list(found.values()), timeout=END_WITHIN_S)
    for process in alive:
        process.kill()
    psutil.wait_procs(alive, timeout=END_WITHIN_S)
    record.unlink(missing_ok=True)
    return list(found)
