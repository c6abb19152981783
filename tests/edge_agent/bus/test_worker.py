"""A worker on a simulated bus: rounds, orders, the dead, wishes, boundaries, an adapter pulled out."""

from __future__ import annotations

import time
from pathlib import Path

import pytest

from edge_agent.core.measured import UNKNOWN, FaultKind, ReadPurpose, RelayOrdered, RelayPosition, RelayProof
from edge_agent.core.polling import PollingLimits
from edge_agent.ports import (
    BoundaryDone,
    BusDown,
    BusUp,
    CycleDone,
    DetailReport,
    FaultReport,
    MeterBack,
    MeterLost,
    ReadingReport,
    RelayOrder,
    RelayOutcome,
    RelayReport,
    SerialReport,
)
from provisioning.simulator import Fault
from provisioning.simulator import FaultKind as SimulatedFault
from tests.busy import busy
from tests.edge_agent.bus.simulated_bus import SimulatedStreet, simulated_street

QUICK = PollingLimits(back_off_first_ms=200, back_off_most_ms=400)
LINE_SPEED = 9_600


def order(street: SimulatedStreet, meter: str, wanted: RelayOrdered, name: str = "o1", within_ms: int = 5_000) -> None:
    street.worker.order_relay(RelayOrder(name, meter, wanted, street.clock.mono_ms() + within_ms))


def test_readings_say_what_the_meters_hold(tmp_path: Path) -> None:
    with simulated_street(tmp_path) as street:
        street.reports.await_one(CycleDone, lambda done: done.cycle == 3)
        readings = {each.reading.meter: each.reading for each in street.reports.all_of(ReadingReport)}
        for number, name in enumerate(("m0", "m1", "m2")):
            assert 0 <= readings[name].raw_wh - 1_000_000 * number <= 10
            assert readings[name].order_register is RelayOrdered.RELEASED
            assert readings[name].relay is RelayPosition.UNKNOWN
        assert readings["m0"].power_w == 2_000
        assert readings["m1"].power_w == 2_000
        assert readings["m2"].power_w is UNKNOWN
        assert street.bus.line.counters.broken_silences == 0


def test_details_come_at_their_pace(tmp_path: Path) -> None:
    with simulated_street(tmp_path) as street:
        single = street.reports.await_one(DetailReport, lambda report: "voltage_mv" in report.reading.values).reading
        assert 200_000 < single.values["voltage_mv"] < 260_000
        rates = street.reports.await_one(DetailReport, lambda report: bool(report.reading.rates_raw_wh)).reading
        assert set(rates.rates_raw_wh) == {"sharp", "peak", "flat", "valley"}


def test_a_cycle_tells_how_often_each_meter_was_asked(tmp_path: Path) -> None:
    with simulated_street(tmp_path) as street:
        done = street.reports.await_one(CycleDone)
        assert set(done.asked) == {"m0", "m1", "m2"}
        assert all(asked >= 2 for asked in done.asked.values())
        street.reports.await_one(CycleDone, lambda later: later.cycle == 4)
        told = sum(sum(each.asked.values()) for each in street.reports.all_of(CycleDone))
        assert abs(told - street.bus.line.counters.requests) <= 4


