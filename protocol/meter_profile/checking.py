"""A profile's text judged whole, meter or relay board: everything that is wrong with it, or all that it would do.

What `edge-agent profile check` prints and what the centre's console shows, from the same lines.
"""

from __future__ import annotations

import tomllib
from dataclasses import dataclass

from protocol.limits import PROFILE_CHARACTERS_MAX
from protocol.meter_profile.board_reading import load_board
from protocol.meter_profile.boards import RelayBoard
from protocol.meter_profile.description import Line, board_lines, profile_lines
from protocol.meter_profile.reading import load_profile
from protocol.meter_profile.table import Mistake, ProfileError
from protocol.meter_profile.values import Profile
from protocol.meter_profile.words import BOARD_KIND


@dataclass(frozen=True, slots=True)
class CheckedProfile:
    """What is wrong with a text; where nothing is, what it describes and every read and write that it would make."""

    mistakes: tuple[Mistake, ...] = ()
    described: Profile | RelayBoard | None = None
    plan: tuple[Line, ...] = ()

    @property
    def is_board(self) -> bool:
        """Whether it is a relay board and no meter."""
        return isinstance(self.described, RelayBoard)

    @property
    def title(self) -> str:
        """Maker and type; empty where it cannot be used."""
        return f"{self.described.vendor} {self.described.model}" if self.described is not None else ""

    @property
    def grade(self) -> str:
        """How well it is known; empty where it cannot be used."""
        return str(self.described.grade) if self.described is not None else ""


def check_profile(text: str, name: str, unit: int = 1) -> CheckedProfile:
    """Judge a text; `name` stands for the file in mistakes, `unit` is whom the frames would ask."""
    try:
        if is_board(text):
            board = load_board(text, name)
            return CheckedProfile((), board, tuple(board_lines(board, unit)))
        profile = load_profile(text, name)
        return CheckedProfile((), profile, tuple(profile_lines(profile, unit)))
    except ProfileError as fault:
        return CheckedProfile(fault.mistakes)


def is_board(text: str) -> bool:
    """Whether a text says that it describes a relay board; what cannot be read does not, and is told when loaded."""
    try:
        return len(text) <= PROFILE_CHARACTERS_MAX and tomllib.loads(text).get("kind") == BOARD_KIND
    except (ValueError, RecursionError):
        return False
