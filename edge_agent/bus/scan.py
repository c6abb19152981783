"""Looks for meters on a line: who answers, by which profile, with which serial number; two on one id; within a time.

Everybody is asked for two holding registers, and who is silent for two input registers, which another family of meters
tells: any answer, a refusal too, is a meter. Reads alone.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field

from edge_agent.bus.meter import BusMeter
from edge_agent.bus.probing import DAMAGED, TRIES, Fit, probe
from edge_agent.bus.transaction import Line, Pace
from edge_agent.bus.verdict import LineFault
from edge_agent.core.measured import FaultKind
from edge_agent.ports import Clock, PolledMeter
from protocol.meter_profile.frames import Request, read_request
from protocol.meter_profile.values import Profile

PROBES = ((3, 0x0000, 2), (4, 0x0000, 2))
"""Function, address, count. Two registers: some makes answer reads of an even number alone."""


@dataclass(frozen=True, slots=True)
class FoundMeter:
    """A unit that answers. `fits`: profiles, best first; `doubled`: two meters on this id, or a bad line."""

    unit: int
    fits: tuple[Fit, ...] = ()
    doubled: bool = False
    heard: str = ""


@dataclass(slots=True)
class Scanned:
    """What a scan found. `complete` is False where its time was over first; `asked`: unit ids that were tried."""

    meters: list[FoundMeter] = field(default_factory=list)
    asked: int = 0
    complete: bool = True


Tell = Callable[[str], None]


class Scan:
    """One walk over the unit ids of one line. For one thread."""

    def __init__(
        self,
        line: Line,
        profiles: Sequence[Profile],
        clock: Clock,
        tell: Tell,
        *,
        pace: Pace,
        until_mono_ms: int,
        narrow: bool = False,
        own: Sequence[Profile] = (),
    ) -> None:
        """`tell` takes words about the progress. `narrow`: look for meters of these profiles alone, by what they read.

        `own`: those of the profiles that are the site's; who is silent to the usual questions is asked what they read.
        A unit that has answered is described to its end, even where the time is over meanwhile.
        """
        self._line = line
        self._profiles = profiles
        self._clock = clock
        self._tell = tell
        self._pace = pace
        self._until_ms = until_mono_ms
        self._narrow = narrow
        self._by_profile = profiles if narrow else own

    def run(self, units: Iterable[int]) -> Scanned:
        """Look for meters at these unit ids. Raises LineDown."""
        found = Scanned()
        waiting = list(units)
        answers: dict[int, LineFault | None] = {}
        for number in range(self._passes()):
            waiting = self._walk(waiting, number, answers, found)
        for unit in sorted(answers):
            if self._clock.mono_ms() >= self._until_ms:
                found.complete = False
                found.meters.append(FoundMeter(unit, heard="not looked at: the time was over"))
                continue
            self._tell(f"unit {unit} answers; looking for its profile")
            found.meters.append(self._describe(unit, answers[unit]))
        return found

    def _passes(self) -> int:
        return len(self._by_profile) + (0 if self._narrow else len(PROBES))

    def _walk(
        self, units: Sequence[int], number: int, answers: dict[int, LineFault | None], found: Scanned
    ) -> list[int]:
        """Ask each unit once; those that were silent."""
        silent = []
        for place, unit in enumerate(units):
            if self._clock.mono_ms() >= self._until_ms:
                found.complete = False
                return []
            if place % 16 == 0:
                self._tell(f"pass {number + 1}, unit {unit}: {len(answers)} found so far")
            outcome = self._line.transact(self._question(unit, number), self._pace)
            self._line.take_strays()
            found.asked += number == 0
            if not isinstance(outcome, LineFault) or outcome.kind is FaultKind.EXCEPTION:
                answers[unit] = None
            elif outcome.kind in DAMAGED:
                answers[unit] = outcome
            else:
                silent.append(unit)
        return silent

    def _question(self, unit: int, number: int) -> Request:
        usual = () if self._narrow else PROBES
        if number < len(usual):
            function, address, count = usual[number]
            return read_request(unit, function, address, count)
        profile = self._by_profile[number - len(usual)]
        return BusMeter(PolledMeter("probe", unit, profile)).enforcement[0].request

    def _describe(self, unit: int, fault: LineFault | None) -> FoundMeter:
        """Two meters whose refusals are alike are one until they tell different data: so damaged answers count."""
        damaged = fault is not None
        for _ in range(TRIES - 1 if damaged else 0):
            again = self._line.transact(self._question(unit, 0), self._pace)
            self._line.take_strays()
            damaged = damaged and isinstance(again, LineFault) and again.kind in DAMAGED
        if damaged and fault is not None:
            return FoundMeter(unit, doubled=True, heard=_heard(fault))
        probed = probe(self._line, unit, self._profiles)
        self._line.take_strays()
        if probed.failed and probed.damaged is not None:
            return FoundMeter(unit, doubled=True, heard=_heard(probed.damaged))
        return FoundMeter(unit, tuple(probed.fits), doubled=_differ(probed.fits))


def _heard(fault: LineFault) -> str:
    return f"{fault.kind}: {fault.heard.hex(' ').upper()}"


def _differ(fits: Sequence[Fit]) -> bool:
    """Whether two readings of one register told two serial numbers: then two meters took turns."""
    by_place: dict[tuple[int, int, str], set[str]] = {}
    for fit in fits:
        where = fit.profile.serial
        if where is not None and fit.serial is not None:
            by_place.setdefault((where.function, where.address, where.encoding), set()).add(fit.serial)
    return any(len(told) > 1 for told in by_place.values())
