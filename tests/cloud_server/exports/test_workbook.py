"""Workbooks opened again: numbers are numbers, what people typed is text, and nothing is ever a formula."""

import csv
import shutil
import subprocess
import zipfile
from datetime import datetime
from io import BytesIO
from pathlib import Path

import pytest
import python_calamine

from cloud_server.exports.workbook import Cell, Sheet, make_workbook, write_workbook

AT = datetime(2026, 11, 22, 12, 0, 5)  # noqa: DTZ001  # a workbook holds the site's own clock, without a zone


def made(name: str = "Sales", rows: int = 1) -> Sheet:
    row: list[Cell] = ["=HYPERLINK(1)", "20260000123456789", 12.5, 3, AT, None]
    return Sheet(
        name=name,
        notes=["Street", "+1"],
        heads=["Who", "Meter no.", "Amount", "Count", "At", "Note"],
        kinds=["text", "text", "money", "count", "moment", "text"],
        rows=[row] * rows,
        total=["Total", None, 12.5 * rows, 3 * rows, None, None],
    )


def test_what_is_written_is_read_back() -> None:
    book = python_calamine.CalamineWorkbook.from_filelike(BytesIO(make_workbook([made()])))
    rows = book.get_sheet_by_name("Sales").to_python(skip_empty_area=False)
    assert rows[0][0] == "Street"
    assert rows[3] == ["Who", "Meter no.", "Amount", "Count", "At", "Note"]
    assert rows[4] == ["=HYPERLINK(1)", "20260000123456789", 12.5, 3.0, AT, ""]
    assert rows[5][:4] == ["Total", "", 12.5, 3.0]


def test_no_cell_is_a_formula_or_a_link() -> None:
    with zipfile.ZipFile(BytesIO(make_workbook([made(rows=50)]))) as file:
        sheets = [file.read(name).decode() for name in file.namelist() if name.startswith("xl/worksheets/sheet")]
    assert len(sheets) == 1
    assert "<f>" not in sheets[0]
    assert "hyperlink" not in sheets[0]


def test_sheets_of_one_name_and_names_that_excel_refuses() -> None:
    book = make_workbook([made("Sales/by [day]: '26"), made("Sales/by [day]: '26"), made("x" * 40), made("")])
    names = python_calamine.CalamineWorkbook.from_filelike(BytesIO(book)).sheet_names
    assert len(set(names)) == 4
    assert all(0 < len(name) <= 31 for name in names)


def test_a_workbook_on_disk_is_the_one_in_memory(tmp_path: Path) -> None:
    sheets = [made(rows=1_000)]
    with (tmp_path / "large.xlsx").open("wb") as file:
        write_workbook(file, sheets)
    on_disk = python_calamine.CalamineWorkbook.from_path(tmp_path / "large.xlsx").get_sheet_by_index(0).to_python()
    in_memory = python_calamine.CalamineWorkbook.from_filelike(BytesIO(make_workbook(sheets)))
    assert on_disk == in_memory.get_sheet_by_index(0).to_python()
    assert len(on_disk) == 1_000 + 5


@pytest.mark.slow
def test_libreoffice_reads_what_is_written(tmp_path: Path) -> None:
    """Opened by another office program and written out as text: the same values, and no formula among them."""
    office = shutil.which("soffice")
    if office is None:
        pytest.skip("NO LIBREOFFICE: WORKBOOKS ARE OPENED BY CALAMINE ALONE (apt-get install libreoffice-calc)")
    (tmp_path / "sales.xlsx").write_bytes(make_workbook([made(rows=2)]))
    profile = f"-env:UserInstallation={(tmp_path / 'profile').as_uri()}"
    # Comma (44), quotes (34), UTF-8 (76), from row 1; cells as shown; formulas, if there were any, as formulas.
    wanted = "csv:Text - txt - csv (StarCalc):44,34,76,1,,0,false,true,true"
    command = [office, profile, "--headless", "--convert-to", wanted, "--outdir", str(tmp_path), "sales.xlsx"]
    subprocess.run(command, cwd=tmp_path, check=True, timeout=300, capture_output=True)
    rows = list(csv.reader((tmp_path / "sales.csv").read_text(encoding="utf-8").splitlines()))
    assert rows[0][0] == "Street"
    assert rows[3] == ["Who", "Meter no.", "Amount", "Count", "At", "Note"]
    assert rows[4] == rows[5] == ["=HYPERLINK(1)", "20260000123456789", "12.50", "3", "2026-11-22 12:00:05", ""]
    assert rows[6][:4] == ["Total", "", "25.00", "6"]
