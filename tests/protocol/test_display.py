"""A number on a display and the register that it means: tables, and what holds for every register."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from protocol.display import unwrapped_wh

WRAP = 1_000_000


@pytest.mark.parametrize(
    ("shown", "charged", "wrap", "means"),
    [
        (1_500, 1_000, WRAP, 1_500),
        (1_000, 1_000, WRAP, 1_000),
        (0, WRAP - 5, WRAP, WRAP),
        (0, WRAP, WRAP, WRAP),
        (20, WRAP - 5, WRAP, WRAP + 20),
        (20, WRAP + 5, WRAP, WRAP + 20),
        (WRAP + 20, WRAP - 5, WRAP, WRAP + 20),
        (20, 2 * WRAP - 5, WRAP, 2 * WRAP + 20),
        (20, 2 * WRAP + 5, WRAP, 2 * WRAP + 20),
        (999_999, 2 * WRAP + 5, WRAP, 3 * WRAP - 1),
        (WRAP, 2 * WRAP, WRAP, None),
        (999, 1_000, None, None),
        (-1, 0, WRAP, None),
    ],
)
def test_what_a_display_means(shown: int, charged: int, wrap: int | None, means: int | None) -> None:
    assert unwrapped_wh(shown, charged, wrap) == means


@given(st.integers(2, 10**12), st.integers(0, 10**14), st.data())
def test_any_use_below_one_width_comes_back_from_the_display(wrap: int, charged: int, data: st.DataObject) -> None:
    used = data.draw(st.integers(0, wrap - 1))
    now = charged + used
    assert unwrapped_wh(now % wrap, charged, wrap) == now
    assert unwrapped_wh(now, charged, wrap) == now
