"""A configuration with the site's own profiles as a box reads it: used, or refused with every mistake; never silent."""

import logging

import msgspec
import pytest

from edge_agent.agent.buses import read_place
from edge_agent.bus.packaged import builtin_text
from protocol.box_config import BoxConfig, ExternalRelay, ProfileText, text_hash
from tests.edge_agent.bus.profile_texts import ARMABLE, BOARD
from tests.edge_agent.core.street import BOX, METERS, box_config, meter_config, wallet_config


def config(profile: str, *texts: tuple[str, int, str], board: str = "") -> BoxConfig:
    """One meter that is read by `profile`, with these texts."""
    relay = ExternalRelay(board=board, unit=200, channel=1) if board else None
    made = box_config((meter_config(0, profile=profile, relay=relay),), (wallet_config(0),))
    profiles = tuple(ProfileText(profile=p, version=v, text=t, hash=text_hash(t)) for p, v, t in texts)
    return msgspec.structs.replace(made, profiles=profiles)


def test_the_newest_version_is_what_a_meter_is_read_by() -> None:
    second = ARMABLE.replace('model = "armable"', 'model = "armable 2"')
    place = read_place(BOX, config("nx3", ("nx3", 2, second), ("nx3", 1, ARMABLE)))
    assert place.profile_of[METERS[0]].model == "armable 2"


def test_a_board_of_the_site_s_own_switches_the_meter() -> None:
    place = read_place(BOX, config("nx3", ("nx3", 1, ARMABLE), ("b4", 1, BOARD), board="b4"))
    relay = place.profile_of[METERS[0]].relay
    assert relay is not None
    assert relay.write_closed.address == 0x0011


def test_what_it_does_not_understand_is_refused_with_every_mistake() -> None:
    wrong = ARMABLE.replace("format = 1", "format = 2").replace("phases = 3", "phases = 9")
    with pytest.raises(ValueError, match="2 mistake") as refused:
        read_place(BOX, config("nx3", ("nx3", 1, wrong)))
    assert str(refused.value) == (
        "2 mistake(s) in a profile of the site: nx3.toml: format = 2: right would be 1; "
        "nx3.toml: phases = 9: right would be a whole number from 1 to 3"
    )


@pytest.mark.parametrize("text", ["x = " + "[" * 10_000, "x = " + "9" * 10_000])
def test_a_text_made_to_break_its_reader_is_refused_too(text: str) -> None:
    with pytest.raises(ValueError, match="1 mistake"):
        read_place(BOX, config("nx3", ("nx3", 1, text)))


def test_a_name_that_comes_with_the_agent_is_never_taken_in_silence(caplog: pytest.LogCaptureFixture) -> None:
    ours = builtin_text("eastron_sdm120").replace('model = "SDM120', 'model = "not SDM120')
    with caplog.at_level(logging.WARNING):
        place = read_place(BOX, config("eastron_sdm120", ("eastron_sdm120", 1, ours)))
    assert place.profile_of[METERS[0]].model.startswith("not SDM120")
    assert [record.getMessage() for record in caplog.records] == ["site_profile_before_packaged"]
