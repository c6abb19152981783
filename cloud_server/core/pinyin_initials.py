"""The first letters of Chinese words as a cashier types them: 鲜果铺 -> "xgp". Pure.

Source: GB 2312-1980 level 1 orders its 3,755 usual characters by pinyin, so the code of a character tells the letter
that it begins with. The rarer characters of level 2 stand by radical and have no letter here; a character with several
readings has the one under which the standard files it.
"""

from bisect import bisect_right
from typing import Final

_FIRST_CODES: Final = (
    0xB0A1, 0xB0C5, 0xB2C1, 0xB4EE, 0xB6EA, 0xB7A2, 0xB8C1, 0xB9FE, 0xBBF7, 0xBFA6, 0xC0AC, 0xC2E8, 0xC4C3, 0xC5B6,
    0xC5BE, 0xC6DA, 0xC8BB, 0xC8F6, 0xCBFA, 0xCDDA, 0xCEF4, 0xD1B9, 0xD4D1,
)  # fmt: skip
"""The first code of each letter."""
_LETTERS: Final = "abcdefghjklmnopqrstwxyz"
_LAST_CODE: Final = 0xD7F9


def pinyin_initials(text: str) -> str:
    """The initials of all Chinese characters of level 1; letters and digits stand for themselves; the rest is left
    out."""
    return "".join(_initial(character) for character in text)


def _initial(character: str) -> str:
    if character.isascii():
        return character.lower() if character.isalnum() else ""
    try:
        encoded = character.encode("gb2312")
    except UnicodeEncodeError:
        return ""
    code = int.from_bytes(encoded, "big")
    if not _FIRST_CODES[0] <= code <= _LAST_CODE:
        return ""
    return _LETTERS[bisect_right(_FIRST_CODES, code) - 1]
