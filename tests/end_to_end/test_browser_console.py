"""The console in a real browser over a made-up street: every page in both languages, the sale without a mouse, what
moves by itself, and what a page says when it no longer does. Leaves screenshots.
"""

import re
from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, BrowserContext, expect

from cloud_server.core.state_views import RecoveryView
from tests.end_to_end.conftest import PASSWORD, Street
from tests.end_to_end.console_pages import Console, open_console

pytestmark = [pytest.mark.browser, pytest.mark.xdist_group("browser")]

LOOKS = [("zh-CN", "light", 1280), ("en", "dark", 1280), ("en", "light", 800), ("zh-CN", "dark", 800)]
EXPECTED_COMPLAINTS = re.compile(r"status of (401|409|422)")
"""A browser tells of every answer that is an error, also of those that a page is made to show."""


@pytest.fixture
def contexts() -> Iterator[list[BrowserContext]]:
    opened: list[BrowserContext] = []
    yield opened
    for context in opened:
        context.close()


@pytest.fixture
def supervisor(browser: Browser, street: Street, contexts: list[BrowserContext]) -> Console:
    console, context = open_console(browser, street.address)
    contexts.append(context)
    console.sign_in("supervisor", PASSWORD)
    return console


@pytest.mark.parametrize(("language", "theme", "width"), LOOKS)
def test_every_page_fits_and_complains_of_nothing(
    language: str, theme: str, width: int, browser: Browser, street: Street, contexts: list[BrowserContext]
) -> None:
    console, context = open_console(browser, street.address, language=language, theme=theme, width=width)
    contexts.append(context)
    page = console.page
    console.open("/sign-in")
    console.picture("sign-in")
    console.open(f"/setup/{street.sign_in.offer_setup()}")
    console.picture("setup")
    console.sign_in("supervisor", PASSWORD)
    console.await_live()
    console.picture("monitor")
    console.open("/?view=rows")
    console.picture("monitor-rows")
    console.open("/?view=tiles")
    street.site.lose_box(street.site.numbered("B101").box, street.clock.wall_ms() - 600_000)
    expect(page.locator(".box-lost:visible")).to_have_count(1)
    console.picture("monitor-lost-box")
    page.locator(".point").filter(has_text="A202").locator("a").click()
    console.await_live()
    console.picture("point", whole=True)
    page.locator('a[href$="/mode/forced_off"]').click()
    console.picture("order")
    console.open("/desk")
    console.cursor_in("#q")
    page.keyboard.type("138")
    page.locator("#found a").first.wait_for()
    console.picture("desk")
    console.find_and_choose("A202")
    page.fill("#amount", "0.005")
    page.keyboard.press("Enter")
    page.locator("#mistake-amount").wait_for()
    console.picture("sale-mistake")
    page.fill("#amount", "100")
    page.fill("#cash_given", "200")
    console.picture("sale")
    page.keyboard.press("Enter")
    page.locator("#sell").wait_for()
    console.picture("sale-confirm")
    page.keyboard.press("Enter")
    page.wait_for_url(re.compile(r"/sales/[0-9a-f]{32}"))
    console.picture("sale-result")
    for paper in ("80mm", "a4"):
        console.open(
            f"{page.url.removeprefix(street.address).split('?')[0].removesuffix('/receipt')}/receipt?paper={paper}"
        )
        console.picture(f"receipt-{paper}")
    for path in ("/sales", "/roles", "/alarms", "/reports", "/reports/sales", "/reports/energy"):
        console.open(path)
        console.picture(path.strip("/").replace("/", "-"))
    order_many(console)
    assert [words for words in console.said if not EXPECTED_COMPLAINTS.search(words)] == []


def order_many(console: Console) -> None:
    """Three meters cut off at once, up to how far each has come."""
    page = console.page
    console.open("/operations")
    for index in range(3):
        page.locator("td input[type=checkbox]").nth(index).check()
    console.picture("operations")
    page.locator('button[formaction$="/mode/forced_off"]').click()
    page.locator("#count").fill("3")
    console.picture("operation-confirm")
    page.locator("button.primary").click()
    page.wait_for_url(re.compile("/operations/batch-"))
    console.picture("operation-progress")


