"""The agent's local socket: one JSON line asks, one JSON line answers. Both ends of it.

Only the owner of the state directory gets in (mode 0600). Requests are handed to the owner thread and answered by
it; nothing of the box is touched on the threads here.
"""

import contextlib
import json
import os
import queue
import socket
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, Final

from edge_agent.ports import NEEDS_RIGHTS, LocalRequest

NAME: Final = "agent.sock"
LINE_BYTES_MAX: Final = 9 * 1024 * 1024
"""One request: usually a word and a few arguments; a courier file of the greatest size fits too."""
ANSWER_BYTES_MAX: Final = 4 * 1024 * 1024
"""One answer: the status of 200 meters is about 100 kB."""
CONNECTIONS_MAX: Final = 8
"""People before a box have two hands; more is a mistake."""
ANSWER_S: Final = 120.0
"""Longest wait for the owner thread: a relay test takes up to a minute."""
IDLE_S: Final = 300.0


class AgentUnreachable(Exception):
    """No agent listens on the socket of this state_dir."""


class LocalServer:
    """Listens in a state directory and passes requests on."""

    def __init__(self, state_dir: Path, post: Callable[[LocalRequest], None]) -> None:
        self._path = state_dir / NAME
        self._post = post
        self._seats = threading.BoundedSemaphore(CONNECTIONS_MAX)
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)

    def start(self) -> None:
        """Listen. A socket that a killed agent left is taken over: the store's lock says that we are alone."""
        self._path.unlink(missing_ok=True)
        before = os.umask(0o177)
        try:
            with _short_name(self._path) as name:
                self._socket.bind(name)
        finally:
            os.umask(before)
        self._socket.listen(CONNECTIONS_MAX)
        threading.Thread(target=self._accept, name="local-socket", daemon=True).start()

    def stop(self) -> None:
        """Listen no more."""
        with contextlib.suppress(OSError):
            self._socket.shutdown(socket.SHUT_RDWR)
        self._socket.close()
        self._path.unlink(missing_ok=True)

    def _accept(self) -> None:
        while True:
            try:
                connection, _ = self._socket.accept()
            except OSError:
                return
            if not self._seats.acquire(blocking=False):
                connection.close()
                continue
            threading.Thread(target=self._serve, args=(connection,), name="local-talk", daemon=True).start()

    def _serve(self, connection: socket.socket) -> None:
        try:
            with connection, contextlib.suppress(OSError):
                connection.settimeout(IDLE_S)
                reader = connection.makefile("rb")
                while line := reader.readline(LINE_BYTES_MAX):
                    connection.sendall(json.dumps(self._answer(line), ensure_ascii=False).encode() + b"\n")
        finally:
            self._seats.release()

    def _answer(self, line: bytes) -> dict[str, Any]:
        try:
            asked = json.loads(line)
            request = LocalRequest(str(asked["op"]), {k: v for k, v in asked.items() if k != "op"}, queue.SimpleQueue())
        except (ValueError, KeyError, TypeError):
            return {"error": 'not understood; right would be one line of JSON with "op"'}
        self._post(request)
        try:
            return request.answer.get(timeout=ANSWER_S)
        except queue.Empty:
            return {"error": f"the agent did not answer within {ANSWER_S:.0f} s"}


def ask(state_dir: Path, op: str, **arguments: object) -> dict[str, Any]:
    """Ask the running agent one thing. Raises AgentUnreachable."""
    try:
        with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as connection:
            connection.settimeout(ANSWER_S + 5)
            with _short_name(state_dir / NAME) as name:
                connection.connect(name)
            connection.sendall(json.dumps({"op": op, **arguments}).encode() + b"\n")
            line = connection.makefile("rb").readline(ANSWER_BYTES_MAX)
    except OSError as fault:
        raise AgentUnreachable(f"no agent answers on {state_dir / NAME}: {_why(fault)}") from None
    if not line:
        raise AgentUnreachable("the agent closed the connection")
    answer: dict[str, Any] = json.loads(line)
    return answer


def _why(fault: OSError) -> str:
    """The fault in words of the trade, with what would be right."""
    if isinstance(fault, (FileNotFoundError, ConnectionRefusedError)):
        return "it does not run; right would be `systemctl start tallybox-box`"
    if isinstance(fault, PermissionError):
        return f"{fault.strerror}; {NEEDS_RIGHTS}"
    return fault.strerror or str(fault)


@contextlib.contextmanager
def _short_name(path: Path) -> Iterator[str]:
    """A name of the socket that fits into its 108 bytes, however deep the folder lies (man 7 unix)."""
    folder = os.open(path.parent, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        yield f"/proc/self/fd/{folder}/{path.name}"
    finally:
        os.close(folder)
