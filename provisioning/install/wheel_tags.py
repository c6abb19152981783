"""PURE: whether a wheel fits a machine, by the tags in its name (PyPA, platform compatibility tags)."""

import re
from dataclasses import dataclass
from typing import Final

_GLIBC_OF_OLD_NAMES: Final = {"manylinux1": (2, 5), "manylinux2010": (2, 12), "manylinux2014": (2, 17)}
"""PEP 600, legacy names."""
_PLATFORM: Final = re.compile(r"(manylinux_(?P<major>\d+)_(?P<minor>\d+)|manylinux\d+|linux)_(?P<machine>\w+)")


@dataclass(frozen=True, slots=True)
class Target:
    """The machine: its Python, processor and C library."""

    python: tuple[int, int]
    machine: str
    """As `uname -m` says it: x86_64, aarch64."""
    glibc: tuple[int, int]

    def __str__(self) -> str:
        return f"CPython {self.python[0]}.{self.python[1]}, {self.machine}, glibc {self.glibc[0]}.{self.glibc[1]}"


def misfit(name: str, target: Target) -> str | None:
    """Why a wheel cannot be used there, None where it can."""
    parts = name.removesuffix(".whl").split("-")
    if len(parts) not in (5, 6):
        return f"{name}: no name of a wheel"
    pythons, abis, platforms = (part.split(".") for part in parts[-3:])
    abi3 = "abi3" in abis
    if not any(_fits_python(tag, target.python, abi3=abi3) for tag in pythons):
        return f"{name}: made for {parts[-3]}; this machine has {target}"
    if not any(_fits_platform(tag, target) for tag in platforms):
        return f"{name}: made for {parts[-1]}; this machine has {target}"
    return None


def _fits_python(tag: str, python: tuple[int, int], *, abi3: bool) -> bool:
    found = re.fullmatch(r"(py|cp)(\d)(\d*)", tag)
    if found is None or int(found[2]) != python[0]:
        return False
    if not found[3]:
        return found[1] == "py"
    minor = int(found[3])
    return minor <= python[1] if abi3 or found[1] == "py" else minor == python[1]


def _fits_platform(tag: str, target: Target) -> bool:
    if tag == "any":
        return True
    found = _PLATFORM.fullmatch(tag)
    if found is None or found["machine"] != target.machine:
        return False
    if found["major"]:
        return (int(found["major"]), int(found["minor"])) <= target.glibc
    return _GLIBC_OF_OLD_NAMES.get(found[1].split("_")[0], (2, 0)) <= target.glibc
