"""A meter whose relay is a channel of a board: from the configuration to the profile that its bus works with."""

from __future__ import annotations

import msgspec
import pytest

from edge_agent.agent.buses import read_place
from protocol.box_config import ExternalRelay, MeterConfig, ProfileText, text_hash
from protocol.config_text import read_config, write_config
from protocol.errors import BadPayload
from protocol.meter_profile.values import RegisterWrite
from tests.edge_agent.bus.profile_texts import BOARD
from tests.edge_agent.core.street import METERS, box_config, meter_config

WAVESHARE = "waveshare_modbus_rtu_relay"


def plain_meter(index: int, channel: int, unit: int = 200, board: str = WAVESHARE) -> MeterConfig:
    relay = ExternalRelay(board=board, unit=unit, channel=channel)
    return meter_config(index, profile="eastron_sdm120", relay=relay)


def test_the_place_gives_each_meter_its_channel() -> None:
    config = read_config(write_config(box_config((plain_meter(0, 0), plain_meter(1, 5), meter_config(2)))))
    place = read_place("b", config)
    relays = [place.profile_of[meter].relay for meter in METERS[:3]]
    assert all(relay is not None for relay in relays)
    opens = [(relay.seat.unit if relay.seat else None, relay.write_open) for relay in relays if relay is not None]
    assert opens == [
        (200, RegisterWrite(5, 0, (0,))),
        (200, RegisterWrite(5, 5, (0,))),
        (None, RegisterWrite(16, 0x57, (1, 1))),
    ]
    assert place.profiles["eastron_sdm120"].relay is None


def test_a_board_of_the_site_goes_before_ours() -> None:
    text = BOARD.replace("closed = [1]\nopen = [0]", "closed = [0]\nopen = [1]")
    own = ProfileText(profile=WAVESHARE, version=1, text=text, hash=text_hash(text))
    config = msgspec.structs.replace(box_config((plain_meter(0, 2),)), profiles=(own,))
    relay = read_place("b", config).profile_of[METERS[0]].relay
    assert relay is not None
    assert relay.write_open == RegisterWrite(5, 0x12, (1,))


def test_what_the_box_alone_can_judge_is_refused_in_words() -> None:
    with pytest.raises(KeyError, match="no relay board waveshere"):
        read_place("b", box_config((plain_meter(0, 0, board="waveshere"),)))
    with pytest.raises(ValueError, match=r"meter M0 .*, relay: channel 8 of waveshare.*: right would be 0 to 7"):
        read_place("b", box_config((plain_meter(0, 8),)))


@pytest.mark.parametrize(
    ("meters", "words"),
    [
        ((plain_meter(0, 0), plain_meter(1, 0)), "channel 0 of unit 200 switches meter M0 already"),
        ((plain_meter(0, 0, unit=2), meter_config(1)), "unit 2 on bus .* is that of meter M1"),
        ((plain_meter(0, 0), plain_meter(1, 1, board="other")), "board other at unit 200, where another meter has"),
        ((plain_meter(0, 64),), "channel"),
    ],
)
def test_two_things_in_one_place_are_refused(meters: tuple[MeterConfig, ...], words: str) -> None:
    with pytest.raises(BadPayload, match=words):
        read_config(write_config(box_config(meters)))


def test_two_boards_have_their_own_channels() -> None:
    config = box_config((plain_meter(0, 0), plain_meter(1, 0, unit=201)))
    assert read_config(write_config(config)) == config
