"""The whole product seen by a person: a shop goes dark before their eyes, its telephone hears of it in the right words,
they sell by keyboard, and it is lit again.

Real processes, meters at line speed, HTTPS and a real browser; the tests of this file follow each other on one site.
Where there is no browser, those on messages do without.
"""

import json
import re
import ssl
import time
from collections.abc import Iterator
from typing import Any

import httpx
import pytest
from playwright.sync_api import Browser, expect

from provisioning.demo.folder import free_port
from tests.busy import busy
from tests.end_to_end.console_pages import Console, open_console
from tests.end_to_end.running_demo import RunningDemo, wait_until

pytestmark = pytest.mark.xdist_group("demo")

DRY_WATTS = 32_000
SEEN_WITHIN_S = 5.0
"""From the second Enter to *on* before the eyes: the box is lit within two seconds, and the page is told at once; the
rest is for a machine that has other tests to do."""


@pytest.fixture(scope="module")
def demo(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningDemo]:
    running = RunningDemo(tmp_path_factory.mktemp("browser") / "state")
    try:
        running.start("--port", str(free_port(0, set())))
        yield running
    finally:
        if running.process is not None:
            running.end()


@pytest.fixture
def console(browser: Browser, demo: RunningDemo, request: pytest.FixtureRequest) -> Iterator[Console]:
    """A console of the person whose role is asked, in the language that is asked."""
    role, language, theme = request.param
    console, context = open_console(browser, demo.facts["url"], language=language, theme=theme)
    person = next(person for person in demo.facts["staff"] if person["role"] == role)
    console.sign_in(person["name"], person["password"])
    console.await_live()
    yield console
    context.close()
    assert console.said == []


def heard(demo: RunningDemo, number: str) -> list[str]:
    """Messages that a shop's telephone holds."""
    messages: list[dict[str, Any]] = demo.control.messages()["messages"]
    return [each["text"] for each in messages if each["to"] == f"138{int(number):08}"]


def told_of_cuts(demo: RunningDemo) -> list[str]:
    """Those to 101 that say that it was cut off."""
    return [text for text in heard(demo, "101") if "停电（欠费）" in text]


@pytest.mark.browser
@pytest.mark.parametrize("console", [("supervisor", "zh-CN", "light")], indirect=True)
def test_a_shop_goes_dark_before_ones_eyes(console: Console, demo: RunningDemo) -> None:
    assert len(console.shops_seen()) == 12
    console.picture("demo-monitor")
    demo.control.load("101", DRY_WATTS)
    console.await_state("101", "arrears", within_s=100)
    console.await_relay("101", "open")
    assert console.balance_of("101").startswith("−¥")
    assert demo.relay("101") == "open"
    console.picture("demo-dark")
    console.page.locator(".point").filter(has_text="101").locator("a").first.click()
    console.await_live()
    expect(console.page.locator(".timeline")).to_contain_text("欠费跳闸")
    console.picture("demo-point", whole=True)


def test_a_shop_that_is_cut_off_is_told_what_to_do(demo: RunningDemo) -> None:
    demo.control.load("101", DRY_WATTS)
    wait_until(lambda: demo.relay("101") == "open", 100, "the shop is dark")
    wait_until(lambda: bool(told_of_cuts(demo)), 40, "the message on the cut")
    (text,) = told_of_cuts(demo)
    for piece in ("滨江商业街：101 ", "元以上恢复供电", "物业收费处", "截至", "余额"):
        assert piece in text, text


def test_the_link_in_the_message_opens_the_shops_own_page(demo: RunningDemo) -> None:
    (text,) = told_of_cuts(demo)
    (path,) = re.findall(r"https://127\.0\.0\.1:\d+(/my/[\w-]{22})", text)
    with httpx.Client(
        base_url=demo.facts["url"], verify=ssl.create_default_context(cafile=demo.facts["ca_file"])
    ) as client:
        page = client.get(path, headers={"Accept-Language": "zh-CN"})
        assert page.status_code == 200
        assert "101" in page.text
        assert client.get(path[:-1] + ("A" if path[-1] != "A" else "B")).status_code == 404


