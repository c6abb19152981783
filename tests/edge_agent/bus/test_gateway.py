"""Buses behind TCP: a serial server in front of the simulated bus, and Modbus TCP with answers late, wrong and cut."""

from __future__ import annotations

import os
import queue
import select
import socket
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import pytest

from edge_agent.bus.gateway import ModbusTcpLine, rtu_over_tcp
from edge_agent.bus.line import SerialLine
from edge_agent.bus.serial_port import LineDown, SerialPort, SerialSettings
from edge_agent.bus.transaction import Pace
from edge_agent.bus.verdict import LineFault, Reply
from edge_agent.bus.worker import BusWorker
from edge_agent.clock import SystemClock
from edge_agent.core.measured import FaultKind, RelayOrdered
from edge_agent.ports import CycleDone, FaultReport, ReadingReport, RelayOrder, RelayOutcome, RelayReport
from protocol.meter_profile.frames import read_request, write_request
from tests.edge_agent.bus.simulated_bus import Reports, polled_meters, site_of

BAUD = 115_200
WORDS = (1, 2, 3, 4, 5, 6)
ASKED = read_request(5, 3, 0x0302, len(WORDS))
PACE = Pace(turnaround_ms=50)
Answers = Callable[[bytes], Sequence[tuple[float, bytes]]]


class Gateway:
    """A TCP server on loopback for one connection after another; `serve` handles each."""

    def __init__(self, serve: Callable[[socket.socket], None]) -> None:
        self._serve = serve
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.address = f"127.0.0.1:{self._listener.getsockname()[1]}"
        self._ended = False
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    def _run(self) -> None:
        while not self._ended:
            connection, _ = self._listener.accept()
            with connection:
                if not self._ended:
                    self._serve(connection)

    def close(self) -> None:
        """Stop; a last connection wakes the listener."""
        self._ended = True
        with socket.create_connection(self._listener.getsockname()):
            pass
        self._thread.join(5)
        self._listener.close()


@contextmanager
def gateway(serve: Callable[[socket.socket], None]) -> Iterator[Gateway]:
    server = Gateway(serve)
    try:
        yield server
    finally:
        server.close()


# --- a serial server --------------------------------------------------------------------------------------------------


def serial_server(tty: Path) -> Callable[[socket.socket], None]:
    """Passes bytes both ways between a socket and a port, as a serial server does."""

    def serve(connection: socket.socket) -> None:
        port = os.open(tty, os.O_RDWR | os.O_NOCTTY)
        try:
            while True:
                ready, _, _ = select.select((connection.fileno(), port), (), ())
                if connection.fileno() in ready:
                    sent = connection.recv(1024)
                    if not sent:
                        return
                    os.write(port, sent)
                if port in ready:
                    connection.sendall(os.read(port, 1024))
        finally:
            os.close(port)

    return serve


def test_a_bus_behind_a_serial_server_is_read_and_switched(tmp_path: Path) -> None:
    site = site_of(("adf400l_1ph", "dtsy1352"), tmp_path, BAUD)
    clock = SystemClock()
    reports = Reports()
    with site:
        # The port is set up once, as the serial server's own settings are.
        SerialPort(SerialSettings(str(tmp_path / "tty"), baud=BAUD)).close()
        with gateway(serial_server(tmp_path / "tty")) as server:
            line: SerialLine = rtu_over_tcp(SerialSettings(server.address, baud=BAUD), clock)
            worker = BusWorker("A1-1", line, polled_meters(site), reports.queue, clock, lambda: 0.5)
            worker.start()
            reports.await_one(CycleDone, lambda done: done.cycle == 3)
            worker.order_relay(RelayOrder("o1", "m0", RelayOrdered.OPEN, clock.mono_ms() + 5_000))
            assert reports.await_one(RelayReport).outcome is RelayOutcome.DONE
            assert not site.meter("m0").contact_closed
            assert worker.stop()
    assert {each.reading.meter for each in reports.all_of(ReadingReport)} == {"m0", "m1"}
    assert reports.all_of(FaultReport) == []


# --- Modbus TCP -------------------------------------------------------------------------------------------------------


def mbap(transaction: bytes, unit: int, pdu: bytes) -> bytes:
    return transaction + b"\0\0" + (len(pdu) + 1).to_bytes(2, "big") + bytes((unit,)) + pdu


def data(words: Sequence[int]) -> bytes:
    return bytes((3, 2 * len(words))) + b"".join(word.to_bytes(2, "big") for word in words)


def answering(*answers: Answers) -> Callable[[socket.socket], None]:
    """Answers request after request; the last one goes on for ever."""
    waiting = list(answers)

    def serve(connection: socket.socket) -> None:
        while request := connection.recv(1024):
            answer = waiting.pop(0) if len(waiting) > 1 else waiting[0]
            for wait_s, part in answer(request):
                time.sleep(wait_s)
                connection.sendall(part)

    return serve


