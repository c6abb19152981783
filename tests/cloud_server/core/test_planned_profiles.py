"""The site's own meter profiles in a plan: what is refused, with place, value and what would be right."""

import msgspec
import pytest

from cloud_server.core.planned_profiles import newest_texts, profile_mistakes, users_of, with_profile, without_profile
from cloud_server.core.planned_site import config_of
from edge_agent.bus.packaged import builtin_board_names
from protocol.box_config import ExternalRelay, ProfileText, text_hash
from protocol.known_profiles import BOARD_NAMES
from protocol.site_plan import SitePlan
from tests.cloud_server.street import street
from tests.edge_agent.bus.profile_texts import ARMABLE, BOARD

PLAN = street("1" * 32)


def planned(*texts: tuple[str, int, str], used_by: str = "", relay_on: str = "") -> SitePlan:
    """The street with these profiles; its first meter is read by one, or switched by one."""
    profiles = tuple(ProfileText(profile=p, version=v, text=t, hash=text_hash(t)) for p, v, t in texts)
    box = PLAN.boxes[0]
    meter = box.meters[0]
    relay = ExternalRelay(board=relay_on, unit=200, channel=0) if relay_on else None
    meter = msgspec.structs.replace(meter, profile=used_by or meter.profile, relay=relay)
    boxes = [msgspec.structs.replace(box, meters=[meter, *box.meters[1:]]), *PLAN.boxes[1:]]
    return msgspec.structs.replace(PLAN, boxes=boxes, profiles=profiles)


def said(plan: SitePlan, known: dict[tuple[str, int], str] | None = None) -> list[str]:
    return [f"{one.place} = {one.value}: {one.message}" for one in profile_mistakes(plan, known or {})]


def test_a_good_one_has_no_mistakes_and_only_its_newest_text_goes_to_the_box_that_needs_it() -> None:
    plan = planned(("nx3", 1, ARMABLE), ("nx3", 2, ARMABLE + "\n"), ("b4", 1, BOARD), used_by="nx3")
    assert said(plan) == []
    first, second = (config_of(plan, box, {}).profiles for box in plan.boxes)
    assert [(one.profile, one.version) for one in first] == [("nx3", 2)]
    assert second == ()


@pytest.mark.parametrize(
    ("plan", "known", "says"),
    [
        (planned(("eastron_sdm120", 1, ARMABLE)), {}, "comes with every box under this name"),
        (planned(("waveshare_modbus_rtu_relay", 1, BOARD)), {}, "comes with every box under this name"),
        (planned(("NX 3", 1, ARMABLE)), {}, "NX 3: right would be a name of small letters"),
        (planned(("nx3", 1, ARMABLE)), {("nx3", 1): "0" * 64}, "a version never changes its text"),
        (planned(("nx3", 1, ARMABLE)), {("nx3", 2): "0" * 64}, "version 2 was taken already"),
        (planned(used_by="nx3"), {("nx3", 2): "0" * 64}, "is the profile of M101 and cannot be left out"),
        (planned(relay_on="b4"), {("b4", 1): "0" * 64}, "is the profile of M101 and cannot be left out"),
        (planned(("b4", 1, BOARD), used_by="b4"), {}, "meter M101 names it, and it describes a relay board"),
        (planned(("nx3", 1, ARMABLE), relay_on="nx3"), {}, "has its relay on it, and it describes a meter"),
    ],
)
def test_what_a_version_may_not_do(plan: SitePlan, known: dict[tuple[str, int], str], says: str) -> None:
    (mistake,) = said(plan, known)
    assert says in mistake


def test_all_faults_of_a_text_come_at_once_with_place_and_value() -> None:
    wrong = ARMABLE.replace("phases = 3", "phases = 9").replace('unit = "Hz"', 'unit = "kHz"')
    assert said(planned(("nx3", 1, wrong))) == [
        "profile nx3 version 1, quantities.frequency.unit = 'kHz': right would be mHz, Hz",
        "profile nx3 version 1, phases = 9: right would be a whole number from 1 to 3",
    ]


def test_a_text_that_was_taken_is_not_judged_again_by_a_stricter_check() -> None:
    old = "format = 0"
    assert said(planned(("nx3", 1, old)), {("nx3", 1): text_hash(old)}) == []
    assert len(said(planned(("nx3", 1, old)))) > 3


def test_a_profile_comes_changes_and_goes() -> None:
    plan = with_profile(planned(used_by="nx3"), "nx3", 1, ARMABLE)
    plan = with_profile(plan, "nx3", 2, ARMABLE + "\n")
    assert [(one.profile, one.version) for one in newest_texts(plan.profiles)] == [("nx3", 2)]
    assert users_of(plan, "nx3") == ["M101"]
    assert without_profile(plan, "nx3").profiles == ()


def test_the_table_of_packaged_boards_is_the_agents() -> None:
    assert frozenset(builtin_board_names()) == BOARD_NAMES
