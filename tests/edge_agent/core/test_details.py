"""Detail readings: alarms raised and cleared once, the ratio in the meter, registers beside the charged one."""

import itertools
from collections.abc import Mapping

import pytest

from edge_agent.core.details import take_detail
from edge_agent.core.measured import DetailReading, RelayPosition
from edge_agent.core.suspicion import IN_A_ROW, suspect
from edge_agent.core.wiring import Says
from protocol.box_config import Ratio
from protocol.records import Alarm, Interval
from tests.edge_agent.core.street import METERS, Street, box_config, meter_config
from tests.edge_agent.core.test_scenarios import supplied

SOUND = {f"voltage_{phase}_mv": 230_000 for phase in "abc"}
LOST = {**SOUND, "voltage_c_mv": 0}


def detail(street: Street, values: Mapping[str, int], rates: Mapping[str, int] | None = None, **other: int) -> None:
    reading = DetailReading(METERS[0], street.now.mono_ms, street.now.wall_ms, "detail_1", values, rates or {}, other)
    street.take(take_detail(street.place, street.state, reading, street.now))
    street.at_s += 1


def shop(**meter: object) -> Street:
    street = Street(box_config(meters=(meter_config(0, profile="acrel_adf400l_3ph", **meter),)))
    street.read(0, 1_000)
    street.records.clear()
    return street


def expected_alarms(said: tuple[Says, ...]) -> list[str]:
    """The rule, written anew: three that agree, with those that say nothing left out, turn the alarm."""
    told, standing, heard = [], False, [each for each in said if each is not Says.NOTHING]
    for end in range(IN_A_ROW, len(heard) + 1):
        last = set(heard[end - IN_A_ROW : end])
        if len(last) == 1 and (last == {Says.FOR}) != standing:
            standing = not standing
            told.append("raised" if standing else "cleared")
    return told


def test_every_sequence_of_what_is_said_raises_and_clears_by_the_rule() -> None:
    for said in itertools.product(Says, repeat=8):
        street = shop_of_nothing()
        for each in said:
            street.take(suspect(street.place, street.state, METERS[0], (("unbalance", each),), street.now))
        assert [alarm.state for alarm in street.of(Alarm) if isinstance(alarm, Alarm)] == expected_alarms(said)


_FRESH: list[Street] = []


def shop_of_nothing() -> Street:
    """One street for all sequences, with what was counted and raised taken away."""
    if not _FRESH:
        _FRESH.append(shop())
    street = _FRESH[0]
    street.records.clear()
    street.state.suspicions.clear()
    row = street.state.meters[METERS[0]]
    street.state.meters[METERS[0]] = type(row)(state=row.state)
    return street


def test_a_lost_phase_is_told_once_and_cleared_once() -> None:
    street = shop()
    for values in (LOST, SOUND, LOST, LOST, LOST, LOST, SOUND, SOUND, SOUND, SOUND):
        detail(street, values)
    assert street.told() == ["phase_lost raised", "phase_lost cleared"]
    assert not street.state.meters[METERS[0]].state.held


@pytest.mark.parametrize(("told", "differs"), [(20_000, False), (1_000, True), (19_999, True)])
def test_another_ratio_in_the_meter_holds_its_charge(told: int, differs: bool) -> None:
    street = shop(ratios=[Ratio(version=1, from_ms=0, ct=(20, 1), pt=(1, 1))])
    for _ in range(5):
        detail(street, {"ct_milli": told})
    assert street.told() == (["meter ratio_differs", "meter held", "ratio_differs raised"] if differs else [])
    assert street.state.meters[METERS[0]].state.held is differs
    street.records.clear()
    for _ in range(5):
        detail(street, {"ct_milli": 20_000})
    assert street.told() == (["meter released_hold", "ratio_differs cleared"] if differs else [])


def test_registers_beside_the_total_are_in_the_interval_in_which_they_were_read() -> None:
    street = shop()
    street.at_s = 600
    detail(
        street, {}, {"peak": 400, "flat": 600}, reactive_energy_raw_varh=70, energy_a_raw_wh=3, energy_reverse_raw_wh=5
    )
    street.at_s = 1_801
    street.read(0, 2_000)
    street.at_s = 3_601
    street.read(0, 3_000)
    first, second = (record for record in street.of(Interval) if isinstance(record, Interval))
    assert first.rates_raw_wh == {"peak": 400, "flat": 600}
    assert first.other_raw == {"reactive_energy_raw_varh": 70, "energy_reverse_raw_wh": 5}
    assert (second.rates_raw_wh, second.other_raw) == (None, None)
    assert first.charge_micro == 1_000_000, "1 kWh at 1 yuan: what is recorded beside it is never charged"


@pytest.mark.parametrize(
    ("powers", "told"),
    [
        ((5_000,) * 3, ["power_while_open raised"]),
        ((5_000, 5_000, 0, 5_000, 5_000), []),
        ((20,) * 5, []),
        ((5_000, 5_000, 5_000, 5_000, 0, 0, 0, 0), ["power_while_open raised", "power_while_open cleared"]),
    ],
)
def test_power_through_an_open_relay(powers: tuple[int, ...], told: list[str]) -> None:
    street = open_shop()
    for power_w in powers:
        street.read(0, 1_000, power_w)
        street.at_s += 3
    assert [each for each in street.told() if "power" in each] == told


def open_shop() -> Street:
    street = supplied(meters=(meter_config(0, rated_ma=10_000),))
    street.relays[METERS[0]] = RelayPosition.OPEN
    street.obeys = False
    return street


def test_without_power_the_register_tells() -> None:
    street = open_shop()
    for raw_wh in (1_000, 1_010, 1_020, 1_030, 1_040, 1_050, 1_060):
        street.read(0, raw_wh)
        street.at_s += 3
    assert [each for each in street.told() if "power" in each] == ["power_while_open raised"]
    street.relays[METERS[0]] = RelayPosition.CLOSED
    for _ in range(4):
        street.read(0, 1_060)
    assert [each for each in street.told() if "power" in each][1:] == ["power_while_open cleared"]


def test_a_relay_that_opens_by_itself_is_told_and_its_return_too() -> None:
    street = open_shop()
    street.read(0, 1_000)
    assert street.told() == [
        "relay wanted closed seen open (own_control)",
        "meter own_control",
        "meter_own_control raised",
    ]
    street.records.clear()
    street.at_s += 3
    street.relays[METERS[0]] = RelayPosition.CLOSED
    street.read(0, 1_000)
    assert street.told() == ["relay wanted closed seen closed (normal)", "meter_own_control cleared"]
