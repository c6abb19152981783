"""`provision rotate-command-key`: a new command key for the centre, signed by the root as the next key generation.

Boxes are not visited: each takes the root's line with its next answer, and then wants the new key's signature on what
it has not applied. What the old key signed stays in the books, so its root-signed line is kept beside the new one.

The new files are written beside the old ones and then take their names one by one; a run that was interrupted between
is finished by the next.
"""

import time
from dataclasses import dataclass
from pathlib import Path

from protocol.envelope import Line, check_signature, read_line
from protocol.errors import TheirFault
from protocol.messages import Keys
from protocol.payload import read_payload
from protocol.signing import SigningKey, public_key_from_text
from provisioning.authority import sign_keys
from provisioning.files import PUBLIC_MODE, write_file
from provisioning.init_site import SiteFolder
from provisioning.keys import make_key, read_root, read_secret_key, write_secret_key


class RotationFault(Exception):
    """The keys of this folder cannot be rotated as they are; the text names the file."""


@dataclass(frozen=True, slots=True)
class Rotation:
    """What is there and what comes: generations, and the file that keeps the old line."""

    place: SiteFolder
    site: str
    generation: int
    finishes: bool
    """An earlier run had made the new files already; what is left is to give them their names."""

    @property
    def next_key(self) -> Path:
        return self.place.command_key.with_suffix(".key.next")

    @property
    def next_line(self) -> Path:
        return self.place.keys_line.with_suffix(".line.next")

    @property
    def kept_line(self) -> Path:
        """Where the line of the generation that ends is kept: the centre reads it at every start."""
        return self.place.keys / f"keys-{self.generation}.line"


def plan(folder: Path, root_folder: Path) -> Rotation:
    """Look at what is there. Raises RotationFault, KeyFault."""
    place = SiteFolder(folder, root_folder)
    keys = _read_keys(place, place.keys_line)
    rotation = Rotation(place, keys.site, keys.key_generation, finishes=False)
    if not rotation.next_line.exists():
        return rotation
    coming = _read_keys(place, rotation.next_line)
    if coming.key_generation == keys.key_generation + 1:
        return Rotation(place, keys.site, keys.key_generation, finishes=True)
    if coming.key_generation == keys.key_generation:
        rotation.next_line.unlink()
        return rotation
    raise RotationFault(
        f"{rotation.next_line}: generation {coming.key_generation} does not follow {keys.key_generation}"
    )


def carry_out(rotation: Rotation, passphrase: str | None) -> int:
    """Rotate, or finish a rotation; the new generation. Raises RotationFault, KeyFault, OSError."""
    place = rotation.place
    if not rotation.finishes:
        root = _root(place, passphrase)
        key = make_key()
        rotation.next_key.unlink(missing_ok=True)
        write_secret_key(rotation.next_key, key)
        # Its line is written last: where it is there, the key that it names is too.
        _write_line(rotation, root, key)
    if not rotation.kept_line.exists():
        write_file(rotation.kept_line, place.keys_line.read_bytes(), PUBLIC_MODE)
    if rotation.next_key.exists():
        rotation.next_key.replace(place.command_key)
    rotation.next_line.replace(place.keys_line)
    return rotation.generation + 1


def _write_line(rotation: Rotation, root: SigningKey, key: SigningKey) -> None:
    now_ms = time.time_ns() // 1_000_000
    answer = read_secret_key(rotation.place.answer_key)
    line = sign_keys(root, rotation.site, rotation.generation + 1, key, answer, now_ms)
    write_file(rotation.next_line, line.raw + b"\n", PUBLIC_MODE)


def _root(place: SiteFolder, passphrase: str | None) -> SigningKey:
    root = read_root(place.root_key, passphrase)
    if root.public.text != place.root_public.read_text().strip():
        raise RotationFault(f"{place.root_key} is the root of another site: {place.root_public} names another key")
    return root


def _read_keys(place: SiteFolder, path: Path) -> Keys:
    try:
        root = public_key_from_text(place.root_public.read_text().strip())
        line: Line = read_line(path.read_bytes().strip())
        check_signature(line, {root.keyid: root})
        return read_payload(line.payload, Keys)
    except OSError as fault:
        raise RotationFault(f"{fault.filename}: cannot be read: {fault.strerror}") from None
    except TheirFault as fault:
        raise RotationFault(f"{path}: {fault}") from None
