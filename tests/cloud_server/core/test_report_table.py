"""Rows that are made as they are read behave as rows, and sums are those of their columns."""

from collections.abc import Iterator

import pytest

from cloud_server.core.report_table import Column, MadeRows, Value, totals


def rows() -> MadeRows[tuple[Value, ...]]:
    def make() -> Iterator[tuple[Value, ...]]:
        return ((f"shop {number}", number, None) for number in range(5))

    return MadeRows(5, make)


def test_rows_are_read_as_often_as_one_likes() -> None:
    made = rows()
    assert list(made) == list(made)
    assert len(made) == 5
    assert made[0] == ("shop 0", 0, None)
    assert made[-1] == ("shop 4", 4, None)
    with pytest.raises(IndexError):
        made[5]


@pytest.mark.parametrize("cut", [slice(2), slice(1, 3), slice(3, 99), slice(-2, None), slice(0, 5, 2), slice(9, 12)])
def test_a_piece_is_the_piece_of_a_list(cut: slice) -> None:
    assert rows()[cut] == list(rows())[cut]


def test_only_named_columns_are_added_up() -> None:
    columns = (Column("shop", "text"), Column("energy", "energy"), Column("charge", "money"))
    assert totals(columns, rows(), frozenset({"energy", "charge"})) == (None, 10, 0)
