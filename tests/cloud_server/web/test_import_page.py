"""A site's list from a workbook at the screen: mistakes by cell, what it comes to, taken whole or not at all."""

import re
from io import BytesIO
from typing import Any

import msgspec
import pytest
import python_calamine
import xlsxwriter

from cloud_server.exports.template import make_template
from cloud_server.flows import plan_site
from protocol.site_plan import SitePlan
from protocol.workbook.table import letter_of
from protocol.workbook.template import Known
from tests.cloud_server.console_rig import ConsoleRig
from tests.cloud_server.street import street
from tests.cloud_server.web.conftest import Browser

pytestmark = pytest.mark.sqlite_first
Cells = dict[str, Any]


def workbook(site: str, changes: Cells | None = None) -> bytes:
    """The English template with other values in some cells, named as people name them: `Meters!C2`."""
    told, target = changes or {}, BytesIO()
    book = xlsxwriter.Workbook(target, {"in_memory": True})
    with python_calamine.CalamineWorkbook.from_filelike(BytesIO(make_template(Known(site, "河滨路"), "en"))) as read:
        for name in read.sheet_names:
            page, grid = book.add_worksheet(name), read.get_sheet_by_name(name).to_python(skip_empty_area=False)
            for row in range(len(grid) + 5):
                for column in range(20):
                    old = grid[row][column] if row < len(grid) and column < len(grid[row]) else ""
                    page.write(row, column, told.get(f"{name}!{letter_of(column)}{row + 1}", old))
    book.close()
    return target.getvalue()


@pytest.fixture
def empty(console: ConsoleRig) -> ConsoleRig:
    """A site with the first plan of a provisioner: everything is still to be listed."""
    bare: dict[str, list[Any]] = {"buildings": [], "boxes": [], "points": [], "customers": [], "accounts": []}
    bare |= {"wallets": [], "tariffs": []}
    plan_site.take_plan(console.rig.centre, msgspec.structs.replace(street(console.rig.site), **bare), "provisioner")
    return console


def plan_of(console: ConsoleRig) -> SitePlan:
    with console.rig.store.read() as unit:
        plan = unit.fleet.plan()
    assert plan is not None
    return plan


def send(browser: Browser, content: bytes) -> None:
    browser.get("/settings/import")
    browser.send_file("/settings/import", content)


def take(browser: Browser) -> None:
    browser.post(browser.path, version=browser.hidden("version"))


def row_of(browser: Browser, kind: str) -> tuple[int, ...]:
    """New, changed, gone of one kind of item."""
    found = re.search(rf'<th scope="row">{kind}</th>((?:<td class="figure">\d+</td>)+)', browser.text)
    assert found is not None, browser.text
    return tuple(int(number) for number in re.findall(r"\d+", found.group(1)))


def test_a_workbook_is_shown_then_taken_whole(empty: ConsoleRig) -> None:
    browser = empty.browser("administrator")
    send(browser, workbook(empty.rig.site))
    assert browser.status == 200, browser.text
    assert [row_of(browser, kind) for kind in ("Box", "Bus", "Meter")] == [(1, 0, 0), (2, 0, 0), (2, 0, 0)]
    assert row_of(browser, "Supply point") == row_of(browser, "Wallet") == (2, 0, 0)
    assert plan_of(empty).points == [], "nothing holds before it is taken"
    take(browser)
    assert "Taken." in browser.text
    plan = plan_of(empty)
    assert [(one.number, one.name) for one in plan.points] == [("101", "Noodle shop"), ("102", "Tea house")]
    assert [meter.name for meter in plan.boxes[0].meters] == ["101", "102"]
    assert [account.number for account in plan.accounts] == ["2026101", "2026102"]

    send(browser, workbook(empty.rig.site))
    assert "Nothing changes." in browser.text, browser.text


def test_names_lead_to_what_is_there_and_the_rest_stays(empty: ConsoleRig) -> None:
    browser = empty.browser("administrator")
    send(browser, workbook(empty.rig.site))
    take(browser)
    before = plan_of(empty)
    changed = {"Meters!K2": "63", "Meters!L3": "200/5", "Meters!H3": "Silk shop", "Tariffs!D2": "0.97"}
    changed |= {"Customers!E2": "80"}
    send(browser, workbook(empty.rig.site, changed))
    assert row_of(browser, "Supply point") == (0, 1, 0)
    assert row_of(browser, "Tariff") == (1, 0, 0)
    take(browser)
    after = plan_of(empty)
    assert [meter.meter for meter in after.boxes[0].meters] == [meter.meter for meter in before.boxes[0].meters]
    assert [len(meter.ratios) for meter in after.boxes[0].meters] == [1, 2]
    assert after.boxes[0].meters[0].rated_ma == 63_000
    assert after.wallets[0].alarm1_micro == 80_000_000
    assert [one.version for one in after.tariffs if one.tariff == before.tariffs[0].tariff] == [1, 2]
    assert after.limits == before.limits


