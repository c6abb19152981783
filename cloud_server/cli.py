"""`cloud-server`: what an administrator does in a terminal. Reads arguments, calls flows, prints."""

import argparse
import json
import sys
from collections.abc import Callable, Sequence
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
from cloud_server.flows.enrol_box import make_claim
from cloud_server.flows.issue_token import issue_token
from cloud_server.flows.keep_energy import keep_energy
from cloud_server.flows.set_up import set_up_centre
from cloud_server.flows.upgrade_boxes import order_upgrade
from cloud_server.store.database import DatabaseFault
from cloud_server.store.engines import open_engine
from cloud_server.store.schema import make_months_ahead, make_schema, restore_guards
from cloud_server.store.unit import StoredBooks
from cloud_server.terminal.came import Came, Misused
from cloud_server.terminal.carried import export_files, import_file
from cloud_server.terminal.checks import check_centre, verify_books
from cloud_server.terminal.wired import wired
from cloud_server.terminal.words import add_words
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
    except Misused as fault:
        return _say_faults(fault.place, fault.mistakes)
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
    add("check", _said(check_centre), "Look at configuration, keys, journal and database, and say what is wrong.")
    verify = add("verify", _said(verify_books), "Check every invariant of the books; exit code 1 if one is broken.")
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
    _add_courier(commands, add)
    add_words(add, _said)
    return parser


def _add_courier(commands: Any, add: Callable[..., argparse.ArgumentParser]) -> None:
    courier = commands.add_parser("courier", help="Lines carried by hand to and from a box whose fibre is cut.")
    carried = courier.add_subparsers(required=True, metavar="COMMAND")
    out = add("export", _said(export_files), "Write what a box lacks, keys, epoch and commands, into files.", carried)
    out.add_argument("--box", required=True, metavar="ID", help="the box's id in the plan")
    out.add_argument("--to", type=Path, required=True, help="a file, a folder, or a stick with a folder tallybox")
    into = add("import", _said(import_file), "Take in a file that a box wrote; each batch gets a verdict.", carried)
    into.add_argument("file", type=Path, help="a file that the box wrote")
    into.add_argument("--box", metavar="ID", help="the box's id; left out, the name of the file says it")


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
    with wired(config) as parts:
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
    _say(options, said, "\n".join(f"{key}: {value}" for key, value in said.items()))
    return DONE


def _run(config: Config, _options: argparse.Namespace) -> int:
    from cloud_server.app import serve  # noqa: PLC0415  # the web framework is loaded where it is needed

    serve(config)
    return DONE


def _token(config: Config, options: argparse.Namespace) -> int:
    scopes = [scope.strip() for scope in options.scopes.split(",") if scope.strip()]
    wrong = [scope for scope in scopes if scope not in get_args(Scope)]
    if wrong or not scopes:
        return _say_faults("--scopes", [f"{options.scopes!r}: one or more of {', '.join(get_args(Scope))}"])
    if not 1 <= options.days <= TOKEN_DAYS_MAX:
        return _say_faults("--days", [f"{options.days}: 1 to {TOKEN_DAYS_MAX}"])
    if "/" in options.name or not options.name.strip():
        return _say_faults("--name", [f"{options.name!r}: a name without slashes"])
    with wired(config) as parts:
        named, strange = _buildings(parts.centre, options.building)
        if strange:
            return _say_faults(
                "--building", [f"{name!r}: the name of a building of the site's plan" for name in strange]
            )
        issued = issue_token(parts.centre, options.name, scopes, options.days, BY_TERMINAL, named)
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
    with wired(config) as parts:
        person = next((row for row in parts.staff.everybody() if row.name == options.name), None)
        if person is None:
            return _say_faults("--name", [f"{options.name!r}: nobody signs in by this name"])
        removed = parts.second.remove(person.staff, BY_TERMINAL)
    said = "is taken away; their sessions are ended" if removed else "was not there"
    _say(options, {"name": options.name, "removed": removed}, f"The second factor of {options.name} {said}.")
    return DONE


def _claim(config: Config, options: argparse.Namespace) -> int:
    with wired(config) as parts:
        text = make_claim(parts.centre, options.box, BY_TERMINAL)
    _say(options, {"claim": text}, text)
    return DONE


def _upgrade_box(config: Config, options: argparse.Namespace) -> int:
    with wired(config) as parts:
        place, when = parts.bundles, options.not_before_ms
        order = order_upgrade(parts.centre, options.box, options.bundle, place, when, BY_TERMINAL)
    facts = {"box": options.box, "version": order.version, "bundle": order.bundle_hash}
    _say(options, facts, f"Box {options.box} is to become version {order.version}; it fetches the bundle by itself.")
    return DONE


def _say(options: argparse.Namespace, said: object, text: str) -> None:
    print(json.dumps(said, ensure_ascii=False, indent=2) if options.json else text)


def _say_faults(place: str, mistakes: Sequence[str]) -> int:
    for mistake in mistakes:
        print(f"{place}: {mistake}" if place else mistake, file=sys.stderr)
    return MISUSED
