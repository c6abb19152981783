"""`cloud-server`: what an administrator does in a terminal. Reads arguments, calls flows, prints."""

import argparse
import json
import sqlite3
import ssl
import sys
from collections.abc import Callable, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any, Final, get_args

from cloud_server.authority import KeyFolder, KeysFault
from cloud_server.clock import SystemClock
from cloud_server.config import Config, read_config
from cloud_server.config_reader import ConfigFault
from cloud_server.core.api_token import Scope
from cloud_server.core.limits import TOKEN_DAYS_MAX
from cloud_server.core.mistakes import Mistaken, NotFound, NotNow
from cloud_server.core.territory import WHOLE_SITE, Territory
from cloud_server.flows.centre import Centre
from cloud_server.flows.courier import all_files, take_file
from cloud_server.flows.enrol_box import make_claim
from cloud_server.flows.issue_token import issue_token
from cloud_server.flows.keep_energy import keep_energy
from cloud_server.flows.set_up import set_up_centre
from cloud_server.flows.upgrade_boxes import order_upgrade
from cloud_server.flows.verify import verify
from cloud_server.store.database import WAL_RESET_FAULT, DatabaseFault
from cloud_server.store.engines import open_engine
from cloud_server.store.schema import make_months_ahead, make_schema, restore_guards
from cloud_server.store.server_check import server_warnings
from cloud_server.store.unit import StoredBooks
from cloud_server.terminal.came import Came
from cloud_server.terminal.words import add_words
from protocol.courier import FILE_BYTES_MAX, STICK_FOLDER, box_that_wrote, write_file
from protocol.errors import TooLarge

