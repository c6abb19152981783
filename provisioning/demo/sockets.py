"""Unix sockets with one JSON object a line each way: how the demo is asked, and asks its simulator and its fibres."""

import json
import socket
import socketserver
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

ANSWER_WITHIN_S: Final = 30.0
"""A kill or a start is done within it on a slow machine."""
LINE_BYTES_MAX: Final = 4 * 1024 * 1024
"""The status of a simulator with 2,000 meters is below 1 MB."""


class NoAnswer(Exception):
    """Nobody listens at the socket, or what came back is no answer."""


def ask(path: Path, question: dict[str, Any]) -> dict[str, Any]:
    """Send one object and return the answer. Raises NoAnswer."""
    try:
        with socket.socket(socket.AF_UNIX) as line:
            line.settimeout(ANSWER_WITHIN_S)
            line.connect(str(path))
            with line.makefile("rwb") as file:
                file.write(json.dumps(question).encode() + b"\n")
                file.flush()
                said = file.readline(LINE_BYTES_MAX)
        answer = json.loads(said)
    except (OSError, ValueError) as fault:
        raise NoAnswer(f"{path}: no answer ({fault})") from None
    if not isinstance(answer, dict):
        raise NoAnswer(f"{path}: {said[:80]!r} is no answer")
    return answer


class Listener(socketserver.ThreadingUnixStreamServer):
    """Answers questions until it is closed. `answer` runs on threads of the listener."""

    daemon_threads = True

    def __init__(self, path: Path, answer: Callable[[dict[str, Any]], dict[str, Any]]) -> None:
        path.unlink(missing_ok=True)
        self.answer = answer
        super().__init__(str(path), _Conversation)


class _Conversation(socketserver.StreamRequestHandler):
    server: Listener

    def handle(self) -> None:
        for line in self.rfile:
            try:
                question = json.loads(line)
            except ValueError:
                question = None
            if isinstance(question, dict):
                answer = self.server.answer(question)
            else:
                answer = {"ok": False, "error": "one JSON object a line"}
            self.wfile.write(json.dumps(answer, ensure_ascii=False).encode() + b"\n")
