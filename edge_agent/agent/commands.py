"""What each command of `edge-agent` does. Says things through a `Terminal`; gives an exit code.

0: done. 1: refused or failed, in words. 2: the command line or a file is wrong, every mistake named.
"""

import json
import logging
import os
import select
import sys
import time
from argparse import Namespace
from collections.abc import Callable, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any, Final

from edge_agent.agent.bundle_file import BadBundle
from edge_agent.agent.checks import check_box
from edge_agent.agent.courier import export_lines, import_lines
from edge_agent.agent.enrol import enrol
from edge_agent.agent.offline import stored_batches, stored_status
from edge_agent.agent.profile_trial import read_values, try_profile
from edge_agent.agent.profiles import check_file, read_meter
from edge_agent.agent.reach import reach
from edge_agent.agent.run import AgentFailed, own_version, run
from edge_agent.agent.scan import scan
from edge_agent.agent.terminal import FAILED, OK, WRONG, Terminal
from edge_agent.agent.upgrade import UpgradeFailed, prepare, start_current, switch
from edge_agent.bus.serial_port import LineDown
from edge_agent.clock import SystemClock
from edge_agent.config import BadConfig, read_box_file
from edge_agent.console.local_socket import AgentUnreachable, ask
from edge_agent.console.log_lines import log_to_stderr
from edge_agent.console.tables import status_text
from edge_agent.flows.start_up import NotEnrolled
from edge_agent.ports import NEEDS_RIGHTS, StoreFault
from edge_agent.sync.enrolment import Refused, Waiting
from edge_agent.sync.identity import IdentityFault, read_identity
from protocol.errors import TheirFault

WATCH_EVERY_S: Final = 1.0
FIRST_READING_S: Final = 20.0
"""A meter that was just planned is read within a round or two of its bus, some seconds each."""
LOOK_EVERY_S: Final = 0.5
_WARNINGS: Final = {
    "relay_test": "The relay will open and close: the shop is without power for some seconds.",
    "guard_test": "The meter's own account will be topped up by 0.01; no relay moves.",
}
_TOLD: Final = (
    AgentFailed, BadBundle, UpgradeFailed, StoreFault, LineDown, IdentityFault, NotEnrolled, Refused, AgentUnreachable,
    TheirFault,
)  # fmt: skip
"""What is told in words of its own, and no more."""
_CLEAR: Final = "\x1b[H\x1b[2J"


def carry_out(parsed: Namespace, terminal: Terminal, words: list[str] | None = None) -> int:
    """Carry out the command that was parsed; what goes wrong is told in words.

    `words`: the command line of this process, where it may become the version of the program that is in force.
    """
    log_to_stderr(logging.INFO if parsed.command == "run" else logging.WARNING)
    try:
        if words is not None:
            _start_version_in_force(parsed, words)
        return _COMMANDS[parsed.command](parsed, terminal)
    except BadConfig as fault:
        terminal.complain("\n".join(fault.mistakes))
        return WRONG
    except _TOLD as fault:
        terminal.complain(str(fault))
        return FAILED
    except BrokenPipeError:  # whoever read along has seen enough; what is still to be written goes nowhere
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return FAILED
    except OSError as fault:
        if parsed.command == "run" and not isinstance(fault, PermissionError):
            raise
        terminal.complain(_told(fault))
        return FAILED
    except KeyboardInterrupt:
        return FAILED


def _told(fault: OSError) -> str:
    """A fault of the machine in words: which file, and what would be right."""
    words = f"{fault.filename}: {fault.strerror}" if fault.filename is not None else str(fault)
    return f"{words}; {NEEDS_RIGHTS}" if isinstance(fault, PermissionError) else words


def _start_version_in_force(parsed: Namespace, words: list[str]) -> None:
    """A box that was upgraded runs the version in its state directory; every command of it is that version's."""
    if getattr(parsed, "config", None) is None:
        return
    with suppress(BadConfig):
        state_dir = read_box_file(parsed.config).state_dir
        start_current(state_dir, words, to_run=parsed.command == "run", now_ms=SystemClock().wall_ms())


