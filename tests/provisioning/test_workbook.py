"""The import workbook: the template can be sent as it is written, and every mistake is told by sheet and cell."""

import datetime
import json
from pathlib import Path
from typing import Any

import pytest
import python_calamine
import xlsxwriter

from protocol.ids import is_id
from protocol.tariff import TariffBook
from protocol.tariff_text import read_tariff
from protocol.workbook.cells import BadCell, read_cell
from protocol.workbook.sheets import LANGUAGES, SHEETS, Amount, Date, Kind, Language, Ratio, Text, Times, Whole
from protocol.workbook.table import letter_of
from protocol.workbook.template import Known
from provisioning.cli import main
from provisioning.plan_file import PlanFault, PlanFile
from provisioning.workbook.files import WorkbookFault, read_file, write_template

SITE = "0123456789abcdef" * 2
KNOWN = Known(site=SITE, name="河滨路")
DAY_MS = 86_400_000
JAN_5_2026_MS = 1_767_542_400_000
"""Midnight of Shanghai, 5 January 2026."""


def copy_with(source: Path, target: Path, changes: dict[str, Any]) -> Path:
    """The same workbook with other values in some cells, named as people name them: `电表!C2`."""
    book = xlsxwriter.Workbook(target, {"strings_to_formulas": False})
    with python_calamine.CalamineWorkbook.from_path(source) as read:
        for name in read.sheet_names:
            page = book.add_worksheet(name)
            for row, line in enumerate(read.get_sheet_by_name(name).to_python(skip_empty_area=False)):
                for column, value in enumerate(line):
                    place = f"{name}!{letter_of(column)}{row + 1}"
                    page.write(row, column, changes.get(place, value))
    book.close()
    return target


@pytest.fixture
def template(tmp_path: Path) -> Path:
    path = tmp_path / "template.xlsx"
    write_template(path, "zh_CN", KNOWN)
    return path


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_template_is_a_plan_that_can_be_sent(language: Language, tmp_path: Path) -> None:
    path = tmp_path / "site.xlsx"
    write_template(path, language, KNOWN)
    read = PlanFile(path)
    assert read.mistakes == []
    plan = read.plan
    assert plan is not None
    assert (plan.site, plan.name) == (SITE, "河滨路")
    assert [(bus.name, bus.baud) for bus in plan.boxes[0].buses] == [("A1-1", 9600), ("A1-2", 9600)]
    assert [(m.name, m.profile, m.unit, m.phases, m.rated_ma) for m in plan.boxes[0].meters] == [
        ("101", "acrel_adf400l_1ph", 1, 1, 40_000),
        ("102", "acrel_dtsy1352", 1, 3, 80_000),
    ]
    assert [(w.alarm1_micro, w.alarm2_micro, w.opening_micro) for w in plan.wallets] == [
        (50_000_000, 10_000_000, 120_000_000),
        (50_000_000, 10_000_000, 85_500_000),
    ]
    assert plan.customers[1].phones == ("13800000102", "13800000103")
    overload = plan.boxes[0].meters[0].overload
    assert overload is not None
    assert overload.threshold_w == 8_800
    assert plan.defaults.trip_notice_s == 3_600


