"""The office's pages in a real browser over real books: every page in both languages, by every role, checked against
WCAG 2.2 AA; refunds and tills without a mouse. Leaves screenshots.
"""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, BrowserContext, FilePayload, Route, expect

from cloud_server.core.roles import ROLES, TABLE
from cloud_server.web.addresses import REPORTS
from tests.cloud_server.street import TARIFF, account_id, meter_id, point_id
from tests.cloud_server.web.test_import_page import workbook
from tests.edge_agent.bus.profile_page import NX3
from tests.end_to_end.conftest import PASSWORD
from tests.end_to_end.console_pages import Console, faults, open_console
from tests.end_to_end.every_page import Opened, fill, pages
from tests.end_to_end.real_street import TIME_OF_USE, RealStreet, open_real_street
from tests.end_to_end.running_demo import wait_until

pytestmark = [pytest.mark.browser, pytest.mark.xdist_group("browser")]

ACCOUNT = account_id(1, 3)
SHOWN = {
    "customers": "/customers",
    "customer": f"/customers/{ACCOUNT}",
    "customer-new": "/customers/new",
    "till": "/till",
    "point-real": f"/points/{point_id(1, 2)}",
    "tenant": f"/customers/{ACCOUNT}/tenant",
    "relocate": f"/points/{point_id(1, 2)}/move",
    "till-days": "/till/days",
    "refund-form": f"/desk/{ACCOUNT}/refund",
    "report-hours": "/reports/hours",
    "report-loss": "/reports/loss",
    "report-rollforward": "/reports/rollforward",
    "report-statement": f"/reports/statement?account={ACCOUNT}",
}


@pytest.fixture(scope="module")
def real(tmp_path_factory: pytest.TempPathFactory, certificate: Path) -> Iterator[RealStreet]:
    with open_real_street(tmp_path_factory.mktemp("office"), certificate) as street:
        yield street


@pytest.fixture
def contexts() -> Iterator[list[BrowserContext]]:
    opened: list[BrowserContext] = []
    yield opened
    for context in opened:
        context.close()


def enter(browser: Browser, real: RealStreet, contexts: list[BrowserContext], role: str, **how: Any) -> Console:
    """A browser window of somebody with a role."""
    console, context = open_console(browser, real.address, **how)
    contexts.append(context)
    console.sign_in(role, PASSWORD)
    return console


LOOKS = [
    ("zh-CN", "light", 1440, 0),
    ("en", "dark", 820, 1),
    *(
        pytest.param(language, theme, width, None, marks=pytest.mark.slow)
        for language, theme, width in (
            ("zh-CN", "light", 1440),
            ("en", "dark", 820),
            ("zh-CN", "dark", 820),
            ("en", "light", 1440),
        )
    ),
]
"""On a desk and on a tablet: every other page in each of the first two, every page in all when there is time."""


@pytest.fixture(scope="module")
def every_page(real: RealStreet) -> list[Opened]:
    return pages(fill(real))


@pytest.mark.parametrize("role", ROLES)
@pytest.mark.parametrize(("language", "theme", "width", "half"), LOOKS)
def test_every_page_is_accessible(
    role: str,
    language: str,
    theme: str,
    width: int,
    half: int | None,
    browser: Browser,
    real: RealStreet,
    every_page: list[Opened],
    contexts: list[BrowserContext],
) -> None:
    """Each is opened by one who may; all of them together open every address of the console."""
    console = enter(browser, real, contexts, role, language=language, theme=theme, width=width)
    found = []
    mine = (page for n, page in enumerate(every_page) if page.role == role and half in (None, n % 2))
    for path in ["/", *(page.path for page in mine)]:
        answer = console.page.goto(real.address + path)
        console.page.wait_for_load_state("load")
        if answer is None or answer.status != 200:
            found.append(f"{path}: answered {answer.status if answer is not None else 'nothing'}")
        over = console.page.evaluate("document.documentElement.scrollWidth - window.innerWidth")
        found += [f"{path}: scrolls sideways by {over} px"] if over > 0 else []
        found += [f"{path}: {fault}" for fault in faults(console.page)]
    assert not found, "\n".join(found)
    assert console.said == []


