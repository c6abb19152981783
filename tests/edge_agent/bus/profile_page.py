"""The page `docs/meter-profiles.md` as tests read it: its examples as text, its messages as rows."""

from __future__ import annotations

import re
from pathlib import Path

PAGE = (Path(__file__).resolve().parents[3] / "docs" / "meter-profiles.md").read_text(encoding="utf-8")
_BLOCK = re.compile(r"^```(?P<kind>\w+)\n(?P<text>.*?)^```$", re.MULTILINE | re.DOTALL)
_ROW = re.compile(r"^\| `` (?P<written>.+?) `` \| `` (?P<said>.+?) `` \|$", re.MULTILINE)


def example(first_line: str) -> str:
    """The one code block that begins so."""
    (found,) = [block["text"] for block in _BLOCK.finditer(PAGE) if block["text"].startswith(first_line)]
    return found


def messages() -> list[tuple[str, str]]:
    """What is written in a file, and what the check says of it."""
    return [(found["written"], found["said"]) for found in _ROW.finditer(PAGE)]


NX3 = example("# Elsewhere NX-3")
"""A made-up make: low word first, floats, function 4, a relay that trips at 1, unlocked by a password."""
B4 = example("# Elsewhere B4")
"""A made-up relay board."""
