"""Steps that go on by themselves, walked in a real browser over real books, with the mistakes that people make on the
way: credit and meters moved, another tenant, refunds and reversals by two, a closing, a box retired, a list imported.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from playwright.sync_api import Browser, BrowserContext, FilePayload, Page, expect

from cloud_server.flows.office import Office
from tests.cloud_server.flows.test_moves_and_meters import FIRST, SECOND, two_boxes
from tests.cloud_server.site_rig import SiteRig
from tests.cloud_server.speaking_box import SpeakingBox
from tests.cloud_server.street import account_id, box_id, meter_id, point_id
from tests.cloud_server.web.test_import_page import workbook
from tests.end_to_end.conftest import PASSWORD
from tests.end_to_end.console_pages import Console, open_console
from tests.end_to_end.real_street import open_served_rig

pytestmark = [pytest.mark.browser, pytest.mark.xdist_group("browser")]

DESKTOP, TABLET = ("zh-CN", "light", 1280), ("en", "dark", 800)
TWO_WALLETS, ONE_WALLET, THIRD = account_id(1, 1), account_id(1, 2), account_id(1, 3)


@dataclass
class Walk:
    """A street of two boxes, and whoever sits before it."""

    browser: Browser
    address: str
    rig: SiteRig
    office: Office
    boxes: list[SpeakingBox]
    opened: list[BrowserContext]
    look: tuple[str, str, int]

    def of(self, role: str) -> Console:
        """A browser window of somebody with a role."""
        language, theme, width = self.look
        console, context = open_console(self.browser, self.address, language=language, theme=theme, width=width)
        self.opened.append(context)
        console.sign_in(role, PASSWORD)
        return console

    def go_on(self) -> None:
        """Boxes hear and answer, the centre takes it up, until nothing moves."""
        for _ in range(3):
            for box in self.boxes:
                self.rig.settle(box)
            self.office.work()


@pytest.fixture
def walk(look: tuple[str, str, int], browser: Browser, tmp_path: Path, certificate: Path) -> Iterator[Walk]:
    with open_served_rig(tmp_path, certificate) as served:
        boxes, office = two_boxes(served.rig)
        for shop, amount in ((2, "3000.00"), (3, "300.00")):
            served.rig.sell(amount, shop=shop)
        served.rig.settle(boxes[0])
        opened: list[BrowserContext] = []
        yield Walk(browser, served.address, served.rig, office, boxes, opened, look)
        for context in opened:
            context.close()
        assert served.rig.breaches() == []


def send(page: Page) -> None:
    """The step's own button, and wait for what it leads to."""
    with page.expect_navigation():
        page.locator("main form:not(.answers) button.primary").last.click()


def type_second(page: Page, name: str, password: str) -> None:
    page.fill("#second_name", name)
    page.fill("#second_password", password)


@pytest.mark.parametrize("look", [DESKTOP, pytest.param(TABLET, marks=pytest.mark.slow)])
def test_steps_of_the_office(walk: Walk) -> None:
    cashier, supervisor = walk.of("cashier"), walk.of("supervisor")
    _credit_is_moved(walk, cashier)
    _a_refund_by_two(walk, cashier, supervisor)
    _a_reversal_by_two(walk, supervisor)
    _a_tenant_follows(walk, supervisor)
    _an_account_is_closed(walk, supervisor)
    for console in (cashier, supervisor):
        assert [said for said in console.said if not re.search(r"status of (409|422)", said)] == []


def _credit_is_moved(walk: Walk, cashier: Console) -> None:
    page = cashier.page
    cashier.open(f"/customers/{TWO_WALLETS}/move")
    cashier.picture("step-move", whole=True)
    page.select_option("#f-from_wallet", FIRST)
    page.select_option("#f-to_wallet", FIRST)
    page.fill("#f-amount", "2o")
    page.fill("#f-reason", "隔壁铺位用完")
    send(page)
    expect(page.locator("[aria-invalid]")).not_to_have_count(0)
    cashier.picture("step-move-mistakes", whole=True)
    page.select_option("#f-to_wallet", SECOND)
    page.fill("#f-amount", "25")
    send(page)
    page.wait_for_url(re.compile("done=moving"))
    cashier.picture("step-move-asked", whole=True)
    walk.go_on()
    assert (walk.boxes[0].book[FIRST], walk.boxes[1].book[SECOND]) == (35_000_000, 65_000_000)


