"""The guide for whoever writes a profile is true: its example works without code, its outputs and messages are ours."""

from __future__ import annotations

import queue
import re
from fractions import Fraction

import pytest

from edge_agent.agent.profile_trial import try_profile
from edge_agent.bus.errands import Errands
from edge_agent.bus.meter import BusMeter
from edge_agent.bus.packaged import builtin_board_names, builtin_names
from edge_agent.bus.relay_orders import RelayOrders
from edge_agent.clock import SystemClock
from edge_agent.core.measured import MeterReading, RelayOrdered, RelayPosition, RelayProof
from edge_agent.ports import BusReport, PolledMeter, RelayOrder, RelayOutcome, RelayReport
from protocol.meter_profile.board_reading import load_board
from protocol.meter_profile.description import describe_profile
from protocol.meter_profile.reading import load_profile
from protocol.meter_profile.table import ProfileError
from tests.edge_agent.bus.profile_mistakes import WRONG, WrongProfile
from tests.edge_agent.bus.profile_page import B4, NX3, PAGE, example, messages
from tests.edge_agent.bus.register_image import Image, ImageLine, f32, image

UNIT = 5
EXAMPLES = {"nx3": NX3, "b4": B4}


def low_first(number: float) -> list[int]:
    return f32(number)[::-1]


def nx3_on_a_line() -> ImageLine:
    """What the manual of the made-up make says, with a load on the meter."""
    inputs: Image = image(
        (0x0000, [0] * 32),
        (0x0000, [*low_first(12_345.5), *low_first(2_345.5), *low_first(10_000.0)]),
        (0x000A, [*low_first(1.25), *low_first(230.5), *low_first(231.0), *low_first(229.5)]),
        (0x0012, [*low_first(1.5), *low_first(2.0), *low_first(2.5)]),
        (0x001E, low_first(0.75)),
    )
    holding = image((0x000E, [0, 0]), (0x00C8, [0x3032, 0x3430, 0x3737, 0x3130]))
    return ImageLine({UNIT: {1: {0: 0}, 2: {0: 1}, 3: holding, 4: inputs}})


def nx3(ct: int = 1) -> BusMeter:
    return BusMeter(PolledMeter("m", UNIT, load_profile(NX3, "nx3"), ct=Fraction(ct)))


def test_the_make_of_the_guide_is_read_and_switched_without_code() -> None:
    line, meter, clock = nx3_on_a_line(), nx3(ct=40), SystemClock()
    reports: queue.SimpleQueue[BusReport] = queue.SimpleQueue()
    errands = Errands("A1", line, RelayOrders("A1", reports.put, clock), reports, clock)
    reading = errands.read_enforcement(meter, lambda: None)
    assert isinstance(reading, MeterReading)
    assert (reading.raw_wh, reading.power_w) == (12_345_500, 50_000)
    assert (reading.relay, reading.relay_proof) == (RelayPosition.CLOSED, RelayProof.CONTACT)
    line.asked.clear()
    order = RelayOrder("o1", "m", RelayOrdered.OPEN, 10_000)
    assert errands.write_relay(meter, order)
    assert [request.frame[:-2].hex() for request in line.asked] == ["0510000e0002040000447a", "05050000ff00"]
    line.units[UNIT][2][0] = 0  # the contact follows
    errands.check_relay(meter, order)
    report = reports.get_nowait()
    assert isinstance(report, RelayReport)
    assert (report.outcome, report.contact, report.order_register) == (
        RelayOutcome.DONE,
        RelayPosition.OPEN,
        RelayOrdered.OPEN,
    )


def test_an_order_that_the_contact_does_not_follow_is_not_done() -> None:
    line, meter, clock = nx3_on_a_line(), nx3(), SystemClock()
    reports: queue.SimpleQueue[BusReport] = queue.SimpleQueue()
    errands = Errands("A1", line, RelayOrders("A1", reports.put, clock), reports, clock)
    order = RelayOrder("o1", "m", RelayOrdered.OPEN, 10_000)
    assert errands.write_relay(meter, order)
    errands.check_relay(meter, order)
    report = reports.get_nowait()
    assert isinstance(report, RelayReport)
    assert report.outcome is RelayOutcome.NOT_OBEYED


def test_what_check_prints_stands_in_the_guide() -> None:
    printed = describe_profile(load_profile(NX3, "nx3"), UNIT)
    assert "\n".join([*printed, "nx3.toml: no mistakes found\n"]) in example("$ edge-agent profile check")


def test_what_try_prints_stands_in_the_guide() -> None:
    line, meter = nx3_on_a_line(), nx3()
    printed = [words for _, words in try_profile(line, meter)]
    assert "\n".join(printed) + "\n" == example("$ edge-agent profile try").partition("\n")[2]


def said_of(wrong: WrongProfile) -> list[str]:
    """All that the check says of this change, without the name of the file."""
    text = EXAMPLES[wrong.example]
    assert wrong.right in text
    with pytest.raises(ProfileError) as raised:
        (load_profile if wrong.example == "nx3" else load_board)(text.replace(wrong.right, wrong.wrong, 1), "f")
    return [str(mistake).removeprefix("f.toml: ") for mistake in raised.value.mistakes]


@pytest.mark.parametrize("wrong", WRONG, ids=lambda wrong: f"{wrong.key}: {wrong.shown}")
def test_each_message_of_the_check_stands_in_the_guide(wrong: WrongProfile) -> None:
    shown = next(message for message in said_of(wrong) if message.startswith(f"{wrong.key} = "))
    assert (wrong.shown, shown) in messages()


def test_the_guide_shows_no_message_that_is_not_given() -> None:
    assert [written for written, _ in messages()] == [wrong.shown for wrong in WRONG]


def test_the_guide_lists_every_profile_that_comes_with_the_agent() -> None:
    part = PAGE.partition("## The profiles that come with the agent")[2].partition("## What the format")[0]
    assert sorted(re.findall(r"^\| `(\w+)` \|", part, re.MULTILINE)) == sorted(builtin_names() + builtin_board_names())
