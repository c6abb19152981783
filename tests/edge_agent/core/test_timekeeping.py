"""What a signed time changes, by a table; and where intervals and days end when calendars and clocks do odd things."""

import itertools
from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import msgspec
import pytest

from edge_agent.core.state import Now
from edge_agent.core.stepping import clock_stepped
from edge_agent.core.timekeeping import EARLIEST_MS, LATEST_MS, ClockTrust, can_be_now, right_time_ms
from protocol.box_config import BoxConfig, FeeConfig
from protocol.records import ClockStep, Fee, Interval
from tests.edge_agent.core.street import METERS, START_MS, Street, box_config, wallet_config

NOW_MS = EARLIEST_MS + 30 * 86_400_000
HOUR_MS = 3_600_000
MINUTE_MS = 60_000


@pytest.mark.parametrize(
    ("wall_ms", "sure", "away_ms", "round_trip_ms", "moved_ms"),
    [
        (0, False, NOW_MS, 40, NOW_MS + 20),  # 1970: a battery that is dead
        (4_070_908_800_000, False, NOW_MS - 4_070_908_800_000, 0, NOW_MS - 4_070_908_800_000),  # 2099
        (NOW_MS, False, 7_200_000, 100, 7_200_050),
        (NOW_MS, False, -7_200_000, 100, -7_199_950),
        (NOW_MS, False, 1_400, 0, None),  # near enough: it is believed as it is
        (NOW_MS, False, 7_200_000, 5_001, None),  # who knows how long ago that was true
        (NOW_MS, True, 0, 20, None),
        (NOW_MS, True, 500, 0, None),
        (NOW_MS, True, 501, 0, 500),  # drift is led back by less than a step
        (NOW_MS, True, -90_000, 0, -500),
        (NOW_MS, True, 300_000, 0, 500),
        (NOW_MS, True, 300_001, 0, None),  # the server's clock may be the wrong one
        (NOW_MS, True, -300_001, 0, None),
        (NOW_MS, True, 400, 1_000, None),  # within what the round trip leaves open
    ],
)
def test_what_a_signed_time_changes(
    wall_ms: int, sure: bool, away_ms: int, round_trip_ms: int, moved_ms: int | None
) -> None:
    now = Now(wall_ms, 1_000, sure)
    right = right_time_ms(now, wall_ms + away_ms, round_trip_ms)
    assert (None if right is None else right - wall_ms) == moved_ms


@pytest.mark.parametrize("server_ms", [0, EARLIEST_MS - 1, LATEST_MS + 1])
def test_a_server_in_another_century_sets_nothing(server_ms: int) -> None:
    assert right_time_ms(Now(0, 0, sure=False), server_ms, 10) is None


def test_a_first_start_in_2099_or_1970_is_not_believed() -> None:
    fresh = ClockTrust()
    assert not fresh.believes(0, 5)
    assert not fresh.believes(4_070_908_800_000, 5)
    assert fresh.believes(NOW_MS, 5)
    assert can_be_now(EARLIEST_MS)
    assert not can_be_now(LATEST_MS + 1)


# --- the calendar ---------------------------------------------------------------------------------------------------


def zoned(zone: str, **changes: object) -> BoxConfig:
    config = box_config(**changes)  # type: ignore[arg-type]  # passed on as it came
    return msgspec.structs.replace(config, site=msgspec.structs.replace(config.site, zone=zone))


def begin(street: Street, at: datetime) -> None:
    """Move the street to an instant before anything was read."""
    street.wall_offset_ms = int(at.timestamp() * 1000) - START_MS


def read_every_minute(street: Street, minutes: int) -> list[Interval]:
    register = 1_000
    for _ in range(minutes):
        street.at_s += 60
        register += 10
        street.read(0, register)
    return [record for record in street.of(Interval) if isinstance(record, Interval)]


@pytest.mark.parametrize(
    ("zone", "local", "minutes", "day_minutes"),
    [
        ("Europe/Berlin", (2027, 3, 27, 23, 30), 26 * 60, 23 * 60),  # clocks go forward
        ("Europe/Berlin", (2027, 10, 30, 23, 30), 28 * 60, 25 * 60),  # and back
        ("America/Sao_Paulo", (2027, 1, 31, 23, 30), 26 * 60, 24 * 60),  # a month ends
        ("Asia/Kathmandu", (2027, 2, 28, 23, 30), 26 * 60, 24 * 60),  # of an odd offset
        ("Australia/Lord_Howe", (2027, 4, 3, 23, 30), 27 * 60, 24 * 60 + 30),  # half an hour back
    ],
)
def test_intervals_meet_and_end_at_local_midnight_whatever_the_day_is_long(
    zone: str, local: tuple[int, int, int, int, int], minutes: int, day_minutes: int
) -> None:
    street = Street(zoned(zone, wallets=(wallet_config(0),)))
    begin(street, datetime(*local, tzinfo=ZoneInfo(zone)))
    street.read(0, 1_000)
    found = read_every_minute(street, minutes)
    assert all(a.to.at_ms == b.from_.at_ms and a.to.raw_wh == b.from_.raw_wh for a, b in itertools.pairwise(found))
    assert all(record.energy_wh == record.to.raw_wh - record.from_.raw_wh for record in found)
    ends = [datetime.fromtimestamp(record.to.at_ms / 1000, ZoneInfo(zone)) for record in found]
    assert all(end.minute in (0, 30) and end.second == 0 for end in ends)
    midnights = [record.to.at_ms for record, end in zip(found, ends, strict=True) if (end.hour, end.minute) == (0, 0)]
    assert [(b - a) // MINUTE_MS for a, b in itertools.pairwise(midnights)] == [day_minutes]


def test_a_step_over_midnight_takes_no_daily_fee_twice() -> None:
    """The clock is set back over midnight and forward again: each day has its fee once."""
    wallet = wallet_config(0, fees=[FeeConfig(fee="stall", charge_micro=500_000)])
    street = Street(box_config(wallets=(wallet,)))
    begin(street, datetime(2027, 5, 31, 15, 50, tzinfo=UTC))  # ten minutes before midnight in Shanghai
    street.grant(0, 100)
    street.read(0, 1_000)
    street.tick()
    for by_ms, sure in ((20 * MINUTE_MS, True), (-25 * MINUTE_MS, False), (25 * MINUTE_MS, True)):
        before_ms = START_MS + street.wall_offset_ms
        street.wall_offset_ms += by_ms
        street.sure = sure
        street.take(clock_stepped(street.place, street.state, before_ms, True, street.now, "server"))
        street.tick()
        street.at_s += 30
        street.read(0, 1_000)
        street.tick()
    days = [record.day for record in street.of(Fee) if isinstance(record, Fee)]
    assert days
    assert len(days) == len(set(days))
    steps = [record for record in street.of(ClockStep) if isinstance(record, ClockStep)]
    assert [step.source for step in steps] == ["server"] * 3
    assert METERS[0] in street.state.latest
