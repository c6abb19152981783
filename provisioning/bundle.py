"""`provision bundle`: a version of the program for boxes as one file, signed by the root. Knows no box and no centre.

The wheels are those of `pip wheel . -w DIR` (the project and all that it needs, for the boxes' machine). Files only.
"""

import hashlib
import time
import zipfile
from collections.abc import Mapping
from pathlib import Path
from typing import Final

from protocol.bundle import (
    BUNDLE_BYTES_MAX,
    ENDING,
    FILE_BYTES_MAX,
    FILES_MAX,
    LINE_NAME,
    is_wheel_name,
    version_number,
)
from protocol.envelope import Line, seal
from protocol.ids import is_id
from protocol.messages import Bundle
from protocol.payload import write_payload
from protocol.signing import SigningKey

_LONG_AGO: Final = (1980, 1, 1, 0, 0, 0)
"""The time stamp of every entry: the same wheels make the same file."""


class BundleFault(Exception):
    """No bundle can be made of this; every reason, with what would be right."""

    def __init__(self, mistakes: list[str]) -> None:
        super().__init__("; ".join(mistakes))
        self.mistakes = mistakes


def make_bundle(site: str, version: str, wheels: Path, root: SigningKey, out: Path) -> Line:
    """Write the bundle to a file, whole or not at all. Returns its line, whose hash names it. Raises BundleFault."""
    found = sorted(wheels.glob("*.whl")) if wheels.is_dir() else []
    mistakes = _mistakes(site, version, wheels, found)
    if mistakes:
        raise BundleFault(mistakes)
    bodies = {path.name: path.read_bytes() for path in found}
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
        right = "the folder of `pip wheel . -w DIR`"
        mistakes.append(f"{wheels}: no wheel of tallybox {version} in it; right would be {right}")
    if len(found) > FILES_MAX:
        mistakes.append(f"{wheels}: {len(found)} wheels; at most {FILES_MAX}")
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


def _write(out: Path, line: Line, bodies: Mapping[str, bytes]) -> None:
    beside = out.with_name(f"{out.name}.part")
    with zipfile.ZipFile(beside, "w", zipfile.ZIP_STORED) as archive:
        archive.writestr(zipfile.ZipInfo(LINE_NAME, _LONG_AGO), line.raw + b"\n")
        for name, body in bodies.items():
            archive.writestr(zipfile.ZipInfo(name, _LONG_AGO), body)
    beside.replace(out)


def bundle_name(version: str) -> str:
    """What a bundle is called where nobody says otherwise."""
    return f"tallybox-box-{version}{ENDING}"
