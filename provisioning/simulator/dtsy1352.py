"""Registers of the Acrel DTSY1352 three-phase prepaid meter.

Sources: the driver of jerryxiaosa/ems4j [C] and Acrel's set-up tool [D, addresses only, one source]; relay frames of
emelianov/modbus-esp8266 issue 197 [C]. U32, high word first.

From the sister meter DTSD1352 [C, M], offered here because the DTSY1352's own live block has no known address:
0061-0066 voltages and currents, 0077 frequency, 0164-016A and 0172 powers, 017F power factor. [D] puts the
greatest power at 0061 and the output method at 0063 of the DTSY1352, so no real DTSY1352 need answer like this.

Deduced, by us (inference):
- 0054 is the status word: in the poll block of [D] it stands just before the word of load, fee and time control
  states, and the fee-control state is the high byte of 0055. Its bits are those of [D]: low byte b0-b2 force state by
  loop (1 = closed), b3 force enabled, b4 over limit, b5 arrears, b6 alarm 1, b7 alarm 2; high byte b5-b7 contacts of
  L1-L3 (1 = closed);
- currents show the meter's own side, like energies and powers: times CT for the real ones;
- PT stands at 0037, CT at 0038 (ems4j; [D] names them the other way round); seasons are (month, day, table).
Money and limits are not written with function 16 on the real meter but with vendor functions that nobody has
published, so those registers are read only here and its own account stays off. Function 6 is refused (1): no source
uses it.
"""

from provisioning.simulator.calendar_tables import ByteOrder, CalendarFormat, SeasonOrder
from provisioning.simulator.frames import READ_HOLDING, WRITE_MULTIPLE
from provisioning.simulator.memory import MeterMemory
from provisioning.simulator.model import MeterModel
from provisioning.simulator.own_control import ACCOUNT_PER_CENT, Forced, prepaid_is_on
from provisioning.simulator.quantities import (
    active_energy,
    active_energy_at,
    current,
    frequency,
    line_voltage,
    nothing,
    power,
    purchase_count,
    purchased,
    remaining,
    setting_of,
    total_power,
    total_power_factor,
    total_reactive_power,
    voltage,
)
from provisioning.simulator.registers import (
    Area,
    Content,
    MeterFacts,
    RegisterMap,
    Row,
    Words,
    fixed,
    i16,
    i32,
    setting,
    setting32,
    table,
    u16,
    u32,
)

A, B, C = 0, 1, 2
CALENDAR = CalendarFormat(ByteOrder.RATE_MINUTE_HOUR, SeasonOrder.MONTH_DAY_TABLE, greatest_rate=5)
# 0022 low byte: b0 multi-rate, b6 prepaid type [D].
FEATURE_WORD = 0x0041
# The greatest ratio that its registers are known to take (as on the sister meter).
GREATEST_RATIO = 9999


def number_words(facts: MeterFacts) -> Words:
    """The meter number: twelve digits as six bytes BCD [D]."""
    digits = facts.memory.serial
    return tuple(int(digits[index : index + 4], 16) for index in range(0, 12, 4))


def forced(memory: MeterMemory) -> Forced:
    """What 0057 and 0058 say: enabled or not; state 0 = close, 1 = trip [C]."""
    if not memory.settings["force_enable"]:
        return Forced.RELEASED
    return Forced.OPEN if memory.settings["force_state"] else Forced.CLOSED


def status_word(facts: MeterFacts) -> int:
    """The status word by the bits of [D], at an address that is ours (inference)."""
    memory = facts.memory
    force = forced(memory)
    prepaid = prepaid_is_on(memory)
    word = 0x0007 if force is Forced.CLOSED else 0
    word |= 0x0008 if force is not Forced.RELEASED else 0
    word |= 0x0010 if memory.overload_open else 0
    word |= 0x0020 if memory.arrears_open else 0
    for bit, key in ((0x0040, "alarm_1"), (0x0080, "alarm_2")):
        word |= bit if prepaid and memory.remaining < memory.settings[key] * ACCOUNT_PER_CENT else 0
    return word | (0xE000 if memory.contact_closed else 0)


def fee_control_state(facts: MeterFacts) -> int:
    """0055: high byte the fee-control state, 1 = in force [D]; the low byte is not known."""
    return 0x0100 if prepaid_is_on(facts.memory) else 0


ENERGY = Area(0x0000, 0x0009, "energies", (
    Row(0x0000, "total active energy", u32(active_energy), "0.01 kWh (x PT x CT)"),
    Row(0x0002, "tip energy", u32(active_energy_at("tip")), "0.01 kWh"),
    Row(0x0004, "peak energy", u32(active_energy_at("peak")), "0.01 kWh"),
    Row(0x0006, "flat energy", u32(active_energy_at("flat")), "0.01 kWh"),
    Row(0x0008, "valley energy", u32(active_energy_at("valley")), "0.01 kWh"),
))  # fmt: skip

FEATURES = Area(0x0022, 0x0022, "features", (Row(0x0022, "feature word", fixed(FEATURE_WORD)),))

SEASONS = Area(0x0028, 0x002D, "seasons", (
    Row(0x0028, "seasons", table("seasons", CALENDAR.factory_seasons(), CALENDAR.check_seasons), "month, day, table"),
))  # fmt: skip

