"""What a profile would do, told frame by frame: the frames are those that a meter is really sent."""

from __future__ import annotations

import pytest

from edge_agent.bus.answer_description import describe_answer
from edge_agent.bus.meter import BusMeter
from edge_agent.bus.packaged import builtin_board, builtin_names, builtin_profile
from edge_agent.core.measured import RelayOrdered
from edge_agent.ports import PolledMeter
from protocol.meter_profile.boards import with_external_relay
from protocol.meter_profile.description import describe_board, describe_profile
from protocol.meter_profile.questions import PlannedRead
from protocol.meter_profile.reading import load_profile
from tests.edge_agent.bus.images_acrel import DDSY1352
from tests.edge_agent.bus.images_others import SDM320Y
from tests.edge_agent.bus.profile_texts import PLAIN, RELAY

UNIT = 17
VENDOR_STEP = '{ function = 0x28, send = "FE 01 00 02 04 00 00 00 00", answer = "FE 01 00 01" }'


@pytest.mark.parametrize("name", builtin_names())
def test_every_frame_and_every_quantity_is_told(name: str) -> None:
    profile = builtin_profile(name)
    meter = BusMeter(PolledMeter("m", UNIT, profile))
    told = "\n".join(describe_profile(profile, UNIT))
    reads = (*meter.enforcement, *meter.details, *((meter.serial,) if meter.serial else ()))
    writes = [request for wanted in RelayOrdered for request in meter.relay_writes(wanted)]
    for frame in [read.request.frame for read in reads] + [write.frame for write in writes]:
        assert frame.hex(" ").upper() in told
    for quantity in (profile.energy, *profile.quantities.values(), *profile.rates.values(), *profile.prepaid.values()):
        assert f"{quantity.address:04X}  {quantity.type}" in told
        assert quantity.key in told


def test_what_follows_from_what_is_unknown_is_told() -> None:
    told = "\n".join(describe_profile(builtin_profile("acrel_dtsy1352"), UNIT))
    assert "power: estimated from the slope of energy, and no overload" in told
    assert "contact: the relay is seen by its order alone" in told
    assert "relay: none; this profile switches nothing" in "\n".join(
        describe_profile(builtin_profile("eastron_sdm120"), 1)
    )


def test_unlocking_clock_and_delay_are_told() -> None:
    text = f"""{PLAIN}{RELAY}settle_ms = 300
order_readable = false
unlock = [{VENDOR_STEP}]
[clock]
address = 0x0020
encoding = "bcd"
bytes = ["year", "month", "day", "hour", "minute", "second"]
"""
    told = describe_profile(load_profile(text, "n1"), 1)
    assert "relay, grade manual, looked at 300 ms after the write" in told
    assert [line.split(maxsplit=2) for line in told if "FE 01" in line] == [
        [wish, "unlock,", "01 28 FE 01 00 02 04 00 00 00 00 FB 12"] for wish in ("close", "open")
    ]
    assert "    release  cannot be told" in told
    clock = "clock: 3 register(s) at 0020, BCD, function 16 of unit 1, 0 step(s) to unlock; bytes: year month day"
    assert any(line.startswith(clock) for line in told)
    assert "    order: what the relay was told cannot be read back" in told


def test_an_external_relay_is_told_with_its_place() -> None:
    profile = with_external_relay(
        builtin_profile("eastron_sdm120"), builtin_board("waveshare_modbus_rtu_relay"), 200, 3
    )
    told = "\n".join(describe_profile(profile, UNIT))
    assert "relay at unit 200, channel 3, grade code" in told
    assert "unit 200, function 1, 8 bit(s) from 0000; 6 bytes come back" in told
    assert "C8 05 00 03 00 00 2C 53" in told


def test_a_board_is_told_channel_by_channel() -> None:
    told = "\n".join(describe_board(builtin_board("waveshare_modbus_rtu_relay"), 1))
    assert "01 01 00 00 00 08 3D CC" in told
    assert "channel 7" in told
    assert "channel 8" not in told
    assert told.count("01 05 00 00 FF 00 8C 3A") == 1


def rows(meter: BusMeter, read: PlannedRead, held: dict[int, int]) -> list[list[str]]:
    words = [held[read.block.address + place] for place in range(read.block.count)]
    return [line.split(maxsplit=2) for line in describe_answer(meter, read, words)]


def test_raw_words_stand_beside_values() -> None:
    meter = BusMeter(PolledMeter("m", UNIT, builtin_profile("acrel_ddsy1352")))
    energy, relay = meter.enforcement
    assert rows(meter, energy, DDSY1352.holding) == [
        ["raw_wh", "0000", "0012 D687            12345670"],
        ["power_w", "000D", "FB4D                 -1203"],
    ]
    assert describe_answer(meter, relay, [1, 0, 0, 88]) == [
        "    relay, as ordered            0057  0001 0000            closed"
    ]
    rates = next(read for read in meter.details if read.block.address == 0x0002)
    assert ["sharp_raw_wh", "0002", "0000 2710            100000"] in rows(meter, rates, DDSY1352.holding)
    assert meter.serial is not None
    assert rows(meter, meter.serial, DDSY1352.holding) == [["serial", "0043", "2021 0501 2345       202105012345"]]


def test_what_is_refused_says_why() -> None:
    meter = BusMeter(PolledMeter("m", UNIT, builtin_profile("eastron_sdm320y")))
    (line,) = describe_answer(meter, meter.enforcement[0], [0x7FC0, 0x0000])
    assert line.endswith("7FC0 0000            refused: nan is not a number that can be counted with")
    (line,) = describe_answer(meter, meter.enforcement[0], [SDM320Y.inputs[0x0156], SDM320Y.inputs[0x0157]])
    assert line.endswith("4366 3334            230200")
    ddsy = BusMeter(PolledMeter("m", UNIT, builtin_profile("acrel_ddsy1352")))
    assert ddsy.serial is not None
    assert describe_answer(ddsy, ddsy.serial, [0x20FA, 0, 0])[0].endswith("refused: 20fa00000000 is not BCD")