def _a_refund_by_two(walk: Walk, cashier: Console, supervisor: Console) -> None:
    """Above what one person decides: first with a wrong password, then left for a supervisor, who confirms it."""
    page = cashier.page
    cashier.open(f"/desk/{ONE_WALLET}/refund")
    page.fill("#amount", "1500")
    page.fill("#reason", "搬走")
    type_second(page, "supervisor", "not the password")
    send(page)
    expect(page.locator(".mistake")).not_to_have_count(0)
    cashier.picture("refund-second-wrong", whole=True)
    expect(page.locator("#second_name")).to_be_focused()
    page.locator('button[name="wait"]').click()
    page.wait_for_url(re.compile("/tasks"))
    cashier.picture("tasks-own", whole=True)
    supervisor.open("/tasks")
    supervisor.picture("tasks-to-confirm", whole=True)
    supervisor.page.locator("form.answers button.primary").first.click()
    supervisor.page.wait_for_url(re.compile("done=approve"))
    supervisor.picture("tasks-confirmed", whole=True)
    walk.go_on()
    cashier.open("/refunds")
    page.locator('a[href^="/refunds/"]').first.click()
    expect(page.locator("[data-refund-state]")).to_have_attribute("data-refund-state", "payable")
    send(page)
    expect(page.locator("[data-refund-state]")).to_have_attribute("data-refund-state", "paid")
    cashier.picture("refund-of-two-paid", whole=True)


def _a_reversal_by_two(walk: Walk, supervisor: Console) -> None:
    """Another's sale: one who is not a supervisor does not do, a supervisor does."""
    sale = walk.rig.sell("66.00", shop=3)
    walk.go_on()
    cashier = walk.of("cashier")
    page = cashier.page
    cashier.open(f"/sales/{sale}/reversal")
    page.fill("#reason", "打错金额")
    type_second(page, "auditor", PASSWORD)
    send(page)
    expect(page.locator(".mistake")).not_to_have_count(0)
    cashier.picture("reversal-second-wrong", whole=True)
    type_second(page, "supervisor", PASSWORD)
    send(page)
    page.wait_for_url(re.compile(rf"/sales/{sale}$"))
    cashier.picture("reversal-by-two", whole=True)
    walk.go_on()


def _a_tenant_follows(walk: Walk, supervisor: Console) -> None:
    page = supervisor.page
    supervisor.open(f"/customers/{THIRD}/tenant")
    page.fill("#f-customer_name", "新店主")
    page.fill("#f-number", "K1002")
    page.fill("#f-phones", "13800000000")
    send(page)
    expect(page.locator("[aria-invalid]")).to_have_count(1)
    supervisor.picture("tenant-mistake", whole=True)
    page.fill("#f-number", "K9001")
    send(page)
    supervisor.picture("tenant-begun", whole=True)
    walk.go_on()
    supervisor.open(f"/customers/{THIRD}")
    supervisor.picture("tenant-follows", whole=True)
    expect(page.locator("main")).to_contain_text("K9001")


def _an_account_is_closed(walk: Walk, supervisor: Console) -> None:
    page = supervisor.page
    supervisor.open(f"/customers/{TWO_WALLETS}")
    page.locator("main details.more summary").last.click()
    page.fill("#reason", "退租")
    send(page)
    page.wait_for_url(re.compile("done=closing"))
    supervisor.picture("closing-begun", whole=True)
    walk.go_on()
    supervisor.open(f"/customers/{TWO_WALLETS}")
    page.locator('a[href^="/closings/"]').first.click()
    supervisor.picture("closing-settle", whole=True)
    page.fill("#f-reason", "退租")
    send(page)
    page.wait_for_url(re.compile("/refunds"))
    supervisor.picture("closing-settled", whole=True)


@pytest.mark.parametrize("look", [TABLET, pytest.param(DESKTOP, marks=pytest.mark.slow)])
def test_steps_in_the_shaft(walk: Walk) -> None:
    technician, provisioner = walk.of("technician"), walk.of("provisioner")
    _a_meter_is_moved(walk, technician)
    _a_meter_is_replaced(walk, technician)
    _a_box_is_retired(walk, provisioner)
    _a_list_is_imported(walk)
    for console in (technician, provisioner):
        assert [said for said in console.said if not re.search(r"status of (409|422)", said)] == []


