"""Buses behind a TCP gateway: a serial server that carries RTU frames, and Modbus TCP. Both satisfy `Line`.

A serial server is a serial line at the end of a socket: the line master itself works on it. Modbus TCP has transaction
numbers, so an answer says which question it belongs to; all else is judged as on a line, since many a gateway puts
the right number on a late answer of the serial line behind it.
"""

from __future__ import annotations

import select
import socket
from collections import deque

from edge_agent.bus.line import SerialLine
from edge_agent.bus.requests import mbap_frame
from edge_agent.bus.serial_port import READ_AT_MOST, LineDown, SerialSettings
from edge_agent.bus.transaction import OpenQuestion, Pace, Patience, Stray
from edge_agent.bus.verdict import LineFault, Reply, judge
from edge_agent.core.measured import FaultKind
from edge_agent.ports import Clock
from protocol.meter_profile.frames import Request, rtu_frame

CONNECT_TIMEOUT_S = 2.0
"""On the box's own network: who does not answer by then is not there, and is tried again."""
SEND_TIMEOUT_S = 2.0
SERVER_PATIENCE = Patience(frame_gap_us=100_000, answer_margin_us=300_000, is_paced=False)
"""Serial servers collect bytes for up to some 50 ms before they send a packet, each way."""
MODBUS_TCP_MARGIN_US = 1_000_000
"""A gateway asks its own serial line, at a baud rate that is not known here, after whatever it was asked before."""
MBAP_LENGTH = 7
"""Transaction, protocol, length, unit (MODBUS Messaging on TCP/IP V1.0b, 3.1.3)."""
LONGEST_PDU = 253
TRANSACTIONS = 1 << 16


def is_port_number(text: str) -> bool:
    """Whether this is a TCP port."""
    return text.isascii() and text.isdecimal() and len(text) <= 5 and 1 <= int(text) <= 65_535


class SocketPort:
    """A TCP connection as a port. Every failure of the world is LineDown, after which it is closed."""

    def __init__(self, settings: SerialSettings) -> None:
        """Connect to `settings.port`, "host:port". Raises LineDown."""
        self._name = settings.port
        host, _, port = settings.port.rpartition(":")
        if not host or not is_port_number(port):
            raise LineDown(f"{settings.port}: right would be HOST:PORT, with a port from 1 to 65535")
        try:
            self._socket = socket.create_connection((host.strip("[]"), int(port)), CONNECT_TIMEOUT_S)
        except (OSError, OverflowError) as error:
            raise LineDown(f"{settings.port}: no connection: {error}") from error
        self._socket.settimeout(SEND_TIMEOUT_S)
        self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)

    def close(self) -> None:
        """Let go of the connection."""
        self._socket.close()

    def write(self, frame: bytes) -> None:
        """Send it whole."""
        try:
            self._socket.sendall(frame)
        except OSError as error:
            self.close()
            raise LineDown(f"{self._name}: cannot be written: {error}") from error

    def read(self, wait_us: int, at_most: int = READ_AT_MOST) -> bytes:
        """What has come in, waiting at most so long for the first byte; nothing when nothing came."""
        try:
            ready, _, _ = select.select((self._socket,), (), (), max(0, wait_us) / 1_000_000)
            if not ready:
                return b""
            chunk = self._socket.recv(at_most)
        except (OSError, ValueError) as error:
            self.close()
            raise LineDown(f"{self._name}: cannot be read: {error}") from error
        if not chunk:
            self.close()
            raise LineDown(f"{self._name}: the gateway closed the connection")
        return chunk


def rtu_over_tcp(settings: SerialSettings, clock: Clock) -> SerialLine:
    """A line behind a serial server; `settings.port` is "host:port", the rest as set in the server."""
    return SerialLine(settings, clock, SocketPort, SERVER_PATIENCE)


