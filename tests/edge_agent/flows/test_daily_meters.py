"""Once a day: serial numbers of all, clocks once a device and only with our own sure."""

from pathlib import Path

from edge_agent.schedule import SetClocksDue
from protocol.box_config import BoxConfig
from tests.edge_agent.agent.owner_rig import owner_rig
from tests.edge_agent.core.street import BUS, DEVICE, METERS, box_config, meter_config, wallet_config

CHINA_S = 8 * 3_600
OTHER = f"{0x55:032x}"


def cabinets() -> BoxConfig:
    """A cabinet of two users, one of one user, and a meter whose clock nobody can set."""
    config = box_config(
        meters=(
            meter_config(0, profile="acrel_adf400l_1ph"),
            meter_config(1, profile="acrel_adf400l_1ph"),
            meter_config(2, profile="acrel_adf400l_1ph", device=OTHER),
            meter_config(3, profile="acrel_dtsy1352", device=f"{0x56:032x}"),
        ),
        wallets=(wallet_config(0),),
    )
    config.devices.append(type(config.devices[0])(device=OTHER, bus=BUS, name="box B"))
    config.devices.append(type(config.devices[0])(device=f"{0x56:032x}", bus=BUS, name="box C"))
    assert config.devices[0].device == DEVICE
    return config


def test_serials_of_all_and_a_clock_for_each_device_that_answers(tmp_path: Path) -> None:
    with owner_rig(tmp_path, cabinets()) as rig:
        rig.a.bus.serials.clear()
        rig.give(SetClocksDue())
        assert rig.a.bus.serials == list(METERS)
        assert rig.a.bus.clocks == [], "nobody has answered yet"
        for index in (1, 2, 3):
            rig.a.read(index, 1_000)
        rig.give(SetClocksDue())
        assert rig.a.bus.clocks == [(METERS[1], CHINA_S), (METERS[2], CHINA_S)]


def test_with_our_own_clock_unsure_no_other_is_set(tmp_path: Path) -> None:
    with owner_rig(tmp_path, cabinets()) as rig:
        rig.a.read(0, 1_000)
        rig.a.clock.wall -= 10 * 365 * 86_400_000
        rig.give(SetClocksDue())
        assert rig.a.bus.clocks == []
        assert METERS[0] in rig.a.bus.serials
