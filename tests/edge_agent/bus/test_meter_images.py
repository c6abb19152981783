"""Every profile against what its maker's table says: whole images read through the bus's own reads, nothing missing."""

from __future__ import annotations

import pytest

from edge_agent.bus.meter import BusMeter, Decoded
from edge_agent.bus.packaged import builtin_names, builtin_profile
from edge_agent.bus.verdict import Reply
from edge_agent.core.measured import RelayOrdered, RelayPosition
from edge_agent.ports import PolledMeter
from tests.edge_agent.bus.images_acrel import ACREL, DDSY1352, DTSY1352
from tests.edge_agent.bus.images_others import OTHERS
from tests.edge_agent.bus.meter_case import MeterCase
from tests.edge_agent.bus.register_image import ImageLine

UNIT = 1
CASES = (*ACREL, *OTHERS)


def meter_of(case: MeterCase) -> BusMeter:
    return BusMeter(PolledMeter("m", UNIT, builtin_profile(case.profile), ct=case.ct, pt=case.pt))


def test_no_profile_is_without_its_image() -> None:
    assert sorted(case.profile for case in CASES) == builtin_names()


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.profile)
def test_all_that_a_profile_reads_is_what_the_maker_says(case: MeterCase) -> None:
    line, meter = ImageLine({UNIT: {3: case.holding, 4: case.inputs}}), meter_of(case)
    decoded = Decoded()
    for read in (*meter.enforcement, *meter.details):
        outcome = line.transact(read.request, meter.pace_of(read.request))
        assert isinstance(outcome, Reply), f"{read.block.name} at {read.block.address:#06x}: {outcome.detail}"
        meter.decode(read.block, outcome.words, decoded)
    assert decoded.refused == []
    assert decoded.values == case.values
    assert decoded.rates_raw_wh == case.rates
    assert decoded.order_register is (case.ordered or RelayOrdered.UNKNOWN)
    assert decoded.contact is RelayPosition.UNKNOWN


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.profile)
def test_serial_numbers(case: MeterCase) -> None:
    line, meter = ImageLine({UNIT: {3: case.holding, 4: case.inputs}}), meter_of(case)
    if case.serial is None:
        assert meter.serial is None
        return
    assert meter.serial is not None
    outcome = line.transact(meter.serial.request, meter.pace_of(meter.serial.request))
    assert isinstance(outcome, Reply)
    assert meter.serial_number(outcome.words) == case.serial


@pytest.mark.parametrize("case", [case for case in CASES if case.ordered is None], ids=lambda case: case.profile)
def test_a_meter_whose_relay_is_unknown_is_never_written(case: MeterCase) -> None:
    meter = meter_of(case)
    assert all(meter.relay_writes(wanted) == () for wanted in RelayOrdered)


PRINTED = [
    (DDSY1352, RelayOrdered.CLOSED, "01 10 00 57 00 02 04 00 01 00 00 E6 B5"),
    (DDSY1352, RelayOrdered.OPEN, "01 10 00 57 00 02 04 00 01 00 01 27 75"),
    (DDSY1352, RelayOrdered.RELEASED, "01 10 00 57 00 02 04 00 00 00 00 B7 75"),
    (DTSY1352, RelayOrdered.OPEN, "01 10 00 57 00 02 04 00 01 00 01 27 75"),
    (ACREL[1], RelayOrdered.CLOSED, "01 10 08 04 00 01 02 01 01 EE 44"),
    (ACREL[1], RelayOrdered.OPEN, "01 10 08 04 00 01 02 01 00 2F 84"),
    (ACREL[1], RelayOrdered.RELEASED, "01 10 08 04 00 01 02 00 00 2E 14"),
]


@pytest.mark.parametrize(("case", "wanted", "frame"), PRINTED)
def test_relay_frames_are_those_that_sources_print(case: MeterCase, wanted: RelayOrdered, frame: str) -> None:
    assert [request.frame for request in meter_of(case).relay_writes(wanted)] == [bytes.fromhex(frame)]


def test_the_energy_of_an_sdm320y_is_asked_as_its_manual_prints() -> None:
    meter = BusMeter(PolledMeter("m", 1, builtin_profile("eastron_sdm320y")))
    assert meter.enforcement[0].request.frame == bytes.fromhex("01 04 01 56 00 02 90 27")


def test_an_sdm_is_read_in_whole_values_and_never_beyond_thirty_of_them() -> None:
    for name in builtin_names():
        if name.startswith("eastron_"):
            meter = BusMeter(PolledMeter("m", 1, builtin_profile(name)))
            for read in (*meter.enforcement, *meter.details):
                assert read.block.address % 2 == 0, name
                assert read.block.count % 2 == 0, name
                assert read.block.count <= 60, name