def test_a_centre_that_is_killed_between_two_messages_comes_back(demo: RunningDemo) -> None:
    demo.control.kill("centre")
    demo.control.start("centre")
    wait_until(lambda: bool(demo.points()), 60, "the centre is back")
    assert demo.relay("101") == "open"


@pytest.mark.browser
@pytest.mark.parametrize("console", [("cashier", "zh-CN", "light")], indirect=True)
def test_a_sale_by_keyboard_lights_it_again(console: Console, demo: RunningDemo) -> None:
    console.await_state("101", "arrears", within_s=100)
    console.find_and_choose("101")
    page = console.page
    page.keyboard.type("100")
    page.keyboard.press("Enter")
    console.cursor_in("#sell")
    console.picture("demo-confirm")
    began_s = time.monotonic()
    page.keyboard.press("Enter")
    console.await_sale("on", within_s=SEEN_WITHIN_S * busy())
    assert time.monotonic() - began_s < SEEN_WITHIN_S * busy()
    assert demo.relay("101") == "closed"
    expect(page.locator("#piece")).to_contain_text("¥99.")
    console.picture("demo-sold")
    console.open("/")
    console.await_live()
    console.await_relay("101", "closed")
    console.await_state("101", "normal")
    console.picture("demo-lit")


def test_the_light_is_told_and_nothing_twice(demo: RunningDemo) -> None:
    """After the death of the centre, and the sale by keyboard (a sale of its own where there is no browser)."""
    if demo.relay("101") == "open":
        demo.sell("101", "100.00")
    wait_until(lambda: any("已恢复供电" in text for text in heard(demo, "101")), 60, "the message on the light")
    assert len(told_of_cuts(demo)) == 1
    (restored,) = [text for text in heard(demo, "101") if "已恢复供电" in text]
    assert "发热电器" in restored
    parts = [json.loads(line) for line in (demo.state / "messages.jsonl").read_text().splitlines()]
    places = [(part["recipient"], part["reference"], part["n"]) for part in parts if part["of"] > 1]
    assert len(places) == len(set(places))


@pytest.mark.browser
@pytest.mark.parametrize("console", [("cashier", "en", "dark")], indirect=True)
def test_with_the_fibre_cut_the_sale_says_that_it_waits_and_then_arrives(console: Console, demo: RunningDemo) -> None:
    console.await_state("107", "arrears", within_s=100)
    wait_until(lambda: demo.relay("107") == "open", 60, "the shop in arrears to be dark")
    demo.control.cut_fibre("A1", silent=False)
    console.sell("107", "50")
    console.await_sale("waiting", within_s=30)
    expect(console.page.locator("#piece")).to_contain_text("Waiting for the box since")
    console.picture("demo-waiting")
    assert demo.relay("107") == "open"
    demo.control.restore_fibre("A1")
    console.await_sale("on", within_s=40)
    assert demo.relay("107") == "closed"


@pytest.mark.browser
@pytest.mark.parametrize("console", [("technician", "zh-CN", "light")], indirect=True)
def test_an_order_is_followed_until_it_is_done(console: Console, demo: RunningDemo) -> None:
    page = console.page
    page.locator(".point").filter(has_text="108").locator("a").first.click()
    page.locator('a[href$="/mode/forced_off"]').click()
    page.fill("#number", "108")
    page.keyboard.press("Enter")
    expect(page.locator("#piece")).to_contain_text("已执行", timeout=15_000)
    expect(page.locator("#piece .relay").first).to_contain_text("分闸", timeout=15_000)
    assert demo.relay("108") == "open"
    console.picture("demo-cut-off", whole=True)
    page.locator('a[href$="/mode/prepaid"]').click()
    page.get_by_role("button", name="恢复预付费").press("Enter")
    expect(page.locator("#piece .relay").first).to_contain_text("合闸", timeout=90_000)
    assert demo.relay("108") == "closed"