DONE: Final = 0
FAULTY: Final = 1
"""Something is wrong with what was looked at."""
MISUSED: Final = 2
"""Arguments or configuration that cannot be used."""
PROVISION_TOKEN_DAYS: Final = 7
"""A token that provisions is needed for a week of building a site, and made anew after it."""
BY_TERMINAL: Final = "cloud-server"


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command; its exit code."""
    options = _parser().parse_args(arguments)
    command: Callable[[Config, argparse.Namespace], int] = options.command
    try:
        return command(read_config(options.config), options)
    except ConfigFault as fault:
        return _say_faults(str(fault.path), fault.mistakes)
    except KeysFault as fault:
        return _say_faults("keys", fault.mistakes)
    except (DatabaseFault, Mistaken, NotFound) as fault:
        return _say_faults("", [str(fault)])
    except (NotNow, TooLarge) as fault:
        _say_faults("", [str(fault)])
        return FAULTY


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="cloud-server", description="The centre of a Tallybox site.")
    commands = parser.add_subparsers(required=True, metavar="COMMAND")

    def add(
        name: str, command: Callable[[Config, argparse.Namespace], int], text: str, into: Any = commands
    ) -> argparse.ArgumentParser:
        made: argparse.ArgumentParser = into.add_parser(name, help=text, description=text)
        made.add_argument("--config", type=Path, required=True, metavar="FILE", help="centre.toml")
        made.add_argument("--json", action="store_true", help="print JSON")
        made.set_defaults(command=command)
        return made

    setup = add("setup", _setup, "Make the database and print the first administrator's one-time link; repeatable.")
    setup.add_argument("--provision-token", action="store_true", help="also print a token with the scope provision")
    add("run", _run, "Run the centre until SIGTERM or SIGINT.")
    add("check", _check, "Look at configuration, keys, journal and database, and say what is wrong.")
    verify = add("verify", _verify, "Check every invariant of the books; exit code 1 when one does not hold.")
    verify.add_argument("--rows", type=int, default=20, metavar="N", help="show at most N breaches each (20)")
    token = add("token", _token, "Make an API token and print it, this once.")
    token.add_argument("--name", required=True, help="who uses it, for example gateway-1")
    token.add_argument("--scopes", required=True, metavar="A,B", help=f"of {', '.join(get_args(Scope))}")
    token.add_argument("--building", action="append", metavar="NAME", help="only this building; may be said again")
    token.add_argument("--days", type=int, default=90, help=f"1 to {TOKEN_DAYS_MAX} (90)")
    lost = add("remove-second-factor", _remove_factor, "Take away the second factor of somebody whose phone is lost.")
    lost.add_argument("--name", required=True, help="sign-in name; they set up a new one at their next sign-in")
    claim = add("claim", _claim, "Make a claim file for a box and print it.")
    claim.add_argument("--box", required=True, metavar="ID", help="the box's id in the plan")
    upgrade = add("upgrade-box", _upgrade_box, "Order a box to become the version of a signed bundle.")
    upgrade.add_argument("--box", required=True, metavar="ID", help="the box's id in the plan")
    upgrade.add_argument("--bundle", type=Path, required=True, metavar="FILE", help="what `provision bundle` made")
    upgrade.add_argument("--not-before-ms", type=int, default=0, metavar="N", help="UTC milliseconds (at once)")
    courier = commands.add_parser("courier", help="Lines carried by hand to and from a box whose fibre is cut.")
    carried = courier.add_subparsers(required=True, metavar="COMMAND")
    out = add("export", _courier_export, "Write what a box lacks, keys, epoch and commands, into files.", carried)
    out.add_argument("--box", required=True, metavar="ID", help="the box's id in the plan")
    out.add_argument("--to", type=Path, required=True, help="a file, a folder, or a stick with a folder tallybox")
    into = add("import", _courier_import, "Take in batches that a box wrote into a file; each gets a verdict.", carried)
    into.add_argument("file", type=Path, help="a file that the box wrote")
    into.add_argument("--box", metavar="ID", help="the box's id; left out, the name of the file says it")
    add_words(add, _said)
    return parser


def _said(run: Callable[[Config, argparse.Namespace], Came]) -> Callable[[Config, argparse.Namespace], int]:
    """A command that prints what it came to."""

    def command(config: Config, options: argparse.Namespace) -> int:
        came = run(config, options)
        _say(options, came.facts, came.words)
        return came.code

    return command


def _setup(config: Config, options: argparse.Namespace) -> int:
    """Make the database where there is none, put guards back, and offer a fresh link."""
    site = config.site.site
    KeyFolder(config.keys_dir, config.keys_line, config.limits_line, config.root_public, site)
    if isinstance(config.database, Path):
        config.database.parent.mkdir(parents=True, exist_ok=True)
    config.state_dir.mkdir(parents=True, exist_ok=True)
    engine = open_engine(config.database)
    try:
        made = make_schema(engine, site)
        restored = restore_guards(engine)
        make_months_ahead(engine, SystemClock().wall_ms())
        term = set_up_centre(StoredBooks(engine, site), SystemClock())
        keep_energy(StoredBooks(engine, site), config.site.zone)
    finally:
        engine.close()
    parts = _wire(config)
    try:
        token = parts.sign_in.offer_setup()
        said: dict[str, Any] = {
            "site": site,
            "term": term,
            "made": made,
            "guards_restored": restored,
            "link": f"{config.site.public_url}/setup/{token}",
        }
        if options.provision_token:
            issued = issue_token(parts.centre, "provision", ("provision", "read"), PROVISION_TOKEN_DAYS, BY_TERMINAL)
            said["provision_token"] = issued.secret
            said["provision_token_ends_at_ms"] = issued.kept.ends_at_ms
    finally:
        parts.close()
    _say(options, said, "\n".join(f"{key}: {value}" for key, value in said.items()))
    return DONE


def _run(config: Config, _options: argparse.Namespace) -> int:
    from cloud_server.app import serve  # noqa: PLC0415  # the web framework is loaded where it is needed

    serve(config)
    return DONE


def _wire(config: Config) -> Any:
    from cloud_server.wiring import wire  # noqa: PLC0415  # the web framework is loaded where it is needed

    return wire(config)


def _check(config: Config, options: argparse.Namespace) -> int:
    """Everything that can be looked at without running: faults end with code 1, warnings do not."""
    parts = _wire(config)
    try:
        parts.centre.journal.check_at_start()
        faults = [parts.centre.journal.fault] if parts.centre.journal.fault is not None else []
    finally:
        parts.close()
    try:
        ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER).load_cert_chain(config.certificate, config.certificate_key)
    except (OSError, ssl.SSLError) as fault:
        faults.append(f"tls.certificate and tls.key do not belong together or cannot be read: {fault}")
    warnings = []
    if isinstance(config.database, Path):
        warnings += _sqlite_warnings(config.database, config.journal)
    else:
        warnings += server_warnings(config.database)
    if config.backup is None:
        warnings.append("no [backup] is configured: nothing is backed up by itself, and backup_old will be raised")
    lines = [*(f"fault: {fault}" for fault in faults), *(f"warning: {warning}" for warning in warnings)]
    _say(options, {"faults": faults, "warnings": warnings}, "\n".join(lines) or "all is well")
    return FAULTY if faults else DONE


def _sqlite_warnings(database: Path, journal: Path) -> list[str]:
    warnings = []
    if _same_disk(journal, database):
        warnings.append(f"journal {journal} lies on the disk of the database: one dead disk takes both")
    if WAL_RESET_FAULT[0] <= sqlite3.sqlite_version_info <= WAL_RESET_FAULT[1]:
        warnings.append(
            f"SQLite {sqlite3.sqlite_version} can lose pages when two connections write; this program writes with one, "
            "so let no other program write to the database"
        )
    return warnings


def _same_disk(one: Path, other: Path) -> bool:
    try:
        return one.stat().st_dev == other.stat().st_dev
    except OSError:
        return False


def _verify(config: Config, options: argparse.Namespace) -> int:
    keys = KeyFolder(
        config.keys_dir, config.keys_line, config.limits_line, config.root_public, config.site.site
    ).command_keys
    engine = open_engine(config.database)
    try:
        report = verify(StoredBooks(engine, config.site.site), keys)
    finally:
        engine.close()
    text = []
    for result in report:
        mark = "holds" if not result.breaches else f"BROKEN, {len(result.breaches)} breaches"
        text.append(f"{result.name}: {mark} ({result.looked_at})")
        text += [f"    {breach}" for breach in result.breaches[: options.rows]]
    shown = [{"invariant": r.name, "looked_at": r.looked_at, "breaches": list(r.breaches)} for r in report]
    _say(options, shown, "\n".join(text))
    return FAULTY if any(result.breaches for result in report) else DONE


def _token(config: Config, options: argparse.Namespace) -> int:
    scopes = [scope.strip() for scope in options.scopes.split(",") if scope.strip()]
    wrong = [scope for scope in scopes if scope not in get_args(Scope)]
    if wrong or not scopes:
        return _say_faults("--scopes", [f"{options.scopes!r}: one or more of {', '.join(get_args(Scope))}"])
    if not 1 <= options.days <= TOKEN_DAYS_MAX:
        return _say_faults("--days", [f"{options.days}: 1 to {TOKEN_DAYS_MAX}"])
    if "/" in options.name or not options.name.strip():
        return _say_faults("--name", [f"{options.name!r}: a name without slashes"])
    parts = _wire(config)
    try:
        named, strange = _buildings(parts.centre, options.building)
        if strange:
            return _say_faults(
                "--building", [f"{name!r}: the name of a building of the site's plan" for name in strange]
            )
        issued = issue_token(parts.centre, options.name, scopes, options.days, BY_TERMINAL, named)
    finally:
        parts.close()
    _say(options, {"token": issued.secret, "ends_at_ms": issued.kept.ends_at_ms}, issued.secret)
    return DONE


def _buildings(centre: Centre, names: list[str] | None) -> tuple[Territory, list[str]]:
    """The buildings of these names as a limit, none named being the whole site; and the names that nobody knows."""
    if names is None:
        return WHOLE_SITE, []
    with centre.store.read() as unit:
        plan = unit.fleet.plan()
    known = {one.name: one.building for one in plan.buildings} if plan is not None else {}
    return Territory(frozenset(known[name] for name in names if name in known)), [n for n in names if n not in known]


def _remove_factor(config: Config, options: argparse.Namespace) -> int:
    parts = _wire(config)
    try:
        person = next((row for row in parts.staff.everybody() if row.name == options.name), None)
        if person is None:
            return _say_faults("--name", [f"{options.name!r}: nobody signs in by this name"])
        removed = parts.second.remove(person.staff, BY_TERMINAL)
    finally:
        parts.close()
    said = "is taken away; their sessions are ended" if removed else "was not there"
    _say(options, {"name": options.name, "removed": removed}, f"The second factor of {options.name} {said}.")
    return DONE


def _claim(config: Config, options: argparse.Namespace) -> int:
    parts = _wire(config)
    try:
        text = make_claim(parts.centre, options.box, BY_TERMINAL)
    finally:
        parts.close()
    _say(options, {"claim": text}, text)
    return DONE


def _upgrade_box(config: Config, options: argparse.Namespace) -> int:
    parts = _wire(config)
    try:
        place, when = parts.bundles, options.not_before_ms
        order = order_upgrade(parts.centre, options.box, options.bundle, place, when, BY_TERMINAL)
    finally:
        parts.close()
    facts = {"box": options.box, "version": order.version, "bundle": order.bundle_hash}
    _say(options, facts, f"Box {options.box} is to become version {order.version}; it fetches the bundle by itself.")
    return DONE


def _courier_export(config: Config, options: argparse.Namespace) -> int:
    parts = _wire(config)
    try:
        files = all_files(parts.centre, options.box)
    finally:
        parts.close()
    folder = None
    if options.to.is_dir():
        inner = options.to / STICK_FOLDER
        folder = inner if inner.is_dir() else options.to
    chosen = files[:1] if folder is None else files
    told, words = [], []
    for file in chosen:
        path = options.to if folder is None else folder / file.name
        try:
            path.write_bytes(write_file(file.lines))
        except OSError as fault:
            return _say_faults(str(path), [f"{fault.strerror}; right would be a place that can be written"])
        commands = file.last - file.first + 1 if file.first else 0
        told.append({"file": str(path), "lines": len(file.lines), "commands": commands})
        words.append(f"{path}: {commands} commands, {len(file.lines) - commands} lines beside them")
    if len(files) > len(chosen):
        words.append("There is more than one file holds: give a folder to get all of it.")
    _say(options, {"files": told, "more": len(files) > len(chosen)}, "\n".join(words))
    return DONE


def _courier_import(config: Config, options: argparse.Namespace) -> int:
    box = options.box or box_that_wrote(options.file.name)
    if box is None:
        return _say_faults(str(options.file), ["its name does not say which box wrote it; right would be --box ID"])
    try:
        with options.file.open("rb") as file:
            body = file.read(FILE_BYTES_MAX + 1)
    except OSError as fault:
        return _say_faults(str(options.file), [f"{fault.strerror}; right would be a file that a box wrote"])
    parts = _wire(config)
    try:
        verdicts = take_file(parts.centre, box, body)
    finally:
        parts.close()
    text = [f"line {said.number}: {said.epoch}/{said.seq}: {said.verdict}" for said in verdicts]
    _say(options, [asdict(said) for said in verdicts], "\n".join(text))
    return DONE if all(said.good for said in verdicts) else FAULTY


def _say(options: argparse.Namespace, said: object, text: str) -> None:
    print(json.dumps(said, ensure_ascii=False, indent=2) if options.json else text)


def _say_faults(place: str, mistakes: Sequence[str]) -> int:
    for mistake in mistakes:
        print(f"{place}: {mistake}" if place else mistake, file=sys.stderr)
    return MISUSED
