"""The words `demo` and `demo-control`: options, and what the terminal shows."""

import argparse
import json
import sys
from pathlib import Path
from typing import Any, Final

from provisioning.centre_api import ApiFault, Refused
from provisioning.demo.children import ChildDied
from provisioning.demo.control import ACTIONS, ControlFault, DemoControl
from provisioning.demo.first_start import StartFailed
from provisioning.demo.folder import DemoFolder, FolderFault
from provisioning.demo.run import run_demo
from provisioning.demo.sockets import NoAnswer
from provisioning.demo.staging import DEFAULT_PORT, Stage
from provisioning.init_site import InitFault

DEFAULT_STATE: Final = Path("demo-state")
NOT_DONE: Final = 1
SPEED_MAX: Final = 1_000.0
"""Beyond it a register of 0.01 kWh moves by many steps between two readings, and nothing is to be seen."""


def add_words(words: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Add both to the command line."""
    demo = words.add_parser("demo", help="run a whole simulated site on this machine until Ctrl-C")
    demo.add_argument("--port", type=_port, help=f"the centre's port on 127.0.0.1 ({DEFAULT_PORT})")
    demo.add_argument(
        "--state", type=Path, default=DEFAULT_STATE, help=f"state folder, kept between runs ({DEFAULT_STATE})"
    )
    demo.add_argument("--fresh", action="store_true", help="forget the kept state and start anew")
    demo.add_argument("--headless", action="store_true", help="for scripts: print one line when all is up, no guide")
    demo.add_argument("--speed", type=_speed, default=1.0, help="loads run so many times faster; the lines do not (1)")
    demo.add_argument("--small", action="store_true", help="one shaft with two buses of six meters")
    demo.set_defaults(run=_run_demo, json=False)
    control = words.add_parser("demo-control", help="act on a running demo: cut a fibre, lose a meter, kill a box …")
    control.add_argument("--state", type=Path, default=DEFAULT_STATE, help=f"its state folder ({DEFAULT_STATE})")
    actions = control.add_subparsers(required=True, metavar="ACTION")
    cut = actions.add_parser("cut-fibre", help="cut the fibre of a box")
    cut.add_argument("names", nargs=1, metavar="BOX")
    cut.add_argument("--silent", action="store_true", help="connections hang instead of being refused")
    cut.set_defaults(act=lambda to, given: to.cut_fibre(given.names[0], silent=given.silent))
    load = actions.add_parser("load", help="let a shop draw so many watts")
    load.add_argument("names", nargs=1, metavar="POINT")
    load.add_argument("watts", type=float, metavar="WATTS")
    load.set_defaults(act=lambda to, given: to.load(given.names[0], given.watts))
    for word, (names, what, act) in ACTIONS.items():
        # A step of a clock may begin with a minus: these words have no options.
        action = actions.add_parser(word, help=what, add_help=False, prefix_chars="\0")
        for number, name in enumerate(names):
            action.add_argument(f"name{number}", metavar=name)
        action.set_defaults(act=_by_names(act, len(names)))
    control.set_defaults(run=_run_control, json=False)


def _by_names(act: Any, count: int) -> Any:
    return lambda to, given: act(to, *(getattr(given, f"name{number}") for number in range(count)))


def _port(text: str) -> int:
    if not text.isdecimal() or not 1 <= int(text) <= 65_535:
        raise argparse.ArgumentTypeError(f"{text!r}: a port is 1 to 65535")
    return int(text)


def _speed(text: str) -> float:
    try:
        speed = float(text)
    except ValueError:
        speed = -1.0
    if not 0 < speed <= SPEED_MAX:
        raise argparse.ArgumentTypeError(f"{text!r}: a number above 0 and at most {SPEED_MAX:g}")
    return speed


def _run_demo(options: argparse.Namespace) -> int:
    words = {"port": options.port, "fresh": options.fresh, "small": options.small, "speed": options.speed}
    try:
        run_demo(DemoFolder(options.state), _say, _say_nothing if options.headless else _show, **words)
    except (FolderFault, StartFailed, ChildDied, ApiFault, InitFault, NoAnswer, OSError) as fault:
        print("\n  ".join([f"demo: {fault}", *(fault.errors if isinstance(fault, Refused) else [])]), file=sys.stderr)
        return NOT_DONE
    return 0


def _say(text: str) -> None:
    print(text, flush=True)


def _show(stage: Stage) -> None:
    print(guide(stage), flush=True)


def _say_nothing(_stage: Stage) -> None:
    """A script reads demo.json."""


def guide(stage: Stage) -> str:
    """Where to look, who can sign in, what to try."""
    folder, street = stage.folder, stage.street
    control = f"provision demo-control --state {folder.path}"
    people = "\n".join(f"    {person.role:<14} {person.name:<14} {person.password}" for person in stage.memory.staff)
    box = street.boxes[0]
    shops = {state: ", ".join(street.begin_as(state)) for state in ("arrears", "alarm1", "alarm2", "lost")}
    arrears = street.begin_as("arrears")[0]
    return f"""
  {stage.url}     the console; its certificate comes from this site's own authority: {folder.ca_file}

  Who can sign in (role, name, password):
{people}

  Shops to look at: {street.dry} runs dry within two minutes; {shops["arrears"]} are dark, in arrears;
  {shops["alarm2"]} alarm 2; {shops["alarm1"]} alarm 1; {shops["lost"]} lost.

  What to try:
    sell ¥ 100 to {arrears} at the desk, as cashier: it is lit within two seconds
    {control} cut-fibre {box}       sell to a shop of {box}: the sale waits …
    {control} restore-fibre {box}   … and takes effect
    {control} load 102 30000        a shop that draws 30 kW
    {control} lose {box}-2          a bus falls silent
    {control} kill {box}            and: start {box}
    curl --cacert {folder.ca_file} -H "Authorization: Bearer $TOKEN" {stage.url}/api/v1/points
                                    (TOKEN: api_token in {folder.demo_json})

  Logs: {folder.logs}      Ctrl-C ends everything; the state is kept.
"""


def _run_control(options: argparse.Namespace) -> int:
    try:
        answer = options.act(DemoControl(options.state), options)
    except (ControlFault, NoAnswer) as fault:
        print(f"demo-control: {fault}", file=sys.stderr)
        return NOT_DONE
    answer.pop("ok", None)
    print(json.dumps(answer, ensure_ascii=False, indent=1) if answer else "done")
    return 0
