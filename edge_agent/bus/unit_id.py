"""A meter's unit id as the words of its register: what is written to set it, and what reads back. PURE."""

import struct
from collections.abc import Sequence

from protocol.meter_profile.values import RegisterType, RegisterWrite, UnitRegister


def unit_words(register: UnitRegister, unit: int) -> tuple[int, ...]:
    """The words that stand for a unit id there; a float lies high word first, as every known maker has it."""
    if register.type is RegisterType.F32:
        high, low = struct.unpack(">HH", struct.pack(">f", float(unit)))
        return (high, low)
    return (unit,)


def unit_writes(register: UnitRegister, unit: int) -> Sequence[RegisterWrite]:
    """All that is written to the meter under its old unit id, in order."""
    return (*register.unlock, RegisterWrite(register.write_function, register.address, unit_words(register, unit)))
