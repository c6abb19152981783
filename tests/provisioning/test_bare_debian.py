"""Both bundles on a Debian as debootstrap makes it, behind a network namespace without a route: the whole way.

Needs root, debootstrap and a Debian mirror, and takes minutes: `make test-slow ARGS="-k bare_debian"`.
"""

import json
import os
import shutil
import subprocess
import tomllib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import msgspec
import pytest

from cloud_server.store.migrations import SCHEMA_VERSION
from protocol.signing import SigningKey
from provisioning.cli import main
from provisioning.install.kinds import KindName
from provisioning.keys import read_root
from tests.cloud_server.street import street
from tests.edge_agent.core.street import SITE
from tests.fakes.fake_centre import key
from tests.provisioning.install_rig import Changes, bundle_of, make_house

MIRROR = "http://deb.debian.org/debian"
INCLUDED = "python3,systemd,udev,procps"
"""What any installed Debian has and a root by debootstrap alone has not."""
READY_MADE = os.environ.get("TALLYBOX_BARE_DEBIAN", "")
"""A folder with such a root, to be copied and not made anew."""
pytestmark = [
    pytest.mark.slow,
    pytest.mark.timeout(3600),
    pytest.mark.skipif(os.geteuid() != 0, reason="only root makes a Debian: the whole way is NOT tested"),
    pytest.mark.skipif(
        not READY_MADE and shutil.which("debootstrap") is None, reason="no debootstrap: the whole way is NOT tested"
    ),
]
OLD, NEW, FORM, BROKEN = "99.0.0", "99.1.0", "99.2.0", "99.3.0"
MIGRATIONS = "cloud_server/store/migrations/__init__.py"
NEWER_FORM: Changes = {
    MIGRATIONS: (
        (f"SCHEMA_VERSION: Final = {SCHEMA_VERSION}", f"SCHEMA_VERSION: Final = {SCHEMA_VERSION + 1}"),
        ('"""Version reached', f'STEPS[{SCHEMA_VERSION + 1}] = lambda database: None\n"""Version reached'),
    )
}
FAULT: Changes = {
    **NEWER_FORM,
    "cloud_server/cli.py": (
        ("    warnings = []\n", '    faults.append("finds fault with everything")\n    warnings = []\n'),
    ),
}
CENTRE = "/var/lib/tallybox-centre"
SETTINGS = "/etc/tallybox-centre/centre.toml"
SERVE = """
import json, ssl, subprocess, sys, time, urllib.request
settings, token, plan = sys.argv[1:]
server = subprocess.Popen(["/opt/tallybox/bin/cloud-server", "run", "--config", settings], stderr=subprocess.DEVNULL)
trust = ssl.create_default_context(cafile="/var/lib/tallybox-centre/site/keys/ca.pem")
def ask(path, method="GET", body=None):
    head = {"Authorization": "Bearer " + token}
    asked = urllib.request.Request("https://127.0.0.1:18443" + path, body, head, method=method)
    return urllib.request.urlopen(asked, context=trust, timeout=60).read().decode()
for _ in range(600):
    try:
        ask("/healthz")
        break
    except OSError:
        assert server.poll() is None
        time.sleep(0.2)
if plan != "-":
    ask("/api/v1/site/plan", "PUT", open(plan, "rb").read())
print(json.dumps(sorted(box["name"] for box in json.loads(ask("/api/v1/boxes"))["items"])))
server.terminate()
sys.exit(server.wait(60))
"""


@dataclass
class Debian:
    """A root folder, and what is run in it: with a loopback and nothing else."""

    root: Path

    def run(self, *line: str, user: str = "") -> "subprocess.CompletedProcess[str]":
        inside = ["runuser", "-u", user, "--", *line] if user else list(line)
        alone = ["unshare", "--net", "--pid", "--fork", "sh", "-c", 'ip link set lo up && exec chroot "$@"', "sh"]
        environment = {"PATH": "/usr/sbin:/usr/bin:/sbin:/bin", "LANG": "C.UTF-8"}
        return subprocess.run(
            [*alone, str(self.root), *inside], capture_output=True, text=True, check=False, env=environment
        )

    def good(self, *line: str, user: str = "") -> str:
        done = self.run(*line, user=user)
        assert done.returncode == 0, f"{line}: {done.stdout}{done.stderr}"
        return done.stdout

    def install(self, bundle: Path, *words: str) -> "subprocess.CompletedProcess[str]":
        shutil.copy(bundle, self.root / "stick" / bundle.name)
        done = self.run("python3", f"/stick/{bundle.name}", "install", "--yes", *words)
        (self.root / "stick" / bundle.name).unlink()
        return done

    def verify(self, unit: str) -> "subprocess.CompletedProcess[str]":
        """Systemd's own opinion of a unit and of what it starts, in this root."""
        line = ["systemd-analyze", f"--root={self.root}", "--man=no", "verify", unit]
        return subprocess.run(line, capture_output=True, text=True, check=False)


