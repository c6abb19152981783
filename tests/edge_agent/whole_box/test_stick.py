"""A stick that is plugged into a box at work: nobody types anything, and the customer in the dark is back in light."""

import os
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from edge_agent.agent.stick import SUMMARY
from protocol.commands import InService
from protocol.courier import name_to_box, write_file
from protocol.envelope import read_body
from protocol.messages import Batch, read_records
from protocol.payload import read_payload
from protocol.records import Granted
from tests.edge_agent.core.street import BOX, METERS, YUAN
from tests.edge_agent.whole_box.whole_box import WholeBox, config_of, grant_of, whole_box
from tests.fakes.fake_centre import make_authority

CUT = 1_000_000
"""So many answers are lost: the fibre is cut."""


@pytest.fixture
def media(tmp_path: Path) -> Path:
    found = tmp_path / "media"
    found.mkdir()
    return found


@pytest.fixture
def box(tmp_path: Path, media: Path) -> Iterator[WholeBox]:
    """A shop in service without credit, dark, with the fibre cut."""
    with whole_box(tmp_path, make_authority(tmp_path), config_of(switch_pause_s=0)) as found:
        toml = found.box_toml.read_text(encoding="utf-8")
        found.box_toml.write_text(f'{toml}[stick]\nfolders = ["{media}"]\n', encoding="utf-8")
        found.enrol()
        found.start()
        assert found.command("relay-test", "--meter", "M0", "--who", "Li", "--yes").returncode == 0
        found.centre.command(InService(meter=METERS[0], on=True))
        found.centre.wait_for(lambda: not found.site.meter("m0").contact_closed, 10)
        found.centre.swallow = CUT
        yield found


@contextmanager
def plugged_in(media: Path, size: str = "8m") -> Iterator[Path]:
    """A small file system mounted below the folder of sticks; without the right to mount, the folder itself."""
    point = media / "USB 1"
    point.mkdir(exist_ok=True)
    mount = ["mount", "-t", "tmpfs", "-o", f"size={size},noexec,nosuid,nodev", "tallybox-test", str(point)]
    mounted = os.geteuid() == 0 and subprocess.run(mount, capture_output=True, check=False).returncode == 0
    root = point if mounted else media
    (root / "tallybox").mkdir(exist_ok=True)
    try:
        yield root / "tallybox"
    finally:
        if mounted:
            subprocess.run(["umount", "-l", str(point)], check=True)


def test_a_stick_brings_light_and_takes_the_news_away_by_itself(box: WholeBox, media: Path) -> None:
    paid = box.centre.command(grant_of(0, 100, 1))
    with plugged_in(media) as folder:
        name = name_to_box(BOX, 2, 2)
        (folder / name).write_bytes(write_file([box.centre.keys_line(), paid]))
        (folder / "autorun.sh").write_text("#!/bin/sh\ntouch /tmp/tallybox-was-here\n", encoding="ascii")
        (folder / "autorun.sh").chmod(0o755)
        box.centre.wait_for(lambda: box.site.meter("m0").contact_closed, 15)
        summary = folder / SUMMARY.format(box=BOX)
        box.centre.wait_for(lambda: summary.exists() and "written" in summary.read_text(encoding="utf-8"), 10)
        assert "command 2 grant: taken done" in (folder / f"{name}.result.txt").read_text(encoding="utf-8")
        (carried,) = folder.glob("from-box-*.lines")
        batches = [read_payload(line.payload, Batch) for line in read_body(carried.read_bytes())]
        amounts = [r.amount_micro for batch in batches for r in read_records(batch) if isinstance(r, Granted)]
        assert amounts == [100 * YUAN]
        assert box.told("stick_done")
    box.centre.wait_for(lambda: not list((media / "USB 1").glob("*")), 5)
    box.centre.swallow = 0
    granted = lambda: [r.amount_micro for r in box.centre.records() if isinstance(r, Granted)]  # noqa: E731 - asked twice
    box.centre.wait_for(lambda: granted() == [100 * YUAN], 20)
    assert not Path("/tmp/tallybox-was-here").exists()
    assert box.end() == 0


def test_a_stick_without_room_is_read_and_the_log_says_that_nothing_could_be_written(
    box: WholeBox, media: Path
) -> None:
    paid = box.centre.command(grant_of(0, 100, 1))
    with plugged_in(media, "64k") as folder:
        if folder.parent == media:
            pytest.skip("without the right to mount, no stick can be full")
        (folder / name_to_box(BOX, 2, 2)).write_bytes(write_file([box.centre.keys_line(), paid]))
        room = os.statvfs(folder)
        (folder / "photos").write_bytes(bytes(room.f_bavail * room.f_bsize))
        box.centre.wait_for(lambda: box.site.meter("m0").contact_closed, 15)
        box.centre.wait_for(lambda: bool(box.told("stick_without_result")), 10)
    assert not list(media.glob("USB 1/*"))
    assert box.end() == 0