class TestRelay:
    @pytest.mark.parametrize("meter", ["m0", "m1", "m2"])
    def test_an_order_moves_the_relay_and_is_read_back(self, tmp_path: Path, meter: str) -> None:
        with simulated_street(tmp_path) as street:
            order(street, meter, RelayOrdered.OPEN)
            report = street.reports.await_one(RelayReport)
            assert (report.order_id, report.outcome, report.ok) == ("o1", RelayOutcome.DONE, True)
            assert not street.meter(meter).contact_closed
            shown = street.reports.await_one(ReadingReport, lambda each: each.reading.meter == meter).reading
            assert (shown.relay, shown.relay_proof) == (RelayPosition.OPEN, RelayProof.ORDER_REGISTER)
            order(street, meter, RelayOrdered.CLOSED, "o2")
            assert street.reports.await_one(RelayReport).outcome is RelayOutcome.DONE
            assert street.meter(meter).contact_closed
            order(street, meter, RelayOrdered.RELEASED, "o3")
            released = street.reports.await_one(RelayReport)
            assert (released.outcome, released.order_register) == (RelayOutcome.DONE, RelayOrdered.RELEASED)

    def test_an_order_reaches_the_wire_within_the_running_transaction(self, tmp_path: Path) -> None:
        with simulated_street(tmp_path, ["adf400l_3ph"] * 8, baud=LINE_SPEED) as street:
            street.reports.await_one(CycleDone)
            street.site.set_logged(street.bus, on=True)
            for number in range(6):
                street.bus.take_exchanges(10_000)
                given_ns = street.site.now_ns()
                order(street, f"m{number}", RelayOrdered.OPEN, f"o{number}")
                street.reports.await_one(RelayReport)
                after = [each for each in street.bus.take_exchanges(10_000) if each.at_ns > given_ns]
                place = next(index for index, each in enumerate(after) if each.request[1] == 16)
                assert place <= 1
                # At most the running read of 56 registers, the order's own frame and two silences.
                assert after[place].at_ns - given_ns < 250_000_000

    def test_a_second_order_takes_the_place_of_one_that_waits(self, tmp_path: Path) -> None:
        with simulated_street(tmp_path, started=False) as street:
            order(street, "m0", RelayOrdered.OPEN, "first")
            order(street, "m0", RelayOrdered.CLOSED, "second")
            street.worker.start()
            replaced = street.reports.await_one(RelayReport)
            assert (replaced.order_id, replaced.outcome) == ("first", RelayOutcome.REPLACED)
            assert street.reports.await_one(RelayReport).order_id == "second"
            assert street.meter("m0").contact_closed

    def test_an_old_order_moves_nothing_when_the_bus_comes_back(self, tmp_path: Path) -> None:
        with simulated_street(tmp_path) as street:
            street.reports.await_one(CycleDone)
            street.bus.unplug()
            street.reports.await_one(BusDown)
            order(street, "m0", RelayOrdered.OPEN, within_ms=300)
            expired = street.reports.await_one(RelayReport)
            assert expired.outcome is RelayOutcome.EXPIRED
            street.bus.plug()
            street.reports.await_one(CycleDone)
            assert street.meter("m0").contact_closed

    def test_a_meter_without_an_answer_leaves_the_order_unanswered(self, tmp_path: Path) -> None:
        with simulated_street(tmp_path) as street:
            street.site.set_lost(street.meter("m0"), True)
            order(street, "m0", RelayOrdered.OPEN)
            report = street.reports.await_one(RelayReport)
            assert (report.outcome, report.ok) == (RelayOutcome.UNANSWERED, False)

    def test_a_meter_that_refuses_has_not_obeyed(self, tmp_path: Path) -> None:
        with simulated_street(tmp_path) as street:
            street.site.add_fault(street.meter("m0"), Fault(SimulatedFault.EXCEPTION))
            order(street, "m0", RelayOrdered.OPEN)
            report = street.reports.await_one(RelayReport)
            assert report.outcome is RelayOutcome.NOT_OBEYED
            assert "exception 4" in report.detail

    def test_a_confirmation_for_another_register_is_none(self, tmp_path: Path) -> None:
        with simulated_street(tmp_path) as street:
            street.site.add_fault(street.meter("m0"), Fault(SimulatedFault.WRONG_ADDRESS))
            order(street, "m0", RelayOrdered.OPEN)
            assert street.reports.await_one(RelayReport).outcome is RelayOutcome.UNANSWERED
            assert [fault.kind for fault in street.reports.all_of(FaultReport)] == [FaultKind.WRONG_COUNT]

    def test_an_unknown_meter_and_an_unknown_wish_are_impossible(self, tmp_path: Path) -> None:
        with simulated_street(tmp_path) as street:
            order(street, "nobody", RelayOrdered.OPEN, "o1")
            order(street, "m0", RelayOrdered.UNKNOWN, "o2")
            outcomes = {street.reports.await_one(RelayReport).outcome for _ in range(2)}
            assert outcomes == {RelayOutcome.IMPOSSIBLE}


class TestTheDead:
    def test_lost_and_back(self, tmp_path: Path) -> None:
        with simulated_street(tmp_path, limits=QUICK) as street:
            street.reports.await_one(CycleDone)
            street.site.set_lost(street.meter("m1"), True)
            assert street.reports.await_one(MeterLost).meter == "m1"
            faults = [fault for fault in street.reports.all_of(FaultReport) if fault.meter == "m1"]
            assert [fault.kind for fault in faults] == [FaultKind.TIMEOUT] * QUICK.lost_after_tries
            street.site.set_lost(street.meter("m1"), False)
            assert street.reports.await_one(MeterBack).meter == "m1"
            assert street.reports.await_one(ReadingReport).reading.meter == "m1"

    def test_the_living_do_not_wait(self, tmp_path: Path) -> None:
        with simulated_street(tmp_path, ["adf400l_1ph"] * 6, limits=QUICK) as street:
            for name in ("m1", "m2", "m3", "m4"):
                street.site.set_lost(street.meter(name), True)
            for _ in range(4):
                street.reports.await_one(MeterLost)
            street.reports.heard.clear()
            done = [street.reports.await_one(CycleDone) for _ in range(20)]
            tried = [sum(name in each.asked for name in ("m1", "m2", "m3", "m4")) for each in done]
            assert max(tried) == 1
            assert all({"m0", "m5"} <= set(each.asked) for each in done)


