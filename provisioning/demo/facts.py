"""demo.json: what another program needs to work with a running demo. Written in one rename, last of all."""

import msgspec

from provisioning.demo.folder import Person
from provisioning.demo.staging import CENTRE, SIMULATOR, Stage
from provisioning.files import SETTINGS_MODE, write_file


class DemoBus(msgspec.Struct, frozen=True):
    """One bus: its serial device, and the ids of its meters by unit."""

    tty: str
    meters: list[str]


class DemoBox(msgspec.Struct, frozen=True):
    """One box."""

    id: str
    pid: int
    config: str
    state_dir: str
    buses: list[DemoBus]


class DemoCentre(msgspec.Struct, frozen=True):
    """The centre."""

    pid: int
    config: str


class DemoSimulator(msgspec.Struct, frozen=True):
    """The simulator; `control` is its socket."""

    pid: int
    control: str


class DemoJson(msgspec.Struct, frozen=True):
    """The whole file."""

    url: str
    ca_file: str
    api_token: str
    staff: list[Person]
    centre: DemoCentre
    boxes: list[DemoBox]
    simulator: DemoSimulator


def write_demo_json(stage: Stage) -> None:
    """Tell of the processes as they run now."""
    folder, children = stage.folder, stage.children
    content = DemoJson(
        url=stage.url,
        ca_file=str(folder.ca_file),
        api_token=stage.memory.api_token,
        staff=stage.memory.staff,
        centre=DemoCentre(children.get(CENTRE).pid, str(folder.centre_settings)),
        boxes=[_box(stage, box) for box in stage.street.boxes],
        simulator=DemoSimulator(children.get(SIMULATOR).pid, str(folder.simulator_control)),
    )
    text = msgspec.json.format(msgspec.json.encode(content), indent=2)
    write_file(folder.demo_json, text + b"\n", SETTINGS_MODE)


def _box(stage: Stage, box: str) -> DemoBox:
    spots = [spot for spot in stage.street.spots if spot.box == box]
    return DemoBox(
        id=stage.id_of("box", box),
        pid=stage.children.get(box).pid,
        config=str(stage.folder.box_settings(box)),
        state_dir=str(stage.folder.box_state(box)),
        buses=[
            DemoBus(
                tty=str(stage.folder.tty(bus)),
                meters=[stage.id_of("meter", spot.number) for spot in spots if spot.bus == bus],
            )
            for bus in dict.fromkeys(spot.bus for spot in spots)
        ],
    )
