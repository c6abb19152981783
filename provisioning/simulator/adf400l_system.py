"""The ADF400L's areas that are the same for every user: system parameters, switches, records.

Source: manual V1.2, section 9.4, system parameter area 0900-0972 [M]; what is deduced is told in adf400l.py. Each
unit id answers here as if it had a cabinet of its own: clock, calendar and ratios are not shared between users.
"""

from provisioning.simulator.adf400l import (
    CALENDAR,
    RECHARGE_RECORDS,
    clock_words,
    recharge_record,
    serial_words,
    set_clock,
)
from provisioning.simulator.frames import ExceptionCode, Refusal
from provisioning.simulator.registers import (
    Area,
    BlockArea,
    Content,
    MeterFacts,
    Row,
    Transaction,
    Words,
    fixed,
    setting,
    table,
    u16,
)


def _move(facts: MeterFacts, words: Words) -> None:
    facts.memory.settings["unit"] = words[0]


def _check_unit(words: Words) -> None:
    if not 1 <= words[0] <= 247:
        raise Refusal(ExceptionCode.ILLEGAL_VALUE, f"an address is 1..247, not {words[0]}")


# The meter answers this write under its old address and everything after it under the new one.
UNIT_ID = Content(1, lambda facts: (facts.unit,), _move, _check_unit, (("unit", 0),))

# 0914/0929: fourteen slots of three bytes; 093E: four seasons of three bytes [M].
SYSTEM = Area(0x0900, 0x0972, "system parameters", (
    Row(0x0900, "address 1", UNIT_ID),
    Row(0x0901, "parity, baud rate 1", fixed(0x0000)),
    Row(0x0902, "password", setting("password", 1)),
    Row(0x0903, "three-phase circuits", fixed(4)),
    Row(0x0904, "single-phase circuits", fixed(24)),
    Row(0x0908, "type (high: 0 prepaid, 1 metering), protocol", setting("protocol", 0x0000, 0, 0x01FF)),
    Row(0x0909, "force control mark (manual: not enabled)", fixed(0)),
    Row(0x090A, "IC card enabled", fixed(0)),
    Row(0x090B, "clock: second/minute, hour/week, day/month, year/-", Content(4, clock_words)),
    Row(0x090F, "type (0 = 36, 1 = 24, 2 = 12 circuits)", fixed(0)),
    Row(0x0910, "single-phase circuits in all", fixed(36)),
    Row(0x0911, "address 2", fixed(1)),
    Row(0x0912, "parity, baud rate 2", fixed(0x0000)),
    Row(0x0914, "day table 1", table("day_1", CALENDAR.factory_day(1), CALENDAR.check_day), "rate, hour, minute"),
    Row(0x0929, "day table 2", table("day_2", CALENDAR.factory_day(2), CALENDAR.check_day), "rate, hour, minute"),
    Row(0x093E, "seasons", table("seasons", CALENDAR.factory_seasons(), CALENDAR.check_seasons), "table, day, month"),
    Row(0x0946, "backlight time", setting("backlight", 60)),
    Row(0x0947, "serial number", Content(7, serial_words), "ASCII"),
    Row(0x094E, "DI state", fixed(0)),
    Row(0x094F, "DO state", setting("outputs", 0, 0, 3)),
    Row(0x0950, "line (0 = 3P4L, 1 = 3P3L)", fixed(0)),
    Row(0x0951, "PT", setting("pt", 1, 1, 9999)),
    Row(0x0952, "CT1", setting("ct", 1, 1, 9999)),
    Row(0x0953, "CT2..CT12", fixed(*[1] * 11)),
    Row(0x095E, "output method (0 level, 1 pulse)", setting("output_method", 0, 0, 1)),
    Row(0x095F, "pulse width", setting("pulse_width", 500), "ms"),
    Row(0x0960, "pulse interval", setting("pulse_interval", 30), "s"),
    Row(0x0962, "transformer circuits", fixed(0)),
    Row(0x0965, "address 3", fixed(1)),
    Row(0x0966, "parity, baud rate 3", fixed(0x0000)),
))  # fmt: skip

# 090B-090E: the clock is set as a whole, so that it never stands at half of an old and half of a new time.
CLOCK = Transaction(0x090B, 4, set_clock)

SWITCHES = Area(0x1800, 0x1801, "switches", (
    Row(0x1800, "DI state", fixed(0)),
    Row(0x1801, "DO state", u16(lambda facts: facts.memory.settings["outputs"])),
))  # fmt: skip

RECHARGES = BlockArea(0x1B00, 0x1B00 + RECHARGE_RECORDS - 1, "recharge records", 10, recharge_record)
