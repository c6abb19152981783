"""What `python3 FILE.bundle` says and asks: `install` (also for a newer version), `check`. And `provision roll-back`.

Exit codes: 0 done; 1 not done, and why; 2 wrong options, or a bundle that is not what the root signed.
"""

import argparse
import json
import os
import platform
import sys
import zipfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

from edge_agent.agent.bundle_file import BadBundle, CheckedBundle, check_bundle
from edge_agent.config import BadConfig, read_claim
from protocol.bundle import LINE_NAME, is_wheel_name, version_number
from protocol.envelope import read_line
from protocol.errors import TheirFault
from protocol.limits import LINE_BYTES_MAX
from protocol.messages import Bundle
from protocol.payload import read_payload
from protocol.signing import PublicKey, public_key_from_text
from provisioning.install import steps
from provisioning.install.kinds import KINDS, Kind
from provisioning.install.machine import Machine, MachineFault
from provisioning.install.versions import PLACE, Versions
from provisioning.install.wheel_tags import Target, misfit

DONE: Final = 0
NOT_DONE: Final = 1
WRONG_INPUT: Final = 2
CLAIM_NAME: Final = "claim.toml"


class InstallFault(Exception):
    """Options that do not go together, or a bundle that is not for this machine."""


def main(bundle: Path, kind_name: str, arguments: Sequence[str]) -> int:
    """Carry out one command on the bundle that was started. Returns the exit code."""
    kind = KINDS["centre" if kind_name == "centre" else "box"]
    options = _parser(bundle, kind).parse_args(arguments or ["--help"])
    try:
        if options.command == "check":
            checked, _ = _checked(bundle, kind, options)
            return _say(options, f"{bundle}: version {checked.version}, signed by the root", version=checked.version)
        return _install(bundle, kind, options)
    except (BadBundle, BadConfig, InstallFault) as fault:
        return _fail(options, WRONG_INPUT, str(fault))
    except (MachineFault, OSError) as fault:
        return _fail(options, NOT_DONE, str(fault))


def _parser(bundle: Path, kind: Kind) -> argparse.ArgumentParser:
    what = "a box" if kind.name == "box" else "the centre"
    parser = argparse.ArgumentParser(prog=f"python3 {bundle.name}", description=f"The program of {what}, for Debian.")
    commands = parser.add_subparsers(required=True, metavar="COMMAND", dest="command")
    install = commands.add_parser("install", help="show what is missing, ask, install; repeatable, and upgrades")
    check = commands.add_parser("check", help="compare every file with what the root signed; install nothing")
    for each in (install, check):
        each.add_argument("--root", type=Path, metavar="FILE", help="the root's public key: keys/root.pub of the site")
        each.add_argument("--under", type=Path, default=Path("/"), metavar="DIR", help="a folder instead of /: a trial")
        each.add_argument("--json", action="store_true", help="the result as one JSON object")
        if kind.name == "box":
            each.add_argument(
                "--claim", type=Path, metavar="FILE", help="the box's claim (claim.toml beside the bundle)"
            )
    install.add_argument("--yes", action="store_true", help="do not ask")
    if kind.name == "centre":
        install.add_argument("--settings", type=Path, metavar="FILE", help="centre.toml that `provision init` made")
    return parser


def _install(bundle: Path, kind: Kind, options: argparse.Namespace) -> int:
    machine = Machine(options.under.absolute())
    if not machine.is_trial and os.geteuid() != 0:
        raise InstallFault("only root may install; right would be: sudo python3 …")
    versions = Versions(machine, kind)
    checked, root = _checked(bundle, kind, options)
    _refuse_older(versions, checked)
    request = steps.Request(checked, root.text, _claim(bundle, kind, options), getattr(options, "settings", None))
    planned = steps.plan(versions, request)
    missing, before = [step for step in planned if not step.there], versions.current
    if not options.json:
        for step in planned:
            sys.stdout.write(f"{'is there ' if step.there else 'to make  '} {step.what}\n")
    if missing and not options.yes and not _agreed():
        raise InstallFault("nothing was changed; say yes, or add --yes")
    for step in missing:
        step.do()
    facts = {"version": checked.version, "made": [step.what for step in missing]}
    return _say(options, _next(versions, before) if missing else "All of it is there; nothing was changed.", **facts)


def _refuse_older(versions: Versions, checked: CheckedBundle) -> None:
    current = versions.current
    other = [name for name in ("box", "centre") if name != versions.kind.name]
    if current is not None and not Path(versions.command(current, versions.kind.program)).exists():
        raise InstallFault(f"{versions.folder} is the program of a {other[0]}; one machine has one of the two")
    if current is not None and (version_number(checked.version) or ()) < (version_number(current) or ()):
        raise InstallFault(f"version {checked.version} is older than {current}; right would be: provision roll-back")


