"""A whole box under test: real processes of the agent, simulated meters on a pty, a centre on loopback over HTTPS."""

import json
import os
import signal
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import msgspec

from edge_agent.clock import OFFSET_VARIABLE
from edge_agent.console.local_socket import AgentUnreachable, ask
from protocol.box_config import BoxConfig
from protocol.commands import Grant, SalePart
from provisioning.simulator.site import SimulatedSite
from tests import quick_start
from tests.edge_agent.core.street import (
    ACCOUNT,
    BOX,
    METERS,
    SITE,
    WALLETS,
    YUAN,
    box_config,
    meter_config,
    wallet_config,
)
from tests.fakes.fake_centre import Authority, FakeCentre
from tests.quick_start import Program

BAUD = 115_200
START_S = 15.0


def config_of(meters: int = 2, **defaults: Any) -> BoxConfig:
    """A box of DTSY1352 meters, each with its wallet, on one fast bus."""
    config = box_config(
        tuple(meter_config(index) for index in range(meters)),
        tuple(wallet_config(index) for index in range(meters)),
        **defaults,
    )
    return msgspec.structs.replace(config, buses=[msgspec.structs.replace(bus, baud=BAUD) for bus in config.buses])


def simulated_site(folder: Path, config: BoxConfig, watts: float) -> SimulatedSite:
    """The meters of a configuration, simulated: what each register says comes from the printed maps."""
    meters = [
        {
            "id": f"m{index}",
            "model": meter.profile.removeprefix("acrel_").removeprefix("site_"),
            "unit": meter.unit,
            "serial": f"{760_000_000_000 + index}",
            "energy_wh": 1_000_000,
            "load": {"kind": "constant", "watts": watts},
            "point": meter.name,
            "turnaround_ms": 2,
            "ct": meter.ratios[-1].ct[0] // meter.ratios[-1].ct[1],
        }
        for index, meter in enumerate(config.meters)
    ]
    bus = {"name": "A1", "tty": str(folder / "tty"), "baud": config.buses[0].baud, "meters": meters}
    return SimulatedSite({"buses": [bus]}, folder / "memory")


def grant_of(index: int, yuan: int, number: int) -> Grant:
    """A sale's grant; `number` makes its id."""
    amount = yuan * YUAN
    return Grant(
        grant=f"{0x1000 + number:032x}",
        wallet=WALLETS[index],
        amount_micro=amount,
        cause="sale",
        parts=[SalePart(wallet=WALLETS[index], box=BOX, amount_micro=amount)],
        account=ACCOUNT,
        operator="cashier",
        idempotency_key=f"key-{number}",
        paid_at_ms=1,
    )


@dataclass
class WholeBox:
    """One box in a folder of its own."""

    folder: Path
    centre: FakeCentre
    site: SimulatedSite
    process: Program | None = None
    environment: dict[str, str] = field(default_factory=lambda: {OFFSET_VARIABLE: "/nonexistent/clock"})
    """With the variable the agent never touches this machine's own clock, whoever runs the test."""

    @property
    def log(self) -> Path:
        return self.folder / "agent.log"

    @property
    def box_toml(self) -> Path:
        return self.folder / "box.toml"

    @property
    def state_dir(self) -> Path:
        return self.folder / "state"

    def command(self, *words: str, timeout_s: float = 30.0) -> "subprocess.CompletedProcess[str]":
        """One `edge-agent` command with this box's configuration."""
        return quick_start.run("edge_agent", *words, "--config", str(self.box_toml), timeout_s=timeout_s)

    def enrol(self) -> None:
        done = self.command("enrol")
        assert done.returncode == 0, done.stderr + done.stdout

    def start(self, *, anew: bool = False) -> None:
        """Run the agent until it listens; `anew` where its memory, command line or becoming another is looked at."""
        words = ("run", "--config", str(self.box_toml))
        environment = os.environ | self.environment
        with self.log.open("ab") as log:
            if anew:
                self.process = quick_start.start_anew("edge_agent", *words, environment=environment, errors=log)
            else:
                self.process = quick_start.start("edge_agent", *words, environment=environment, errors=log)
        self.centre.wait_for((self.state_dir / "agent.sock").exists, START_S)

    def status(self) -> dict[str, Any]:
        """What `edge-agent status --json` says; an agent that runs is asked itself, without a process for each look."""
        with suppress(AgentUnreachable):
            return ask(self.state_dir, "status")
        return self.status_command()

    def status_command(self) -> dict[str, Any]:
        """The same by the command."""
        done = self.command("status", "--json")
        assert done.returncode == 0, done.stderr
        found: dict[str, Any] = json.loads(done.stdout)
        return found

    def kill(self) -> None:
        """As a loss of power does to a process."""
        assert self.process is not None
        self.process.kill()
        self.process.wait()
        self.process = None
        (self.state_dir / "agent.sock").unlink(missing_ok=True)

    def end(self) -> int:
        """As the service manager does."""
        assert self.process is not None
        self.process.send_signal(signal.SIGTERM)
        code = self.process.wait(60)
        self.process = None
        return code

    def told(self, event: str) -> list[str]:
        """Log lines of one event."""
        lines = self.log.read_text(encoding="utf-8").splitlines()
        return [line for line in lines if line.split(" ")[2:3] == [event]]

    def rss_kib(self) -> int:
        assert self.process is not None
        text = Path(f"/proc/{self.process.pid}/status").read_text(encoding="ascii")
        return int(next(line for line in text.splitlines() if line.startswith("VmRSS")).split()[1])


@contextmanager
def whole_box(
    folder: Path,
    authority: Authority,
    config: BoxConfig | None = None,
    watts: float = 2_000,
    hung: BoxConfig | None = None,
) -> Iterator[WholeBox]:
    """A box that is not enrolled yet, its centre, and its street, running. `hung`: its meters, if not as planned."""
    config = config or config_of()
    centre = FakeCentre(authority, SITE, BOX, config)
    site = simulated_site(folder, hung or config, watts)
    box = WholeBox(folder, centre, site)
    (folder / "claim.toml").write_text(centre.claim_text(), encoding="utf-8")
    box.box_toml.write_text(
        f'state_dir = "state"\nclaim = "claim.toml"\n[bus.A1]\nserial = "{folder / "tty"}"\n', encoding="utf-8"
    )
    os.environ.pop("NOTIFY_SOCKET", None)
    with site:
        try:
            yield box
        finally:
            if box.process is not None:
                box.kill()
            centre.stop()


__all__ = ["METERS", "WALLETS", "WholeBox", "config_of", "grant_of", "whole_box"]
