"""`provision bundle`: a version of the program as one file, signed by the root, that installs without a network.

The wheels are those of `make wheels` (the project and all that it needs, for the machine that it goes to). Files only.
"""

import hashlib
import re
import time
import zipfile
from collections.abc import Iterator, Mapping, Sequence
from email.parser import HeaderParser
from importlib.resources import files as files_of
from pathlib import Path
from typing import Final

from protocol.bundle import (
    BUNDLE_BYTES_MAX,
    ENDING,
    FILE_BYTES_MAX,
    FILES_MAX,
    LINE_NAME,
    STARTER_NAME,
    is_wheel_name,
    version_number,
)
from protocol.envelope import Line, seal
from protocol.ids import is_id
from protocol.messages import Bundle
from protocol.payload import write_payload
from protocol.signing import SigningKey
from provisioning.install.kinds import KINDS, KindName

METADATA_BYTES_MAX: Final = 1024 * 1024
"""Of one wheel; the longest of ours, with its whole description, has 60 KB."""
_KIND_LINE: Final = 'KIND = "box"\n'
_LONG_AGO: Final = (1980, 1, 1, 0, 0, 0)
"""The time stamp of every entry: the same wheels make the same file."""


class BundleFault(Exception):
    """No bundle can be made of this; every reason, with what would be right."""

    def __init__(self, mistakes: list[str]) -> None:
        super().__init__("; ".join(mistakes))
        self.mistakes = mistakes


def make_bundle(
    site: str, version: str, wheels: Path, root: SigningKey, out: Path, kind: KindName = "box", lock: Path | None = None
) -> Line:
    """Write the bundle to a file, whole or not at all. Returns its line, whose hash names it. Raises BundleFault.

    `lock`: a lock file with hashes; a wheel that it does not name is refused.
    """
    found = sorted(wheels.glob("*.whl")) if wheels.is_dir() else []
    mistakes = _mistakes(site, version, wheels, found) or [
        *_lacking(found, KINDS[kind].extras),
        *(_not_locked(found, lock) if lock is not None else []),
    ]
    if mistakes:
        raise BundleFault(mistakes)
    bodies = {STARTER_NAME: starter(kind)} | {path.name: path.read_bytes() for path in found}
    files = {name: hashlib.sha256(body).hexdigest() for name, body in bodies.items()}
    bundle = Bundle(site=site, version=version, files=files, issued_at_ms=time.time_ns() // 1_000_000)
    line = seal("bundle", write_payload(bundle), root)
    _write(out, line, bodies)
    return line


def _mistakes(site: str, version: str, wheels: Path, found: list[Path]) -> list[str]:
    mistakes = []
    if not is_id(site):
        mistakes.append(f"site {site!r}; right would be the 32 hex digits of centre.toml")
    if version_number(version) is None:
        mistakes.append(f"version {version!r}; right would be numbers, for example 1.4.0")
    if not any(path.name.startswith(f"tallybox-{version}-") for path in found):
        right = "the folder that `make wheels` filled"
        mistakes.append(f"{wheels}: no wheel of tallybox {version} in it; right would be {right}")
    if len(found) >= FILES_MAX:
        mistakes.append(f"{wheels}: {len(found)} wheels; at most {FILES_MAX - 1}")
    mistakes += [f"{path.name}: no name of a wheel" for path in found if not is_wheel_name(path.name)]
    sizes = [path.stat().st_size for path in found]
    mistakes += [
        f"{path.name}: {size} bytes; at most {FILE_BYTES_MAX}"
        for path, size in zip(found, sizes, strict=True)
        if size > FILE_BYTES_MAX
    ]
    if sum(sizes) > BUNDLE_BYTES_MAX:
        mistakes.append(f"{wheels}: {sum(sizes)} bytes; at most {BUNDLE_BYTES_MAX}")
    return mistakes


def _lacking(found: Sequence[Path], extras: Sequence[str]) -> Iterator[str]:
    """Libraries that a wheel asks for and that are not among them. Those asked for on some machines only are let by."""
    there = {_plain(path.name.split("-")[0]) for path in found}
    for path in found:
        for wanted in _requirements(path):
            what, _, marker = wanted.partition(";")
            name = _plain(re.split(r"[^A-Za-z0-9._-]", what.strip(), maxsplit=1)[0])
            asked = re.fullmatch(r"\s*extra\s*==\s*['\"]([^'\"]+)['\"]\s*", marker)
            always = not marker or (path.name.startswith("tallybox-") and asked is not None and asked[1] in extras)
            if always and name not in there:
                yield f"{path.name} needs {what.strip()}, which is not there; right would be what `make wheels` makes"


def _requirements(wheel: Path) -> Sequence[str]:
    """What a wheel says that it needs (core metadata, Requires-Dist)."""
    with zipfile.ZipFile(wheel) as archive:
        named = [entry for entry in archive.infolist() if re.fullmatch(r"[^/]+\.dist-info/METADATA", entry.filename)]
        if len(named) != 1 or named[0].file_size > METADATA_BYTES_MAX:
            return ()
        told = HeaderParser().parsestr(archive.read(named[0]).decode("utf-8", "replace"))
    return [str(value) for value in told.get_all("Requires-Dist", [])]


def _plain(name: str) -> str:
    """A project's name as it is compared (PyPA, name normalization)."""
    return re.sub(r"[-_.]+", "-", name).lower()


def _not_locked(found: Sequence[Path], lock: Path) -> Iterator[str]:
    locked = set(re.findall(r"--hash=sha256:([0-9a-f]{64})", lock.read_text(encoding="utf-8")))
    for path in found:
        if not path.name.startswith("tallybox-") and hashlib.sha256(path.read_bytes()).hexdigest() not in locked:
            yield f"{path.name}: not one of the files that {lock} names"


def starter(kind: KindName) -> bytes:
    """What `python3 FILE.bundle` starts."""
    text = files_of("provisioning").joinpath("install", "starter.py").read_text(encoding="utf-8")
    assert _KIND_LINE in text
    return text.replace(_KIND_LINE, f'KIND = "{kind}"\n').encode()


def _write(out: Path, line: Line, bodies: Mapping[str, bytes]) -> None:
    beside = out.with_name(f"{out.name}.part")
    with zipfile.ZipFile(beside, "w", zipfile.ZIP_STORED) as archive:
        archive.writestr(zipfile.ZipInfo(LINE_NAME, _LONG_AGO), line.raw + b"\n")
        for name, body in bodies.items():
            archive.writestr(zipfile.ZipInfo(name, _LONG_AGO), body)
    beside.replace(out)


def bundle_name(version: str, kind: KindName = "box") -> str:
    """What a bundle is called where nobody says otherwise."""
    return f"tallybox-{kind}-{version}{ENDING}"


def write_checksum(bundle: Path) -> Path:
    """Write what `sha256sum --check` reads beside a bundle: to compare before anything of it is started."""
    with bundle.open("rb") as file:
        digest = hashlib.file_digest(file, "sha256").hexdigest()
    path = bundle.with_name(f"{bundle.name}.sha256")
    path.write_text(f"{digest}  {bundle.name}\n", encoding="utf-8")
    return path
