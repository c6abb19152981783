"""The whole way of docs/payment-gateway.md with a real centre, a gateway that hears webhooks, and a box that speaks."""

import csv
import hashlib
import hmac
import io
import json
import sqlite3
import threading
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import httpx
import pytest

from cloud_server.cli import main
from tests.cloud_server.api.site_process import ROOT, SiteProcess, exchange, run, site_process, wait_until_up
from tests.cloud_server.speaking_box import SpeakingBox
from tests.cloud_server.street import account_id, wallet_id

ACCOUNT = account_id(1, 2)
YUAN = 1_000_000
PAGE = (ROOT / "docs" / "payment-gateway.md").read_text(encoding="utf-8")
TOO_OLD_S = 300


class Gateway:
    """A payment provider's side: it takes money under numbers of its own, and believes only what is signed."""

    def __init__(self) -> None:
        self.secret = ""
        self.events: list[dict[str, Any]] = []
        self.refused = 0
        self.away = False
        outer = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                self.send_response(outer.hear(self.headers["Tallybox-Signature"], body))
                self.send_header("Content-Length", "0")
                self.end_headers()

            def log_message(self, *args: object) -> None:
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self._server.server_address[1]}/tallybox"
        threading.Thread(target=self._server.serve_forever, daemon=True).start()

    def hear(self, signature: str, body: bytes) -> int:
        """As the page says: the time, the signature, then whether it is known already."""
        if self.away:
            return 503
        parts = dict(part.split("=", 1) for part in signature.split(","))
        expected = hmac.new(self.secret.encode(), parts["t"].encode() + b"." + body, hashlib.sha256).hexdigest()
        if abs(time.time() - int(parts["t"])) > TOO_OLD_S or not hmac.compare_digest(expected, parts["v1"]):
            self.refused += 1
            return 401
        told = json.loads(body)
        if told["id"] not in {one["id"] for one in self.events}:
            self.events.append(told)
        return 204

    def wait_for(self, event: str, key: str, within_s: float = 15) -> dict[str, Any]:
        end = time.monotonic() + within_s
        while True:
            found = [one for one in self.events if one["event"] == event and one["data"].get("key") == key]
            if found:
                return found[0]
            assert time.monotonic() < end, self.events
            time.sleep(0.05)

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SiteProcess]:
    with site_process(tmp_path_factory.mktemp("site")) as made:
        made.plan()
        yield made


@pytest.fixture(scope="module")
def box(site: SiteProcess) -> SpeakingBox:
    return site.enrol(1)


@pytest.fixture(scope="module")
def gateway(site: SiteProcess) -> Iterator[Gateway]:
    made = Gateway()
    with site.client(site.named_token("office", "admin")) as admin:
        events = ["sale.delivered", "sale.on", "sale.refused", "refund.payable", "refund.paid"]
        answer = admin.post("/api/v1/webhooks", json={"url": made.url, "events": events})
        assert answer.status_code == 201, answer.text
        made.secret = answer.json()["secret"]
    yield made
    made.close()


@pytest.fixture(scope="module")
def api(site: SiteProcess) -> Iterator[httpx.Client]:
    with site.client(site.named_token("wechat", "sell")) as client:
        client.base_url = httpx.URL(f"{site.url}/api/v1/")
        yield client


def settle(site: SiteProcess, box: SpeakingBox) -> None:
    with site.client() as wire:
        for _ in range(2):
            exchange(wire, box)
            if box.pending:
                box.seal()


def pay(api: httpx.Client, number: str, amount: str) -> httpx.Response:
    """Money was taken under the provider's own number: the sale is asked for until it is answered."""
    body = {"account": ACCOUNT, "amount": amount, "method": "wechat", "taken": True}
    return api.post("sales", json=body, headers={"Idempotency-Key": number})


def test_a_quote_is_shown_before_money_is_taken(api: httpx.Client, site: SiteProcess, box: SpeakingBox) -> None:
    quote = api.get(f"accounts/{ACCOUNT}/quote").json()
    assert quote["payable"]
    assert quote["least_micro"] <= 100 * YUAN <= quote["greatest_micro"]
    assert "*" in quote["name"]


def test_a_payment_becomes_light_and_the_gateway_hears_of_it(
    api: httpx.Client, site: SiteProcess, box: SpeakingBox, gateway: Gateway
) -> None:
    sold = pay(api, "wx-0001", "100.00")
    assert sold.status_code == 201
    assert pay(api, "wx-0001", "100.00").json() == sold.json()
    settle(site, box)
    told = gateway.wait_for("sale.on", "wx-0001")
    assert told["data"]["sale"] == sold.json()["id"]
    assert gateway.wait_for("sale.delivered", "wx-0001")["data"]["amount_micro"] == 100 * YUAN
    # Who hears nothing may ask instead.
    assert api.get(f"sales/{sold.json()['id']}").json()["state"] == "on"
    assert [one["key"] for one in api.get("sales", params={"key": "wx-0001"}).json()["items"]] == ["wx-0001"]
    assert gateway.refused == 0


