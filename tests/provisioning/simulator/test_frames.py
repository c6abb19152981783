"""Frames against the worked examples of the makers and of the standard."""

import pytest

from provisioning.simulator.frames import (
    ExceptionCode,
    Refusal,
    crc16,
    exception_reply,
    parse_request,
    read_reply,
    read_request,
    write_multiple_request,
    write_reply,
    write_single_request,
)
from tests.provisioning.simulator.master import framed

# Frames of real meters, from their documents: relay orders of ADF400L and DTSY1352, a read of an SDM.
KNOWN_FRAMES = [
    "01 10 08 04 00 01 02 01 01 EE 44",
    "01 10 08 04 00 01 02 01 00 2F 84",
    "01 10 08 04 00 01 02 00 00 2E 14",
    "01 10 00 57 00 02 04 00 01 00 00 E6 B5",
    "01 10 00 57 00 02 04 00 01 00 01 27 75",
    "01 04 01 56 00 02 90 27",
]


@pytest.mark.parametrize("text", KNOWN_FRAMES)
def test_known_frames_are_whole(text: str) -> None:
    frame = bytes.fromhex(text)
    request = parse_request(frame)
    assert request is not None
    assert (request.unit, request.function) == (frame[0], frame[1])
    assert request.body == frame[2:-2]


@pytest.mark.parametrize("text", KNOWN_FRAMES)
def test_any_flipped_bit_makes_silence(text: str) -> None:
    frame = bytes.fromhex(text)
    for bit in range(8 * len(frame)):
        wrong = bytearray(frame)
        wrong[bit // 8] ^= 1 << bit % 8
        assert parse_request(bytes(wrong)) is None


def test_the_check_value_of_the_crc() -> None:
    assert crc16(b"123456789") == 0x4B37


def test_what_is_too_short_is_no_request() -> None:
    assert parse_request(b"") is None
    assert parse_request(framed(b"\x01")) is None


def test_writes_are_taken_apart() -> None:
    request = parse_request(bytes.fromhex(KNOWN_FRAMES[4]))
    assert request is not None
    write = write_multiple_request(request.body)
    assert (write.address, write.words) == (0x0057, (1, 1))
    assert write_reply(request) == framed(bytes.fromhex("01 10 00 57 00 02"))
    assert write_single_request(bytes.fromhex("08 04 01 00")).words == (0x0100,)


def test_replies() -> None:
    request = parse_request(framed(bytes.fromhex("07 03 00 00 00 02")))
    assert request is not None
    assert read_reply(request, (0x0102, 0xFFFE)) == framed(bytes.fromhex("07 03 04 01 02 FF FE"))
    assert exception_reply(request, ExceptionCode.ILLEGAL_ADDRESS) == framed(bytes.fromhex("07 83 02"))


@pytest.mark.parametrize("body", ["", "0000", "0000 0000", "0000 007E", "0000 0001 00"])
def test_a_read_of_no_or_too_many_registers_is_an_illegal_value(body: str) -> None:
    with pytest.raises(Refusal) as refusal:
        read_request(bytes.fromhex(body))
    assert refusal.value.code is ExceptionCode.ILLEGAL_VALUE


@pytest.mark.parametrize(
    "body", ["0000 0001", "0000 0001 02 00", "0000 0000 00", "0000 0002 02 0000", "0000 0001 02 000000"]
)
def test_a_write_whose_counts_differ_is_an_illegal_value(body: str) -> None:
    with pytest.raises(Refusal) as refusal:
        write_multiple_request(bytes.fromhex(body))
    assert refusal.value.code is ExceptionCode.ILLEGAL_VALUE
