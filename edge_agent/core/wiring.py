"""What voltages, currents and powers of one reading say about the wiring: a table of checks, each with its bounds.

Every check has a bound beyond which it speaks for the alarm and a nearer one within which it speaks against it;
between the two, or where the profile lacks a quantity, it says nothing. What many readings say together is judged in
`suspicion`. Primary side throughout. Pure, integers only.
"""

import enum
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Final

from protocol.records import AlarmKind

PHASES: Final = ("_a", "_b", "_c")
LEAST_SUPPLY_MV: Final = 50_000
"""Below this no phase is alive, and a comparison of phases says nothing."""
LOST_PERCENT: Final = 50
FOUND_PERCENT: Final = 60
"""Of the highest phase: a phase below is lost; a load on the other two can feed back up to half of it."""
UNBALANCE_PERMILLE: Final = 40
BALANCED_PERMILLE: Final = 20
"""Greatest deviation from the mean of the phase voltages. GB/T 15543: 2 % in normal service, 4 % for a short time."""
DEAD_PERCENT: Final = 20
ALIVE_PERCENT: Final = 30
"""Of the reference voltage, for a phase that carries current."""
CURRENT_PERMILLE: Final = 20
LEAST_CURRENT_MA: Final = 500
"""A current worth an alarm: 2 % of the rated one, and more than what a meter shows beside strong fields."""
REVERSED_PERMILLE: Final = 10
LEAST_REVERSED_W: Final = 50
SHORT_PERCENT: Final = 80
FULL_PERCENT: Final = 90
"""Of voltage x current x power factor: meters of class 1 agree within 3 %, a bridged path takes half."""
EXPECTED_PERMILLE: Final = 50
LEAST_EXPECTED_W: Final = 100


class Says(enum.Enum):
    """What one reading says about one alarm."""

    FOR = "for"
    AGAINST = "against"
    NOTHING = "nothing"


@dataclass(frozen=True, slots=True)
class Electricity:
    """One detail reading with what is known of its supply point.

    Attributes:
        values: by name with unit, ratio included; power_w: the newest measured power, None where there is none.
        phases: 1 or 3, of the supply point; rated_ma: of one phase.
        nominal_mv: phase voltage of the supply; None behind a voltage transformer, whose primary is not planned.
    """

    values: Mapping[str, int]
    power_w: int | None
    phases: int
    rated_ma: int
    nominal_mv: int | None

    def of_phases(self, name: str, unit: str) -> tuple[int, ...] | None:
        """A quantity of each phase, or None where one is missing."""
        names = [f"{name}{phase}{unit}" for phase in PHASES] if self.phases == 3 else [f"{name}{unit}"]
        if any(each not in self.values for each in names):
            return None
        return tuple(self.values[each] for each in names)

    @property
    def rated_w(self) -> int | None:
        """Of one phase."""
        return None if self.nominal_mv is None else self.nominal_mv * self.rated_ma // 10**6


def phase_lost(seen: Electricity) -> Says:
    """One phase far below the highest."""
    voltages = seen.of_phases("voltage", "_mv")
    if voltages is None or seen.phases != 3 or max(voltages) < LEAST_SUPPLY_MV:
        return Says.NOTHING
    return _bounds(min(voltages) * 100, LOST_PERCENT * max(voltages), FOUND_PERCENT * max(voltages))


def unbalance(seen: Electricity) -> Says:
    """The phases apart by more than the grid's own standard allows; a lost phase is another alarm."""
    voltages = seen.of_phases("voltage", "_mv")
    if voltages is None or phase_lost(seen) is not Says.AGAINST:
        return Says.NOTHING
    total = sum(voltages)
    apart = max(abs(3 * voltage - total) for voltage in voltages) * 1_000
    if apart > UNBALANCE_PERMILLE * total:
        return Says.FOR
    return Says.AGAINST if apart <= BALANCED_PERMILLE * total else Says.NOTHING


def current_without_voltage(seen: Electricity) -> Says:
    """A phase that carries current has no voltage: its voltage tap is loose or was taken off."""
    voltages, currents = seen.of_phases("voltage", "_mv"), seen.of_phases("current", "_ma")
    reference = max((*(voltages or ()), seen.nominal_mv or 0))
    if voltages is None or currents is None or reference == 0:
        return Says.NOTHING
    least_ma = max(LEAST_CURRENT_MA, CURRENT_PERMILLE * seen.rated_ma // 1_000)
    said = [
        _bounds(voltage * 100, DEAD_PERCENT * reference, ALIVE_PERCENT * reference)
        if abs(current) > least_ma
        else Says.AGAINST
        for voltage, current in zip(voltages, currents, strict=True)
    ]
    return _worst(said)


def phase_reversed(seen: Electricity) -> Says:
    """One phase gives back while another takes: its transformer or its pair of wires is turned round."""
    powers = seen.of_phases("power", "_w")
    if powers is None or seen.phases != 3:
        return Says.NOTHING
    bound_w = max(LEAST_REVERSED_W, REVERSED_PERMILLE * (seen.rated_w or 0) // 1_000)
    if max(powers) <= bound_w:
        return Says.NOTHING
    return _bounds(min(powers), -bound_w, -bound_w // 2)


def import_short(seen: Electricity) -> Says:
    """Less power than voltage x current x power factor make: a part of it goes past the meter."""
    voltages, currents = seen.of_phases("voltage", "_mv"), seen.of_phases("current", "_ma")
    factors = seen.of_phases("power_factor", "_milli")
    powers = seen.of_phases("power", "_w")
    power_w = sum(powers) if powers is not None and seen.phases == 3 else seen.power_w
    if voltages is None or currents is None or factors is None or power_w is None:
        return Says.NOTHING
    expected_w = sum(u * abs(i) * abs(f) for u, i, f in zip(voltages, currents, factors, strict=True)) // 10**9
    least_w = max(LEAST_EXPECTED_W, EXPECTED_PERMILLE * (seen.rated_w or 0) * seen.phases // 1_000)
    if expected_w < least_w:
        return Says.NOTHING
    return _bounds(power_w * 100, SHORT_PERCENT * expected_w, FULL_PERCENT * expected_w)


CHECKS: Final[tuple[tuple[AlarmKind, Callable[[Electricity], Says]], ...]] = (
    ("phase_lost", phase_lost),
    ("phase_reversed", phase_reversed),
    ("current_without_voltage", current_without_voltage),
    ("unbalance", unbalance),
    ("import_short", import_short),
)


def _bounds(value: int, bad_below: int, good_from: int) -> Says:
    if value < bad_below:
        return Says.FOR
    return Says.AGAINST if value >= good_from else Says.NOTHING


def _worst(said: list[Says]) -> Says:
    if Says.FOR in said:
        return Says.FOR
    return Says.NOTHING if Says.NOTHING in said else Says.AGAINST
