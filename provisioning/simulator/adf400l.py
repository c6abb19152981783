"""Registers of the Acrel ADF400L multi-user prepaid meter: single-phase and three-phase users.

Sources: "ADF400L Series Multi User Electric Energy Meter, Installation and Operation Manual V1.2", section 9.4, in
the transcription of chichicaste/ADF400L [M]; that author's tests on one device [C]. Words are big endian, high word
first [C]. A register that no source names inside an area reads 0; an address outside all areas is refused (2).

Deduced, by us (inference):
- control word 0801/0804: high byte 1 = force enabled, low byte 1 = closed, 0 = open; any other byte is refused;
- a purchase is one function 16 write of amount and count (050D-050F, 0543-0545), taken when the count is one more
  than the meter's, refused with exception 3 otherwise; prepaid switch and prices without effect in metering mode;
- amounts are money for single-phase users too (the manual's live table says kWh there, its prepaid table yuan);
- serial number 0947-094D: ASCII, filled with zero bytes; weekday in 090C: 1 = Monday.
Not known, and so not played: relay bits in the status word (always 0300, as seen on a device with relays closed);
base amount and overdraft stand in their registers and have no effect; history, harmonics and time control are absent.
A user's areas answer for its kind only. Function 6 is taken as the transcriber's "convention"; 4 is not.
"""

from collections.abc import Callable
from datetime import UTC, datetime

from provisioning.simulator.calendar_tables import ByteOrder, CalendarFormat, SeasonOrder
from provisioning.simulator.frames import ExceptionCode, Refusal
from provisioning.simulator.memory import MeterMemory
from provisioning.simulator.own_control import ACCOUNT_PER_CENT, Forced
from provisioning.simulator.quantities import (
    active_energy,
    active_energy_at,
    last_purchase,
    nothing,
    purchase_count,
    reactive_energy_at,
    remaining,
)
from provisioning.simulator.registers import (
    Area,
    Content,
    MeterFacts,
    Row,
    Telling,
    Words,
    join32,
    setting,
    setting32,
    split32,
    u16,
    u32,
)

# As read on a device in metering mode with its relays closed [C]; no bit of it is documented.
STATUS_WORD = 0x0300
# Depth of the recharge records [M].
RECHARGE_RECORDS = 20
# No source tells the factory's price: half a yuan, which is nobody's tariff.
FACTORY_PRICE = 50
CALENDAR = CalendarFormat(ByteOrder.RATE_HOUR_MINUTE, SeasonOrder.TABLE_DAY_MONTH, greatest_rate=4)
# 090E holds the year within the century.
CENTURY = 2000


def take_purchase(facts: MeterFacts, words: Words) -> None:
    """Amount (2) and count (1): added when the count is the next one; raises Refusal 3 otherwise (inference)."""
    memory = facts.memory
    amount, count = join32(words[:2]), words[2]
    if count != (memory.purchase_count + 1) & 0xFFFF:
        raise Refusal(ExceptionCode.ILLEGAL_VALUE, f"purchase {count} after {memory.purchase_count}")
    memory.remaining += amount * ACCOUNT_PER_CENT
    memory.purchased_total += amount
    memory.purchase_count = count
    memory.last_purchase = amount
    memory.recharge_records.insert(0, list(_recharge_record(facts)))
    del memory.recharge_records[RECHARGE_RECORDS:]


def _recharge_record(facts: MeterFacts) -> Words:
    now, memory = facts.local_time, facts.memory
    time = (now.year - CENTURY, now.month, now.day, now.hour, now.minute, now.second)
    return (
        *(high << 8 | low for high, low in zip(time[::2], time[1::2], strict=True)),
        memory.purchase_count,
        *split32(memory.last_purchase),
        *split32(remaining(facts)),
        *split32(active_energy(facts)),
    )


def recharge_record(facts: MeterFacts, index: int) -> Words:
    """The recharge record `index`, newest first: time, count, amount, remaining after, total energy; zeros if none."""
    records = facts.memory.recharge_records
    return tuple(records[index]) if index < len(records) else (0,) * 10


def clock_words(facts: MeterFacts) -> Words:
    """The clock, binary: second/minute, hour/weekday, day/month, year/reserved."""
    now = facts.local_time
    return (
        now.second << 8 | now.minute,
        now.hour << 8 | now.isoweekday(),
        now.day << 8 | now.month,
        now.year - CENTURY << 8,
    )


