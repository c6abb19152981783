"""Whom to ask next on one bus: relay orders, then wishes, then boundaries, then the round. Pure: state in, choice out.

A round asks every live meter that is due once, then at most one of the dead, then a few details. A meter that does
not answer stays in the round for its first tries, then is left alone for longer and longer, so that nineteen live
meters never wait for a dead one. What a line needs (silence, late window) arrives here as `closed_until_ms`.
"""

from __future__ import annotations

import enum
from collections.abc import Mapping
from dataclasses import dataclass, field

from edge_agent.core.measured import ReadPurpose


@dataclass(frozen=True, slots=True)
class PollingLimits:
    """Bounds of the round.

    Attributes:
        tries_in_round: failures in a row after which a meter leaves the round.
        lost_after_tries: failures in a row after which it is `lost`.
        back_off_first_ms, back_off_most_ms: the first pause, doubled with each failure up to the most. At the most, a
            dead meter costs one time-out of a quarter of a second in a minute.
        jitter_percent: pauses vary by so much both ways, lest the dead come due together for ever.
        details_per_cycle: detail blocks read in one round while the live wait; between rounds there is no bound.
        boundary_most_ms: a boundary reading later than this is no longer one (the design's tolerance).
        boundary_tries: of one meter at one boundary.
    """

    tries_in_round: int = 3
    lost_after_tries: int = 5
    back_off_first_ms: int = 2_000
    back_off_most_ms: int = 60_000
    jitter_percent: int = 25
    details_per_cycle: int = 2
    boundary_most_ms: int = 10_000
    boundary_tries: int = 3


class Part(enum.Enum):
    """What of a meter is read."""

    ENFORCEMENT = "enforcement"
    DETAIL = "detail"
    SERIAL = "serial"
    CLOCK = "clock"
    PREPAID = "prepaid"


@dataclass(frozen=True, slots=True)
class Ask:
    """Read this now. `detail` counts detail blocks from 0."""

    meter: str
    part: Part = Part.ENFORCEMENT
    purpose: ReadPurpose = ReadPurpose.ROUND
    detail: int = 0
    boundary_at_ms: int | None = None


@dataclass(frozen=True, slots=True)
class Switch:
    """Carry out the relay order that waits for this meter."""

    meter: str


@dataclass(frozen=True, slots=True)
class Rest:
    """Nothing to do before that monotonic instant; None: until somebody asks for something."""

    until_ms: int | None


@dataclass(frozen=True, slots=True)
class BeginCycle:
    """Somebody is due: a round begins."""


@dataclass(frozen=True, slots=True)
class EndOfCycle:
    """Everyone who was due has been asked."""


@dataclass(frozen=True, slots=True)
class EndOfBoundary:
    """Nothing more will come of this boundary; `missed` were not read."""

    at_ms: int
    missed: tuple[str, ...]


Choice = Ask | Switch | Rest | BeginCycle | EndOfCycle | EndOfBoundary


def may_wait(choice: Choice) -> bool:
    """Whether a guest of the bus may go before this: relay orders, wishes and boundaries wait for nobody."""
    if isinstance(choice, Ask):
        return choice.purpose is ReadPurpose.ROUND
    return not isinstance(choice, (Switch, EndOfBoundary))


@dataclass(frozen=True, slots=True)
class MeterPolling:
    """One meter's place in the round. Instants are monotonic milliseconds.

    Attributes:
        details_due_ms: when each detail block is due.
        failures: without an answer, in a row.
        due_ms: by its pace; retry_ms: by its back-off; closed_until_ms: by the line.
        asked_in: the last round in which it was asked.
    """

    poll_ms: int
    detail_ms: int
    details_due_ms: tuple[int, ...]
    failures: int = 0
    due_ms: int = 0
    retry_ms: int = 0
    closed_until_ms: int = 0
    asked_in: int = 0


@dataclass(frozen=True, slots=True)
class Boundary:
    """Readings wanted for one instant of the wall clock. `waiting` maps meters to tries made."""

    at_ms: int
    asked_mono_ms: int
    waiting: Mapping[str, int]
    missed: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Polling:
    """All that the choice depends on. Changed by `polling_events` alone."""

    limits: PollingLimits = field(default_factory=PollingLimits)
    meters: Mapping[str, MeterPolling] = field(default_factory=dict)
    orders: tuple[str, ...] = ()
    wishes: tuple[tuple[str, Part], ...] = ()
    boundaries: tuple[Boundary, ...] = ()
    cycle: int = 0
    in_cycle: bool = False
    probed: bool = False
    details_read: int = 0

    def is_live(self, meter: str) -> bool:
        """Whether it belongs to the round, rather than being tried now and then."""
        return self.meters[meter].failures < self.limits.tries_in_round

    def is_lost(self, meter: str) -> bool:
        """Whether it has not answered for its limit of tries."""
        return self.meters[meter].failures >= self.limits.lost_after_tries


