"""The command line of the box: `edge-agent COMMAND`. Reads arguments, calls the wiring, prints, gives an exit code.

0: done. 1: refused or failed, in words on stderr. 2: the command line or a file is wrong, every mistake named.
"""

import argparse
import json
import select
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

OK: Final = 0
FAILED: Final = 1
WRONG: Final = 2
WATCH_EVERY_S: Final = 1.0
NOT_FOR_BOXES: Final = ("psycopg", "psycopg2", "pymysql", "MySQLdb", "click", "rich")
"""Loaded by peewee (drivers) and httpx (its own command line) wherever they are found; not installed on a box. On a
machine that has them they would take 22 of an agent's 64 MiB."""


def main(arguments: list[str] | None = None) -> int:
    """Run one command: that of the process, or the given one. Returns the exit code."""
    for name in NOT_FOR_BOXES if arguments is None else ():
        sys.modules.setdefault(name, None)  # type: ignore[arg-type]  # None says "not to be imported" (import system)
    parsed = _parser().parse_args(arguments)
    from edge_agent.config import BadConfig  # noqa: PLC0415 - after the drivers were left out
    from edge_agent.console.local_socket import AgentUnreachable  # noqa: PLC0415
    from edge_agent.console.log_lines import log_to_stderr  # noqa: PLC0415
    from edge_agent.flows.start_up import NotEnrolled  # noqa: PLC0415
    from edge_agent.ports import StoreFault  # noqa: PLC0415
    from edge_agent.sync.enrolment import Refused  # noqa: PLC0415
    from edge_agent.sync.identity import IdentityFault  # noqa: PLC0415
    from protocol.errors import TheirFault  # noqa: PLC0415

    log_to_stderr()
    command: Callable[[argparse.Namespace], int] = parsed.command
    try:
        return command(parsed)
    except BadConfig as fault:
        print("\n".join(fault.mistakes), file=sys.stderr)
        return WRONG
    except (StoreFault, IdentityFault, NotEnrolled, Refused, AgentUnreachable, TheirFault) as fault:
        print(f"{type(fault).__name__}: {fault}", file=sys.stderr)
        return FAILED
    except KeyboardInterrupt:
        return FAILED


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="edge-agent", description="The agent of a data-acquisition box.")
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    _add(commands, "run", _run, "poll, charge, switch and sync until SIGTERM")
    _add(commands, "enrol", _enrol, "make keys, ask the centre to take this box in, wait for the confirmation")
    _add(commands, "check", _check, "say everything that is wrong with box.toml and this machine", scripts=True)
    _add(commands, "status", _status, "what the box knows: meters, balances, relays, what waits", scripts=True)
    _add(commands, "watch", _watch, "the same, renewed every second until Ctrl-C")
    test = _add(commands, "relay-test", _relay_test, "open and close relays, with a person's yes", scripts=True)
    test.add_argument("--meter", action="append", required=True, help="id or name of a meter; may be given again")
    test.add_argument("--who", required=True, help="who does the test")
    test.add_argument("--yes", action="store_true", help="do not ask")
    lock = _add(commands, "lock-out", _lock_out, "open a relay for work on it, until lifted by name", scripts=True)
    lock.add_argument("--meter", required=True, help="id or name of the meter")
    lock.add_argument("--who", required=True, help="who hangs it")
    batches = commands.add_parser("batches", help="sealed batches").add_subparsers(required=True, metavar="COMMAND")
    show = _add(batches, "show", _batches_show, "the batches of this epoch, with the agent stopped", scripts=True)
    show.add_argument("--from", dest="from_seq", type=int, default=1, help="first number (1)")
    profile = commands.add_parser("profile", help="meter profiles").add_subparsers(required=True, metavar="COMMAND")
    check = profile.add_parser("check", help="say everything that is wrong with a profile file")
    check.add_argument("file", type=Path, help="the profile, a TOML file")
    check.set_defaults(command=_profile_check)
    return parser


def _add(
    commands: Any, name: str, call: Callable[[argparse.Namespace], int], words: str, *, scripts: bool = False
) -> Any:
    parser = commands.add_parser(name, help=words, description=words)
    parser.add_argument("--config", type=Path, default=Path("/etc/tallybox/box.toml"), help="box.toml (%(default)s)")
    if scripts:
        parser.add_argument("--json", action="store_true", help="print JSON for a script")
    parser.set_defaults(command=call)
    return parser


def _box_file(parsed: argparse.Namespace) -> Any:
    from edge_agent.config import read_box_file  # noqa: PLC0415

    return read_box_file(parsed.config)


def _run(parsed: argparse.Namespace) -> int:
    from edge_agent.agent.run import run  # noqa: PLC0415

    run(_box_file(parsed))
    return OK


