"""Reversals and refunds over HTTPS, as a payment gateway uses them: keys, problems, and a whole refund to its end."""

from collections.abc import Iterator

import httpx
import pytest

from cloud_server.cli import main
from cloud_server.ports.database import PostgresAddress
from tests.cloud_server.api.site_process import SiteProcess, exchange, site_process
from tests.cloud_server.speaking_box import SpeakingBox
from tests.cloud_server.street import account_id, wallet_id

pytestmark = pytest.mark.xdist_group("cloud_server_refunds")

ACCOUNT, WALLET = account_id(1, 2), wallet_id(1, 2)
YUAN = 1_000_000


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory, module_database: PostgresAddress | None) -> Iterator[SiteProcess]:
    with site_process(tmp_path_factory.mktemp("refunds"), module_database) as made:
        made.plan()
        yield made


@pytest.fixture(scope="module")
def box(site: SiteProcess) -> SpeakingBox:
    return site.enrol(1)


@pytest.fixture(scope="module")
def gateway(site: SiteProcess) -> Iterator[httpx.Client]:
    with site.client(site.token("read", "sell")) as client:
        yield client


def settle(site: SiteProcess, box: SpeakingBox) -> None:
    with site.client() as wire:
        for _ in range(2):
            exchange(wire, box)
            if box.pending:
                box.seal()


def post(gateway: httpx.Client, path: str, key: str, body: dict[str, str] | None = None) -> httpx.Response:
    return gateway.post(f"/api/v1{path}", json=body, headers={"Idempotency-Key": key} if key else {})


def sell(gateway: httpx.Client, key: str, amount: str) -> str:
    answer = post(gateway, "/sales", key, {"account": ACCOUNT, "amount": amount, "method": "wechat"})
    assert answer.status_code == 201, answer.text
    return str(answer.json()["id"])


def test_a_refund_from_question_to_payment(site: SiteProcess, box: SpeakingBox, gateway: httpx.Client) -> None:
    sell(gateway, "s1", "100.00")
    settle(site, box)
    wish = {"amount": "60.00", "method": "wechat", "reason": "tenant leaves"}
    asked = post(gateway, f"/accounts/{ACCOUNT}/refunds", "r1", wish)
    assert asked.status_code == 201, asked.text
    refund = asked.json()["id"]
    assert (asked.json()["state"], asked.json()["payable_micro"]) == ("asked", 0)
    early = post(gateway, f"/refunds/{refund}/payment", "p0")
    assert (early.status_code, early.headers["content-type"]) == (409, "application/problem+json")
    settle(site, box)
    ready = gateway.get(f"/api/v1/refunds/{refund}").json()
    assert (ready["state"], ready["payable_micro"], ready["wallet"]) == ("payable", 60 * YUAN, WALLET)
    assert [row["id"] for row in gateway.get("/api/v1/refunds", params={"unsettled": True}).json()["items"]] == [refund]
    paid = post(gateway, f"/refunds/{refund}/payment", "p1")
    assert (paid.status_code, paid.json()["state"], paid.json()["paid_micro"]) == (201, "paid", 60 * YUAN)
    assert post(gateway, f"/refunds/{refund}/payment", "p1").json() == paid.json()
    assert post(gateway, f"/accounts/{ACCOUNT}/refunds", "r1", wish).json() == asked.json()
    assert box.book[WALLET] == 40 * YUAN
    assert gateway.get("/api/v1/refunds", params={"unsettled": True}).json()["items"] == []
    assert main(["verify", "--config", str(site.config.keys_dir.parent / "centre.toml")]) == 0


def test_a_sale_is_reversed_once(site: SiteProcess, box: SpeakingBox, gateway: httpx.Client) -> None:
    settle(site, box)
    before = box.book.get(WALLET, 0)
    sale = sell(gateway, "s2", "25.00")
    done = post(gateway, f"/sales/{sale}/reversal", "u1", {"reason": "charged twice"})
    assert (done.status_code, done.json()["sale"], done.json()["amount_micro"]) == (201, sale, 25 * YUAN)
    assert post(gateway, f"/sales/{sale}/reversal", "u1", {"reason": "charged twice"}).json() == done.json()
    again = post(gateway, f"/sales/{sale}/reversal", "u2", {"reason": "charged twice"})
    assert (again.status_code, "has been reversed" in again.json()["detail"]) == (409, True)
    settle(site, box)
    assert box.book[WALLET] == before


@pytest.mark.parametrize(
    ("path", "key", "body", "status", "field"),
    [
        (
            f"/accounts/{ACCOUNT}/refunds",
            "",
            {"amount": "1.00", "method": "cash", "reason": "x"},
            400,
            "Idempotency-Key",
        ),
        (f"/accounts/{ACCOUNT}/refunds", "w1", {"amount": "1,0", "method": "cash", "reason": "x"}, 422, "amount"),
        (f"/accounts/{ACCOUNT}/refunds", "w2", {"amount": "1.00", "method": "gold", "reason": "x"}, 422, "method"),
        (f"/accounts/{ACCOUNT}/refunds", "w3", {"amount": "1.00", "method": "cash"}, 422, "reason"),
        (f"/accounts/{'9' * 32}/refunds", "w4", {"amount": "1.00", "method": "cash", "reason": "x"}, 404, None),
        (f"/sales/{'9' * 32}/reversal", "w5", {"reason": "x"}, 404, None),
        (f"/refunds/{'9' * 32}/payment", "w6", None, 404, None),
    ],
)
def test_problems_name_the_field(
    gateway: httpx.Client, path: str, key: str, body: dict[str, str] | None, status: int, field: str | None
) -> None:
    answer = post(gateway, path, key, body)
    assert (answer.status_code, answer.headers["content-type"]) == (status, "application/problem+json")
    assert [error["field"] for error in answer.json().get("errors", [])] == ([field] if field else [])


def test_a_token_that_may_only_read_moves_no_money(site: SiteProcess) -> None:
    with site.client(site.token("read")) as reader:
        answer = post(reader, f"/accounts/{ACCOUNT}/refunds", "t", {"amount": "1", "method": "cash", "reason": "x"})
        assert answer.status_code == 403
        assert reader.get("/api/v1/refunds").status_code == 200