def test_times_of_a_tariff_become_its_day(template: Path) -> None:
    read = PlanFile(template)
    assert read.plan is not None
    text = next(tariff for tariff in read.plan.tariffs if "分时" in tariff.text)
    book = TariffBook("Asia/Shanghai", {(text.tariff, 1): read_tariff(text.text)})
    day = book.stretches(text.tariff, JAN_5_2026_MS, JAN_5_2026_MS + DAY_MS)
    assert [((stretch.from_ms - JAN_5_2026_MS) // 3_600_000, stretch.rate, stretch.price_micro) for stretch in day] == [
        (0, "valley", 390_000),
        (8, "peak", 1_220_000),
        (22, "valley", 390_000),
    ]


CHANGES: dict[str, tuple[Any, str, str]] = {
    # cell: value, what the mistake shows, what is told to be right
    "站点!B2": ("", "", "站点名称 is missing"),
    "采集箱!D2": ("9601", "'9601'", "one of 1200, 2400, 4800, 9600, 19200, 38400 is right"),
    "采集箱!C3": ("A1-1", "'A1-1'", "stands in row 2 already"),
    "电价!D2": ("0.95元", "'0.95元'", "a number from 0 to 1000 with at most 6 decimals"),
    "电价!E3": ("25:00", "'25:00'", "times of day such as 08:00"),
    "电表!C2": (0, "'0'", "a whole number from 1 to 247"),
    "电表!B3": ("A9-1", "'A9-1'", "not in the sheet 采集箱"),
    "电表!D3": ("acrel_unheard", "'acrel_unheard'", "not a model that is known; known are acrel_adf400l_1ph"),
    "电表!L3": ("200/0", "'200/0'", "a ratio such as 200/5"),
    "用户!D3": ("102, 999", "102, 999", "999 is not in the sheet 电表"),
    "用户!E2": (10, "10000000", "alarm 1 must lie above alarm 2"),
    "用户!I2": ("12.345", "'12.345'", "with at most 2 decimals"),
    "用户!C3": ("1,2,3,4", "'1,2,3,4'", "one to 3 entries"),
}


@pytest.mark.parametrize("cell", CHANGES)
def test_a_mistake_names_cell_value_and_what_is_right(cell: str, template: Path, tmp_path: Path) -> None:
    value, shown, right = CHANGES[cell]
    read = read_file(copy_with(template, tmp_path / "changed.xlsx", {cell: value}))
    found = next(mistake for mistake in read.mistakes if mistake.place == cell)
    assert found.value == shown
    assert right in str(found.right)
    assert read.plan is None


def test_all_mistakes_are_told_in_one_run(template: Path, tmp_path: Path) -> None:
    changes = {cell: value for cell, (value, _, _) in CHANGES.items()}
    read = read_file(copy_with(template, tmp_path / "changed.xlsx", changes))
    assert set(changes) <= {mistake.place for mistake in read.mistakes}


def test_two_meters_at_one_address_are_told(template: Path, tmp_path: Path) -> None:
    read = read_file(copy_with(template, tmp_path / "changed.xlsx", {"电表!B3": "A1-1"}))
    assert [str(m) for m in read.mistakes] == ["电表!C3: 1: this address on this bus has meter 101 of row 2 already"]


def test_a_meter_feeds_one_balance_and_a_balance_hangs_on_one_box(template: Path, tmp_path: Path) -> None:
    changes = {"采集箱!A3": "A2", "用户!D2": "101,102", "用户!D3": "102"}
    read = read_file(copy_with(template, tmp_path / "changed.xlsx", changes))
    assert [(m.place, str(m.right)) for m in read.mistakes] == [
        ("用户!D2", "hang on the boxes A1, A2: one row for each"),
        ("用户!D3", "102 belongs to row 2 already"),
    ]


def test_heads_may_stand_below_a_title_in_any_order_and_either_language(tmp_path: Path) -> None:
    path = tmp_path / "own.xlsx"
    write_template(path, "en", KNOWN)
    with python_calamine.CalamineWorkbook.from_path(path) as read:
        grids = {name: read.get_sheet_by_name(name).to_python(skip_empty_area=False) for name in read.sheet_names}
    book = xlsxwriter.Workbook(tmp_path / "moved.xlsx")
    for name, grid in grids.items():
        page = book.add_worksheet(name)
        moved = grid
        if name == "Meters":
            moved = [["All meters of the street"], [], *[line[::-1] for line in grid]]
            moved[2][-1] = "表号"
        for row, line in enumerate(moved):
            page.write_row(row, 0, line)
    book.close()
    read_again = PlanFile(tmp_path / "moved.xlsx")
    assert read_again.mistakes == []
    assert read_again.plan is not None
    assert [meter.name for meter in read_again.plan.boxes[0].meters] == ["101", "102"]


def test_a_sheet_that_is_missing_and_a_head_that_is_missing_are_named(tmp_path: Path) -> None:
    book = xlsxwriter.Workbook(tmp_path / "half.xlsx")
    book.add_worksheet("Site").write_row(0, 0, ["Site id", SITE])
    book.add_worksheet("Meters").write_row(0, 0, ["Meter", "Bus", "Shop"])
    book.close()
    told = [str(mistake) for mistake in read_file(tmp_path / "half.xlsx").mistakes]
    assert "workbook: the sheet Boxes is missing" in told
    assert "Site: a row Site name is missing" in told
    assert any(text.startswith("Meters!1: missing heads: Address, Model, Shop number") for text in told)


def test_what_is_no_workbook_is_refused_in_words(tmp_path: Path) -> None:
    path = tmp_path / "letter.xlsx"
    path.write_text("Dear colleagues")
    with pytest.raises(PlanFault, match=r"letter\.xlsx: cannot be read as a workbook"):
        PlanFile(path)
    with pytest.raises(WorkbookFault, match="cannot be read"):
        read_file(tmp_path / "absent.xlsx")


def test_ids_stay_when_the_workbook_is_sent_again_changed(template: Path, tmp_path: Path) -> None:
    first = PlanFile(template)
    first.keep_ids()
    changed = copy_with(template, tmp_path / "later.xlsx", {"电表!H2": "兰州牛肉面"})
    changed.replace(template)
    second = PlanFile(template)
    assert first.plan is not None
    assert second.plan is not None
    assert second.new_labels == 0
    assert [p.point for p in second.plan.points] == [p.point for p in first.plan.points]
    assert is_id(second.plan.points[0].point)
    assert second.plan.points[0].name == "兰州牛肉面"


def test_a_template_is_never_written_over_a_file(template: Path) -> None:
    before = template.read_bytes()
    with pytest.raises(WorkbookFault, match="is there already"):
        write_template(template, "en", KNOWN)
    assert template.read_bytes() == before


def test_two_thousand_meters_are_read(tmp_path: Path) -> None:
    path = tmp_path / "large.xlsx"
    book = xlsxwriter.Workbook(path)
    book.add_worksheet("Site").write_column(0, 0, ["Site id", "Site name"])
    book.get_worksheet_by_name("Site").write_column(0, 1, [SITE, "Large"])
    pages = {sheet.name: book.add_worksheet(sheet.words.en) for sheet in SHEETS[1:]}
    for sheet in SHEETS[1:]:
        pages[sheet.name].write_row(0, 0, [column.words.en for column in sheet.columns])
    pages["tariffs"].write_row(1, 0, ["Flat", "2026-01-01", "flat", 0.95])
    for bus in range(100):
        pages["boxes"].write_row(bus + 1, 0, [f"B{bus // 3}", "East", f"bus{bus}"])
    for meter in range(2_000):
        row = [f"{meter}", f"bus{meter % 100}", meter // 100 + 1, "acrel_dtsy1352", None, None, f"s{meter}", "Shop"]
        pages["meters"].write_row(meter + 1, 0, [*row, None, 3, 80, None, None, "Flat"])
        pages["customers"].write_row(meter + 1, 0, [f"a{meter}", "Wang", None, f"{meter}", 50, 10])
    book.close()
    read = PlanFile(path)
    assert read.mistakes == []
    assert read.plan is not None
    assert sum(len(box.meters) for box in read.plan.boxes) == 2_000


CELLS: list[tuple[Kind, object, object]] = [
    (Whole(1, 247), 12.0, 12),
    (Whole(1, 247), "１２", 12),
    (Text(), 101.0, "101"),
    (Text(name=True), "超市（一层） ", "超市（一层）"),
    (Text(several=3), "138；139、140", ("138", "139", "140")),
    (Amount(0, 1000, places=6), 0.95, 950_000),
    (Amount(0, 100_000), "1,200.50", 1_200_500_000),
    (Amount(0, 100_000), 28.1, 28_100_000),
    (Ratio(), "200/5", (40, 1)),
    (Ratio(), "200:5", (40, 1)),
    (Ratio(), 40.0, (40, 1)),
    (Date(), datetime.date(2026, 1, 31), "2026-01-31"),
    (Date(), "2026/01/31", "2026-01-31"),
    (Times(), datetime.time(8, 0), ("08:00",)),
    (Times(), "8:00，18:00", ("08:00", "18:00")),
]


@pytest.mark.parametrize(("kind", "value", "read"), CELLS)
def test_cells_are_read_as_people_fill_them(kind: Kind, value: object, read: object) -> None:
    assert read_cell(kind, value, "en") == read


@pytest.mark.parametrize(
    ("kind", "value"),
    [
        (Whole(1, 247), 1.5),
        (Whole(1, 247), True),
        (Amount(0, 1000), "1.005"),
        (Amount(0, 1000), 28.499999999999996),
        (Amount(0, 1000), "nan"),
        (Amount(0, 1000), "inf"),
        (Amount(0, 1000), -1),
        (Ratio(), "0"),
        (Ratio(), "-200/5"),
        (Date(), "31.1.2026"),
        (Times(), "8 o'clock"),
    ],
)
def test_cells_that_are_not_right_are_refused(kind: Kind, value: object) -> None:
    with pytest.raises(BadCell, match="right"):
        read_cell(kind, value, "en")


def test_columns_are_named_as_excel_names_them() -> None:
    assert [letter_of(index) for index in (0, 25, 26, 51, 52, 701, 702)] == ["A", "Z", "AA", "AZ", "BA", "ZZ", "AAA"]


def test_the_command_writes_a_template_and_tells_mistakes(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "street.xlsx"
    assert main(["site", "template", str(path), "--language", "en", "--json"]) == 0
    assert json.loads(capsys.readouterr().out) == {"file": str(path), "language": "en"}
    assert main(["site", "plan", str(path)]) == 2
    told = capsys.readouterr().err
    assert "street.xlsx: 2 mistakes" in told
    assert "Site!B1: Site id is missing" in told
    assert not path.with_suffix(".ids.json").exists()