def choose(polling: Polling, now_ms: int) -> Choice:
    """What to do now."""
    for meter in polling.orders:
        if _is_open(polling, meter, now_ms):
            return Switch(meter)
    for meter, part in polling.wishes:
        if _is_open(polling, meter, now_ms):
            return Ask(meter, part, ReadPurpose.ON_DEMAND)
    for boundary in polling.boundaries:
        choice = _of_boundary(polling, boundary, now_ms)
        if choice is not None:
            return choice
    return _of_round(polling, now_ms) if polling.in_cycle else _between_rounds(polling, now_ms)


def _is_open(polling: Polling, meter: str, now_ms: int) -> bool:
    return polling.meters[meter].closed_until_ms <= now_ms


def _of_boundary(polling: Polling, boundary: Boundary, now_ms: int) -> Choice | None:
    late = now_ms - boundary.asked_mono_ms > polling.limits.boundary_most_ms
    waiting = [] if late else [meter for meter in boundary.waiting if polling.is_live(meter)]
    if not waiting:
        return EndOfBoundary(boundary.at_ms, (*boundary.missed, *boundary.waiting))
    for meter in waiting:
        if _is_open(polling, meter, now_ms):
            return Ask(meter, Part.ENFORCEMENT, ReadPurpose.BOUNDARY, boundary_at_ms=boundary.at_ms)
    return None


def _of_round(polling: Polling, now_ms: int) -> Choice:
    meter = _next_live(polling, now_ms) or _next_dead(polling, now_ms)
    if meter is not None:
        return Ask(meter)
    if polling.details_read < polling.limits.details_per_cycle:
        detail = _next_detail(polling, now_ms)
        if detail is not None:
            return detail
    return EndOfCycle()


def _between_rounds(polling: Polling, now_ms: int) -> Choice:
    if _next_live(polling, now_ms) is not None or _next_dead(polling, now_ms) is not None:
        return BeginCycle()
    return _next_detail(polling, now_ms) or Rest(_next_instant(polling))


def _next_live(polling: Polling, now_ms: int) -> str | None:
    """The first live meter that is due and was not asked in this round."""
    for meter, place in polling.meters.items():
        asked = polling.in_cycle and place.asked_in == polling.cycle
        if not asked and polling.is_live(meter) and max(place.due_ms, place.closed_until_ms) <= now_ms:
            return meter
    return None


def _next_dead(polling: Polling, now_ms: int) -> str | None:
    """Of the dead that are due the one that waits longest; none when one was tried in this round."""
    if polling.in_cycle and polling.probed:
        return None
    dead = [
        (place.retry_ms, meter)
        for meter, place in polling.meters.items()
        if not polling.is_live(meter) and max(place.retry_ms, place.closed_until_ms) <= now_ms
    ]
    return min(dead)[1] if dead else None


def _next_detail(polling: Polling, now_ms: int) -> Ask | None:
    due = [
        (due_ms, meter, number)
        for meter, place in polling.meters.items()
        if place.failures == 0 and place.closed_until_ms <= now_ms
        for number, due_ms in enumerate(place.details_due_ms)
        if due_ms <= now_ms
    ]
    if not due:
        return None
    _, meter, number = min(due)
    return Ask(meter, Part.DETAIL, ReadPurpose.ROUND, number)


def _next_instant(polling: Polling) -> int | None:
    """When there may be something to do again."""
    instants: list[int] = []
    for meter, place in polling.meters.items():
        by_pace = place.due_ms if polling.is_live(meter) else place.retry_ms
        instants.append(max(by_pace, place.closed_until_ms))
        if place.failures == 0:
            instants += [max(due_ms, place.closed_until_ms) for due_ms in place.details_due_ms]
    wanted = {*polling.orders, *(meter for meter, _ in polling.wishes)}
    wanted |= {meter for boundary in polling.boundaries for meter in boundary.waiting}
    instants += [polling.meters[meter].closed_until_ms for meter in wanted]
    instants += [each.asked_mono_ms + polling.limits.boundary_most_ms + 1 for each in polling.boundaries]
    return min(instants, default=None)
