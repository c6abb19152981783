"""As much of an MQTT broker (3.1.1 and 5) as a gateway needs to be content: it takes what is published, and counts it.

No second client, no retained messages, no sessions. One thread a connection; loopback alone.
"""

import json
import socket
import threading
from collections import Counter
from contextlib import suppress
from types import TracebackType
from typing import BinaryIO, Final, Self

CONNECT, PUBLISH, SUBSCRIBE, UNSUBSCRIBE, PING = 1, 3, 8, 10, 12
PINGRESP: Final = bytes((0xD0, 0))
LEVEL_AT: Final = 6
"""In a CONNECT, behind the name "MQTT" and its length: 4 or 5."""
WITH_PROPERTIES: Final = 5
TELEMETRY: Final = "v1/gateway/telemetry"
ANSWERED: Final = {
    "v1/devices/me/attributes/request/": "v1/devices/me/attributes/response/",
    "v1/devices/me/rpc/request/": "v1/devices/me/rpc/response/",
}
"""What the gateway asks at its start, and where it waits for the answer: it knows no limits, and no attributes."""


class MqttSink:
    """Counts the values that a gateway publishes, by device."""

    def __init__(self) -> None:
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._listener.getsockname()[1]
        self.values: Counter[str] = Counter()
        threading.Thread(target=self._accept, daemon=True).start()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        with suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()

    def _accept(self) -> None:
        with suppress(OSError):
            while True:
                connection, _ = self._listener.accept()
                threading.Thread(target=self._serve, args=(connection,), daemon=True).start()

    def _serve(self, connection: socket.socket) -> None:
        level = 4
        with connection, suppress(OSError, EOFError), connection.makefile("rb") as stream:
            while True:
                head = _exactly(stream, 1)[0]
                body = _exactly(stream, _length(stream))
                if head >> 4 == CONNECT:
                    level = body[LEVEL_AT]
                connection.sendall(self._answer(head, body, level == WITH_PROPERTIES))

    def _answer(self, head: int, body: bytes, has_properties: bool) -> bytes:
        kind, none = head >> 4, bytes(1) if has_properties else b""
        if kind == CONNECT:
            return _packet(0x20, bytes(2) + none)
        if kind == PING:
            return PINGRESP
        if kind in (SUBSCRIBE, UNSUBSCRIBE):
            place = 2 + (1 + body[2] if has_properties else 0)
            codes = bytes((1 if kind == SUBSCRIBE else 0,)) * _topics(body, place, with_options=kind == SUBSCRIBE)
            return _packet(0x90 if kind == SUBSCRIBE else 0xB0, body[:2] + none + codes)
        return self._published(head, body, has_properties) if kind == PUBLISH else b""

    def _published(self, head: int, body: bytes, has_properties: bool) -> bytes:
        end = 2 + int.from_bytes(body[:2])
        topic, rest = body[2:end].decode(), body[end:]
        wants_answer = bool(head & 0x06)
        number, rest = (rest[:2], rest[2:]) if wants_answer else (b"", rest)
        payload = rest[1 + rest[0] :] if has_properties else rest
        if topic == TELEMETRY:
            for device, rows in json.loads(payload).items():
                self.values[device] += sum(len(row["values"]) if "values" in row else len(row) for row in rows)
        answer = _packet(0x40, number) if wants_answer else b""
        for asked, told in ANSWERED.items():
            if topic.startswith(asked):
                name = (told + topic.removeprefix(asked)).encode()
                none = bytes(1) if has_properties else b""
                answer += _packet(0x30, len(name).to_bytes(2) + name + none + b"{}")
        return answer


def _packet(head: int, body: bytes) -> bytes:
    """A packet shorter than 128 bytes."""
    return bytes((head, len(body))) + body


def _length(stream: BinaryIO) -> int:
    length, shift = 0, 0
    while True:
        byte = _exactly(stream, 1)[0]
        length |= (byte & 0x7F) << shift
        shift += 7
        if not byte & 0x80:
            return length


def _exactly(stream: BinaryIO, count: int) -> bytes:
    data = stream.read(count)
    if len(data) != count:
        raise EOFError
    return data


def _topics(body: bytes, place: int, *, with_options: bool) -> int:
    """How many topics a subscription, or the end of one, names."""
    count = 0
    while place < len(body):
        place += 2 + int.from_bytes(body[place : place + 2]) + with_options
        count += 1
    return count
