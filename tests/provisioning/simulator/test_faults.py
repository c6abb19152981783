"""Faults: each spoils what it says, as often as it says, the same at every run of its seed."""

import random
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from provisioning.simulator import Fault, FaultKind, SimulatedMeter, SimulatedSite
from provisioning.simulator.faults import spoil
from provisioning.simulator.frames import parse_request
from tests.provisioning.simulator.master import Master, framed, read_frame, write_frame
from tests.provisioning.simulator.meters import Bench
from tests.provisioning.simulator.sites import FAST_BAUD, meter, site

READ = read_frame(1, 0x0300, 4)
REPLY = framed(bytes.fromhex("01 03 08 00 01 00 02 00 03 00 04"))
WRITE = write_frame(1, 0x0801, 0x0100)
CONFIRMED = framed(WRITE[:6])


def spoilt(kind: str, asked: bytes = READ, reply: bytes = REPLY, seed: int = 1) -> bytes:
    request = parse_request(asked)
    assert request is not None
    frame = spoil(request, asked, reply, [Fault(FaultKind(kind), seed=seed)]).frame
    assert frame is not None
    return frame


def is_whole(frame: bytes) -> bool:
    return frame == framed(frame[:-2])


@pytest.mark.parametrize("seed", range(40))
def test_crc_flips_one_bit(seed: int) -> None:
    frame = spoilt("crc", seed=seed)
    assert len(frame) == len(REPLY)
    assert sum((a ^ b).bit_count() for a, b in zip(frame, REPLY, strict=True)) == 1
    assert not is_whole(frame)


def test_wrong_unit_function_count_and_address_have_a_good_crc() -> None:
    frames = {kind: spoilt(kind) for kind in ("wrong_unit", "wrong_function", "wrong_count", "exception")}
    assert all(is_whole(frame) for frame in frames.values())
    assert frames["wrong_unit"][0] == 2
    assert frames["wrong_unit"][1:-2] == REPLY[1:-2]
    assert frames["wrong_function"][1] == 4
    assert frames["wrong_count"][:3] == bytes((1, 3, 6))
    assert frames["exception"] == framed(bytes((1, 0x83, 4)))
    address = spoilt("wrong_address", WRITE, CONFIRMED)
    assert is_whole(address)
    assert address[2:4] == bytes((8, 0))
    count = spoilt("wrong_count", WRITE, CONFIRMED)
    assert is_whole(count)
    assert count[4:6] == bytes((0, 0))
    assert spoilt("wrong_function", WRITE, CONFIRMED)[1] == 3


@pytest.mark.parametrize("seed", range(20))
def test_short_and_long(seed: int) -> None:
    short, long = spoilt("short", seed=seed), spoilt("long", seed=seed)
    assert 0 < len(short) < len(REPLY)
    assert REPLY.startswith(short)
    assert len(REPLY) < len(long) <= len(REPLY) + 8
    assert long.startswith(REPLY)


@pytest.mark.parametrize("seed", range(20))
def test_two_meters_on_one_unit_id_spoil_each_other(seed: int) -> None:
    frame = spoilt("duplicate", seed=seed)
    assert frame[:3] == REPLY[:3]
    assert len(frame) == len(REPLY)
    assert not is_whole(frame)


def test_echo_puts_the_request_before_the_reply() -> None:
    assert spoilt("echo") == READ + REPLY


@pytest.mark.parametrize(("asked", "reply"), [(READ, REPLY), (WRITE, CONFIRMED), (READ, framed(bytes((1, 0x83, 2))))])
def test_all_faults_at_once_and_twice_still_send_something(asked: bytes, reply: bytes) -> None:
    request = parse_request(asked)
    assert request is not None
    kinds = [kind for kind in FaultKind if kind is not FaultKind.SILENT]
    for seed in range(200):
        chance = random.Random(seed)
        faults = [Fault(kind, late_ms=1, seed=seed) for kind in chance.choices(kinds, k=6)]
        assert spoil(request, asked, reply, faults).frame


def test_probability_and_seed() -> None:
    request = parse_request(READ)
    assert request is not None

    def run(seed: int) -> list[bool]:
        fault = Fault(FaultKind.SILENT, probability=0.25, seed=seed)
        return [spoil(request, READ, REPLY, [fault]).frame is None for _ in range(1000)]

    assert run(5) == run(5)
    assert run(5) != run(6)
    assert 200 < sum(run(5)) < 300


# ------------------------------------------------------------------------------------------------ relay and registers


def test_a_deaf_relay_confirms_and_does_not_move(tmp_path: Path) -> None:
    bench = Bench(tmp_path, "adf400l_1ph", watts=3600)
    bench.meter.suffer([Fault(FaultKind.DEAF_RELAY)])
    assert bench.ask(write_frame(1, 0x0801, 0x0100)) == CONFIRMED
    assert bench.read(0x0801, 1) == (0x0100,)
    bench.wait(100)
    assert bench.read32(0x0306) == 10
    assert bench.meter.why() == "deaf to its last order"
    bench.meter.suffer([])
    assert not bench.meter.contact_closed


def test_a_relay_that_is_hard_of_hearing_obeys_in_the_end(tmp_path: Path) -> None:
    bench = Bench(tmp_path, "adf400l_1ph")
    bench.meter.suffer([Fault(FaultKind.DEAF_RELAY, probability=0.5, seed=3)])
    orders = 0
    while bench.meter.contact_closed:
        orders += 1
        bench.write(0x0801, 0x0000)
        bench.write(0x0801, 0x0100)
        assert orders < 50
    assert orders >= 1