def _upgrade(parsed: Namespace, terminal: Terminal) -> int:
    box_file = read_box_file(parsed.config)
    try:
        done = ask(box_file.state_dir, "upgrade", path=str(parsed.bundle.resolve()))
    except AgentUnreachable:
        version = prepare(box_file, read_identity(box_file.state_dir), parsed.bundle, own_version())
        switch(box_file, version)
        done = {"version": version, "starts": "with the agent"}
    code = _outcome(parsed, terminal, done, FAILED if "error" in done else OK)
    if code == OK and not parsed.json:
        terminal.say("It passed its self-test; if it does not come up, the version before comes back.")
    return code


def _run(parsed: Namespace, _: Terminal) -> int:
    run(read_box_file(parsed.config))
    return OK


def _enrol(parsed: Namespace, terminal: Terminal) -> int:
    last: list[str] = []

    def told(waiting: Waiting) -> None:
        words = waiting.unreachable or "waiting until the fingerprint is confirmed at the centre"
        if [words] != last:
            terminal.say(words)
        last[:] = [words]

    epoch = enrol(read_box_file(parsed.config), lambda fingerprint: terminal.say(f"fingerprint {fingerprint}"), told)
    terminal.say(f"enrolled, epoch {epoch}")
    return OK


def _check(parsed: Namespace, terminal: Terminal) -> int:
    mistakes, notes = check_box(parsed.config, parsed.store)
    if parsed.json:
        _say_json(terminal, {"mistakes": mistakes, "notes": notes})
    else:
        terminal.say("\n".join([*notes, *(mistakes or ["no mistakes found"])]))
    return WRONG if mistakes else OK


def _status(parsed: Namespace, terminal: Terminal) -> int:
    box_file = read_box_file(parsed.config)
    try:
        status = ask(box_file.state_dir, "status")
    except AgentUnreachable:
        status = stored_status(box_file)
    if parsed.json:
        _say_json(terminal, status)
    else:
        terminal.say(status_text(status))
    return OK


def _watch(parsed: Namespace, terminal: Terminal) -> int:
    state_dir = read_box_file(parsed.config).state_dir
    while True:
        terminal.say(f"{_CLEAR}{status_text(ask(state_dir, 'status'))}")
        select.select((), (), (), WATCH_EVERY_S)


def _test(parsed: Namespace, terminal: Terminal) -> int:
    state_dir = read_box_file(parsed.config).state_dir
    codes = []
    for meter in parsed.meter:
        looked = _look(state_dir, parsed.test, meter)
        if "refused" in looked or "error" in looked:
            codes.append(_outcome(parsed, terminal, {"meter": meter, **looked}, FAILED))
        elif not parsed.yes and not _confirmed(terminal, looked["status"], _WARNINGS[parsed.test]):
            terminal.complain("nothing was done")
            codes.append(FAILED)
        else:
            done = ask(state_dir, parsed.test, meter=meter, who=parsed.who)
            codes.append(_outcome(parsed, terminal, {"meter": meter, **done}, OK if done.get("passed") else FAILED))
    return max(codes)


def _look(state_dir: Path, test: str, meter: str) -> dict[str, Any]:
    """What the agent says of the meter before a test; one that it has just begun to poll is waited for."""
    ends_s = time.monotonic() + FIRST_READING_S
    while True:
        looked = ask(state_dir, f"{test}_look", meter=meter)
        if looked.get("refused") != "stale_reading" or time.monotonic() >= ends_s:
            return looked
        time.sleep(LOOK_EVERY_S)


def _confirmed(terminal: Terminal, meter: dict[str, Any], warning: str) -> bool:
    load = "not known" if meter["power_w"] is None else f"{meter['power_w']} W"
    relay = meter.get("seen", "unknown")
    terminal.say(f"{meter['name']}: relay {relay}, present load {load}, read {meter['age_s']} s ago.")
    terminal.say(warning)
    return terminal.ask("Type yes to go on: ").strip().lower() == "yes"


