"""`provision demo` in the foreground: sets up, starts, says where to look, waits for Ctrl-C, ends what it started."""

import os
import signal
import threading
import time
from collections.abc import Callable
from types import FrameType
from typing import Any, Final

import msgspec

from provisioning.centre_api import ApiFault
from provisioning.demo import first_start
from provisioning.demo.children import Child, Children, end_left_behind
from provisioning.demo.folder import DemoFolder, Person
from provisioning.demo.sockets import Listener, ask
from provisioning.demo.staging import CENTRE, FIBRE, SIMULATOR, Stage
from provisioning.demo.street import Street
from provisioning.files import SETTINGS_MODE, write_file

STATES: Final = frozenset({"normal", "alarm1", "alarm2", "arrears", "not_opened", "lost"})
SHOWN_WITHIN_S: Final = 60.0
"""By then every state is to be seen; after it the demo says which is not, and goes on."""
WATCH_EVERY_S: Final = 0.5
ENDING: Final = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)

Say = Callable[[str], None]


class DemoBus(msgspec.Struct, frozen=True):
    """One bus in demo.json: its serial device, and the ids of its meters by unit."""

    tty: str
    meters: list[str]


class DemoBox(msgspec.Struct, frozen=True):
    """One box in demo.json."""

    id: str
    pid: int
    config: str
    state_dir: str
    buses: list[DemoBus]


class DemoCentre(msgspec.Struct, frozen=True):
    """The centre in demo.json."""

    pid: int
    config: str


class DemoSimulator(msgspec.Struct, frozen=True):
    """The simulator in demo.json."""

    pid: int
    control: str


class DemoJson(msgspec.Struct, frozen=True):
    """demo.json: what another program needs to work with a running demo."""

    url: str
    ca_file: str
    api_token: str
    staff: list[Person]
    centre: DemoCentre
    boxes: list[DemoBox]
    simulator: DemoSimulator


class Stopped(Exception):
    """A person or a signal asked for the end."""


