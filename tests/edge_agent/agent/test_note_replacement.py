"""A replacement noted on the spot: recorded, sent at once, and without any effect of its own."""

from pathlib import Path

import pytest

from edge_agent.cli import main
from protocol.payload import decode
from protocol.records import Record, ReplacementNoted
from tests.edge_agent.agent.owner_rig import OwnerRig, owner_rig
from tests.edge_agent.core.street import METERS


def noted(o: OwnerRig) -> list[ReplacementNoted]:
    records = (decode(pending.raw, Record) for pending in o.a.store.pending(1_000))
    return [record for record in records if isinstance(record, ReplacementNoted)]


def test_it_is_recorded_and_changes_nothing(tmp_path: Path) -> None:
    with owner_rig(tmp_path) as o:
        before = dict(o.a.box.state.meters)
        done = o.ask("note_replacement", meter="M0", new_serial="N-1", old_wh=1_234_560, new_wh=0, who="Li")
        assert done is not None
        assert (done["meter"], done["noted"]) == (METERS[0], "N-1")
        (record,) = noted(o)
        assert (record.old_raw_wh, record.new_serial, record.new_raw_wh, record.who) == (1_234_560, "N-1", 0, "Li")
        assert record.point == o.a.box.place.meters[METERS[0]].point
        assert o.a.box.state.meters == before
        assert o.a.box.urgent


@pytest.mark.parametrize(
    ("meter", "serial", "who", "reason"),
    [("M9", "N-1", "Li", "unknown_meter"), ("M0", "", "Li", "bad_body"), ("M0", "a\nb", "Li", "bad_body"),
     ("M0", "N" * 101, "Li", "bad_body"), ("M0", "N-1", " ", "bad_body")],
)  # fmt: skip
def test_what_no_batch_could_carry_is_refused(tmp_path: Path, meter: str, serial: str, who: str, reason: str) -> None:
    with owner_rig(tmp_path) as o:
        done = o.ask("note_replacement", meter=meter, new_serial=serial, who=who)
        assert done is not None
        assert done["refused"] == reason
        assert noted(o) == []


@pytest.mark.parametrize("text", ["-1", "1,5", "1.2345", "", "1e3", "²"])
def test_a_register_is_typed_as_the_meter_shows_it(text: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        main(["note-replacement", "--meter", "M0", "--new-serial", "N", "--who", "Li", f"--old-kwh={text}"])
    assert "right would be kilowatt hours" in capsys.readouterr().err
