"""The state folder of a demo: where each thing lies, and what the demo itself remembers between runs."""

import fcntl
import os
import shutil
import socket
from pathlib import Path
from typing import Final

import msgspec

from provisioning.files import SETTINGS_MODE, make_folder, write_file

SOCKET_PATH_BYTES_MAX: Final = 107
"""What Linux takes as the path of a unix socket (sun_path, less its closing zero)."""


class FolderFault(Exception):
    """The state folder cannot be used; the text says why and what would help."""


class Person(msgspec.Struct, frozen=True):
    """Someone who may sign in. `name` is typed at the sign-in."""

    name: str
    password: str
    role: str


class Memory(msgspec.Struct):
    """What the demo must know at its next start. Written before the step that makes use of it."""

    centre_port: int = 0
    fibre_ports: dict[str, int] = msgspec.field(default_factory=dict)
    provision_token: str = ""
    api_token: str = ""
    staff: list[Person] = msgspec.field(default_factory=list)
    staff_made: bool = False
    in_service: list[str] = msgspec.field(default_factory=list)
    """Numbers of the shops whose relays were tested and put in service."""
    settled: bool = False
    """Whether the first start came to its end."""
    small: bool = False
    first_speed: float = 0.0
    """How fast the loads ran when the plan was made: opening balances are entered once."""


class DemoFolder:
    """Paths below the state folder."""

    def __init__(self, path: Path) -> None:
        self.path = path.absolute()
        self.demo_json = self.path / "demo.json"
        self.lock = self.path / "demo.lock"
        self.control = self.path / "demo.sock"
        self.memory = self.path / "memory.json"
        self.children = self.path / "children.json"
        self.logs = self.path / "logs"
        self.centre = self.path / "centre"
        self.centre_settings = self.centre / "centre.toml"
        self.ca_file = self.centre / "keys" / "ca.pem"
        self.plan = self.path / "plan.json"
        self.boxes = self.path / "boxes"
        self.buses = self.path / "buses"
        self.simulator_site = self.path / "site.json"
        self.simulator_state = self.path / "meters"
        self.simulator_control = self.path / "simulator.sock"
        self.modem_port = self.path / "modem"
        self.modem_control = self.path / "modem.sock"
        self.messages = self.path / "messages.jsonl"
        """Every part of a short message that the simulated network took."""
        self.fibre_links = self.path / "fibre.json"
        self.fibre_control = self.path / "fibre.sock"

    def box_settings(self, box: str) -> Path:
        return self.boxes / f"{box}.toml"

    def box_claim(self, box: str) -> Path:
        return self.boxes / f"{box}-claim.toml"

    def box_state(self, box: str) -> Path:
        return self.boxes / box

    def clock_offset(self, box: str) -> Path:
        """How far this box's wall clock is wrong, in ms."""
        return self.boxes / f"{box}-clock-offset"

    def tty(self, bus: str) -> Path:
        return self.buses / bus

    def log(self, child: str) -> Path:
        return self.logs / f"{child}.log"

    def prepare(self, *, fresh: bool) -> None:
        """Make what lies in the folder, after emptying it where `fresh`. The lock must be held. Raises FolderFault."""
        longest = max(len(os.fsencode(path)) for path in (self.box_state("A1") / "agent.sock", self.simulator_control))
        if longest > SOCKET_PATH_BYTES_MAX:
            too_long = longest - SOCKET_PATH_BYTES_MAX
            raise FolderFault(f"--state {self.path}: {too_long} characters too long: unix sockets must fit below it")
        if fresh:
            self._empty()
        for folder in (self.path, self.logs, self.boxes, self.buses):
            make_folder(folder)

    def _empty(self) -> None:
        """Remove all but the lock, which is held."""
        for entry in self.path.iterdir():
            if entry == self.lock:
                continue
            if entry.is_dir() and not entry.is_symlink():
                shutil.rmtree(entry)
            else:
                entry.unlink()

    def take_lock(self) -> int:
        """Be the only demo on this folder until the process ends; the lock also marks the folder as a demo's.

        Raises FolderFault: another demo runs on it, or somebody else's things are in it.
        """
        if self.path.exists() and not self.lock.exists() and any(self.path.iterdir()):
            raise FolderFault(f"--state {self.path}: holds something that is not a demo's; choose another folder")
        make_folder(self.path)
        handle = os.open(self.lock, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            os.close(handle)
            raise FolderFault(f"--state {self.path}: a demo runs on it already; stop it, or choose another") from None
        return handle

    def recall(self) -> Memory:
        """What the last run remembered. Raises FolderFault where it is damaged."""
        if not self.memory.exists():
            return Memory()
        try:
            return msgspec.json.decode(self.memory.read_bytes(), type=Memory)
        except msgspec.MsgspecError as fault:
            raise FolderFault(f"{self.memory}: damaged ({fault}); start anew with --fresh") from None

    def remember(self, memory: Memory) -> None:
        """Keep it for the next start."""
        write_file(self.memory, msgspec.json.format(msgspec.json.encode(memory)) + b"\n", SETTINGS_MODE)


def free_port(wanted: int, taken: set[int]) -> int:
    """`wanted` if nobody listens there, else a port that the system finds free; never one of `taken`."""
    for port in (wanted, *([0] * 20)):
        if port in taken and port:
            continue
        with socket.socket() as trial:
            trial.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                trial.bind(("127.0.0.1", port))
            except (OSError, OverflowError):
                continue
            found = int(trial.getsockname()[1])
        if found not in taken:
            return found
    raise FolderFault("no free port was found on 127.0.0.1")