@pytest.fixture(scope="module")
def pristine(tmp_path_factory: pytest.TempPathFactory) -> Path:
    if READY_MADE:
        return Path(READY_MADE)
    root = tmp_path_factory.mktemp("debian") / "root"
    line = ["debootstrap", "--variant=minbase", f"--include={INCLUDED}", "bookworm", str(root), MIRROR]
    done = subprocess.run(line, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout[-2_000:]
    return root


@pytest.fixture
def debian(pristine: Path, tmp_path: Path) -> Iterator[Debian]:
    root = tmp_path / "root"
    subprocess.run(["cp", "-a", str(pristine), str(root)], check=True)
    (root / "stick").mkdir()
    yield Debian(root)
    shutil.rmtree(root)


def bundles(folder: Path, kind: KindName, site: str, root: SigningKey, wanted: dict[str, Changes]) -> dict[str, Path]:
    house = make_house(folder / f"house-{kind}", kind)
    return {version: bundle_of(house, version, kind, site, root, changes) for version, changes in wanted.items()}


def test_a_box_is_installed_upgraded_and_set_back(debian: Debian, tmp_path: Path) -> None:
    made = bundles(tmp_path, "box", SITE, key(1), {OLD: {}, NEW: {}})
    (debian.root / "stick" / "root.pub").write_text(f"{key(1).public.text}\n", encoding="utf-8")
    reach = debian.run("python3", "-c", "import socket; socket.create_connection(('192.0.2.1', 80), 5)")
    assert "Network is unreachable" in reach.stderr
    assert debian.run("python3", "-c", "import msgspec").returncode == 1, "the machine has nothing of ours"
    first = debian.install(made[OLD], "--root", "/stick/root.pub")
    assert first.returncode == 0, first.stdout + first.stderr
    verified = debian.verify("tallybox-box.service")
    assert (verified.returncode, verified.stderr) == (0, "")
    settings = "/etc/tallybox/box.toml"
    box_toml = 'state_dir = "/var/lib/tallybox"\nclaim = "claim.toml"\n[bus.A1]\ntcp = "192.0.2.7:4001"\n'
    (debian.root / settings[1:]).write_text(box_toml, encoding="utf-8")
    assert "usage: edge-agent" in debian.good("/opt/tallybox/bin/edge-agent", "--help", user="tallybox")
    begun = debian.run("/opt/tallybox/bin/edge-agent", "run", "--config", settings, user="tallybox")
    assert (begun.returncode, "enrol" in begun.stderr) == (1, True), begun.stderr
    state = debian.root / "var/lib/tallybox"
    (state / "kept").write_text("by the box", encoding="utf-8")
    assert debian.install(made[NEW]).returncode == 0
    assert (debian.root / "opt/tallybox/current").readlink().name == NEW
    debian.good("/opt/tallybox/bin/provision", "roll-back", "--yes")
    assert (debian.root / "opt/tallybox/current").readlink().name == OLD
    assert ((state / "kept").read_text("utf-8"), (debian.root / settings[1:]).read_text("utf-8")) == (
        "by the box",
        box_toml,
    )
    assert state.stat().st_mode & 0o777 == 0o700


def prepared(debian: Debian) -> tuple[str, SigningKey]:
    """A site as `provision init` makes it elsewhere, with the paths that it will have here."""
    folder = debian.root / CENTRE[1:] / "site"
    words = ["--site", "Bare", "--url", "https://127.0.0.1:18443", "--no-passphrase", "--yes", "--json"]
    assert main(["init", "--dir", str(folder), *words]) == 0
    settings = folder / "centre.toml"
    text = settings.read_text(encoding="utf-8").replace(str(debian.root), "")
    settings.write_text(text, encoding="utf-8")
    root = read_root(folder / "root" / "root.key", None)
    shutil.rmtree(folder / "root")
    return str(tomllib.loads(text)["site"]["id"]), root


def centre(debian: Debian, *words: str) -> str:
    return debian.good("/opt/tallybox/bin/cloud-server", *words, "--config", SETTINGS, user="tallybox-centre")


def test_a_centre_is_installed_upgraded_and_set_back(debian: Debian, tmp_path: Path) -> None:
    site, root = prepared(debian)
    made = bundles(tmp_path, "centre", site, root, {OLD: {}, NEW: {}, FORM: NEWER_FORM, BROKEN: FAULT})
    where = ("--root", f"{CENTRE}/site/keys/root.pub", "--settings", f"{CENTRE}/site/centre.toml")
    first = debian.install(made[OLD], *where)
    assert first.returncode == 0, first.stdout + first.stderr
    verified = debian.verify("tallybox-centre.service")
    assert (verified.returncode, verified.stderr) == (0, "")
    token = json.loads(centre(debian, "setup", "--provision-token", "--json"))["provision_token"]
    (debian.root / "stick/serve.py").write_text(SERVE, encoding="utf-8")
    (debian.root / "stick/plan.json").write_bytes(msgspec.json.encode(street(site)))
    serve = ("/opt/tallybox/current/env/bin/python", "/stick/serve.py", SETTINGS, token)
    boxes = json.loads(debian.good(*serve, "/stick/plan.json", user="tallybox-centre"))
    assert boxes
    books = centre(debian, "verify", "--json")

    def keeps(version: str) -> None:
        assert (debian.root / "opt/tallybox/current").readlink().name == version
        assert json.loads(debian.good(*serve, "-", user="tallybox-centre")) == boxes
        assert centre(debian, "verify", "--json") == books

    upgraded = debian.install(made[NEW])
    assert upgraded.returncode == 0, upgraded.stdout + upgraded.stderr
    keeps(NEW)
    debian.good("/opt/tallybox/bin/provision", "roll-back", "--yes")
    keeps(OLD)
    broken = debian.install(made[BROKEN])
    assert (broken.returncode, "finds fault with everything" in broken.stderr) == (1, True), broken.stderr
    keeps(OLD)
    migrated = debian.install(made[FORM])
    assert migrated.returncode == 0, migrated.stdout + migrated.stderr
    keeps(FORM)
    back = debian.run("/opt/tallybox/bin/provision", "roll-back", "--yes")
    assert (back.returncode, f".before-{FORM}" in back.stderr) == (1, True), back.stderr
    keeps(FORM)