@pytest.mark.parametrize(
    ("language", "theme", "width"), [("zh-CN", "light", 1280), ("en", "dark", 1280), ("zh-CN", "light", 800)]
)
def test_the_offices_pages_fit(
    language: str, theme: str, width: int, browser: Browser, real: RealStreet, contexts: list[BrowserContext]
) -> None:
    console = enter(browser, real, contexts, "supervisor", language=language, theme=theme, width=width)
    for name, path in SHOWN.items():
        console.open(path)
        for drawing in console.page.locator("[data-chart]").all():
            expect(drawing).to_have_attribute("data-drawn", "yes")
        console.picture(name, whole=True)
    administrator = enter(browser, real, contexts, "administrator", language=language, theme=theme, width=width)
    for name, path in (("settings", "/settings"), ("settings-meter", f"/settings/meters/{meter_id(1, 2)}")):
        administrator.open(path)
        administrator.picture(name, whole=True)
    administrator.open(f"/settings/tariffs/{TARIFF}")
    administrator.page.fill("#f-text", TIME_OF_USE)
    administrator.page.locator('button[value="preview"]').click()
    administrator.page.locator("#plan").wait_for()
    administrator.picture("settings-tariff", whole=True)
    administrator.open("/settings/look")
    administrator.picture("settings-look", whole=True)
    _by_form(administrator)
    _a_new_make(administrator, f"nx3_{language[:2]}_{width}")
    _from_a_workbook(administrator, real)
    # The workbook with mistakes is answered as one, which the browser says too.
    assert console.said == [said for said in administrator.said if "422" not in said] == []


def test_reports_fit_on_paper(browser: Browser, real: RealStreet, contexts: list[BrowserContext]) -> None:
    """Nothing is cut off at the edge of an A4 sheet, and it is ink on white whatever the screen looks like."""
    console = enter(browser, real, contexts, "supervisor", theme="dark")
    page = console.page
    page.emulate_media(media="print")
    cut = []
    for kind in (kind for kind, right in REPORTS.items() if "supervisor" in TABLE[right]):
        page.set_viewport_size({"width": A4_ACROSS_PX if kind == "hours" else A4_PX, "height": 1_000})
        console.open(f"/reports/{kind}?account={ACCOUNT}&lines=yes")
        over = page.evaluate("document.documentElement.scrollWidth - window.innerWidth")
        cut += [f"{kind}: {over} px"] if over > 0 else []
    assert not cut, "\n".join(cut)
    assert page.evaluate("getComputedStyle(document.querySelector('h1')).color") == "rgb(0, 0, 0)"
    page.emulate_media(media="screen")
    console.open("/reports/hours")
    _await_ink(console, "#e8ebee")
    page.emulate_media(media="print")
    _await_ink(console, "#15191d")


def test_a_bill_is_shown_at_once_and_its_proof_follows(
    browser: Browser, real: RealStreet, contexts: list[BrowserContext]
) -> None:
    """Behind a large box the signed lines take seconds; who waits sees what is known, and what went wrong."""
    console = enter(browser, real, contexts, "supervisor", language="en")
    page, address, verdict = console.page, f"/reports/proof?account={ACCOUNT}", ".facts-of dd >> nth=0"
    held: list[Route] = []

    def hold(route: Route) -> None:
        held.append(route)

    page.route("**/reports/proof?*lines=yes", hold)
    console.open(address)
    expect(page.locator("#lines [role=status]")).to_be_visible()
    expect(page.locator("#made table")).not_to_have_count(0)
    console.picture("report-proof-waits")
    expect(page.locator(verdict)).to_have_text("K1003")
    _await_request(console, held)
    held[0].abort()
    expect(page.locator("#lines [role=alert]")).to_be_visible()
    page.unroute("**/reports/proof?*lines=yes")
    page.locator("#lines [role=alert] a").click()
    expect(page.locator(verdict)).to_have_text("holds")
    console.open(address)
    expect(page.locator(verdict)).to_have_text("holds")
    expect(page.locator("#lines")).to_have_count(0)
    expect(page.locator("#made [data-drawn]")).to_have_count(1)
    assert page.url.endswith(address)
    bare = browser.new_context(
        ignore_https_errors=True, java_script_enabled=False, storage_state=contexts[-1].storage_state()
    )
    contexts.append(bare)
    page = bare.new_page()
    page.goto(real.address + address)
    page.locator("#lines a:visible").click()
    expect(page.locator(verdict)).to_have_text("符合")


