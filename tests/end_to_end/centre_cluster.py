"""Several processes of one centre on one PostgreSQL, behind one address; and boxes and tills that never give up."""

import json
import re
import signal
import socket
import ssl
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path

import httpx

from cloud_server.config import Config
from cloud_server.ports.database import PostgresAddress
from tests import quick_start
from tests.cloud_server.api.site_process import ROOT, SiteProcess, exchange, free_port, run, wait_until_up
from tests.cloud_server.site_rig import make_folder
from tests.cloud_server.speaking_box import SpeakingBox
from tests.cloud_server.street import account_id, meter_id
from tests.quick_start import Program

PIECE_BYTES = 65_536


class Forwarder:
    """One address in front of several servers, in turn; knows nothing of what passes. `only` sends all to one."""

    def __init__(self, targets: list[int]) -> None:
        self.targets = targets
        self.only: int | None = None
        self._turn = count()
        self._server = socket.create_server(("127.0.0.1", 0))
        self.port = int(self._server.getsockname()[1])
        threading.Thread(target=self._accept, daemon=True).start()

    def _accept(self) -> None:
        with suppress(OSError):
            while True:
                client, _ = self._server.accept()
                threading.Thread(target=self._join, args=(client,), daemon=True).start()

    def _join(self, client: socket.socket) -> None:
        """As a proxy does: a server that does not answer is passed by."""
        for _ in self.targets:
            number = self.only if self.only is not None else next(self._turn) % len(self.targets)
            with suppress(OSError):
                server = socket.create_connection(("127.0.0.1", self.targets[number]))
                for one, other in ((client, server), (server, client)):
                    threading.Thread(target=_carry, args=(one, other), daemon=True).start()
                return
        client.close()

    def close(self) -> None:
        self._server.close()


def _carry(one: socket.socket, other: socket.socket) -> None:
    with suppress(OSError):
        while data := one.recv(PIECE_BYTES):
            other.sendall(data)
    for end in (one, other):
        with suppress(OSError):
            end.shutdown(socket.SHUT_RDWR)
        end.close()


@dataclass
class Cluster:
    """The processes; `site` speaks to them through the forwarder."""

    forwarder: Forwarder
    site: SiteProcess
    settings: list[Path]
    processes: list[Program]
    log: Path

    def verify(self) -> list[str]:
        """Everything that an invariant does not allow."""
        words = ("verify", "--config", str(self.settings[0]), "--json")
        report = json.loads(quick_start.run("cloud_server", *words, cwd=ROOT, timeout_s=120).stdout)
        return [f"{result['invariant']}: {breach}" for result in report for breach in result["breaches"]]


@contextmanager
def centre_cluster(
    folder: Path, database: PostgresAddress, processes: int = 2, *, anew: bool = False
) -> Iterator[Cluster]:
    """Set up, running and answering; ended at the end whatever happened. `anew` as `run` has it."""
    ports = [free_port() for _ in range(processes)]
    forwarder = Forwarder(ports)
    config: Config = make_folder(folder, forwarder.port, database)
    first = folder / "site" / "centre.toml"
    settings = []
    for number, port in enumerate(ports):
        own = first.with_name(f"centre-{number}.toml")
        own.write_text(re.sub(r"(?m)^listen = .*$", f'listen = "127.0.0.1:{port}"', first.read_text()))
        settings.append(own)
    said = json.loads(quick_start.read("cloud_server", "setup", "--config", str(first), "--json", "--provision-token"))
    trust = ssl.create_default_context(cafile=str(config.keys_dir / "ca.pem"))
    log = folder / "log"
    running = [run(settings[0], log=log, anew=anew)]
    site = SiteProcess(config, running[0], config.site.public_url, trust, said["provision_token"])
    try:
        # One after the other, so that the first has the turn at background work.
        for number in range(processes):
            if number:
                running.append(run(settings[number], log=log, anew=anew))
            forwarder.only = number
            wait_until_up(site, log)
        forwarder.only = None
        yield Cluster(forwarder, site, settings, running, log)
    finally:
        for process in running:
            if process.poll() is None:
                process.send_signal(signal.SIGKILL)
            process.wait(15)
        forwarder.close()


@dataclass
class Till:
    """Sells one sale after another, each asked for with its key until it is answered, as a gateway does."""

    site: SiteProcess
    token: str
    name: str
    box: int
    ends: threading.Event
    acknowledged: dict[str, tuple[str, str]] = field(default_factory=dict)
    """Key -> sale and receipt."""
    api: httpx.Client | None = None
    asked_again: int = 0
    longest_s: float = 0.0

    def run(self) -> None:
        for number in count():
            if self.ends.is_set():
                break
            key = f"{self.name}-{number}"
            began = time.monotonic()
            self.acknowledged[key] = self._sell(key)
            self.longest_s = max(self.longest_s, time.monotonic() - began)
        if self.api is not None:
            self.api.close()

    def _sell(self, key: str) -> tuple[str, str]:
        body = {"account": account_id(self.box, 2), "amount": "1.00", "method": "wechat"}
        while True:
            self.api = self.api or self.site.client(self.token)
            try:
                answer = self.api.post("/api/v1/sales", json=body, headers={"Idempotency-Key": key})
                if answer.status_code in (200, 201):
                    return answer.json()["id"], answer.json()["receipt"]
                assert answer.status_code >= 500, answer.text
            except httpx.HTTPError:
                self.api.close()
                self.api = None
            self.asked_again += 1
            time.sleep(0.2)


@dataclass
class Sender:
    """A box that meters, seals and sends, and sends again what was not acknowledged."""

    site: SiteProcess
    box: SpeakingBox
    number: int
    ends: threading.Event
    asked_again: int = 0
    longest_s: float = 0.0
    wire: httpx.Client | None = None

    def run(self) -> None:
        while not self.ends.is_set():
            for shop in (1, 2, 3):
                self.box.use(meter_id(self.number, shop), 10, for_ms=60_000)
            self.box.seal()
            self.send()
        if self.wire is not None:
            self.wire.close()

    def send(self) -> None:
        """Until all that was sealed is acknowledged."""
        began = time.monotonic()
        while True:
            self.wire = self.wire or self.site.client()
            try:
                exchange(self.wire, self.box)
                if self.box.pending:
                    self.box.seal()
                elif self.box.acked_seq == len(self.box.sealed):
                    break
            except (httpx.HTTPError, AssertionError):
                self.wire.close()
                self.wire = None
                self.asked_again += 1
                time.sleep(0.2)
        self.longest_s = max(self.longest_s, time.monotonic() - began)
