"""The agent as a process: enrolled, polled, sold to, killed, started again. Real keys, real HTTPS, meters on a pty."""

import json
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from edge_agent.clock import OFFSET_VARIABLE
from edge_agent.store.opening import FILE_NAME
from protocol.commands import InService
from protocol.records import Boot, CommandResult, Granted, Interval, MeterTest, Relay, Would
from tests.busy import busy
from tests.edge_agent.core.street import METERS
from tests.edge_agent.whole_box.whole_box import WholeBox, config_of, grant_of, whole_box
from tests.fakes.fake_centre import Authority, make_authority

MINUTE_MS = 60_000
RSS_KIB_MAX = 64 * 1024
"""What the design allows one agent (two buses of twenty meters are measured in `benchmarks/`)."""


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    return make_authority(tmp_path_factory.mktemp("ca"))


@pytest.fixture
def box(tmp_path: Path, authority: Authority) -> Iterator[WholeBox]:
    with whole_box(tmp_path, authority, config_of(switch_pause_s=0)) as found:
        yield found


def granted(box: WholeBox) -> list[int]:
    return [record.amount_micro for record in box.centre.records() if isinstance(record, Granted)]


def test_from_claim_to_light_and_back_to_dark(box: WholeBox) -> None:
    """Enrol, test the relay, go in service, run dry, be sold to: the whole way of a shop."""
    box.enrol()
    assert box.command("enrol").returncode == 0, "a repeated enrolment has nothing left to do"
    box.start(anew=True)
    box.centre.wait_for(lambda: any(isinstance(r, Would) and r.wanted == "open" for r in box.centre.records()))
    tested = box.command("relay-test", "--meter", "M0", "--who", "Li", "--yes", "--json")
    assert tested.returncode == 0, tested.stderr
    assert json.loads(tested.stdout)["passed"]
    box.centre.wait_for(lambda: any(isinstance(r, MeterTest) for r in box.centre.records()))
    box.centre.command(InService(meter=METERS[0], on=True))
    box.centre.wait_for(lambda: not box.site.meter("m0").contact_closed, 10)
    began = time.monotonic()
    box.centre.command(grant_of(0, 100, 1))
    box.centre.wait_for(lambda: box.site.meter("m0").contact_closed, 10)
    assert time.monotonic() - began < 5 * busy()
    box.centre.wait_for(lambda: [r.seen for r in box.centre.records() if isinstance(r, Relay)][-1:] == ["closed"])
    assert granted(box) == [100_000_000]
    assert box.rss_kib() <= RSS_KIB_MAX
    status = box.status_command()
    assert status["meters"][0]["seen"] == "closed"
    assert status["meters"][1]["service"] == "observe"
    assert box.end() == 0
    offline = box.status()
    assert not offline["running"]
    assert offline["batches"]["records_not_sealed"] == 0
    assert offline["batches"]["waiting_from"] is None
    shown = box.command("batches", "show", "--json")
    assert len(json.loads(shown.stdout)) == len(box.centre.batches)


def _wait_for_grants(box: WholeBox, count: int) -> None:
    box.centre.wait_for(lambda: len(granted(box)) >= count)


def test_killed_and_started_again_nothing_is_lost_or_doubled(box: WholeBox) -> None:
    box.enrol()
    for number in range(1, 5):
        box.start()
        box.centre.command(grant_of(0, number, number))
        if number % 2:
            _wait_for_grants(box, number)
        box.kill()
    box.start()
    box.centre.wait_for(lambda: len(granted(box)) == 4)
    assert granted(box) == [1_000_000, 2_000_000, 3_000_000, 4_000_000]
    boots = [record.why for record in box.centre.records() if isinstance(record, Boot)]
    assert boots[0] == "clean"
    assert set(boots[1:]) == {"killed"}
    results = [record.command for record in box.centre.records() if isinstance(record, CommandResult)]
    assert results == [1, 2, 3, 4]
    assert "forked" not in box.centre.verdicts
    assert "gap" not in box.centre.verdicts
    assert box.end() == 0
    box.start()
    box.centre.wait_for(lambda: [r.why for r in box.centre.records() if isinstance(r, Boot)][-1] == "clean")


