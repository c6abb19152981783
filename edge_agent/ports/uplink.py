"""The port to the centre: one exchange of lines, and how it ended."""

from __future__ import annotations

import enum
from dataclasses import dataclass
from typing import Protocol

from protocol.envelope import Line


class Blame(enum.StrEnum):
    """Whose fault a failed exchange is: the fibre's, the centre's, or ours."""

    WORLD = "world"
    THEIRS = "theirs"
    OURS = "ours"


@dataclass(frozen=True, slots=True)
class Exchange:
    """One request to the centre. `number` is named again in what comes of it."""

    number: int
    path: str
    lines: tuple[Line, ...]
    wait_s: int
    trust_dates: bool = True
    """False while our clock is not believed: then the pinned CA counts, and not the dates of what it has signed."""


@dataclass(frozen=True, slots=True)
class ExchangeAnswered:
    """The centre answered with lines; nothing of them has been believed yet."""

    number: int
    lines: tuple[Line, ...]
    round_trip_ms: int
    at_mono_ms: int


@dataclass(frozen=True, slots=True)
class ExchangeFailed:
    """Nothing usable came. `retry_after_s` is what the centre asked for, if it did."""

    number: int
    blame: Blame
    detail: str
    retry_after_s: int | None
    at_mono_ms: int


ExchangeReport = ExchangeAnswered | ExchangeFailed


class Uplink(Protocol):
    """The way to the centre. Every call returns at once; what comes of it arrives as a report."""

    @property
    def last_progress_mono_ms(self) -> int:
        """When the worker last moved: what feeds the watchdog."""
        ...

    def start(self) -> None:
        """Begin to work; once."""
        ...

    def stop(self, timeout_s: float = 5.0) -> bool:
        """End, dropping what is under way. True when the worker has ended within the time."""
        ...

    def send(self, exchange: Exchange) -> None:
        """Send this; a request that still waits for its answer is dropped: the newest wins."""
        ...

    def certificate_changed(self) -> None:
        """Our own certificate is another one: the next exchange shows it."""
        ...
