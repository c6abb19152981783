"""The forwarder between a box and the centre: bytes go through untouched, and a cut is a cut."""

import contextlib
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec
import pytest

from provisioning.demo.folder import free_port
from provisioning.demo.sockets import NoAnswer, ask

WITHIN_S = 10.0


class Echo:
    """A server that sends back what it hears, as the centre behind the fibre."""

    def __init__(self) -> None:
        self.socket = socket.create_server(("127.0.0.1", 0))
        self.port = int(self.socket.getsockname()[1])
        threading.Thread(target=self._accept, daemon=True).start()

    def _accept(self) -> None:
        while True:
            try:
                line, _ = self.socket.accept()
            except OSError:
                return
            threading.Thread(target=self._echo, args=(line,), daemon=True).start()

    @staticmethod
    def _echo(line: socket.socket) -> None:
        with line:
            try:
                while data := line.recv(65_536):
                    line.sendall(data)
            except OSError:
                return


class Fibre:
    """The forwarder's process with one link."""

    def __init__(self, folder: Path, to: int) -> None:
        self.port = free_port(0, {to})
        self.control = folder / "fibre.sock"
        links = folder / "fibre.json"
        links.write_bytes(msgspec.json.encode({"A1": {"listen": self.port, "to": to}}))
        words = [sys.executable, "-m", "provisioning.demo.fibre", "--links", str(links), "--control", str(self.control)]
        self.process = subprocess.Popen(words)
        end = time.monotonic() + WITHIN_S
        while time.monotonic() < end:
            try:
                ask(self.control, {"op": "status"})
                return
            except NoAnswer:
                time.sleep(0.02)
        raise AssertionError("the forwarder did not start")

    def order(self, **question: Any) -> dict[str, Any]:
        return ask(self.control, {"link": "A1", **question})

    def connect(self) -> socket.socket:
        return socket.create_connection(("127.0.0.1", self.port), timeout=WITHIN_S)


@pytest.fixture
def echo() -> Iterator[Echo]:
    server = Echo()
    yield server
    server.socket.close()


@pytest.fixture
def fibre(tmp_path: Path, echo: Echo) -> Iterator[Fibre]:
    fibre = Fibre(tmp_path, echo.port)
    yield fibre
    fibre.process.terminate()
    assert fibre.process.wait(WITHIN_S) == 0


def exchange(line: socket.socket, data: bytes) -> bytes:
    heard = b""
    sender = threading.Thread(target=line.sendall, args=(data,))
    sender.start()
    while len(heard) < len(data):
        heard += line.recv(65_536)
    sender.join()
    return heard


def test_bytes_go_through_untouched(fibre: Fibre) -> None:
    data = bytes(range(256)) * 4_096
    with fibre.connect() as line:
        assert exchange(line, data) == data
    assert fibre.order(op="status")["links"]["A1"]["carried_bytes"] >= len(data)


def test_a_cut_ends_what_stands_and_refuses_what_comes(fibre: Fibre) -> None:
    with fibre.connect() as line:
        assert exchange(line, b"before") == b"before"
        assert fibre.order(op="cut")["links"]["A1"]["state"] == "cut"
        with contextlib.suppress(ConnectionResetError):
            assert line.recv(1) == b""
        with pytest.raises(ConnectionRefusedError):
            fibre.connect()
    assert fibre.order(op="restore")["links"]["A1"]["state"] == "whole"
    with fibre.connect() as line:
        assert exchange(line, b"after") == b"after"


def test_a_silent_cut_holds_everything_up(fibre: Fibre) -> None:
    with fibre.connect() as line, fibre.connect() as later:
        assert exchange(line, b"before") == b"before"
        fibre.order(op="cut", silent=True)
        line.sendall(b"held")
        line.settimeout(0.3)
        with pytest.raises(TimeoutError):
            line.recv(1)
        fibre.order(op="restore")
        line.settimeout(WITHIN_S)
        assert line.recv(16) == b"held"
        assert exchange(later, b"later") == b"later"


def test_cutting_twice_and_mending_twice_is_harmless(fibre: Fibre) -> None:
    for op in ("cut", "cut", "restore", "restore"):
        assert fibre.order(op=op)["ok"]
    with fibre.connect() as line:
        assert exchange(line, b"x") == b"x"


def test_a_centre_that_is_down_closes_the_connection(fibre: Fibre, echo: Echo) -> None:
    echo.socket.shutdown(socket.SHUT_RDWR)
    echo.socket.close()
    with fibre.connect() as line, contextlib.suppress(ConnectionResetError):
        assert line.recv(1) == b""


@pytest.mark.parametrize(
    ("question", "says"),
    [
        ({"op": "cut", "link": "B9"}, "link 'B9': there are A1"),
        ({"op": "bend"}, "'bend': known are cut, restore, status"),
        ({}, "one JSON object a line"),
    ],
)
def test_a_wrong_order_is_answered(fibre: Fibre, question: dict[str, Any], says: str) -> None:
    answer = ask(fibre.control, question)
    assert not answer["ok"]
    assert says in answer["error"]
