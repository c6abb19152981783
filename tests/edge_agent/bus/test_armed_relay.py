"""A relay that is armed over the bus and closed by the person at the meter; low words first, a password before."""

from __future__ import annotations

from pathlib import Path

import pytest

from edge_agent.bus.line import SerialLine
from edge_agent.bus.serial_port import SerialSettings
from edge_agent.bus.worker import BusWorker
from edge_agent.clock import SystemClock
from edge_agent.core.measured import RelayOrdered, RelayPosition
from edge_agent.ports import PolledMeter, ReadingReport, RelayOrder, RelayOutcome, RelayReport
from protocol.meter_profile.board_reading import load_board
from protocol.meter_profile.description import describe_profile
from protocol.meter_profile.reading import load_profile
from protocol.meter_profile.table import ProfileError
from tests.edge_agent.bus.profile_texts import ARMABLE, BOARD
from tests.edge_agent.bus.simulated_bus import Reports, SimulatedStreet, site_of

BAUD = 115_200


def order(street: SimulatedStreet, wanted: RelayOrdered, name: str) -> RelayReport:
    street.worker.order_relay(RelayOrder(name, "m0", wanted, street.clock.mono_ms() + 5_000))
    return street.reports.await_one(RelayReport, lambda report: report.order_id == name)


def position(street: SimulatedStreet) -> tuple[RelayPosition, RelayOrdered]:
    street.reports.await_one(ReadingReport)  # it may have been on its way already
    reading = street.reports.await_one(ReadingReport).reading
    return reading.contact, reading.order_register


def test_an_armed_relay_waits_for_the_person_at_the_meter(tmp_path: Path) -> None:
    site, clock, reports = site_of(["armable"], tmp_path, BAUD), SystemClock(), Reports()
    polled = [PolledMeter("m0", 1, load_profile(ARMABLE, "armable"))]
    line = SerialLine(SerialSettings(str(tmp_path / "tty"), baud=BAUD, late_window_ms=150), clock)
    worker = BusWorker("A1-1", line, polled, reports.queue, clock, lambda: 0.5)
    street = SimulatedStreet(site, worker, reports, clock, polled)
    with site:
        worker.start()
        try:
            first = reports.await_one(ReadingReport).reading
            assert (first.power_w, first.contact) == (2_000, RelayPosition.CLOSED)
            assert 0 <= first.raw_wh <= 10
            assert order(street, RelayOrdered.OPEN, "o1").outcome is RelayOutcome.DONE
            assert position(street) == (RelayPosition.OPEN, RelayOrdered.OPEN)
            armed = order(street, RelayOrdered.ARMED, "o2")
            assert (armed.outcome, armed.contact) == (RelayOutcome.DONE, RelayPosition.OPEN)
            assert position(street) == (RelayPosition.OPEN, RelayOrdered.ARMED)
            assert site.press_button(site.meter("m0"))
            assert position(street) == (RelayPosition.CLOSED, RelayOrdered.ARMED)
            assert order(street, RelayOrdered.OPEN, "o3").outcome is RelayOutcome.DONE
            assert not site.press_button(site.meter("m0")), "only an armed relay has a button that closes it"
        finally:
            assert worker.stop()


def test_what_a_profile_with_arm_would_write_is_shown() -> None:
    told = "\n".join(describe_profile(load_profile(ARMABLE, "armable"), 1))
    assert "arm      unlock, 01 06 02 01 12 34" in told
    assert "arm      01 06 02 00 00 33" in told


@pytest.mark.parametrize(
    ("text", "key"),
    [
        (ARMABLE.replace("arm = [0x0033]", "arm = [0x0055]"), "relay.arm"),
        (ARMABLE.replace("arm = [0x0033]", "arm = [0x0033]\norder_readable = false"), "relay.arm"),
        (ARMABLE.replace('readback = "contact"', 'readback = "none"').split("[relay.contact]")[0], "relay.arm"),
        (ARMABLE.replace("arm = [0x0033]", "arm = [1, 2]"), "relay.arm"),
    ],
)
def test_an_arm_that_could_not_be_seen_is_a_mistake(text: str, key: str) -> None:
    with pytest.raises(ProfileError) as wrong:
        load_profile(text, "armable")
    assert [mistake.key for mistake in wrong.value.mistakes] == [key]


def test_a_board_cannot_be_armed() -> None:
    with pytest.raises(ProfileError, match="no button"):
        load_board(BOARD.replace("open = [0]", "open = [0]\narm = [3]"), "b4")
