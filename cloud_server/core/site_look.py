"""What a site may look like: an accent colour that is none of the states', and a logo. Pure.

One colour stands for one state everywhere, so an accent that could be taken for one is refused.
"""

import re
from dataclasses import dataclass
from typing import Final, Literal

_COLOUR: Final = re.compile(r"#[0-9a-f]{6}")
STATE_COLOURS: Final = ("#1b7f5c", "#c98a00", "#d9610a", "#c62828", "#7a8794", "#5e35b1")
"""Normal, alarm 1, alarm 2, arrears, not opened, lost: as the style sheet has them."""
NEAR: Final = 40.0
"""Colours nearer than this in red, green and blue together are one colour at a glance from two metres."""
INK: Final = "#15191d"
PAPER: Final = "#ffffff"

AccentFault = Literal["no_colour", "like_a_state"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Look:
    """How pages are dressed: `accent` with the colour of text on it, both empty where there is none; `logo` is the
    digest of its file, empty where there is none. `mark` changes with either."""

    accent: str = ""
    on_accent: str = ""
    logo: str = ""

    @property
    def mark(self) -> str:
        """Goes into the address of the style, so that a new one is fetched."""
        return self.accent.removeprefix("#")


def accent_fault(accent: str) -> AccentFault | None:
    """What is wrong with an accent colour, written as #1a2b3c."""
    if _COLOUR.fullmatch(accent) is None:
        return "no_colour"
    return "like_a_state" if any(_distance(accent, state) < NEAR for state in STATE_COLOURS) else None


def text_on(accent: str) -> str:
    """White or ink, whichever is read better on it: one of them always reaches 4.5 to 1 (WCAG 2.2, 1.4.3)."""
    return PAPER if contrast(accent, PAPER) >= contrast(accent, INK) else INK


def contrast(one: str, other: str) -> float:
    """The contrast of two colours, from 1 to 21 (WCAG 2.2, relative luminance)."""
    first, second = sorted((_luminance(one), _luminance(other)), reverse=True)
    return (first + 0.05) / (second + 0.05)


def _luminance(colour: str) -> float:
    red, green, blue = (_linear(part / 255) for part in _parts(colour))
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def _linear(part: float) -> float:
    return part / 12.92 if part <= 0.04045 else float(((part + 0.055) / 1.055) ** 2.4)


def _parts(colour: str) -> tuple[int, int, int]:
    return int(colour[1:3], 16), int(colour[3:5], 16), int(colour[5:7], 16)


def _distance(one: str, other: str) -> float:
    return float(sum((a - b) ** 2 for a, b in zip(_parts(one), _parts(other), strict=True)) ** 0.5)
