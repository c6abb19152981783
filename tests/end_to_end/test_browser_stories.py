"""Five people at the console over real books, each as they would: a cashier without a mouse, a shopkeeper who asks, a
manager at a month's end, a technician who comes back from the shaft, an administrator after a restore at noon.

One site for all of them, in this order; `docs/stories.md` tells the same, with the pictures that are made here.
"""

import json
import re
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest
from playwright.sync_api import Browser, BrowserContext, expect

from cloud_server.core.recovery import Question
from cloud_server.flows.close_day import Days
from cloud_server.flows.restore_centre import raise_term
from protocol.records import ReplacementNoted
from tests.cloud_server.street import YUAN, account_id, box_id, meter_id, point_id
from tests.end_to_end.conftest import PASSWORD
from tests.end_to_end.console_pages import Console, faults, open_console
from tests.end_to_end.real_street import RealStreet, open_real_street

pytestmark = [pytest.mark.browser, pytest.mark.xdist_group("browser")]

HALF_HOUR_MS = 1_800_000
LAST_EVENING_MS = int(datetime(2026, 11, 30, 14, tzinfo=UTC).timestamp() * 1000)
"""Ten in the evening of the last of November, in Shanghai."""
USE_WH = 500
PRICE_MICRO_PER_WH = 800


@pytest.fixture(scope="module")
def real(tmp_path_factory: pytest.TempPathFactory, certificate: Path) -> Iterator[RealStreet]:
    with open_real_street(tmp_path_factory.mktemp("stories"), certificate) as street:
        yield street


@pytest.fixture
def contexts() -> Iterator[list[BrowserContext]]:
    opened: list[BrowserContext] = []
    yield opened
    for context in opened:
        context.close()


def enter(browser: Browser, real: RealStreet, contexts: list[BrowserContext], role: str) -> Console:
    console, context = open_console(browser, real.address)
    contexts.append(context)
    console.sign_in(role, PASSWORD)
    return console


class Keys:
    """A keyboard that counts."""

    def __init__(self, console: Console) -> None:
        self._keyboard = console.page.keyboard
        self.pressed = 0

    def type(self, text: str) -> None:
        self._keyboard.type(text)
        self.pressed += len(text)

    def press(self, key: str) -> None:
        self._keyboard.press(key)
        self.pressed += 1


def till_micro(real: RealStreet) -> int:
    return -real.rig.ledger("till/cashier/cash").get("till/cashier/cash", 0)


def test_a_cashier_with_a_queue_and_no_mouse(
    browser: Browser, real: RealStreet, contexts: list[BrowserContext]
) -> None:
    console = enter(browser, real, contexts, "cashier")
    page, keys, before = console.page, Keys(console), till_micro(real)
    console.open("/desk")
    console.cursor_in("#q")
    for shop, amount in (("A02", "50"), ("A03", "100")):
        keys.pressed = 0
        keys.type(shop)
        keys.press("Enter")
        console.cursor_in("#amount")
        keys.type(amount)
        keys.press("Enter")
        console.cursor_in("#sell")
        keys.press("Enter")
        console.cursor_in("#next")
        keys.press("Enter")
        page.wait_for_url(re.compile("/desk$"))
        console.cursor_in("#q")
        assert keys.pressed == len(shop) + len(amount) + 4, "find, amount, check, sell, next"
    # The third says another amount at the last moment; nothing was sold, and the way back is one key.
    keys.type("A04")
    keys.press("Enter")
    console.cursor_in("#amount")
    keys.type("2000")
    keys.press("Enter")
    console.cursor_in("#sell")
    keys.press("Escape")
    console.cursor_in("#amount")
    expect(page.locator("#amount")).to_have_value("2000")
    keys.type("200")
    keys.press("Enter")
    console.cursor_in("#sell")
    keys.press("Enter")
    page.wait_for_url(re.compile(r"/sales/[0-9a-f]{32}"))
    # Enter once too often, or the same customer served twice: asked about before money is booked.
    console.open("/desk")
    console.cursor_in("#q")
    keys.type("A02")
    keys.press("Enter")
    console.cursor_in("#amount")
    keys.type("50")
    keys.press("Enter")
    console.cursor_in("#sell")
    keys.press("Enter")
    console.cursor_in("#edit")
    expect(page.locator("main")).to_contain_text("A02")
    console.picture("story-cashier-twice")
    keys.press("Escape")
    assert till_micro(real) - before == 350 * YUAN
    real.settle()
    assert real.rig.breaches() == []