def _enrol(parsed: argparse.Namespace) -> int:
    from edge_agent.agent.enrol import enrol  # noqa: PLC0415
    from edge_agent.sync.enrolment import Waiting  # noqa: PLC0415

    last: list[str] = []

    def told(waiting: Waiting) -> None:
        words = waiting.unreachable or "waiting until the fingerprint is confirmed at the centre"
        if words not in last[-1:]:
            print(words, flush=True)
        last[:] = [words]

    epoch = enrol(_box_file(parsed), lambda fingerprint: print(f"fingerprint {fingerprint}", flush=True), told)
    print(f"enrolled, epoch {epoch}")
    return OK


def _check(parsed: argparse.Namespace) -> int:
    from edge_agent.agent.checks import check_box  # noqa: PLC0415

    mistakes, notes = check_box(parsed.config)
    if parsed.json:
        _print_json({"mistakes": mistakes, "notes": notes})
    else:
        print("\n".join([*notes, *mistakes] if mistakes else [*notes, "no mistakes found"]))
    return WRONG if mistakes else OK


def _told_status(parsed: argparse.Namespace) -> dict[str, Any]:
    from edge_agent.console.local_socket import AgentUnreachable, ask  # noqa: PLC0415

    box_file = _box_file(parsed)
    try:
        return ask(box_file.state_dir, "status")
    except AgentUnreachable:
        from edge_agent.agent.offline import stored_status  # noqa: PLC0415

        return stored_status(box_file)


def _status(parsed: argparse.Namespace) -> int:
    from edge_agent.console.tables import status_text  # noqa: PLC0415

    status = _told_status(parsed)
    if parsed.json:
        _print_json(status)
    else:
        print(status_text(status))
    return OK


def _watch(parsed: argparse.Namespace) -> int:
    from edge_agent.console.local_socket import ask  # noqa: PLC0415
    from edge_agent.console.tables import status_text  # noqa: PLC0415

    state_dir = _box_file(parsed).state_dir
    while True:
        print(f"\x1b[H\x1b[2J{status_text(ask(state_dir, 'status'))}", flush=True)
        select.select((), (), (), WATCH_EVERY_S)


def _relay_test(parsed: argparse.Namespace) -> int:
    from edge_agent.console.local_socket import ask  # noqa: PLC0415

    state_dir = _box_file(parsed).state_dir
    codes = []
    for meter in parsed.meter:
        looked = ask(state_dir, "relay_test_look", meter=meter)
        if "refused" in looked or "error" in looked:
            codes.append(_outcome(parsed, {"meter": meter, **looked}, FAILED))
        elif not parsed.yes and not _confirmed(looked["status"]):
            print("nothing was done", file=sys.stderr)
            codes.append(FAILED)
        else:
            done = ask(state_dir, "relay_test", meter=meter, who=parsed.who)
            codes.append(_outcome(parsed, {"meter": meter, **done}, OK if done.get("passed") else FAILED))
    return max(codes)


def _confirmed(meter: dict[str, Any]) -> bool:
    load = "not known" if meter["power_w"] is None else f"{meter['power_w']} W"
    print(f"{meter['name']}: relay {meter.get('seen', 'unknown')}, present load {load}, read {meter['age_s']} s ago.")
    print("The relay will open and close: the shop is without power for some seconds.")
    return input("Type yes to go on: ").strip().lower() == "yes"


def _lock_out(parsed: argparse.Namespace) -> int:
    from edge_agent.console.local_socket import ask  # noqa: PLC0415

    done = ask(_box_file(parsed).state_dir, "lock_out", meter=parsed.meter, who=parsed.who)
    code = _outcome(parsed, done, OK if "locked_out" in done else FAILED)
    if code == OK and not parsed.json:
        print("This is no isolation: lock the breaker too.")
    return code


def _outcome(parsed: argparse.Namespace, answer: dict[str, Any], code: int) -> int:
    if parsed.json:
        print(json.dumps(answer, ensure_ascii=False), flush=True)
    elif "error" in answer or "refused" in answer:
        print(answer.get("error") or f"refused, {answer['refused']}: {answer['detail']}", file=sys.stderr)
    else:
        words = [f"{key}={value}" for key, value in answer.items() if key != "status"]
        print(" ".join(words), flush=True)
    return code


def _batches_show(parsed: argparse.Namespace) -> int:
    from edge_agent.agent.offline import stored_batches  # noqa: PLC0415

    batches = stored_batches(_box_file(parsed), parsed.from_seq)
    if parsed.json:
        _print_json(batches)
        return OK
    for batch in batches:
        state = "acknowledged" if batch["acknowledged"] else "waits"
        print(f"{batch['epoch']}/{batch['seq']} {batch['hash'][:16]} {batch['records']} records, {state}")
    return OK


def _profile_check(parsed: argparse.Namespace) -> int:
    from edge_agent.agent.profiles import profile_mistakes  # noqa: PLC0415

    mistakes = profile_mistakes(parsed.file)
    print("\n".join(mistakes) if mistakes else f"{parsed.file}: no mistakes found")
    return WRONG if mistakes else OK


def _print_json(value: object) -> None:
    print(json.dumps(value, ensure_ascii=False, indent=1))
