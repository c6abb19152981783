"""Words become numbers in our units: exact, rounded once, half up. What cannot be is refused, and named. Pure."""

from __future__ import annotations

import math
import struct
from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction

from protocol.meter_profile.values import Quantity, Ratio, RegisterType, SerialEncoding, SerialNumber, WordOrder

RAW_SUFFIXES = ("raw_wh", "raw_varh")
"""Registers that are told without the ratio: it belongs to the meter on its supply point, in versions."""


@dataclass(frozen=True, slots=True)
class Refused:
    """A number that cannot be, in a frame that was clean."""

    quantity: str
    address: int
    words: tuple[int, ...]
    reason: str


def round_half_up(value: Fraction) -> int:
    """The nearest whole number; of two equally near ones the higher."""
    return math.floor(value + Fraction(1, 2))


def decode_quantity(quantity: Quantity, words: Sequence[int], ct: Fraction, pt: Fraction) -> int | Refused:
    """One quantity in our unit, with the ratio unless it is a cumulative register."""
    words = tuple(words)
    number = _number(quantity, words)
    if isinstance(number, str):
        return Refused(quantity.name, quantity.address, words, number)
    value = number * quantity.scale
    if not quantity.least <= value <= quantity.greatest:
        reason = f"{float(value):g} lies beyond {quantity.least} to {quantity.greatest}, in the unit of {quantity.key}"
        return Refused(quantity.name, quantity.address, words, reason)
    if not quantity.key.endswith(RAW_SUFFIXES):
        value *= _factor(quantity.ratio, ct, pt)
    return round_half_up(value)


def _factor(ratio: Ratio, ct: Fraction, pt: Fraction) -> Fraction:
    return {Ratio.NONE: Fraction(1), Ratio.CT: ct, Ratio.PT: pt, Ratio.CT_PT: ct * pt}[ratio]


def _number(quantity: Quantity, words: tuple[int, ...]) -> Fraction | str:
    """The register's own number, or why there is none."""
    ordered = words if quantity.word_order is WordOrder.HIGH_FIRST else words[::-1]
    data = b"".join(word.to_bytes(2, "big") for word in ordered)
    if quantity.type is RegisterType.F32:
        (number,) = struct.unpack(">f", data)
        return Fraction(number) if math.isfinite(number) else f"{number} is not a number that can be counted with"
    if quantity.type is RegisterType.BCD:
        digits = data.hex()
        return Fraction(int(digits)) if digits.isdecimal() else f"{digits} has digits beyond 9, so it is not BCD"
    signed = quantity.type in (RegisterType.I16, RegisterType.I32)
    return Fraction(int.from_bytes(data, "big", signed=signed))


def decode_serial(serial: SerialNumber, words: Sequence[int]) -> str | Refused:
    """The serial number as people read it; leading zeros stay, filling at its end goes."""
    data = b"".join(word.to_bytes(2, "big") for word in words)
    if serial.encoding is SerialEncoding.U32:
        return str(int.from_bytes(data, "big"))
    if serial.encoding is SerialEncoding.HEX:
        return data.hex()
    if serial.encoding is SerialEncoding.BCD:
        digits = data.hex()
        return digits if digits.isdecimal() else _refused_serial(serial, words, f"{digits} is not BCD")
    text = data.rstrip(b"\x00 ")
    if text and all(0x21 <= character <= 0x7E for character in text):
        return text.decode("ascii")
    return _refused_serial(serial, words, f"{data.hex()} is not a text")


def _refused_serial(serial: SerialNumber, words: Sequence[int], reason: str) -> Refused:
    return Refused("serial", serial.address, tuple(words), reason)
