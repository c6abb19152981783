"""The control socket: one JSON object a line in, one JSON line out.

Requests are `{"op": NAME, ...}`; answers `{"ok": true, ...}` or `{"ok": false, "error": TEXT}`. What each does is
told at its function. Nothing here knows lines or registers; all is done by the site.
"""

import json
import socket
import threading
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from provisioning.simulator.control_request import ControlRequest, RequestMistake
from provisioning.simulator.faults import Fault, FaultKind
from provisioning.simulator.frames import MAXIMUM_REGISTERS_READ
from provisioning.simulator.loads import GREATEST_WATTS
from provisioning.simulator.report import exchange_report, site_report
from provisioning.simulator.second_master import read_question
from provisioning.simulator.site import GREATEST_SPEED, SimulatedSite, UnknownName
from provisioning.simulator.site_description import GREATEST_ENERGY_WH, is_serial

# A request is a few hundred bytes; more without a line's end is somebody else's protocol.
LONGEST_REQUEST_BYTES = 64 * 1024
# A sockaddr_un holds this many bytes of a path with its end (unix(7)).
LONGEST_SOCKET_PATH_BYTES = 107
LONGEST_LATENESS_MS = 60_000
# One answer carries so many exchanges at most; the rest waits for the next request.
EXCHANGES_IN_ANSWER = 2_000

Answer = dict[str, Any]


def status(site: SimulatedSite, request: ControlRequest) -> Answer:
    """`status`: all buses with their counters, all meters with their registers, relays, loads and faults."""
    request.nothing_else()
    return site_report(site)


def load(site: SimulatedSite, request: ControlRequest) -> Answer:
    """`load` {point|meter, watts}: from now on this meter's load is constant."""
    meter, watts = request.meter_or_point(site), request.number("watts", 0, GREATEST_WATTS)
    request.nothing_else()
    site.draw(meter, watts)
    return {}


def lose(site: SimulatedSite, request: ControlRequest) -> Answer:
    """`lose` {meter|bus}: it falls silent (and goes on measuring)."""
    target = request.meter_or_bus(site)
    request.nothing_else()
    site.set_lost(target, lost=True)
    return {}


def revive(site: SimulatedSite, request: ControlRequest) -> Answer:
    """`revive` {meter|bus}: it answers again."""
    target = request.meter_or_bus(site)
    request.nothing_else()
    site.set_lost(target, lost=False)
    return {}


def unplug(site: SimulatedSite, request: ControlRequest) -> Answer:
    """`unplug` {bus}: its adapter is gone, with its path."""
    bus = request.bus(site)
    request.nothing_else()
    bus.unplug()
    return {}


def plug(site: SimulatedSite, request: ControlRequest) -> Answer:
    """`plug` {bus}: the adapter is back at the same path."""
    bus = request.bus(site)
    request.nothing_else()
    bus.plug()
    return {}


def swap(site: SimulatedSite, request: ControlRequest) -> Answer:
    """`swap` {meter, serial?, energy_wh?}: another meter of the model hangs at its place; tells its serial."""
    meter = request.meter(site)
    serial = request.optional_text("serial")
    energy_wh = request.integer("energy_wh", 0, GREATEST_ENERGY_WH, 0)
    request.nothing_else()
    if serial is not None and not is_serial(serial):
        raise RequestMistake(f"serial: {serial!r}: must be 12 digits")
    return {"serial": site.swap(meter, serial, energy_wh)}


def set_register(site: SimulatedSite, request: ControlRequest) -> Answer:
    """`set` {meter, energy_wh}: its total register stands there now."""
    meter, energy_wh = request.meter(site), request.integer("energy_wh", 0, GREATEST_ENERGY_WH)
    request.nothing_else()
    site.set_energy_wh(meter, energy_wh)
    return {}


def press(site: SimulatedSite, request: ControlRequest) -> Answer:
    """`press` {meter}: somebody presses its button; tells whether the relay is closed now."""
    meter = request.meter(site)
    request.nothing_else()
    return {"closed": site.press_button(meter)}


def fault(site: SimulatedSite, request: ControlRequest) -> Answer:
    """`fault` {meter|bus, kind, probability?, late_ms?, seed?}: from now on it (each meter of a bus) has this too."""
    target = request.meter_or_bus(site)
    new = Fault(
        kind=FaultKind(request.choice("kind", [kind.value for kind in FaultKind])),
        probability=request.number("probability", 0, 1, 1),
        late_ms=request.integer("late_ms", 0, LONGEST_LATENESS_MS, 0),
        seed=request.integer("seed", 0, 1 << 63, 0),
    )
    request.nothing_else()
    site.add_fault(target, new)
    return {}


