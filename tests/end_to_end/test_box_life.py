"""A box over the years, real centre and agent over HTTPS: its certificate ends, its program is replaced on order."""

import json
import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

import httpx
import msgspec
import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from edge_agent.clock import OFFSET_VARIABLE
from edge_agent.sync.identity import CERTIFICATE, FOLDER, read_identity, write_secret
from provisioning.bundle import make_bundle
from provisioning.keys import read_root
from tests.cloud_server.api.site_process import ROOT, SiteProcess, now_ms, site_process
from tests.cloud_server.street import box_id, street
from tests.edge_agent.whole_box.test_upgrade import make_wheel

BOX = box_id(1)
DAY_MS = 86_400_000


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SiteProcess]:
    with site_process(tmp_path_factory.mktemp("site")) as found:
        plan = msgspec.json.encode(street(found.config.site.site)).replace(b"acrel_adf400l", b"acrel_dtsy1352")
        with found.provisioner() as api:
            assert api.put("/api/v1/site/plan", content=plan).status_code == 200
        yield found


@pytest.fixture(scope="module")
def box_toml(site: SiteProcess, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A box that a person has confirmed; its buses hang on an adapter that is not there."""
    folder = tmp_path_factory.mktemp("box")
    with site.provisioner() as api:
        (folder / "claim.toml").write_text(api.post(f"/api/v1/boxes/{BOX}/claim").text, encoding="utf-8")
        path = folder / "box.toml"
        path.write_text('state_dir = "state"\nclaim = "claim.toml"\n[bus.A1]\nserial = "/dev/ttyNONE"\n', "utf-8")
        with subprocess.Popen(agent("enrol", path), stdout=subprocess.PIPE, text=True, cwd=ROOT) as asking:
            assert asking.stdout is not None
            fingerprint = asking.stdout.readline().removeprefix("fingerprint ").strip()
            until(lambda: state_of(api) == "waiting")
            said = api.post(f"/api/v1/boxes/{BOX}/confirm", json={"fingerprint": fingerprint})
            assert said.status_code == 200, said.text
            assert asking.wait(20) == 0
    return path


def agent(command: str, path: Path) -> list[str]:
    return [sys.executable, "-m", "edge_agent", command, "--config", str(path)]


def state_of(api: httpx.Client) -> str:
    rows = api.get("/api/v1/boxes").json()["items"]
    return str(next(row["state"] for row in rows if row["box"] == BOX))


def until(what: Callable[[], bool], timeout_s: float = 120.0) -> None:
    end = time.monotonic() + timeout_s
    while not what():
        assert time.monotonic() < end, "did not come about in time"
        time.sleep(0.1)


@contextmanager
def running(path: Path) -> Iterator[Callable[[str], bool]]:
    """The agent at work; what it is given tells whether an event is in its log."""
    log = path.with_name("log")
    log.unlink(missing_ok=True)
    with log.open("wb") as file:
        process = subprocess.Popen(
            agent("run", path), stderr=file, cwd=ROOT, env=os.environ | {OFFSET_VARIABLE: "/nonexistent/clock"}
        )
    try:
        yield lambda event: f" {event} " in log.read_text(encoding="utf-8")
        process.terminate()
        assert process.wait(60) == 0
    finally:
        process.kill()
        process.wait()


def ended_certificate(site: SiteProcess, old: x509.Certificate) -> bytes:
    """What the box would hold had it been cut off for too long: the same key, signed by the site's CA, ended."""
    ca_key = serialization.load_pem_private_key((site.config.keys_dir / "ca.key").read_bytes(), None)
    assert isinstance(ca_key, ec.EllipticCurvePrivateKey)
    now = datetime.now(UTC)
    builder = x509.CertificateBuilder(old.issuer, old.subject, old.public_key(), x509.random_serial_number())
    builder = builder.not_valid_before(now - timedelta(days=400)).not_valid_after(now - timedelta(days=3))
    return builder.sign(ca_key, hashes.SHA256()).public_bytes(serialization.Encoding.PEM)


def test_an_ended_certificate_is_renewed_by_the_centre(site: SiteProcess, box_toml: Path) -> None:
    path = box_toml.parent / "state" / FOLDER / CERTIFICATE
    write_secret(path, ended_certificate(site, x509.load_pem_x509_certificates(path.read_bytes())[0]))
    assert read_identity(box_toml.parent / "state").certificate_ends_ms() < now_ms()
    with running(box_toml) as told:
        until(lambda: told("certificate_renewed"))
        until(lambda: told("head_confirmed"))
    assert read_identity(box_toml.parent / "state").certificate_ends_ms() > now_ms() + 390 * DAY_MS


@pytest.mark.timeout(300)
def test_a_box_fetches_and_becomes_the_version_that_it_is_ordered(
    site: SiteProcess, box_toml: Path, tmp_path: Path
) -> None:
    make_wheel(tmp_path / "wheels", "99.1.0")
    root = read_root(site.config.path.parent.parent / "root" / "root.key", None)
    file = tmp_path / "box.bundle"
    line = make_bundle(site.config.site.site, "99.1.0", tmp_path / "wheels", root, file)
    with running(box_toml) as told:
        until(lambda: told("head_confirmed"))
        order = ["upgrade-box", "--config", str(site.config.path), "--box", BOX, "--bundle", str(file), "--json"]
        said = json.loads(subprocess.check_output([sys.executable, "-m", "cloud_server", *order], cwd=ROOT))
        assert said == {"box": BOX, "version": "99.1.0", "bundle": line.hash}
        until(lambda: told("upgrade_switched"), 240)
        until(lambda: told("upgrade_proved"))
        status = json.loads(subprocess.check_output([*agent("status", box_toml), "--json"], cwd=ROOT))
        assert status["agent"] == "edge-agent 99.1.0"
    with site.client() as wire:
        assert wire.get(f"/v1/box/bundle/{line.hash}").content == file.read_bytes()
        assert wire.get(f"/v1/box/bundle/{'0' * 64}").status_code == 404
        assert wire.get("/v1/box/bundle/..%2Fcentre.db").status_code == 404


def test_what_the_root_did_not_sign_is_not_ordered(site: SiteProcess, tmp_path: Path) -> None:
    (tmp_path / "noise.bundle").write_bytes(b"noise")
    words = ["--config", str(site.config.path), "--box", BOX, "--bundle", str(tmp_path / "noise.bundle")]
    command = [sys.executable, "-m", "cloud_server", "upgrade-box", *words]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode != 0
    assert "provision bundle" in done.stderr
