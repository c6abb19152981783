"""From a load in watts to what a meter measures: voltages, currents, powers, power factors. Pure.

All values are the meter's own side: before CT and PT, in integers, unit last in the name.
"""

import math
from dataclasses import dataclass

from provisioning.simulator.chance import scattered

NOMINAL_VOLTAGE_MV = 230_000
# A meter behind a voltage transformer measures its secondary side, 100 V between phases.
SECONDARY_VOLTAGE_MV = 57_735
VOLTAGE_SCATTER = 0.012
NOMINAL_FREQUENCY_MHZ = 50_000
FREQUENCY_SCATTER_MHZ = 40
MEAN_POWER_FACTOR = 0.945
POWER_FACTOR_SCATTER = 0.045
PHASE_SCATTER = 0.15

_VOLTAGE, _FREQUENCY, _POWER_FACTOR, _SHARE = 1, 20, 30, 40


@dataclass(frozen=True, slots=True)
class Measurements:
    """What is measured in one slot; the tuples have one entry a phase."""

    voltage_mv: tuple[int, ...]
    current_ma: tuple[int, ...]
    power_mw: tuple[int, ...]
    reactive_mvar: tuple[int, ...]
    power_factor_permille: tuple[int, ...]
    frequency_mhz: int

    @property
    def total_power_mw(self) -> int:
        """Active power of all phases."""
        return sum(self.power_mw)

    @property
    def total_reactive_mvar(self) -> int:
        """Reactive power of all phases."""
        return sum(self.reactive_mvar)

    @property
    def total_power_factor_permille(self) -> int:
        """Active over apparent power; 1 where nothing flows."""
        apparent = math.hypot(self.total_power_mw, self.total_reactive_mvar)
        return round(1000 * self.total_power_mw / apparent) if apparent else 1000


def measure(power_mw: int, phases: int, seed: int, slot: int, nominal_mv: int) -> Measurements:
    """The measurements of a slot in which `power_mw` flows through a meter of 1 or 3 phases."""
    shares = [1 + PHASE_SCATTER * scattered(seed, 0, _SHARE + phase) for phase in range(phases)]
    power = [int(power_mw * share / sum(shares)) for share in shares]
    power[-1] += power_mw - sum(power)
    factors = [
        MEAN_POWER_FACTOR + POWER_FACTOR_SCATTER * scattered(seed, slot, _POWER_FACTOR + phase)
        for phase in range(phases)
    ]
    voltage = [
        int(nominal_mv * (1 + VOLTAGE_SCATTER * scattered(seed, slot, _VOLTAGE + phase))) for phase in range(phases)
    ]
    return Measurements(
        voltage_mv=tuple(voltage),
        current_ma=tuple(
            round(1000 * milliwatts / (millivolts * factor))
            for milliwatts, millivolts, factor in zip(power, voltage, factors, strict=True)
        ),
        power_mw=tuple(power),
        reactive_mvar=tuple(
            round(milliwatts * math.tan(math.acos(factor))) for milliwatts, factor in zip(power, factors, strict=True)
        ),
        power_factor_permille=tuple(
            round(1000 * factor) if milliwatts else 1000 for milliwatts, factor in zip(power, factors, strict=True)
        ),
        frequency_mhz=NOMINAL_FREQUENCY_MHZ + int(FREQUENCY_SCATTER_MHZ * scattered(0, slot, _FREQUENCY)),
    )
