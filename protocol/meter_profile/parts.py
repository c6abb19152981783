"""The parts of a profile that are not quantities: relay, clock, serial number, unit id.

`readback = "none"` means that the contact cannot be read; the meter's own copy of the order may be readable all the
same, and is then what an order is checked by.
"""

from __future__ import annotations

from protocol.meter_profile import reasons
from protocol.meter_profile.frames import (
    READ_BIT_FUNCTIONS,
    READ_REGISTER_FUNCTIONS,
    SINGLE_WRITE_FUNCTIONS,
    WRITE_COIL_FUNCTIONS,
    WRITE_REGISTER_FUNCTIONS,
)
from protocol.meter_profile.table import ProfileTable
from protocol.meter_profile.values import (
    Grade,
    MeterClock,
    RegisterType,
    RegisterWrite,
    Relay,
    RelayReadback,
    SerialEncoding,
    SerialNumber,
    UnitRegister,
    UnlockStep,
    VendorCall,
    WordMatch,
)
from protocol.meter_profile.words import CLOCK_BYTES

GREATEST_ADDRESS = 0xFFFF
GREATEST_FUNCTION = 0x7F
"""Above lie the exceptions (MODBUS Application Protocol V1.1b3, 4.1)."""
MOST_VENDOR_BYTES = 64
"""Far below the 252 that a frame could carry; every known unlocking is shorter than 16."""
LONGEST_SETTLE_MS = 10_000
MOST_SERIAL_REGISTERS = 16
MOST_CLOCK_BYTES = 16
GREATEST_UNIT = 247
"""MODBUS over Serial Line V1.02, 2.2: above lie reserved addresses."""
READ_ORDER_FUNCTION = {"coil": 1, "register": 3}
ALL_BITS = 0xFFFF
Words = tuple[int, ...]


def read_relay(top: ProfileTable, grades: list[str]) -> Relay | None:
    """The relay, or None for a plain meter."""
    table = top.table("relay")
    if table is None:
        return None
    kind = table.word("kind", ["register", "coil"])
    functions = WRITE_COIL_FUNCTIONS if kind == "coil" else WRITE_REGISTER_FUNCTIONS
    function = table.one_of("function", functions)
    address = table.integer("address", 0, GREATEST_ADDRESS)
    closed, opened, released, armed = _written(table, 1 if function in SINGLE_WRITE_FUNCTIONS else None)
    readback = table.word("readback", ["contact", "none"])
    contact = table.table("contact", needed=readback == "contact" and not table.is_wrong("readback"))
    if readback == "none" and contact is not None:
        table.wrong("readback", reasons.CONTACT_BELOW)
    order = RelayReadback(
        function=READ_ORDER_FUNCTION[kind],
        address=address,
        count=len(closed),
        closed=_exactly(closed),
        open=_exactly(opened),
        released=_released(table, released),
        armed=_exactly(armed) if armed is not None else None,
    )
    order_readable = table.truth("order_readable", default=True)
    if armed is not None and (contact is None or not order_readable):
        table.wrong("arm", reasons.ARM_UNSEEN)
    relay = Relay(
        write_closed=RegisterWrite(function, address, closed),
        write_open=RegisterWrite(function, address, opened),
        write_release=RegisterWrite(function, address, released) if released is not None else None,
        unlock=read_unlock(table),
        order=order if order_readable else None,
        contact=_contact(contact) if contact is not None else None,
        settle_ms=table.integer("settle_ms", 0, LONGEST_SETTLE_MS, 0),
        grade=Grade(table.word("grade", grades)),
        write_arm=RegisterWrite(function, address, armed) if armed is not None else None,
    )
    table.finish()
    return relay


def _written(table: ProfileTable, count: int | None) -> tuple[Words, Words, Words | None, Words | None]:
    """What is written to close, open, release and arm: as many words each, no two of one meaning."""
    closed = table.words_of("closed", count)
    opened = table.words_of("open", len(closed))
    released = table.words_of("release", len(closed)) if "release" in table else None
    armed = table.words_of("arm", len(closed)) if "arm" in table else None
    if armed is not None and armed in (closed, opened, released):
        table.wrong("arm", reasons.ARM_LIKE_ANOTHER)
    if closed == opened and not table.is_wrong("closed") and not table.is_wrong("open"):
        table.wrong("open", reasons.OPEN_LIKE_CLOSED)
    return closed, opened, released, armed


def _exactly(words: Words) -> WordMatch:
    return WordMatch((ALL_BITS,) * len(words), words)


def _released(table: ProfileTable, released: Words | None) -> WordMatch | None:
    """A released relay reads back as written, under `release_mask` where only some bits tell."""
    if released is None:
        if "release_mask" in table:
            table.wrong("release_mask", reasons.NO_RELEASE)
        return None
    mask = table.words_of("release_mask", len(released), (ALL_BITS,) * len(released))
    return WordMatch(mask, released)