def clean(request: bytes) -> Sequence[tuple[float, bytes]]:
    return [(0, mbap(request[:2], request[6], data(WORDS)))]


@contextmanager
def modbus_tcp(*answers: Answers) -> Iterator[ModbusTcpLine]:
    with gateway(answering(*answers)) as server:
        line = ModbusTcpLine(SerialSettings(server.address, late_window_ms=300), SystemClock())
        line.open()
        try:
            yield line
        finally:
            line.close()


def test_modbus_tcp_reads() -> None:
    with modbus_tcp(clean) as line:
        for _ in range(3):
            outcome = line.transact(ASKED, PACE)
            assert isinstance(outcome, Reply)
            assert outcome.words == WORDS


def test_an_answer_in_pieces_is_one_answer() -> None:
    def pieces(request: bytes) -> Sequence[tuple[float, bytes]]:
        whole = mbap(request[:2], 5, data(WORDS))
        return [(0, whole[:3]), (0.02, whole[3:9]), (0.02, whole[9:])]

    with modbus_tcp(pieces) as line:
        assert isinstance(line.transact(ASKED, PACE), Reply)


FAULTY: dict[str, tuple[Answers, FaultKind]] = {
    "nothing": (lambda _: [], FaultKind.TIMEOUT),
    "the gateway's target is silent": (lambda r: [(0, mbap(r[:2], 5, b"\x83\x0b"))], FaultKind.EXCEPTION),
    "another unit": (lambda r: [(0, mbap(r[:2], 6, data(WORDS)))], FaultKind.WRONG_UNIT),
    "another function": (lambda r: [(0, mbap(r[:2], 5, b"\x04" + data(WORDS)[1:]))], FaultKind.WRONG_FUNCTION),
    "another block of the same meter": (lambda r: [(0, mbap(r[:2], 5, data(WORDS[:2])))], FaultKind.WRONG_COUNT),
}


@pytest.mark.parametrize("name", FAULTY)
def test_each_fault_has_its_own_name(name: str) -> None:
    answer, kind = FAULTY[name]
    with modbus_tcp(answer) as line:
        outcome = line.transact(ASKED, PACE)
        assert isinstance(outcome, LineFault)
        assert outcome.kind is kind


def test_an_answer_to_an_earlier_question_is_late_and_thrown_away() -> None:
    first: queue.SimpleQueue[bytes] = queue.SimpleQueue()

    def swallow(request: bytes) -> Sequence[tuple[float, bytes]]:
        first.put(request[:2])
        return []

    def both(request: bytes) -> Sequence[tuple[float, bytes]]:
        return [(0, mbap(first.get(), 5, data((9,) * 6))), *clean(request)]

    with modbus_tcp(swallow, both) as line:
        assert isinstance(line.transact(ASKED, PACE), LineFault)
        assert line.closed_until_ms(5) > SystemClock().mono_ms()
        outcome = line.transact(ASKED, PACE)
        assert isinstance(outcome, Reply)
        assert outcome.words == WORDS
        assert [(stray.unit, stray.kind) for stray in line.take_strays()] == [(5, FaultKind.LATE)]


def test_a_write_is_confirmed() -> None:
    with modbus_tcp(lambda request: [(0, mbap(request[:2], 5, request[7:12]))]) as line:
        assert isinstance(line.transact(write_request(5, 16, 0x0057, (1, 1)), PACE), Reply)


def test_what_is_no_modbus_tcp_closes_the_connection() -> None:
    with modbus_tcp(lambda _: [(0, b"HTTP/1.1 400 Bad Request\r\n\r\n")]) as line:
        with pytest.raises(LineDown, match="not Modbus TCP"):
            line.transact(ASKED, PACE)
        with pytest.raises(LineDown, match="not connected"):
            line.transact(ASKED, PACE)


def test_a_gateway_that_hangs_up_is_down() -> None:
    with gateway(lambda connection: connection.close()) as server:
        line = ModbusTcpLine(SerialSettings(server.address), SystemClock())
        line.open()
        with pytest.raises(LineDown):
            line.transact(ASKED, PACE)


@pytest.mark.parametrize("address", ["127.0.0.1", "127.0.0.1:", ":502", "127.0.0.1:http"])
def test_an_address_that_is_none_is_told(address: str) -> None:
    with pytest.raises(LineDown, match="right would be HOST:PORT"):
        ModbusTcpLine(replace(SerialSettings("x"), port=address), SystemClock()).open()


def test_nobody_listening_is_down() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        address = f"127.0.0.1:{listener.getsockname()[1]}"
    with pytest.raises(LineDown, match="no connection"):
        ModbusTcpLine(SerialSettings(address), SystemClock()).open()
