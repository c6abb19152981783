"""Words to numbers: every type and order, rounding once half up, ratios, and what cannot be."""

from __future__ import annotations

import struct
from fractions import Fraction

import pytest

from edge_agent.bus.decode import Refused, decode_quantity, decode_serial, round_half_up
from protocol.meter_profile.values import (
    Grade,
    Quantity,
    Ratio,
    RegisterType,
    SerialEncoding,
    SerialNumber,
    WordOrder,
)

ONE = Fraction(1)


def quantity(
    kind: str,
    scale: str = "1",
    order: str = "high_first",
    ratio: str = "none",
    key: str = "power_w",
    least: int = -(10**12),
    greatest: int = 10**18,
) -> Quantity:
    return Quantity(
        name="power",
        key=key,
        address=0x0302,
        function=3,
        type=RegisterType(kind),
        registers=1,
        word_order=WordOrder(order),
        scale=Fraction(scale),
        ratio=Ratio(ratio),
        least=least,
        greatest=greatest,
        wrap=None,
        grade=Grade.MANUAL,
    )


def float_words(number: float) -> tuple[int, int]:
    high, low = struct.unpack(">HH", struct.pack(">f", number))
    return high, low


@pytest.mark.parametrize(
    ("kind", "order", "words", "scale", "value"),
    [
        ("u16", "high_first", (0xFFFF,), "1", 65_535),
        ("i16", "high_first", (0xFFFF,), "1", -1),
        ("u32", "high_first", (0x0001, 0x0002), "1", 65_538),
        ("u32", "low_first", (0x0002, 0x0001), "1", 65_538),
        ("u32", "high_first", (0xFFFF, 0xFFFF), "10", 42_949_672_950),
        ("i32", "high_first", (0xFFFF, 0xD8F0), "1/100", -100),
        ("u64", "high_first", (0, 0, 1, 0), "1", 65_536),
        ("u64", "low_first", (0, 1, 0, 0), "1", 65_536),
        ("f32", "high_first", (0x42C8, 0x0000), "1", 100),
        ("f32", "low_first", (0x0000, 0x42C8), "1000", 100_000),
        ("bcd", "high_first", (0x1234, 0x5678), "1", 12_345_678),
        ("bcd", "low_first", (0x5678, 0x1234), "1", 12_345_678),
    ],
)
def test_types_and_orders(kind: str, order: str, words: tuple[int, ...], scale: str, value: int) -> None:
    assert decode_quantity(quantity(kind, scale, order), words, ONE, ONE) == value


@pytest.mark.parametrize(
    ("number", "rounded"), [("5/2", 3), ("-5/2", -2), ("7/3", 2), ("8/3", 3), ("-7/3", -2), ("4", 4), ("1/2", 1)]
)
def test_halves_go_up(number: str, rounded: int) -> None:
    assert round_half_up(Fraction(number)) == rounded


def test_a_float_is_rounded_once_and_exactly() -> None:
    """0.0125 as a float is a little above: 12.5 Wh and a trace."""
    assert decode_quantity(quantity("f32", "1000"), float_words(0.0125), ONE, ONE) == 13
    assert decode_quantity(quantity("f32", "1000"), float_words(0.5), Fraction(1), ONE) == 500


def test_the_ratio_is_applied_before_the_rounding() -> None:
    ct = Fraction(200, 5)
    assert decode_quantity(quantity("i16", "1/10", ratio="ct"), (3,), ct, ONE) == 12
    assert decode_quantity(quantity("i16", ratio="ct_pt"), (3,), ct, Fraction(100)) == 12_000
    assert decode_quantity(quantity("i16", ratio="pt"), (3,), ct, Fraction(100)) == 300


def test_registers_are_told_without_the_ratio() -> None:
    for key in ("raw_wh", "peak_raw_wh", "reactive_energy_raw_varh"):
        assert decode_quantity(quantity("u32", ratio="ct_pt", key=key), (0, 7), Fraction(40), ONE) == 7


@pytest.mark.parametrize(
    ("kind", "words", "reason"),
    [
        ("f32", float_words(float("nan")), "nan is not a number"),
        ("f32", float_words(float("inf")), "inf is not a number"),
        ("f32", float_words(float("-inf")), "-inf is not a number"),
        ("f32", float_words(3e38), "lies beyond"),
        ("bcd", (0x12A4,), "not BCD"),
        ("u64", (0xFFFF, 0, 0, 0), "lies beyond"),
    ],
)
def test_what_cannot_be_is_refused_and_names_its_register(kind: str, words: tuple[int, ...], reason: str) -> None:
    refused = decode_quantity(quantity(kind), words, ONE, ONE)
    assert isinstance(refused, Refused)
    assert (refused.quantity, refused.address, refused.words) == ("power", 0x0302, words)
    assert reason in refused.reason


def test_a_believable_range_is_kept_before_the_ratio() -> None:
    narrow = quantity("i16", ratio="ct", least=0, greatest=1_000)
    assert decode_quantity(narrow, (1_000,), Fraction(40), ONE) == 40_000
    assert isinstance(decode_quantity(narrow, (1_001,), ONE, ONE), Refused)
    assert isinstance(decode_quantity(narrow, (0xFFFF,), ONE, ONE), Refused)


@pytest.mark.parametrize(
    ("encoding", "words", "text"),
    [
        ("bcd", (0x0012, 0x3456, 0x7890), "001234567890"),
        ("ascii", (0x3030, 0x3132, 0x4142, 0x0000), "0012AB"),
        ("ascii", (0x3030, 0x3132, 0x2020), "0012"),
        ("hex", (0x00AB, 0x0001), "00ab0001"),
        ("u32", (0x0001, 0x0000), "65536"),
    ],
)
def test_serial_numbers(encoding: str, words: tuple[int, ...], text: str) -> None:
    assert decode_serial(SerialNumber(3, 0x43, len(words), SerialEncoding(encoding)), words) == text


@pytest.mark.parametrize(("encoding", "words"), [("bcd", (0x00FA,)), ("ascii", (0x0001,)), ("ascii", (0, 0))])
def test_serial_numbers_that_cannot_be(encoding: str, words: tuple[int, ...]) -> None:
    assert isinstance(decode_serial(SerialNumber(3, 0x43, len(words), SerialEncoding(encoding)), words), Refused)