# One area, so that ratios, money, status, force and live values can be read in one go.
MIDDLE = Area(0x0037, 0x007A, "ratios, account, control, live values", (
    Row(0x0037, "PT", setting("pt", 1, 1, GREATEST_RATIO)),
    Row(0x0038, "CT", setting("ct", 1, 1, GREATEST_RATIO)),
    Row(0x0043, "meter number", Content(3, number_words), "BCD"),
    Row(0x0046, "alarm amount 1", setting32("alarm_1", 0, writable=False), "0.01 yuan"),
    Row(0x0048, "alarm amount 2", setting32("alarm_2", 0, writable=False), "0.01 yuan"),
    Row(0x004A, "overdraft amount", u32(nothing), "0.01 yuan"),
    Row(0x004E, "purchase count", u16(purchase_count)),
    Row(0x004F, "remaining amount", i32(remaining), "0.01 yuan"),
    Row(0x0054, "status word (inference)", u16(status_word)),
    Row(0x0055, "fee-control state (high byte)", u16(fee_control_state)),
    Row(0x0057, "force-control enable (0 off, 1 on)", setting("force_enable", 0, 0, 1)),
    Row(0x0058, "force state (0 close, 1 trip)", setting("force_state", 0, 0, 1)),
    Row(0x0059, "price tip", setting32("price_tip", 0, writable=False)),
    Row(0x005B, "price peak", setting32("price_peak", 0, writable=False)),
    Row(0x005D, "price flat", setting32("price_flat", 0, writable=False)),
    Row(0x005F, "price valley", setting32("price_valley", 0, writable=False)),
    Row(0x0061, "Ua (DTSD1352)", u16(voltage(A)), "0.1 V"),
    Row(0x0062, "Ub (DTSD1352)", u16(voltage(B)), "0.1 V"),
    Row(0x0063, "Uc (DTSD1352)", u16(voltage(C)), "0.1 V"),
    Row(0x0064, "Ia (DTSD1352)", u16(current(A)), "0.01 A"),
    Row(0x0065, "Ib (DTSD1352)", u16(current(B)), "0.01 A"),
    Row(0x0066, "Ic (DTSD1352)", u16(current(C)), "0.01 A"),
    Row(0x0077, "frequency (DTSD1352)", u16(frequency), "0.01 Hz"),
    Row(0x0078, "Uab (DTSD1352)", u16(line_voltage(A)), "0.1 V"),
    Row(0x0079, "Ubc (DTSD1352)", u16(line_voltage(B)), "0.1 V"),
    Row(0x007A, "Uca (DTSD1352)", u16(line_voltage(C)), "0.1 V"),
))  # fmt: skip

POWERS = Area(0x0164, 0x017F, "powers (DTSD1352)", (
    Row(0x0164, "Pa", i32(power(A)), "0.001 kW (x PT x CT)"),
    Row(0x0166, "Pb", i32(power(B)), "0.001 kW"),
    Row(0x0168, "Pc", i32(power(C)), "0.001 kW"),
    Row(0x016A, "P", i32(total_power), "0.001 kW"),
    Row(0x0172, "Q", i32(total_reactive_power), "0.001 kvar"),
    Row(0x017F, "power factor", i16(total_power_factor), "0.001"),
))  # fmt: skip

PREPAID = Area(0x0400, 0x0418, "prepaid block", (
    Row(0x0400, "prepaid switch", setting("prepaid_switch", 0, writable=False)),
    Row(0x0401, "purchase count", u16(purchase_count)),
    Row(0x0402, "price tip", u32(setting_of("price_tip"))),
    Row(0x0404, "price peak", u32(setting_of("price_peak"))),
    Row(0x0406, "price flat", u32(setting_of("price_flat"))),
    Row(0x0408, "price valley", u32(setting_of("price_valley"))),
    Row(0x040A, "alarm amount 1", u32(setting_of("alarm_1")), "0.01 yuan"),
    Row(0x040C, "alarm amount 2", u32(setting_of("alarm_2")), "0.01 yuan"),
    Row(0x040E, "overdraft amount", u32(nothing), "0.01 yuan"),
    Row(0x0412, "total purchased", u32(purchased), "0.01 yuan"),
    Row(0x0414, "remaining amount", i32(remaining), "0.01 yuan"),
    Row(0x0416, "base amount", u32(nothing), "0.01 yuan"),
))  # fmt: skip

LOAD_CONTROL = Area(0x0480, 0x0492, "load control", (
    Row(0x0480, "load control switch", setting("load_control_switch", 0, writable=False)),
    Row(0x0481, "maximum power", setting("maximum_power", 0xFFFF, writable=False), "0.001 kW"),
    Row(0x0482, "power increment", setting("power_increment", 0, writable=False), "0.001 kW"),
    Row(0x0483, "power factor threshold", setting("power_factor_threshold", 0, writable=False)),
    Row(0x0484, "load control count", setting("load_control_count", 0, writable=False)),
    Row(0x0485, "load control allowed count", setting("load_control_allowed", 0, writable=False)),
    Row(0x0486, "recovery time", setting("load_control_recovery", 0, writable=False)),
))  # fmt: skip

DAYS = Area(0x2000, 0x2029, "day tables", (
    Row(0x2000, "day table 1", table("day_1", CALENDAR.factory_day(1), CALENDAR.check_day), "rate, minute, hour"),
    Row(0x2015, "day table 2", table("day_2", CALENDAR.factory_day(2), CALENDAR.check_day), "rate, minute, hour"),
))  # fmt: skip

DEEP_VALLEY = Area(0x5030, 0x5031, "deep valley", (
    Row(0x5030, "deep-valley energy", u32(active_energy_at("deep_valley")), "0.01 kWh"),
))  # fmt: skip

MODEL = MeterModel(
    name="dtsy1352",
    phases=3,
    units=1,
    functions=frozenset({READ_HOLDING, WRITE_MULTIPLE}),
    registers=RegisterMap(
        (ENERGY, FEATURES, SEASONS, MIDDLE, POWERS, PREPAID, LOAD_CONTROL, DAYS, DEEP_VALLEY),
    ),
    calendar=CALENDAR,
    forced=forced,
    transformers=True,
)
