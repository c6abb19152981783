"""A table as an Excel file: numbers as numbers, names and numbers of meters and people as text, never a formula."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from io import BytesIO
from typing import IO, Final, Literal

import xlsxwriter
from xlsxwriter.format import Format
from xlsxwriter.worksheet import Worksheet

CellKind = Literal["text", "money", "price", "energy", "power", "count", "moment"]
Cell = str | int | float | datetime | None
SHEET_NAME_CHARACTERS_MAX: Final = 31
"""What Excel allows."""
TEXT_CHARACTERS_MAX: Final = 32_767
"""What a cell of Excel holds."""
_FORMATS: Final[dict[CellKind, str]] = {
    "text": "@",
    "money": "#,##0.00",
    "price": "#,##0.0000",
    "energy": "#,##0.00",
    "power": "#,##0.00",
    "count": "0",
    "moment": "yyyy-mm-dd hh:mm:ss",
}
_WIDTHS: Final[dict[CellKind, int]] = {
    "text": 18,
    "money": 14,
    "price": 10,
    "energy": 14,
    "power": 12,
    "count": 10,
    "moment": 20,
}
_FORBIDDEN: Final = str.maketrans(dict.fromkeys("[]:*?/\\'", " "))


@dataclass(frozen=True, slots=True, kw_only=True)
class Sheet:
    """One sheet: lines of text above, then heads, rows and a total. Moments are of the site's clock, without zone."""

    name: str
    notes: Sequence[str]
    heads: Sequence[str]
    kinds: Sequence[CellKind]
    rows: Sequence[Sequence[Cell]]
    total: Sequence[Cell] | None = None


def make_workbook(sheets: Sequence[Sheet]) -> bytes:
    """The file in memory: for what is on one page."""
    target = BytesIO()
    write_workbook(target, sheets)
    return target.getvalue()


def write_workbook(target: IO[bytes], sheets: Sequence[Sheet]) -> None:
    """Write the file. Rows go to disk as they are written, so that a hundred thousand need no more memory than ten."""
    options = {
        "constant_memory": True,
        "strings_to_formulas": False,
        "strings_to_urls": False,
        "strings_to_numbers": False,
    }
    with xlsxwriter.Workbook(target, options) as book:
        styles = {kind: book.add_format({"num_format": shape}) for kind, shape in _FORMATS.items()}
        bold = {
            kind: book.add_format({"num_format": shape, "bold": True, "top": 1}) for kind, shape in _FORMATS.items()
        }
        head = book.add_format({"bold": True, "bottom": 1, "text_wrap": True, "valign": "top"})
        names: set[str] = set()
        for sheet in sheets:
            _write(book.add_worksheet(_name(sheet.name, names)), sheet, styles, bold, head)


def _name(wanted: str, taken: set[str]) -> str:
    base = wanted.translate(_FORBIDDEN).strip()[:SHEET_NAME_CHARACTERS_MAX] or "1"
    name, number = base, 2
    while name.casefold() in taken:
        name = f"{base[: SHEET_NAME_CHARACTERS_MAX - 3]} {number}"
        number += 1
    taken.add(name.casefold())
    return name


def _write(
    page: Worksheet, sheet: Sheet, styles: dict[CellKind, Format], bold: dict[CellKind, Format], head: Format
) -> None:
    for column, kind in enumerate(sheet.kinds):
        page.set_column(column, column, _WIDTHS[kind])
    line = 0
    for note in sheet.notes:
        page.write_string(line, 0, note[:TEXT_CHARACTERS_MAX])
        line += 1
    if sheet.notes:
        line += 1
    for column, text in enumerate(sheet.heads):
        page.write_string(line, column, text, head)
    page.freeze_panes(line + 1, 0)
    if sheet.rows:
        page.autofilter(line, 0, line + len(sheet.rows), max(len(sheet.heads) - 1, 0))
    for row in sheet.rows:
        line += 1
        for column, (kind, cell) in enumerate(zip(sheet.kinds, row, strict=True)):
            _put(page, line, column, cell, styles[kind])
    if sheet.total is not None:
        line += 1
        for column, (kind, cell) in enumerate(zip(sheet.kinds, sheet.total, strict=True)):
            _put(page, line, column, cell, bold[kind])
    page.repeat_rows(0, 0)


def _put(page: Worksheet, line: int, column: int, cell: Cell, style: Format) -> None:
    """The writer by type is named each time: nothing that a person typed is ever taken for a formula or a link."""
    if cell is None:
        page.write_blank(line, column, None, style)
    elif isinstance(cell, datetime):
        page.write_datetime(line, column, cell, style)
    elif isinstance(cell, str):
        page.write_string(line, column, cell[:TEXT_CHARACTERS_MAX], style)
    else:
        page.write_number(line, column, cell, style)
