"""Before the first process starts: ports, plan, settings and the way each process of the demo is started."""

import json
import sys
import threading
import tomllib
from pathlib import Path
from typing import Any, Final

import msgspec

from provisioning import init_site
from provisioning.centre_api import CentreApi
from provisioning.demo.children import Children
from provisioning.demo.fibre import LinkPlan
from provisioning.demo.folder import DemoFolder, FolderFault, Memory, free_port
from provisioning.demo.street import Street
from provisioning.files import SETTINGS_MODE, write_file
from provisioning.plan_file import PlanFile
from provisioning.toml_text import TomlValue, write_toml

SITE_NAME: Final = "滨江商业街"
HOST: Final = "127.0.0.1"
DEFAULT_PORT: Final = 18_443
FIBRE_PORTS_AFTER: Final = 1_000
"""The boxes' way to the centre lies so many ports behind the centre's, where nobody thinks of the next one."""
SIMULATOR: Final = "simulator"
FIBRE: Final = "fibre"
CENTRE: Final = "centre"
MODEM: Final = "modem"
CLOCK_VARIABLE: Final = "TALLYBOX_CLOCK_OFFSET_FILE"
"""Read by the agent's clock: a file with the milliseconds by which its wall clock is wrong."""


class Ending(Exception):
    """Somebody asked for the end while a step was under way."""


