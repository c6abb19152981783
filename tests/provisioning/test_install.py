"""A bundle installs on a machine without a network, from nothing but itself; newer versions and the way back keep all.

Here in a namespace without routes and below a folder of its own, as any user; on a bare Debian in test_bare_debian.
"""

import json
import os
import re
import shutil
import sqlite3
import subprocess
import sys
import zipfile
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path

import pytest

from edge_agent.store.opening import FILE_NAME, open_store
from protocol.bundle import STARTER_NAME
from provisioning.bundle import BundleFault, make_bundle, starter, write_checksum
from provisioning.install.wheel_tags import Target, misfit
from tests.edge_agent.core.street import SITE, box_config
from tests.edge_agent.rig import START_MS, enrol
from tests.fakes.fake_centre import key
from tests.provisioning.install_rig import Changes, bundle_of, make_house, own_wheel

PYTHON = Path(sys.base_prefix) / "bin" / f"python3.{sys.version_info.minor}"
"""Without the environment that these tests run in: what is not in the bundle is not there."""
ALONE = ["unshare", "--map-root-user", "--net"]
NO_NETWORK = (
    subprocess.run([*ALONE, "true"], capture_output=True, check=False).returncode if shutil.which("unshare") else 1
)
pytestmark = [
    pytest.mark.skipif(NO_NETWORK != 0, reason="no namespace can be made here: installing offline is NOT tested"),
    pytest.mark.timeout(300),
]
OLD, NEW, BROKEN = "99.0.0", "99.1.0", "99.2.0"
BREAK: Changes = {
    "edge_agent/agent/checks.py": (("    notes: list[str] = []\n", "    return ['finds fault with everything'], []\n"),)
}


@dataclass
class Trial:
    """A folder that stands for a machine, and the bundles."""

    folder: Path
    bundles: dict[str, Path]

    def at(self, path: str) -> Path:
        return self.folder / "machine" / path.lstrip("/")

    def offline(self, *line: str) -> "subprocess.CompletedProcess[str]":
        """Run something where no packet goes anywhere."""
        environment = {"PATH": os.environ["PATH"], "TMPDIR": str(self.folder)}
        words = [*ALONE, *line]
        return subprocess.run(words, capture_output=True, text=True, check=False, env=environment, cwd=self.folder)

    def bundle(self, version: str, command: str, *words: str) -> "subprocess.CompletedProcess[str]":
        under = ("--under", str(self.folder / "machine"))
        return self.offline(str(PYTHON), "-I", str(self.bundles[version]), command, *under, *words)

    def install(self, version: str, *words: str) -> "subprocess.CompletedProcess[str]":
        return self.bundle(version, "install", "--root", str(self.folder / "root.pub"), "--yes", *words)

    def command(self, name: str, *words: str) -> "subprocess.CompletedProcess[str]":
        return self.offline(str(self.at("opt/tallybox/bin") / name), *words)

    @property
    def books(self) -> Path:
        return self.at("var/lib/tallybox") / FILE_NAME

    def kept(self, path: Path | None = None) -> list[str]:
        """Everything that the store holds."""
        with closing(sqlite3.connect(path or self.books)) as books:
            return list(books.iterdump())


@pytest.fixture(scope="module")
def trial(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Trial]:
    folder = tmp_path_factory.mktemp("install")
    house = make_house(folder / "house", "box")
    bundles = {
        version: bundle_of(house, version, "box", SITE, key(1), BREAK if version == BROKEN else None)
        for version in (OLD, NEW, BROKEN)
    }
    (folder / "root.pub").write_text(f"{key(1).public.text}\n", encoding="utf-8")
    (folder / "machine").mkdir()
    made = Trial(folder, bundles)
    done = made.install(OLD, "--json")
    assert done.returncode == 0, done.stdout + done.stderr
    assert len(json.loads(done.stdout)["made"]) == 8
    yield made
    shutil.rmtree(folder, ignore_errors=True)


def test_there_is_no_network_where_it_is_installed(trial: Trial) -> None:
    ask = "import socket; socket.create_connection(('192.0.2.1', 80), 5)"
    done = trial.offline(str(PYTHON), "-c", ask)
    assert "Network is unreachable" in done.stderr


