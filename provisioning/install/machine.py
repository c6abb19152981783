"""The machine that a bundle is installed on: where things lie, whose they are, and running something as a user.

Another root folder than `/` is a trial: there are no users, and no service manager is told anything.
"""

import grp
import os
import pwd
import shutil
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

COMMAND_WITHIN_S: Final = 900.0
"""Opening and verifying a year of books on slow flash, with imports of a program that was never compiled."""
SYSTEMD_RUNS: Final = Path("/run/systemd/system")
"""There where systemd is the service manager (man 3 sd_booted)."""


class MachineFault(Exception):
    """Something on this machine that keeps the program from being installed; the text says what would be right."""


@dataclass(frozen=True, slots=True)
class Machine:
    """One machine, or a folder that stands for one."""

    root: Path

    @property
    def is_trial(self) -> bool:
        return self.root != Path("/")

    def at(self, path: str) -> Path:
        """Where a path of the machine lies."""
        return self.root / path.lstrip("/")

    def has_user(self, name: str) -> bool:
        try:
            pwd.getpwnam(name)
        except KeyError:
            return self.is_trial
        return True

    def make_user(self, name: str, home: str, groups: Sequence[str]) -> None:
        """A user of the system that nobody signs in as. Raises MachineFault."""
        there = {group.gr_name for group in grp.getgrall()}
        more = [group for group in groups if group in there]
        line = ["useradd", "--system", "--user-group", "--no-create-home", "--home-dir", home]
        line += ["--shell", "/usr/sbin/nologin", *(["--groups", ",".join(more)] if more else []), name]
        done = subprocess.run(line, capture_output=True, text=True, check=False)
        if done.returncode != 0:
            raise MachineFault(f"user {name} cannot be made: {done.stderr.strip()}")

    def own(self, path: Path, user: str, mode: int) -> None:
        """Give a file or folder to a user."""
        if not self.is_trial:
            shutil.chown(path, user, user)
        path.chmod(mode)

    def run(self, line: Sequence[str], user: str | None = None) -> "subprocess.CompletedProcess[str]":
        """Run a program, as a user where one is named. Raises MachineFault where it cannot be started or hangs."""
        who = None if self.is_trial or os.geteuid() != 0 else user
        environment = {"PATH": os.environ.get("PATH", os.defpath), "LANG": "C.UTF-8"}
        groups = None if who is None else os.getgrouplist(who, pwd.getpwnam(who).pw_gid)
        try:
            return subprocess.run(
                line,
                capture_output=True,
                text=True,
                timeout=COMMAND_WITHIN_S,
                check=False,
                env=environment,
                cwd="/",
                user=who,
                group=who,
                extra_groups=groups,
            )
        except (OSError, subprocess.TimeoutExpired) as fault:
            raise MachineFault(f"{' '.join(line)}: {fault}") from None

    def tell_systemd(self, *words: str) -> bool:
        """Say something to the service manager, where there is one. False where there is none, or it refuses."""
        if self.is_trial or not SYSTEMD_RUNS.is_dir():
            return False
        return self.run(["systemctl", *words]).returncode == 0