@pytest.mark.parametrize(("language", "width"), [("zh-CN", 1280), ("en", 800)])
def test_operators_and_their_links(
    language: str, width: int, browser: Browser, street: Street, contexts: list[BrowserContext]
) -> None:
    console, context = open_console(browser, street.address, language=language, width=width)
    contexts.append(context)
    console.sign_in("administrator", PASSWORD)
    console.open("/staff")
    console.page.fill("#name", "newhand")
    console.page.fill("#display_name", "新人")
    console.page.check("input[name=role-cashier]")
    console.picture("staff", whole=True)
    console.page.locator(".add button.primary").click()
    link = console.page.locator("code.copy").inner_text()
    console.picture("person", whole=True)
    console.page.goto(link)
    console.picture("password")
    assert [words for words in console.said if not EXPECTED_COMPLAINTS.search(words)] == []


def test_a_new_alarm_pops_up_and_is_spoken_where_sound_was_turned_on(supervisor: Console, street: Street) -> None:
    page = supervisor.page
    supervisor.open("/alarms")
    expect(page.locator(".how-many")).to_have_text("5")
    assert page.locator(".pop").count() == 0, "what stood before is no news"
    page.locator("button.sound").click()
    expect(page.locator("button.sound")).to_have_attribute("aria-pressed", "true")
    row = street.site.numbered("A101")
    with page.expect_request(re.compile(r"/sound/arrears-zh\.ogg$"), timeout=15_000):
        street.site.change(row.point, state="arrears", relay="open", balance_micro=-350_000, power_w=0)
        page.locator(".pop").wait_for(timeout=15_000)
    expect(page.locator(".pop")).to_contain_text("A101")
    supervisor.picture("alarm-pop-up")
    page.locator(".pop button").click()
    expect(page.locator(".pop")).to_have_count(0)
    assert [words for words in supervisor.said if "mark.svg" not in words] == []


NOT_WHOLE = """() => [...document.querySelectorAll('.tiles .point:not([hidden]) .line > :not(.unseen)')]
    .filter((part) => {
      if (part.getClientRects().length === 0) return false;
      const tile = part.closest('a').getBoundingClientRect(), box = part.getBoundingClientRect();
      return part.matches('.number, .word, .name, .power, .balance') && part.scrollWidth > part.clientWidth + 1
        || box.right > tile.right + 0.5 || box.bottom > tile.bottom + 0.5 || box.left < tile.left;
    }).map((part) => part.closest('.point').innerText)"""


@pytest.mark.parametrize("width", [1280, 800])
@pytest.mark.parametrize("language", ["zh-CN", "en"])
def test_nothing_on_a_tile_is_cut_off(
    language: str, width: int, browser: Browser, street: Street, contexts: list[BrowserContext]
) -> None:
    console, context = open_console(browser, street.address, language=language, width=width)
    contexts.append(context)
    console.sign_in("supervisor", PASSWORD)
    console.page.evaluate(
        "for (const one of document.querySelectorAll('.point')) one.style.contentVisibility = 'visible'"
    )
    assert console.page.locator(".point").count() == 60
    assert console.page.evaluate(NOT_WHOLE) == []
    console.picture("monitor-whole", whole=True)
    street.site.lose_box(street.site.numbered("C101").box, street.clock.wall_ms() - 600_000)
    expect(console.page.locator(".box-lost:visible")).to_have_count(1)
    assert console.page.evaluate(NOT_WHOLE) == []


