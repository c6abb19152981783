"""A contactor board on the meters' bus: read from its file, asked beside the meter, written in the meter's stead."""

from __future__ import annotations

import queue
from dataclasses import dataclass, field

import pytest

from edge_agent.bus.errands import Errands
from edge_agent.bus.meter import BusMeter
from edge_agent.bus.packaged import builtin_board, builtin_board_names
from edge_agent.bus.relay_orders import RelayOrders
from edge_agent.bus.silent_boards import REST_FIRST_MS, REST_MOST_MS, SilentBoards
from edge_agent.bus.transaction import Pace
from edge_agent.clock import SystemClock
from edge_agent.core.measured import MeterReading, RelayOrdered, RelayPosition
from edge_agent.ports import BusReport, PolledMeter, RelayOrder, RelayOutcome, RelayReport
from protocol.meter_profile.board_reading import load_board
from protocol.meter_profile.boards import with_external_relay
from protocol.meter_profile.reading import load_profile
from protocol.meter_profile.table import ProfileError
from tests.edge_agent.bus.profile_texts import BOARD, PLAIN, RELAY
from tests.edge_agent.bus.register_image import ImageLine, image, u32

UNIT, BOARD_UNIT = 5, 200


class FrozenClock(SystemClock):
    """Time that stands until it is moved."""

    def __init__(self) -> None:
        super().__init__()
        self.now_ms = 1_000

    def mono_ms(self) -> int:
        return self.now_ms


@dataclass
class Wall:
    """Meters on one image line, with their errands."""

    line: ImageLine
    meters: dict[str, BusMeter]
    clock: FrozenClock = field(default_factory=FrozenClock)
    reports: queue.SimpleQueue[BusReport] = field(default_factory=queue.SimpleQueue)

    def __post_init__(self) -> None:
        self.orders = RelayOrders("A1", self.reports.put, self.clock)
        self.errands = Errands("A1", self.line, self.orders, self.reports, self.clock)
        self.errands.know(self.meters)

    def read(self, name: str) -> MeterReading:
        self.line.asked.clear()
        reading = self.errands.read_enforcement(self.meters[name], lambda: None)
        assert isinstance(reading, MeterReading)
        return reading

    def switch(self, name: str, wanted: RelayOrdered) -> RelayReport:
        order = RelayOrder("o", name, wanted, 10_000)
        if self.errands.write_relay(self.meters[name], order):
            self.errands.check_relay(self.meters[name], order)
        while True:
            report = self.reports.get_nowait()
            if isinstance(report, RelayReport):
                return report

    @property
    def asked_units(self) -> list[int]:
        return [request.unit for request in self.line.asked]


def wall(board_text: str = BOARD, meter_text: str = PLAIN, channels: tuple[int, ...] = (0, 3)) -> Wall:
    board = load_board(board_text, "b4")
    profile = load_profile(meter_text, "n1")
    meters = {
        f"m{place}": BusMeter(
            PolledMeter(f"m{place}", UNIT + place, with_external_relay(profile, board, BOARD_UNIT, channel))
        )
        for place, channel in enumerate(channels)
    }
    registers = {3: image((0x0100, [*u32(123_45), 1_500]), (0x0200, [7]))}
    units = {UNIT + place: registers for place in range(len(channels))}
    return Wall(ImageLine({**units, BOARD_UNIT: {1: image((0x0010, [0, 1, 0, 1])), 3: {}}}), meters)


def test_the_board_is_read_whole_and_each_meter_takes_its_channel() -> None:
    street = wall()
    first, last = street.read("m0"), street.read("m1")
    assert (first.raw_wh, first.power_w) == (123_450, 1_500)
    assert first.relay is RelayPosition.OPEN
    assert last.relay is RelayPosition.CLOSED
    asked = street.line.asked[-1]
    assert (asked.unit, asked.function, asked.address, asked.count) == (BOARD_UNIT, 1, 0x0010, 4)
    assert asked.frame[:-2] == bytes.fromhex("C8 01 0010 0004")
    assert street.asked_units == [UNIT + 1, BOARD_UNIT]


