"""The agent as a process with a dead battery, and with a certificate that ends: both are put right by the centre."""

import ssl
import stat
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from edge_agent.clock import OFFSET_VARIABLE
from edge_agent.core.timekeeping import EARLIEST_MS
from edge_agent.sync.identity import CERTIFICATE, FOLDER, read_identity
from protocol.messages import Batch
from protocol.payload import read_payload
from protocol.records import Alarm, ClockStep
from tests.edge_agent.whole_box.whole_box import WholeBox, config_of, whole_box
from tests.fakes.fake_centre import Authority, make_authority

DAY_MS = 86_400_000
YEAR_2099_MS = 4_070_908_800_000


def now_ms() -> int:
    return int(time.time() * 1_000)


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    return make_authority(tmp_path_factory.mktemp("ca"))


@pytest.fixture
def box(tmp_path: Path, authority: Authority) -> Iterator[WholeBox]:
    with whole_box(tmp_path, authority, config_of(switch_pause_s=0)) as found:
        yield found


def steps(box: WholeBox) -> list[ClockStep]:
    return [record for record in box.centre.records() if isinstance(record, ClockStep)]


@pytest.mark.parametrize("shows_ms", [1_000, YEAR_2099_MS], ids=["1970", "2099"])
def test_a_box_that_wakes_in_another_century_is_taken_in_and_put_right(box: WholeBox, shows_ms: int) -> None:
    offset = box.folder / "clock"
    offset.write_text(str(shows_ms - now_ms()))
    box.environment = {OFFSET_VARIABLE: str(offset)}
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv(OFFSET_VARIABLE, str(offset))
        box.enrol()
    box.start()
    box.centre.wait_for(lambda: any(step.source == "server" for step in steps(box)), 15)
    (step,) = [step for step in steps(box) if step.source == "server"]
    assert abs(step.from_ms - shows_ms) < 60_000
    assert abs(step.to_ms - now_ms()) < 60_000

    def newest_is_sure() -> bool:
        newest = read_payload(box.centre.batches[max(box.centre.batches)].payload, Batch)
        return newest.clock.sure and abs(newest.sealed_at_ms - now_ms()) < 60_000

    box.centre.wait_for(newest_is_sure)
    box.centre.wait_for(lambda: "clock_unsure" not in box.status()["alarms"], 5)
    box.kill()
    box.start()
    box.centre.wait_for(lambda: len(box.told("started")) == 2)
    assert box.status()["at_ms"] > EARLIEST_MS, "the offset outlives the process, for this boot of the machine"
    assert len([step for step in steps(box) if step.source == "server"]) == 1


def test_a_certificate_that_ends_is_renewed_while_the_box_works(box: WholeBox) -> None:
    box.centre.certificate_days = 20
    box.enrol()
    path = box.state_dir / FOLDER / CERTIFICATE
    first = path.read_bytes()
    box.centre.certificate_days = 397
    box.start()
    box.centre.wait_for(lambda: bool(box.told("certificate_renewed")))
    assert len(box.centre.renewals) == 1
    assert path.read_bytes() != first
    assert stat.S_IMODE(path.stat().st_mode) == 0o400
    assert read_identity(box.state_dir).certificate_ends_ms() > now_ms() + 390 * DAY_MS
    count = len(box.centre.syncs)
    box.centre.wake()
    box.centre.hold = False
    box.centre.wait_for(lambda: len(box.centre.syncs) > count)
    assert "certificate_ending" not in box.status()["alarms"]
    assert box.end() == 0


def test_a_certificate_that_has_ended_is_renewed_since_the_record_key_speaks(box: WholeBox) -> None:
    box.centre.certificate_days = -3
    box.enrol()
    box.centre.certificate_days = 397
    box.start()
    box.centre.wait_for(lambda: bool(box.told("certificate_renewed")))
    assert box.end() == 0


def test_a_revoked_box_gets_none_and_a_person_hears_of_it(box: WholeBox) -> None:
    box.centre.certificate_days = 20
    box.enrol()
    path = box.state_dir / FOLDER / CERTIFICATE
    first = path.read_bytes()
    box.centre.revoked = True
    box.start()
    ending = "certificate_ending"
    box.centre.wait_for(lambda: any(isinstance(r, Alarm) and r.alarm == ending for r in box.centre.records()), 15)
    assert "HTTP 401: revoked" in box.told("certificate_not_renewed")[0]
    assert path.read_bytes() == first
    ssl.create_default_context().load_verify_locations(path)
