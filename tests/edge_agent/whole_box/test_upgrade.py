"""A box is upgraded by a signed bundle: by hand, by stick, and back again when the new version does not come up.

The bundles hold this very program as a wheel under another version number, whole or broken in one place.
"""

import hashlib
import json
import sqlite3
import zipfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from edge_agent.agent.programs import TRIAL, TRIES_MAX, Programs
from edge_agent.store.opening import FILE_NAME
from protocol.records import Boot
from provisioning.bundle import make_bundle
from tests.edge_agent.core.street import SITE
from tests.edge_agent.whole_box.whole_box import WholeBox, config_of, grant_of, whole_box
from tests.fakes.fake_centre import key, make_authority

ROOT = Path(__file__).parents[3]
BROKEN_START = (
    "edge_agent/agent/run.py",
    "    identity = read_identity(box_file.state_dir)\n",
    "    raise SystemExit(7)\n",
)
"""Passes its self-test and does not come up."""
BROKEN_CHECK = ("edge_agent/agent/checks.py", "    notes: list[str] = []\n", "    raise ImportError('no such part')\n")


def make_wheel(folder: Path, version: str, broken: tuple[str, str, str] | None = None) -> None:
    """This program's sources as a wheel of another version."""
    folder.mkdir(parents=True)
    with zipfile.ZipFile(folder / f"tallybox-{version}-py3-none-any.whl", "w") as wheel:
        for package in ("protocol", "edge_agent"):
            for path in sorted((ROOT / package).rglob("*")):
                if path.is_dir() or "__pycache__" in path.parts:
                    continue
                name, body = str(path.relative_to(ROOT)), path.read_bytes()
                if broken is not None and name == broken[0]:
                    assert broken[1].encode() in body
                    body = body.replace(broken[1].encode(), broken[2].encode() + broken[1].encode(), 1)
                wheel.writestr(name, body)
        told = f"Metadata-Version: 2.1\nName: tallybox\nVersion: {version}\n"
        wheel.writestr(f"tallybox-{version}.dist-info/METADATA", told)


def bundle(folder: Path, version: str, broken: tuple[str, str, str] | None = None) -> Path:
    make_wheel(folder / f"wheels-{version}", version, broken)
    out = folder / f"tallybox-box-{version}.bundle"
    make_bundle(SITE, version, folder / f"wheels-{version}", key(1), out)
    return out


@pytest.fixture
def box(tmp_path: Path) -> Iterator[WholeBox]:
    with whole_box(tmp_path, make_authority(tmp_path), config_of(switch_pause_s=0)) as found:
        (tmp_path / "media" / "tallybox").mkdir(parents=True)
        toml = found.box_toml.read_text(encoding="utf-8")
        found.box_toml.write_text(f'{toml}[stick]\nfolders = ["{tmp_path / "media"}"]\n', encoding="utf-8")
        found.enrol()
        found.start(anew=True)
        found.centre.command(grant_of(0, 100, 1))
        found.centre.wait_for(lambda: found.status()["commands"]["seq"] == 1)
        yield found


def boots(box: WholeBox) -> list[tuple[str, str]]:
    return [(record.agent, record.why) for record in box.centre.records() if isinstance(record, Boot)]


def test_a_new_version_takes_over_and_goes_on_with_books_and_chain(box: WholeBox, tmp_path: Path) -> None:
    assert box.process is not None
    pid = box.process.pid
    done = box.command("upgrade", str(bundle(tmp_path, "99.0.0")), "--json", timeout_s=90)
    assert done.returncode == 0, done.stdout + done.stderr
    assert json.loads(done.stdout)["version"] == "99.0.0"
    box.centre.wait_for(lambda: bool(boots(box)) and boots(box)[-1] == ("edge-agent 99.0.0", "upgrade"), 30)
    assert box.process.poll() is None
    assert box.process.pid == pid, "one process, so that the service manager sees no death"
    box.centre.wait_for(lambda: bool(box.told("upgrade_proved")), 30)
    programs = Programs(box.state_dir)
    assert programs.current == "99.0.0"
    assert programs.trial is None
    box.centre.command(grant_of(0, 5, 2))
    box.centre.wait_for(lambda: box.status()["commands"]["seq"] == 2)
    assert box.status()["agent"] == "edge-agent 99.0.0"
    assert {"forked", "gap"}.isdisjoint(box.centre.verdicts)
    older = box.command("upgrade", str(bundle(tmp_path, "98.0.0")))
    assert older.returncode == 1
    assert "98.0.0 is not newer than 99.0.0" in older.stderr
    assert box.end() == 0
    stopped = box.command("check")
    assert stopped.returncode == 0, stopped.stdout
    box.start(anew=True)
    box.centre.wait_for(lambda: boots(box)[-1] == ("edge-agent 99.0.0", "clean"), 15)


