"""The guards that hold for every test hold."""

import socket

import pytest


@pytest.mark.parametrize("address", [("192.0.2.1", 443), ("0.0.0.0", 0), ("", 0)])
def test_a_test_reaches_no_other_machine(address: tuple[str, int]) -> None:
    with socket.socket() as line, pytest.raises(PermissionError, match="tests stay on"):
        line.bind(address) if address[1] == 0 else line.connect(address)


@pytest.mark.parametrize("name", ["meters.example", b"meters.example", "192.0.2.1"])
def test_a_test_looks_nobody_else_up(name: str | bytes) -> None:
    with pytest.raises(PermissionError, match="tests stay on"):
        socket.getaddrinfo(name, 502)


def test_a_test_may_talk_to_itself() -> None:
    with socket.socket() as server, socket.socket() as client:
        server.bind(("127.0.0.1", 0))
        server.listen()
        client.connect(("localhost", server.getsockname()[1]))
