"""What a person reads on a page, and which of its Latin words may stand on a Chinese one. For the tests of languages.

A word of two letters or more that is neither on the list nor a code (with a digit, an underscore, a dot or a slash in
it) is English left over.
"""

import re
from html.parser import HTMLParser
from typing import Final

READ_ATTRIBUTES: Final = frozenset({"title", "aria-label", "placeholder", "alt", "data-confirm"})
"""What is shown or read aloud though it is no text."""
UNSEEN: Final = frozenset({"script", "style", "svg", "template"})
VOID: Final = frozenset({"input", "br", "hr", "img", "meta", "link", "use", "path", "col", "source"})
TYPED: Final = frozenset({"textarea", "code"})
"""Holds what people typed, or keys and values of a text as they stand in it."""
ALLOWED: Final = frozenset(
    word
    for words in (
        # the product, its files, and what people call their own language
        "Tallybox tallybox cloud-server English Excel TOML ISO PNG SVG",
        # protocols, units and quantities as staff and makers write them
        "Modbus RTU RS CT PT CRC BCD kWh kW kVA Wh MiB GiB kB mA USB SMS GSM TOTP UTC PIN",
        # keys of a keyboard
        "Enter Esc Tab Shift Ctrl Alt",
        # endings of file names, a section of centre.toml, a command of the terminal
        "xlsx ods toml messages edge-agent batches show",
        # zones, and programs for one's telephone
        "Asia Shanghai FreeOTP Microsoft Authenticator",
    )
    for word in words.split()
)
WORD: Final = re.compile(r"[A-Za-z][A-Za-z0-9_./:@'’\-]*")
_CODE: Final = re.compile(r".*[0-9_./:@].*")

_SENTENCE: Final = re.compile(r"(?<![\w.])[A-Za-z]{2,} [A-Za-z]{2,}\b")


class _Reader(HTMLParser):
    """Gathers what a person would read, piece by piece."""

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.pieces: list[str] = []
        self._within: list[tuple[str, bool]] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        told = dict(attrs)
        if not self._hidden():
            self.pieces += [value for name, value in attrs if name in READ_ATTRIBUTES and value]
        if tag not in VOID:
            silent = tag in UNSEEN or tag in TYPED or told.get("lang") == "en"
            self._within.append((tag, silent))

    def handle_endtag(self, tag: str) -> None:
        while self._within:
            closed, _ = self._within.pop()
            if closed == tag:
                break

    def handle_data(self, data: str) -> None:
        if not self._hidden() and data.strip():
            self.pieces.append(data)

    def _hidden(self) -> bool:
        return any(silent for _, silent in self._within)


def english_in(html: str, names: frozenset[str] = frozenset()) -> list[str]:
    """The pieces of a page with English words in them; `names` are those of this site's people and things."""
    reader = _Reader()
    reader.feed("<body" + html.partition("<body")[2])
    found = []
    known = re.compile("|".join(map(re.escape, sorted(names, key=len, reverse=True))) or "(?!)")
    for piece in reader.pieces:
        if piece.lstrip()[:1] in ("{", "["):
            continue  # the raw detail of a logged step: JSON, whose keys are the program's
        words = WORD.findall(known.sub("", piece))
        left = [word for word in words if len(word) > 1 and word not in ALLOWED and not _CODE.fullmatch(word)]
        if left:
            found.append(f"{' '.join(left)}: {' '.join(piece.split())[:120]}")
    return found


def sentences_in(html: str, names: frozenset[str] = frozenset()) -> list[str]:
    """Two English words in a row, for pages that show keys of a text, which are single words or parted by commas."""
    found = []
    for piece in english_in(html, names):
        told = piece.partition(": ")[2]
        for name in names:
            told = told.replace(name, "")
        found += _SENTENCE.findall(told)
    return found
