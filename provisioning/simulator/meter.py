"""One simulated meter: load through a relay into registers, and the answer to a request.

Time moves only when someone asks: `advance` brings energy, account and relay up to an instant, exactly, in stretches
in which nothing changes. No line, no frames' timing.
"""

import copy
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from provisioning.simulator import own_control
from provisioning.simulator.electrical import NOMINAL_VOLTAGE_MV, SECONDARY_VOLTAGE_MV, Measurements, measure
from provisioning.simulator.faults import Fault, FaultKind
from provisioning.simulator.frames import (
    BROADCAST_UNIT,
    READ_HOLDING,
    WRITE_MULTIPLE,
    WRITE_SINGLE,
    ExceptionCode,
    Refusal,
    Request,
    exception_reply,
    read_reply,
    read_request,
    write_multiple_request,
    write_reply,
    write_single_request,
)
from provisioning.simulator.loads import SLOT_SECONDS, ConstantLoad, Load, watts_at
from provisioning.simulator.memory import MICROJOULES_PER_WH, MemoryDamaged, MemoryFile
from provisioning.simulator.model import MeterModel
from provisioning.simulator.quantities import active_energy
from provisioning.simulator.registers import MeterFacts
from provisioning.simulator.simulator_clock import SimulatorClock
from provisioning.simulator.site_description import MeterDescription

SLOT_MS = SLOT_SECONDS * 1000
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class _Slot:
    """What holds still until `end_ms` (monotonic): the load, and the rate of the meter's own calendar."""

    end_ms: int
    number: int
    power_mw: int
    rate: int