def read_unlock(table: ProfileTable) -> tuple[UnlockStep, ...]:
    """What has to be asked before a write: writes, or calls of the maker's own functions."""
    return tuple(_unlock_step(step) for step in table.tables("unlock"))


def _unlock_step(table: ProfileTable) -> UnlockStep:
    function = table.integer("function", 1, GREATEST_FUNCTION)
    step: UnlockStep
    if function in WRITE_COIL_FUNCTIONS + WRITE_REGISTER_FUNCTIONS:
        count = 1 if function in SINGLE_WRITE_FUNCTIONS else None
        step = RegisterWrite(function, table.integer("address", 0, GREATEST_ADDRESS), table.words_of("values", count))
    else:
        if function in READ_BIT_FUNCTIONS + READ_REGISTER_FUNCTIONS and not table.is_wrong("function"):
            table.wrong("function", reasons.STEP_READS)
        step = VendorCall(
            function,
            table.hex_bytes("send", MOST_VENDOR_BYTES),
            table.hex_bytes("answer", MOST_VENDOR_BYTES),
        )
    table.finish()
    return step


def _contact(table: ProfileTable) -> RelayReadback:
    """How the contact itself is read."""
    function = table.integer("function", 1, 4)
    address = table.integer("address", 0, GREATEST_ADDRESS)
    closed = table.words_of("closed", None)
    opened = table.words_of("open", len(closed))
    mask = table.words_of("mask", len(closed), (ALL_BITS,) * len(closed))
    if all(one & bits == other & bits for one, other, bits in zip(closed, opened, mask, strict=True)):
        table.wrong("open", reasons.CONTACT_ALIKE)
    table.finish()
    return RelayReadback(function, address, len(closed), WordMatch(mask, closed), WordMatch(mask, opened), None)


def read_serial(top: ProfileTable) -> SerialNumber | None:
    """Where the serial number is, or None."""
    table = top.table("serial")
    if table is None:
        return None
    serial = SerialNumber(
        function=table.one_of("function", READ_REGISTER_FUNCTIONS, 3),
        address=table.integer("address", 0, GREATEST_ADDRESS),
        registers=table.integer("registers", 1, MOST_SERIAL_REGISTERS),
        encoding=SerialEncoding(table.word("encoding", [str(each) for each in SerialEncoding])),
    )
    if serial.encoding is SerialEncoding.U32 and serial.registers != 2:
        table.wrong("registers", reasons.U32_REGISTERS)
    table.finish()
    return serial


def read_clock(top: ProfileTable) -> MeterClock | None:
    """The meter's clock, or None."""
    table = top.table("clock")
    if table is None:
        return None
    names = table.texts("bytes")
    unknown = sorted(set(names) - set(CLOCK_BYTES))
    if unknown or len(names) % 2 or len(names) > MOST_CLOCK_BYTES:
        table.wrong("bytes", reasons.CLOCK_BYTES(most=MOST_CLOCK_BYTES, allowed=", ".join(CLOCK_BYTES)))
    clock = MeterClock(
        function=table.one_of("function", READ_REGISTER_FUNCTIONS, 3),
        write_function=table.one_of("write_function", WRITE_REGISTER_FUNCTIONS, WRITE_REGISTER_FUNCTIONS[-1]),
        address=table.integer("address", 0, GREATEST_ADDRESS),
        bcd=table.word("encoding", ["binary", "bcd"]) == "bcd",
        byte_names=names,
        unlock=read_unlock(table),
    )
    table.finish()
    return clock


def read_unit_id(top: ProfileTable, grades: list[str]) -> UnitRegister | None:
    """Where the unit id can be set, or None where the file does not say."""
    table = top.table("unit_id")
    if table is None:
        return None
    least = table.integer("least", 1, GREATEST_UNIT, 1)
    unlock = read_unlock(table)
    if any(isinstance(step, VendorCall) for step in unlock):
        table.wrong("unlock", reasons.PLAIN_WRITES)
    found = UnitRegister(
        function=table.one_of("function", READ_REGISTER_FUNCTIONS, 3),
        write_function=table.one_of("write_function", WRITE_REGISTER_FUNCTIONS, WRITE_REGISTER_FUNCTIONS[-1]),
        address=table.integer("address", 0, GREATEST_ADDRESS),
        type=RegisterType(table.word("type", [RegisterType.U16, RegisterType.F32])),
        least=least,
        greatest=table.integer("greatest", least, GREATEST_UNIT, GREATEST_UNIT),
        unlock=tuple(step for step in unlock if isinstance(step, RegisterWrite)),
        grade=Grade(table.word("grade", grades)),
    )
    if found.type is RegisterType.F32 and found.write_function in SINGLE_WRITE_FUNCTIONS:
        table.wrong("write_function", reasons.FLOAT_NEEDS_TWO)
    table.finish()
    return found
