"""A profile file read as the agent would read it: every mistake named, or every read and write that it would make."""

from dataclasses import dataclass
from pathlib import Path

from edge_agent.bus.meter import BusMeter
from edge_agent.bus.packaged import (
    builtin_board_names,
    builtin_board_text,
    builtin_names,
    builtin_text,
)
from edge_agent.ports import PolledMeter
from protocol.meter_profile.checking import check_profile, is_board
from protocol.meter_profile.reading import load_profile
from protocol.meter_profile.table import ProfileError
from protocol.meter_profile.values import Profile


@dataclass(frozen=True, slots=True)
class CheckedFile:
    """What is wrong with a file, each as a line; where nothing is, every read and write that it would make."""

    mistakes: list[str]
    plan: list[str]


def check_file(file: Path, unit: int) -> CheckedFile:
    """Check a meter profile or relay board: a file, or the name of one that comes with the agent."""
    text, mistakes = _read(file)
    if mistakes:
        return CheckedFile(mistakes, [])
    found = check_profile(text, _name(file), unit)
    return CheckedFile([str(mistake) for mistake in found.mistakes], list(map(str, found.plan)))


def read_meter(file: Path, unit: int) -> tuple[BusMeter | None, list[str]]:
    """A meter with this profile and unit id, or what is wrong with the profile."""
    profile, mistakes = read_profile(file)
    return (None if profile is None else BusMeter(PolledMeter(profile.name, unit, profile))), mistakes


def read_profile(file: Path) -> tuple[Profile | None, list[str]]:
    """A profile, from a file or of those that come with the agent, or what is wrong with it."""
    text, mistakes = _read(file)
    if mistakes:
        return None, mistakes
    if is_board(text):
        return None, [f"{file}: this is a relay board, which counts nothing; right would be the profile of a meter"]
    try:
        return load_profile(text, _name(file)), []
    except ProfileError as fault:
        return None, [str(mistake) for mistake in fault.mistakes]


def _name(file: Path) -> str:
    return file.name.removesuffix(".toml")


def _read(file: Path) -> tuple[str, list[str]]:
    try:
        return _text(file), []
    except OSError as fault:
        ours = ", ".join([*builtin_names(), *builtin_board_names()])
        return "", [f"{file}: {fault.strerror}; right would be a readable file, or one of {ours}"]
    except UnicodeDecodeError as fault:
        return "", [f"{file}: not UTF-8: {fault}"]


def _text(file: Path) -> str:
    """A file goes before one of ours of the same name."""
    if not file.exists() and str(file) in builtin_names():
        return builtin_text(str(file))
    if not file.exists() and str(file) in builtin_board_names():
        return builtin_board_text(str(file))
    return file.read_text(encoding="utf-8")