def test_what_was_installed_runs_from_the_bundle_alone(trial: Trial) -> None:
    assert trial.command("edge-agent", "--help").returncode == 0
    checked = trial.command("edge-agent", "check", "--config", str(trial.at("etc/tallybox/box.toml")), "--json")
    assert "bus is missing" in json.loads(checked.stdout)["mistakes"][0]
    refused = trial.command("edge-agent", "run", "--config", str(trial.at("etc/tallybox/box.toml")))
    assert (refused.returncode, "bus is missing" in refused.stderr) == (2, True)
    assert trial.command("provision", "commission", "--help").returncode == 0
    assert trial.command("edge-agent", "profile", "check", "acrel_dtsy1352").returncode == 0
    where = trial.offline(
        str(trial.at("opt/tallybox/current/env/bin/python")), "-I", "-c", "import msgspec; print(msgspec.__file__)"
    )
    assert where.stdout.startswith(str(trial.at(f"opt/tallybox/versions/{OLD}/lib")))


def test_a_second_run_finds_all_of_it_there(trial: Trial) -> None:
    done = trial.install(OLD)
    assert done.returncode == 0, done.stderr
    assert "nothing was changed" in done.stdout
    assert "to make" not in done.stdout


def test_a_newer_version_and_the_way_back_keep_settings_and_books(trial: Trial) -> None:
    settings, state = trial.at("etc/tallybox/box.toml"), trial.at("var/lib/tallybox")
    settings.write_text(
        f'state_dir = "{state}"\nclaim = "claim.toml"\n[bus.A1]\nserial = "/dev/null"\n', encoding="utf-8"
    )
    with open_store(state, START_MS) as store:
        enrol(store, box_config())
    mine, books = settings.read_bytes(), trial.kept()
    assert any('INSERT INTO "wallet"' in line for line in books)
    done = trial.install(NEW)
    assert (done.returncode, f"in place of {OLD}, which stays" in done.stdout) == (0, True), done.stderr
    assert trial.at("opt/tallybox/current").readlink().name == NEW
    assert (settings.read_bytes(), trial.kept(), trial.kept(state / f"{FILE_NAME}.before-{NEW}")) == (
        mine,
        books,
        books,
    )
    back = trial.command("provision", "roll-back", "--yes", "--json", "--under", str(trial.folder / "machine"))
    assert (back.returncode, json.loads(back.stdout)) == (0, {"version": OLD}), back.stdout + back.stderr
    assert trial.at("opt/tallybox/current").readlink().name == OLD
    refused = trial.install(BROKEN)
    assert refused.returncode == 1
    assert f"version {BROKEN} finds what {OLD} does not: finds fault with everything" in refused.stderr
    assert trial.at("opt/tallybox/current").readlink().name == OLD
    assert (settings.read_bytes(), trial.kept()) == (mine, books)


def bend(path: Path, into: Path, name: str) -> Path:
    """The same bundle with one file of it changed."""
    with zipfile.ZipFile(path) as archive, zipfile.ZipFile(into, "w") as bent:
        for entry in archive.infolist():
            body = archive.read(entry)
            bent.writestr(entry.filename, body + b"\n#" if re.match(name, entry.filename) else body)
    return into


def test_a_changed_a_foreign_and_an_unknown_bundle_are_refused(trial: Trial, tmp_path: Path) -> None:
    other = tmp_path / "other.pub"
    other.write_text(key(9).public.text, encoding="utf-8")
    changed = {
        "wheel": bend(trial.bundles[NEW], tmp_path / "wheel.bundle", r"tallybox-.*\.whl"),
        "starter": bend(trial.bundles[NEW], tmp_path / "starter.bundle", STARTER_NAME),
    }
    told = Trial(trial.folder, {**trial.bundles, **changed})
    before = sorted(trial.at("opt/tallybox/versions").iterdir())
    for name in changed:
        done = told.install(name)
        assert (done.returncode, "is not the file that the root signed" in done.stderr) == (2, True), done.stderr
    foreign = told.bundle(NEW, "install", "--root", str(other), "--yes")
    assert (foreign.returncode, "name different roots" in foreign.stderr) == (2, True)
    fresh = str(tmp_path / "fresh")
    unknown = trial.offline(str(PYTHON), "-I", str(trial.bundles[NEW]), "install", "--under", fresh, "--yes")
    assert (unknown.returncode, "whose signature counts is not known" in unknown.stderr) == (2, True)
    forged = trial.offline(str(PYTHON), "-I", str(trial.bundles[NEW]), "check", "--under", fresh, "--root", str(other))
    assert (forged.returncode, "no signature of a trusted key" in forged.stderr) == (2, True), forged.stderr
    unasked = trial.bundle(NEW, "install")
    assert (unasked.returncode, "nothing was changed" in unasked.stderr) == (2, True)
    assert sorted(trial.at("opt/tallybox/versions").iterdir()) == before


