"""A line master with a scripted peer at its other end."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from edge_agent.bus.line import SerialLine
from edge_agent.bus.serial_port import SerialSettings
from edge_agent.bus.transaction import Pace
from edge_agent.bus.verdict import LineFault, Reply
from edge_agent.clock import SystemClock
from edge_agent.core.measured import FaultKind
from protocol.meter_profile.frames import Request, read_request
from tests.edge_agent.bus.scripted_peer import Part, Script, ScriptedPeer, read_reply

BAUD = 115_200
PACE = Pace(turnaround_ms=300)
"""For answers that are to come, however busy the machine is."""
QUICK = Pace(turnaround_ms=20)
"""For answers that are not to come in time."""
LATE_WINDOW_MS = 150
WORDS = (1, 2, 3, 4, 5, 6)
ASKED = read_request(5, 3, 0x0302, len(WORDS))
TURNAROUND_S = 0.006
"""More than question and answer take at this baud rate: the peer hands over all bytes of an answer at once."""


def answer(request: bytes) -> bytes:
    """What the meter at that unit holds."""
    return read_reply(request, WORDS)


def clean(request: bytes) -> Sequence[Part]:
    return [(TURNAROUND_S, answer(request))]


def silent(_: bytes) -> Sequence[Part]:
    return []


def sent(*parts: bytes) -> Script:
    return lambda _: [(TURNAROUND_S, part) for part in parts]


@contextmanager
def line_to(*scripts: Script, local_echo: bool = False, baud: int = BAUD) -> Iterator[tuple[SerialLine, ScriptedPeer]]:
    with ScriptedPeer(*scripts) as peer:
        settings = SerialSettings(peer.port, baud=baud, local_echo=local_echo, late_window_ms=LATE_WINDOW_MS)
        line = SerialLine(settings, SystemClock())
        line.open()
        try:
            yield line, peer
        finally:
            line.close()


def outcome_of(script: Script, request: Request = ASKED) -> Reply | LineFault:
    with line_to(script) as (line, _):
        return line.transact(request, PACE)


def stray_kinds(line: SerialLine) -> list[tuple[int, FaultKind]]:
    return [(stray.unit, stray.kind) for stray in line.take_strays()]
