"""What a register can tell: energies, the meter's own account, voltages, currents, powers.

Each is a function of the meter's facts in the unit that its docstring names; a model's table puts it at an address.
"""

from collections.abc import Callable

from provisioning.simulator.memory import MICROJOULES_PER_WH, RATES
from provisioning.simulator.own_control import ACCOUNT_PER_CENT
from provisioning.simulator.registers import MeterFacts

# 0.01 kWh in microjoules: the resolution of all energy registers here.
MICROJOULES_PER_CENT_KWH = 10 * MICROJOULES_PER_WH


def energy_units(microjoules: int) -> int:
    """Microjoules as counts of 0.01 kWh, cut off as a display does."""
    return microjoules // MICROJOULES_PER_CENT_KWH


def active_energy(facts: MeterFacts) -> int:
    """Total active energy, 0.01 kWh."""
    return energy_units(facts.memory.total_energy_uj)


def reactive_energy(facts: MeterFacts) -> int:
    """Total reactive energy, 0.01 kvarh."""
    return energy_units(sum(map(sum, facts.memory.reactive_uj)))


def active_energy_of_phase(phase: int) -> Callable[[MeterFacts], int]:
    """Active energy of one phase, 0.01 kWh."""
    return lambda facts: energy_units(sum(facts.memory.energy_uj[phase]))


def reactive_energy_of_phase(phase: int) -> Callable[[MeterFacts], int]:
    """Reactive energy of one phase, 0.01 kvarh."""
    return lambda facts: energy_units(sum(facts.memory.reactive_uj[phase]))


def active_energy_at(rate: str) -> Callable[[MeterFacts], int]:
    """Active energy at one rate, 0.01 kWh."""
    index = RATES.index(rate)
    return lambda facts: energy_units(sum(phase[index] for phase in facts.memory.energy_uj))


def reactive_energy_at(rate: str) -> Callable[[MeterFacts], int]:
    """Reactive energy at one rate, 0.01 kvarh."""
    index = RATES.index(rate)
    return lambda facts: energy_units(sum(phase[index] for phase in facts.memory.reactive_uj))


def voltage(phase: int, unit_mv: int = 100) -> Callable[[MeterFacts], int]:
    """Voltage of one phase in units of `unit_mv`."""
    return lambda facts: facts.measured.voltage_mv[phase] // unit_mv


def line_voltage(phase: int, unit_mv: int = 100) -> Callable[[MeterFacts], int]:
    """Voltage between a phase and the next, in units of `unit_mv`, of phases 120 degrees apart."""

    def tell(facts: MeterFacts) -> int:
        one, other = facts.measured.voltage_mv[phase], facts.measured.voltage_mv[(phase + 1) % 3]
        return int((one * one + other * other + one * other) ** 0.5) // unit_mv

    return tell


def current(phase: int, unit_ma: int = 10) -> Callable[[MeterFacts], int]:
    """Current of one phase in units of `unit_ma`."""
    return lambda facts: facts.measured.current_ma[phase] // unit_ma


def power(phase: int) -> Callable[[MeterFacts], int]:
    """Active power of one phase, W."""
    return lambda facts: facts.measured.power_mw[phase] // 1000


def total_power(facts: MeterFacts) -> int:
    """Active power of all phases, W."""
    return facts.measured.total_power_mw // 1000


def reactive_power(phase: int) -> Callable[[MeterFacts], int]:
    """Reactive power of one phase, var."""
    return lambda facts: facts.measured.reactive_mvar[phase] // 1000


def total_reactive_power(facts: MeterFacts) -> int:
    """Reactive power of all phases, var."""
    return facts.measured.total_reactive_mvar // 1000


def power_factor(phase: int) -> Callable[[MeterFacts], int]:
    """Power factor of one phase, 0.001."""
    return lambda facts: facts.measured.power_factor_permille[phase]


def total_power_factor(facts: MeterFacts) -> int:
    """Power factor of all phases, 0.001."""
    return facts.measured.total_power_factor_permille


def frequency(facts: MeterFacts) -> int:
    """Frequency, 0.01 Hz."""
    return facts.measured.frequency_mhz // 10


def remaining(facts: MeterFacts) -> int:
    """The meter's own balance, 0.01 yuan, cut towards minus infinity: it never shows more than there is."""
    return facts.memory.remaining // ACCOUNT_PER_CENT


def purchased(facts: MeterFacts) -> int:
    """Sum of all purchases, 0.01 yuan."""
    return facts.memory.purchased_total


def purchase_count(facts: MeterFacts) -> int:
    """How many purchases the meter has taken."""
    return facts.memory.purchase_count


def last_purchase(facts: MeterFacts) -> int:
    """Amount of the last purchase, 0.01 yuan."""
    return facts.memory.last_purchase


def nothing(_facts: MeterFacts) -> int:
    """A counter that never moves here: reverse energy, overdraft."""
    return 0


def setting_of(key: str) -> Callable[[MeterFacts], int]:
    """A remembered word or pair of words that stands at another address, told here too."""
    return lambda facts: facts.memory.settings[key]


def voltage_unbalance(facts: MeterFacts) -> int:
    """Greatest distance of a phase voltage from their mean, 0.01 %."""
    return _unbalance(facts.measured.voltage_mv)


def current_unbalance(facts: MeterFacts) -> int:
    """Greatest distance of a phase current from their mean, 0.01 %."""
    return _unbalance(facts.measured.current_ma)


def _unbalance(values: tuple[int, ...]) -> int:
    mean = sum(values) / len(values)
    return round(10_000 * max(abs(value - mean) for value in values) / mean) if mean else 0
