"""The office over HTTPS: tills, days, adjustments, closings, moves, meters; with a second token that says yes."""

import time
from collections.abc import Iterator, Mapping

import httpx
import pytest

from cloud_server.cli import main
from cloud_server.ports.database import PostgresAddress
from tests.cloud_server.api.site_process import SiteProcess, exchange, site_process
from tests.cloud_server.speaking_box import SpeakingBox
from tests.cloud_server.street import YUAN, account_id, box_id, meter_id, wallet_id

pytestmark = pytest.mark.xdist_group("cloud_server_office")

ACCOUNT, WALLET = account_id(1, 2), wallet_id(1, 2)

MOVED_WITHIN_S = 90.0


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory, module_database: PostgresAddress | None) -> Iterator[SiteProcess]:
    with site_process(tmp_path_factory.mktemp("office"), module_database) as made:
        made.plan()
        yield made


@pytest.fixture(scope="module")
def boxes(site: SiteProcess) -> list[SpeakingBox]:
    return [site.enrol(1), site.enrol(2)]


@pytest.fixture(scope="module")
def office(site: SiteProcess) -> Iterator[httpx.Client]:
    with site.client(site.named_token("maker", "read", "sell", "office")) as client:
        yield client


@pytest.fixture(scope="module")
def supervisor(site: SiteProcess) -> Iterator[httpx.Client]:
    with site.client(site.named_token("checker", "confirm")) as client:
        yield client


def settle(site: SiteProcess, *boxes: SpeakingBox) -> None:
    with site.client() as wire:
        for _ in range(3):
            for box in boxes:
                exchange(wire, box)
                if box.pending:
                    box.seal()


def post(client: httpx.Client, path: str, key: str, body: Mapping[str, object] | None = None) -> dict[str, object]:
    answer = client.post(f"/api/v1{path}", json=body or {}, headers={"Idempotency-Key": key})
    assert answer.status_code in (201, 202), answer.text
    return dict(answer.json())


def sell(client: httpx.Client, key: str, amount: str, account: str = ACCOUNT) -> None:
    post(client, "/sales", key, {"account": account, "amount": amount, "method": "cash"})


def until(client: httpx.Client, path: str, wanted: str, site: SiteProcess, *boxes: SpeakingBox) -> dict[str, object]:
    """What goes on by itself every three seconds has gone on."""
    end = time.monotonic() + MOVED_WITHIN_S
    while True:
        settle(site, *boxes)
        found = dict(client.get(f"/api/v1{path}").json())
        if found["state"] == wanted:
            return found
        assert time.monotonic() < end, found
        time.sleep(0.3)


def test_an_adjustment_waits_for_another_token_s_yes(
    site: SiteProcess, boxes: list[SpeakingBox], office: httpx.Client, supervisor: httpx.Client
) -> None:
    sell(office, "s1", "100.00")
    settle(site, *boxes)
    wish = {"amount": "150.00", "reason": "wrong ratio", "energy": "-15.5"}
    asked = post(office, f"/accounts/{ACCOUNT}/adjustments", "a1", wish)
    assert (asked["state"], asked["id"]) == ("confirming", None)
    assert [task["kind"] for task in office.get("/api/v1/tasks").json()["items"]] == ["second_person"]
    alone = office.post(f"/api/v1/requests/{asked['request']}/approval", json={}, headers={"Idempotency-Key": "y0"})
    assert alone.status_code == 403
    done = post(supervisor, f"/requests/{asked['request']}/approval", "y1", {"note": "ok"})
    assert done["state"] == "done"
    settle(site, *boxes)
    assert boxes[0].book[WALLET] == 250 * YUAN
    (kept,) = office.get("/api/v1/adjustments").json()["items"]
    assert (kept["operator"], kept["second"], kept["energy_wh"]) == ("api:maker", "api:checker", -15_500)


def test_a_great_refund_is_kept_until_another_says_yes(office: httpx.Client, supervisor: httpx.Client) -> None:
    sell(office, "s2", "3000.00")
    wish = {"amount": "2000.00", "method": "cash", "reason": "x"}
    answer = office.post(f"/api/v1/accounts/{ACCOUNT}/refunds", json=wish, headers={"Idempotency-Key": "r1"})
    assert (answer.status_code, answer.json()["state"]) == (202, "confirming")
    done = post(supervisor, f"/requests/{answer.json()['request']}/rejection", "n1", {"note": "no"})
    assert done["state"] == "rejected"


