"""The template of the import workbook as a file to send."""

from io import BytesIO

import xlsxwriter

from protocol.workbook.sheets import Language
from protocol.workbook.template import Known, write_sheets


def make_template(known: Known, language: Language) -> bytes:
    """The file, with what is known of the site filled in."""
    target = BytesIO()
    book = xlsxwriter.Workbook(target, {"in_memory": True, "strings_to_formulas": False, "strings_to_urls": False})
    write_sheets(book, language, known)
    book.close()
    return target.getvalue()
