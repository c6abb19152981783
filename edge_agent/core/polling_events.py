"""What changes a meter's place in the round: a list, a wish, an answer, a silence. Pure; the choice is `polling`."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace

from edge_agent.core.polling import Ask, Boundary, MeterPolling, Part, Polling, PollingLimits


def with_meters(polling: Polling, meters: Sequence[tuple[str, int, int, int]], now_ms: int) -> Polling:
    """Another list of (meter, poll_ms, detail_ms, detail blocks), in the order of the round; those that stay keep
    what is known of them."""
    places: dict[str, MeterPolling] = {}
    for meter, poll_ms, detail_ms, details in meters:
        known = polling.meters.get(meter)
        if known is None or len(known.details_due_ms) != details:
            known = MeterPolling(poll_ms, detail_ms, (now_ms,) * details)
        places[meter] = replace(known, poll_ms=poll_ms, detail_ms=detail_ms)
    return replace(
        polling,
        meters=places,
        orders=tuple(meter for meter in polling.orders if meter in places),
        wishes=tuple(wish for wish in polling.wishes if wish[0] in places),
        boundaries=tuple(_only(boundary, places) for boundary in polling.boundaries),
    )


def _only(boundary: Boundary, places: Mapping[str, MeterPolling]) -> Boundary:
    return replace(boundary, waiting={meter: n for meter, n in boundary.waiting.items() if meter in places})


def with_order(polling: Polling, meter: str) -> Polling:
    """A relay order waits; one that waits already keeps its place."""
    return polling if meter in polling.orders else replace(polling, orders=(*polling.orders, meter))


def without_order(polling: Polling, meter: str) -> Polling:
    """The order was carried out or dropped."""
    return replace(polling, orders=tuple(each for each in polling.orders if each != meter))


def with_wishes(polling: Polling, meters: Iterable[str], part: Part) -> Polling:
    """Somebody wants these read now."""
    new = [(meter, part) for meter in meters if meter in polling.meters and (meter, part) not in polling.wishes]
    return replace(polling, wishes=(*polling.wishes, *dict.fromkeys(new)))


def with_boundary(polling: Polling, at_ms: int, meters: Iterable[str], now_ms: int) -> Polling:
    """Readings for an instant of the wall clock, at or just before now; more for the same instant join it."""
    asked = tuple(dict.fromkeys(meters))
    waiting = {meter: 0 for meter in asked if meter in polling.meters}
    unknown = tuple(meter for meter in asked if meter not in waiting)
    for known in polling.boundaries:
        if known.at_ms == at_ms:
            joined = replace(known, waiting={**waiting, **known.waiting}, missed=(*known.missed, *unknown))
            return replace(polling, boundaries=_exchanged(polling, joined))
    return replace(polling, boundaries=(*polling.boundaries, Boundary(at_ms, now_ms, waiting, unknown)))


def _exchanged(polling: Polling, boundary: Boundary) -> tuple[Boundary, ...]:
    """The boundaries with this one in the place of that for the same instant."""
    return tuple(boundary if each.at_ms == boundary.at_ms else each for each in polling.boundaries)


def without_boundary(polling: Polling, at_ms: int) -> Polling:
    """That boundary is done with."""
    return replace(polling, boundaries=tuple(each for each in polling.boundaries if each.at_ms != at_ms))


def begin_cycle(polling: Polling) -> Polling:
    """A round begins."""
    return replace(polling, cycle=polling.cycle + 1, in_cycle=True, probed=False, details_read=0)


def end_cycle(polling: Polling) -> Polling:
    """The round is over."""
    return replace(polling, in_cycle=False)


def answered(polling: Polling, ask: Ask, now_ms: int, closed_until_ms: int = 0) -> Polling:
    """It answered. `closed_until_ms` where a part of what was asked failed all the same."""
    polling = _asked(polling, ask, now_ms)
    place = polling.meters[ask.meter]
    was_live = polling.is_live(ask.meter)
    meters = dict(polling.meters)
    failures = 0 if ask.part is Part.ENFORCEMENT else place.failures
    meters[ask.meter] = replace(place, failures=failures, closed_until_ms=closed_until_ms)
    if ask.part is Part.ENFORCEMENT and not was_live and not any(map(polling.is_live, polling.meters)):
        # The whole bus was silent and is back: let nobody wait for the end of a long pause.
        meters = {meter: replace(each, retry_ms=min(each.retry_ms, now_ms)) for meter, each in meters.items()}
    return replace(_served(polling, ask), meters=meters)


def failed(polling: Polling, ask: Ask, now_ms: int, closed_until_ms: int, jitter: float) -> Polling:
    """It did not answer cleanly. `jitter` is a chance number from 0 to 1."""
    polling = _asked(polling, ask, now_ms)
    place = polling.meters[ask.meter]
    failures = place.failures + (ask.part is Part.ENFORCEMENT)
    retry_ms = now_ms + back_off_ms(polling.limits, failures, jitter)
    meters = dict(polling.meters)
    meters[ask.meter] = replace(place, failures=failures, retry_ms=retry_ms, closed_until_ms=closed_until_ms)
    return replace(_missed(polling, ask), meters=meters)


def back_off_ms(limits: PollingLimits, failures: int, jitter: float) -> int:
    """The pause after so many failures in a row: none in the round, then growing to the most, and jittered."""
    beyond = failures - limits.tries_in_round
    if beyond < 0:
        return 0
    pause_ms = limits.back_off_most_ms
    if beyond < pause_ms.bit_length():
        pause_ms = min(limits.back_off_first_ms << beyond, pause_ms)
    return round(pause_ms * (1 + (2 * jitter - 1) * limits.jitter_percent / 100))


def _asked(polling: Polling, ask: Ask, now_ms: int) -> Polling:
    """What asking alone changes: its place in the round, and what the round has spent."""
    place = polling.meters[ask.meter]
    if ask.part is Part.DETAIL:
        due = list(place.details_due_ms)
        due[ask.detail] = now_ms + place.detail_ms
        place = replace(place, details_due_ms=tuple(due))
        polling = replace(polling, details_read=polling.details_read + 1)
    elif ask.part is Part.ENFORCEMENT:
        place = replace(place, due_ms=_next_due_ms(place, now_ms), asked_in=polling.cycle)
        polling = replace(polling, probed=polling.probed or not polling.is_live(ask.meter))
    return replace(polling, meters={**polling.meters, ask.meter: place})


def _next_due_ms(place: MeterPolling, now_ms: int) -> int:
    """One pace after it was due, so that the pace does not grow by what a transaction takes; what was missed is not
    caught up."""
    due_ms = place.due_ms + place.poll_ms
    return due_ms if now_ms < due_ms else now_ms + place.poll_ms


def _served(polling: Polling, ask: Ask) -> Polling:
    """Take away what this answer was wanted for."""
    wishes = tuple(wish for wish in polling.wishes if wish != (ask.meter, ask.part))
    polling = replace(polling, wishes=wishes)
    boundary = _boundary_of(polling, ask)
    if boundary is None:
        return polling
    waiting = {meter: tries for meter, tries in boundary.waiting.items() if meter != ask.meter}
    return replace(polling, boundaries=_exchanged(polling, replace(boundary, waiting=waiting)))


def _missed(polling: Polling, ask: Ask) -> Polling:
    """A wish is tried once, a boundary a few times."""
    boundary = _boundary_of(polling, ask)
    tries = boundary.waiting.get(ask.meter, 0) + 1 if boundary else 0
    if boundary is None or tries >= polling.limits.boundary_tries:
        polling = _served(polling, ask)
        boundary = _boundary_of(polling, ask)
        if boundary is None:
            return polling
        return replace(polling, boundaries=_exchanged(polling, replace(boundary, missed=(*boundary.missed, ask.meter))))
    waiting = {**boundary.waiting, ask.meter: tries}
    return replace(polling, boundaries=_exchanged(polling, replace(boundary, waiting=waiting)))


def _boundary_of(polling: Polling, ask: Ask) -> Boundary | None:
    return next((each for each in polling.boundaries if each.at_ms == ask.boundary_at_ms), None)


def closed(polling: Polling, meter: str, until_ms: int) -> Polling:
    """The line wants this meter left alone until then."""
    place = replace(polling.meters[meter], closed_until_ms=until_ms)
    return replace(polling, meters={**polling.meters, meter: place})
