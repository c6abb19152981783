"""Overload, friendly hours, notice and the warning cut: what opens, what waits, and what a person must release."""

import msgspec
import pytest

from edge_agent.core.holding_back import friendly
from edge_agent.core.measured import RelayPosition
from edge_agent.core.state import Now
from protocol.box_config import FriendlyHours, Overload
from protocol.commands import ReleaseOverload, SetMode
from protocol.records import Alarm
from tests.edge_agent.core.street import METERS, START_MS, Street, box_config, meter_config

HOUR_MS = 3_600_000


def busy(threshold_w: int = 5_000, delay_s: int = 10, open_s: int = 120, **defaults: object) -> Street:
    limit = Overload(threshold_w=threshold_w, delay_s=delay_s, open_s=open_s)
    street = Street(box_config(meters=(meter_config(0, overload=limit),), **defaults))  # type: ignore[arg-type]  # names of defaults
    street.read(0, 0, 1_000)
    street.grant(0, 1_000)
    street.in_service(0)
    street.orders.clear()
    street.records.clear()
    return street


def run(street: Street, *readings: tuple[int, int]) -> None:
    """(second, power in W), a reading and a tick at each."""
    for at_s, power_w in readings:
        street.at_s = at_s
        street.read(0, at_s, power_w)
        street.tick()


def switched(street: Street) -> list[tuple[int, str, str]]:
    return [(at, order.wanted, order.cause) for at, order in street.orders]


def alarms(street: Street) -> list[str]:
    return [f"{a.alarm} {a.state}" for a in street.of(Alarm) if isinstance(a, Alarm)]


def test_overload_opens_after_the_whole_delay_and_is_restored_after_its_time() -> None:
    street = busy()
    run(street, (1, 6_000), (6, 6_000), (10, 6_000), (11, 6_000), (12, 0), (100, 0), (130, 0), (131, 0), (140, 900))
    assert switched(street) == [(11, "open", "overload"), (131, "closed", "normal")]
    assert alarms(street) == ["overload raised", "overload cleared"]


def test_a_short_peak_is_no_overload() -> None:
    street = busy()
    run(street, (1, 6_000), (6, 6_000), (9, 4_999), (10, 6_000), (15, 6_000), (19, 6_000))
    assert switched(street) == []


def test_after_its_restores_it_stays_open_until_a_person_releases_it() -> None:
    street = busy(overload_restores_max=1)
    run(
        street, (1, 6_000), (11, 6_000), (12, 0), (131, 0), (140, 6_000), (150, 6_000), (195, 6_000), (196, 0), (900, 0)
    )
    assert switched(street) == [(11, "open", "overload"), (131, "closed", "normal"), (150, "open", "overload_latched")]
    assert alarms(street)[-2:] == ["overload raised", "overload_stays_open raised"]
    street.command(ReleaseOverload(meter=METERS[0]))
    assert switched(street)[-1] == (900, "closed", "normal")
    assert alarms(street)[-2:] == ["overload cleared", "overload_stays_open cleared"]


def test_a_protected_meter_is_not_opened_for_overload() -> None:
    street = busy()
    street.command(SetMode(meter=METERS[0], mode="protected"))
    run(street, (1, 9_000), (20, 9_000), (40, 9_000))
    assert switched(street) == []


NIGHT = FriendlyHours(from_minute=22 * 60, to_minute=7 * 60, weekdays=[1, 2, 3, 4, 5])
"""START_MS is Saturday, 22 November 2025, 10:00."""


@pytest.mark.parametrize(
    ("hours_on", "expected", "when"),
    [
        (0, False, "Saturday 10:00"),
        (12.5, False, "Saturday 22:30: the window begins on weekdays only"),
        (20.9, False, "Sunday 06:54: Saturday's night is not in it"),
        (60.5, True, "Monday 22:30"),
        (68.9, True, "Tuesday 06:54, goes on from Monday"),
        (69, False, "Tuesday 07:00"),
        (-5, True, "Saturday 05:00, goes on from Friday"),
    ],
)
def test_friendly_hours_over_midnight(hours_on: float, expected: bool, when: str) -> None:
    street = Street(msgspec.structs.replace(box_config(), friendly_hours=(NIGHT,)))
    assert friendly(street.place, Now(START_MS + int(hours_on * HOUR_MS), 0)) is expected, when


def test_friendly_hours_hold_the_trip_back_and_charging_goes_on() -> None:
    holiday = msgspec.structs.replace(box_config(), holidays=("2025-11-22",))
    street = Street(holiday)
    street.read(0, 0)
    street.grant(0, 1)
    street.in_service(0)
    for at_s in (600, 603, 606):
        street.at_s = at_s
        street.read(0, 5_000)
    assert switched(street) == []
    assert street.state.latest[METERS[0]].open_charge_micro == 5_000_000
    street.wall_offset_ms = 15 * HOUR_MS
    for at_s in (610, 613):
        street.at_s = at_s
        street.read(0, 5_001)
    assert [order.wanted for _, order in street.orders] == ["open"], "the day after"


def test_friendly_hours_light_a_dark_shop_in_arrears_on_the_second_reading() -> None:
    street = Street(msgspec.structs.replace(box_config(), holidays=("2025-11-22",)))
    street.read(0, 0)
    street.grant(0, 1)
    street.in_service(0)
    street.begin_anew(RelayPosition.OPEN)
    for at_s in (600, 603, 606):
        street.at_s = at_s
        street.read(0, 5_000)
    assert switched(street)[0] == (603, "closed", "normal"), "the first reading is only asked for again"


def test_no_trip_before_the_notice_after_alarm_2_is_over() -> None:
    street = Street(box_config(trip_notice_s=3_600))
    street.read(0, 0)
    street.grant(0, 30)
    street.in_service(0)
    for at_s in (600, 603, 2_000, 4_199):
        street.at_s = at_s
        street.read(0, 40_000)
    assert switched(street) == []
    street.at_s = 4_200
    street.read(0, 40_000)
    assert switched(street) == [(4_200, "open", "arrears")]


def test_the_warning_cut_comes_once_for_each_crossing() -> None:
    street = Street(box_config(alarm2_action="trip_once", trip_once_s=100))
    street.read(0, 0)
    street.grant(0, 30)
    street.in_service(0)
    for at_s in (600, 603, 650, 699, 700, 701, 800, 900):
        street.at_s = at_s
        street.read(0, 26_000)
        street.tick()
    assert switched(street) == [(600, "open", "alarm2"), (700, "closed", "normal")]
    street.at_s = 901
    street.grant(0, 30)
    street.at_s = 1_500
    street.read(0, 56_000)
    assert switched(street)[-1] == (1_500, "open", "alarm2"), "a new crossing warns again"


def test_nobody_is_warned_before_the_first_credit_came() -> None:
    street = Street()
    for at_s in (0, 10, 20):
        street.at_s = at_s
        street.read(0, at_s)
    assert alarms(street) == []
    street.grant(0, 10)
    assert alarms(street) == ["alarm1 raised"], "10 yuan, alarm 1 at 20"
