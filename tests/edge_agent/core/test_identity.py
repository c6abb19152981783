"""Serial numbers: asked after every gap, compared with the plan, and what another one does to money and relays."""

import msgspec
import pytest

from edge_agent.core.decision import Decision, join
from edge_agent.core.identity import SERIAL_RETRY_MS, SERIAL_TRIES, same_serial
from edge_agent.core.meeting import bus_changed
from protocol.box_config import Overload, text_hash
from protocol.commands import Configure, ReplaceMeter, ResolveRegister
from protocol.config_text import write_config
from tests.edge_agent.core.street import BUS, METERS, Street, box_config, meter_config

PLANNED = "760000000001"
OTHER = "990000000009"


def planned(serial: str | None = PLANNED, profile: str = "acrel_dtsy1352") -> Street:
    return Street(box_config(meters=(meter_config(0, serial=serial, profile=profile),)))


def known_shop() -> Street:
    """A shop in service with credit, whose meter has told the planned number."""
    street = planned()
    street.tell_serial(0, PLANNED)
    street.read(0, 1_000)
    street.grant(0, 30)
    street.in_service(0)
    street.at_s += 1
    street.read(0, 1_000)
    street.records.clear()
    street.serials_wanted.clear()
    return street


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        ("760000000001", "760000000001", True),
        ("0076", "76", True),
        ("ab12 34", "AB1234", True),
        ("760000000001", "760000000002", False),
        ("7600", "76", False),
        ("", "0", True),
    ],
)
def test_what_one_number_is(one: str, other: str, same: bool) -> None:
    assert same_serial(one, other) is same


def test_after_a_start_the_number_comes_before_the_register() -> None:
    street = planned()
    street.read(0, 1_000)
    assert METERS[0] not in street.state.latest
    assert street.state.meters[METERS[0]].state.raw_wh is None
    assert street.serials_wanted == [METERS[0]]
    street.tell_serial(0, PLANNED)
    assert street.rereads == [METERS[0]], "the register is read again at once"
    street.read(0, 1_000)
    assert street.state.meters[METERS[0]].state.raw_wh == 1_000
    assert street.serials_wanted == [METERS[0]]


def test_a_meter_that_answers_but_not_to_this_is_charged_after_a_few_tries() -> None:
    street = planned()
    for _ in range(SERIAL_TRIES):
        assert METERS[0] not in street.state.latest
        street.read(0, 1_000)
        street.read(0, 1_000)
        street.at_s += SERIAL_RETRY_MS // 1_000
    assert street.serials_wanted == [METERS[0]] * SERIAL_TRIES, "each waits for its pause"
    street.read(0, 1_000)
    assert METERS[0] in street.state.latest


@pytest.mark.parametrize(("serial", "profile", "asked"), [(None, "acrel_dtsy1352", 1), (PLANNED, "eastron_sdm120", 0)])
def test_without_a_number_to_compare_the_register_counts_at_once(serial: str | None, profile: str, asked: int) -> None:
    street = planned(serial, profile)
    street.read(0, 1_000)
    street.read(0, 1_000)
    assert METERS[0] in street.state.latest
    assert len(street.serials_wanted) == asked, "a number that is not known yet is asked for once"


def test_the_first_one_seen_counts_as_planned() -> None:
    street = planned(None)
    street.read(0, 1_000)
    street.tell_serial(0, PLANNED)
    assert street.state.meters[METERS[0]].state.serial == PLANNED
    street.tell_serial(0, OTHER)
    assert street.told()[-3:] == ["meter serial_differs", "meter held", "serial_differs raised"]


def test_another_meter_is_held_told_once_and_free_when_the_right_one_is_back() -> None:
    street = known_shop()
    street.tell_serial(0, OTHER)
    street.tell_serial(0, OTHER)
    assert street.told() == ["meter serial_differs", "meter held", "serial_differs raised"]
    street.records.clear()
    for at_s in (10, 20, 30, 4_000):
        street.at_s = at_s
        street.read(0, 900_000)
    assert street.records == [], "no charge, no trip, whatever its register says"
    assert street.book(0) == 30_000_000
    street.tell_serial(0, PLANNED)
    assert street.told() == ["meter released_hold", "serial_differs cleared"]
    street.at_s += 1
    street.read(0, 2_000)
    assert street.state.latest[METERS[0]].raw_wh == 2_000