class Stage:
    """Everything that the steps of a demo share. `ending` is set when no further step is to be taken."""

    def __init__(self, folder: DemoFolder, memory: Memory, street: Street) -> None:
        self.folder = folder
        self.memory = memory
        self.street = street
        self.children = Children(folder.children)
        self.plan: PlanFile | None = None
        self.ending = threading.Event()

    def pause(self, duration_s: float) -> None:
        """Rest for so long. Raises Ending as soon as the end was asked for."""
        if self.ending.wait(duration_s):
            raise Ending

    @property
    def url(self) -> str:
        return f"https://{HOST}:{self.memory.centre_port}"

    def id_of(self, kind: str, label: str) -> str:
        """The id that the plan gave to a label."""
        if self.plan is None:
            raise FolderFault("the plan has not been laid out")
        return self.plan.ids[kind][label]

    def api(self) -> CentreApi:
        """A connection with the provisioner's token, which holds for the first days; later with the demo's own."""
        token = self.memory.api_token if self.memory.settled else self.memory.provision_token
        return CentreApi(self.url, self.folder.ca_file, token)

    def remember(self) -> None:
        """Keep what was learnt."""
        self.folder.remember(self.memory)

    # --- files ----------------------------------------------------------------------------------------------------

    def lay_out(self, port: int | None) -> None:
        """Choose ports and write all files; what is there already stays, and a new port or speed is taken over."""
        self._choose_ports(port)
        init_site.carry_out(self._init_request(), None)
        self._tell_centre_its_port()
        plan = self.street.plan(init_site.site_of(self.folder.centre_settings), SITE_NAME)
        _write_json(self.folder.plan, plan)
        self.plan = PlanFile(self.folder.plan)
        if self.plan.mistakes:
            raise FolderFault("; ".join(map(str, self.plan.mistakes)))
        self.plan.keep_ids()
        ttys = {bus: str(self.folder.tty(bus)) for bus in self.street.buses}
        _write_json(self.folder.simulator_site, self.street.simulated(ttys, self.plan.ids))
        links = {
            box: LinkPlan(listen=self.memory.fibre_ports[box], to=self.memory.centre_port) for box in self.street.boxes
        }
        write_file(self.folder.fibre_links, msgspec.json.encode(links), SETTINGS_MODE)
        for box in self.street.boxes:
            self._write_box_settings(box)
        self.remember()

    def _init_request(self) -> init_site.InitRequest:
        folder = self.folder.centre
        return init_site.InitRequest(
            folder=folder,
            root_folder=folder / "root",
            journal=folder / "journal",
            name=SITE_NAME,
            zone="Asia/Shanghai",
            currency="CNY",
            url=self.url,
            listen=f"{HOST}:{self.memory.centre_port}",
            # Who only looks around has no phone at hand.
            second_factor="offered",
        )

    def _choose_ports(self, port: int | None) -> None:
        """The centre's as asked; the fibres' as before, since the boxes hold them in their identity."""
        memory = self.memory
        wanted = port or memory.centre_port or DEFAULT_PORT
        if wanted in memory.fibre_ports.values():
            raise FolderFault(f"--port {wanted}: a box of this demo finds the centre there; choose another")
        memory.centre_port = free_port(wanted, set())
        if memory.centre_port != wanted:
            raise FolderFault(f"--port {wanted}: something listens there already; choose another")
        for number, box in enumerate(self.street.boxes, start=1):
            taken = {memory.centre_port, *memory.fibre_ports.values()}
            if box not in memory.fibre_ports:
                memory.fibre_ports[box] = free_port(memory.centre_port + FIBRE_PORTS_AFTER + number, taken)
            elif free_port(memory.fibre_ports[box], {memory.centre_port}) != memory.fibre_ports[box]:
                raise FolderFault(
                    f"port {memory.fibre_ports[box]}, where box {box} finds the centre, is taken by another program; "
                    "free it, or start anew with --fresh"
                )

    def _tell_centre_its_port(self) -> None:
        settings: dict[str, Any] = tomllib.loads(self.folder.centre_settings.read_text(encoding="utf-8"))
        wanted = {**settings, "listen": f"{HOST}:{self.memory.centre_port}", "public_url": self.url}
        wanted["messages"] = {"modem": str(self.folder.modem_port)}
        if wanted != settings:
            write_file(self.folder.centre_settings, write_toml(wanted).encode(), SETTINGS_MODE)

    def _write_box_settings(self, box: str) -> None:
        buses: dict[str, TomlValue] = {
            bus: {"serial": str(self.folder.tty(bus))} for bus in self.street.buses if bus.startswith(f"{box}-")
        }
        settings: dict[str, TomlValue] = {
            "state_dir": str(self.folder.box_state(box)),
            "claim": str(self.folder.box_claim(box)),
            "bus": buses,
        }
        write_file(self.folder.box_settings(box), write_toml(settings).encode(), SETTINGS_MODE)

    # --- processes ------------------------------------------------------------------------------------------------

    def declare(self) -> None:
        """Say how each process is started."""
        folder = self.folder
        python = (sys.executable, "-m")
        self._declare(
            SIMULATOR,
            *python, "provisioning.simulator", "--site", folder.simulator_site, "--state", folder.simulator_state,
            "--control", folder.simulator_control, "--speed", f"{self.street.speed:g}",
        )  # fmt: skip
        self._declare(
            FIBRE,
            *python, "provisioning.demo.fibre", "--links", folder.fibre_links, "--control", folder.fibre_control,
        )  # fmt: skip
        self._declare(
            MODEM,
            *python, "provisioning.simulator.modem_process", "--link", folder.modem_port,
            "--taken", folder.messages, "--control", folder.modem_control,
        )  # fmt: skip
        self._declare(CENTRE, program("cloud-server"), "run", "--config", folder.centre_settings)
        for box in self.street.boxes:
            clock = {CLOCK_VARIABLE: str(folder.clock_offset(box))}
            self._declare(box, program("edge-agent"), "run", "--config", folder.box_settings(box), environment=clock)

    def _declare(self, name: str, *command: str | Path, environment: dict[str, str] | None = None) -> None:
        self.children.add(name, [str(word) for word in command], self.folder.log(name), environment)


def program(name: str) -> str:
    """The command of ours beside the Python that runs. Raises FolderFault where it was not installed."""
    path = Path(sys.executable).parent / name
    if not path.exists():
        raise FolderFault(f"{path}: the command is not installed; run: make venv")
    return str(path)


def _write_json(path: Path, value: Any) -> None:
    write_file(path, json.dumps(value, ensure_ascii=False, indent=1).encode(), SETTINGS_MODE)