def test_a_meter_is_replaced_and_an_account_closed(
    site: SiteProcess, boxes: list[SpeakingBox], office: httpx.Client
) -> None:
    meter = meter_id(1, 3)
    body = {"old_raw_wh": 1_000, "serial": "N-1", "new_raw_wh": 0, "reason": "broken"}
    asked = post(office, f"/meters/{meter}/replacement", "m1", body)
    until(office, f"/meter-changes/{asked['id']}", "done", site, boxes[0])
    closing = post(office, f"/accounts/{account_id(1, 3)}/closing", "c1", {"reason": "leaves"})
    until(office, f"/closings/{closing['id']}", "ready", site, boxes[0])
    wrong = office.post(
        f"/api/v1/closings/{closing['id']}/settlement", json={"how": "refund"}, headers={"Idempotency-Key": "w"}
    )
    assert (wrong.status_code, wrong.json()["errors"][0]["field"]) == (422, "how")
    paid = post(office, f"/closings/{closing['id']}/settlement", "t1", {"how": "paid", "method": "cash"})
    assert (paid["state"], paid["settled_micro"]) == ("settled", -800_000)


def test_credit_moves_and_an_account_is_opened(
    site: SiteProcess, boxes: list[SpeakingBox], office: httpx.Client
) -> None:
    first, second = wallet_id(1, 1), wallet_id(2, 1)
    parts = [{"wallet": first, "amount": "20.00"}]
    post(office, "/sales", "s3", {"account": account_id(1, 1), "amount": "20.00", "method": "cash", "parts": parts})
    settle(site, *boxes)
    wish = {"from_wallet": first, "to_wallet": second, "amount": "5.00", "reason": "x"}
    assert post(office, f"/accounts/{account_id(1, 1)}/moves", "v1", wish)["state"] == "asked"
    # The second leg is signed by the centre's own work, which looks every few seconds.
    end = time.monotonic() + MOVED_WITHIN_S
    while not boxes[1].book.get(second) and time.monotonic() < end:
        settle(site, *boxes)
        time.sleep(0.2)
    assert (boxes[0].book[first], boxes[1].book[second]) == (15 * YUAN, 5 * YUAN)
    taken = {"number": "K9", "customer_name": "x", "meters": [meter_id(1, 1)]}
    answer = office.post("/api/v1/accounts", json=taken, headers={"Idempotency-Key": "o1"})
    assert (answer.status_code, answer.json()["errors"][0]["field"]) == (422, "meters")


def test_tills_and_days(site: SiteProcess, office: httpx.Client) -> None:
    (till,) = office.get("/api/v1/tills").json()["items"]
    cash = till["expected"]["cash"]
    counted = {"counted": {"cash": f"{cash / YUAN:.2f}"}}
    closed = post(office, "/tills/count", "k1", counted)
    assert (closed["state"], closed["difference_micro"]) == ("closed", 0)
    day = post(office, "/days", "d1", {})
    assert [row["day"] for row in office.get("/api/v1/days").json()["items"]] == [day["day"]]
    again = office.post("/api/v1/days", json={"day": day["day"]}, headers={"Idempotency-Key": "d2"})
    assert (again.status_code, "is closed" in again.json()["detail"]) == (409, True)


def test_a_box_is_retired_by_two(
    site: SiteProcess, boxes: list[SpeakingBox], office: httpx.Client, supervisor: httpx.Client
) -> None:
    body = {"reason": "flooded", "typed": [{"meter": meter_id(2, 1), "raw_wh": 100}]}
    asked = post(office, f"/boxes/{box_id(2)}/retirement", "x1", body)
    done = post(supervisor, f"/requests/{asked['request']}/approval", "y9")
    answer = done["answer"]
    assert isinstance(answer, dict)
    assert answer["wallets"][wallet_id(2, 1)] == 5 * YUAN
    assert main(["verify", "--config", str(site.config.keys_dir.parent / "centre.toml")]) == 0