def _await_request(console: Console, held: list[Route]) -> None:
    """Until the page has asked for what is held back; the browser's library hears of it only while it is at work."""

    def came() -> bool:
        console.page.wait_for_timeout(50)
        return len(held) == 1

    wait_until(came, 10, "a request of the page")


def _await_ink(console: Console, colour: str) -> None:
    """A chart is drawn anew a moment after the medium has changed.

    Asked from here, again and again: the page's own policy lets nobody, a test included, wait inside it for a text of
    script to come true.
    """
    wait_until(lambda: console.page.evaluate(DRAWN_IN) == colour, 10, f"a chart drawn in {colour}")


DRAWN_IN = "() => echarts.getInstanceByDom(document.querySelector('[data-chart]')).getOption().series[0].color"
A4_PX, A4_ACROSS_PX = 703, 1_031
"""An A4 sheet without its margins, upright and across."""


def _a_new_make(console: Console, name: str) -> None:
    """A meter profile from a file: its faults, then what it would read and write, saved and looked at again."""
    page = console.page
    console.open("/settings/profiles/new")
    page.fill("#f-profile", name)
    page.fill("#f-text", NX3.replace("phases = 3", "phases = 7"))
    page.locator('button[value="preview"]').click()
    expect(page.locator("#h-faults + p + table tbody tr")).to_have_count(1)
    page.set_input_files("#f-file", FilePayload(name="nx3.toml", mimeType="text/plain", buffer=NX3.encode()))
    page.locator('button[value="preview"]').click()
    expect(page.locator("pre.frames")).to_contain_text("01 04 00 00 00 0C F0 0F")
    # The button in focus has the page scrolled: what lies half under its head would count as too small.
    page.evaluate("scrollTo(0, 0)")
    assert faults(page) == []
    console.picture("settings-profile", whole=True)
    page.locator('button[value="take"]').click()
    expect(page.locator(".done")).to_be_visible()
    console.open("/settings/profiles")
    expect(page.get_by_role("link", name=name)).to_be_visible()
    console.picture("settings-profiles", whole=True)


def _by_form(console: Console) -> None:
    """A tariff by form: three rates, drawn beside it before it is taken."""
    page = console.page
    console.open(f"/settings/tariffs/{TARIFF}/form")
    for rate, price in (("peak", "1.2"), ("valley", "0.4")):
        page.fill(f'[name="price-{rate}"]', price)
    for row, (time, rate) in enumerate((("00:00", "valley"), ("08:00", "flat"), ("18:00", "peak"), ("22:00", "flat"))):
        page.fill(f'[name="day-0-{row}-at"]', time)
        page.select_option(f'[name="day-0-{row}-rate"]', rate)
    page.locator('button[value="preview"]').click()
    page.locator("#plan").wait_for()
    expect(page.locator(".day-strip rect")).to_have_count(4)
    console.picture("tariff-form", whole=True)


