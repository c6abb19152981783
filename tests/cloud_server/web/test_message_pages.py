"""The page of messages over a real outbox, and the customer's own page over real books."""

import re
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from starlette.testclient import TestClient

from cloud_server.flows.customer_page import MISSES_FORGOTTEN_MS, MISSES_MAX, CustomerPages
from cloud_server.ports import SaleOrder
from cloud_server.web.services import Services
from tests.cloud_server.messages.outbox_rig import OutboxRig, served_street
from tests.cloud_server.site_rig import CASHIER
from tests.cloud_server.street import account_id, meter_id
from tests.cloud_server.web.conftest import ADDRESS, Browser, console_app

HOUR = 3_600_000


@pytest.fixture
def rig(tmp_path: Path) -> Iterator[OutboxRig]:
    with served_street(tmp_path) as made:
        yield made


@pytest.fixture
def opened(rig: OutboxRig, services: Services) -> Iterator[Callable[[str], Browser]]:
    pages = CustomerPages(rig.site.centre, rig.links)
    app = console_app(replace(services, messages=rig.desk, customer_pages=pages))
    clients: list[TestClient] = []

    def open_one(role: str) -> Browser:
        client = TestClient(app, base_url=ADDRESS, headers={"Accept-Language": "en"})
        clients.append(client)
        browser = Browser(client)
        if role:
            browser.sign_in(role)
        return browser

    yield open_one
    for client in clients:
        client.close()


def test_the_outbox_shows_parts_and_the_switch_stops_them(rig: OutboxRig, opened: Callable[[str], Browser]) -> None:
    rig.alarm("alarm2")
    rig.heard()
    rig.turn()
    supervisor = opened("supervisor")
    text = supervisor.get("/messages")
    assert "Second warning" in text
    assert "13800000102" in text
    assert re.search(r"\d · arrived", text)
    supervisor.post("/messages/switch", on="no")
    assert "Nothing goes out any more." in supervisor.text
    assert not rig.desk.settings().on
    # Who may not see phones sees the last digits, and no text.
    auditor = opened("auditor").get("/messages")
    assert "…0102" in auditor
    assert "13800000102" not in auditor
    assert "/messages/switch" not in auditor


def test_settings_are_taken_or_every_mistake_is_named(rig: OutboxRig, opened: Callable[[str], Browser]) -> None:
    supervisor = opened("supervisor")
    supervisor.get("/messages")
    good = {
        "quiet_from": "21:30", "quiet_to": "06:45", "customer_day_max": "4", "site_day_max": "500",
        "forecast_days": "2",
        "pay": "服务中心，9-18点", "language": "zh-CN", "duty": "张工 13900000001\n李经理 13900000002",
        "steps": "0 张工\n15 李经理 critical,severe,warning",
    }  # fmt: skip
    supervisor.post("/messages/settings", **good)
    held = rig.desk.settings()
    assert (held.quiet_from_minute, held.quiet_to_minute, held.pay) == (21 * 60 + 30, 6 * 60 + 45, "服务中心，9-18点")
    assert [(step.after_min, step.names) for step in held.steps] == [(0, ("张工",)), (15, ("李经理",))]
    supervisor.get("/messages")
    supervisor.post("/messages/settings", **(good | {"quiet_from": "25", "duty": "张工 abc", "steps": "x 王五"}))
    assert supervisor.status == 422
    for words in ("Quiet from: a whole number from 0 to 1439", "张工 abc", "王五: one of", "-1: 0 to 1440 minutes"):
        assert words in supervisor.text
    assert rig.desk.settings() == held


def test_a_text_is_previewed_with_its_parts_checked_and_taken(rig: OutboxRig, opened: Callable[[str], Browser]) -> None:
    supervisor = opened("supervisor")
    assert "3" in supervisor.get("/messages/texts")
    path = "/messages/texts/alarm2/zh-CN"
    supervisor.get(path)
    supervisor.post(path, text="{shop}余额{balance}元{sum}", act="save")
    assert supervisor.status == 422
    assert "There is no such variable: <code>sum</code>" in supervisor.text
    assert "This variable has to stand in the text: <code>reconnect</code>" in supervisor.text
    own = "{shop}余额{balance}元（{at}），最早{cut}停电，{reconnect}元恢复，{pay}缴费"
    supervisor.post(path, text=own, act="preview")
    assert "A101 张记面馆余额4.96元" in supervisor.text
    assert "Chinese alphabet" in supervisor.text
    supervisor.post(path, text=own, act="save")
    rig.alarm("alarm2")
    rig.heard()
    rig.turn()
    assert rig.texts()[0][1].startswith("A02 商铺12余额0.00元")
    supervisor.get(path)
    supervisor.post(path, text=own, act="own")
    assert "the site&#39;s own" not in supervisor.get("/messages/texts")