def test_one_that_fails_its_self_test_changes_nothing(box: WholeBox, tmp_path: Path) -> None:
    before = box.status()["agent"]
    done = box.command("upgrade", str(bundle(tmp_path, "99.0.1", BROKEN_CHECK)), timeout_s=90)
    assert done.returncode == 1
    assert "failed its self-test: ImportError: no such part" in done.stderr
    assert box.status()["agent"] == before
    assert Programs(box.state_dir).current == ""
    assert len(boots(box)) == 1


def test_one_that_does_not_come_up_is_undone_and_the_box_goes_on(box: WholeBox, tmp_path: Path) -> None:
    """As the service manager does, the agent is started again until the version before is back."""
    assert box.process is not None
    done = box.command("upgrade", str(bundle(tmp_path, "99.0.2", BROKEN_START)), timeout_s=90)
    assert done.returncode == 0, done.stdout + done.stderr
    assert box.process.wait(30) == 7
    assert (box.state_dir / "programs" / TRIAL).exists()
    line_of = box.box_toml
    for _ in range(TRIES_MAX):
        assert box.command("run").returncode == 7, line_of
    (box.state_dir / "agent.sock").unlink(missing_ok=True)
    box.start(anew=True)
    box.centre.wait_for(lambda: len(boots(box)) == 2, 20)
    assert box.told("upgrade_undone")
    assert Programs(box.state_dir).current == ""
    assert boots(box)[0][0] == boots(box)[1][0]
    box.centre.command(grant_of(0, 5, 2))
    box.centre.wait_for(lambda: box.status()["commands"]["seq"] == 2)
    assert {"forked", "gap"}.isdisjoint(box.centre.verdicts)
    assert box.end() == 0


def test_a_stick_upgrades_a_box_by_itself(box: WholeBox, tmp_path: Path) -> None:
    file = bundle(tmp_path, "99.0.3")
    folder = tmp_path / "media" / "tallybox"
    (folder / "part").write_bytes(file.read_bytes())
    (folder / "part").replace(folder / file.name)
    box.centre.wait_for(lambda: bool(boots(box)) and boots(box)[-1] == ("edge-agent 99.0.3", "upgrade"), 60)
    result = folder / f"{file.name}.result.txt"
    box.centre.wait_for(lambda: result.exists() and "99.0.3 runs on this box" in result.read_text("utf-8"), 20)
    assert box.end() == 0


def test_an_older_program_refuses_a_store_of_a_newer_one(box: WholeBox) -> None:
    assert box.end() == 0
    database = sqlite3.connect(box.state_dir / FILE_NAME)
    database.execute("PRAGMA user_version = 99")
    database.close()
    done = box.command("run")
    assert done.returncode == 1
    assert "written by a newer program (form 99)" in done.stderr
    assert (box.state_dir / FILE_NAME).exists(), "neither set aside nor touched"


def bend_file(path: Path, into: Path) -> Path:
    """The same bundle with one byte of its wheel changed."""
    with zipfile.ZipFile(path) as archive, zipfile.ZipFile(into, "w") as bent:
        for entry in archive.infolist():
            body = archive.read(entry)
            bent.writestr(entry.filename, body if entry.filename == "bundle.line" else body[:-1] + b"!")
    return into


def test_what_the_root_did_not_sign_is_not_even_laid_out(box: WholeBox, tmp_path: Path) -> None:
    good = bundle(tmp_path, "99.0.4")
    forged = tmp_path / "forged.bundle"
    make_bundle(SITE, "99.0.4", tmp_path / "wheels-99.0.4", key(9), forged)
    foreign = tmp_path / "foreign.bundle"
    make_bundle("f" * 32, "99.0.4", tmp_path / "wheels-99.0.4", key(1), foreign)
    (tmp_path / "noise.bundle").write_bytes(hashlib.sha256(b"x").digest() * 100)
    for path, words in (
        (bend_file(good, tmp_path / "bent.bundle"), "is not the file that the root signed"),
        (forged, "no signature of a trusted key"),
        (foreign, "made for site"),
        (tmp_path / "noise.bundle", "not a zip file"),
        (tmp_path / "none.bundle", "No such file"),
    ):
        done = box.command("upgrade", str(path))
        assert (done.returncode, words in done.stderr) == (1, True), done.stderr
    assert not (box.state_dir / "programs" / "99.0.4").exists()