class Demo:
    """One run of a demo, from the lock to the last child's end."""

    def __init__(self, folder: DemoFolder, say: Say) -> None:
        self.folder = folder
        self.say = say
        self.stage: Stage
        self.is_up = False
        self.when_up: Callable[[], None] = lambda: None
        self._began_s = time.monotonic()
        self._stop = threading.Event()
        self._listener: Listener | None = None

    def run(self, *, port: int | None, fresh: bool, small: bool, speed: float) -> None:
        """All of it. Raises FolderFault, StartFailed, ChildDied, ApiFault where the start does not come about."""
        lock = self.folder.take_lock()
        # SIGINT too: in the background of a script it is ignored unless somebody asks for it.
        for each in ENDING:
            signal.signal(each, self._stop_asked)
        try:
            self.folder.demo_json.unlink(missing_ok=True)
            for name in end_left_behind(self.folder.children):
                self.say(f"ended {name}, left behind by a demo that was killed")
            self.folder.prepare(fresh=fresh)
            self._start(port=port, small=small, speed=speed)
            self._watch()
        except Stopped:
            self.say("ending")
        finally:
            self._end()
            os.close(lock)

    def _stop_asked(self, _number: int, _frame: FrameType | None) -> None:
        self._stop.set()
        if not self.is_up:
            raise Stopped

    # --- start ----------------------------------------------------------------------------------------------------

    def _start(self, *, port: int | None, small: bool, speed: float) -> None:
        memory = self.folder.recall()
        memory.small = memory.small if memory.settled else small
        self.stage = stage = Stage(self.folder, memory, Street(small=memory.small, speed=speed))
        stage.lay_out(port)
        stage.declare()
        children = stage.children
        for socket in (self.folder.simulator_control, self.folder.fibre_control, self.folder.control):
            socket.unlink(missing_ok=True)
        children.start(SIMULATOR)
        children.start(FIBRE)
        first_start.set_up_centre(stage)
        children.start(CENTRE)
        first_start.wait_for_centre(stage)
        self._told("the centre answers")
        first_start.send_plan(stage)
        first_start.make_people(stage)
        self._wait_for_sockets()
        first_start.take_in_boxes(stage, self._told)
        street = stage.street
        first_start.put_in_service(stage, street.shown_first, self._told)
        for number in street.begin_as("lost") if not memory.settled else ():
            ask(self.folder.simulator_control, {"op": "lose", "meter": stage.id_of("meter", number)})
        memory.settled = True
        stage.remember()
        self._wait_for_states()
        self._listener = Listener(self.folder.control, self._answer)
        threading.Thread(target=self._listener.serve_forever, name="control", daemon=True).start()
        threading.Thread(target=self._serve_the_rest, name="commissioning", daemon=True).start()
        self.is_up = True
        self.when_up()
        self._told("all is up")
        self.write_demo_json()

    def _told(self, what: str) -> None:
        self.say(f"{time.monotonic() - self._began_s:5.1f} s  {what}")

    def _wait_for_sockets(self) -> None:
        """Until simulator and fibres can be asked; boxes that start then find their buses and the centre."""
        paths = (self.folder.simulator_control, self.folder.fibre_control)
        first_start.wait_until(
            self.stage, "simulator and fibres", SHOWN_WITHIN_S, lambda: all(p.exists() for p in paths)
        )

    def _wait_for_states(self) -> None:
        """Until the console would show all six states; only the first start promises them."""
        seen: set[str] = set()

        def all_shown() -> bool:
            with self.stage.api() as api:
                seen.update(point["state"] for point in api.points())
            return seen >= STATES or self._stop.is_set()

        try:
            first_start.wait_until(self.stage, "all six states", SHOWN_WITHIN_S, all_shown)
        except first_start.StartFailed:
            self._told(f"not seen yet: {', '.join(sorted(STATES - seen))}")

    def _serve_the_rest(self) -> None:
        """Test and put in service what did not have to come first, while people look already."""
        stage = self.stage
        rest = [spot.number for spot in stage.street.spots if spot.use == "tenant"]
        try:
            first_start.put_in_service(stage, rest, self._told)
        except (first_start.StartFailed, ApiFault) as fault:
            self._told(f"relay tests stopped: {fault}")
        else:
            self._told(f"{len(stage.memory.in_service)} shops are in service")
        stage.remember()

    # --- running --------------------------------------------------------------------------------------------------

    def _watch(self) -> None:
        """Until a signal; tells when a process ends that nobody ended here."""
        while not self._stop.wait(WATCH_EVERY_S):
            for child in self.stage.children.died():
                self.say(child.obituary())
                self.say(f"start it again with: provision demo-control --state {self.folder.path} start {child.name}")

    def write_demo_json(self) -> None:
        """Everything that another program needs, in one rename."""
        stage, children = self.stage, self.stage.children
        content = DemoJson(
            url=stage.url,
            ca_file=str(self.folder.ca_file),
            api_token=stage.memory.api_token,
            staff=stage.memory.staff,
            centre=DemoCentre(children.get(CENTRE).pid, str(self.folder.centre_settings)),
            boxes=[self._box(box, children) for box in stage.street.boxes],
            simulator=DemoSimulator(children.get(SIMULATOR).pid, str(self.folder.simulator_control)),
        )
        text = msgspec.json.format(msgspec.json.encode(content), indent=2)
        write_file(self.folder.demo_json, text + b"\n", SETTINGS_MODE)

    def _box(self, box: str, children: Children) -> DemoBox:
        spots = [spot for spot in self.stage.street.spots if spot.box == box]
        return DemoBox(
            id=self.stage.id_of("box", box),
            pid=children.get(box).pid,
            config=str(self.folder.box_settings(box)),
            state_dir=str(self.folder.box_state(box)),
            buses=[
                DemoBus(
                    tty=str(self.folder.tty(bus)),
                    meters=[self.stage.id_of("meter", spot.number) for spot in spots if spot.bus == bus],
                )
                for bus in dict.fromkeys(spot.bus for spot in spots)
            ],
        )

    def _answer(self, question: dict[str, Any]) -> dict[str, Any]:
        """What demo-control asks: kill, start, status."""
        children = self.stage.children
        try:
            child: Child = children.get(str(question.get("name", CENTRE)))
        except KeyError:
            return {"ok": False, "error": f"no process {question.get('name')!r}: there are {', '.join(children.names)}"}
        match question.get("op"):
            case "kill":
                return {"ok": True, "pid": children.kill(child.name)}
            case "start":
                started = children.start(child.name)
                self.write_demo_json()
                return {"ok": True, "pid": started.pid}
            case "status":
                return {"ok": True, "processes": {name: children.get(name).pid_now for name in children.names}}
        return {"ok": False, "error": f"{question.get('op')!r}: known are kill, start, status"}

    # --- end ------------------------------------------------------------------------------------------------------

    def _end(self) -> None:
        # From here on a second Ctrl-C must not leave half of the children behind.
        for each in ENDING:
            signal.signal(each, signal.SIG_IGN)
        self._stop.set()
        if self._listener is not None:
            self._listener.shutdown()
            self._listener.server_close()
        for path in (self.folder.demo_json, self.folder.control):
            path.unlink(missing_ok=True)
        if hasattr(self, "stage"):
            self.stage.children.end_all()