def test_a_relay_stuck_open_stays_open(tmp_path: Path) -> None:
    bench = Bench(tmp_path, "dtsy1352", watts=3600)
    bench.meter.suffer([Fault(FaultKind.STUCK_OPEN)])
    bench.write(0x0057, 1, 0)
    assert bench.read(0x0054, 1)[0] & 0xE000 == 0
    bench.wait(1000)
    assert bench.read32(0x0000) == 0
    bench.meter.suffer([])
    assert bench.meter.contact_closed


def test_frozen_registers_stand_still_while_energy_flows(tmp_path: Path) -> None:
    bench = Bench(tmp_path, "dtsy1352", watts=3600)
    bench.wait(100)
    bench.meter.suffer([Fault(FaultKind.FROZEN)])
    bench.wait(100)
    assert bench.read32(0x0000) == 10
    bench.write(0x0057, 1, 1)
    assert bench.read(0x0057, 2) == (0, 0)
    bench.wait(100)
    bench.meter.suffer([])
    assert bench.read32(0x0000) == 20
    assert bench.read(0x0057, 2) == (1, 1)


# ------------------------------------------------------------------------------------------------------- on the line


@pytest.fixture
def running(tmp_path: Path) -> Iterator[SimulatedSite]:
    described = site(tmp_path, meter("a", "adf400l_1ph", 1), meter("b", "adf400l_1ph", 2))
    with SimulatedSite(described, tmp_path / "state") as running:
        yield running


@pytest.fixture
def master(running: SimulatedSite) -> Iterator[Master]:
    with Master(running.bus("A1").tty, FAST_BAUD) as master:
        yield master


def a_meter(running: SimulatedSite) -> SimulatedMeter:
    return running.meter("a")


def test_a_late_reply_comes_late_and_others_are_served_meanwhile(running: SimulatedSite, master: Master) -> None:
    running.add_fault(a_meter(running), Fault(FaultKind.LATE, late_ms=300))
    begin = time.monotonic()
    assert master.ask(read_frame(1, 0x0300, 3), 11, 0.05) == b""
    other = master.ask(read_frame(2, 0x0300, 1), 7, 0.2)
    assert other[:3] == bytes((2, 3, 2))
    late = master.receive(11)
    assert late[:3] == bytes((1, 3, 6))
    assert time.monotonic() - begin >= 0.3


def test_a_late_reply_can_stand_where_another_is_expected(running: SimulatedSite, master: Master) -> None:
    running.set_energy_wh(a_meter(running), 70_000)
    running.add_fault(a_meter(running), Fault(FaultKind.LATE, late_ms=150))
    assert master.ask(read_frame(1, 0x0308, 2), 9, 0.02) == b""
    # Asked for the energy, it tells first what it was asked before: same length, good CRC.
    assert master.ask(read_frame(1, 0x0306, 2), 9) == framed(bytes((1, 3, 4, 0, 0, 0, 0)))
    assert master.receive(9) == framed(bytes((1, 3, 4, 0, 0, 0x1B, 0x58)))


def test_faults_of_a_bus_are_those_of_each_meter(running: SimulatedSite, master: Master) -> None:
    running.add_fault(running.bus("A1"), Fault(FaultKind.SILENT))
    assert master.ask(READ, 13, 0.05) == b""
    assert master.ask(read_frame(2, 0x0300, 1), 7, 0.05) == b""
    running.clear_faults(running.bus("A1"))
    assert len(master.ask(READ, 13)) == 13


@pytest.mark.parametrize("whole_bus", [True, False])
def test_what_is_lost_is_silent_until_it_is_revived(running: SimulatedSite, master: Master, whole_bus: bool) -> None:
    target = running.bus("A1") if whole_bus else a_meter(running)
    running.set_lost(target, lost=True)
    assert master.ask(READ, 13, 0.05) == b""
    assert len(master.ask(read_frame(2, 0x0300, 1), 7, 0.05)) == (0 if whole_bus else 7)
    running.set_lost(target, lost=False)
    assert len(master.ask(READ, 13)) == 13


def test_a_swapped_meter_has_another_serial_and_other_registers(running: SimulatedSite, master: Master) -> None:
    master.write(1, 0x0801, 0x0100)
    serial = running.swap(a_meter(running), energy_wh=420)
    assert serial not in ("000000000001", "000000000002")
    words = master.read(1, 0x0947, 7)
    assert b"".join(word.to_bytes(2, "big") for word in words) == serial.encode() + b"\0\0"
    assert master.read32(1, 0x0306) == 42
    assert master.read(1, 0x0801, 1) == (0,)
    assert running.swap(a_meter(running), serial="987654321012") == "987654321012"


def test_the_log_holds_what_was_really_sent(running: SimulatedSite, master: Master) -> None:
    bus = running.bus("A1")
    running.set_logged(a_meter(running), on=True)
    running.add_fault(a_meter(running), Fault(FaultKind.CRC, probability=0.5, seed=11))
    got = [master.ask(READ, 13) for _ in range(20)]
    master.ask(read_frame(2, 0x0300, 1), 7)
    taken = bus.take_exchanges(1000)
    assert [exchange.sent for exchange in taken] == got
    assert all(exchange.request == READ for exchange in taken)
    assert all(exchange.true_reply is not None and is_whole(exchange.true_reply) for exchange in taken)
    spoiled = [exchange for exchange in taken if exchange.faults]
    assert 3 < len(spoiled) < 17
    assert all((exchange.sent == exchange.true_reply) != bool(exchange.faults) for exchange in taken)
    running.set_logged(a_meter(running), on=False)
    running.set_logged(bus, on=True)
    running.clear_faults(bus)
    master.ask(read_frame(9, 0x0300, 1), 7, 0.05)
    master.ask(read_frame(2, 0x0300, 1), 7)
    assert [exchange.sent is None for exchange in bus.take_exchanges(1000)] == [True, False]
