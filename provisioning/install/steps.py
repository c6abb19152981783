"""What installing a bundle takes on this machine: each step says whether it is there already, and how it is made.

Nothing that is in force is touched before the new version is laid out and has answered; what the program keeps is
copied before a newer one may change its form, and the version before stays for the way back.
"""

import os
import shutil
from collections.abc import Callable
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path
from typing import Final

from edge_agent.agent.bundle_file import CheckedBundle
from provisioning.files import write_file
from provisioning.install.books import (
    SECRET,
    copy_database,
    databases,
    faults_by,
    is_used,
    keep_state,
    last_words,
    settings_path,
)
from provisioning.install.kinds import Kind
from provisioning.install.machine import Machine, MachineFault
from provisioning.install.versions import Versions
from provisioning.toml_text import write_toml

ROOT_KEY_NAME: Final = "root.pub"
_PUBLIC: Final = 0o644
_DRAFT: Final = """\
# What stands on the box itself; everything else comes from the centre. See docs/quickstart.md.
{state}claim = "claim.toml"

# One table for each bus of this box, named as in the plan:
# [bus.A1-1]
# serial = "/dev/serial/by-id/usb-adapter-1"
"""


@dataclass(frozen=True, slots=True)
class Step:
    """One thing: what it is, whether it is done already, and how it is done."""

    what: str
    there: bool
    do: Callable[[], None]


@dataclass(frozen=True, slots=True)
class Request:
    """What is to be installed, and what is brought along."""

    bundle: CheckedBundle
    root_key: str
    claim: Path | None
    settings: Path | None


def plan(versions: Versions, request: Request) -> list[Step]:
    """All steps, in the order in which they are done."""
    machine, kind = versions.machine, versions.kind
    units = [(name, machine.at(f"{folder}/{name}")) for name, folder in kind.units.items()]
    version = request.bundle.version
    state, config = machine.at(kind.state_dir), machine.at(kind.config_dir)
    steps = [
        Step(f"user {kind.user}", machine.has_user(kind.user), lambda: _make_user(machine, kind)),
        Step(
            f"folders {state} and {config}",
            state.is_dir() and config.is_dir(),
            lambda: _make_folders(machine, kind),
        ),
        Step(
            f"version {version} in {versions.place(version)}",
            versions.holds(version, request.bundle.hash),
            lambda: versions.lay_out(request.bundle),
        ),
        Step(
            f"the root's public key in {versions.folder / ROOT_KEY_NAME}",
            kept_root(versions) == request.root_key,
            lambda: write_file(versions.folder / ROOT_KEY_NAME, f"{request.root_key}\n".encode(), _PUBLIC),
        ),
        *(Step(f"unit {path}", _same(path, _unit(name)), _writer(path, _unit(name))) for name, path in units),
        *_settings(machine, kind, request),
    ]
    there = versions.current == version
    done = there and all(step.there for step in steps[:3])
    before = "" if versions.current in (None, version) else f" in place of {versions.current}, which stays"
    words = f"{kind.program} of version {version} in force{before}"
    return [*steps, Step(words, done, lambda: _put_in_force(versions, version))]


def kept_root(versions: Versions) -> str | None:
    """The root's public key that an earlier bundle was checked with."""
    try:
        return (versions.folder / ROOT_KEY_NAME).read_text(encoding="ascii").strip()
    except OSError:
        return None


def _make_user(machine: Machine, kind: Kind) -> None:
    machine.make_user(kind.user, kind.state_dir, kind.groups)


def _make_folders(machine: Machine, kind: Kind) -> None:
    state, config = machine.at(kind.state_dir), machine.at(kind.config_dir)
    state.mkdir(parents=True, exist_ok=True)
    config.mkdir(parents=True, exist_ok=True)
    machine.own(state, kind.user, 0o700)


def _unit(name: str) -> bytes:
    return files("provisioning").joinpath("units", name).read_bytes()


def _same(path: Path, body: bytes) -> bool:
    return path.is_file() and path.read_bytes() == body


def _writer(path: Path, body: bytes) -> Callable[[], None]:
    def write() -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        write_file(path, body, _PUBLIC)

    return write


