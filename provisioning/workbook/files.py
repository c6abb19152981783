"""The import workbook on disk: reading one that was filled, writing the template that is to be filled.

Home of the Excel libraries of provisioning.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path
from typing import Any, Final

import python_calamine
import xlsxwriter

from edge_agent.bus.profile import builtin_names, builtin_profile
from provisioning.site_plan import Mistake
from provisioning.workbook.reading import ReadWorkbook, read_workbook
from provisioning.workbook.sheets import MODELS, SHEETS, SITE, Choice, Column, Language, Sheet, Text, Words
from provisioning.workbook.table import Grid, letter_of

SUFFIXES: Final = frozenset({".xlsx", ".xls", ".ods"})
"""What the reading library opens; the template is .xlsx."""
FILE_BYTES_MAX: Final = 32 * 1024 * 1024
"""Two thousand meters take 200 kB; a file beyond this is not a list of meters."""
TEMPLATE_ROWS: Final = 2_000
"""So many rows of the template check what is typed into them."""
_WIDTH_CHARACTERS: Final = (10, 28)


class WorkbookFault(Exception):
    """The file cannot be read or written at all."""


@dataclass(frozen=True, slots=True)
class Known:
    """What a template can have filled in."""

    site: str = ""
    name: str = ""
    zone: str = "Asia/Shanghai"
    currency: str = "CNY"


def read_file(path: Path) -> ReadWorkbook:
    """Read a filled workbook. Raises WorkbookFault for a file that is no workbook."""
    try:
        if path.stat().st_size > FILE_BYTES_MAX:
            raise WorkbookFault(f"{path}: larger than {FILE_BYTES_MAX // 2**20} MiB; a list of meters is right")
        with python_calamine.CalamineWorkbook.from_path(path) as book:
            sheets: dict[str, Grid] = {
                name: book.get_sheet_by_name(name).to_python(skip_empty_area=False) for name in book.sheet_names
            }
    except (OSError, python_calamine.CalamineError) as fault:
        raise WorkbookFault(f"{path}: cannot be read as a workbook: {fault}") from None
    return read_workbook(sheets, frozenset(builtin_names()), metadata.version("tzdata"))


def labels_of(path: Path) -> tuple[Any, list[Mistake]]:
    """The plan that a workbook holds, with labels, or its mistakes. Raises WorkbookFault."""
    read = read_file(path)
    return read.plan, read.mistakes


def write_template(path: Path, language: Language, known: Known) -> None:
    """Write a workbook with all heads, notes, choices and rows of example. Raises WorkbookFault."""
    try:
        with path.open("xb") as target:
            book = xlsxwriter.Workbook(target, {"strings_to_formulas": False, "strings_to_urls": False})
            _write_sheets(book, language, known)
            book.close()
    except FileExistsError:
        raise WorkbookFault(f"{path} is there already; another name is right") from None
    except OSError as fault:
        raise WorkbookFault(f"{path}: cannot be written: {fault}") from None


def _write_sheets(book: Any, language: Language, known: Known) -> None:
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
            source = f"='{MODELS.of(language)}'!$A$2:$A${len(builtin_names()) + 1}"
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
    for row, name in enumerate(builtin_names(), start=1):
        profile = builtin_profile(name)
        page.write_string(row, 0, name, formats["text"])
        page.write_string(row, 1, f"{profile.vendor} {profile.model}", formats["text"])
        page.write_string(row, 2, str(profile.grade), formats["text"])