def _a_meter_is_replaced(walk: Walk, technician: Console) -> None:
    page, box = technician.page, walk.boxes[0]
    box.use(meter_id(1, 2), 12_340)
    box.seal()
    walk.go_on()
    technician.open(f"/points/{point_id(1, 2)}/replace")
    technician.picture("replace", whole=True)
    page.fill('[name="serial"]', "20261122008")
    page.fill('[name="old_kwh"]', "12,5o")
    page.fill('[name="new_kwh"]', "0.03")
    page.fill('[name="reason"]', "表坏")
    send(page)
    expect(page.locator("[aria-invalid]")).not_to_have_count(0)
    technician.picture("replace-mistake", whole=True)
    page.fill('[name="old_kwh"]', "12.50")
    send(page)
    page.wait_for_url(re.compile("ordered="))
    walk.rig.clock.advance(2_400_000)
    box.now_ms = walk.rig.clock.now_ms
    walk.go_on()
    assert box.config is not None
    new = next(meter.meter for meter in box.config.meters if meter.serial == "20261122008")
    box.use(new, 1_300, for_ms=600_000)
    box.seal()
    walk.go_on()
    technician.open(f"/points/{point_id(1, 2)}")
    expect(page.locator(".timeline li.swap")).to_contain_text("20261122008")
    technician.picture("point-replaced", whole=True)
    technician.open("/reports/registers")
    technician.picture("report-registers-replaced", whole=True)
    technician.open("/reports/energy")
    technician.picture("report-energy-replaced", whole=True)
    auditor = walk.of("auditor")
    auditor.open(f"/reports/statement?account={ONE_WALLET}")
    expect(auditor.page.locator("main")).to_contain_text("12.50")
    auditor.picture("report-statement-replaced", whole=True)


def _a_meter_is_moved(walk: Walk, technician: Console) -> None:
    page = technician.page
    technician.open(f"/points/{point_id(1, 1)}/move")
    page.fill("#f-unit", "300")
    page.fill("#f-reason", "并箱")
    page.select_option("#f-to_wallet", SECOND)
    send(page)
    technician.picture("move-meter-mistake", whole=True)
    expect(page.locator("[aria-invalid]")).to_have_count(1)
    page.fill("#f-unit", "77")
    send(page)
    page.wait_for_url(re.compile("ordered=release_meter"))
    technician.picture("move-meter-asked", whole=True)
    walk.go_on()
    assert walk.boxes[1].book[SECOND] == 100_000_000


def _a_box_is_retired(walk: Walk, provisioner: Console) -> None:
    page = provisioner.page
    provisioner.open("/states")
    provisioner.picture("states", whole=True)
    provisioner.open(f"/boxes/{box_id(1)}/retire")
    # Some time has passed since the sign-in: who it is, is asked before anything is typed, and not behind it.
    page.fill("#password", PASSWORD)
    send(page)
    page.fill("#f-reason", "烧毁")
    page.locator('[name^="kwh-"]').first.fill("十")
    send(page)
    expect(page.locator("[aria-invalid]")).to_have_count(1)
    provisioner.picture("retire-mistake", whole=True)
    page.locator('[name^="kwh-"]').first.fill("")
    type_second(page, "cashier", PASSWORD)
    send(page)
    expect(page.locator(".second.asked")).to_have_count(1)
    provisioner.picture("retire-second-wrong", whole=True)
    type_second(page, "supervisor", PASSWORD)
    send(page)
    page.wait_for_url(re.compile("done=retired"))
    provisioner.picture("retired", whole=True)


def _a_list_is_imported(walk: Walk) -> None:
    administrator = walk.of("administrator")
    page = administrator.page
    elsewhere = {"Boxes!A2": "C1", "Boxes!C2": "C1-1", "Boxes!A3": "C1", "Boxes!C3": "C1-2"}
    elsewhere |= {"Meters!B2": "C1-1", "Meters!B3": "C1-2"}
    for wrong in ({"Meters!C2": "300", "Meters!D3": "?"}, {}):
        administrator.open("/settings/import")
        body = workbook(walk.rig.site, elsewhere | wrong)
        page.set_input_files("#file", FilePayload(name="site.xlsx", mimeType="application/zip", buffer=body))
        page.locator("form.stack button").click()
        page.locator("#h-mistakes, #plan").wait_for()
        administrator.picture("list-mistakes" if wrong else "list-shown", whole=True)
    send(page)
    page.wait_for_url(re.compile("done=|taken|/settings"))
    administrator.picture("list-taken", whole=True)