def faults_clear(site: SimulatedSite, request: ControlRequest) -> Answer:
    """`faults_clear` {meter|bus}, or nothing for the whole site: no faults any more."""
    targets = [request.meter_or_bus(site)] if request.names_target else site.buses
    request.nothing_else()
    for target in targets:
        site.clear_faults(target)
    return {}


def second_master(site: SimulatedSite, request: ControlRequest) -> Answer:
    """`second_master` {bus, every_ms, address?, count?}: another master reads each meter in turn; 0 ends it."""
    bus = request.bus(site)
    every_ms = request.integer("every_ms", 0, LONGEST_LATENESS_MS)
    address = request.integer("address", 0, 0xFFFF, 0)
    count = request.integer("count", 1, MAXIMUM_REGISTERS_READ, 2)
    request.nothing_else()
    questions = tuple(read_question(meter.description.unit, address, count) for meter in bus.meters)
    site.play_second_master(bus, every_ms, questions if every_ms else ())
    return {}


def speed(site: SimulatedSite, request: ControlRequest) -> Answer:
    """`speed` {factor}: loads draw this many times what they say."""
    factor = request.number("factor", 0, GREATEST_SPEED)
    request.nothing_else()
    site.run_at(factor)
    return {}


def log(site: SimulatedSite, request: ControlRequest) -> Answer:
    """`log` {meter|bus, on}: record what is asked and really sent, or stop it."""
    target, on = request.meter_or_bus(site), request.flag("on")
    request.nothing_else()
    site.set_logged(target, on=on)
    return {}


def log_take(site: SimulatedSite, request: ControlRequest) -> Answer:
    """`log_take` {bus}: the oldest recorded exchanges, taken off the log; `left` tells how many wait."""
    bus = request.bus(site)
    request.nothing_else()
    taken = bus.take_exchanges(EXCHANGES_IN_ANSWER)
    return {"exchanges": [exchange_report(exchange) for exchange in taken], "left": len(bus.exchanges)}


OPERATIONS: dict[str, Callable[[SimulatedSite, ControlRequest], Answer]] = {
    "status": status,
    "load": load,
    "lose": lose,
    "revive": revive,
    "unplug": unplug,
    "plug": plug,
    "swap": swap,
    "set": set_register,
    "press": press,
    "fault": fault,
    "faults_clear": faults_clear,
    "second_master": second_master,
    "speed": speed,
    "log": log,
    "log_take": log_take,
}


def answer(site: SimulatedSite, line: bytes) -> bytes:
    """The answer line to a request line; never raises for what the other side sent."""
    try:
        request = ControlRequest.parse(line)
        operation = OPERATIONS[request.choice("op", list(OPERATIONS))]
        reply: Answer = {"ok": True, **operation(site, request)}
    except (RequestMistake, UnknownName, OSError) as error:
        reply = {"ok": False, "error": str(error)}
    return json.dumps(reply, ensure_ascii=False).encode() + b"\n"


class ControlServer:
    """Listens on a unix socket, a thread for each connection, from `with` to its end."""

    def __init__(self, site: SimulatedSite, path: Path) -> None:
        if len(str(path).encode()) > LONGEST_SOCKET_PATH_BYTES:
            raise OSError(f"{path}: a socket's path has at most {LONGEST_SOCKET_PATH_BYTES} bytes")
        self._site = site
        self._path = path
        self._listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)

    def __enter__(self) -> Self:
        self._path.parent.mkdir(parents=True, exist_ok=True)
        # The state folder's lock says that no other simulator lives: what lies here is from one that was killed.
        self._path.unlink(missing_ok=True)
        self._listener.bind(str(self._path))
        self._path.chmod(0o600)
        self._listener.listen()
        threading.Thread(target=self._accept, name="control", daemon=True).start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._path.unlink(missing_ok=True)
        with suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()

    def _accept(self) -> None:
        # Closing the listener ends the thread.
        with suppress(OSError):
            while True:
                connection, _ = self._listener.accept()
                threading.Thread(target=self._serve, args=(connection,), name="control peer", daemon=True).start()

    def _serve(self, connection: socket.socket) -> None:
        # A peer that goes away ends its own connection only.
        with connection, suppress(OSError), connection.makefile("rb") as lines:
            while line := lines.readline(LONGEST_REQUEST_BYTES):
                connection.sendall(answer(self._site, line))
                if not line.endswith(b"\n"):
                    return
