"""Bundles for tests of the installer: this very program as a wheel, and the libraries of this environment repacked.

A wheel is a ZIP archive of what was installed from it (PyPA, binary distribution format), so no index is asked.
"""

import re
import tomllib
import zipfile
from collections.abc import Iterator
from importlib.metadata import Distribution, distribution
from pathlib import Path

from protocol.signing import SigningKey
from provisioning.bundle import bundle_name, make_bundle
from provisioning.install.kinds import KINDS, KindName

ROOT = Path(__file__).parents[2]
PACKAGES = ("protocol", "edge_agent", "cloud_server", "provisioning")


def plain(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()


def wanted_by(extras: tuple[str, ...]) -> list[str]:
    """What pyproject.toml names for them."""
    told = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]["optional-dependencies"]
    return [requirement for extra in extras for requirement in told[extra]]


def name_of(requirement: str) -> str:
    return plain(re.split(r"[^A-Za-z0-9._-]", requirement.strip(), maxsplit=1)[0])


def libraries(extras: tuple[str, ...]) -> Iterator[Distribution]:
    """All that is needed, by what each says of itself; what only other machines need is not installed here."""
    left, seen = [name_of(one) for one in wanted_by(extras)], set()
    left += [f"{name_of(one)}-binary" for one in wanted_by(extras) if "[binary]" in one]
    while left:
        name = left.pop()
        if name in seen:
            continue
        seen.add(name)
        try:
            found = distribution(name)
        except ModuleNotFoundError:
            continue
        yield found
        left += [name_of(one) for one in found.requires or [] if "extra" not in one.partition(";")[2]]


def repack(found: Distribution, folder: Path) -> None:
    """One installed library as the wheel that it came from."""
    told = found.read_text("WHEEL") or ""
    tags = [line.removeprefix("Tag: ").split("-") for line in told.splitlines() if line.startswith("Tag: ")]
    parts = [".".join(dict.fromkeys(tag[part] for tag in tags)) for part in range(3)]
    name = f"{plain(found.metadata['Name']).replace('-', '_')}-{found.version}-{'-'.join(parts)}.whl"
    site = Path(str(found.locate_file("")))
    with zipfile.ZipFile(folder / name, "w") as wheel:
        for file in found.files or []:
            path = Path(str(found.locate_file(file)))
            if path.suffix != ".pyc" and path.is_relative_to(site) and path.is_file() and ".." not in file.parts:
                wheel.write(path, str(file))


Changes = dict[str, tuple[tuple[str, str], ...]]
"""A file of the program to texts in it, each with what stands there instead."""


def own_wheel(folder: Path, version: str, changes: Changes | None = None) -> None:
    """This program's sources as a wheel of some version."""
    told = [f"Metadata-Version: 2.1\nName: tallybox\nVersion: {version}\n"]
    for extra in ("box", "centre", "provisioning"):
        told += [f'Requires-Dist: {one}; extra == "{extra}"\n' for one in wanted_by((extra,))]
    with zipfile.ZipFile(folder / f"tallybox-{version}-py3-none-any.whl", "w") as wheel:
        for path in (path for package in PACKAGES for path in sorted((ROOT / package).rglob("*"))):
            if path.is_dir() or "__pycache__" in path.parts:
                continue
            name, body = str(path.relative_to(ROOT)), path.read_bytes()
            for before, after in (changes or {}).get(name, ()):
                assert before.encode() in body
                body = body.replace(before.encode(), after.encode(), 1)
            wheel.writestr(name, body)
        wheel.writestr(f"tallybox-{version}.dist-info/METADATA", "".join(told))


def make_house(folder: Path, kind: KindName) -> Path:
    """The libraries of one kind as wheels."""
    folder.mkdir(parents=True)
    for found in libraries(KINDS[kind].extras):
        repack(found, folder)
    return folder


def bundle_of(
    house: Path,
    version: str,
    kind: KindName,
    site: str,
    root: SigningKey,
    changes: Changes | None = None,
) -> Path:
    """A bundle with these libraries and this program under a version of its own."""
    for old in house.glob("tallybox-*.whl"):
        old.unlink()
    own_wheel(house, version, changes)
    out = house.parent / bundle_name(version, kind)
    make_bundle(site, version, house, root, out, kind)
    return out
