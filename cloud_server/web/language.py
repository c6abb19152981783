"""The two languages of the console and their catalogs. Every word goes through here; the words lie in `locale/`."""

from functools import cache
from gettext import GNUTranslations
from io import BytesIO
from pathlib import Path
from typing import Final, Literal, get_args

from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po

Language = Literal["zh-CN", "en"]
LANGUAGES: Final[tuple[Language, ...]] = get_args(Language)
OWN_NAMES: Final[dict[Language, str]] = {"zh-CN": "中文", "en": "English"}
"""Each language's name in itself: whoever cannot read the page finds it."""
_FOLDERS: Final[dict[Language, str]] = {"zh-CN": "zh_CN", "en": "en"}
_LOCALE: Final = Path(__file__).parent.parent / "locale"


@cache
def load_catalogs(locale: Path = _LOCALE) -> dict[Language, GNUTranslations]:
    """Read both catalogs from their text, so that no compiled file can be older than its words."""
    return {language: _load(locale / _FOLDERS[language] / "LC_MESSAGES" / "messages.po") for language in LANGUAGES}


def _load(path: Path) -> GNUTranslations:
    with path.open("rb") as file:
        catalog = read_po(file)
    compiled = BytesIO()
    write_mo(compiled, catalog)
    compiled.seek(0)
    return GNUTranslations(compiled)


def choose_language(wanted: str | None, accept_language: str) -> Language:
    """What the person chose before, else what the browser asks for first, else Chinese."""
    for language in LANGUAGES:
        if wanted == language:
            return language
    for asked in accept_language.lower().split(","):
        tag = asked.split(";")[0].strip()
        if tag.startswith("zh"):
            return "zh-CN"
        if tag.startswith("en"):
            return "en"
    return "zh-CN"