def test_after_a_silence_the_number_is_asked_again() -> None:
    street = known_shop()
    for _ in range(5):
        street.lose(0)
    street.revive(0)
    street.at_s += 60
    street.read(0, 1_500)
    assert street.serials_wanted == [METERS[0]]
    assert street.state.latest[METERS[0]].raw_wh == 1_000
    street.tell_serial(0, OTHER)
    street.read(0, 1_500)
    assert street.state.latest[METERS[0]].raw_wh == 1_000
    assert street.book(0) == 30_000_000


def test_two_people_may_let_another_number_stand_until_the_plan_changes() -> None:
    street = known_shop()
    street.tell_serial(0, OTHER)
    street.command(ResolveRegister(meter=METERS[0], base_raw_wh=5, who="Li", second="Wu"))
    assert "serial_differs cleared" in street.told()
    assert not street.state.meters[METERS[0]].state.held
    street.tell_serial(0, OTHER)
    street.read(0, 5)
    assert street.state.latest[METERS[0]].raw_wh == 5
    street.records.clear()
    street.tell_serial(0, PLANNED)
    assert street.told()[-1] == "serial_differs raised", "the one that was let go is now the wrong one"
    meter = meter_config(0, serial="123")
    text = write_config(msgspec.structs.replace(street.config, meters=[meter]))
    street.command(Configure(config_version=2, config=text, hash=text_hash(text)))
    street.records.clear()
    street.tell_serial(0, "123")
    assert street.told() == ["meter released_hold", "serial_differs cleared"]


def test_a_replacement_ends_the_alarm() -> None:
    street = known_shop()
    street.tell_serial(0, OTHER)
    street.records.clear()
    street.command(
        ReplaceMeter(
            point=street.place.meters[METERS[0]].point,
            old=METERS[0],
            old_raw_wh=1_200,
            new=METERS[1],
            serial=OTHER,
            new_raw_wh=5,
        )
    )
    assert "serial_differs cleared" in street.told()
    assert "interval 200 Wh 200000" in street.told()


def test_a_register_that_ran_back_is_still_held_when_the_number_is_right_again() -> None:
    street = known_shop()
    street.at_s += 5
    street.read(0, 10)
    street.read(0, 10)
    street.tell_serial(0, OTHER)
    street.tell_serial(0, PLANNED)
    assert street.state.meters[METERS[0]].state.held
    assert street.told() == [
        "meter held",
        "register_held raised",
        "meter serial_differs",
        "serial_differs raised",
        "serial_differs cleared",
    ]


def test_a_cabinet_tells_one_number_for_all_its_users() -> None:
    meters = tuple(meter_config(n, serial="CAB1", profile="acrel_adf400l_1ph", phases=1) for n in range(3))
    street = Street(box_config(meters=meters))
    for index in range(3):
        street.read(index, 1_000)
        street.tell_serial(index, "CAB1")
    assert not any("serial" in told for told in street.told())


def test_after_its_bus_was_gone_a_meter_is_asked_again() -> None:
    street = known_shop()
    for down in (True, False):
        street.take(bus_changed(street.place, street.state, BUS, down, street.now))
    street.read(0, 2_000)
    assert street.serials_wanted == [METERS[0]]
    assert street.state.latest[METERS[0]].raw_wh == 1_000


def test_at_another_address_a_meter_is_asked_again() -> None:
    street = known_shop()
    config = msgspec.structs.replace(street.config, meters=[meter_config(0, serial=PLANNED, unit=9)])
    text = write_config(config)
    street.command(Configure(config_version=2, config=text, hash=text_hash(text)))
    street.read(0, 2_000)
    assert street.serials_wanted == [METERS[0]]


def test_nothing_is_opened_for_overload_on_a_held_meter() -> None:
    limit = Overload(threshold_w=9_000, delay_s=20, open_s=90)
    street = Street(box_config(meters=(meter_config(0, serial=PLANNED, overload=limit),)))
    street.tell_serial(0, PLANNED)
    street.read(0, 1_000, 0)
    street.grant(0, 30)
    street.in_service(0)
    street.tell_serial(0, OTHER)
    for _ in range(10):
        street.at_s += 10
        street.read(0, 1_000, 12_000)
    assert not any("overload" in told for told in street.told())
    street.tell_serial(0, PLANNED)
    for _ in range(10):
        street.at_s += 10
        street.read(0, 1_000, 12_000)
    assert "overload raised" in street.told()


def test_what_a_later_step_forgets_does_not_come_back_with_an_earlier_one() -> None:
    street = known_shop()
    latest = street.state.latest[METERS[0]]
    read, forgotten = Decision(latest=((METERS[0], latest),)), Decision(forget=(METERS[0],))
    assert join(read, forgotten).latest == ()
    assert join(read, forgotten, read).latest == ((METERS[0], latest),)
