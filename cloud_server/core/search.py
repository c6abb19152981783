"""Finding accounts as staff type: number, name, customer, phone, meter number, or pinyin initials. Pure.

Initials come from the order of GB 2312's first level (3,755 characters), which is that of pinyin; a character with
several readings counts under the one that the standard sorted it by, one outside of that level as itself.
"""

from bisect import bisect_right
from collections.abc import Iterable
from functools import lru_cache
from typing import Final

_FIRST_OF_LETTER: Final = (
    (0xB0A1, "a"), (0xB0C5, "b"), (0xB2C1, "c"), (0xB4EE, "d"), (0xB6EA, "e"), (0xB7A2, "f"), (0xB8C1, "g"),
    (0xB9FE, "h"), (0xBBF7, "j"), (0xBFA6, "k"), (0xC0AC, "l"), (0xC2E8, "m"), (0xC4C3, "n"), (0xC5B6, "o"),
    (0xC5BE, "p"), (0xC6DA, "q"), (0xC8BB, "r"), (0xC8F6, "s"), (0xCBFA, "t"), (0xCDDA, "w"), (0xCEF4, "x"),
    (0xD1B9, "y"), (0xD4D1, "z"),
)  # fmt: skip
INITIALS_KEPT: Final = 32_768
"""Names whose initials are remembered: those of ten thousand accounts, so that each key at the desk costs a look-up."""
_LAST_OF_LEVEL_ONE: Final = 0xD7F9
_STARTS: Final = [start for start, _ in _FIRST_OF_LETTER]


@lru_cache(maxsize=INITIALS_KEPT)
def initials(text: str) -> str:
    """The first letter of each character's pinyin; what is no Chinese character of the first level stays, folded."""
    return "".join(_initial(character) for character in text.casefold() if not character.isspace())


def _initial(character: str) -> str:
    try:
        raw = character.encode("gb2312")
    except UnicodeEncodeError:
        return character
    if len(raw) != 2:
        return character
    code = int.from_bytes(raw, "big")
    if not _STARTS[0] <= code <= _LAST_OF_LEVEL_ONE:
        return character
    return _FIRST_OF_LETTER[bisect_right(_STARTS, code) - 1][1]


def rank(wanted: str, texts: Iterable[str]) -> int | None:
    """How well any of the texts answers: 0 the same, 1 begins with it, 2 holds it, 3 by initials, None not at all."""
    needle = wanted.strip().casefold()
    if not needle:
        return None
    best: int | None = None
    for text in texts:
        folded = text.casefold()
        if folded == needle:
            return 0
        if folded.startswith(needle):
            found = 1
        elif needle in folded:
            found = 2
        elif needle.isalnum() and needle.isascii() and needle in initials(text):
            found = 3
        else:
            continue
        best = found if best is None else min(best, found)
    return best
