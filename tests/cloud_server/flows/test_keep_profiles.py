"""A site's own profiles over a real store: taken in versions, told to boxes, brought back from the journal alone."""

from pathlib import Path

import pytest

from cloud_server.core.mistakes import Conflict, Mistaken
from cloud_server.core.plan_edits import NEW
from cloud_server.flows.change_settings import SettingsDesk
from cloud_server.flows.keep_profiles import ProfileDesk, ProfileSheet
from cloud_server.ports import Actor
from protocol.config_text import read_config
from tests.cloud_server.flows.test_from_journal import from_journal
from tests.cloud_server.site_rig import SiteRig, open_rig
from tests.cloud_server.street import TARIFF, box_id, name, point_id
from tests.edge_agent.bus.profile_texts import ARMABLE
from tests.fakes.centre_clock import FakeClock

WANG = Actor(id="2" * 32, name="wang", display_name="王", roles=frozenset({"administrator"}))
SECOND = ARMABLE.replace('model = "armable"', 'model = "armable 2"')


def take(rig: SiteRig, text: str, profile: str = "nx3") -> None:
    desk = ProfileDesk(rig.centre)
    found = desk.preview(profile, text)
    assert found is not None
    desk.take(profile, text, found.planned.version, WANG)


def plan_meter(rig: SiteRig, profile: str, number: str = "M9") -> None:
    desk = SettingsDesk(rig.centre)
    values = {
        "name": number, "bus": name(0xB05, 1), "unit": 9, "point": point_id(1, 1), "profile": profile,
        "rated_ma": 60_000, "phases": 3, "ct": (1, 1), "tariff": TARIFF, "overload_w": 0, "overload_delay_s": 0,
    }  # fmt: skip
    planned = desk.preview("meters", NEW, values)
    assert planned is not None
    desk.take("meters", NEW, values, planned.version, WANG)


def sheet(rig: SiteRig) -> ProfileSheet:
    found = ProfileDesk(rig.centre).sheet("nx3")
    assert found is not None
    return found


def test_versions_stay_and_the_box_is_told_the_newest(tmp_path: Path) -> None:
    with open_rig(tmp_path) as rig:
        rig.plan()
        rig.enrol(1)
        take(rig, ARMABLE)
        assert ProfileDesk(rig.centre).listed()[0].meters == ()
        plan_meter(rig, "nx3")
        rig.clock.now_ms += 1_000
        take(rig, SECOND)
        found = sheet(rig)
        assert (found.row.version, found.row.title, found.row.saved_by) == (2, "Nobody armable 2", "wang")
        assert [(one.version, one.text) for one in found.versions] == [(2, SECOND), (1, ARMABLE)]
        assert [(box.name, box.reach) for box in found.boxes] == [("A1", "waits")]
        version = ProfileDesk(rig.centre).version("nx3", 2)
        assert version is not None
        assert version[1] is not None
        assert version[1].text == ARMABLE
        with rig.store.read() as unit:
            box = unit.fleet.box(box_id(1))
            assert box is not None
            told = unit.enrolments.configuration(box_id(1), box.config_version)
        assert told is not None
        assert [(one.profile, one.version, one.text) for one in read_config(told[1]).profiles] == [("nx3", 2, SECOND)]


def test_the_same_text_changes_nothing_and_what_was_shown_for_another_plan_is_not_taken(tmp_path: Path) -> None:
    with open_rig(tmp_path) as rig:
        rig.plan()
        take(rig, ARMABLE)
        desk = ProfileDesk(rig.centre)
        again = desk.preview("nx3", ARMABLE)
        assert again is not None
        assert again.planned.changes == ()
        with pytest.raises(Conflict):
            desk.take("nx3", SECOND, again.planned.version - 1, WANG)
        with pytest.raises(Mistaken, match="a whole number from 1 to 3"):
            desk.take("nx3", ARMABLE.replace("phases = 3", "phases = 9"), again.planned.version, WANG)
        assert sheet(rig).row.version == 1


def test_it_cannot_be_left_out_while_a_meter_needs_it_and_counts_on_when_it_returns(tmp_path: Path) -> None:
    with open_rig(tmp_path) as rig:
        rig.plan()
        take(rig, ARMABLE)
        desk = ProfileDesk(rig.centre)
        gone = desk.preview_leaving_out("nx3")
        assert gone is not None
        desk.leave_out("nx3", gone.version, WANG)
        assert desk.listed() == ()
        assert desk.sheet("nx3") is None
        assert desk.version("nx3", 1) is not None, "the books forget nothing"
        take(rig, SECOND)
        assert sheet(rig).row.version == 2
        plan_meter(rig, "nx3")
        held = desk.preview_leaving_out("nx3")
        assert held is not None
        assert [one.message for one in held.mistakes] == ["is the profile of M9 and cannot be left out"]
        with pytest.raises(Mistaken):
            desk.leave_out("nx3", held.version, WANG)
        with rig.store.read() as unit:
            actions = [row["action"] for row in unit.reports.audit("", "", (0, rig.clock.now_ms + 1), 100)]
        assert actions.count("profile_taken") == 2
        assert actions.count("profile_left_out") == 1


def test_every_version_comes_back_from_the_journal_alone_with_when_and_by_whom(tmp_path: Path) -> None:
    clock = FakeClock()
    with open_rig(tmp_path, clock) as rig:
        rig.plan()
        for text in (ARMABLE, SECOND):
            clock.now_ms += 1_000
            take(rig, text)
        plan_meter(rig, "nx3")
        before = sheet(rig)
    with from_journal(tmp_path, clock) as (rig, done):
        assert done.plan_taken
        after = sheet(rig)
        assert after.versions == before.versions
        assert after.row == before.row
