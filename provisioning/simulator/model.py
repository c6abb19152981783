"""What a model of meter is: its registers, its phases, its calendar, its way of being forced."""

from collections.abc import Callable
from dataclasses import dataclass

from provisioning.simulator.calendar_tables import CalendarFormat
from provisioning.simulator.memory import RATES, MeterMemory
from provisioning.simulator.own_control import Forced
from provisioning.simulator.registers import RegisterMap

# After alarm 2 a released meter with its own account closes again after this long (0-255 s, 0 = not before a
# purchase [M]). No source says where it is set; a minute shows a warning cut and ends it.
RECOVERY_TIME_S = 60


@dataclass(frozen=True, slots=True)
class MeterModel:
    """One model. `functions` are the function codes it knows; `units` how many unit ids one user takes."""

    name: str
    phases: int
    units: int
    functions: frozenset[int]
    registers: RegisterMap
    calendar: CalendarFormat
    forced: Callable[[MeterMemory], Forced]
    transformers: bool

    def new_memory(self, serial: str, energy_wh: int, ct: int, pt: int) -> MeterMemory:
        """A meter fresh from the factory, its total register at `energy_wh`."""
        words, tables = self.registers.factory_settings()
        words |= {"ct": ct, "pt": pt, "recovery_time_s": RECOVERY_TIME_S}
        memory = MeterMemory(
            model=self.name,
            serial=serial,
            energy_uj=[[0] * len(RATES) for _ in range(self.phases)],
            reactive_uj=[[0] * len(RATES) for _ in range(self.phases)],
            settings=words,
            tables=tables,
        )
        memory.set_energy_wh(energy_wh)
        return memory
