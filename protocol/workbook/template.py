"""PURE: the template of the import workbook: every head with its note, lists to choose from, and rows of example.

What it is written into is given from outside: a workbook of the library that each program makes its Excel files with.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from protocol.known_profiles import KNOWN_PROFILES
from protocol.workbook.sheets import MODELS, SHEETS, SITE, Choice, Column, Language, Sheet, Text, Words
from protocol.workbook.table import letter_of

TEMPLATE_ROWS: Final = 2_000
"""So many rows of the template check what is typed into them."""
_WIDTH_CHARACTERS: Final = (10, 28)


@dataclass(frozen=True, slots=True)
class Known:
    """What a template can have filled in."""

    site: str = ""
    name: str = ""
    zone: str = "Asia/Shanghai"
    currency: str = "CNY"


def write_sheets(book: Any, language: Language, known: Known) -> None:
    """Fill an empty workbook (xlsxwriter's) with the template's sheets."""
    filled = {"site": known.site, "name": known.name, "zone": known.zone, "currency": known.currency}
    formats = {
        "head": book.add_format({"bold": True, "bg_color": "#1b7f5c", "font_color": "#ffffff", "border": 1}),
        "needed": book.add_format({"bold": True, "bg_color": "#0f5a40", "font_color": "#ffffff", "border": 1}),
        "text": book.add_format({"num_format": "@"}),
        "note": book.add_format({"italic": True, "font_color": "#5a6673"}),
    }
    for sheet in SHEETS:
        page = book.add_worksheet(sheet.words.of(language))
        if sheet is SITE:
            _write_pairs(page, sheet, language, formats, filled)
        else:
            _write_list(page, sheet, language, formats)
    _write_models(book.add_worksheet(MODELS.of(language)), formats, language)


def _write_pairs(
    page: Any, sheet: Sheet, language: Language, formats: Mapping[str, Any], filled: Mapping[str, str]
) -> None:
    page.set_column(0, 0, 26)
    page.set_column(1, 1, 36, formats["text"])
    page.set_column(2, 2, 60)
    for index, column in enumerate(sheet.columns):
        page.write_string(index, 0, column.words.of(language), formats["needed" if column.required else "head"])
        page.write_string(index, 1, filled.get(column.name, _example(column, 0, language)), formats["text"])
        page.write_string(index, 2, column.note.of(language), formats["note"])


def _write_list(page: Any, sheet: Sheet, language: Language, formats: Mapping[str, Any]) -> None:
    page.freeze_panes(1, 0)
    examples = max(len(column.examples) for column in sheet.columns)
    for index, column in enumerate(sheet.columns):
        head, note = column.words.of(language), column.note.of(language)
        width = min(max(_WIDTH_CHARACTERS[0], 2 * len(head)), _WIDTH_CHARACTERS[1])
        page.set_column(index, index, width, formats["text"])
        page.write_string(
            0, index, f"{head} *" if column.required else head, formats["needed" if column.required else "head"]
        )
        if note:
            page.write_comment(0, index, note)
        for row in range(examples):
            page.write_string(row + 1, index, _example(column, row, language), formats["text"])
        if isinstance(column.kind, Choice):
            words = [words.of(language) for _, words in column.kind.words]
            page.data_validation(1, index, TEMPLATE_ROWS, index, {"validate": "list", "source": words})
        if column.name == "profile":
            source = f"='{MODELS.of(language)}'!$A$2:$A${len(KNOWN_PROFILES) + 1}"
            page.data_validation(1, index, TEMPLATE_ROWS, index, {"validate": "list", "source": source})
    page.autofilter(f"A1:{letter_of(len(sheet.columns) - 1)}{examples + 1}")


def _example(column: Column, row: int, language: Language) -> str:
    """An example, with the words of a closed list in the language of the workbook."""
    example = column.examples[row] if row < len(column.examples) else ""
    if isinstance(column.kind, Choice):
        for _, words in column.kind.words:
            if example in (words.zh, words.en):
                return words.of(language)
    if isinstance(column.kind, Text) and language == "en":
        return _EXAMPLES_IN_ENGLISH.get(example, example)
    return example


_EXAMPLES_IN_ENGLISH: Final = {
    "东街": "East Street",
    "商铺": "Shops",
    "分时": "Time of use",
    "1 号柜": "Cabinet 1",
    "老王面馆": "Noodle shop",
    "东方茶庄": "Tea house",
    "王建国": "Wang Jianguo",
    "葛文华": "Ge Wenhua",
}


def _write_models(page: Any, formats: Mapping[str, Any], language: Language) -> None:
    heads = (MODELS, Words("厂家型号", "Maker and type"), Words("依据", "Grade"))
    page.set_column(0, 0, 24)
    page.set_column(1, 1, 48)
    for index, words in enumerate(heads):
        page.write_string(0, index, words.of(language), formats["head"])
    for row, profile in enumerate(KNOWN_PROFILES, start=1):
        for column, text in enumerate((profile.name, profile.title, profile.grade)):
            page.write_string(row, column, text, formats["text"])