def set_clock(facts: MeterFacts, words: Words) -> None:
    """Set the clock from its four words; the weekday follows the date; raises Refusal 3 for no date."""
    try:
        wanted = datetime(
            year=CENTURY + (words[3] >> 8),
            month=words[2] & 0xFF,
            day=words[2] >> 8,
            hour=words[1] >> 8,
            minute=words[0] & 0xFF,
            second=words[0] >> 8,
            tzinfo=UTC,
        )
    except ValueError as error:
        raise Refusal(ExceptionCode.ILLEGAL_VALUE, f"clock: {error}") from error
    facts.memory.clock_offset_ms += round((wanted - facts.local_time).total_seconds() * 1000)


def serial_words(facts: MeterFacts) -> Words:
    """The serial number as ASCII in seven words (inference)."""
    text = facts.memory.serial.encode("ascii").ljust(14, b"\0")
    return tuple(text[index] << 8 | text[index + 1] for index in range(0, 14, 2))


def check_control_word(words: Words) -> None:
    """Raises Refusal 3 unless both bytes are 0 or 1 (inference)."""
    if words[0] & ~0x0101:
        raise Refusal(ExceptionCode.ILLEGAL_VALUE, f"control word {words[0]:04X}")


def forced(memory: MeterMemory) -> Forced:
    """What the control word says: high byte enables, low byte 1 = closed (inference)."""
    word = memory.settings["force_control"]
    if not word >> 8:
        return Forced.RELEASED
    return Forced.CLOSED if word & 1 else Forced.OPEN


def control_word() -> Content:
    """The strong control word; released when it leaves the factory."""
    word = setting("force_control", 0)
    return Content(1, word.tell, word.hear, check_control_word, word.factory)


def prepaid_area(base: int, title: str) -> Area:
    """Prepaid area of a user's kind: 0500 single-phase, 0536 three-phase [M]; the purchase is a Transaction."""
    return Area(base, base + 0x11, title, (
        Row(base + 0x00, "prepaid switch", setting("prepaid_switch", 0)),
        Row(base + 0x01, "price tip", setting32("price_tip", FACTORY_PRICE), "0.01 yuan/kWh"),
        Row(base + 0x03, "price peak", setting32("price_peak", FACTORY_PRICE), "0.01 yuan/kWh"),
        Row(base + 0x05, "price flat", setting32("price_flat", FACTORY_PRICE), "0.01 yuan/kWh"),
        Row(base + 0x07, "price valley", setting32("price_valley", FACTORY_PRICE), "0.01 yuan/kWh"),
        Row(base + 0x09, "alarm amount 1", setting32("alarm_1", 0), "0.01 yuan"),
        Row(base + 0x0B, "alarm amount 2", setting32("alarm_2", 0), "0.01 yuan"),
        Row(base + 0x0D, "new purchase amount", u32(last_purchase), "0.01 yuan"),
        Row(base + 0x0F, "purchase count", u16(purchase_count)),
        Row(base + 0x10, "base amount", setting32("base_amount", 0), "0.01 yuan"),
    ))  # fmt: skip


def load_control_area(base: int, title: str) -> Area:
    """Load control of a user's kind: 0700 single-phase, 0718 three-phase [M]."""
    return Area(base, base + 0x07, title, (
        Row(base + 0, "load control switch", setting("load_control_switch", 0)),
        Row(base + 1, "maximum power", setting("maximum_power", 0xFFFF), "0.001 kW"),
        Row(base + 2, "power increment threshold", setting("power_increment", 0), "0.001 kW"),
        Row(base + 3, "power factor threshold", setting("power_factor_threshold", 0)),
        Row(base + 4, "load control count", setting("load_control_count", 0)),
        Row(base + 5, "load control allowed count", setting("load_control_allowed", 0)),
        Row(base + 6, "load control recovery time", setting("load_control_recovery", 0), "10 s"),
        Row(base + 7, "voltage loss threshold", setting("voltage_loss_threshold", 0), "0.1 V"),
    ))  # fmt: skip


def rate_rows(base: int) -> tuple[Row, ...]:
    """Energies by rate: active, reactive, forward and reverse active, forward and reverse reactive [M]."""
    rows = []
    for offset, (kind, telling) in zip(range(0, 0x30, 8), _RATE_QUANTITIES, strict=True):
        for place, rate in enumerate(("tip", "peak", "flat", "valley")):
            rows.append(Row(base + offset + 2 * place, f"{kind} energy {rate}", u32(telling(rate)), "0.01 kWh, kvarh"))
    return tuple(rows)


_RATE_QUANTITIES: tuple[tuple[str, Callable[[str], Telling]], ...] = (
    ("active", active_energy_at),
    ("reactive", reactive_energy_at),
    ("forward active", active_energy_at),
    ("reverse active", lambda _rate: nothing),
    ("forward reactive", reactive_energy_at),
    ("reverse reactive", lambda _rate: nothing),
)
