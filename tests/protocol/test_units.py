"""Money as people type and read it, and the sharing of whole numbers."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from protocol.units import (
    AMOUNT_MICRO_MAX,
    FEN_MICRO,
    UNIT_MICRO,
    BadAmount,
    amount_from_text,
    amount_to_text,
    split_largest_remainder,
)


@pytest.mark.parametrize(
    ("text", "micro"),
    [
        ("100", 100_000_000),
        ("100.00", 100_000_000),
        ("100.5", 100_500_000),
        ("0.01", 10_000),
        ("0.10", 100_000),
        ("0.010", 10_000),
        ("00012.30", 12_300_000),
        (" 100.00 ", 100_000_000),
        ("\t7\n", 7_000_000),
        ("1000000000", AMOUNT_MICRO_MAX),
        ("999999999.99", AMOUNT_MICRO_MAX - FEN_MICRO),
    ],
)
def test_an_amount_is_read(text: str, micro: int) -> None:
    assert amount_from_text(text) == micro


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("0", "above 0"),
        ("0.00", "above 0"),
        ("-0", "above 0"),
        ("-1", "above 0"),
        ("-0.01", "above 0"),
        ("0.005", "at most two decimals"),
        ("0.001", "at most two decimals"),
        ("1.234567", "at most two decimals"),
        ("1000000000.01", "above the greatest amount of 1000000000"),
        ("1000000000000", "above the greatest amount"),  # 10^12
        ("9999999999999999", "above the greatest amount"),
        ("99999999999999999", "type digits"),
        ("10^12", "type digits"),
        ("abc", "type digits"),
        ("1e3", "type digits"),
        ("1E3", "type digits"),
        ("", "type digits"),
        (" ", "type digits"),
        ("1 000", "type digits"),
        ("1,000.00", "type digits"),
        ("1.", "type digits"),
        (".5", "type digits"),
        ("1.2.3", "type digits"),
        ("+1", "type digits"),
        ("--1", "type digits"),
        ("0x10", "type digits"),
        ("1_000", "type digits"),
        ("¥100", "type digits"),
        ("100元", "type digits"),
        ("１００", "type digits"),
        ("1٠", "type digits"),
        ("1．5", "type digits"),
        ("NaN", "type digits"),
        ("Infinity", "type digits"),
        ("1.1234567", "type digits"),
        ("1\x00", "type digits"),
    ],
)
def test_what_is_no_amount_is_refused_and_shown(text: str, why: str) -> None:
    with pytest.raises(BadAmount, match=why) as caught:
        amount_from_text(text)
    assert repr(text) in str(caught.value)


@pytest.mark.parametrize(
    ("micro", "text"),
    [
        (0, "0.00"),
        (FEN_MICRO, "0.01"),
        (UNIT_MICRO, "1.00"),
        (1_999_999, "1.99"),
        (9_999, "0.00"),
        (-1, "-0.01"),
        (-9_999, "-0.01"),
        (-10_000, "-0.01"),
        (-10_001, "-0.02"),
        (-1_000_000, "-1.00"),
        (123_456_789_012, "123456.78"),
    ],
)
def test_nobody_is_shown_more_than_there_is(micro: int, text: str) -> None:
    assert amount_to_text(micro) == text


@given(st.integers(min_value=1, max_value=AMOUNT_MICRO_MAX // FEN_MICRO))
def test_what_is_printed_can_be_typed(fen: int) -> None:
    assert amount_from_text(amount_to_text(fen * FEN_MICRO)) == fen * FEN_MICRO


@given(st.text(max_size=12))
def test_any_text_is_an_amount_of_whole_fen_or_refused(text: str) -> None:
    try:
        micro = amount_from_text(text)
    except BadAmount:
        return
    assert micro > 0
    assert micro % FEN_MICRO == 0


@pytest.mark.parametrize(
    ("total", "weights", "shares"),
    [
        (10, [1, 1, 1], [4, 3, 3]),
        (11, [1, 1, 1], [4, 4, 3]),
        (1, [1, 1], [1, 0]),
        (1, [1, 2], [0, 1]),
        (100, [1, 0, 3], [25, 0, 75]),
        (5, [7], [5]),
        (0, [3, 4], [0, 0]),
        (0, [0, 0], [0, 0]),
        (0, [], []),
        (567, [1800, 1800], [284, 283]),
        (3, [1, 1, 1, 1, 1], [1, 1, 1, 0, 0]),
    ],
)
def test_shares_by_largest_remainder(total: int, weights: list[int], shares: list[int]) -> None:
    assert split_largest_remainder(total, weights) == shares


def test_something_cannot_be_shared_by_nothing() -> None:
    with pytest.raises(ValueError, match="nothing to share by"):
        split_largest_remainder(1, [0, 0])


@given(
    st.integers(min_value=0, max_value=10**15),
    st.lists(st.integers(min_value=0, max_value=10**12), min_size=1, max_size=20).filter(any),
)
def test_shares_add_up_and_none_is_off_by_one_or_more(total: int, weights: list[int]) -> None:
    shares = split_largest_remainder(total, weights)
    assert sum(shares) == total
    for share, weight in zip(shares, weights, strict=True):
        assert abs(share * sum(weights) - total * weight) < sum(weights)
