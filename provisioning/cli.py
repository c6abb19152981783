"""The command `provision`: words, options, exit codes, and what a terminal shows. The work is done elsewhere.

Exit codes: 0 done; 1 not done, and why; 2 wrong options or mistakes in a file; 3 the centre does not answer.
"""

import argparse
import getpass
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from provisioning import boxes, bundle, bundle_command, hardware, init_site, limits_command, rotate_keys
from provisioning.answers import NO_ANSWER, NOT_DONE, WRONG_INPUT, agreed, fail, show
from provisioning.centre_api import ApiFault, Refused, Unreachable
from provisioning.commission import command as commission_command
from provisioning.demo import command as demo_command
from provisioning.install.cli import add_roll_back
from provisioning.keys import KeyFault, check_passphrase
from provisioning.limits import LimitsFault
from provisioning.options import UsageFault, add_centre_options, add_init_options, connect
from provisioning.plan_file import PlanFault
from provisioning.site_command import add_words as add_site
from provisioning.workbook import files as workbook


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command and return its exit code."""
    options = _parser().parse_args(arguments)
    try:
        return int(options.run(options))
    except (UsageFault, PlanFault) as fault:
        return fail(options, WRONG_INPUT, str(fault))
    except Unreachable as fault:
        return fail(options, NO_ANSWER, str(fault))
    except Refused as fault:
        return fail(options, NOT_DONE, str(fault), fault.errors)
    except bundle.BundleFault as fault:
        return fail(options, WRONG_INPUT, "no bundle was made", fault.mistakes)
    except LimitsFault as fault:
        return fail(options, WRONG_INPUT, "nothing was signed", fault.mistakes)
    except (
        ApiFault,
        KeyFault,
        rotate_keys.RotationFault,
        init_site.InitFault,
        boxes.BoxFault,
        workbook.WorkbookFault,
        OSError,
    ) as fault:
        return fail(options, NOT_DONE, str(fault))
    except KeyboardInterrupt:
        return fail(options, NOT_DONE, "interrupted")


# --- init ---------------------------------------------------------------------------------------------------------


def _init(options: argparse.Namespace) -> int:
    folder: Path = options.dir.absolute()
    request = init_site.InitRequest(
        folder=folder,
        root_folder=(options.root or folder / "root").absolute(),
        journal=(options.journal or folder / "journal").absolute(),
        name=options.site,
        zone=options.zone,
        currency=options.currency,
        url=options.url,
        listen=options.listen or init_site.listen_address(options.url),
        second_factor=options.second_factor,
    )
    mistakes = init_site.find_mistakes(request)
    if mistakes:
        return fail(options, WRONG_INPUT, f"{len(mistakes)} of the options cannot be taken", mistakes)
    steps = init_site.plan(request)
    missing = [step for step in steps if not step.there]
    if not options.json:
        _print_plan(steps)
    made: list[init_site.Step] = []
    if missing and not options.dry_run:
        if not (options.yes or agreed("Make what is missing?")):
            raise UsageFault("nothing was made; say yes, or add --yes")
        made = init_site.carry_out(request, _passphrase(options, new=not steps[0].there))
    facts = {
        "made": [str(path) for step in made for path in step.paths],
        "there": [str(path) for step in steps if step.there for path in step.paths],
        "missing": [str(path) for step in missing for path in step.paths] if not made else [],
        "settings": str(folder / "centre.toml"),
    }
    return show(options, _after_init(request, made, missing, no_passphrase=options.no_passphrase), **facts)


def _print_plan(steps: Sequence[init_site.Step]) -> None:
    for step in steps:
        print(f"{'is there ' if step.there else 'to make  '} {step.what}: {', '.join(map(str, step.paths))}")


def _after_init(
    request: init_site.InitRequest,
    made: Sequence[init_site.Step],
    missing: Sequence[init_site.Step],
    *,
    no_passphrase: bool,
) -> str:
    if not missing:
        return "All of it is there; nothing was changed."
    if not made:
        return "A dry run: nothing was made."
    place = init_site.SiteFolder(request.folder, request.root_folder)
    lines = [f"Made. Next: cloud-server setup --config {place.settings}"]
    if place.root_key.exists():
        lines.append(f"Take {place.root_key} away from this machine (two sticks, two places): it signs new keys.")
    if no_passphrase and place.root_key.exists():
        lines.append(
            "!! THE ROOT KEY HAS NO PASSPHRASE: who copies the file can take over every box. Not for a real site."
        )
    if request.journal.stat().st_dev == request.folder.stat().st_dev:
        lines.append(
            f"The journal {request.journal} is on the same disk as the database; choose another with --journal."
        )
    return "\n".join(lines)


def _passphrase(options: argparse.Namespace, *, new: bool) -> str | None:
    if options.no_passphrase:
        return None
    if options.passphrase_file is not None:
        return str(options.passphrase_file.read_text(encoding="utf-8")).rstrip("\r\n")
    if not sys.stdin.isatty():
        raise UsageFault("the root key needs a passphrase: --passphrase-file FILE (or --no-passphrase for a trial)")
    passphrase = getpass.getpass("Passphrase of the root key: ")
    if new:
        check_passphrase(passphrase)
        if getpass.getpass("The same again: ") != passphrase:
            raise UsageFault("the two passphrases differ; nothing was made")
    return passphrase


# --- keys ---------------------------------------------------------------------------------------------------------


def _rotate(options: argparse.Namespace) -> int:
    rotation = rotate_keys.plan(options.dir.absolute(), (options.root or options.dir / "root").absolute())
    coming = rotation.generation + 1
    if not options.json:
        verb = "finish the change to" if rotation.finishes else "make"
        print(f"to {verb} key generation {coming}; the line of generation {rotation.generation} is kept")
    if not (options.yes or agreed("Go on?")):
        raise UsageFault("nothing was changed; say yes, or add --yes")
    passphrase = None if rotation.finishes else _passphrase(options, new=False)
    generation = rotate_keys.carry_out(rotation, passphrase)
    text = f"Key generation {generation}: start the centre anew; boxes take the key with their next answer."
    return show(options, text, key_generation=generation, kept=str(rotation.kept_line))


# --- box ----------------------------------------------------------------------------------------------------------


def _box_list(options: argparse.Namespace) -> int:
    with connect(options) as api:
        found = api.boxes()
    lines = [f"{'box':<12} {'state':<10} {'fingerprint':<20} last heard"]
    for box in found:
        heard = time.strftime("%Y-%m-%d %H:%M:%S", time.localtime(box.seen_at_ms / 1000)) if box.seen_at_ms else "never"
        lines.append(f"{box.name:<12} {box.state:<10} {box.fingerprint or '-':<20} {heard}")
    return show(
        options, "\n".join(lines), boxes=[{name: getattr(box, name) for name in box.__struct_fields__} for box in found]
    )


def _box_add(options: argparse.Namespace) -> int:
    path: Path = options.out or Path(f"claim-{options.box}.toml")
    if path.exists() and not options.replace:
        raise UsageFault(f"{path} is there already; another name with --out, or --replace (the old claim is void then)")
    with connect(options) as api:
        claim = boxes.write_claim(api, options.box, path, options.centre_address)
    ends = time.strftime("%Y-%m-%d %H:%M", time.localtime(claim.expires_at_ms / 1000))
    text = f"{path}: good for one enrolment until {ends}. On the box: edge-agent enrol --config box.toml"
    return show(options, text, box=claim.box, claim=str(path), expires_at_ms=claim.expires_at_ms)


def _box_confirm(options: argparse.Namespace) -> int:
    with connect(options) as api:
        box = boxes.confirm(api, options.box, " ".join(options.fingerprint))
    return show(options, f"Box {box.name} is confirmed and gets its first configuration.", box=box.box, name=box.name)


# --- words and options --------------------------------------------------------------------------------------------


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="provision", description="From an empty machine to a selling site.")
    words = parser.add_subparsers(required=True, metavar="COMMAND")
    init = words.add_parser("init", help="make keys, certificates and the centre's settings")
    add_init_options(init)
    init.set_defaults(run=_init)
    _add_rotate(words)
    limits_command.add_words(words, show, _passphrase, agreed)
    add_site(words)
    bundle_command.add_words(words, show)
    add_roll_back(words)
    _add_box(words)
    commission_command.add_words(words)
    demo_command.add_words(words)
    return parser


def _add_rotate(words: Any) -> None:
    rotate = words.add_parser("rotate-command-key", help="a new command key for the centre, signed by the root")
    rotate.add_argument("--dir", type=Path, required=True, help="folder of the centre")
    rotate.add_argument("--root", type=Path, metavar="DIR", help="folder of the root key, for example on a stick")
    secret = rotate.add_mutually_exclusive_group()
    secret.add_argument("--passphrase-file", type=Path, metavar="FILE", help="passphrase of the root key")
    secret.add_argument("--no-passphrase", action="store_true", help="the root key is open: a trial")
    rotate.add_argument("--yes", action="store_true", help="do not ask")
    rotate.add_argument("--json", action="store_true", help="the result as one JSON object")
    rotate.set_defaults(run=_rotate)


def _add_box(words: Any) -> None:
    box = words.add_parser("box", help="take boxes in").add_subparsers(required=True)
    listed = box.add_parser("list", help="all boxes, and how far they are")
    add_centre_options(listed)
    listed.set_defaults(run=_box_list)
    add = box.add_parser("add", help="get the claim file of a box")
    add.add_argument("box", metavar="BOX", help="its name in the plan, or its id")
    add.add_argument("--out", type=Path, metavar="FILE", help="the claim file (claim-BOX.toml)")
    add.add_argument("--replace", action="store_true", help="write over a claim file that is there")
    add.add_argument("--centre-address", metavar="URL", help="where the box reaches the centre, if not by its URL")
    add_centre_options(add)
    add.set_defaults(run=_box_add)
    confirm = box.add_parser("confirm", help="say yes to the fingerprint that a box shows on its own screen")
    confirm.add_argument("box", metavar="BOX")
    confirm.add_argument("fingerprint", metavar="FINGERPRINT", nargs="+", help="as the box shows it, blanks included")
    add_centre_options(confirm)
    confirm.set_defaults(run=_box_confirm)
    for each in (listed, add, confirm, *hardware.add_words(box, show, agreed)):
        each.add_argument("--json", action="store_true", help="the result as one JSON object")
