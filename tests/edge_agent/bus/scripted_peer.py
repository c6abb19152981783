"""The smallest possible other end of a line: a pty whose answers a test writes down beforehand."""

from __future__ import annotations

import os
import pty
import select
import threading
import time
import tty
from collections.abc import Callable, Sequence
from pathlib import Path

from pymodbus.framer import FramerRTU

Part = tuple[float, bytes]
"""Seconds to wait, then bytes to send."""
Script = Callable[[bytes], Sequence[Part]]
"""What is sent for one request."""


def framed(body: bytes) -> bytes:
    """A body with its CRC."""
    return body + FramerRTU.compute_CRC(body).to_bytes(2, "big")


def read_reply(request: bytes, words: Sequence[int]) -> bytes:
    """The clean answer to a read of registers."""
    data = b"".join(word.to_bytes(2, "big") for word in words)
    return framed(bytes((request[0], request[1], len(data))) + data)


class ScriptedPeer:
    """Answers request after request from its scripts; the last one goes on for ever. Notes every request."""

    def __init__(self, *scripts: Script, link: Path | None = None) -> None:
        self._scripts = list(scripts)
        self._master, slave = pty.openpty()
        tty.setraw(slave)
        self.port = os.ttyname(slave)
        self._slave = slave
        if link is not None:
            link.unlink(missing_ok=True)
            link.symlink_to(self.port)
        self.requests: list[bytes] = []
        self.request_times: list[float] = []
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._serve, daemon=True)
        self._thread.start()

    def __enter__(self) -> ScriptedPeer:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Unplug."""
        self._ended.set()
        self._thread.join(5)
        for descriptor in (self._master, self._slave):
            os.close(descriptor)

    def say(self, data: bytes) -> None:
        """Send bytes that nobody asked for."""
        os.write(self._master, data)

    def _serve(self) -> None:
        while not self._ended.is_set():
            if not select.select((self._master,), (), (), 0.02)[0]:
                continue
            request = os.read(self._master, 1024)
            self.request_times.append(time.monotonic())
            self.requests.append(request)
            script = self._scripts.pop(0) if len(self._scripts) > 1 else self._scripts[0]
            for wait_s, data in script(request):
                time.sleep(wait_s)
                os.write(self._master, data)