def test_a_shopkeeper_asks_why_it_cost_so_much(
    browser: Browser, real: RealStreet, contexts: list[BrowserContext]
) -> None:
    console = enter(browser, real, contexts, "cashier")
    page = console.page
    console.open(f"/customers/{account_id(1, 3)}")
    page.get_by_role("link", name="电费核对单").click()
    expect(page.locator(".facts-of dd").first).to_have_text("符合")
    expect(page.locator(".report")).not_to_contain_text("不符")
    charged = real.rig.ledger("revenue/flat")
    assert charged, "there is something to explain"
    rows = page.locator("section").filter(has_text="现场核对").locator("tbody tr")
    assert rows.count() == 9
    console.picture("story-shopkeeper", whole=True)
    paper = page.pdf(format="A4")
    assert len(re.findall(rb"/Type\s*/Page[^s]", paper)) == 1, "one page settles it"
    assert console.said == []


def test_a_manager_at_month_end_with_a_box_that_was_away(
    browser: Browser, real: RealStreet, contexts: list[BrowserContext]
) -> None:
    """The fibre is cut at ten in the evening; the month closes by itself at four; the box is back at nine."""
    rig, box = real.rig, real.box
    rig.clock.now_ms = LAST_EVENING_MS
    for shop in range(2, 7):
        box.use(meter_id(1, shop), USE_WH, for_ms=LAST_EVENING_MS - box.read_at_ms[meter_id(1, shop)])
    box.now_ms = LAST_EVENING_MS
    box.seal()
    rig.settle(box)
    for _ in range(22):
        rig.clock.advance(HALF_HOUR_MS)
        box.now_ms = rig.clock.now_ms
        for shop in range(2, 7):
            box.use(meter_id(1, shop), USE_WH)
        box.seal()
        Days(rig.centre).close_due_days()
    console = enter(browser, real, contexts, "accountant")
    page = console.page
    november = "?from=2026-11-01&to=2026-11-30"
    console.open(f"/reports/income{november}&step=month")
    expect(page.locator(".lacks")).to_contain_text("电箱 A1：2026-11-30 22:00:00 之后的数据尚未到达")
    console.picture("story-month-before", whole=True)
    before = rig.ledger("revenue/flat")["revenue/flat"]
    rig.settle(box)
    booked = rig.ledger("revenue/flat")["revenue/flat"] - before
    assert booked == 22 * 5 * USE_WH * PRICE_MICRO_PER_WH
    console.open(f"/reports/rollforward{november}")
    expect(page.locator(".lacks")).to_have_count(0)
    late = page.locator("section").filter(has_text="之后入账").locator("tbody tr")
    expect(late).to_have_count(1)
    expect(late).to_contain_text("2026-12-01")
    micro = 4 * 5 * USE_WH * PRICE_MICRO_PER_WH
    expect(late).to_contain_text(f"{micro / YUAN:.4f}")
    expect(page.locator(".facts-of")).to_contain_text(f"−{micro / YUAN:.4f}")
    expect(page.locator(".facts-of dd").last).to_have_text("0.0000")
    console.picture("story-month-after", whole=True)
    assert rig.breaches() == []


def test_a_technician_comes_back_from_the_shaft(
    browser: Browser, real: RealStreet, contexts: list[BrowserContext]
) -> None:
    """The meter was exchanged and noted while the fibre was cut; the note came with the box, and is carried out."""
    rig, box, meter = real.rig, real.box, meter_id(1, 6)
    last_wh = box.registers[meter]
    noted = ReplacementNoted(
        at_ms=rig.clock.now_ms - 3_600_000,
        point=point_id(1, 6),
        old_serial="202669611498",
        old_raw_wh=last_wh + 250,
        new_serial="202670611501",
        new_raw_wh=40,
        who="赵技术",
    )
    box.pending.append(noted)
    box.seal()
    rig.settle(box)
    before = rig.ledger("revenue/flat")["revenue/flat"]
    console = enter(browser, real, contexts, "technician")
    page = console.page
    console.open(f"/points/{point_id(1, 6)}")
    expect(page.locator(".noted")).to_contain_text("赵技术")
    expect(page.locator(".noted")).to_contain_text("202670611501")
    console.picture("story-technician")
    page.locator(".noted a").click()
    expect(page.locator('[name="serial"]')).to_have_value("202670611501")
    expect(page.locator('[name="new_kwh"]')).to_have_value("0.04")
    console.picture("story-technician-form")
    page.locator("button.primary").click()
    page.wait_for_url(re.compile(r"/points/[0-9a-f]{32}\?ordered"))
    real.settle()
    rig.settle(box)
    assert rig.ledger("revenue/flat")["revenue/flat"] - before == 250 * PRICE_MICRO_PER_WH, "the old meter to its end"
    console.open(f"/points/{point_id(1, 6)}")
    expect(page.locator(".noted")).to_have_count(0)
    assert rig.breaches() == []


