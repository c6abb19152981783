"""Ids: UUIDv7 in 32 lowercase hex digits."""

import uuid

import pytest
from hypothesis import given
from hypothesis import strategies as st

from protocol.ids import NO_HASH, is_id, make_id


@given(st.integers(min_value=0, max_value=2**48 - 1), st.binary(min_size=10, max_size=10))
def test_an_id_is_a_uuid_of_version_7_that_sorts_by_time(now_ms: int, chance: bytes) -> None:
    made = make_id(now_ms, chance)
    assert is_id(made)
    read = uuid.UUID(hex=made)
    assert (read.version, read.variant) == (7, uuid.RFC_4122)
    assert read.hex == made
    assert int(made[:12], 16) == now_ms


def test_chance_decides_within_one_millisecond() -> None:
    assert make_id(5, bytes(10)) != make_id(5, bytes(9) + b"\x01")
    assert make_id(5, b"\xff" * 10) < make_id(6, bytes(10))


@pytest.mark.parametrize("count", [0, 9, 11, 16])
def test_ten_bytes_of_chance_are_needed(count: int) -> None:
    with pytest.raises(ValueError, match="ten random bytes"):
        make_id(0, bytes(count))


@pytest.mark.parametrize(
    "text",
    ["", "0" * 31, "0" * 33, "A" * 32, "g" * 32, "0" * 32 + "\n", " " + "0" * 31, "０" * 32, "0" * 16 + "-" + "0" * 15],
)
def test_what_is_no_id(text: str) -> None:
    assert not is_id(text)


def test_the_first_prev_is_64_zeros() -> None:
    assert NO_HASH == "0" * 64
