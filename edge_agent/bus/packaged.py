"""The profiles and relay boards that come with the agent: data files in `edge_agent/profiles`, read once each.

A site's own come as text in `configure`. How a text is read and judged is in `protocol/meter_profile`.
"""

from __future__ import annotations

import functools
import importlib.resources

from protocol.meter_profile.board_reading import load_board
from protocol.meter_profile.boards import RelayBoard
from protocol.meter_profile.reading import load_profile
from protocol.meter_profile.table import listed
from protocol.meter_profile.values import Profile


def builtin_names() -> list[str]:
    """The profiles that come with the agent."""
    folder = importlib.resources.files("edge_agent") / "profiles"
    return sorted(entry.name.removesuffix(".toml") for entry in folder.iterdir() if entry.name.endswith(".toml"))


def builtin_text(name: str) -> str:
    """The exact text of one of ours. Raises KeyError with the names that there are."""
    if name not in builtin_names():
        raise KeyError(f"no profile {name!r} comes with the agent; there are {listed(builtin_names())}")
    return (importlib.resources.files("edge_agent") / "profiles" / f"{name}.toml").read_text(encoding="utf-8")


@functools.cache
def builtin_profile(name: str) -> Profile:
    """One of ours. Raises KeyError."""
    return load_profile(builtin_text(name), name)


def builtin_board_names() -> list[str]:
    """The boards that come with the agent."""
    folder = importlib.resources.files("edge_agent") / "profiles" / "boards"
    return sorted(entry.name.removesuffix(".toml") for entry in folder.iterdir() if entry.name.endswith(".toml"))


def builtin_board_text(name: str) -> str:
    """The exact text of one of ours. Raises KeyError with the names that there are."""
    if name not in builtin_board_names():
        raise KeyError(f"no relay board {name!r} comes with the agent; there are {listed(builtin_board_names())}")
    path = importlib.resources.files("edge_agent") / "profiles" / "boards" / f"{name}.toml"
    return path.read_text(encoding="utf-8")


@functools.cache
def builtin_board(name: str) -> RelayBoard:
    """One of ours. Raises KeyError."""
    return load_board(builtin_board_text(name), name)