def ask_people(real: RealStreet) -> str:
    """What no line can prove: credit was asked back, and nobody has written whether it was paid out."""
    known = {"account": account_id(1, 2), "amount_micro": 20 * YUAN, "purpose": "refund"}
    name = "a" * 32
    with real.rig.store.write() as unit:
        unit.recovery.ask(
            Question(
                question=name,
                kind="refund_paid",
                subject="20261201-0007",
                box=box_id(1),
                detail=json.dumps(known),
                asked_at_ms=real.rig.clock.now_ms,
            )
        )
    return name


BANNERED = ("/", "/desk", "/sales", "/till", "/alarms", "/operations", "/reports", "/tasks", "/states", "/me")


def test_an_administrator_restores_at_noon(browser: Browser, real: RealStreet, contexts: list[BrowserContext]) -> None:
    """What open pages tell while the boxes of a restored centre are heard again; two people open selling before."""
    rig = real.rig
    cashier, supervisor, administrator = (
        enter(browser, real, contexts, role) for role in ("cashier", "supervisor", "administrator")
    )
    expect(cashier.page.locator(".restored")).to_have_count(0)
    rig.clock.advance(1_000)
    raise_term(rig.centre, [])
    question = ask_people(real)
    rig.clock.advance(5_000)
    cashier.open(f"/desk/{account_id(1, 2)}")
    expect(cashier.page.locator(".restored")).to_contain_text("从备份恢复")
    expect(cashier.page.locator(".restored")).to_contain_text("0 / 1")
    expect(cashier.page.locator(".whom ~ .strong")).to_contain_text("尚未联系上")
    cashier.picture("story-restore-desk")
    for path in BANNERED:
        supervisor.open(path)
        expect(supervisor.page.locator(".restored")).to_have_count(1)
    _looks_at_recovery(browser, real, contexts)
    # Selling is asked for by one, at the page to which the line on top leads, and confirmed by another.
    administrator.open("/states")
    expect(administrator.page.locator("table")).to_contain_text("暂停售电")
    administrator.picture("story-restore-states")
    administrator.page.locator('.restored a[href="/recovery"]').click()
    administrator.page.locator(f'a[href="/boxes/{box_id(1)}/selling"]').click()
    administrator.page.fill('[name="reason"]', "光缆抢修，商户在等")
    administrator.page.locator("button.primary").click()
    administrator.page.wait_for_url(re.compile("/tasks|/states"))
    administrator.open("/tasks")
    expect(administrator.page.locator("main")).to_contain_text("光缆抢修")
    expect(administrator.page.locator('form[action$="/approve"]')).to_have_count(0)
    supervisor.open("/tasks")
    supervisor.picture("story-restore-second")
    supervisor.page.locator('form[action$="/approve"] button.primary').click()
    expect(supervisor.page.locator(".done")).to_be_visible()
    cashier.sell("A02", "30")
    cashier.await_sale("waiting")
    expect(cashier.page.locator("main")).to_contain_text("A02")
    cashier.picture("story-restore-sold")
    administrator.open("/recovery")
    expect(administrator.page.locator("table.list").first).to_contain_text("30.00")
    expect(administrator.page.locator("table.list").first).not_to_contain_text("暂停售电")
    # The box is heard and the question answered: the line on top is gone, and the credit is on.
    real.settle()
    rig.clock.advance(5_000)
    real.settle()
    answering = administrator.page.locator(f'form[action$="/{question}"]')
    answering.locator("select").select_option("paid")
    answering.locator('[name="note"]').fill("当班收款员确认")
    answering.locator("button").click()
    expect(administrator.page.locator(".done")).to_be_visible()
    rig.clock.advance(10_000)
    administrator.open("/recovery")
    administrator.picture("recovery-over", whole=True)
    cashier.open("/desk")
    expect(cashier.page.locator(".restored")).to_have_count(0)
    assert rig.breaches() == []
    assert [one.said for one in (cashier, supervisor, administrator)] == [[], [], []]


def _looks_at_recovery(browser: Browser, real: RealStreet, contexts: list[BrowserContext]) -> None:
    """In both languages, by one who may answer and by one who may only look, on desk and tablet."""
    for language, theme, width, role in (("zh-CN", "light", 1280, "provisioner"), ("en", "dark", 820, "auditor")):
        console, context = open_console(browser, real.address, language=language, theme=theme, width=width)
        contexts.append(context)
        console.sign_in(role, PASSWORD)
        console.open("/recovery")
        expect(console.page.locator("article.card")).to_have_count(1)
        expect(console.page.locator("form.answers")).to_have_count(1 if role == "provisioner" else 0)
        console.picture("recovery", whole=True)
        assert faults(console.page) == []
        assert console.said == []