def _settings(machine: Machine, kind: Kind, request: Request) -> list[Step]:
    """Settings that are there are never changed."""
    path = machine.at(f"{kind.config_dir}/{kind.settings}")
    steps = []
    if request.claim is not None:
        claim, body = path.with_name("claim.toml"), request.claim.read_bytes()
        steps.append(Step(f"claim {claim}", _same(claim, body), lambda: _give(machine, kind, claim, body)))
    if kind.name == "box":
        draft = _DRAFT.format(state=write_toml({"state_dir": str(machine.at(kind.state_dir))})).encode()
        steps.append(Step(f"settings {path}, to fill in", path.exists(), lambda: _give(machine, kind, path, draft)))
    elif request.settings is not None:
        target = request.settings.absolute()
        steps.append(
            Step(
                f"settings {path}, which leads to {target}",
                path.is_symlink() and path.readlink() == target,
                lambda: _lead(machine, kind, path, target),
            )
        )
    return steps


def _give(machine: Machine, kind: Kind, path: Path, body: bytes) -> None:
    write_file(path, body, SECRET)
    machine.own(path, kind.user, SECRET)


def _lead(machine: Machine, kind: Kind, path: Path, target: Path) -> None:
    """The settings of a centre lie where `provision init` made them; their folder becomes the service's own."""
    if path.exists() and not path.is_symlink():
        raise MachineFault(f"{path} is there already and is no link; right would be to move it away first")
    path.unlink(missing_ok=True)
    path.symlink_to(target)
    if not machine.is_trial:
        for folder, _, names in os.walk(target.parent):
            for found in (Path(folder), *(Path(folder) / name for name in names)):
                shutil.chown(found, kind.user, kind.user)


def _put_in_force(versions: Versions, version: str) -> None:
    """Stop the service, copy what it keeps, switch, look, start again. A version that fails leaves all as it was."""
    machine, kind = versions.machine, versions.kind
    was_active = machine.tell_systemd("is-active", "--quiet", kind.service)
    machine.tell_systemd("stop", kind.service)
    kept = keep_state(versions, version) if versions.current not in (None, version) else {}
    try:
        _bring_forward(versions, version)
        versions.switch(version)
        versions.forget_older()
    except MachineFault:
        # The service has not run since they were made: nothing can be lost by going back to them.
        for path, copy in kept.items():
            copy_database(copy, path)
        raise
    finally:
        machine.tell_systemd("daemon-reload")
        machine.tell_systemd("enable", kind.service)
        if was_active:
            machine.tell_systemd("start", kind.service)


def _bring_forward(versions: Versions, version: str) -> None:
    """Let the new version look at what the one in force keeps. Raises MachineFault for what was well before."""
    machine, kind = versions.machine, versions.kind
    before = versions.current
    if before is None or not is_used(versions):
        return
    known = set(faults_by(versions, before))
    if kind.name == "centre":
        words = ["setup", "--config", settings_path(versions), "--json"]
        done = machine.run([versions.command(version, kind.program), *words], kind.user)
        if done.returncode != 0:
            why = last_words(done.stdout, done.stderr)
            raise MachineFault(f"version {version} cannot take over the database: {why}")
    new = [fault for fault in faults_by(versions, version) if fault not in known]
    if new:
        raise MachineFault(f"version {version} finds what {before} does not: {'; '.join(new)}")


def go_back(versions: Versions) -> str:
    """Let the version before be in force again, with the same books. Raises MachineFault where it refuses them."""
    machine, kind = versions.machine, versions.kind
    before, now = versions.previous, versions.current
    if before is None or now is None:
        raise MachineFault(f"{versions.folder}: no version before the present one is here")
    was_active = machine.tell_systemd("is-active", "--quiet", kind.service)
    machine.tell_systemd("stop", kind.service)
    try:
        new = sorted(set(faults_by(versions, before)) - set(faults_by(versions, now))) if is_used(versions) else []
        if new:
            copies = ", ".join(f"{path}.before-{now}" for path in databases(versions))
            raise MachineFault(
                f"version {before} does not take what {now} keeps: {'; '.join(new)}. Copies from before: {copies}; "
                "how to go back to one without losing what came since is in docs/memory-lost.md"
            )
        versions.go_back()
    finally:
        if was_active:
            machine.tell_systemd("start", kind.service)
    return before
