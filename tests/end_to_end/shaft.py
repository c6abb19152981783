"""One shaft under test: a real centre, real agents over HTTPS, meters on a pty. Hardware is copied, lost and exchanged.

An agent's hardware is a folder: its state and keys. The fibre is cut by stopping the centre's process.
"""

import json
import os
import shutil
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

import httpx
import msgspec

from cloud_server.core.planned_site import config_of
from edge_agent.clock import OFFSET_VARIABLE
from edge_agent.console.local_socket import AgentUnreachable, ask
from protocol.box_config import BoxConfig
from protocol.site_plan import SitePlan
from provisioning.simulator.site import SimulatedSite
from tests import quick_start
from tests.cloud_server.api.site_process import ROOT, SiteProcess, run, site_process, wait_until_up
from tests.cloud_server.street import account_id, box_id, meter_id, street, wallet_id
from tests.cloud_server.web.conftest import Browser
from tests.edge_agent.whole_box.whole_box import BAUD, simulated_site
from tests.quick_start import Program

WATTS = 9_000
"""Below what the wiring carries; two watt-hours a second, so that a test of seconds costs something."""
SHOP = 2
BOX, METER, WALLET, ACCOUNT = box_id(1), meter_id(1, SHOP), wallet_id(1, SHOP), account_id(1, SHOP)
WAIT_S = 40.0
STRANGER, STRANGER_UNIT = "M9", 9


def plan(site: str, **defaults: Any) -> SitePlan:
    """The street of the centre's tests with meters that the simulator plays, and fast buses."""
    made = street(site, boxes=2, shops=2)
    boxes = [
        msgspec.structs.replace(
            box,
            buses=[msgspec.structs.replace(bus, baud=BAUD) for bus in box.buses],
            meters=[msgspec.structs.replace(meter, profile="acrel_dtsy1352") for meter in box.meters],
        )
        for box in made.boxes
    ]
    return msgspec.structs.replace(
        made, boxes=boxes, defaults=msgspec.structs.replace(made.defaults, switch_pause_s=0, **defaults)
    )


def with_stranger(config: BoxConfig) -> BoxConfig:
    """The same bus with one meter more, of a make that no agent knows and nobody has planned."""
    first = config.meters[0]
    stranger = msgspec.structs.replace(
        first, meter="f" * 32, unit=STRANGER_UNIT, name=STRANGER, profile="site_armable", phases=3
    )
    return msgspec.structs.replace(config, meters=[*config.meters, stranger])


@dataclass
class Hardware:
    """One industrial PC: a folder with its state, and its agent while it runs."""

    folder: Path
    tty: Path
    bus: str = "A1-1"
    process: Program | None = None

    @property
    def state_dir(self) -> Path:
        return self.folder / "state"

    @property
    def log(self) -> Path:
        return self.folder / "agent.log"

    def write_config(self, claim: str | None = None) -> None:
        self.folder.mkdir(parents=True, exist_ok=True)
        if claim is not None:
            (self.folder / "claim.toml").write_text(claim, encoding="utf-8")
        (self.folder / "box.toml").write_text(
            f'state_dir = "state"\nclaim = "claim.toml"\n[bus.{self.bus}]\nserial = "{self.tty}"\n', encoding="utf-8"
        )

    def command(self, *words: str) -> "subprocess.CompletedProcess[str]":
        return quick_start.run("edge_agent", *words, "--config", str(self.folder / "box.toml"), timeout_s=60)

    def start(self) -> None:
        with self.log.open("ab") as log:
            words = ("run", "--config", str(self.folder / "box.toml"))
            # With the variable the agent never touches this machine's own clock, whoever runs the test.
            environment = os.environ | {OFFSET_VARIABLE: "/nonexistent/clock"}
            self.process = quick_start.start("edge_agent", *words, environment=environment, errors=log)
        wait_for((self.state_dir / "agent.sock").exists, "the agent's socket", self.log)

    def kill(self) -> None:
        """As a loss of power."""
        assert self.process is not None
        self.process.kill()
        self.process.wait()
        self.process = None
        (self.state_dir / "agent.sock").unlink(missing_ok=True)

    def stop(self) -> None:
        """As a service manager does, so that all is written down."""
        assert self.process is not None
        self.process.terminate()
        assert self.process.wait(30) == 0
        self.process = None

    def status(self) -> dict[str, Any]:
        """What `edge-agent status --json` says; an agent that runs is asked itself, without a process for each look."""
        with suppress(AgentUnreachable):
            return ask(self.state_dir, "status")
        done = self.command("status", "--json")
        assert done.returncode == 0, done.stderr
        found: dict[str, Any] = json.loads(done.stdout)
        return found

    def image(self) -> Path:
        """Copy the state as somebody who makes an image of the disk does; the agent must be down."""
        image = self.folder / f"image-{time.monotonic_ns()}"
        shutil.copytree(self.state_dir, image)
        return image

    def put_back(self, image: Path) -> None:
        shutil.rmtree(self.state_dir)
        shutil.copytree(image, self.state_dir)