def test_a_tile_turns_by_itself_and_filters_follow(supervisor: Console, street: Street) -> None:
    supervisor.await_live()
    normal = supervisor.count_of("normal")
    row = street.site.numbered("A101")
    assert supervisor.state_of("A101") == "normal"
    street.site.change(row.point, state="arrears", relay="open", balance_micro=-350_000, power_w=0)
    supervisor.await_state("A101", "arrears", within_s=20)
    supervisor.await_relay("A101", "open")
    assert supervisor.balance_of("A101") == "−¥0.35"
    assert supervisor.count_of("normal") == normal - 1
    supervisor.page.locator(".count[data-state=arrears]").click()
    assert supervisor.shops_seen() == ["A101", "A202", "B202"]
    street.site.change(row.point, state="normal", relay="closed", balance_micro=99_650_000)
    expect(supervisor.page.locator(".point:visible")).to_have_count(2)
    supervisor.page.keyboard.press("Escape")
    supervisor.page.fill("#q", "悦读")
    assert supervisor.shops_seen() == ["A202", "B202", "C202"]


def test_it_says_since_when_it_is_not_live_and_comes_back(supervisor: Console, street: Street) -> None:
    page = supervisor.page
    supervisor.await_live()
    street.stop()
    expect(page.locator("#live")).to_have_attribute("data-live", "off", timeout=30_000)
    expect(page.locator("#live")).to_contain_text("12:00:00")
    supervisor.picture("monitor-not-live")
    street.site.change(street.site.numbered("A101").point, power_w=7_770)
    street.start()
    expect(page.locator("#live")).to_have_attribute("data-live", "on", timeout=45_000)
    expect(page.locator(".point").filter(has_text="A101").locator(".power")).to_have_text("7.77")


def test_an_open_monitor_leads_on_when_its_session_or_its_centre_is_gone(
    browser: Browser, street: Street, contexts: list[BrowserContext]
) -> None:
    """Nobody stands at a monitor on a wall. Its session is ended; then the centre is restored from a copy that does
    not know the technician's sign-in, and that of the auditor it knows."""
    open_pages = {}
    for role in ("supervisor", "technician", "auditor"):
        console, context = open_console(browser, street.address)
        contexts.append(context)
        console.sign_in(role, PASSWORD)
        console.await_live()
        open_pages[role] = console
    ended, forgotten, kept = (open_pages[role].page for role in ("supervisor", "technician", "auditor"))
    street.end_sessions("supervisor")
    ended.wait_for_url(re.compile("/sign-in"), timeout=60_000)
    ended.fill("#name", "supervisor")
    ended.fill("#password", PASSWORD)
    ended.keyboard.press("Enter")
    expect(ended.locator("#live")).to_have_attribute("data-live", "on", timeout=60_000)
    kept.evaluate("window.drawnBefore = true")
    street.stop()
    expect(kept.locator("#live")).to_have_attribute("data-live", "off", timeout=60_000)
    street.end_sessions("technician")
    street.states.standing = RecoveryView(
        since_ms=street.clock.wall_ms(), heard=("A1",), unheard=("A2",), selling_closed=("A2",), questions=0
    )
    street.start_anew()
    forgotten.wait_for_url(re.compile("/sign-in"), timeout=60_000)
    expect(kept.locator(".restored")).to_contain_text("A2", timeout=60_000)
    assert kept.evaluate("window.drawnBefore") is None
    expect(kept.locator("#live")).to_have_attribute("data-live", "on", timeout=60_000)


def test_a_sale_without_a_mouse_from_dark_to_light(supervisor: Console, street: Street) -> None:
    page = supervisor.page
    result = supervisor.sell("A202", "100")
    sale = result.split("/")[-1].split("?")[0]
    supervisor.await_sale("sold")
    street.site.move_sale(sale, state="delivered", delivered_at_ms=street.clock.wall_ms())
    supervisor.await_sale("delivered", within_s=20)
    street.site.move_sale(sale, state="on", on_at_ms=street.clock.wall_ms(), balance_after_micro=99_650_000)
    supervisor.await_sale("on", within_s=20)
    expect(page.locator("#piece")).to_contain_text("¥99.65")
    page.keyboard.press("Enter")
    page.wait_for_url(f"{street.address}/desk")
    assert page.evaluate("document.activeElement.id") == "q"


