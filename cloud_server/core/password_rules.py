"""Which passwords nobody may choose: too short, like the person or the place, or among the first that anybody tries.

Length before composition: no signs or digits are demanded, and none are refused. What is refused is what a list of
passwords that were used elsewhere begins with: its words with digits and signs around them, runs of keys, repeats,
dates and telephone numbers. Pure. Source of the rules: OWASP ASVS 5.0, 6.2.1 to 6.2.12.
"""

import re
from collections.abc import Iterable
from typing import Final, Literal

from cloud_server.core.common_passwords import WORDS
from cloud_server.core.search import initials

PASSWORD_CHARACTERS_LEAST: Final = 10
"""Length before composition: no demand for signs or digits."""
PASSWORD_CHARACTERS_MOST: Final = 128
"""Room for any pass phrase; longer ones would only make the hash work."""
CONTEXT_WORDS: Final = frozenset(
    {
        "tallybox",
        "prepaid",
        "electricity",
        "electric",
        "meter",
        "property",
        "dianbiao",
        "dianfei",
        "shoudian",
        "yufufei",
        "wuye",
        "wuyegongsi",
        "peidian",
        "shangpu",
        "预付费",
        "售电",
        "电表",
        "电费",
        "物业",
    }
)
"""Words of this trade that a stranger would try at any such centre (ASVS 6.1.2); the site's own come beside them."""
WORD_LEAST: Final = 3
"""A shorter word of the site stands in too many honest passwords."""
RUN_LEAST: Final = 3
"""Keys in a row that count as one run."""
BLOCK_MOST: Final = 5
"""Characters of a piece that is only repeated."""

PasswordFault = Literal["too_short", "too_long", "like_name", "like_site", "too_common"]

_RUNS: Final = (
    "12345678901234567890",
    "abcdefghijklmnopqrstuvwxyz",
    "qwertyuiop[]",
    "asdfghjkl;'",
    "zxcvbnm,./",
    "!@#$%^&*()",
    "1qaz2wsx3edc4rfv5tgb6yhn7ujm8ik,9ol.0p",
    "qazwsxedcrfvtgbyhnujmikolp",
    "1q2w3e4r5t6y7u8i9o0p",
    "qawsedrftgyhujikolp",
    "147258369",
    "159357",
    "5201314",
    "1314520",
)
_ALL_RUNS: Final = tuple({run for one in _RUNS for run in (one, one[::-1])})
_LOOKS_LIKE: Final = str.maketrans("@4310!57$", "aaeioists")
_EDGES: Final = re.compile(r"^[\W\d_]+|[\W\d_]+$")
_DATE: Final = re.compile(r"(19|20)\d\d(0[1-9]|1[0-2])(0[1-9]|[12]\d|3[01])\d{0,4}")
_PHONE: Final = re.compile(r"(\+?86)?1[3-9]\d{9}")


def password_fault(password: str, name: str, site_words: Iterable[str] = ()) -> PasswordFault | None:
    """What is wrong with a new password of this person, or None."""
    if len(password) < PASSWORD_CHARACTERS_LEAST:
        return "too_short"
    if len(password) > PASSWORD_CHARACTERS_MOST:
        return "too_long"
    folded = password.casefold()
    if name.strip() and _is_only(folded, name.strip().casefold()):
        return "like_name"
    if any(_is_only(folded, word) for word in {*CONTEXT_WORDS, *_spelled(site_words)}):
        return "like_site"
    return "too_common" if _is_common(folded) else None


def _spelled(site_words: Iterable[str]) -> set[str]:
    """The site's words as they stand and by the initials of their pinyin, as a person would type them."""
    folded = {word.strip().casefold() for word in site_words}
    return {form for word in folded for form in (word, initials(word)) if len(form) >= WORD_LEAST}


def _is_only(folded: str, word: str) -> bool:
    """Whether the word, once or more often, and digits and signs are all that there is."""
    return word in folded and not any(character.isalpha() for character in folded.replace(word, ""))


def _is_common(folded: str) -> bool:
    if len(set(folded)) <= 2 or _is_repeated(folded) or _is_all_runs(folded):
        return True
    if _PHONE.fullmatch(folded) or _DATE.fullmatch(folded):
        return True
    stem = _EDGES.sub("", folded)
    return any(_is_made_of_words(form) for form in {stem, stem.translate(_LOOKS_LIKE)} if form)


def _is_repeated(folded: str) -> bool:
    return any(
        folded == (folded[:size] * (len(folded) // size + 1))[: len(folded)] for size in range(1, BLOCK_MOST + 1)
    )


def _is_all_runs(folded: str) -> bool:
    """Whether it falls into keys that lie in a row; each piece as long as it can be."""
    at = 0
    while at < len(folded):
        length = next(
            (n for n in range(len(folded) - at, RUN_LEAST - 1, -1) if any(folded[at : at + n] in r for r in _ALL_RUNS)),
            0,
        )
        if not length:
            return False
        at += length
    return True


def _is_made_of_words(stem: str) -> bool:
    """Whether it is common words without a gap, or with digits between them."""
    reached = {0}
    for at in range(len(stem)):
        if at not in reached:
            continue
        if stem[at].isdigit():
            reached.add(at + 1)
        reached |= {at + len(word) for word in WORDS if stem.startswith(word, at)}
    return len(stem) in reached
