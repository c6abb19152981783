"""A real `cloud-server run` on loopback: its own process, TLS by the site's CA, SIGTERM at the end."""

import json
import os
import signal
import socket
import ssl
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import httpx
import msgspec

from cloud_server.config import Config
from cloud_server.ports.database import PostgresAddress
from cloud_server.wiring import FAIL_POINT_VARIABLE
from protocol.envelope import Line, read_body, write_body
from protocol.messages import Answer
from tests import quick_start
from tests.cloud_server.site_rig import make_folder
from tests.cloud_server.speaking_box import SpeakingBox, make_box
from tests.cloud_server.street import box_id, street
from tests.quick_start import Program

ROOT = quick_start.ROOT


@dataclass
class SiteProcess:
    """The process, and clients that trust its CA."""

    config: Config
    process: Program
    url: str
    trust: ssl.SSLContext
    provision_token: str
    tokens: dict[tuple[str, tuple[str, ...]], str] = field(default_factory=dict)
    """Those that were made already, by name and scopes."""

    def client(self, token: str | None = None) -> httpx.Client:
        headers = {"Authorization": f"Bearer {token}"} if token else {}
        return httpx.Client(base_url=self.url, verify=self.trust, headers=headers, timeout=40, trust_env=False)

    def provisioner(self) -> httpx.Client:
        return self.client(self.provision_token)

    def token(self, *scopes: str) -> str:
        """As a person with a terminal gives it."""
        return self.named_token("gateway", *scopes)

    def named_token(self, name: str, *scopes: str) -> str:
        if (name, scopes) in self.tokens:
            return self.tokens[name, scopes]
        settings = ["--config", str(self.config.path), "--name", name, "--scopes", ",".join(scopes), "--json"]
        said = quick_start.read("cloud_server", "token", *settings)
        self.tokens[name, scopes] = str(json.loads(said)["token"])
        return self.tokens[name, scopes]

    def plan(self, **how: int) -> None:
        with self.provisioner() as api:
            answer = api.put("/api/v1/site/plan", content=msgspec.json.encode(street(self.config.site.site, **how)))
        assert answer.status_code == 200, answer.text

    def enrol(self, number: int) -> SpeakingBox:
        """A box comes in over HTTPS and is confirmed."""
        box = make_box(self.config.site.site, box_id(number), now_ms())
        with self.provisioner() as api, self.client() as wire:
            claim = api.post(f"/api/v1/boxes/{box.box}/claim").text
            token = next(line for line in claim.splitlines() if line.startswith("token = ")).split('"')[1]
            line = box.enrol_line(token)
            waits = post(wire, "enrol", [line])
            assert waits.status_code == 202
            said = api.post(f"/api/v1/boxes/{box.box}/confirm", json={"fingerprint": waits.json()["fingerprint"]})
            assert said.status_code == 200, said.text
            came = post(wire, "enrol", [line])
        assert came.status_code == 200
        box.open_epoch(lines_of(came)[-1])
        return box

    def stop(self) -> int:
        """SIGTERM; the exit code."""
        self.process.terminate()
        return self.process.wait(60)


def post(wire: httpx.Client, path: str, lines: Sequence[Line], encoding: str = "zstd") -> httpx.Response:
    headers = {"Content-Encoding": encoding, "Accept-Encoding": encoding}
    return wire.post(f"/v1/box/{path}", content=write_body(lines, encoding), headers=headers)


def lines_of(answer: httpx.Response) -> list[Line]:
    """The client has undone the encoding already."""
    return read_body(answer.content)


def exchange(wire: httpx.Client, box: SpeakingBox, wait_s: int = 0) -> Answer:
    box.now_ms = now_ms()
    answer = post(wire, "sync", box.request(wait_s))
    assert answer.status_code == 200, answer.text
    return box.take(lines_of(answer))


def now_ms() -> int:
    return time.time_ns() // 1_000_000


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def run(settings: Path, *, log: Path, ends_at: str = "", anew: bool = False) -> Program:
    """Start it; `ends_at` names a place in a flow at which it is killed. `anew` where what it takes is measured."""
    with log.open("ab") as file:
        environment = os.environ | {"PYTHONPATH": str(ROOT)} | ({FAIL_POINT_VARIABLE: ends_at} if ends_at else {})
        words = ("run", "--config", str(settings))
        if anew:
            return quick_start.start_anew("cloud_server", *words, environment=environment, errors=file)
        return quick_start.start("cloud_server", *words, cwd=ROOT, environment=environment, errors=file)


@contextmanager
def site_process(folder: Path, database: PostgresAddress | None = None) -> Iterator[SiteProcess]:
    """Made, set up, running and answering; ended at the end whatever happened."""
    config = make_folder(folder, free_port(), database)
    settings = folder / "site" / "centre.toml"
    words = ("setup", "--config", str(settings), "--json", "--provision-token")
    said = json.loads(quick_start.read("cloud_server", *words))
    trust = ssl.create_default_context(cafile=str(config.keys_dir / "ca.pem"))
    process = run(settings, log=folder / "log")
    site = SiteProcess(config, process, config.site.public_url, trust, said["provision_token"])
    try:
        wait_until_up(site, folder / "log")
        yield site
    finally:
        # Whichever runs now: a test may have ended the first one and begun another.
        if site.process.poll() is None:
            site.process.send_signal(signal.SIGKILL)
        site.process.wait(60)


def wait_until_up(site: SiteProcess, log: Path, within_s: float = 120) -> None:
    end = time.monotonic() + within_s
    with site.client() as client:
        while True:
            try:
                assert client.get("/healthz").status_code == 200
                return
            except httpx.TransportError:
                assert site.process.poll() is None, log.read_text()
                assert time.monotonic() < end, log.read_text()
                time.sleep(0.05)