def test_what_could_not_be_told_is_told_after_a_restart(
    api: httpx.Client, site: SiteProcess, box: SpeakingBox, gateway: Gateway
) -> None:
    gateway.away = True
    assert pay(api, "wx-0002", "40.00").status_code == 201
    settle(site, box)
    time.sleep(2.5)
    folder = site.config.path.parents[1]
    site.process.kill()
    site.process.wait(15)
    gateway.away = False
    site.process = run(site.config.path, log=folder / "log")
    wait_until_up(site, folder / "log")
    for event in ("sale.delivered", "sale.on"):
        gateway.wait_for(event, "wx-0002", within_s=60)
    assert len([one for one in gateway.events if one["data"]["key"] == "wx-0002"]) == 2


def test_a_payment_over_a_limit_is_kept_as_credit(api: httpx.Client, site: SiteProcess) -> None:
    sold = pay(api, "wx-0003", "900000.00")
    assert (sold.status_code, sold.json()["state"]) == (201, "credit")


def test_a_wrong_payment_is_reversed(api: httpx.Client, site: SiteProcess, box: SpeakingBox) -> None:
    for number in ("wx-0003", "wx-0002"):
        (sale,) = api.get("sales", params={"key": number}).json()["items"]
        undone = api.post(
            f"sales/{sale['id']}/reversal", json={"reason": "paid twice"}, headers={"Idempotency-Key": f"undo-{number}"}
        )
        assert undone.status_code == 201, undone.text
        assert api.get(f"sales/{sale['id']}").json()["reversed_at"] is not None
    settle(site, box)
    with site.client(site.named_token("reader", "read")) as reader:
        account = reader.get(f"/api/v1/accounts/{ACCOUNT}").json()
    (wallet,) = account["wallets"]
    assert (wallet["id"], wallet["balance_micro"], account["credit_micro"]) == (wallet_id(1, 2), 100 * YUAN, 0)


def test_unused_credit_is_refunded(api: httpx.Client, site: SiteProcess, box: SpeakingBox, gateway: Gateway) -> None:
    wish = {"amount": "30.00", "method": "wechat", "reason": "tenant leaves"}
    asked = api.post(f"accounts/{ACCOUNT}/refunds", json=wish, headers={"Idempotency-Key": "wx-r-1"})
    assert asked.status_code == 201, asked.text
    settle(site, box)
    gateway.wait_for("refund.payable", "wx-r-1")
    paid = api.post(f"refunds/{asked.json()['id']}/payment", headers={"Idempotency-Key": "wx-r-1-paid"})
    assert paid.json()["state"] == "paid"
    gateway.wait_for("refund.paid", "wx-r-1")


def test_the_day_is_matched(api: httpx.Client, site: SiteProcess) -> None:
    (sale,) = api.get("sales", params={"key": "wx-0001"}).json()["items"]
    text = io.StringIO()
    writer = csv.writer(text)
    writer.writerow(("transaction", "amount"))
    theirs = [("wx-0001", "100.00"), ("wx-0002", "40.00"), ("wx-0002", "-40.00"), ("wx-0003", "900000.00")]
    writer.writerows([*theirs, ("wx-0003", "-900000.00"), ("wx-r-1", "-30.00"), ("wx-0009", "7.00")])
    day = time.strftime("%Y-%m-%d", time.gmtime(sale["paid_at"] / 1000 + 8 * 3_600))
    told = api.post("settlements", params={"day": day, "method": "wechat"}, content=text.getvalue()).json()
    assert (told["matched"], told["differing"], told["ours_only"]) == (6, [], [])
    assert [one["transaction"] for one in told["theirs_only"]] == ["wx-0009"]
    assert isinstance(site.config.database, Path)
    with sqlite3.connect(site.config.database) as database:
        question = "SELECT SUM(amount_micro) FROM posting WHERE account = 'till/api:wechat/wechat'"
        assert -database.execute(question).fetchone()[0] == told["ours_micro"] == 70 * YUAN


def test_the_books_are_whole(site: SiteProcess) -> None:
    assert site.stop() == 0
    assert main(["verify", "--config", str(site.config.path), "--json"]) == 0


@pytest.mark.parametrize("address", ["accounts/{account}/quote", "/api/v1/sales", "/reversal", "/api/v1/settlements"])
def test_the_page_shows_what_was_walked_here(address: str) -> None:
    assert address in PAGE