def test_an_order_goes_to_the_board_at_its_own_pace_and_to_no_other_channel() -> None:
    street = wall()
    assert street.switch("m1", RelayOrdered.OPEN).outcome is RelayOutcome.DONE
    assert street.line.units[BOARD_UNIT][1] == image((0x0010, [0, 1, 0, 0]))
    assert street.line.asked[0].frame[:-2] == bytes.fromhex("C8 05 0013 0000")
    assert set(street.line.paces) == {Pace(silence_ms=10, turnaround_ms=60)}
    assert street.switch("m0", RelayOrdered.CLOSED).outcome is RelayOutcome.DONE
    assert street.line.units[BOARD_UNIT][1] == image((0x0010, [1, 1, 0, 0]))
    assert street.switch("m0", RelayOrdered.RELEASED).outcome is RelayOutcome.IMPOSSIBLE


def test_contactors_that_supply_while_the_coil_is_off() -> None:
    street = wall(BOARD.replace("closed = [1]\nopen = [0]", "closed = [0]\nopen = [1]"))
    assert street.read("m0").relay is RelayPosition.CLOSED
    assert street.switch("m0", RelayOrdered.OPEN).outcome is RelayOutcome.DONE
    assert street.line.units[BOARD_UNIT][1][0x0010] == 1


def test_the_board_takes_the_place_of_a_relay_in_the_meter() -> None:
    street = wall(meter_text=PLAIN + RELAY)
    street.switch("m0", RelayOrdered.OPEN)
    assert street.line.units[UNIT][3][0x0200] == 7
    assert street.asked_units == [BOARD_UNIT, BOARD_UNIT]


def test_registers_and_auxiliary_contacts_of_a_board() -> None:
    text = BOARD.replace('kind = "coil"\nfunction = 5', 'kind = "register"\nfunction = 16')
    text = text.replace("closed = [1]\nopen = [0]", "closed = [1, 0]\nopen = [2, 0]")
    text = (
        text.replace('"none"', '"contact"') + "contact = { function = 2, address = 0x40, closed = [0], open = [1] }\n"
    )
    street = wall(text)
    street.line.units[BOARD_UNIT][3] = image((0x0010, [1, 0, 2, 0, 2, 0, 1, 0]))
    street.line.units[BOARD_UNIT][2] = image((0x0040, [0, 0, 0, 1]))
    reading = street.read("m1")
    assert (reading.order_register, reading.contact) == (RelayOrdered.CLOSED, RelayPosition.OPEN)
    assert {(asked.function, asked.address, asked.count) for asked in street.line.asked} == {
        (3, 0x0100, 3), (3, 0x0010, 8), (2, 0x0040, 4)
    }  # fmt: skip
    street.switch("m1", RelayOrdered.OPEN)
    assert street.line.units[BOARD_UNIT][3] == image((0x0010, [1, 0, 2, 0, 2, 0, 2, 0]))


def test_meters_are_read_on_while_their_board_is_dead() -> None:
    street = wall()
    street.line.dead.add(BOARD_UNIT)
    assert street.read("m0").power_w == 1_500
    assert street.asked_units == [UNIT, BOARD_UNIT]
    assert street.read("m1").relay is RelayPosition.UNKNOWN
    assert street.asked_units == [UNIT + 1]
    assert street.errands.closed_until_ms(street.meters["m1"]) > street.line.now_ms
    assert street.switch("m0", RelayOrdered.OPEN).outcome is RelayOutcome.UNANSWERED
    street.line.dead.clear()
    street.clock.now_ms += 2 * REST_FIRST_MS
    assert street.read("m1").relay is RelayPosition.CLOSED
    assert street.read("m0").relay is RelayPosition.OPEN


