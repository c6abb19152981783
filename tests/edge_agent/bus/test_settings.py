"""A worker sets clocks and prepaid accounts of simulated meters, whose registers are written from the makers' maps."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest

from edge_agent.bus.line import SerialLine
from edge_agent.bus.meter import BusMeter
from edge_agent.bus.packaged import builtin_profile
from edge_agent.bus.serial_port import SerialSettings
from edge_agent.bus.settings import Settings
from edge_agent.bus.verdict import Reply
from edge_agent.bus.withholding import Withholding
from edge_agent.clock import SystemClock
from edge_agent.core.meter_clock import clock_words
from edge_agent.ports import ClockReport, FaultReport, PolledMeter, PrepaidOrder, PrepaidReport
from protocol.meter_profile.frames import Request
from protocol.meter_profile.values import MeterClock, RegisterWrite
from tests.edge_agent.bus.simulated_bus import Reports, SimulatedStreet, simulated_street

CHINA_S = 8 * 3_600
AT = datetime(2026, 11, 22, 9, 58, 7, tzinfo=UTC)


def visit(street: SimulatedStreet, name: str, *writes: RegisterWrite) -> PrepaidReport:
    street.worker.order_prepaid(PrepaidOrder(name, "m0", writes))
    return street.reports.await_one(PrepaidReport, lambda report: report.order_id == name)


def test_a_clock_that_is_off_is_set_and_read_back_one_that_is_right_is_left_alone(tmp_path: Path) -> None:
    with simulated_street(tmp_path, ("adf400l_1ph", "adf400l_3ph", "dtsy1352")) as street:
        street.meter("m0").memory.clock_offset_ms -= 3_600_000
        street.worker.set_clock(["m0", "m1", "m2"], CHINA_S)
        reports = [street.reports.await_one(ClockReport) for _ in range(2)]
        first, second = sorted(reports, key=lambda report: report.meter)
        assert (first.meter, first.detail, second.detail) == ("m0", "set", "right")
        assert first.before_ms is not None
        assert abs(first.before_ms + 3_600_000) < 2_000
        assert first.after_ms is not None
        assert abs(first.after_ms) <= 1_500
        assert second.before_ms == second.after_ms
        assert not street.reports.all_of(FaultReport)


@pytest.mark.parametrize(("function", "writes"), [(16, [(0x20, 4)]), (6, [(0x20, 1), (0x21, 1), (0x22, 1), (0x23, 1)])])
def test_a_clock_is_unlocked_and_written_whole_or_register_by_register(
    function: int, writes: list[tuple[int, int]]
) -> None:
    names = ("second", "minute", "hour", "weekday", "day", "month", "year", "reserved")
    unlock = (RegisterWrite(6, 0x70, (1_234,)),)
    clock = MeterClock(function=3, write_function=function, address=0x20, bcd=True, byte_names=names, unlock=unlock)
    profile = replace(builtin_profile("acrel_adf400l_1ph"), clock=clock)
    asked: list[Request] = []

    def ask(_: BusMeter, request: Request) -> Reply:
        asked.append(request)
        told = clock_words(clock, datetime(2020, 1, 1, tzinfo=UTC) if len(asked) == 1 else AT)
        return Reply(request, told if request.is_read else (), 0)

    reports = Reports()
    meter = BusMeter(PolledMeter("m0", 1, profile))
    withholding = Withholding("A1", SerialLine(SerialSettings("none"), StillClock()), reports.queue, StillClock())
    Settings("A1", ask, reports.queue, StillClock(), withholding).set_clock(meter)
    assert [(each.address, each.count) for each in asked if not each.is_read] == [(0x70, 1), *writes]
    report = reports.await_one(ClockReport)
    assert (report.detail, report.after_ms) == ("set", 500)


class StillClock(SystemClock):
    """Always at one instant."""

    def wall_ms(self) -> int:
        return int(AT.timestamp()) * 1_000


def test_an_account_is_read_written_once_and_read_again(tmp_path: Path) -> None:
    with simulated_street(tmp_path, ("adf400l_3ph",)) as street:
        empty = visit(street, "look").values
        assert empty is not None
        assert (empty["balance_micro"], empty["purchase_count"], empty["switch"]) == (0, 0, 0)
        assert empty["price_flat_micro"] == 500_000
        topped = visit(street, "buy", RegisterWrite(16, 0x0543, (0, 1, 1))).values
        assert topped is not None
        assert (topped["balance_micro"], topped["purchase_count"]) == (10_000, 1)
        again = visit(street, "again", RegisterWrite(16, 0x0543, (0, 1, 1)))
        assert again.values is None
        assert "exception" in again.detail
        assert street.meter("m0").memory.purchase_count == 1, "the meter's own count guards against a double"


def test_a_meter_without_an_account_that_can_be_topped_up_is_asked_nothing(tmp_path: Path) -> None:
    with simulated_street(tmp_path, ("dtsy1352",)) as street:
        assert visit(street, "look").values == {}
        assert not street.reports.all_of(FaultReport)