def test_the_customers_page_shows_one_account_and_nothing_of_others(
    rig: OutboxRig, opened: Callable[[str], Browser]
) -> None:
    rig.site.sell("30.00", shop=2)
    rig.site.sell("77.00", shop=3)
    rig.site.settle(rig.boxes[1])
    for _ in range(30):
        rig.site.clock.advance(HOUR)
        rig.boxes[1].now_ms = rig.site.clock.now_ms
        rig.boxes[1].use(meter_id(1, 2), 100, HOUR)
        rig.heard()
    rig.turn()
    (text,) = [text for to, text in rig.texts() if to == "13800000102"]
    (path,) = re.findall(r"https://127\.0\.0\.1:18443(/my/[\w-]{22})", text)
    customer = opened("")
    page = customer.get(path)
    assert customer.status == 200
    for piece in ("A02 商铺12", "¥27.60", "¥30.00", "until about", "Energy by day"):
        assert piece in page
    for foreign in ("A03", "77.00", "13800000103", "张记", "13800000102", "Monitor"):
        assert foreign not in page
    assert customer.headers["cache-control"] == "no-store"
    assert customer.headers["x-robots-tag"] == "noindex, nofollow"
    assert "断电后余额达到以下金额恢复供电" in customer.get(path, **{"Accept-Language": "zh-CN"})
    # Stored as a hash alone.
    token = path.removeprefix("/my/")
    with rig.site.store.read() as unit:
        (link,) = unit.messages.links_of(account_id(1, 2))
    assert token not in str(link)
    # Revoked, it is like any other address that is not there; the next message carries another one.
    rig.links.revoke(account_id(1, 2), CASHIER)
    assert (customer.get(path), customer.status)[1] == 404
    assert rig.links.url_now(account_id(1, 2)).rpartition("/")[2] != token


def test_who_guesses_is_told_to_wait(rig: OutboxRig, opened: Callable[[str], Browser]) -> None:
    path = "/my/" + rig.links.url_now(account_id(1, 1)).rpartition("/")[2]
    customer = opened("")
    assert (customer.get(path), customer.status)[1] == 200
    for n in range(MISSES_MAX):
        customer.get(f"/my/{n:022d}")
        assert customer.status == 404
    assert (customer.get(path), customer.status)[1] == 429
    rig.site.clock.advance(MISSES_FORGOTTEN_MS)
    assert (customer.get(path), customer.status)[1] == 200


def test_a_customer_may_read_another_language(rig: OutboxRig, opened: Callable[[str], Browser]) -> None:
    supervisor = opened("supervisor")
    supervisor.get("/messages")
    supervisor.post("/messages/language", account="K9999", language="en")
    assert "There is no account with this number." in supervisor.text
    supervisor.post("/messages/language", account="K1002", language="en")
    rig.alarm("alarm2", shop=2)
    rig.alarm("alarm2", shop=3)
    rig.heard()
    rig.turn()
    texts = dict(rig.texts())
    assert "below the second warning" in texts["13800000102"]
    assert "第二提醒额" in texts["13800000103"]


def test_the_receipt_carries_the_link_when_it_is_printed(
    services: Services, rig: OutboxRig, opened: Callable[[str], Browser]
) -> None:
    (account, *_) = services.books.find_accounts("101", 1)
    order = SaleOrder(key="k", account=account.account, amount="10.00", method="cash", again=True)
    sale = services.desk.sell(order, CASHIER)
    cashier = opened("cashier")
    assert "data:image/svg+xml" not in cashier.get(f"/sales/{sale.sale}/receipt")
    cashier.post(f"/sales/{sale.sale}/receipt", paper="80mm")
    assert 'src="data:image/svg+xml' in cashier.text