class ModbusTcpLine:
    """Meters or a gateway that speak Modbus TCP; satisfies `Line`. For one thread."""

    def __init__(self, settings: SerialSettings, clock: Clock) -> None:
        """`settings.port` is "host:port"; of the rest only the late window is used. Nothing is opened yet."""
        self._settings = settings
        self._clock = clock
        self._port: SocketPort | None = None
        self._heard = bytearray()
        self._transaction = 0
        self._open_questions: dict[int, OpenQuestion] = {}
        self._strays: deque[Stray] = deque()

    def open(self) -> None:
        """Connect. Raises LineDown."""
        self.close()
        self._port = SocketPort(self._settings)
        self._heard.clear()

    def close(self) -> None:
        """Let go of the connection."""
        if self._port is not None:
            self._port.close()
            self._port = None

    def closed_until_ms(self, unit: int) -> int:
        """End of the unit's late window."""
        question = self._open_questions.get(unit)
        return -(-question.until_us // 1_000) if question else 0

    def take_strays(self) -> list[Stray]:
        """Answers that came late, since the last call."""
        strays = list(self._strays)
        self._strays.clear()
        return strays

    def take_foreign(self) -> tuple[bytes, ...]:
        """None: a gateway keeps its line to itself, and tells nobody who else asks through it."""
        return ()

    def transact(self, request: Request, pace: Pace) -> Reply | LineFault:
        """One question and its answer. Raises LineDown; the connection is closed then."""
        try:
            question = self._open_questions.get(request.unit)
            while question is not None and question.until_us > self._clock.mono_us():
                self._take_late(question.until_us)
            outcome = self._transact(request, pace)
        except LineDown:
            self.close()
            raise
        if isinstance(outcome, Reply) or outcome.kind is FaultKind.EXCEPTION:
            self._open_questions.pop(request.unit, None)
        else:
            until_us = self._clock.mono_us() + self._settings.late_window_ms * 1_000
            self._open_questions[request.unit] = OpenQuestion(request, until_us)
        return outcome

    def _transact(self, request: Request, pace: Pace) -> Reply | LineFault:
        self._transaction = (self._transaction + 1) % TRANSACTIONS
        self._opened().write(mbap_frame(request, self._transaction))
        answer_by_us = self._clock.mono_us() + pace.turnaround_ms * 1_000 + MODBUS_TCP_MARGIN_US
        while True:
            answer = self._receive(answer_by_us)
            if answer is None:
                return judge(request, b"", 0)
            transaction, frame = answer
            if transaction == self._transaction:
                return judge(request, frame, self._clock.mono_us() // 1_000)
            self._strays.append(Stray(frame[0], FaultKind.LATE, frame))

    def _take_late(self, until_us: int) -> None:
        """Listen until then, and throw away what comes."""
        answer = self._receive(until_us)
        if answer is not None:
            self._strays.append(Stray(answer[1][0], FaultKind.LATE, answer[1]))

    def _receive(self, until_us: int) -> tuple[int, bytes] | None:
        """The next whole answer: its transaction number, and the frame that it would be on a serial line."""
        while True:
            answer = self._parse()
            if answer is not None:
                return answer
            chunk = self._opened().read(until_us - self._clock.mono_us())
            if not chunk:
                return None
            self._heard += chunk

    def _parse(self) -> tuple[int, bytes] | None:
        if len(self._heard) < MBAP_LENGTH + 1:
            return None
        transaction = int.from_bytes(self._heard[0:2], "big")
        protocol = int.from_bytes(self._heard[2:4], "big")
        length = int.from_bytes(self._heard[4:6], "big") - 1
        if protocol != 0 or not 1 <= length <= LONGEST_PDU:
            raise LineDown(
                f"{self._settings.port}: this is not Modbus TCP: {bytes(self._heard[:MBAP_LENGTH]).hex(' ')}"
            )
        if len(self._heard) < MBAP_LENGTH + length:
            return None
        unit = self._heard[6]
        pdu = bytes(self._heard[MBAP_LENGTH : MBAP_LENGTH + length])
        del self._heard[: MBAP_LENGTH + length]
        return transaction, rtu_frame(unit, pdu)

    def _opened(self) -> SocketPort:
        if self._port is None:
            raise LineDown(f"{self._settings.port}: not connected")
        return self._port
