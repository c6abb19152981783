"""The closed lists of the profile format: what a quantity may be called, which units it may have, what is believable.

Only words and numbers; how a file is read is in `reading`.
"""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction

FORMAT = 1
"""Version of the format. A file says which it was written for."""

METER_KIND = "meter"
BOARD_KIND = "relay_board"
"""What a file describes."""

LONGEST_SILENCE_MS = 1_000
LONGEST_TURNAROUND_MS = 5_000
DEFAULT_TURNAROUND_MS = 200

PHASES = ("", "_a", "_b", "_c")
LARGEST_ON_THE_WIRE = 2**53 - 1
"""Integers beyond are refused by the lines between box and centre."""


@dataclass(frozen=True, slots=True)
class Dimension:
    """What kind of number a quantity is.

    Attributes:
        suffix: our unit as it ends a reported name.
        units: what a profile may name, each with its factor to our unit.
        least, greatest: what is believable at the meter, in our unit.
    """

    suffix: str
    units: dict[str, Fraction]
    least: int
    greatest: int


def _prefixed(unit: str, *steps: tuple[str, int]) -> dict[str, Fraction]:
    return {prefix + unit: Fraction(factor) for prefix, factor in steps}


ENERGY = Dimension("_raw_wh", _prefixed("Wh", ("", 1), ("k", 1_000), ("M", 1_000_000)), 0, LARGEST_ON_THE_WIRE)
REACTIVE_ENERGY = Dimension(
    "_raw_varh", _prefixed("varh", ("", 1), ("k", 1_000), ("M", 1_000_000)), 0, LARGEST_ON_THE_WIRE
)
# 1 GW, 1 MV and 1 MA: beyond any supply that a meter on a bus measures, on the primary side too; what a damaged or
# wrongly ordered float says is nearly always far outside.
POWER = Dimension("_w", _prefixed("W", ("", 1), ("k", 1_000), ("M", 1_000_000)), -(10**9), 10**9)
REACTIVE_POWER = Dimension("_var", _prefixed("var", ("", 1), ("k", 1_000), ("M", 1_000_000)), -(10**9), 10**9)
APPARENT_POWER = Dimension("_va", _prefixed("VA", ("", 1), ("k", 1_000), ("M", 1_000_000)), 0, 10**9)
VOLTAGE = Dimension("_mv", {"mV": Fraction(1), "V": Fraction(1_000), "kV": Fraction(1_000_000)}, 0, 10**9)
CURRENT = Dimension("_ma", {"mA": Fraction(1), "A": Fraction(1_000), "kA": Fraction(1_000_000)}, -(10**9), 10**9)
FREQUENCY = Dimension("_mhz", {"mHz": Fraction(1), "Hz": Fraction(1_000)}, 0, 100_000)
POWER_FACTOR = Dimension("_milli", {"1": Fraction(1_000), "%": Fraction(10)}, -1_000, 1_000)
SHARE = Dimension("_milli", {"1": Fraction(1_000), "%": Fraction(10)}, 0, 65_535_000)
COUNT = Dimension("", {"1": Fraction(1)}, 0, LARGEST_ON_THE_WIRE)
MONEY = Dimension("_micro", {"money": Fraction(1_000_000)}, -LARGEST_ON_THE_WIRE, LARGEST_ON_THE_WIRE)
"""The unit `money` is one of the site's currency: a yuan."""
DURATION = Dimension("_s", {"s": Fraction(1), "min": Fraction(60)}, 0, 10**9)


def _of(dimension: Dimension, *names: str, phases: tuple[str, ...] = ("",)) -> dict[str, Dimension]:
    return {name + phase: dimension for name in names for phase in phases}


QUANTITIES: dict[str, Dimension] = {
    **_of(ENERGY, "energy", "energy_forward", "energy_reverse", phases=PHASES),
    **_of(REACTIVE_ENERGY, "reactive_energy", "reactive_energy_forward", "reactive_energy_reverse", phases=PHASES),
    **_of(POWER, "power", phases=PHASES),
    **_of(REACTIVE_POWER, "reactive_power", phases=PHASES),
    **_of(APPARENT_POWER, "apparent_power", phases=PHASES),
    **_of(POWER_FACTOR, "power_factor", phases=PHASES),
    **_of(VOLTAGE, "voltage", phases=(*PHASES, "_ab", "_bc", "_ca")),
    **_of(CURRENT, "current", phases=(*PHASES, "_zero")),
    **_of(FREQUENCY, "frequency"),
    **_of(SHARE, "voltage_unbalance", "current_unbalance", "ct", "pt"),
    **_of(COUNT, "status_word"),
}

CHARGED = "energy"
"""The quantity that every profile must have."""
CHARGED_KEY = "raw_wh"

PREPAID: dict[str, Dimension] = {
    **_of(COUNT, "switch", "purchase_count", "overload_switch", "overload_restores_allowed", "overload_restores"),
    **_of(MONEY, "alarm1", "alarm2", "balance", "purchase_amount", "purchased", "base", "base_balance", "overdraft"),
    **_of(POWER, "overload_power"),
    **_of(DURATION, "overload_open"),
}
PRICE_PREFIX = "price_"
"""`price_` and the name of a rate: money for one kWh, as the meter holds it."""

CLOCK_BYTES = ("second", "minute", "hour", "weekday", "day", "month", "year", "century", "reserved")


def reported_key(name: str, dimension: Dimension) -> str:
    """The name of a quantity with our unit."""
    return CHARGED_KEY if name == CHARGED else name + dimension.suffix
