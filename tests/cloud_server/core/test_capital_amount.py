"""Amounts in capital characters, as the rules for filling in receipts write them."""

import pytest

from cloud_server.core.capital_amount import capital_amount


@pytest.mark.parametrize(
    ("fen", "words"),
    [
        (0, "零元整"),
        (1, "壹分"),
        (10, "壹角整"),
        (12, "壹角贰分"),
        (100, "壹元整"),
        (101, "壹元零壹分"),
        (110, "壹元壹角整"),
        (1_000, "壹拾元整"),
        (10_05, "壹拾元零伍分"),
        (100_00, "壹佰元整"),
        (101_00, "壹佰零壹元整"),
        (110_00, "壹佰壹拾元整"),
        (1_001_00, "壹仟零壹元整"),
        (1_010_00, "壹仟零壹拾元整"),
        (1_234_56, "壹仟贰佰叁拾肆元伍角陆分"),
        (10_000_00, "壹万元整"),
        (10_001_00, "壹万零壹元整"),
        (10_100_00, "壹万零壹佰元整"),
        (12_345_67, "壹万贰仟叁佰肆拾伍元陆角柒分"),
        (100_000_00, "壹拾万元整"),
        (1_000_000_00, "壹佰万元整"),
        (100_000_001_00, "壹亿零壹元整"),
        (100_010_000_00, "壹亿零壹万元整"),
        (-35, "负叁角伍分"),
    ],
)
def test_amounts(fen: int, words: str) -> None:
    assert capital_amount(fen * 10_000) == words


def test_below_a_fen_is_cut_off() -> None:
    assert capital_amount(1_009_999) == "壹元整"
    assert capital_amount(-9_999) == "零元整"
