"""`edge-agent scan` tries the site's own profiles too: those that the box holds, and those of a file."""

import json
from pathlib import Path
from typing import Any

import msgspec
import pytest

from edge_agent.agent.site_profiles import all_profiles, site_profiles
from edge_agent.agent.terminal import OK, WRONG
from edge_agent.bus.packaged import builtin_names, builtin_text
from edge_agent.bus.scan import PROBES, Scan
from edge_agent.bus.transaction import Pace
from edge_agent.bus.verdict import LineFault
from edge_agent.cli import main
from edge_agent.clock import SystemClock
from edge_agent.config import read_box_file
from edge_agent.core.measured import FaultKind
from protocol.box_config import ProfileText, text_hash
from protocol.meter_profile.frames import Request
from protocol.meter_profile.reading import load_profile
from tests.edge_agent.bus.profile_texts import BOARD, PLAIN
from tests.edge_agent.bus.simulated_bus import site_of
from tests.edge_agent.core.street import box_config
from tests.edge_agent.rig import rig

OURS, THEIRS = "our_make", "acrel_dtsy1352"


def box_with(folder: Path, **profiles: str) -> Path:
    """The box.toml of a box whose agent does not run, and whose configuration brought these profiles."""
    state = folder / "state"
    state.mkdir()
    texts = tuple(
        ProfileText(profile=name, version=1, text=text, hash=text_hash(text)) for name, text in profiles.items()
    )
    with rig(state, msgspec.structs.replace(box_config(), profiles=texts)):
        pass
    file = folder / "box.toml"
    file.write_text(f'state_dir = "state"\nclaim = "claim.toml"\n[bus.A1]\nserial = "{folder / "tty"}"\n', "utf-8")
    return file


def scanned(capsys: pytest.CaptureFixture[str], file: Path, *words: str) -> list[dict[str, Any]]:
    """The meters that were found."""
    line = ["--bus", "A1", "--baud", "115200", "--units", "1-2", "--turnaround-ms", "20", "--json"]
    assert main(["scan", "--config", str(file), *line, *words]) == OK
    found: list[dict[str, Any]] = json.loads(capsys.readouterr().out)["meters"]
    return found


def test_the_sites_own_are_tried_by_themselves_and_by_name(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    own = builtin_text(THEIRS).replace('model = "', 'model = "our ')
    file = box_with(tmp_path, **{OURS: own, "other_make": PLAIN, "board": BOARD})
    with site_of(("dtsy1352",), tmp_path, 115_200):
        (meter,) = scanned(capsys, file)
        assert (meter["unit"], meter["profile"]) == (1, OURS), "of two alike the site's own stands first"
        assert THEIRS in meter["also"]
        (meter,) = scanned(capsys, file, "--profile", OURS)
        assert (meter["profile"], meter["also"]) == (OURS, [])
        (meter,) = scanned(capsys, file, "--profile", "other_make")
        assert meter["profile"] is None, "it answers, and is no such meter"
        draft = tmp_path / "drafted.toml"
        draft.write_text(own, encoding="utf-8")
        (meter,) = scanned(capsys, file, "--profile", str(draft))
        assert meter["profile"] == "drafted"
    assert main(["scan", "--config", str(file), "--bus", "A1", "--profile", "nobodys"]) == WRONG
    assert "nobodys: No such file" in capsys.readouterr().err


def test_what_came_with_the_configuration_goes_before_a_packaged_one_of_its_name(tmp_path: Path) -> None:
    text = builtin_text(THEIRS).replace('model = "', 'model = "our ')
    own, notes = site_profiles(read_box_file(box_with(tmp_path, **{THEIRS: text, "broken": "phases = 9"})))
    assert [profile.model[:4] for profile in own] == ["our "]
    assert notes
    assert all(note.startswith("profile broken of the site: ") for note in notes)
    assert sorted(profile.name for profile in all_profiles(own)) == builtin_names()
    assert all_profiles(own)[0].model.startswith("our ")


def test_without_a_box_or_before_its_enrolment_there_are_none(tmp_path: Path) -> None:
    assert site_profiles(None) == ([], [])
    (tmp_path / "state").mkdir()
    file = tmp_path / "box.toml"
    file.write_text('state_dir = "state"\nclaim = "claim.toml"\n[bus.A1]\nserial = "/dev/null"\n', "utf-8")
    assert site_profiles(read_box_file(file)) == ([], [])


class Silent:
    """A line on which nobody answers; remembers what was asked."""

    def __init__(self) -> None:
        self.asked: list[tuple[int, int, int]] = []

    def transact(self, request: Request, _pace: Pace) -> LineFault:
        self.asked.append((request.unit, request.function, request.address))
        return LineFault(FaultKind.TIMEOUT, "nobody")

    def take_strays(self) -> list[bytes]:
        return []


@pytest.mark.parametrize("narrow", [False, True])
def test_who_is_silent_to_the_usual_questions_is_asked_what_the_sites_own_read(narrow: bool) -> None:
    own, line, clock = load_profile(PLAIN, OURS), Silent(), SystemClock()
    walk = Scan(
        line, [own], clock, lambda _: None,  # type: ignore[arg-type]  # all of a line that a scan of silence needs
        pace=Pace(turnaround_ms=5), until_mono_ms=clock.mono_ms() + 60_000, narrow=narrow, own=[own],
    )  # fmt: skip
    assert walk.run([7, 8]).asked == 2
    usual = [] if narrow else [(unit, function, address) for function, address, _ in PROBES for unit in (7, 8)]
    block = own.energy
    assert line.asked == [*usual, (7, block.function, block.address), (8, block.function, block.address)]