def _lock_out(parsed: Namespace, terminal: Terminal) -> int:
    done = ask(read_box_file(parsed.config).state_dir, "lock_out", meter=parsed.meter, who=parsed.who)
    code = _outcome(parsed, terminal, done, OK if "locked_out" in done else FAILED)
    if code == OK and not parsed.json:
        terminal.say("This is no isolation: lock the breaker too.")
    return code


def _note_replacement(parsed: Namespace, terminal: Terminal) -> int:
    told = {"meter": parsed.meter, "new_serial": parsed.new_serial, "who": parsed.who}
    registers = {"old_wh": parsed.old_kwh, "new_wh": parsed.new_kwh}
    done = ask(read_box_file(parsed.config).state_dir, "note_replacement", **told, **registers)
    code = _outcome(parsed, terminal, done, OK if "noted" in done else FAILED)
    if code == OK and not parsed.json:
        if done["last_believed_wh"] is not None:
            terminal.say(f"The last register that the box believed here: {done['last_believed_wh'] / 1_000:.2f} kWh.")
        terminal.say("Noted. It takes hold when a person at the centre says yes; until then nothing is charged here.")
    return code


def _outcome(parsed: Namespace, terminal: Terminal, answer: dict[str, Any], code: int) -> int:
    if parsed.json:
        terminal.say(json.dumps(answer, ensure_ascii=False))
    elif "error" in answer or "refused" in answer:
        terminal.complain(answer.get("error") or f"refused, {answer['refused']}: {answer['detail']}")
    else:
        terminal.say(" ".join(f"{key}={value}" for key, value in answer.items() if key != "status"))
    return code


def _batches_show(parsed: Namespace, terminal: Terminal) -> int:
    batches = stored_batches(read_box_file(parsed.config), parsed.from_seq)
    if parsed.json:
        _say_json(terminal, batches)
        return OK
    for batch in batches:
        state = "acknowledged" if batch["acknowledged"] else "waits"
        terminal.say(f"{batch['epoch']}/{batch['seq']} {batch['hash'][:16]} {batch['records']} records, {state}")
    return OK


def _profile_check(parsed: Namespace, terminal: Terminal) -> int:
    found = check_file(parsed.file, parsed.unit)
    if found.mistakes:
        terminal.complain("\n".join(found.mistakes))
        return WRONG
    terminal.say("\n".join([*found.plan, f"{parsed.file}: no mistakes found"]))
    return OK


def _profile_try(parsed: Namespace, terminal: Terminal) -> int:
    meter, mistakes = read_meter(parsed.file, parsed.unit)
    if meter is None:
        terminal.complain("\n".join(mistakes))
        return WRONG
    clock = SystemClock()
    if parsed.json:
        told = read_values(reach(parsed, clock).line(clock), meter)
        _say_json(terminal, told)
        return FAILED if told["faults"] else OK
    all_well = True
    for well, words in try_profile(reach(parsed, clock).line(clock), meter):
        all_well = all_well and well
        terminal.say(words)
    return OK if all_well else FAILED


def _scan(parsed: Namespace, terminal: Terminal) -> int:
    return scan(parsed, terminal, SystemClock())


def _courier_export(parsed: Namespace, terminal: Terminal) -> int:
    return export_lines(read_box_file(parsed.config), parsed.to, terminal, in_json=parsed.json)


def _courier_import(parsed: Namespace, terminal: Terminal) -> int:
    return import_lines(read_box_file(parsed.config), parsed.file, terminal, in_json=parsed.json)


def _say_json(terminal: Terminal, value: object) -> None:
    terminal.say(json.dumps(value, ensure_ascii=False, indent=1))


_COMMANDS: Final[Mapping[str, Callable[[Namespace, Terminal], int]]] = {
    "run": _run,
    "enrol": _enrol,
    "check": _check,
    "upgrade": _upgrade,
    "status": _status,
    "watch": _watch,
    "relay-test": _test,
    "guard-test": _test,
    "lock-out": _lock_out,
    "note-replacement": _note_replacement,
    "batches show": _batches_show,
    "courier export": _courier_export,
    "courier import": _courier_import,
    "profile check": _profile_check,
    "profile try": _profile_try,
    "scan": _scan,
}