@dataclass
class Shaft:
    """The centre, the meters, and the hardware in the shaft."""

    folder: Path
    centre: SiteProcess
    meters: SimulatedSite
    box: Hardware
    sold: int = 0
    tokens: dict[str, str] = field(default_factory=dict)
    clients: list[httpx.Client] = field(default_factory=list)
    """Of people at the console; closed at the end."""

    def api(self, method: str, path: str, scope: str = "provision", **how: Any) -> httpx.Response:
        """One call; scope provision has its token, sell and read get one at first use."""
        if scope not in self.tokens:
            self.tokens[scope] = (
                self.centre.provision_token if scope == "provision" else self.centre.token("read", "sell")
            )
        with self.centre.client(self.tokens[scope]) as client:
            return client.request(method, f"/api/v1{path}", **how)

    def box_row(self, box: str = BOX) -> dict[str, Any]:
        answer = self.api("GET", "/boxes")
        assert answer.status_code == 200, answer.text
        found: dict[str, Any] = next(row for row in answer.json()["items"] if row["box"] == box)
        return found

    def sell(self, amount: str) -> str:
        self.sold += 1
        body = {"account": ACCOUNT, "amount": amount, "method": "cash"}
        answer = self.api("POST", "/sales", "sell", json=body, headers={"Idempotency-Key": f"sale-{self.sold}"})
        assert answer.status_code == 201, answer.text
        return str(answer.json()["id"])

    def sale_state(self, sale: str) -> str:
        return str(self.api("GET", f"/sales/{sale}", "sell").json()["state"])

    def delivered(self, sale: str) -> None:
        wait_for(lambda: self.sale_state(sale) in ("delivered", "on"), f"sale {sale}", self.box.log)

    def epoch_is(self, number: int) -> None:
        """The centre has opened it, the box works in it, and the centre has heard from it."""
        wait_for(lambda: self.box_row()["epoch"] == number, f"epoch {number} at the centre", self.box.log)
        wait_for(lambda: self.box.status().get("epoch") == number, f"epoch {number} on the box", self.box.log)

    def cut(self) -> None:
        """The fibre is cut."""
        self.centre.process.kill()
        self.centre.process.wait()

    def mend(self, ends_at: str = "") -> None:
        """It is whole again; `ends_at` names a place in a flow at which the centre's process will be killed."""
        settings = self.centre.config.path
        self.centre.process = run(settings, log=self.folder / "log", ends_at=ends_at)
        wait_until_up(self.centre, self.folder / "log")

    def cloud_server(self, *words: str) -> "subprocess.CompletedProcess[str]":
        settings = ("--config", str(self.centre.config.path))
        return quick_start.run("cloud_server", *words, *settings, cwd=ROOT, timeout_s=120)

    def forget_tokens(self) -> None:
        """The centre knows none of its tokens any more: new ones are made as they are wanted."""
        done = self.cloud_server("setup", "--provision-token", "--json")
        assert done.returncode == 0, done.stdout + done.stderr
        self.centre.provision_token = json.loads(done.stdout)["provision_token"]
        self.centre.tokens.clear()
        self.tokens.clear()

    def verify(self) -> str:
        """`cloud-server verify`, and the invariants of the box over its own books: both must find nothing."""
        done = self.cloud_server("verify")
        assert done.returncode == 0, done.stdout + done.stderr
        if self.box.process is not None:
            assert ask(self.box.state_dir, "check_books") == {"breaches": []}
        return done.stdout

    def enrol(self, hardware: Hardware, claim: str) -> None:
        """New hardware comes in with this claim; a person compares what its own screen shows."""
        hardware.write_config(claim)
        screen = hardware.folder / "screen"
        with screen.open("wb") as output:
            words = ("enrol", "--config", str(hardware.folder / "box.toml"))
            enrolling = quick_start.start("edge_agent", *words, output=output)
        wait_for(lambda: "\n" in screen.read_text(), "a fingerprint on the screen")
        shown = screen.read_text().splitlines()[0].removeprefix("fingerprint ").strip()
        wait_for(lambda: shown in (self.box_row()["fingerprint"], self.box_row()["replacement"]), "the fingerprint")
        answer = self.api("POST", f"/boxes/{BOX}/confirm", json={"fingerprint": shown})
        assert answer.status_code == 200, answer.text
        assert enrolling.wait(30) == 0

    def put_in_service(self, meter: str = METER) -> None:
        """The relay test on the spot, then a person's yes."""
        done = self.box.command("relay-test", "--meter", meter, "--who", "Li", "--yes")
        assert done.returncode == 0, done.stderr + done.stdout
        wait_for(
            lambda: self.api("POST", f"/meters/{meter}/in-service", json={"on": True}).status_code == 202, "service"
        )
        wait_for(lambda: self.meter_status(meter)["service"] == "in_service", "in service", self.box.log)

    def meter_status(self, meter: str = METER) -> dict[str, Any]:
        return next(each for each in self.box.status()["meters"] if each["meter"] == meter)

    def balance_micro(self, meter: str = METER) -> int:
        """The balance that the box shows, once it knows one."""
        wait_for(lambda: self.meter_status(meter)["balance_micro"] is not None, "a reading", self.box.log)
        return int(self.meter_status(meter)["balance_micro"])

    @property
    def contact_closed(self) -> bool:
        return self.meters.meter(f"m{SHOP - 1}").contact_closed