def test_enter_hammered_is_one_sale(supervisor: Console, street: Street) -> None:
    supervisor.find_and_choose("A202")
    supervisor.page.keyboard.type("100")
    supervisor.page.keyboard.press("Enter")
    supervisor.cursor_in("#sell")
    supervisor.page.evaluate(
        """() => { const form = document.getElementById('sale'), button = document.getElementById('sell');
        for (let i = 0; i < 5; i += 1) form.requestSubmit(button); }"""
    )
    supervisor.page.wait_for_url(re.compile(r"/sales/[0-9a-f]{32}"))
    assert len(street.site.sales) == 1
    # Back is an empty form for the same shop: not the old one, and no question of the browser's.
    supervisor.page.go_back()
    expect(supervisor.page.locator("#amount")).to_have_value("")
    assert len(street.site.sales) == 1


def test_sign_in_sale_and_receipt_work_without_scripts(
    browser: Browser, street: Street, contexts: list[BrowserContext]
) -> None:
    context = browser.new_context(ignore_https_errors=True, java_script_enabled=False, locale="en")
    contexts.append(context)
    page = context.new_page()
    page.goto(f"{street.address}/sign-in")
    page.fill("#name", "cashier")
    page.fill("#password", PASSWORD)
    page.click("text=Sign in >> nth=-1")
    page.goto(f"{street.address}/?state=arrears")
    expect(page.locator(".point:visible")).to_have_count(2)
    page.goto(f"{street.address}/desk")
    page.fill("#q", "A202")
    page.keyboard.press("Enter")
    page.fill("#amount", "100")
    page.keyboard.press("Enter")
    page.click("#sell")
    expect(page.locator("[data-sale-state]")).to_have_attribute("data-sale-state", "sold")
    page.click("text=Look at the receipt")
    page.click("text=Print >> nth=-1")
    expect(page.locator("main")).to_contain_text("壹佰元整")
    assert [row.prints for row in street.site.sales.values()] == [1]


def test_a_stream_that_ends_with_the_session_leads_to_sign_in(
    supervisor: Console, street: Street, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("cloud_server.web.pages.streams.CHECK_SESSION_S", 0.0)
    supervisor.await_live()
    street.clock.advance(24 * 3_600_000)
    street.site.feed.announce()
    supervisor.page.wait_for_url(re.compile("/sign-in"), timeout=20_000)


def test_every_control_is_reached_and_seen_by_keyboard(supervisor: Console) -> None:
    page = supervisor.page
    for path in ("/", "/desk", "/sales"):
        supervisor.open(path)
        page.keyboard.press("Tab")
        seen = set()
        for _ in range(12):
            page.keyboard.press("Tab")
            seen.add(
                page.evaluate(
                    """() => { const e = document.activeElement, s = getComputedStyle(e);
                    return [e.tagName, e.textContent.trim().slice(0, 20), s.outlineStyle, s.boxShadow].join('|'); }"""
                )
            )
        assert len(seen) >= 8, path
        assert all("|none|none" not in one for one in seen if not one.startswith("BODY")), (path, seen)


def test_every_field_has_a_name_and_every_picture_a_word(supervisor: Console, street: Street) -> None:
    page = supervisor.page
    account = street.site.numbered("A202").account
    point = street.site.numbered("A202").point
    for path in (
        "/",
        "/?view=rows",
        f"/points/{point}",
        f"/points/{point}/mode/forced_off",
        "/desk",
        f"/desk/{account}",
    ):
        supervisor.open(path)
        nameless = page.evaluate(
            """() => [...document.querySelectorAll('input:not([type=hidden]), select, button, a')].filter(e =>
            !(e.labels && e.labels.length) && !e.getAttribute('aria-label') && !e.title && !e.textContent.trim())
            .map(e => e.outerHTML.slice(0, 120))"""
        )
        assert nameless == [], path
        shown = page.evaluate(
            "() => [...document.querySelectorAll('main svg:not([aria-hidden]):not([role=img])')].map(e => e.outerHTML)"
        )
        assert shown == [], path