def test_the_units_are_the_ones_that_are_measured(trial: Trial) -> None:
    """`test_units` asks systemd about them; what they start is where they look for it."""
    for name in ("tallybox-box.service", "tallybox-stick@.service"):
        installed = trial.at(f"etc/systemd/system/{name}").read_text(encoding="utf-8")
        assert installed == files("provisioning").joinpath("units", name).read_text(encoding="utf-8")
    started = re.findall(r"ExecStart=(\S+)", trial.at("etc/systemd/system/tallybox-box.service").read_text("utf-8"))
    assert [trial.at(path).exists() for path in started] == [True]


def test_a_bundle_that_lacks_a_library_is_not_made(tmp_path: Path) -> None:
    own_wheel(tmp_path, OLD)
    with pytest.raises(BundleFault) as made:
        make_bundle(SITE, OLD, tmp_path, key(1), tmp_path / "x.bundle")
    assert any("needs pymodbus" in mistake for mistake in made.value.mistakes)
    assert not any("needs fastapi" in mistake for mistake in made.value.mistakes)
    assert not (tmp_path / "x.bundle").exists()


def test_a_wheel_that_the_lock_does_not_name_is_refused(trial: Trial, tmp_path: Path) -> None:
    lock = tmp_path / "requirements.lock"
    lock.write_text("msgspec==1 --hash=sha256:" + "0" * 64, encoding="utf-8")
    with pytest.raises(BundleFault, match=r"msgspec-\S+: not one of the files that"):
        make_bundle(SITE, BROKEN, trial.folder / "house", key(1), tmp_path / "x.bundle", lock=lock)


def test_the_checksum_is_one_that_coreutils_reads(trial: Trial) -> None:
    path = write_checksum(trial.bundles[OLD])
    done = subprocess.run(["sha256sum", "--check", path.name], cwd=path.parent, capture_output=True, check=False)
    assert done.returncode == 0


def test_the_starter_knows_for_whom_it_is() -> None:
    assert b'KIND = "centre"' in starter("centre")
    assert b'KIND = "box"' in starter("box")


BOOKWORM = Target((3, 11), "x86_64", (2, 36))


@pytest.mark.parametrize(
    ("name", "fits"),
    [
        ("peewee-4.5.3-py3-none-any.whl", True),
        ("pyserial-3.5-py2.py3-none-any.whl", True),
        ("old-1-py2-none-any.whl", False),
        ("cffi-2.1.1-cp311-cp311-manylinux2014_x86_64.manylinux_2_17_x86_64.whl", True),
        ("cffi-2.1.1-cp312-cp312-manylinux2014_x86_64.whl", False),
        ("cryptography-50.0.2-cp311-abi3-manylinux_2_34_x86_64.whl", True),
        ("cryptography-50.0.2-cp312-abi3-manylinux_2_34_x86_64.whl", False),
        ("psutil-7.2.2-cp36-abi3-manylinux2010_x86_64.whl", True),
        ("cffi-2.1.1-cp311-cp311-manylinux_2_39_x86_64.whl", False),
        ("cffi-2.1.1-cp311-cp311-manylinux2014_aarch64.whl", False),
        ("cffi-2.1.1-cp311-cp311-musllinux_1_2_x86_64.whl", False),
        ("cffi-2.1.1-cp311-cp311-win_amd64.whl", False),
        ("cffi-2.1.1-1-cp311-cp311-linux_x86_64.whl", True),
    ],
)
def test_wheels_of_another_machine_are_told(name: str, fits: bool) -> None:
    assert (misfit(name, BOOKWORM) is None) is fits
