"""A simulated site: its buses and meters, and what can be done to them from outside.

The same object serves a test in its own process and the control socket of the simulator's process.
"""

import dataclasses
import fcntl
import os
from collections.abc import Mapping
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from provisioning.simulator.bus import NANOSECONDS_PER_MILLISECOND, BusFailed, SimulatedBus
from provisioning.simulator.faults import Fault
from provisioning.simulator.memory import MemoryFile
from provisioning.simulator.meter import SimulatedMeter
from provisioning.simulator.models import MODELS
from provisioning.simulator.second_master import SecondMaster
from provisioning.simulator.simulator_clock import SimulatorClock
from provisioning.simulator.site_description import (
    MeterDescription,
    SiteDescription,
    SiteMistakes,
    parse_site,
)

# Shown power is the load times this, and three digits fill any power register.
GREATEST_SPEED = 1000.0


class UnknownName(LookupError):
    """No bus, meter or supply point of this name is on the site."""


class SimulatedSite:
    """All buses of a site, each with its thread, from `start` (or `with`) to `stop`.

    What the meters hold outlives it; loads, faults and losses set from outside end with it.

    description: a checked description, or the JSON value of a site file. state_dir: where the meters' memories lie;
    a second simulator on the same folder is refused.
    """

    def __init__(self, description: SiteDescription | Mapping[str, Any], state_dir: Path, speed: float = 1.0) -> None:
        self.description = description if isinstance(description, SiteDescription) else parse_site(description)
        self._clock = SimulatorClock(self.description.utc_offset_minutes)
        state_dir.mkdir(parents=True, exist_ok=True)
        self._lock_fd = os.open(state_dir / "lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            fcntl.flock(self._lock_fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            os.close(self._lock_fd)
            raise SiteMistakes([f"{state_dir}: another simulator runs on this state folder"]) from error
        self.speed = speed
        self.buses: tuple[SimulatedBus, ...] = ()
        self._open_meters: list[SimulatedMeter] = []
        try:
            self.buses = tuple(
                SimulatedBus(bus, [self._meter(meter, state_dir) for meter in bus.meters], self._clock)
                for bus in self.description.buses
            )
        except BaseException:
            self._close_meters()
            raise

    def _meter(self, description: MeterDescription, state_dir: Path) -> SimulatedMeter:
        memory_file = MemoryFile.of_meter(state_dir, description.id)
        try:
            meter = SimulatedMeter(description, MODELS[description.model], memory_file, self._clock, self.speed)
        except BaseException:
            memory_file.close()
            raise
        self._open_meters.append(meter)
        return meter

    def _close_meters(self) -> None:
        for meter in self._open_meters:
            meter.close()
        os.close(self._lock_fd)

    def start(self) -> None:
        """Open all buses."""
        for bus in self.buses:
            bus.start()

    def stop(self) -> None:
        """Close all buses and keep all memories."""
        try:
            failures = [str(bus.failure) for bus in self.buses if bus.failure is not None]
            for bus in self.buses:
                bus.unplug()
            if failures:
                raise BusFailed("; ".join(failures))
        finally:
            self._close_meters()

    def __enter__(self) -> Self:
        try:
            self.start()
        except BaseException:
            self.stop()
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    # ----------------------------------------------------------------------------------------------------------- names

    def meters(self) -> list[SimulatedMeter]:
        """All meters of all buses."""
        return [meter for bus in self.buses for meter in bus.meters]

    def bus(self, name: str) -> SimulatedBus:
        """The bus of this name; raises UnknownName."""
        for bus in self.buses:
            if bus.description.name == name:
                return bus
        raise UnknownName(f"no bus {name!r}: there are {', '.join(bus.description.name for bus in self.buses)}")

    def meter(self, name: str) -> SimulatedMeter:
        """The meter of this id; raises UnknownName."""
        for meter in self.meters():
            if meter.description.id == name:
                return meter
        raise UnknownName(f"no meter {name!r}")

    def point(self, name: str) -> SimulatedMeter:
        """The meter at this supply point; raises UnknownName."""
        for meter in self.meters():
            if meter.description.point == name:
                return meter
        raise UnknownName(f"no supply point {name!r}")

    def bus_of(self, meter: SimulatedMeter) -> SimulatedBus:
        """The bus that a meter hangs on."""
        return next(bus for bus in self.buses if meter in bus.meters)

    # --------------------------------------------------------------------------------------------------------- actions

    def run_at(self, speed: float) -> None:
        """Let all loads draw `speed` times what they say; the line keeps its pace."""
        for bus in self.buses:
            with bus.lock:
                for meter in bus.meters:
                    meter.run_at(speed)
        self.speed = speed

    def draw(self, meter: SimulatedMeter, watts: float) -> None:
        """Set a meter's load."""
        with self.bus_of(meter).lock:
            meter.draw(watts)

    def press_button(self, meter: SimulatedMeter) -> bool:
        """Press the button at a meter; whether its relay is closed now."""
        with self.bus_of(meter).lock:
            return meter.press_button()

    def set_energy_wh(self, meter: SimulatedMeter, energy_wh: int) -> None:
        """Put a meter's total register at a value."""
        with self.bus_of(meter).lock:
            meter.set_energy_wh(energy_wh)

    def swap(self, meter: SimulatedMeter, serial: str | None = None, energy_wh: int = 0) -> str:
        """Put another meter of the model in place; returns its serial number."""
        with self.bus_of(meter).lock:
            number = serial if serial is not None else self._next_serial(meter)
            meter.replace_with(number, energy_wh)
        return number

    def _next_serial(self, meter: SimulatedMeter) -> str:
        taken = {other.memory.serial for other in self.meters()} | {other.description.serial for other in self.meters()}
        number = int(meter.memory.serial)
        while True:
            number = (number + 1_000_003) % 10**12
            if f"{number:012}" not in taken:
                return f"{number:012}"

    def now_ns(self) -> int:
        """The monotonic time of lines and meters."""
        return self._clock.now_ns()

    def set_logged(self, target: SimulatedBus | SimulatedMeter, *, on: bool) -> None:
        """Record what is asked of a meter, or of any unit of a bus, and what is really sent; see bus.exchanges."""
        if isinstance(target, SimulatedBus):
            target.logs_all = on
            return
        units = self.bus_of(target).logged_units
        (units.add if on else units.discard)(target.description.unit)

    def add_fault(self, target: SimulatedBus | SimulatedMeter, fault: Fault) -> None:
        """Let a meter, or each meter of a bus, have this fault too; on a bus each has its own chance."""
        for index, meter in enumerate(self._meters_of(target)):
            with self.bus_of(meter).lock:
                meter.suffer([*meter.faults, dataclasses.replace(fault, seed=fault.seed + index)])

    def clear_faults(self, target: SimulatedBus | SimulatedMeter) -> None:
        """Let a meter, or each meter of a bus, have no faults any more."""
        for meter in self._meters_of(target):
            with self.bus_of(meter).lock:
                meter.suffer([])

    def _meters_of(self, target: SimulatedBus | SimulatedMeter) -> list[SimulatedMeter]:
        return target.meters if isinstance(target, SimulatedBus) else [target]

    def play_second_master(self, bus: SimulatedBus, every_ms: int, questions: tuple[bytes, ...]) -> None:
        """Let another master ask these questions on a bus too, in turn, one every so often; none: take it away."""
        every_ns = every_ms * NANOSECONDS_PER_MILLISECOND
        second = SecondMaster(questions, every_ns, self._clock.now_ns()) if questions else None
        bus.play_second_master(second)

    def set_lost(self, target: SimulatedBus | SimulatedMeter, lost: bool) -> None:
        """Let a meter, or a whole bus, fall silent or come back."""
        target.lost = lost