class TestWishes:
    def test_a_reading_on_demand_says_so(self, tmp_path: Path) -> None:
        with simulated_street(tmp_path, poll_ms=60_000) as street:
            street.reports.await_one(CycleDone)
            street.worker.read_now(["m2"])
            report = street.reports.await_one(ReadingReport, lambda each: each.purpose is ReadPurpose.ON_DEMAND)
            assert report.reading.meter == "m2"

    def test_serial_numbers(self, tmp_path: Path) -> None:
        with simulated_street(tmp_path) as street:
            street.worker.read_serial(["m0", "m1", "m2"])
            told = [street.reports.await_one(SerialReport) for _ in range(3)]
            assert [(each.meter, each.serial) for each in told] == [
                ("m0", "760000000000"),
                ("m1", "760000000001"),
                ("m2", "760000000002"),
            ]

    def test_a_boundary_reads_all_and_names_whom_it_missed(self, tmp_path: Path) -> None:
        with simulated_street(tmp_path, poll_ms=60_000, limits=QUICK) as street:
            street.site.set_lost(street.meter("m1"), True)
            street.worker.read_now(["m0"])
            street.reports.await_one(ReadingReport)
            street.worker.boundary(1_800_000, ["m0", "m1", "m2"])
            done = street.reports.await_one(BoundaryDone)
            assert (done.at_ms, done.missed) == (1_800_000, ("m1",))
            at_boundary = [
                each for each in street.reports.all_of(ReadingReport) if each.purpose is ReadPurpose.BOUNDARY
            ]
            assert {each.reading.meter for each in at_boundary} == {"m0", "m2"}
            assert {each.boundary_at_ms for each in at_boundary} == {1_800_000}


class TestAdapter:
    def test_pulled_out_and_put_back_it_is_taken_up_again(self, tmp_path: Path) -> None:
        with simulated_street(tmp_path) as street:
            street.reports.await_one(CycleDone)
            street.bus.unplug()
            street.reports.await_one(BusDown)
            time.sleep(0.5)
            street.bus.plug()
            plugged = time.monotonic()
            street.reports.await_one(BusUp)
            street.reports.await_one(ReadingReport)
            assert time.monotonic() - plugged < 2.5
            assert len(street.reports.all_of(BusDown)) == 1
            assert street.reports.all_of(MeterLost) == []

    def test_a_missing_adapter_is_told_once_and_the_worker_stays_alive(self, tmp_path: Path) -> None:
        with simulated_street(tmp_path, started=False) as street:
            street.bus.unplug()
            street.worker.start()
            assert "no such port" in street.reports.await_one(BusDown).reason
            time.sleep(1.2)
            assert street.clock.mono_ms() - street.worker.last_progress_mono_ms < 2_100
            assert len(street.reports.all_of(BusDown)) == 1


def test_an_echoing_adapter_is_read_as_well(tmp_path: Path) -> None:
    with simulated_street(tmp_path, echo=True) as street:
        street.reports.await_one(CycleDone, lambda done: done.cycle == 2)
        order(street, "m0", RelayOrdered.OPEN)
        assert street.reports.await_one(RelayReport).outcome is RelayOutcome.DONE
        assert street.reports.all_of(FaultReport) == []


def test_another_list_is_taken_between_two_questions(tmp_path: Path) -> None:
    with simulated_street(tmp_path) as street:
        street.reports.await_one(CycleDone)
        street.worker.reconfigure(street.polled[1:])
        street.reports.await_one(CycleDone, lambda done: set(done.asked) == {"m1", "m2"})
        order(street, "m0", RelayOrdered.OPEN)
        assert street.reports.await_one(RelayReport).outcome is RelayOutcome.IMPOSSIBLE


def test_two_buses_never_wait_for_each_other(tmp_path: Path) -> None:
    with simulated_street(tmp_path / "a", limits=QUICK) as dead, simulated_street(tmp_path / "b") as live:
        live.reports.await_one(CycleDone)
        dead.site.set_lost(dead.bus, True)
        dead.reports.await_one(MeterLost)
        began = time.monotonic()
        for _ in range(20):
            live.reports.await_one(CycleDone)
        assert time.monotonic() - began < 5 * busy()


def test_no_silence_is_broken_at_line_speed(tmp_path: Path) -> None:
    with simulated_street(tmp_path, baud=LINE_SPEED) as street:
        order(street, "m0", RelayOrdered.OPEN)
        street.worker.read_serial(["m0", "m1", "m2"])
        street.reports.await_one(CycleDone, lambda done: done.cycle == 5)
        assert street.bus.line.counters.broken_silences == 0
        assert street.bus.line.counters.requests == street.bus.line.counters.replies
        assert street.reports.all_of(FaultReport) == []
