"""The registers of a three-phase ("S") or transformer ("H") user of an ADF400L: 033F-0396, 0430-, 0536-, 0718- [M].

Such a user takes three unit ids and answers at the first. Source and grades: adf400l.py.
"""

from provisioning.simulator.adf400l import (
    CALENDAR,
    STATUS_WORD,
    control_word,
    forced,
    load_control_area,
    prepaid_area,
    rate_rows,
    take_purchase,
)
from provisioning.simulator.adf400l_system import CLOCK, RECHARGES, SWITCHES, SYSTEM
from provisioning.simulator.frames import READ_HOLDING, WRITE_MULTIPLE, WRITE_SINGLE
from provisioning.simulator.model import MeterModel
from provisioning.simulator.quantities import (
    active_energy,
    active_energy_of_phase,
    current,
    current_unbalance,
    frequency,
    line_voltage,
    nothing,
    power,
    power_factor,
    purchase_count,
    purchased,
    reactive_energy,
    reactive_energy_of_phase,
    reactive_power,
    remaining,
    setting_of,
    total_power,
    total_power_factor,
    total_reactive_power,
    voltage,
    voltage_unbalance,
)
from provisioning.simulator.registers import Area, RegisterMap, Row, Transaction, fixed, i16, i32, u16, u32

A, B, C = 0, 1, 2

