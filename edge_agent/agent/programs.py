"""The versions of the program in the state directory: which is started, which is on trial, and the way back.

`programs/VERSION/` holds a version, `programs/current` names the one in force (absent: the one that is installed on
the machine), `programs/trial.json` says that it has not proved itself yet. Every change is one rename.
"""

import json
import os
import shutil
import sys
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Final

from edge_agent.agent.bundle_file import BUNDLE_HASH, START
from edge_agent.store.head_file import flush_folder

FOLDER: Final = "programs"
CURRENT: Final = "current"
TRIAL: Final = "trial.json"
BACKUP: Final = "backup"
UNDONE: Final = "undone"
"""In a version's folder: it did not come up."""
TRIES_MAX: Final = 3
"""Starts without proof until the version before comes back: one may be a loss of power, three are not."""
INSTALLED: Final = ""
"""In a trial: the version before is the one installed on the machine."""
STARTED_AS: Final = "TALLYBOX_PROGRAM"
"""In the environment of a version that was started from here: its name; whoever has it starts no other."""


@dataclass(frozen=True, slots=True)
class Trial:
    """A version that has not proved itself: what it replaced, and how often it was started."""

    version: str
    previous: str
    tries: int = 0


class Programs:
    """The versions below one state directory."""

    def __init__(self, state_dir: Path) -> None:
        self.state_dir = state_dir
        self.folder = state_dir / FOLDER

    def place(self, version: str) -> Path:
        """Where a version lies or would lie."""
        return self.folder / version

    @property
    def current(self) -> str:
        """The version in force; INSTALLED where none was switched to."""
        try:
            name = str((self.folder / CURRENT).readlink())
        except OSError:
            return INSTALLED
        return name if (self.folder / name / START).is_file() else INSTALLED

    @property
    def trial(self) -> Trial | None:
        """The trial that runs, if one does."""
        try:
            found = json.loads((self.folder / TRIAL).read_bytes())
            return Trial(str(found["version"]), str(found["previous"]), int(found["tries"]))
        except (OSError, ValueError, KeyError, TypeError):
            return None

    def switch(self, version: str) -> None:
        """Let a version be started from the next start on, on trial. The backup of the store is there already."""
        self._keep_trial(Trial(version, self.current))
        self._point_to(version)

    def begin_start(self) -> Trial | None:
        """Called at each start: count a try; after too many go back. Returns the trial that was given up."""
        trial = self.trial
        if trial is None or trial.version != self.current:
            return None
        if trial.tries >= TRIES_MAX:
            self.roll_back(trial)
            return trial
        self._keep_trial(Trial(trial.version, trial.previous, trial.tries + 1))
        return None

    def roll_back(self, trial: Trial) -> None:
        """The version before is in force again; what failed stays, to be looked at and not to be tried again."""
        self._point_to(trial.previous)
        (self.place(trial.version) / UNDONE).touch()
        (self.folder / TRIAL).unlink(missing_ok=True)

    def was_undone(self, version: str, bundle_hash: str) -> bool:
        """Whether this very bundle did not come up here before."""
        place = self.place(version)
        try:
            return (place / UNDONE).exists() and (place / BUNDLE_HASH).read_text(encoding="ascii") == bundle_hash
        except OSError:
            return False

    def prove(self, version: str) -> bool:
        """A version has come up: its trial is over, older ones but the one before go. True where it was on trial."""
        trial = self.trial
        if trial is None or trial.version != version:
            return False
        (self.folder / TRIAL).unlink(missing_ok=True)
        flush_folder(self.folder)
        for old in self.folder.iterdir():
            if old.is_dir() and not old.is_symlink() and old.name not in (version, trial.previous, BACKUP):
                shutil.rmtree(old, ignore_errors=True)
        return True

    def _point_to(self, version: str) -> None:
        link, beside = self.folder / CURRENT, self.folder / f"{CURRENT}.new"
        beside.unlink(missing_ok=True)
        if version == INSTALLED:
            link.unlink(missing_ok=True)
        else:
            beside.symlink_to(version)
            beside.replace(link)
        flush_folder(self.folder)

    def _keep_trial(self, trial: Trial) -> None:
        beside = self.folder / f"{TRIAL}.new"
        with beside.open("w", encoding="ascii") as file:
            json.dump(asdict(trial), file)
            file.flush()
            os.fsync(file.fileno())
        beside.replace(self.folder / TRIAL)
        flush_folder(self.folder)

    def command(self, version: str, words: Sequence[str]) -> list[str]:
        """The command line that starts a version with these words."""
        return [sys.executable, str(self.place(version) / START), *words]


def started_as() -> str:
    """The version that this process was started as; INSTALLED where it is the one on the machine."""
    return os.environ.get(STARTED_AS, INSTALLED)


def become(programs: Programs, version: str, words: Sequence[str]) -> None:
    """Let this process become that version. Does not return where it succeeds. Raises OSError."""
    command = programs.command(version, words)
    os.execve(command[0], command, os.environ | {STARTED_AS: version})  # noqa: S606 - our own program, by its full path
