"""A three-phase meter that nobody makes: all that a profile can say and no real map here has, in one.

Its relay can be armed: told so over the bus, it stays open until somebody presses the button at the meter, as with
the "closing permitted" of DL/T 645 meters. Its writes want a password first, and its long numbers come low word first.
An invention of this simulator: every address and value is ours.
"""

from provisioning.simulator.calendar_tables import ByteOrder, CalendarFormat, SeasonOrder
from provisioning.simulator.frames import READ_HOLDING, WRITE_SINGLE, ExceptionCode, Refusal
from provisioning.simulator.memory import MeterMemory
from provisioning.simulator.model import MeterModel
from provisioning.simulator.own_control import Forced
from provisioning.simulator.quantities import active_energy, frequency, total_power, voltage
from provisioning.simulator.registers import (
    Area,
    Content,
    MeterFacts,
    RegisterMap,
    Row,
    Telling,
    Words,
    setting,
    split32,
    table,
    u16,
)

PASSWORD = 0x1234
CONTROL = "arm_control"
UNLOCKED = "arm_unlocked"
OPEN, CLOSED, ARMED = 0x00AA, 0x0055, 0x0033
A, B, C = 0, 1, 2
CALENDAR = CalendarFormat(ByteOrder.RATE_HOUR_MINUTE, SeasonOrder.TABLE_DAY_MONTH, greatest_rate=4)


def low_first(telling: Telling) -> Content:
    """Two words, low word first."""
    return Content(2, lambda facts: split32(telling(facts))[::-1])


def take_control(facts: MeterFacts, words: Words) -> None:
    """Open, close or arm, once after the password; raises Refusal 4 without it, 3 for any other value."""
    settings = facts.memory.settings
    if not settings[UNLOCKED]:
        raise Refusal(ExceptionCode.DEVICE_FAILURE, "the password was not given")
    settings[UNLOCKED] = 0
    if words[0] not in (OPEN, CLOSED, ARMED):
        raise Refusal(ExceptionCode.ILLEGAL_VALUE, f"control {words[0]:04X}")
    settings[CONTROL] = words[0]


def take_password(facts: MeterFacts, words: Words) -> None:
    """Unlock the next write; raises Refusal 3 for another password."""
    if words[0] != PASSWORD:
        raise Refusal(ExceptionCode.ILLEGAL_VALUE, "another password")
    facts.memory.settings[UNLOCKED] = 1


def forced(memory: MeterMemory) -> Forced:
    """What the control register says."""
    return {OPEN: Forced.OPEN, CLOSED: Forced.CLOSED}.get(memory.settings[CONTROL], Forced.ARMED)


def contact(facts: MeterFacts) -> int:
    """1: closed."""
    return int(facts.memory.contact_closed)


VALUES = Area(0x0100, 0x010B, "live values", (
    Row(0x0100, "total active energy", low_first(active_energy), "0.01 kWh"),
    Row(0x0102, "active power", low_first(total_power), "W"),
    Row(0x0104, "Ua", u16(voltage(A)), "0.1 V"),
    Row(0x0105, "Ub", u16(voltage(B)), "0.1 V"),
    Row(0x0106, "Uc", u16(voltage(C)), "0.1 V"),
    Row(0x0107, "frequency", u16(frequency), "0.01 Hz"),
    Row(0x0109, "contact", u16(contact), "0 open, 1 closed"),
))  # fmt: skip

CONTROLS = Area(0x0200, 0x0201, "control", (
    Row(0x0200, "control", Content(1, lambda facts: (facts.memory.settings[CONTROL],), take_control, None,
                                   ((CONTROL, CLOSED), (UNLOCKED, 0)))),
    Row(0x0201, "password", Content(1, lambda _: (0,), take_password)),
))  # fmt: skip

TABLES = Area(0x0300, 0x0340, "calendar", (
    Row(0x0300, "seasons", table("seasons", CALENDAR.factory_seasons(), CALENDAR.check_seasons)),
    Row(0x0310, "day table 1", table("day_1", CALENDAR.factory_day(1), CALENDAR.check_day)),
    Row(0x0328, "day table 2", table("day_2", CALENDAR.factory_day(2), CALENDAR.check_day)),
    Row(0x0340, "ratio, fixed", setting("ratio", 1, 1, 1)),
))  # fmt: skip

MODEL = MeterModel(
    name="armable",
    phases=3,
    units=1,
    functions=frozenset({READ_HOLDING, WRITE_SINGLE}),
    registers=RegisterMap((VALUES, CONTROLS, TABLES)),
    calendar=CALENDAR,
    forced=forced,
    transformers=False,
)