ADMINISTRATOR_PASSWORD: Final = "seven quiet herons by the lake"


def first_administrator(place: Shaft) -> Browser:
    """A person at the console of the centre that runs, by the one-time link of the terminal."""
    done = place.cloud_server("setup", "--json")
    assert done.returncode == 0, done.stdout + done.stderr
    link = json.loads(done.stdout)["link"]
    client = httpx.Client(
        base_url=place.centre.url, verify=place.centre.trust, timeout=40, trust_env=False, follow_redirects=True,
        headers={"Accept-Language": "en"},
    )  # fmt: skip
    place.clients.append(client)
    console = Browser(client, address=place.centre.url)
    console.get(link)
    password = ADMINISTRATOR_PASSWORD
    console.post(link, name="wang", display_name="王", password=password, password_again=password)
    assert console.path == "/", console.text
    return console


def wait_for(what: Callable[[], bool], words: str, log: Path | None = None, within_s: float = WAIT_S) -> None:
    """Wait until something is so; a process that is down for the moment says no."""
    end = time.monotonic() + within_s
    while True:
        try:
            if what():
                return
        except (httpx.TransportError, KeyError):
            pass
        told = "" if log is None or time.monotonic() < end else "\n".join(log.read_text().splitlines()[-15:])
        assert time.monotonic() < end, f"waited in vain for {words}\n{told}"
        time.sleep(0.1)


@contextmanager
def shaft(folder: Path, **defaults: Any) -> Iterator[Shaft]:
    """A centre with its plan, a box enrolled and running, one shop in service with 100 yuan."""
    with site_process(folder) as centre:
        made = plan(centre.config.site.site, **defaults)
        with centre.provisioner() as api:
            answer = api.put("/api/v1/site/plan", content=msgspec.json.encode(made))
        assert answer.status_code == 200, answer.text
        (folder / "meters").mkdir()
        meters = simulated_site(folder / "meters", with_stranger(config_of(made, made.boxes[0], {})), WATTS)
        box = Hardware(folder / "box", folder / "meters" / "tty")
        found = Shaft(folder, centre, meters, box)
        with meters:
            try:
                found.enrol(box, found.api("POST", f"/boxes/{BOX}/claim").text)
                box.start()
                found.delivered(found.sell("100.00"))
                found.put_in_service()
                yield found
            finally:
                for client in found.clients:
                    client.close()
                for each in {id(box): box, id(found.box): found.box}.values():
                    if each.process is not None:
                        each.kill()
