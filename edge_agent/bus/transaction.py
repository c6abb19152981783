"""What a worker asks of any bus, be it a serial port, a serial server or Modbus TCP, and the words for it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

from edge_agent.bus.verdict import LineFault, Reply
from edge_agent.core.measured import FaultKind
from protocol.meter_profile.frames import Request


@dataclass(frozen=True, slots=True)
class Patience:
    """What is added to the time that the line itself takes.

    Attributes:
        frame_gap_us: a pause within a frame that ends it; a frame that is whole never waits for it.
        answer_margin_us: beside the meter's turnaround while waiting for the first byte.
        is_paced: bytes come no faster than the line's baud rate, so that one can tell by time what cannot be an answer.
    """

    frame_gap_us: int
    answer_margin_us: int
    is_paced: bool = True


@dataclass(frozen=True, slots=True)
class Pace:
    """What a meter's profile asks of the time: silence before the request (0: the line's), longest turnaround."""

    silence_ms: int = 0
    turnaround_ms: int = 200


@dataclass(frozen=True, slots=True)
class Stray:
    """Bytes that were nobody's clean answer in time: an answer that came late, an echo, a tail."""

    unit: int
    kind: FaultKind
    heard: bytes


@dataclass(frozen=True, slots=True)
class OpenQuestion:
    """A question without a clean answer yet; until its window ends the answer may still come."""

    request: Request
    until_us: int


class Line(Protocol):
    """What a worker asks of a bus, be it serial or a gateway."""

    def open(self) -> None:
        """Raises LineDown."""
        ...

    def close(self) -> None:
        """Harmless when it is not open."""
        ...

    def transact(self, request: Request, pace: Pace) -> Reply | LineFault:
        """Ask, and wait for the answer or its absence. Raises LineDown."""
        ...

    def closed_until_ms(self, unit: int) -> int:
        """Monotonic instant before which this unit must not be asked again; in the past when it may."""
        ...

    def take_strays(self) -> list[Stray]:
        """What was heard beside the answers since the last call."""
        ...

    def take_foreign(self) -> tuple[bytes, ...]:
        """Questions of another master that were heard since the last call."""
        ...


class Port(Protocol):
    """Bytes out, bytes in. Every failure of the world is LineDown, after which the port is closed."""

    def close(self) -> None:
        """Let go; harmless when it is gone."""
        ...

    def write(self, frame: bytes) -> None:
        """Hand a frame over."""
        ...

    def read(self, wait_us: int, at_most: int) -> bytes:
        """What has come in, waiting at most so long for the first byte; nothing when nothing came."""
        ...
