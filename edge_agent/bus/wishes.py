"""What others ask of a bus worker, as it lies in its inbox."""

from __future__ import annotations

from dataclasses import dataclass

from edge_agent.core.polling import Part
from edge_agent.ports import LentQuestion, PolledMeter, PrepaidOrder, RelayOrder


@dataclass(frozen=True, slots=True)
class Wishes:
    """Read these now."""

    meters: tuple[str, ...]
    part: Part


@dataclass(frozen=True, slots=True)
class ClockWish:
    """Set these clocks."""

    meters: tuple[str, ...]
    utc_offset_s: int


@dataclass(frozen=True, slots=True)
class BoundaryWish:
    """Read these for an instant of the wall clock."""

    at_ms: int
    meters: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class NewMeters:
    """Poll these from now on."""

    meters: tuple[PolledMeter, ...]


@dataclass(frozen=True, slots=True)
class Stop:
    """End after the running transaction."""


Message = RelayOrder | PrepaidOrder | LentQuestion | Wishes | ClockWish | BoundaryWish | NewMeters | Stop