def test_an_answer_that_is_lost_on_the_way_costs_nothing(box: WholeBox) -> None:
    box.enrol()
    box.start()
    box.centre.wait_for(lambda: len(box.centre.batches) > 0)
    box.centre.swallow = 2
    box.centre.command(grant_of(0, 5, 1))
    box.centre.wait_for(lambda: granted(box) == [5_000_000])
    assert box.centre.swallow == 0
    assert box.told("sync_failed")


def test_a_store_that_was_set_back_is_set_aside_whole_and_nothing_is_switched_from_it(box: WholeBox) -> None:
    """What it would charge and trip is not believed: until the centre has opened an epoch, relays stay as they are."""
    box.enrol()
    old = (box.state_dir / FILE_NAME).read_bytes()
    box.start()
    box.centre.wait_for(lambda: len(box.centre.batches) > 0)
    assert box.end() == 0
    (box.state_dir / FILE_NAME).write_bytes(old)
    with box.log.open("ab") as log:
        line = [sys.executable, "-m", "edge_agent", "run", "--config", str(box.box_toml)]
        box.process = subprocess.Popen(line, stderr=log)
    box.centre.wait_for(lambda: "store_rolled_back" in box.log.read_text(), 30)
    box.centre.wait_for((box.state_dir / "set-aside").exists, 30)
    (aside,) = (box.state_dir / "set-aside").iterdir()
    assert (aside / FILE_NAME).read_bytes() == old


def test_two_agents_do_not_share_a_state_dir(box: WholeBox) -> None:
    box.enrol()
    box.start()
    done = box.command("run")
    assert done.returncode == 1
    assert "another edge-agent" in done.stderr
    assert box.process is not None
    assert box.process.poll() is None


def test_intervals_are_cut_at_their_minute_and_add_up(tmp_path: Path, authority: Authority) -> None:
    """Intervals of a minute, ten seconds before its end: what is charged is what the registers say."""
    with whole_box(tmp_path, authority, config_of(interval_s=60), watts=50_000) as box:
        box.enrol()
        offset = tmp_path / "clock"
        box.centre.ahead_ms = MINUTE_MS - int(time.time() * 1_000) % MINUTE_MS - 10_000
        offset.write_text(str(box.centre.ahead_ms))
        box.environment = {OFFSET_VARIABLE: str(offset)}
        box.start()
        box.centre.wait_for(lambda: sum(isinstance(r, Interval) for r in box.centre.records()) >= 2, 40)
        found = [r for r in box.centre.records() if isinstance(r, Interval)]
        for interval in found:
            assert interval.to.at_ms % MINUTE_MS == 0
            assert interval.energy_wh == interval.to.raw_wh - interval.from_.raw_wh
            assert interval.charge_micro == interval.energy_wh * 1_000


def test_without_enrolment_it_says_what_to_do(box: WholeBox) -> None:
    done = box.command("run")
    assert done.returncode == 1
    assert "edge-agent enrol" in done.stderr


def test_check_names_the_mistakes_of_this_machine(box: WholeBox) -> None:
    good = box.command("check", "--json")
    assert json.loads(good.stdout)["mistakes"] == []
    assert good.returncode == 0
    text = box.box_toml.read_text(encoding="utf-8")
    box.box_toml.write_text(text.replace("/tty", "/no-such-tty"), encoding="utf-8")
    (box.folder / "claim.toml").unlink()
    bad = box.command("check", "--json")
    assert bad.returncode == 2
    told = json.loads(bad.stdout)["mistakes"]
    assert len(told) == 2
    assert "no-such-tty" in told[0]
    assert "claim.toml" in told[1]


def test_an_enrolment_waits_for_the_confirmation_and_shows_the_fingerprint(box: WholeBox) -> None:
    box.centre.confirmed = False
    outcome: list[tuple[int, str]] = []

    def enrol() -> None:
        done = box.command("enrol")
        outcome.append((done.returncode, done.stdout))

    asking = threading.Thread(target=enrol)
    asking.start()
    box.centre.wait_for(lambda: box.centre.record_key is not None)
    box.centre.confirmed = True
    asking.join(20)
    code, words = outcome[0]
    assert code == 0
    assert words.startswith("fingerprint ")
    assert "waiting until the fingerprint is confirmed" in words
