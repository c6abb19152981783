"""`provision demo-control`: what can be done to a running demo from another terminal.

Names are the demo's own: a box by name or id, a shop by its number, a meter or point by its number or id.
"""

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

import msgspec

from protocol.plan_labels import IdBook
from provisioning.demo.folder import DemoFolder
from provisioning.demo.sockets import ask
from provisioning.demo.staging import CENTRE, CLOCK_VARIABLE, MODEM, SIMULATOR
from provisioning.files import SETTINGS_MODE, write_file

_STEP: Final = re.compile(r"([+-]?)(\d+(?:\.\d+)?)(ms|s|m|min|h|d)?")
_UNIT_MS: Final = {"ms": 1, "s": 1_000, None: 1_000, "m": 60_000, "min": 60_000, "h": 3_600_000, "d": 86_400_000}

Result = dict[str, Any]


class ControlFault(Exception):
    """A name that the demo does not have, or a step that was refused; the text says what would be right."""


class DemoControl:
    """The running demo on a state folder. Every call raises ControlFault and NoAnswer."""

    def __init__(self, state: Path) -> None:
        self._folder = DemoFolder(state)
        ids = self._folder.plan.with_suffix(".ids.json")
        try:
            self._ids: IdBook = msgspec.json.decode(ids.read_bytes(), type=IdBook)
        except (OSError, msgspec.MsgspecError) as fault:
            raise ControlFault(f"--state {state}: no demo has run there: {fault}") from None

    def cut_fibre(self, box: str, *, silent: bool) -> Result:
        """Stop the box's connections: refused at once, or swallowed."""
        return self._ask(self._folder.fibre_control, {"op": "cut", "link": self._box(box), "silent": silent})

    def restore_fibre(self, box: str) -> Result:
        return self._ask(self._folder.fibre_control, {"op": "restore", "link": self._box(box)})

    def load(self, point: str, watts: float) -> Result:
        """From now on this shop draws so much."""
        return self._simulator({"op": "load", "point": self._known("point", point), "watts": watts})

    def lose(self, target: str) -> Result:
        """A meter or a whole bus falls silent."""
        return self._simulator({"op": "lose", **self._meter_or_bus(target)})

    def revive(self, target: str) -> Result:
        return self._simulator({"op": "revive", **self._meter_or_bus(target)})

    def swap(self, meter: str) -> Result:
        """Another meter of the model hangs at its place, with another serial number and its register at 0."""
        return self._simulator({"op": "swap", "meter": self._known("meter", meter)})

    def messages(self) -> Result:
        """Every short message that left by the demo's modem, put together as a telephone does."""
        return self._ask(self._folder.modem_control, {"op": "messages"})

    def kill(self, name: str) -> Result:
        """SIGKILL, as when the power goes."""
        return self._ask(self._folder.control, {"op": "kill", "name": self._process(name)})

    def start(self, name: str) -> Result:
        """Start it again with the same words; demo.json then names its new process."""
        return self._ask(self._folder.control, {"op": "start", "name": self._process(name)})

    def clock(self, box: str, step: str) -> Result:
        """Move the wall clock of a box by a step; 0 puts it right again. The box is not told."""
        step_ms = read_step(step)
        path = self._folder.clock_offset(self._box(box))
        before_ms = int(path.read_text()) if path.exists() else 0
        offset_ms = before_ms + step_ms if step_ms else 0
        write_file(path, f"{offset_ms}\n".encode(), SETTINGS_MODE)
        return {"ok": True, "box": box, "offset_ms": offset_ms, "variable": CLOCK_VARIABLE}

    def status(self) -> Result:
        """Processes, fibres, clocks and the simulator's buses."""
        processes = self._ask(self._folder.control, {"op": "status"})["processes"]
        fibres = self._ask(self._folder.fibre_control, {"op": "status"})["links"]
        simulated = self._simulator({"op": "status"})
        offsets = {box: self._folder.clock_offset(box) for box in self._ids["box"]}
        return {
            "ok": True,
            "processes": processes,
            "fibres": {name: link["state"] for name, link in fibres.items()},
            "clock_offsets_ms": {box: int(path.read_text()) for box, path in offsets.items() if path.exists()},
            "buses": [self._bus_status(bus) for bus in simulated["buses"]],
        }

    def _bus_status(self, bus: Result) -> Result:
        labels = {made: label for label, made in self._ids["meter"].items()}
        counted = ("name", "tty", "requests", "replies", "broken_silences", "lost")
        meters = bus["meters"]
        return {
            **{key: bus[key] for key in counted},
            "open": [labels[meter["id"]] for meter in meters if meter["relay"] == "open"],
            "lost_meters": [labels[meter["id"]] for meter in meters if meter["lost"]],
        }

    # --- names ----------------------------------------------------------------------------------------------------

    def _box(self, name: str) -> str:
        """The name of a box that was given by name or id."""
        for label, made in self._ids["box"].items():
            if name in (label, made):
                return label
        raise ControlFault(f"no box {name!r}: there are {', '.join(self._ids['box'])}")

    def _process(self, name: str) -> str:
        if name in (CENTRE, SIMULATOR, MODEM):
            return name
        try:
            return self._box(name)
        except ControlFault as fault:
            raise ControlFault(f"{fault}, {CENTRE}, {SIMULATOR}, {MODEM}") from None

    def _known(self, kind: str, name: str) -> str:
        """The id of a meter or point that was given by the shop's number or by id, of either kind."""
        for every in (kind, "meter", "point"):
            for label, made in self._ids[every].items():
                if name in (label, made):
                    return self._ids[kind][label]
        raise ControlFault(
            f"no {kind} {name!r}: name it by the shop's number, for example {next(iter(self._ids[kind]))}"
        )

    def _meter_or_bus(self, name: str) -> dict[str, str]:
        for label, made in self._ids["bus"].items():
            if name in (label, made):
                return {"bus": label}
        try:
            return {"meter": self._known("meter", name)}
        except ControlFault as fault:
            raise ControlFault(f"{fault}; or a bus: {', '.join(self._ids['bus'])}") from None

    def _simulator(self, question: Result) -> Result:
        return self._ask(self._folder.simulator_control, question)

    def _ask(self, socket: Path, question: Result) -> Result:
        answer = ask(socket, question)
        if not answer.get("ok"):
            raise ControlFault(str(answer.get("error", "refused")))
        return answer


