"""`provision demo` in the foreground: sets up, starts, says where to look, waits for Ctrl-C, ends what it started."""

import os
import signal
import threading
import time
from collections.abc import Callable
from types import FrameType
from typing import Any, Final

from provisioning.centre_api import ApiFault
from provisioning.demo import first_start
from provisioning.demo.children import end_left_behind
from provisioning.demo.facts import write_demo_json
from provisioning.demo.folder import DemoFolder
from provisioning.demo.sockets import Listener
from provisioning.demo.staging import CENTRE, FIBRE, MODEM, SIMULATOR, Ending, Stage
from provisioning.demo.street import Street

STATES: Final = frozenset({"normal", "alarm1", "alarm2", "arrears", "not_opened", "lost"})
SHOWN_WITHIN_S: Final = 60.0
"""By then every state is to be seen; after it the demo says which is not, and goes on."""
WATCH_EVERY_S: Final = 0.5
ENDING: Final = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)

Say = Callable[[str], None]


def run_demo(
    folder: DemoFolder,
    say: Say,
    show: Callable[[Stage], None],
    *,
    port: int | None,
    fresh: bool,
    small: bool,
    speed: float,
) -> None:
    """Run a demo until a signal ends it. `show` is called when all is up.

    Raises FolderFault, StartFailed, ChildDied, ApiFault where the start does not come about.
    """
    lock = folder.take_lock()
    try:
        folder.demo_json.unlink(missing_ok=True)
        for name in end_left_behind(folder.children):
            say(f"ended {name}, left behind by a demo that was killed")
        folder.prepare(fresh=fresh)
        memory = folder.recall()
        if not memory.first_speed:
            memory.small, memory.first_speed = small, speed
        street = Street(small=memory.small, speed=speed, first_speed=memory.first_speed)
        Demo(Stage(folder, memory, street), say, show).run(port)
    finally:
        os.close(lock)


class Demo:
    """One run of a demo, from the first file to the last child's end."""

    def __init__(self, stage: Stage, say: Say, show: Callable[[Stage], None]) -> None:
        self._stage = stage
        self._say = say
        self._show = show
        self._is_up = False
        self._began_s = time.monotonic()
        self._began_ms = time.time_ns() // 1_000_000
        self._listener: Listener | None = None

    def run(self, port: int | None) -> None:
        """All of it."""
        # SIGINT too: in the background of a script it is ignored unless somebody asks for it.
        for each in ENDING:
            signal.signal(each, self._end_asked)
        try:
            self._start(port)
            self._watch()
        except Ending:
            self._say("ending")
        finally:
            self._end()

    def _end_asked(self, _number: int, _frame: FrameType | None) -> None:
        self._stage.ending.set()
        self._stage.children.end_errands()
        if not self._is_up:
            raise Ending

    # --- start ----------------------------------------------------------------------------------------------------

    def _start(self, port: int | None) -> None:
        stage, folder = self._stage, self._stage.folder
        stage.lay_out(port)
        stage.declare()
        for socket in (folder.simulator_control, folder.fibre_control, folder.modem_control, folder.control):
            socket.unlink(missing_ok=True)
        stage.children.start(SIMULATOR)
        stage.children.start(FIBRE)
        stage.children.start(MODEM)
        first_start.set_up_centre(stage)
        stage.children.start(CENTRE)
        first_start.wait_for_centre(stage)
        self._told("the centre answers")
        first_start.send_plan(stage)
        first_start.make_people(stage)
        self._wait_for_sockets()
        first_start.take_in_boxes(stage, self._told)
        first_start.put_in_service(stage, stage.street.shown_first, self._told)
        is_first, stage.memory.settled = not stage.memory.settled, True
        stage.remember()
        threading.Thread(target=self._serve_the_rest, name="commissioning", daemon=True).start()
        self._wait_for_street(is_first)
        self._listener = Listener(folder.control, self._answer)
        threading.Thread(target=self._listener.serve_forever, name="control", daemon=True).start()
        self._is_up = True
        self._show(stage)
        self._told("all is up")
        write_demo_json(stage)

    def _told(self, what: str) -> None:
        self._say(f"{time.monotonic() - self._began_s:5.1f} s  {what}")

    def _wait_for_sockets(self) -> None:
        """Until simulator and fibres can be asked; boxes that start then find their buses and the centre."""
        paths = (self._stage.folder.simulator_control, self._stage.folder.fibre_control)
        first_start.wait_until(
            self._stage, "simulator and fibres", SHOWN_WITHIN_S, lambda: all(path.exists() for path in paths)
        )

    def _wait_for_street(self, is_first: bool) -> None:
        """Until the console shows every box at work, and at the first start all six states."""
        lacking: set[str] = set()

        def all_shown() -> bool:
            points = api.points()
            heard = {point["box"] for point in points if (point["seen_at"] or 0) > self._began_ms}
            lacking.clear()
            lacking.update({point["box"] for point in points} - heard)
            lacking.update(STATES - {point["state"] for point in points} if is_first else ())
            return not lacking

        every_s = first_start.ASK_CENTRE_EVERY_S
        with self._stage.api() as api:
            try:
                first_start.wait_until(self._stage, "the whole street", SHOWN_WITHIN_S, all_shown, every_s)
            except first_start.StartFailed:
                self._told(f"not seen yet: {', '.join(sorted(lacking))}")

    def _serve_the_rest(self) -> None:
        """Test and put in service what did not have to come first, while people look already."""
        stage = self._stage
        rest = [spot.number for spot in stage.street.spots if spot.use == "tenant"]
        try:
            first_start.put_in_service(stage, rest, self._told)
        except Ending:
            return
        except (first_start.StartFailed, ApiFault) as fault:
            self._told(f"relay tests stopped: {fault}")
        else:
            self._told(f"{len(stage.memory.in_service)} shops are in service")

    # --- running --------------------------------------------------------------------------------------------------

    def _watch(self) -> None:
        """Until a signal; tells when a process ends that nobody ended here."""
        while True:
            self._stage.pause(WATCH_EVERY_S)
            for child in self._stage.children.died():
                self._say(child.obituary())
                self._say(
                    f"start it again: provision demo-control --state {self._stage.folder.path} start {child.name}"
                )

    def _answer(self, question: dict[str, Any]) -> dict[str, Any]:
        """What demo-control asks: kill, start, status."""
        children = self._stage.children
        name = str(question.get("name", CENTRE))
        if name not in children.names:
            return {"ok": False, "error": f"no process {name!r}: there are {', '.join(children.names)}"}
        match question.get("op"):
            case "kill":
                return {"ok": True, "pid": children.kill(name)}
            case "start":
                started = children.start(name)
                write_demo_json(self._stage)
                return {"ok": True, "pid": started.pid}
            case "status":
                return {"ok": True, "processes": {each: children.get(each).pid_now for each in children.names}}
        return {"ok": False, "error": f"{question.get('op')!r}: known are kill, start, status"}

    # --- end ------------------------------------------------------------------------------------------------------

    def _end(self) -> None:
        # From here on a second Ctrl-C must not leave half of the children behind.
        for each in ENDING:
            signal.signal(each, signal.SIG_IGN)
        self._stage.ending.set()
        if self._listener is not None:
            self._listener.shutdown()
            self._listener.server_close()
        for path in (self._stage.folder.demo_json, self._stage.folder.control):
            path.unlink(missing_ok=True)
        # The boxes first: what they have to say at the end still finds the centre and the meters.
        self._stage.children.end([box for box in self._stage.street.boxes if box in self._stage.children.names])
        self._stage.children.end_all()