def test_a_silent_board_rests_longer_each_time_up_to_a_minute() -> None:
    boards = SilentBoards()
    now_ms, rests = 0, []
    for _ in range(30):
        boards.failed(7, now_ms)
        rest_ms = next(wait for wait in range(0, 120_000, 500) if not boards.rests(7, now_ms + wait))
        rests.append(rest_ms)
        now_ms += rest_ms
    assert rests[:4] == [2_000, 4_000, 8_000, 16_000]
    assert max(rests) == REST_MOST_MS
    boards.answered(7)
    boards.failed(7, now_ms)
    assert not boards.rests(7, now_ms + REST_FIRST_MS)
    assert not boards.rests(8, now_ms)


def test_a_channel_beyond_the_last_is_refused() -> None:
    with pytest.raises(ValueError, match="channel 4 of b4: right would be 0 to 3"):
        wall(channels=(4,))


WRONG = [
    ('kind = "relay_board"', "", "kind", "right would be relay_board"),
    ("channels = 4", "channels = 65", "channels", "from 1 to 64"),
    ("[relay]", "[relai]", "relay", "every board needs the relay of its channel 0"),
    ("turnaround_ms = 60", "turnaround = 60", "line.turnaround", "unknown key"),
    ("address = 0x0010", "address = 0xFFFD", "relay.address", "4 channels from there go beyond 0xFFFF"),
    ('readback = "none"', 'readback = "none"\nrelease = [1]', "relay.release", "no control of its own"),
    (
        'readback = "none"',
        'readback = "contact"\ncontact = { function = 1, address = 0, closed = [1], open = [0] }',
        "relay.contact",
        "could not be told from the order's",
    ),
    (
        'kind = "coil"\nfunction = 5\naddress = 0x0010\nclosed = [1]\nopen = [0]',
        f'kind = "register"\nfunction = 16\naddress = 0\nclosed = {[1] * 40}\nopen = {[0] * 40}',
        "channels",
        "one read holds 125 registers",
    ),
]


@pytest.mark.parametrize(("right", "wrong", "key", "reason"), WRONG, ids=[row[2] for row in WRONG])
def test_each_mistake_of_a_board_names_its_key(right: str, wrong: str, key: str, reason: str) -> None:
    assert right in BOARD
    with pytest.raises(ProfileError) as raised:
        load_board(BOARD.replace(right, wrong, 1), "b4")
    reasons = {mistake.key: str(mistake.reason) for mistake in raised.value.mistakes}
    assert reason in reasons[key]


def test_a_board_is_no_meter_profile() -> None:
    with pytest.raises(ProfileError, match=r"kind = 'relay_board': right would be meter"):
        load_profile(BOARD, "b4")
    with pytest.raises(ProfileError, match="not TOML"):
        load_board("= 4", "b4")


def test_our_boards_load() -> None:
    assert builtin_board_names() == ["waveshare_modbus_rtu_relay"]
    board = builtin_board("waveshare_modbus_rtu_relay")
    assert board.channels == 8
    with pytest.raises(KeyError, match="waveshare_modbus_rtu_relay"):
        builtin_board("waveshare")


def test_frames_for_the_waveshare_board_are_those_of_its_maker() -> None:
    """Unit 1, relay 0: on, off, and all states, as Waveshare's protocol prints them."""
    profile = with_external_relay(load_profile(PLAIN, "n1"), builtin_board("waveshare_modbus_rtu_relay"), 1, 0)
    meter = BusMeter(PolledMeter("m", 9, profile))
    assert meter.relay_writes(RelayOrdered.CLOSED)[0].frame == bytes.fromhex("01 05 00 00 FF 00 8C 3A")
    assert meter.relay_writes(RelayOrdered.OPEN)[0].frame == bytes.fromhex("01 05 00 00 00 00 CD CA")
    assert [read.request.frame for read in meter.relay_reads] == [bytes.fromhex("01 01 00 00 00 08 3D CC")]