def read_step(text: str) -> int:
    """A step of a clock in ms: `+90`, `-15m`, `2h`, `-1d`, `500ms`. Raises ControlFault."""
    found = _STEP.fullmatch(text.strip())
    if found is None:
        raise ControlFault(f"STEP {text!r}: right would be for example +90s, -15m, 2h, -1d, or 0 to put it right")
    sign, number, unit = found.groups()
    return round(float(number) * _UNIT_MS[unit]) * (-1 if sign == "-" else 1)


ACTIONS: Final[dict[str, tuple[tuple[str, ...], str, Callable[..., Result]]]] = {
    "restore-fibre": (("BOX",), "mend it again", DemoControl.restore_fibre),
    "lose": (("METER|BUS",), "let a meter or a bus fall silent", DemoControl.lose),
    "revive": (("METER|BUS",), "let it answer again", DemoControl.revive),
    "swap": (("METER",), "hang another meter at its place", DemoControl.swap),
    "messages": ((), "the short messages that left by the modem", DemoControl.messages),
    "kill": (("BOX|centre|simulator|modem",), "kill -9 a process", DemoControl.kill),
    "start": (("BOX|centre|simulator|modem",), "start it again", DemoControl.start),
    "clock": (("BOX", "STEP"), "move a box's wall clock, for example by +2h; 0 puts it right", DemoControl.clock),
    "status": ((), "what runs and how it is", DemoControl.status),
}
"""Words that take only names; cut-fibre and load have their own options."""
