"""The meter as the last guard, as processes: the box is killed, the meter cuts off by itself, the box returns."""

import json
from pathlib import Path

import msgspec
import pytest

from protocol.box_config import BoxConfig
from protocol.commands import InService, SetMode
from protocol.records import Alarm, Granted, Interval, MeterTest, Relay
from provisioning.simulator import SimulatedMeter
from provisioning.simulator.own_control import ACCOUNT_PER_CENT, Forced
from tests.edge_agent.core.street import FLAT, METERS, YUAN, box_config, meter_config, tariff, wallet_config
from tests.edge_agent.whole_box.whole_box import BAUD, WholeBox, grant_of, whole_box
from tests.fakes.fake_centre import Authority, make_authority

PROFILE = "acrel_adf400l_3ph"
PRICE_MICRO = 100 * YUAN
"""Dear, so that seconds cost what elsewhere days do."""
MARGIN_MICRO = 3 * YUAN
LIGHT_W, HEAVY_W = 3_000.0, 300_000.0
"""A tenth of a yuan a second while the box looks; eight while it is dead."""
SLACK_MICRO = 3 * YUAN // 2
"""A register's step of 10 Wh costs one yuan here, and the meter's own account falls within it."""


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    return make_authority(tmp_path_factory.mktemp("ca"))


def guarded_config() -> BoxConfig:
    config = box_config(
        (meter_config(0, profile=PROFILE),),
        (wallet_config(0),),
        (tariff(FLAT.replace("1000000", str(PRICE_MICRO))),),
        guard="on",
        guard_inferred=(PROFILE,),
        guard_margin_micro=MARGIN_MICRO,
        switch_pause_s=0,
    )
    return msgspec.structs.replace(config, buses=[msgspec.structs.replace(bus, baud=BAUD) for bus in config.buses])


def own_micro(meter: SimulatedMeter) -> int:
    """What the meter's own account holds."""
    return meter.memory.remaining * 10_000 // ACCOUNT_PER_CENT


def running_micro(box: WholeBox) -> int:
    """What the box shows, once it knows."""
    box.centre.wait_for(lambda: box.status()["meters"][0]["balance_micro"] is not None, 15)
    found: int = box.status()["meters"][0]["balance_micro"]
    return found


def _dark_under(meter: SimulatedMeter, watts: float) -> bool:
    """Whether it has cut off; a simulated meter that nobody asks lives on when its load is set."""
    meter.draw(watts)
    return not meter.contact_closed


def commission(box: WholeBox, meter: SimulatedMeter) -> None:
    """A shop with ten yuan, tested, proved as a guard, in service, and its meter left to itself."""
    box.enrol()
    box.start()
    box.centre.command(grant_of(0, 10, 1))
    box.centre.wait_for(lambda: any(isinstance(r, Granted) for r in box.centre.records()))
    for test in ("relay-test", "guard-test"):
        done = box.command(test, "--meter", "M0", "--who", "Li", "--yes", "--json")
        assert done.returncode == 0, done.stdout + done.stderr
        assert json.loads(done.stdout)["passed"]
    assert (meter.memory.purchase_count, own_micro(meter)) == (1, 10_000)
    assert not meter.memory.settings["prepaid_switch"], "proved, but not in service: nobody guards yet"
    box.centre.command(InService(meter=METERS[0], on=True))
    box.centre.wait_for(lambda: meter.memory.settings["prepaid_switch"] == 1, 15)
    box.centre.wait_for(lambda: meter.model.forced(meter.memory) is Forced.RELEASED, 15)


def test_the_meter_cuts_off_for_a_dead_box_and_the_money_agrees(tmp_path: Path, authority: Authority) -> None:
    with whole_box(tmp_path, authority, guarded_config(), LIGHT_W) as box:
        meter = box.site.meter("m0")
        commission(box, meter)
        box.centre.wait_for(lambda: bool(box.told("guard_kept")), 15)
        assert abs(own_micro(meter) - running_micro(box) - MARGIN_MICRO) < SLACK_MICRO
        assert meter.memory.settings["price_flat"] == PRICE_MICRO // 10_000
        assert meter.contact_closed

        box.kill()
        box.centre.wait_for(lambda: _dark_under(meter, HEAVY_W), 20)
        assert "arrears" in meter.why()
        assert own_micro(meter) <= 0
        meter.draw(LIGHT_W)

        box.start()
        box.centre.wait_for(lambda: any(isinstance(r, Relay) and r.cause == "arrears" for r in box.centre.records()))
        box.centre.wait_for(lambda: meter.model.forced(meter.memory) is Forced.OPEN, 15)
        assert -MARGIN_MICRO - SLACK_MICRO < running_micro(box) < SLACK_MICRO - MARGIN_MICRO, (
            "after the box, by a margin"
        )
        purchases = meter.memory.purchase_count

        box.centre.command(grant_of(0, 20, 2))
        box.centre.wait_for(lambda: meter.contact_closed, 20)
        box.centre.wait_for(lambda: abs(own_micro(meter) - running_micro(box) - MARGIN_MICRO) < SLACK_MICRO, 15)
        assert meter.memory.purchase_count == purchases + 1
        assert meter.model.forced(meter.memory) is Forced.RELEASED

        intervals = [r for r in box.centre.records() if isinstance(r, Interval)]
        charged = sum(r.charge_micro for r in intervals)
        assert charged == (intervals[-1].to.raw_wh - intervals[0].from_.raw_wh) * PRICE_MICRO // 1_000
        tests = [r.test for r in box.centre.records() if isinstance(r, MeterTest) and r.passed]
        assert tests == ["relay", "guard"]
        assert not [r for r in box.centre.records() if isinstance(r, Alarm) and r.alarm == "relay_deaf"]


def test_a_protected_meter_is_forced_closed_with_its_own_switch_off(tmp_path: Path, authority: Authority) -> None:
    with whole_box(tmp_path, authority, guarded_config(), LIGHT_W) as box:
        meter = box.site.meter("m0")
        commission(box, meter)
        box.centre.command(SetMode(meter=METERS[0], mode="protected"))
        box.centre.wait_for(lambda: meter.model.forced(meter.memory) is Forced.CLOSED, 15)
        box.centre.wait_for(lambda: not meter.memory.settings["prepaid_switch"], 15)
        box.centre.command(SetMode(meter=METERS[0], mode="prepaid"))
        box.centre.wait_for(lambda: meter.model.forced(meter.memory) is Forced.RELEASED, 15)
        box.centre.wait_for(lambda: meter.memory.settings["prepaid_switch"] == 1, 15)
        assert meter.contact_closed
