"""A worker that shares its line: with a guest to whom it is lent, and with another master who was not asked."""

from __future__ import annotations

import queue
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from edge_agent.bus import line as line_master
from edge_agent.core.measured import FaultKind, RelayOrdered
from edge_agent.ports import (
    BusDown,
    CycleDone,
    ForeignMaster,
    LentAnswer,
    LentQuestion,
    MeterLost,
    PrepaidOrder,
    PrepaidReport,
    ReadingReport,
    RelayOrder,
    RelayOutcome,
    RelayReport,
    WorkerDied,
)
from protocol.meter_profile.values import RegisterWrite
from provisioning.simulator.second_master import read_question
from tests.edge_agent.bus.simulated_bus import SimulatedStreet, simulated_street


class Guest:
    """Asks one question after the other, as a command at the box does."""

    def __init__(self, street: SimulatedStreet) -> None:
        self._street = street
        self._answers: queue.SimpleQueue[LentAnswer] = queue.SimpleQueue()

    def ask(self, unit: int, address: int = 0, count: int = 2) -> LentAnswer:
        self.begin(unit, address, count)
        return self.answer()

    def begin(self, unit: int, address: int = 0, count: int = 2) -> None:
        self._street.worker.lend(LentQuestion(unit, 3, address, count, 0, 20, self._answers.put))

    def answer(self) -> LentAnswer:
        return self._answers.get(timeout=10)


class TestGuest:
    def test_a_guest_is_answered_and_the_round_goes_on(self, tmp_path: Path) -> None:
        with simulated_street(tmp_path) as street:
            street.reports.await_one(CycleDone)
            guest = Guest(street)
            unit = street.meter("m2").description.unit
            before = len(street.reports.all_of(ReadingReport))
            answers = [guest.ask(unit) for _ in range(30)]
            assert all(answer.words is not None and len(answer.words) == 2 for answer in answers)
            readings = len(street.reports.all_of(ReadingReport)) - before
            assert readings >= 10, "the guest took the line for itself"

    def test_what_nobody_answers_is_told_and_costs_no_meter_a_fault(self, tmp_path: Path) -> None:
        with simulated_street(tmp_path) as street:
            guest = Guest(street)
            silent, refused = guest.ask(200), guest.ask(street.meter("m0").description.unit, 0x7000)
            assert silent.fault is FaultKind.TIMEOUT
            assert (refused.fault, refused.heard[1]) == (FaultKind.EXCEPTION, 0x83)
            again = guest.ask(200)
            assert again.fault is FaultKind.TIMEOUT
            street.reports.await_one(CycleDone)
            assert not street.reports.all_of(MeterLost)

    def test_an_order_goes_before_a_guest(self, tmp_path: Path) -> None:
        with simulated_street(tmp_path, ["adf400l_3ph"] * 4, baud=9_600) as street:
            street.reports.await_one(CycleDone)
            street.site.set_logged(street.bus, on=True)
            guest = Guest(street)
            for place in range(5):
                guest.begin(street.meter("m3").description.unit, 0x033F, 50 + place)
            street.bus.take_exchanges(10_000)
            given_ns = street.site.now_ns()
            street.worker.order_relay(RelayOrder("o", "m0", RelayOrdered.OPEN, street.clock.mono_ms() + 5_000))
            street.reports.await_one(RelayReport)
            after = [each for each in street.bus.take_exchanges(10_000) if each.at_ns > given_ns]
            assert next(index for index, each in enumerate(after) if each.request[1] == 16) <= 1
            assert [len(guest.answer().words or ()) for _ in range(5)] == [50, 51, 52, 53, 54]

    def test_there_is_nothing_to_lend_on_a_bus_that_is_down(self, tmp_path: Path) -> None:
        with simulated_street(tmp_path) as street:
            street.bus.unplug()
            street.reports.await_one(BusDown)
            assert "there is no such port" in Guest(street).ask(1).down
            street.bus.plug()


class TestAnotherMaster:
    @pytest.fixture
    def street(self, tmp_path: Path) -> Iterator[SimulatedStreet]:
        with simulated_street(tmp_path, poll_ms=300) as street:
            street.reports.await_one(CycleDone)
            yield street

    def second_master(self, street: SimulatedStreet, every_ms: int = 100) -> None:
        units = [meter.description.unit for meter in street.bus.meters]
        questions = tuple(read_question(unit, 0, 6) for unit in units)
        street.site.play_second_master(street.bus, every_ms, questions)

    def test_it_is_heard_and_nothing_is_written_any_more(self, street: SimulatedStreet) -> None:
        self.second_master(street)
        heard = street.reports.await_one(ForeignMaster)
        assert heard.frames[0][1] == 3
        street.worker.order_relay(RelayOrder("o", "m0", RelayOrdered.OPEN, street.clock.mono_ms() + 5_000))
        report = street.reports.await_one(RelayReport)
        assert (report.outcome, report.ok) == (RelayOutcome.WITHHELD, False)
        street.worker.order_prepaid(PrepaidOrder("p", "m0", (RegisterWrite(16, 0x0500, (1,)),)))
        visit = street.reports.await_one(PrepaidReport)
        assert (visit.values, "another master" in visit.detail) == (None, True)
        assert street.meter("m0").contact_closed
        assert street.meter("m0").memory.settings["prepaid_switch"] == 0

    def test_an_order_that_waits_is_withheld_when_the_other_is_heard(self, street: SimulatedStreet) -> None:
        self.second_master(street, every_ms=5)
        time.sleep(0.1)
        street.worker.order_relay(RelayOrder("o", "m0", RelayOrdered.OPEN, street.clock.mono_ms() + 5_000))
        assert street.reports.await_one(RelayReport).outcome in (RelayOutcome.WITHHELD, RelayOutcome.UNANSWERED)
        assert street.meter("m0").contact_closed

    def test_meters_are_still_read_beside_it_and_read_right(self, street: SimulatedStreet) -> None:
        self.second_master(street)
        street.reports.await_one(ForeignMaster)
        read = [street.reports.await_one(ReadingReport).reading for _ in range(12)]
        assert {each.meter for each in read} == {"m0", "m1", "m2"}
        for each in read:
            assert 0 <= each.raw_wh - 1_000_000 * int(each.meter[1:]) <= 10

    def test_it_is_told_of_once_a_second(self, street: SimulatedStreet) -> None:
        self.second_master(street, every_ms=20)
        street.reports.await_one(ForeignMaster)
        time.sleep(2.2)
        assert len(street.reports.all_of(ForeignMaster)) <= 4


def test_a_bus_without_another_master_never_hears_one(tmp_path: Path) -> None:
    with simulated_street(tmp_path) as street:
        street.reports.await_one(CycleDone, lambda done: done.cycle == 10)
        assert not street.reports.all_of(ForeignMaster)


def test_a_worker_that_dies_says_so_and_leaves_no_guest_waiting(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with simulated_street(tmp_path) as street:
        street.reports.await_one(CycleDone)

        def broken(*_: object) -> None:
            raise KeyError("a mistake of ours")

        monkeypatch.setattr(line_master.SerialLine, "transact", broken)
        died = street.reports.await_one(WorkerDied)
        assert "a mistake of ours" in died.trace
        assert street.worker.stop()