LIVE = Area(0x033F, 0x0396, "three-phase data", (
    Row(0x033F, "Ua", u16(voltage(A)), "0.1 V"),
    Row(0x0340, "Ub", u16(voltage(B)), "0.1 V"),
    Row(0x0341, "Uc", u16(voltage(C)), "0.1 V"),
    Row(0x0342, "Ia", u16(current(A)), "0.01 A"),
    Row(0x0343, "Ib", u16(current(B)), "0.01 A"),
    Row(0x0344, "Ic", u16(current(C)), "0.01 A"),
    Row(0x0345, "total active power", i16(total_power), "1 W"),
    Row(0x0346, "Pa", i16(power(A)), "0.001 kW"),
    Row(0x0347, "Pb", i16(power(B)), "0.001 kW"),
    Row(0x0348, "Pc", i16(power(C)), "0.001 kW"),
    Row(0x0349, "total reactive power", i16(total_reactive_power), "0.001 kvar"),
    Row(0x034A, "Qa", i16(reactive_power(A)), "0.001 kvar"),
    Row(0x034B, "Qb", i16(reactive_power(B)), "0.001 kvar"),
    Row(0x034C, "Qc", i16(reactive_power(C)), "0.001 kvar"),
    Row(0x034D, "total power factor", i16(total_power_factor), "0.001"),
    Row(0x034E, "PFa", i16(power_factor(A)), "0.001"),
    Row(0x034F, "PFb", i16(power_factor(B)), "0.001"),
    Row(0x0350, "PFc", i16(power_factor(C)), "0.001"),
    Row(0x0351, "frequency", u16(frequency), "0.01 Hz"),
    Row(0x0352, "A active energy", u32(active_energy_of_phase(A)), "0.01 kWh"),
    Row(0x0354, "B active energy", u32(active_energy_of_phase(B)), "0.01 kWh"),
    Row(0x0356, "C active energy", u32(active_energy_of_phase(C)), "0.01 kWh"),
    Row(0x0358, "A reactive energy", u32(reactive_energy_of_phase(A)), "0.01 kvarh"),
    Row(0x035A, "B reactive energy", u32(reactive_energy_of_phase(B)), "0.01 kvarh"),
    Row(0x035C, "C reactive energy", u32(reactive_energy_of_phase(C)), "0.01 kvarh"),
    Row(0x035E, "total active energy", u32(active_energy), "0.01 kWh"),
    Row(0x0360, "total reactive energy", u32(reactive_energy), "0.01 kvarh"),
    Row(0x0362, "remaining amount", i32(remaining), "0.01 yuan"),
    Row(0x0364, "total purchase amount", u32(purchased), "0.01 yuan"),
    Row(0x0366, "purchase count", u16(purchase_count)),
    Row(0x0367, "base amount", u32(setting_of("base_amount")), "0.01 yuan"),
    Row(0x0369, "running status word", fixed(STATUS_WORD)),
    Row(0x036A, "base amount remaining", u32(setting_of("base_amount")), "0.01 yuan"),
    Row(0x036D, "overdraft amount (2 registers: inference)", u32(nothing)),
    Row(0x036F, "recovery time", u16(setting_of("recovery_time_s")), "1 s"),
    Row(0x0370, "recovery time after overload", u16(lambda facts: 10 * facts.memory.settings["load_control_recovery"]),
        "1 s"),
    Row(0x0371, "Uab", u16(line_voltage(A)), "0.1 V"),
    Row(0x0372, "Ubc", u16(line_voltage(B)), "0.1 V"),
    Row(0x0373, "Uca", u16(line_voltage(C)), "0.1 V"),
    Row(0x0374, "zero-sequence current", u16(nothing), "0.1 A"),
    Row(0x0375, "voltage unbalance", u16(voltage_unbalance), "0.01"),
    Row(0x0376, "current unbalance", u16(current_unbalance), "0.01"),
    Row(0x0377, "A forward active energy", u32(active_energy_of_phase(A)), "0.01 kWh"),
    Row(0x0379, "A reverse active energy", u32(nothing), "0.01 kWh"),
    Row(0x037B, "B forward active energy", u32(active_energy_of_phase(B)), "0.01 kWh"),
    Row(0x037D, "B reverse active energy", u32(nothing), "0.01 kWh"),
    Row(0x037F, "C forward active energy", u32(active_energy_of_phase(C)), "0.01 kWh"),
    Row(0x0381, "C reverse active energy", u32(nothing), "0.01 kWh"),
    Row(0x0383, "A forward reactive energy", u32(reactive_energy_of_phase(A)), "0.01 kvarh"),
    Row(0x0385, "A reverse reactive energy", u32(nothing), "0.01 kvarh"),
    Row(0x0387, "B forward reactive energy", u32(reactive_energy_of_phase(B)), "0.01 kvarh"),
    Row(0x0389, "B reverse reactive energy", u32(nothing), "0.01 kvarh"),
    Row(0x038B, "C forward reactive energy", u32(reactive_energy_of_phase(C)), "0.01 kvarh"),
    Row(0x038D, "C reverse reactive energy", u32(nothing), "0.01 kvarh"),
    Row(0x038F, "total forward active energy", u32(active_energy), "0.01 kWh"),
    Row(0x0391, "total reverse active energy", u32(nothing), "0.01 kWh"),
    Row(0x0393, "total forward reactive energy", u32(reactive_energy), "0.01 kvarh"),
    Row(0x0395, "total reverse reactive energy", u32(nothing), "0.01 kvarh"),
))  # fmt: skip

BY_RATE = Area(0x0430, 0x045F, "three-phase energies by rate", rate_rows(0x0430))

CONTROL = Area(0x0800, 0x0804, "three-phase forced control", (
    Row(0x0800, "kind: 1 single-phase, 0 three-phase", fixed(0)),
    Row(0x0804, "control word", control_word()),
))  # fmt: skip

MODEL = MeterModel(
    name="adf400l_3ph",
    phases=3,
    units=3,
    functions=frozenset({READ_HOLDING, WRITE_SINGLE, WRITE_MULTIPLE}),
    registers=RegisterMap(
        areas=(
            LIVE,
            BY_RATE,
            prepaid_area(0x0536, "three-phase prepaid"),
            load_control_area(0x0718, "three-phase load control"),
            CONTROL,
            SYSTEM,
            SWITCHES,
        ),
        blocks=(RECHARGES,),
        transactions=(CLOCK, Transaction(0x0543, 3, take_purchase)),
    ),
    calendar=CALENDAR,
    forced=forced,
    transformers=True,
)
