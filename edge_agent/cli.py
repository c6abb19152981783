"""The command line of the box: `edge-agent COMMAND`. Reads arguments and prints; `agent/commands` does the work."""

import argparse
import sys
from pathlib import Path
from typing import Any, Final

from protocol.limits import SEQ_MAX

BAUDS: Final = (1_200, 2_400, 4_800, 9_600, 19_200, 38_400, 57_600, 115_200)
NOT_FOR_BOXES: Final = ("psycopg", "psycopg2", "pymysql", "MySQLdb", "click", "rich")
"""Loaded by peewee (drivers) and httpx (its own command line) wherever they are found; not installed on a box. On a
machine that has them they would take 22 of an agent's 64 MiB."""


def main(arguments: list[str] | None = None) -> int:
    """Run one command: that of the process, or the given one. Returns the exit code."""
    parsed = _parser().parse_args(arguments)
    for name in NOT_FOR_BOXES if arguments is None else ():
        sys.modules.setdefault(name, None)  # type: ignore[arg-type]  # None says "not to be imported" (import system)
    from edge_agent.agent import commands, terminal  # noqa: PLC0415 - only now that what a box does not use is left out

    words = sys.argv[1:] if arguments is None else None
    return commands.carry_out(parsed, terminal.Terminal(_say, _complain, _ask), words)


def _say(words: str) -> None:
    print(words, flush=True)


def _ask(words: str) -> str:
    """What is typed; nothing where nobody is there to type."""
    try:
        return input(words)
    except EOFError:
        return ""


def _complain(words: str) -> None:
    print(words, file=sys.stderr, flush=True)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="edge-agent",
        description="The agent of a data-acquisition box.",
        epilog="Exit codes: 0 done, 1 refused or failed, 2 the command line or a file is wrong.",
    )
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    _add(commands, "run", "poll, charge, switch and sync until SIGTERM")
    _add(commands, "enrol", "make keys, ask the centre to take this box in, wait for the confirmation")
    check = _add(commands, "check", "say everything that is wrong with box.toml and this machine", scripts=True)
    check.add_argument("--store", type=Path, help="a folder with a copy of the store, to look at instead of it")
    words = "take a signed bundle: try it on a copy of the store, start it, come back if it does not come up"
    _add(commands, "upgrade", words, scripts=True).add_argument("bundle", type=Path, help="a file that the root signed")
    _add(commands, "status", "what the box knows: meters, balances, relays, what waits", scripts=True)
    _add(commands, "watch", "the same, renewed every second until Ctrl-C")
    _add_on_the_spot(commands)
    batches = commands.add_parser("batches", help="sealed batches").add_subparsers(required=True, metavar="COMMAND")
    show = _add(batches, "show", "the batches of this epoch, with the agent stopped", "batches show", scripts=True)
    show.add_argument("--from", dest="from_seq", type=_number, default=1, help="first number (%(default)s)")
    _add_courier(commands)
    _add_profiles(commands)
    _add_scan(commands)
    return parser


def _add_on_the_spot(commands: Any) -> None:
    """What somebody at the meters does by name: tests, lock-outs, a meter that was exchanged."""
    for name, words in (
        ("relay-test", "open and close relays, with a person's yes"),
        ("guard-test", "top meters' own accounts up by 0.01, to prove them as last guards"),
    ):
        test = _add(commands, name, words, scripts=True)
        test.add_argument("--meter", action="append", required=True, help="id or name of a meter; may be given again")
        test.add_argument("--who", required=True, help="who does the test")
        test.add_argument("--yes", action="store_true", help="do not ask")
        test.set_defaults(test=name.replace("-", "_"))
    lock = _add(commands, "lock-out", "open a relay for work on it, until lifted by name", scripts=True)
    lock.add_argument("--meter", required=True, help="id or name of the meter")
    lock.add_argument("--who", required=True, help="who hangs it")
    words = "record on the spot that a meter was exchanged; a person at the centre decides"
    noted = _add(commands, "note-replacement", words, scripts=True)
    noted.add_argument("--meter", required=True, help="id or name of the meter that was there")
    noted.add_argument("--new-serial", required=True, help="serial number of the new meter")
    noted.add_argument("--old-kwh", type=_watt_hours, help="last register of the old one, as it shows it: 1234.56")
    noted.add_argument("--new-kwh", type=_watt_hours, help="first register of the new one, as it shows it: 0.00")
    noted.add_argument("--who", required=True, help="who exchanged it")


def _add_profiles(commands: Any) -> None:
    """Profiles checked at a desk, and tried at a meter."""
    profile = commands.add_parser("profile", help="meter profiles").add_subparsers(required=True, metavar="COMMAND")
    _add_profile(profile, "check", "say everything that is wrong with a profile, or what it would read and write")
    words = "ask one meter all that its profile reads and show raw words beside values; writes nothing"
    trial = _add_profile(profile, "try", words)
    trial.add_argument("--json", action="store_true", help="print JSON for a script")
    _add_config(trial)
    _add_line(trial)


