"""Meters' clocks as words: binary and BCD, any order of bytes, every second of a day there and back."""

from datetime import UTC, datetime, timedelta

import pytest

from edge_agent.core.meter_clock import clock_time, clock_words, local_instant, off_ms
from protocol.meter_profile.values import MeterClock

ACREL = ("second", "minute", "hour", "weekday", "day", "month", "year", "reserved")
EASTRON = ("century", "year", "month", "day", "hour", "minute", "second", "weekday")
AT = datetime(2026, 11, 22, 9, 58, 7, tzinfo=UTC)


def clock(names: tuple[str, ...], *, bcd: bool) -> MeterClock:
    return MeterClock(function=3, write_function=16, address=0, bcd=bcd, byte_names=names, unlock=())


@pytest.mark.parametrize(
    ("names", "bcd", "words"),
    [
        (ACREL, False, (0x073A, 0x0907, 0x160B, 0x1A00)),
        (ACREL, True, (0x0758, 0x0907, 0x2211, 0x2600)),
        (EASTRON, True, (0x2026, 0x1122, 0x0958, 0x0707)),
        (EASTRON, False, (0x141A, 0x0B16, 0x093A, 0x0707)),
    ],
)
def test_a_time_as_the_makers_write_it(names: tuple[str, ...], bcd: bool, words: tuple[int, ...]) -> None:
    assert clock_words(clock(names, bcd=bcd), AT) == words
    assert clock_time(clock(names, bcd=bcd), words) == AT


@pytest.mark.parametrize("names", [ACREL, EASTRON])
@pytest.mark.parametrize("bcd", [True, False])
def test_every_day_and_many_seconds_come_back(names: tuple[str, ...], bcd: bool) -> None:
    meter = clock(names, bcd=bcd)
    at = datetime(2024, 1, 1, tzinfo=UTC)
    while at.year < 2029:
        assert clock_time(meter, clock_words(meter, at)) == at
        at += timedelta(hours=7, minutes=11, seconds=13)


@pytest.mark.parametrize("words", [(0, 0, 0, 0), (0xFFFF,) * 4, (0x073A, 0x1807, 0x160B, 0x1A00), (0x073A, 0x0907)])
def test_what_is_no_time_is_none(words: tuple[int, ...]) -> None:
    assert clock_time(clock(ACREL, bcd=False), words) is None


@pytest.mark.parametrize("words", [(0x0A58, 0x0907, 0x2211, 0x2600), (0x0758, 0x0907, 0x3011, 0x26FF)])
def test_digits_beyond_nine_are_no_bcd_time(words: tuple[int, ...]) -> None:
    told = clock_time(clock(ACREL, bcd=True), words)
    assert told is None or told.day == 30


def test_how_far_off_a_clock_is() -> None:
    wall_ms = 1_795_313_887_400
    local = local_instant(wall_ms, 28_800)
    assert local == datetime(2026, 11, 22, 10, 18, 7, tzinfo=UTC)
    assert off_ms(local, wall_ms, 28_800) == 100
    assert off_ms(local + timedelta(seconds=90), wall_ms, 28_800) == 90_100
    assert local_instant(wall_ms + 100, 28_800) == local + timedelta(seconds=1), "rounded to the nearer second"
