"""A profile file read as the agent would read it: every mistake named, or every read and write that it would make."""

import tomllib
from dataclasses import dataclass
from pathlib import Path

from edge_agent.bus.meter import BusMeter
from edge_agent.bus.packaged import (
    builtin_board_names,
    builtin_board_text,
    builtin_names,
    builtin_profile,
    builtin_text,
)
from edge_agent.ports import PolledMeter
from protocol.meter_profile.board_reading import load_board
from protocol.meter_profile.description import describe_board, describe_profile
from protocol.meter_profile.reading import load_profile
from protocol.meter_profile.table import ProfileError
from protocol.meter_profile.values import Profile
from protocol.meter_profile.words import BOARD_KIND


@dataclass(frozen=True, slots=True)
class CheckedProfile:
    """What is wrong with a profile; where nothing is, every read and write that it would make."""

    mistakes: list[str]
    plan: list[str]


def check_profile(file: Path, unit: int) -> CheckedProfile:
    """Check a meter profile or relay board: a file, or the name of one that comes with the agent."""
    text, mistakes = _read(file)
    if mistakes:
        return CheckedProfile(mistakes, [])
    try:
        if _kind(text) == BOARD_KIND:
            return CheckedProfile([], describe_board(load_board(text, _name(file)), unit))
        return CheckedProfile([], describe_profile(load_profile(text, _name(file)), unit))
    except ProfileError as fault:
        return CheckedProfile([str(mistake) for mistake in fault.mistakes], [])


def read_meter(file: Path, unit: int) -> tuple[BusMeter | None, list[str]]:
    """A meter with this profile and unit id, or what is wrong with the profile."""
    profile, mistakes = read_profile(file)
    return (None if profile is None else BusMeter(PolledMeter(profile.name, unit, profile))), mistakes


def read_profile(file: Path) -> tuple[Profile | None, list[str]]:
    """A profile, from a file or of those that come with the agent, or what is wrong with it."""
    text, mistakes = _read(file)
    if mistakes:
        return None, mistakes
    try:
        return load_profile(text, _name(file)), []
    except ProfileError as fault:
        return None, [str(mistake) for mistake in fault.mistakes]


def builtin_profiles() -> list[Profile]:
    """All that come with the agent."""
    return [builtin_profile(name) for name in builtin_names()]


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


def _kind(text: str) -> object:
    """What the file says that it describes; unknown where it is not TOML, which is told when it is loaded."""
    try:
        return tomllib.loads(text).get("kind")
    except tomllib.TOMLDecodeError:
        return None
