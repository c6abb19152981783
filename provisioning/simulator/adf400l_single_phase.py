"""The registers of a single-phase ("d") user of an ADF400L: 0300-0320, 0400-042F, 0500-, 0700-, 0800- [M].

Source and grades: adf400l.py.
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
    current,
    frequency,
    nothing,
    power,
    power_factor,
    purchase_count,
    purchased,
    reactive_energy,
    reactive_power,
    remaining,
    setting_of,
    voltage,
)
from provisioning.simulator.registers import Area, RegisterMap, Row, Transaction, fixed, i16, i32, u16, u32

LIVE = Area(0x0300, 0x0320, "single-phase data", (
    Row(0x0300, "voltage", u16(voltage(0)), "0.1 V"),
    Row(0x0301, "current", u16(current(0)), "0.01 A"),
    Row(0x0302, "active power", i16(power(0)), "0.001 kW"),
    Row(0x0303, "reactive power", i16(reactive_power(0)), "0.001 kvar"),
    Row(0x0304, "power factor", i16(power_factor(0)), "0.001"),
    Row(0x0305, "frequency", u16(frequency), "0.01 Hz"),
    Row(0x0306, "active energy", u32(active_energy), "0.01 kWh"),
    Row(0x0308, "reactive energy", u32(reactive_energy), "0.01 kvarh"),
    Row(0x030A, "remaining", i32(remaining), "0.01 yuan"),
    Row(0x030C, "total purchased", u32(purchased), "0.01 yuan"),
    Row(0x030E, "purchase count", u16(purchase_count)),
    Row(0x030F, "base quantity", u32(setting_of("base_amount")), "0.01"),
    Row(0x0311, "status word", fixed(STATUS_WORD)),
    Row(0x0312, "base quantity remaining", i32(setting_of("base_amount")), "0.01"),
    Row(0x0315, "over-limit amount", u32(nothing)),
    Row(0x0317, "recovery time", u16(setting_of("recovery_time_s"))),
    Row(0x0318, "recovery time after overload", u16(lambda facts: 10 * facts.memory.settings["load_control_recovery"]),
        "1 s"),
    Row(0x0319, "forward active energy", u32(active_energy), "0.01 kWh"),
    Row(0x031B, "reverse active energy", u32(nothing), "0.01 kWh"),
    Row(0x031D, "forward reactive energy", u32(reactive_energy), "0.01 kvarh"),
    Row(0x031F, "reverse reactive energy", u32(nothing), "0.01 kvarh"),
))  # fmt: skip

BY_RATE = Area(0x0400, 0x042F, "single-phase energies by rate", rate_rows(0x0400))

CONTROL = Area(0x0800, 0x0801, "single-phase forced control", (
    Row(0x0800, "kind: 1 single-phase, 0 three-phase", fixed(1)),
    Row(0x0801, "control word", control_word()),
))  # fmt: skip

MODEL = MeterModel(
    name="adf400l_1ph",
    phases=1,
    units=1,
    functions=frozenset({READ_HOLDING, WRITE_SINGLE, WRITE_MULTIPLE}),
    registers=RegisterMap(
        areas=(
            LIVE,
            BY_RATE,
            prepaid_area(0x0500, "single-phase prepaid"),
            load_control_area(0x0700, "single-phase load control"),
            CONTROL,
            SYSTEM,
            SWITCHES,
        ),
        blocks=(RECHARGES,),
        transactions=(CLOCK, Transaction(0x050D, 3, take_purchase)),
    ),
    calendar=CALENDAR,
    forced=forced,
    transformers=False,
)
