"""The versions below /opt/tallybox: laid out, proved, switched to, gone back from. Every change in force is one rename.

A version is a folder with the packages of its wheels, an environment of Python's own that sees nothing else, and its
commands. It is never changed once it is in force; what the program knows and keeps lies elsewhere.
"""

import shutil
import sys
from pathlib import Path
from typing import Final

from edge_agent.agent.bundle_file import BUNDLE_HASH, LIBRARY, CheckedBundle, unpack_wheels
from provisioning.install.kinds import Kind
from provisioning.install.machine import Machine, MachineFault

PLACE: Final = "/opt/tallybox"
CURRENT: Final = "current"
PREVIOUS: Final = "previous"
_COMMAND: Final = """\
#!{python} -I
import sys
from {module} import main

sys.exit(main())
"""


class Versions:
    """What is installed of one kind on one machine."""

    def __init__(self, machine: Machine, kind: Kind) -> None:
        self.machine = machine
        self.kind = kind
        self.folder = machine.at(PLACE)

    def place(self, version: str) -> Path:
        return self.folder / "versions" / version

    @property
    def current(self) -> str | None:
        """The version in force; None before the first."""
        return self._named(CURRENT)

    @property
    def previous(self) -> str | None:
        """The one that was in force before, where it is still there."""
        return self._named(PREVIOUS)

    def holds(self, version: str, bundle_hash: str) -> bool:
        """Whether this very bundle is laid out already."""
        try:
            return (self.place(version) / BUNDLE_HASH).read_text(encoding="ascii") == bundle_hash
        except OSError:
            return False

    def command(self, version: str, name: str) -> str:
        """The path of one of its commands."""
        return str(self.place(version) / "bin" / name)

    def lay_out(self, bundle: CheckedBundle) -> None:
        """Put a version beside the others; one that was left half done is made anew. Raises BadBundle, MachineFault."""
        place = self.place(bundle.version)
        shutil.rmtree(place, ignore_errors=True)
        place.mkdir(parents=True, mode=0o755)
        unpack_wheels(bundle, place / LIBRARY)
        python = self._make_environment(place)
        (place / "bin").mkdir()
        for name, module in self.kind.commands.items():
            path = place / "bin" / name
            path.write_text(_COMMAND.format(python=python, module=module), encoding="utf-8")
            path.chmod(0o755)
        if not self.machine.is_trial:
            # The service cannot write here: what is not compiled now is compiled at every start.
            self._run_or_raise([str(python), "-I", "-m", "compileall", "-q", str(place / LIBRARY)], within=(0, 1))
        for name in self.kind.commands:
            self._run_or_raise([self.command(bundle.version, name), "--help"])
        (place / BUNDLE_HASH).write_text(bundle.hash, encoding="ascii")

    def _make_environment(self, place: Path) -> Path:
        """Python's own environment without pip, with the packages on its path; its interpreter."""
        environment = place / "env"
        base = "/usr/bin/python3" if Path("/usr/bin/python3").exists() and not self.machine.is_trial else sys.executable
        self._run_or_raise([base, "-I", "-m", "venv", "--without-pip", str(environment)])
        (packages,) = environment.glob("lib/python3.*/site-packages")
        (packages / "tallybox.pth").write_text(f"{place / LIBRARY}\n", encoding="utf-8")
        return environment / "bin" / "python"

    def _run_or_raise(self, line: list[str], within: tuple[int, ...] = (0,)) -> None:
        done = self.machine.run(line)
        if done.returncode not in within:
            told = (done.stderr.strip() or done.stdout.strip() or "nothing was said").splitlines()[-1]
            raise MachineFault(f"{' '.join(line)}: {told}")

    def switch(self, version: str) -> None:
        """Let a version be in force from now on."""
        before = self.current
        if before is not None and before != version:
            self._point(PREVIOUS, before)
        self._point(CURRENT, version)
        commands = self.folder / "bin"
        if not commands.is_symlink():
            commands.symlink_to(f"{CURRENT}/bin")

    def go_back(self) -> str:
        """Let the version before be in force; what it replaced is the previous one then. Raises MachineFault."""
        before, now = self.previous, self.current
        if before is None or now is None:
            raise MachineFault(f"{self.folder}: no version before the present one is here")
        self._point(CURRENT, before)
        self._point(PREVIOUS, now)
        return before

    def forget_older(self) -> None:
        """Remove what is neither in force nor the way back."""
        kept = {self.current, self.previous}
        for place in (self.folder / "versions").iterdir():
            if place.name not in kept:
                shutil.rmtree(place, ignore_errors=True)

    def _named(self, link: str) -> str | None:
        try:
            name = (self.folder / link).readlink().name
        except OSError:
            return None
        return name if (self.place(name) / BUNDLE_HASH).is_file() else None

    def _point(self, link: str, version: str) -> None:
        beside = self.folder / f"{link}.new"
        beside.unlink(missing_ok=True)
        beside.symlink_to(f"versions/{version}")
        beside.replace(self.folder / link)
