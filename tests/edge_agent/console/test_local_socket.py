"""The local socket: one line asks, one line answers, only for the owner of the state directory."""

import json
import queue
import socket
import tempfile
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from edge_agent.console.local_socket import NAME, AgentUnreachable, LocalServer, ask
from edge_agent.ports import LocalRequest


@pytest.fixture
def deep(tmp_path: Path) -> Path:
    """Longer than the 108 bytes that a socket's name may have."""
    folder = tmp_path / ("d" * 100) / ("e" * 100)
    folder.mkdir(parents=True)
    return folder


@pytest.fixture
def server(deep: Path) -> Iterator[LocalServer]:
    def answer(request: LocalRequest) -> None:
        request.answer.put({"op": request.op, **request.arguments})

    found = LocalServer(deep, answer)
    found.start()
    yield found
    found.stop()


def test_what_is_asked_is_answered(server: LocalServer, deep: Path) -> None:
    assert ask(deep, "status", meter="鲜果铺") == {"op": "status", "meter": "鲜果铺"}


def test_only_the_owner_gets_in(server: LocalServer, deep: Path) -> None:
    assert (deep / NAME).stat().st_mode & 0o777 == 0o600


def talk(folder: Path, *lines: bytes) -> list[dict[str, object]]:
    """Several lines over one connection."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as connection:
        connection.settimeout(5)
        connection.connect(str(folder / NAME))
        with connection.makefile("rb") as reader:
            answers = []
            for line in lines:
                connection.sendall(line + b"\n")
                answers.append(json.loads(reader.readline()))
            return answers


@pytest.mark.parametrize("line", [b"", b"status", b"[]", b'"op"', b"{}", b'{"op"'])
def test_what_is_not_understood_is_answered_and_the_next_line_still_counts(line: bytes) -> None:
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        _ask_twice(folder, line)


def _ask_twice(folder: Path, line: bytes) -> None:
    server = LocalServer(folder, lambda request: request.answer.put({"ok": True}))
    server.start()
    try:
        bad, good = talk(folder, line, b'{"op": "status"}')
    finally:
        server.stop()
    assert "right would be" in str(bad["error"])
    assert good == {"ok": True}


def test_without_an_agent_that_is_said(tmp_path: Path) -> None:
    with pytest.raises(AgentUnreachable, match=r"no agent answers on .*agent\.sock"):
        ask(tmp_path, "status")


def test_a_socket_that_a_killed_agent_left_is_taken_over(tmp_path: Path) -> None:
    first = LocalServer(tmp_path, lambda request: request.answer.put({"n": 1}))
    first.start()
    second = LocalServer(tmp_path, lambda request: request.answer.put({"n": 2}))
    second.start()
    try:
        assert ask(tmp_path, "x") == {"n": 2}
    finally:
        second.stop()
        first.stop()


def test_too_many_at_once_are_turned_away_and_the_rest_is_served(tmp_path: Path) -> None:
    waiting: queue.SimpleQueue[LocalRequest] = queue.SimpleQueue()
    server = LocalServer(tmp_path, waiting.put)
    server.start()
    answers: list[object] = []

    def asking() -> None:
        try:
            answers.append(ask(tmp_path, "slow"))
        except AgentUnreachable as fault:
            answers.append(str(fault))

    try:
        threads = [threading.Thread(target=asking) for _ in range(8)]
        for thread in threads:
            thread.start()
        requests = [waiting.get(timeout=5) for _ in range(8)]
        with pytest.raises(AgentUnreachable):
            ask(tmp_path, "one too many")
        for request in requests:
            request.answer.put({"served": True})
        for thread in threads:
            thread.join(5)
    finally:
        server.stop()
    assert answers == [{"served": True}] * 8