def _checked(bundle: Path, kind: Kind, options: argparse.Namespace) -> tuple[CheckedBundle, PublicKey]:
    """The bundle as the root signed it, for this site and this machine. Raises BadBundle, InstallFault."""
    claim = _claim(bundle, kind, options)
    versions = Versions(Machine(options.under.absolute()), kind)
    told = {
        str(options.root or "--root"): options.root.read_text(encoding="utf-8").strip() if options.root else None,
        str(claim): read_claim(claim).root_key if claim is not None else None,
        str(versions.folder / steps.ROOT_KEY_NAME): steps.kept_root(versions),
    }
    keys = {place: text for place, text in told.items() if text}
    if not keys:
        also = " (or --claim FILE)" if kind.name == "box" else ""
        raise InstallFault(f"whose signature counts is not known; right would be --root FILE, keys/root.pub{also}")
    if len(set(keys.values())) > 1:
        raise InstallFault(f"these name different roots: {', '.join(keys)}; one machine belongs to one site")
    try:
        root = public_key_from_text(next(iter(keys.values())))
    except TheirFault as fault:
        raise InstallFault(f"{next(iter(keys))}: no public key: {fault}") from None
    checked = check_bundle(bundle, root, _site_in(bundle) if claim is None else read_claim(claim).site)
    target = _this_machine()
    misfits = [text for name in checked.files if is_wheel_name(name) and (text := misfit(name, target)) is not None]
    if misfits:
        raise InstallFault(f"{bundle}: not for this machine: {'; '.join(misfits)}")
    return checked, root


def _claim(bundle: Path, kind: Kind, options: argparse.Namespace) -> Path | None:
    """The claim that was named, or the one that lies beside the bundle on its stick."""
    if kind.name != "box":
        return None
    beside = bundle.with_name(CLAIM_NAME)
    given: Path | None = options.claim
    return given or (beside if beside.is_file() else None)


def _site_in(bundle: Path) -> str:
    """The site that the bundle says it is for; its root's key belongs to that one alone. Raises BadBundle."""
    try:
        with zipfile.ZipFile(bundle) as archive, archive.open(LINE_NAME) as file:
            return read_payload(read_line(file.read(LINE_BYTES_MAX).strip()).payload, Bundle).site
    except (OSError, zipfile.BadZipFile, KeyError, TheirFault) as fault:
        raise BadBundle(f"{bundle}: {fault}") from None


def _this_machine() -> Target:
    libc, version = platform.libc_ver()
    numbers = version.split(".") if libc == "glibc" else []
    glibc = (int(numbers[0]), int(numbers[1])) if len(numbers) >= 2 else (0, 0)
    return Target((sys.version_info.major, sys.version_info.minor), platform.machine(), glibc)


def _agreed() -> bool:
    if not sys.stdin.isatty():
        return False
    sys.stdout.write("Go on? [y/N] ")
    sys.stdout.flush()
    return sys.stdin.readline().strip().lower() in ("y", "yes")


def _next(versions: Versions, before: str | None) -> str:
    """What a person does now; after an upgrade nothing but knowing the way back."""
    kind, machine = versions.kind, versions.machine
    commands, settings = machine.at(f"{PLACE}/bin"), machine.at(f"{kind.config_dir}/{kind.settings}")
    if before is not None:
        return f"Version {versions.current} is in force. The way back: {commands}/provision roll-back"
    words = [f"{commands} holds {', '.join(kind.commands)}."]
    if kind.name == "box":
        words += [
            f"Fill in {settings}, then as user {kind.user} (runuser -u {kind.user} --):",
            f"  {commands}/edge-agent check --config {settings}",
            f"  {commands}/edge-agent enrol --config {settings}",
        ]
    else:
        words += [
            f"With {settings} in place, as user {kind.user} (runuser -u {kind.user} --):",
            f"  {commands}/cloud-server setup --config {settings}",
        ]
    return "\n".join([*words, f"Then: systemctl start {kind.service}"])


def add_roll_back(words: Any) -> None:
    """The word `provision roll-back`."""
    parser = words.add_parser("roll-back", help="go back to the version that was installed before; books stay")
    parser.add_argument("--under", type=Path, default=Path("/"), metavar="DIR", help="a folder instead of /: a trial")
    parser.add_argument("--yes", action="store_true", help="do not ask")
    parser.add_argument("--json", action="store_true", help="the result as one JSON object")
    parser.set_defaults(run=_roll_back)


def _roll_back(options: argparse.Namespace) -> int:
    machine = Machine(options.under.absolute())
    place = machine.at(f"{PLACE}/bin")
    kind = KINDS["centre" if (place / KINDS["centre"].program).exists() else "box"]
    versions = Versions(machine, kind)
    try:
        if not options.json:
            sys.stdout.write(f"{versions.current} is in force; {versions.previous or 'nothing'} comes back\n")
        if not options.yes and not _agreed():
            raise InstallFault("nothing was changed; say yes, or add --yes")
        now = versions.current
        version = steps.go_back(versions)
    except InstallFault as fault:
        return _fail(options, WRONG_INPUT, str(fault))
    except (MachineFault, OSError) as fault:
        return _fail(options, NOT_DONE, str(fault))
    return _say(options, f"Version {version} is in force again; {now} stays beside it.", version=version)


def _say(options: argparse.Namespace, text: str, **facts: Any) -> int:
    sys.stdout.write(f"{json.dumps(facts, ensure_ascii=False) if options.json else text}\n")
    return DONE


def _fail(options: argparse.Namespace, code: int, text: str) -> int:
    if options.json:
        sys.stdout.write(json.dumps({"error": text}, ensure_ascii=False) + "\n")
    else:
        sys.stderr.write(f"tallybox: {text}\n")
    return code