def _add_scan(commands: Any) -> None:
    """The command that looks for meters."""
    words = "look for meters on a bus and write a draft of the plan; asks, never writes"
    scan = _add(commands, "scan", words, scripts=True)
    scan.epilog = (
        "A bus of the running agent is lent question by question, behind relay orders. Exit codes: 0 meters found; "
        "1 none, or two on one id, or the time was over; 2 the command line or a file is wrong."
    )
    _add_line(scan)
    scan.add_argument("--units", type=_unit_ids, default=_unit_ids("1-247"), help="unit ids: 1-40,101 (1-247)")
    scan.add_argument(
        "--profile",
        type=Path,
        action="append",
        default=[],
        help="a file, or a name of the site's or the agent's: look for this profile alone; repeatable",
    )
    scan.add_argument("--turnaround-ms", type=_turnaround, default=100, help="longest wait for an answer (%(default)s)")
    scan.add_argument("--most-s", type=_seconds, default=600, help="end after so many seconds (%(default)s)")


def _add_line(parser: Any) -> None:
    """Which line to ask on, and how it talks."""
    which = parser.add_mutually_exclusive_group(required=True)
    which.add_argument("--bus", help="a bus of box.toml")
    which.add_argument("--port", help="serial device, or HOST:PORT of a serial server")
    parser.add_argument("--baud", type=int, choices=BAUDS, help="on a port of its own (as configured, else 9600)")
    parser.add_argument("--parity", choices="NEO", help="(as configured, else N)")
    parser.add_argument("--stop-bits", type=int, choices=(1, 2), help="(as configured, else 1)")
    parser.add_argument("--echo", action="store_true", help="the adapter hears what it sends")


def _add_courier(commands: Any) -> None:
    """Lines carried by hand where the fibre is cut."""
    courier = commands.add_parser("courier", help="lines by file or stick").add_subparsers(
        required=True, metavar="COMMAND"
    )
    words = "write what the centre has not acknowledged into files; also while the agent runs"
    out = _add(courier, "export", words, "courier export", scripts=True)
    out.add_argument("--to", type=Path, required=True, help="a file, a folder, or a stick with a folder tallybox")
    words = "let the running agent take keys, epochs and commands from the centre's file"
    into = _add(courier, "import", words, "courier import", scripts=True)
    into.add_argument("file", type=Path, help="the centre's file, or a folder or stick with files for this box")


def _add_profile(commands: Any, name: str, words: str) -> Any:
    """A command that works on a profile and needs no box."""
    parser = commands.add_parser(name, help=words, description=f"{words[0].upper()}{words[1:]}.")
    parser.add_argument("file", type=Path, help="a TOML file, or the name of one that comes with the agent")
    parser.add_argument("--unit", type=_unit_id, default=1, help="unit id, 1 to 247 (%(default)s)")
    parser.set_defaults(command=f"profile {name}")
    return parser


def _unit_id(text: str) -> int:
    if text.isdecimal() and 1 <= int(text) <= 247:
        return int(text)
    raise argparse.ArgumentTypeError(f"{text!r}: right would be a unit id from 1 to 247")


def _unit_ids(text: str) -> list[int]:
    """Unit ids and stretches of them, in order, each once."""
    found: set[int] = set()
    for part in text.split(","):
        first, dash, last = part.partition("-")
        ends = (_unit_id(first), _unit_id(last if dash else first))
        if ends[0] > ends[1]:
            raise argparse.ArgumentTypeError(f"{part!r}: right would be the lower one first")
        found.update(range(ends[0], ends[1] + 1))
    return sorted(found)


def _turnaround(text: str) -> int:
    return _whole(text, 5, 5_000)


def _seconds(text: str) -> int:
    return _whole(text, 1, 86_400)


def _number(text: str) -> int:
    return _whole(text, 1, SEQ_MAX)


def _whole(text: str, least: int, most: int) -> int:
    if text.isdecimal() and least <= int(text) <= most:
        return int(text)
    raise argparse.ArgumentTypeError(f"{text!r}: right would be a whole number from {least} to {most}")


def _watt_hours(text: str) -> int:
    """Kilowatt hours as a meter shows them, with at most three decimals, in Wh."""
    whole, _, rest = text.partition(".")
    if whole.isascii() and whole.isdecimal() and len(whole) <= 10 and len(rest) <= 3 and (not rest or rest.isdecimal()):
        return int(whole) * 1_000 + int(rest.ljust(3, "0"))
    raise argparse.ArgumentTypeError(f"{text!r}: right would be kilowatt hours, for example 1234.56")


def _add_config(parser: Any) -> None:
    parser.add_argument("--config", type=Path, default=Path("/etc/tallybox/box.toml"), help="box.toml (%(default)s)")


def _add(commands: Any, name: str, words: str, command: str | None = None, *, scripts: bool = False) -> Any:
    """One command with what all have: --config, and --json where a script may want it."""
    parser = commands.add_parser(name, help=words, description=f"{words[0].upper()}{words[1:]}.")
    _add_config(parser)
    if scripts:
        parser.add_argument("--json", action="store_true", help="print JSON for a script")
    parser.set_defaults(command=command or name)
    return parser
