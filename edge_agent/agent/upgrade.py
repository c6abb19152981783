"""A new version of the program: looked through, laid out, tried on a copy of the store, switched to, proved or undone.

Nothing that is in force is touched before the new version has passed its self-test. It is on trial until it has
confirmed the box's head with the centre or has run for ten minutes; one that does not come up in three starts is
undone, with the store as it was before where the new version had changed the store's form.
"""

import json
import logging
import os
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from edge_agent.agent.bundle_file import BadBundle, check_bundle, lay_out
from edge_agent.agent.programs import BACKUP, INSTALLED, STARTED_AS, Programs, become, started_as
from edge_agent.config import BoxFile
from edge_agent.flows.seal_batches import Sealing
from edge_agent.ports import Clock
from edge_agent.store.copying import copy_store, put_back, store_form
from edge_agent.store.opening import FILE_NAME, SET_ASIDE
from edge_agent.sync.identity import Identity
from protocol.bundle import version_number

SELF_TEST_S: Final = 900.0
"""Opening and verifying a year of batches on slow flash, with imports of a program that was never compiled."""
PROVED_AFTER_MS: Final = 600_000
"""Without the centre: so long without an end proves a version."""
TRIAL_STORE: Final = "trial-store"
MISTAKES_TOLD: Final = 5

log = logging.getLogger(__name__)


class UpgradeFailed(Exception):
    """The new version is not started; what is in force is as it was."""


def prepare(box_file: BoxFile, identity: Identity, path: Path, running: str, wanted: str | None = None) -> str:
    """Bring a bundle as far as it can be without stopping anything. Returns its version.

    `wanted`: the hash of the bundle that was ordered. Raises BadBundle, UpgradeFailed, StoreFault.
    """
    bundle = check_bundle(path, identity.root, identity.place.site)
    if wanted not in (None, bundle.hash):
        raise BadBundle(f"{path}: it is bundle {bundle.hash[:16]}…, ordered was {wanted[:16] if wanted else ''}…")
    if version_number(bundle.version) == version_number(running):
        raise BadBundle(f"version {bundle.version} runs on this box")
    if (version_number(bundle.version) or ()) < (version_number(running) or ()):
        raise BadBundle(f"{path}: version {bundle.version} is not newer than {running}, which runs")
    programs = Programs(box_file.state_dir)
    if programs.was_undone(bundle.version, bundle.hash):
        raise BadBundle(undone(bundle.version))
    place = programs.place(bundle.version)
    lay_out(bundle, place)
    log.info("upgrade_laid_out", extra={"fields": {"version": bundle.version, "bundle": bundle.hash}})
    trial = programs.folder / TRIAL_STORE
    words = ["check", "--config", str(box_file.path), "--json"]
    if (box_file.state_dir / FILE_NAME).exists():
        copy_store(box_file.state_dir, trial)
        words += ["--store", str(trial)]
    _self_test(programs.command(bundle.version, words), bundle.version)
    return bundle.version


def undone(version: str) -> str:
    """What is said of a version that was tried and given up."""
    return f"version {version} did not come up on this box and was undone; a newer one is needed"


def _self_test(command: Sequence[str], version: str) -> None:
    """Let the new program look at everything, the copied store migrated by it. Raises UpgradeFailed."""
    environment = {name: value for name, value in os.environ.items() if name != "NOTIFY_SOCKET"}
    try:
        done = subprocess.run(
            command,
            capture_output=True,
            text=True,
            timeout=SELF_TEST_S,
            check=False,
            env=environment | {STARTED_AS: version},
        )
    except (OSError, subprocess.TimeoutExpired) as fault:
        raise UpgradeFailed(f"version {version} failed its self-test: {fault}") from None
    if done.returncode != 0:
        raise UpgradeFailed(f"version {version} failed its self-test: {_why(done.stdout, done.stderr)}")


def _why(told: str, complained: str) -> str:
    """The mistakes that the check named, or the last words of a program that did not get so far."""
    try:
        mistakes = json.loads(told)["mistakes"]
    except (ValueError, KeyError, TypeError):
        mistakes = [line for line in complained.splitlines() if line.strip()][-1:]
    return "; ".join(map(str, mistakes[:MISTAKES_TOLD])) or "it said nothing"


def switch(box_file: BoxFile, version: str) -> None:
    """With the store closed: back it up, and let the version be started from now on. Raises StoreFault."""
    programs = Programs(box_file.state_dir)
    if (box_file.state_dir / FILE_NAME).exists():
        copy_store(box_file.state_dir, programs.folder / BACKUP)
    programs.switch(version)
    log.info("upgrade_switched", extra={"fields": {"version": version}})


def start_current(state_dir: Path, words: Sequence[str], *, to_run: bool, now_ms: int) -> None:
    """Become the version in force, where another than the installed one is; to run, that counts as a try.

    Returns where this process is to go on itself.
    """
    programs = Programs(state_dir)
    if started_as() != INSTALLED or programs.current == INSTALLED:
        return
    given_up = programs.begin_start() if to_run else None
    if given_up is not None:
        fields = {"version": given_up.version, "previous": given_up.previous or "installed", "tries": given_up.tries}
        log.error("upgrade_undone", extra={"fields": fields})
        before, now = store_form(programs.folder / BACKUP), store_form(state_dir)
        if before is not None and now is not None and now > before:
            put_back(programs.folder / BACKUP, state_dir, state_dir / SET_ASIDE / f"{now_ms}-{given_up.version}")
    version = programs.current
    if version != INSTALLED:
        become(programs, version, words)


@dataclass(slots=True)
class TrialKeeper:
    """Ends the trial of the version that this process is, once it has proved itself."""

    state_dir: Path
    sealing: Sealing
    clock: Clock
    began_ms: int

    def look(self) -> None:
        """Once a second; cheap where nothing is on trial."""
        version = started_as()
        if version == INSTALLED:
            return
        proved = self.sealing.head_confirmed or self.clock.mono_ms() - self.began_ms >= PROVED_AFTER_MS
        if proved and Programs(self.state_dir).prove(version):
            log.info("upgrade_proved", extra={"fields": {"version": version}})
