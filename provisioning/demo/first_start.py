"""From an empty centre to a selling street, by the commands and the API that a real site uses.

Each step can be repeated: a demo that was killed in the middle goes on where it stopped.
"""

import json
import subprocess
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import Any, Final

from provisioning import boxes
from provisioning.centre_api import CentreApi, Refused, Unreachable
from provisioning.demo.folder import Person
from provisioning.demo.sockets import ask
from provisioning.demo.staging import HOST, Stage, program
from provisioning.demo.words import make_password

UP_WITHIN_S: Final = 60.0
"""A centre or a box that is not up by then on a slow machine has a fault."""
LOOK_AGAIN_S: Final = 0.2
ASK_CENTRE_EVERY_S: Final = 1.0
"""A centre that is asked more often answers its boxes later."""
TEST_ROUNDS: Final = 10
ROUND_PAUSE_S: Final = 1.0
"""A bus reads all of its meters within two seconds."""
TESTED_KNOWN_WITHIN_S: Final = 15.0
"""How long the record of a relay test may take to the centre."""
PEOPLE: Final = (
    ("cashier", "收费员 李梅"),
    ("supervisor", "主管 张建"),
    ("accountant", "会计 王芳"),
    ("technician", "电工 刘强"),
    ("provisioner", "调试 陈工"),
    ("administrator", "管理员"),
    ("auditor", "审计 赵敏"),
)
"""Role and shown name; the role is also what is typed at the sign-in."""
TOKEN_SCOPES: Final = ["read", "sell", "provision"]
"""All that the API asks for: the demo's token is for trying out. A payment gateway gets `sell`."""
TOKEN_DAYS: Final = 400
"""The longest that the centre gives: a kept demo is still itself after a year."""

Say = Callable[[str], None]


class StartFailed(Exception):
    """A step of the first start did not come about; the text names it."""


def run_command(*words: str) -> str:
    """Run one of our commands to its end and return what it printed. Raises StartFailed with its words."""
    done = subprocess.run(words, capture_output=True, text=True, stdin=subprocess.DEVNULL, check=False)
    if done.returncode != 0:
        raise StartFailed(
            f"{' '.join(words)} ended with {done.returncode}: {done.stderr.strip() or done.stdout.strip()}"
        )
    return done.stdout


def set_up_centre(stage: Stage) -> None:
    """`cloud-server setup`, once: its database, and the token with which provisioning speaks to it."""
    if stage.memory.provision_token:
        return
    settings = str(stage.folder.centre_settings)
    said = run_command(program("cloud-server"), "setup", "--config", settings, "--provision-token", "--json")
    stage.memory.provision_token = json.loads(said)["provision_token"]
    stage.remember()


def wait_for_centre(stage: Stage) -> None:
    """Until it answers at /healthz. Raises StartFailed, ChildDied."""
    with stage.api() as api:
        wait_until(stage, "the centre to answer", UP_WITHIN_S, api.is_up)


def wait_until(
    stage: Stage, what: str, timeout_s: float, happened: Callable[[], bool], every_s: float = LOOK_AGAIN_S
) -> None:
    """Look again and again. Raises StartFailed after the time, ChildDied when a process ends meanwhile."""
    end = time.monotonic() + timeout_s
    while not happened():
        stage.children.check()
        if time.monotonic() > end:
            raise StartFailed(f"waited {timeout_s:.0f} s in vain for {what}; see {stage.folder.logs}")
        stage.pause(every_s)


def send_plan(stage: Stage) -> None:
    """PUT the plan of the street; the same one again changes nothing."""
    if stage.plan is None or stage.plan.plan is None:
        raise StartFailed("there is no plan to send")
    with stage.api() as api:
        api.put_plan(stage.plan.plan)


def make_people(stage: Stage) -> None:
    """Someone of each role, and a token for other programs. Passwords are kept before they are sent."""
    memory = stage.memory
    if memory.staff_made:
        return
    if not memory.staff:
        memory.staff = [Person(role, make_password(), role) for role, _ in PEOPLE]
        stage.remember()
    shown = dict(PEOPLE)
    with stage.api() as api:
        for person in memory.staff:
            _once(partial(api.add_person, person.name, shown[person.role], person.password, [person.role]))
        if not memory.api_token:
            memory.api_token = _api_token(stage)
    memory.staff_made = True
    stage.remember()


def _api_token(stage: Stage) -> str:
    """By the terminal of the centre: a provisioner's token gives none that may sell."""
    how = ["--config", str(stage.folder.centre_settings), "--name", "demo", "--json"]
    how += ["--scopes", ",".join(TOKEN_SCOPES), "--days", str(TOKEN_DAYS)]
    return str(json.loads(run_command(program("cloud-server"), "token", *how))["token"])