def _from_a_workbook(console: Console, real: RealStreet) -> None:
    """A workbook with mistakes, then one that is shown as what it comes to. Nothing is taken here."""
    page = console.page
    elsewhere = {"Boxes!A2": "C1", "Boxes!C2": "C1-1", "Boxes!A3": "C1", "Boxes!C3": "C1-2"}
    elsewhere |= {"Meters!B2": "C1-1", "Meters!B3": "C1-2"}
    for name, changes in (("import-mistakes", {"Meters!C2": "300", "Meters!D3": "?"}), ("import-shown", elsewhere)):
        console.open("/settings/import")
        body = workbook(real.rig.site, changes)
        page.set_input_files("#file", FilePayload(name="site.xlsx", mimeType="application/zip", buffer=body))
        page.locator("form.stack button").click()
        page.locator("#h-mistakes, #plan").wait_for()
        console.picture(name, whole=True)
    expect(page.locator("#plan")).to_contain_text("C1")
    expect(page.locator(".mistake")).to_have_count(0)


@pytest.mark.parametrize(("language", "theme"), [("zh-CN", "light"), ("en", "dark")])
def test_a_refund_without_a_mouse(
    language: str, theme: str, browser: Browser, real: RealStreet, contexts: list[BrowserContext]
) -> None:
    console = enter(browser, real, contexts, "cashier", language=language, theme=theme)
    page = console.page
    console.find_and_choose("A05")
    page.keyboard.press("F8")
    page.wait_for_url(re.compile("/refund$"))
    console.cursor_in("#amount")
    page.keyboard.type("20")
    page.fill("#reason", "多充")
    page.keyboard.press("Enter")
    page.wait_for_url(re.compile(r"/refunds/[0-9a-f]{32}"))
    expect(page.locator("[data-refund-state]")).to_have_attribute("data-refund-state", "asked")
    console.picture("refund-asked")
    real.settle()
    expect(page.locator("[data-refund-state]")).to_have_attribute("data-refund-state", "payable", timeout=15_000)
    console.picture("refund-payable")
    page.locator("button.primary").focus()
    page.keyboard.press("Enter")
    expect(page.locator("[data-refund-state]")).to_have_attribute("data-refund-state", "paid")
    console.picture("refund-paid")


def test_what_was_found_for_an_older_text_cannot_be_chosen(
    browser: Browser, real: RealStreet, contexts: list[BrowserContext]
) -> None:
    """A cashier types on and presses the arrow before the answer is there: the first row is still somebody else's."""
    console = enter(browser, real, contexts, "cashier")
    page = console.page
    console.open("/desk")
    console.cursor_in("#q")
    page.keyboard.type("A0")
    page.locator("#found [data-text='A0'] a").first.wait_for()
    held: list[Route] = []

    def hold(route: Route) -> None:
        held.append(route)

    page.route("**/desk?q=A05*", hold)
    page.keyboard.type("5")
    page.keyboard.press("ArrowDown")
    expect(page.locator("#q")).to_be_focused()
    _await_request(console, held)  # the search waits for more letters before it asks
    held[0].continue_()
    expect(page.locator("#found [data-text='A05'] a").first).to_be_focused()
    page.keyboard.press("Enter")
    page.locator("#amount").wait_for()
    expect(page.locator("main")).to_contain_text("A05")


def test_a_sale_is_reversed_and_the_till_closed_by_keyboard(
    browser: Browser, real: RealStreet, contexts: list[BrowserContext]
) -> None:
    console = enter(browser, real, contexts, "cashier")
    page = console.page
    console.sell("A04", "50")
    page.keyboard.press("r")
    page.wait_for_url(re.compile("/reversal$"))
    console.cursor_in("#reason")
    page.keyboard.type("打错金额")
    console.picture("reversal")
    page.keyboard.press("Enter")
    page.wait_for_url(re.compile(r"/sales/[0-9a-f]{32}$"))
    console.picture("sale-reversed")
    console.sell("A04", "100")
    console.open("/till")
    console.cursor_in("#counted-cash")
    page.keyboard.type(page.locator("table.count tbody td.figure").first.inner_text())
    page.fill("#note", "班末")
    page.keyboard.press("Enter")
    page.wait_for_url(re.compile("/till/shifts/"))
    console.picture("till-shift")
