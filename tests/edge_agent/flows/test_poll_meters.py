"""What the buses report: the story around a reading."""

from pathlib import Path

from edge_agent.core.measured import UNKNOWN, MeterReading, ReadPurpose, RelayPosition
from edge_agent.core.meeting import meter_lost
from edge_agent.flows.poll_meters import LinkTally, Polling
from edge_agent.ports import ReadingReport
from tests.edge_agent.core.street import BUS, METERS
from tests.edge_agent.rig import Rig, rig


def report_of(a: Rig) -> ReadingReport:
    """The first meter answered."""
    reading = MeterReading(METERS[0], a.clock.mono, a.clock.wall, 1_000, UNKNOWN, RelayPosition.CLOSED)
    return ReadingReport("A1", reading, ReadPurpose.ROUND)


def test_a_meter_lost_before_a_restart_is_back_with_its_first_answer(tmp_path: Path) -> None:
    """Found by the simulation: it stayed lost for good, and no order went to its relay any more."""
    with rig(tmp_path) as a:
        a.box.take(meter_lost(a.box.place, a.box.state, METERS[0], a.box.now()))
    with rig(tmp_path, fresh=False) as a:
        assert METERS[0] in a.box.state.lost
        Polling(a.box, LinkTally(a.clock.wall)).take(BUS, report_of(a))
        assert METERS[0] not in a.box.state.lost
        assert "meter_lost" not in a.box.state.meters[METERS[0]].alarms
