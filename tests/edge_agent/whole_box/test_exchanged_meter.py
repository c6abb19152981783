"""A meter that is exchanged while its box is down, as processes: held and told, nothing charged of the other one."""

from pathlib import Path

import pytest

from protocol.records import Alarm, Interval, MeterEvent
from tests.edge_agent.core.street import METERS
from tests.edge_agent.whole_box.whole_box import WholeBox, config_of, whole_box
from tests.fakes.fake_centre import Authority, make_authority

FIRST, OTHER = "760000000000", "990000000009"


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    return make_authority(tmp_path_factory.mktemp("ca"))


def events(box: WholeBox) -> list[str]:
    return [record.event for record in box.centre.records() if isinstance(record, MeterEvent)]


def test_another_meter_is_held_and_the_right_one_goes_on(tmp_path: Path, authority: Authority) -> None:
    """No number is planned: the one first seen counts, over the restarts."""
    with whole_box(tmp_path, authority, config_of(1)) as box:
        box.enrol()
        box.start()
        box.centre.wait_for(lambda: box.status()["meters"][0]["raw_wh"] is not None)
        known = box.status()["meters"][0]["raw_wh"]
        assert box.end() == 0

        box.site.meter("m0").replace_with(OTHER, 50_000_000)
        box.start()
        box.centre.wait_for(lambda: "serial_differs" in events(box))
        assert box.status()["meters"][0]["held"]
        assert [r for r in box.centre.records() if isinstance(r, Alarm) and r.alarm == "serial_differs"]
        assert box.end() == 0

        box.site.meter("m0").replace_with(FIRST, known)
        box.start()
        box.centre.wait_for(lambda: "released_hold" in events(box))
        box.centre.wait_for(lambda: not box.status()["meters"][0]["held"])
        charged = [r for r in box.centre.records() if isinstance(r, Interval) and r.meter == METERS[0]]
        assert all(interval.to.raw_wh < known + 1_000 for interval in charged)
