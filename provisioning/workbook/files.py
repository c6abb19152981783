"""The import workbook on disk: reading one that was filled, writing the template that is to be filled.

Home of the Excel libraries of provisioning.
"""

from importlib import metadata
from pathlib import Path
from typing import Any, Final

import python_calamine
import xlsxwriter

from protocol.known_profiles import PROFILE_NAMES
from protocol.plan_labels import Mistake
from protocol.workbook.reading import ReadWorkbook, read_workbook
from protocol.workbook.sheets import Language
from protocol.workbook.table import Grid
from protocol.workbook.template import Known, write_sheets

SUFFIXES: Final = frozenset({".xlsx", ".xls", ".ods"})
"""What the reading library opens; the template is .xlsx."""
FILE_BYTES_MAX: Final = 32 * 1024 * 1024
"""Two thousand meters take 200 kB; a file beyond this is not a list of meters."""


class WorkbookFault(Exception):
    """The file cannot be read or written at all."""


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
    return read_workbook(sheets, PROFILE_NAMES, metadata.version("tzdata"))


def labels_of(path: Path) -> tuple[Any, list[Mistake]]:
    """The plan that a workbook holds, with labels, or its mistakes. Raises WorkbookFault."""
    read = read_file(path)
    return read.plan, read.mistakes


def write_template(path: Path, language: Language, known: Known) -> None:
    """Write a workbook with all heads, notes, choices and rows of example. Raises WorkbookFault."""
    try:
        with path.open("xb") as target:
            book = xlsxwriter.Workbook(target, {"strings_to_formulas": False, "strings_to_urls": False})
            write_sheets(book, language, known)
            book.close()
    except FileExistsError:
        raise WorkbookFault(f"{path} is there already; another name is right") from None
    except OSError as fault:
        raise WorkbookFault(f"{path}: cannot be written: {fault}") from None