def test_what_the_workbook_does_not_name_is_left_out_only_where_asked(empty: ConsoleRig) -> None:
    browser = empty.browser("administrator")
    send(browser, workbook(empty.rig.site))
    take(browser)
    one_more = {"Meters!A4": "103", "Meters!B4": "A1-1", "Meters!C4": "3", "Meters!D4": "acrel_dtsy1352"}
    one_more |= {"Meters!G4": "103", "Meters!H4": "Books", "Meters!K4": "40", "Meters!N4": "Shops"}
    send(browser, workbook(empty.rig.site, one_more))
    assert row_of(browser, "Supply point") == (1, 0, 0)
    take(browser)
    send(browser, workbook(empty.rig.site))
    assert "Nothing changes." in browser.text
    browser.get(f"{browser.path}?gone=yes")
    assert row_of(browser, "Meter")[2] == 1
    assert row_of(browser, "Supply point") == (0, 0, 1)
    browser.post(browser.path, version=browser.hidden("version"), gone="yes")
    assert [point.number for point in plan_of(empty).points] == ["101", "102"]


def test_mistakes_are_listed_by_cell_and_nothing_is_taken(empty: ConsoleRig) -> None:
    browser = empty.browser("administrator")
    send(browser, workbook(empty.rig.site, {"Meters!C2": "300", "Meters!C3": "x", "Customers!D2": "999"}))
    assert browser.status == 422
    for place in ("Meters!C2", "Meters!C3", "Customers!D2"):
        assert f"<td>{place}</td>" in browser.text
    assert "a whole number from 1 to 247 is right" in browser.text
    assert plan_of(empty).points == []


def test_what_the_plan_does_not_allow_is_said_in_the_lists_words(empty: ConsoleRig) -> None:
    browser = empty.browser("administrator")
    send(browser, workbook(empty.rig.site, {"Site!B1": "0" * 32}))
    assert browser.status == 422
    assert "site id" in browser.text
    assert 'name="version"' in browser.text
    assert "Do it" not in browser.text


@pytest.mark.parametrize("content", [b"", b"no workbook", b"PK\x03\x04 broken"])
def test_what_is_no_workbook_is_said(content: bytes, empty: ConsoleRig) -> None:
    browser = empty.browser("administrator")
    send(browser, content)
    assert browser.status == 422
    assert 'class="mistake"' in browser.text


def test_a_draft_is_its_readers_own_and_a_plan_changed_meanwhile_is_shown_again(empty: ConsoleRig) -> None:
    browser, other = empty.browser("administrator"), empty.browser("provisioner")
    send(browser, workbook(empty.rig.site))
    other.get(browser.path)
    assert other.status == 404
    version = browser.hidden("version")
    moved = msgspec.structs.replace(plan_of(empty), name="别处")
    plan_site.take_plan(empty.rig.centre, moved, "somebody")
    browser.post(browser.path, version=version)
    assert browser.status == 409
    assert "Somebody else has changed the settings meanwhile" in browser.text
    take(browser)
    assert "Taken." in browser.text


def test_the_template_is_sent_with_what_is_known(empty: ConsoleRig) -> None:
    browser = empty.browser("administrator")
    answer = browser.client.get("/settings/import/template.xlsx")
    with python_calamine.CalamineWorkbook.from_filelike(BytesIO(answer.content)) as read:
        grid = read.get_sheet_by_name("Site").to_python()
    assert grid[0][1] == empty.rig.site


@pytest.mark.parametrize(
    "headers",
    [{"content-type": "application/x-www-form-urlencoded"}, {"content-length": str(5 * 1024 * 1024)}],
    ids=["another type", "too large"],
)
def test_other_forms_are_refused_before_they_are_read(headers: dict[str, str], empty: ConsoleRig) -> None:
    browser = empty.browser("administrator")
    answer = browser.client.post("/settings/import", content=b"file=x", headers=headers)
    assert answer.status_code in (413, 415)


def test_only_who_sets_may_import(empty: ConsoleRig) -> None:
    browser = empty.browser("cashier")
    browser.get("/settings/import")
    assert browser.status == 403