def _once(step: Callable[[], Any]) -> None:
    """Add a person whom an earlier start may have added already: then the name is what is refused, and nothing else."""
    try:
        step()
    except Refused as refusal:
        if [error.split(":")[0] for error in refusal.errors] != ["name"]:
            raise


def take_in_boxes(stage: Stage, say: Say) -> None:
    """Claim, enrol, confirm and start every box, all at once."""
    with ThreadPoolExecutor(max_workers=len(stage.street.boxes)) as pool:
        for name in pool.map(lambda box: _take_in(stage, box), stage.street.boxes):
            say(f"box {name} works")


def _take_in(stage: Stage, box: str) -> str:
    with stage.api() as api:
        if boxes.find_box(api.boxes(), box).state != "enrolled":
            _enrol(stage, api, box)
    stage.children.start(box)
    return box


def _enrol(stage: Stage, api: CentreApi, box: str) -> None:
    """The claim goes to the box, the box shows its fingerprint, a person compares and says yes: here, the demo."""
    address = f"https://{HOST}:{stage.memory.fibre_ports[box]}"
    boxes.write_claim(api, box, stage.folder.box_claim(box), centre_address=address)
    words = [program("edge-agent"), "enrol", "--config", str(stage.folder.box_settings(box))]
    with (
        stage.folder.log(f"{box}-enrol").open("ab") as log,
        stage.children.errand(words, log, subprocess.STDOUT) as enrolling,
    ):
        try:
            waiting = boxes.wait_until_waiting(api, box, UP_WITHIN_S, stage.pause)
            boxes.confirm(api, box, waiting.fingerprint or "")
            code = enrolling.wait(UP_WITHIN_S)
        except (subprocess.TimeoutExpired, boxes.BoxFault) as fault:
            raise StartFailed(f"box {box} was not enrolled: {fault}; see {log.name}") from None
    if code != 0:
        raise StartFailed(f"edge-agent enrol of box {box} ended with {code}; see {log.name}")


def put_in_service(stage: Stage, numbers: Sequence[str], say: Say) -> None:
    """Test the relays of these shops and put them in service: all boxes at once, in the order given on each."""
    box_of = {spot.number: spot.box for spot in stage.street.spots}
    by_box: dict[str, list[str]] = {}
    for number in numbers:
        if number not in stage.memory.in_service:
            by_box.setdefault(box_of[number], []).append(number)
    with ThreadPoolExecutor(max_workers=len(stage.street.boxes)) as pool:
        for _ in pool.map(lambda box: _serve_box(stage, box, by_box[box], say), by_box):
            stage.remember()


def _serve_box(stage: Stage, box: str, numbers: list[str], say: Say) -> None:
    """One box tests one relay at a time; a meter that was not read yet is tried again."""
    refused = dict.fromkeys(numbers, "not tried")
    for _ in range(TEST_ROUNDS):
        refused = _test_and_serve(stage, box, list(refused))
        if not refused:
            return
        stage.pause(ROUND_PAUSE_S)
    for number, why in refused.items():
        say(f"{number} stays in observe: {why}")


def _test_and_serve(stage: Stage, box: str, numbers: list[str]) -> dict[str, str]:
    """`edge-agent relay-test`, as a technician at the box does, and into service. Returns who did not pass, and why."""
    meters = {stage.id_of("meter", number): number for number in numbers}
    words = [program("edge-agent"), "relay-test", "--config", str(stage.folder.box_settings(box))]
    for meter in meters:
        words += ["--meter", meter]
    words += ["--who", "demo", "--yes", "--json"]
    refused = dict.fromkeys(numbers, "the test was broken off")
    with (
        stage.folder.log(f"{box}-relay-test").open("ab") as log,
        stage.children.errand(words, subprocess.PIPE, log) as testing,
    ):
        for line in testing.stdout or ():
            log.write(line)
            result = json.loads(line)
            number = meters[result["meter"]]
            if result.get("passed"):
                del refused[number]
            else:
                refused[number] = str(result.get("detail") or result.get("error") or line.decode())
    with stage.api() as api:
        for number in numbers:
            if number not in refused:
                _serve(stage, api, number)
    return refused


def _serve(stage: Stage, api: CentreApi, number: str) -> None:
    """Put one meter in service, as soon as the centre has heard of its test, and let it begin as it shall be seen."""
    meter = stage.id_of("meter", number)
    end = time.monotonic() + TESTED_KNOWN_WITHIN_S
    while True:
        try:
            api.put_in_service(meter)
            break
        except (Refused, Unreachable):
            if time.monotonic() > end:
                raise
            stage.pause(ASK_CENTRE_EVERY_S)
    if number in stage.street.begin_as("protected"):
        api.set_mode(meter, "protected")
    if number in stage.street.begin_as("lost"):
        ask(stage.folder.simulator_control, {"op": "lose", "meter": meter})
    stage.memory.in_service.append(number)