class SimulatedMeter:
    """A meter on a unit address. Not safe for threads: its bus's lock guards it."""

    def __init__(
        self,
        description: MeterDescription,
        model: MeterModel,
        memory_file: MemoryFile,
        clock: SimulatorClock,
        speed: float = 1.0,
    ) -> None:
        self.description = description
        self.model = model
        self.load: Load = description.load
        self.lost = False
        self.faults: list[Fault] = []
        self._speed = speed
        self._clock = clock
        self._file = memory_file
        self.memory = memory_file.load() or model.new_memory(
            description.serial, description.energy_wh, description.ct, description.pt
        )
        if self.memory.model != model.name:
            raise MemoryDamaged(
                f"{memory_file.path}: {description.id!r} was a {self.memory.model} and is a {model.name} now: "
                "give the meter another id, or remove the state folder"
            )
        self._frozen: MeterFacts | None = None
        self._deaf = False
        self._at_ms = clock.now_ms()
        self._slot: _Slot | None = None
        self._settle_contact(self._slot_now())
        self.remember()

    # ------------------------------------------------------------------------------------------------ time and energy

    def advance(self, now_ms: int) -> None:
        """Let energy flow, the account fall and the relay move until `now_ms` (monotonic)."""
        while self._at_ms < now_ms:
            slot = self._slot_now()
            self._settle_contact(slot)
            power_mw = slot.power_mw if self.contact_closed else 0
            real_power_mw = power_mw * self.memory.settings["ct"] * self.memory.settings["pt"]
            spending = own_control.spending_per_ms(self.memory, real_power_mw, slot.rate)
            elapsed_ms = min(now_ms, slot.end_ms) - self._at_ms
            event_ms = own_control.next_event_ms(self.memory, spending)
            if event_ms is not None:
                elapsed_ms = min(elapsed_ms, event_ms)
            self._flow(power_mw, slot, elapsed_ms)
            own_control.let_pass(self.memory, elapsed_ms, spending)
            self._at_ms += elapsed_ms
        self._settle_contact(self._slot_now())

    def _flow(self, power_mw: int, slot: _Slot, elapsed_ms: int) -> None:
        if not power_mw:
            return
        measured = self._measure(power_mw, slot)
        for phase in range(self.model.phases):
            self.memory.energy_uj[phase][slot.rate] += measured.power_mw[phase] * elapsed_ms
            self.memory.reactive_uj[phase][slot.rate] += measured.reactive_mvar[phase] * elapsed_ms

    def _slot_now(self) -> _Slot:
        if self._slot is None or self._at_ms >= self._slot.end_ms:
            local_ms = self._local_ms()
            number = local_ms // SLOT_MS
            local = EPOCH + timedelta(milliseconds=local_ms)
            tables = self.memory.tables
            ratio = self.memory.settings["ct"] * self.memory.settings["pt"]
            self._slot = _Slot(
                end_ms=self._at_ms + SLOT_MS - local_ms % SLOT_MS,
                number=number,
                power_mw=round(watts_at(self.load, local, number) * 1000 * self._speed / ratio),
                rate=self.model.calendar.rate_at(local, tables["seasons"], (tables["day_1"], tables["day_2"])),
            )
        return self._slot

    def _local_ms(self) -> int:
        return self._clock.local_ms(self._at_ms) + self.memory.clock_offset_ms

    def _measure(self, power_mw: int, slot: _Slot) -> Measurements:
        nominal_mv = NOMINAL_VOLTAGE_MV if self.memory.settings["pt"] == 1 else SECONDARY_VOLTAGE_MV
        return measure(power_mw, self.model.phases, self.description.noise_seed, slot.number, nominal_mv)

    # ---------------------------------------------------------------------------------------------------------- relay

    def _settle_contact(self, slot: _Slot) -> None:
        ratio = self.memory.settings["ct"] * self.memory.settings["pt"]
        wanted = own_control.update(self.memory, self.model.forced(self.memory), slot.power_mw * ratio)
        if any(fault.kind is FaultKind.STUCK_OPEN for fault in self.faults):
            self.memory.contact_closed = False
        elif not self._deaf:
            self.memory.contact_closed = wanted

    @property
    def unit(self) -> int:
        """The unit id that it answers to: as hung up, or as it was told since."""
        return self.memory.settings.get("unit", 0) or self.description.unit

    @property
    def contact_closed(self) -> bool:
        """Whether current can flow."""
        return self.memory.contact_closed

    def why(self) -> str:
        """Why the contact is as it is, in words."""
        if any(fault.kind is FaultKind.STUCK_OPEN for fault in self.faults):
            return "stuck open"
        if self._deaf:
            return "deaf to its last order"
        forced = self.model.forced(self.memory)
        reasons = own_control.own_reasons(self.memory)
        return "released, " + " and ".join(reasons) if reasons else forced.value

    # -------------------------------------------------------------------------------------------------- from the line

    def answer(self, request: Request, now_ms: int) -> bytes | None:
        """Carry out a request addressed to this unit or to all; the reply, or None where none is due.

        What the reply tells is remembered before this returns.
        """
        self.advance(now_ms)
        try:
            reply = self._carry_out(request)
        except Refusal as refusal:
            reply = exception_reply(request, refusal.code)
        self.remember()
        return None if request.unit == BROADCAST_UNIT else reply

    def _carry_out(self, request: Request) -> bytes:
        if request.function not in self.model.functions:
            raise Refusal(ExceptionCode.ILLEGAL_FUNCTION, f"function {request.function}")
        if request.function == READ_HOLDING:
            read = read_request(request.body)
            return read_reply(request, self.model.registers.read(self._facts_told(), read.address, read.count))
        parse = {WRITE_MULTIPLE: write_multiple_request, WRITE_SINGLE: write_single_request}[request.function]
        write = parse(request.body)
        before = self.model.forced(self.memory)
        self.model.registers.write(self.facts(), write.address, write.words)
        self._slot = None
        deaf = [fault for fault in self.faults if fault.kind is FaultKind.DEAF_RELAY]
        if deaf and self.model.forced(self.memory) is not before:
            self._deaf = any(fault.strikes() for fault in deaf)
        self._settle_contact(self._slot_now())
        return write_reply(request)

    def facts(self) -> MeterFacts:
        """What the registers tell of at this instant."""
        slot = self._slot_now()
        return MeterFacts(
            memory=self.memory,
            measured=self._measure(slot.power_mw if self.contact_closed else 0, slot),
            local_time=EPOCH + timedelta(milliseconds=self._local_ms()),
            unit=self.unit,
        )

    def _facts_told(self) -> MeterFacts:
        frozen = [fault for fault in self.faults if fault.kind is FaultKind.FROZEN]
        if self._frozen is not None and any(fault.strikes() for fault in frozen):
            return self._frozen
        return self.facts()

    # ----------------------------------------------------------------------------------------------- from the outside

    @property
    def energy_wh(self) -> int:
        """The total register as it would be told now, in Wh, wrapped at its width."""
        return active_energy(self.facts()) % (1 << 32) * 10

    @property
    def real_energy_wh(self) -> float:
        """All energy on the primary side, exactly, never wrapped."""
        ratio = self.memory.settings["ct"] * self.memory.settings["pt"]
        return self.memory.total_energy_uj * ratio / MICROJOULES_PER_WH

    @property
    def watts(self) -> float:
        """What flows now, on the primary side."""
        ratio = self.memory.settings["ct"] * self.memory.settings["pt"]
        return self._slot_now().power_mw * ratio / 1000 if self.contact_closed else 0.0

    def draw(self, watts: float) -> None:
        """From now on the load is `watts`."""
        self.advance(self._clock.now_ms())
        self.load = ConstantLoad(watts)
        self._slot = None

    def run_at(self, speed: float) -> None:
        """From now on loads draw `speed` times what they say."""
        self.advance(self._clock.now_ms())
        self._speed = speed
        self._slot = None

    def press_button(self) -> bool:
        """Somebody presses the button at the meter: an armed relay closes. Whether it is closed now."""
        self.advance(self._clock.now_ms())
        if self.model.forced(self.memory) is own_control.Forced.ARMED:
            self.memory.contact_closed = True
            self._slot = None
            self.remember()
        return self.contact_closed

    def set_energy_wh(self, energy_wh: int) -> None:
        """Put the total register at `energy_wh`: a jump, a reset, a wrap to come."""
        self.advance(self._clock.now_ms())
        self.memory.set_energy_wh(energy_wh)
        self.remember()

    def replace_with(self, serial: str, energy_wh: int) -> None:
        """Another meter of the model, fresh from the factory, on the same address and load."""
        self.advance(self._clock.now_ms())
        self.memory = self.model.new_memory(serial, energy_wh, self.description.ct, self.description.pt)
        self._frozen, self._deaf, self._slot = None, False, None
        self.remember()

    def suffer(self, faults: Sequence[Fault]) -> None:
        """From now on have these faults and no others."""
        self.advance(self._clock.now_ms())
        had_frozen = self._frozen is not None
        self.faults = list(faults)
        kinds = {fault.kind for fault in faults}
        if FaultKind.FROZEN not in kinds:
            self._frozen = None
        elif not had_frozen:
            self._frozen = copy.deepcopy(self.facts())
        if FaultKind.DEAF_RELAY not in kinds:
            self._deaf = False
        self.advance(self._clock.now_ms())

    def remember(self) -> None:
        """Keep the memory, so that no restart takes back what is told next."""
        self._file.save(self.memory)

    def close(self) -> None:
        """Advance a last time, remember, and let go of the file."""
        self.advance(self._clock.now_ms())
        self.remember()
        self._file.close()
