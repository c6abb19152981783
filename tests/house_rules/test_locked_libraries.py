"""The lock file pins every library of every extra with hashes, and names no index, host or path."""

import re
import tomllib

import pytest

from tests.house_rules.source_tree import ROOT

_PIN = re.compile(r"^(?P<name>[a-z0-9][a-z0-9._-]*)==[^\s\\]+ \\$")
_HASH = re.compile(r"^    --hash=sha256:[0-9a-f]{64}(?: \\)?$")
_COMMENT = re.compile(r"^(?:#|    #)(?: .*)?$")
_PLACE = re.compile(r"://|^-|\s/|@\s|\bfile:/")


def faults(lock: str) -> list[str]:
    """Lines that are neither a pin, a hash nor a comment; pins without a hash; comments that name a place."""
    found = []
    pinned_without_hash: str | None = None
    for number, line in enumerate(lock.splitlines(), start=1):
        if pin := _PIN.match(line):
            if pinned_without_hash is not None:
                found.append(f"{pinned_without_hash}: no hash")
            pinned_without_hash = pin["name"]
        elif _HASH.match(line):
            pinned_without_hash = None
        elif line.strip() and (not _COMMENT.match(line) or _PLACE.search(line)):
            found.append(f"line {number}: {line.strip()}")
    return found if pinned_without_hash is None else [*found, f"{pinned_without_hash}: no hash"]


def pins(lock: str) -> set[str]:
    """Names of all pinned libraries."""
    return {pin["name"] for line in lock.splitlines() if (pin := _PIN.match(line))}


def asked_for() -> set[str]:
    """Names of all libraries in all extras of the project."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    asked = [*project["dependencies"], *(name for extra in project["optional-dependencies"].values() for name in extra)]
    return {re.split(r"[\[<>=~!; ]", name, maxsplit=1)[0].lower() for name in asked}


def test_the_lock_is_clean_and_covers_every_extra() -> None:
    lock = (ROOT / "requirements.lock").read_text(encoding="utf-8")
    assert faults(lock) == []
    assert asked_for() - pins(lock) == set()


GOOD = "anyio==4.16.0 \\\n    --hash=sha256:" + "a" * 64 + " \\\n    --hash=sha256:" + "b" * 64 + "\n    # via httpx\n"


@pytest.mark.parametrize(
    "bad",
    [
        "--index" + "-url https://mirror.example/simple\n",
        "anyio @ file:///wheels/anyio.whl\n",
        "anyio==4.16.0\n",
        "anyio==4.16.0 \\\n    # via httpx\n",
        "    # via -r /somewhere/requirements.in\n",
        "-e .\n",
    ],
)
def test_a_place_or_a_missing_hash_is_found(bad: str) -> None:
    assert faults(GOOD) == []
    assert len(faults(GOOD + bad)) == 1
    assert len(faults(bad + GOOD)) == 1
