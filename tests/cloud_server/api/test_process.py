"""The centre as its own process: TLS, boxes that wait, sales that wake them, problems, tokens, and an orderly end."""

import json
import socket
import ssl
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from cloud_server.cli import main
from cloud_server.ports.database import PostgresAddress
from protocol.envelope import write_body
from protocol.limits import PACKED_BODY_BYTES_MAX
from tests.busy import busy
from tests.cloud_server.api.site_process import (
    SiteProcess,
    exchange,
    lines_of,
    post,
    run,
    site_process,
    wait_until_up,
)
from tests.cloud_server.speaking_box import SpeakingBox, make_box
from tests.cloud_server.street import account_id, box_id, meter_id, point_id, wallet_id

pytestmark = [pytest.mark.xdist_group("cloud_server_process"), pytest.mark.sqlite_first]

YUAN = 1_000_000


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory, module_database: PostgresAddress | None) -> Iterator[SiteProcess]:
    with site_process(tmp_path_factory.mktemp("site"), module_database) as made:
        made.plan(shops=20)
        yield made


@pytest.fixture(scope="module")
def box(site: SiteProcess) -> SpeakingBox:
    made = site.enrol(1)
    with site.client() as wire:
        exchange(wire, made)
    return made


@pytest.fixture(scope="module")
def gateway(site: SiteProcess) -> Iterator[httpx.Client]:
    with site.client(site.token("read", "sell")) as client:
        yield client


def sale(gateway: httpx.Client, key: str, **changed: object) -> httpx.Response:
    body = {"account": account_id(1, 2), "amount": "100.00", "method": "wechat"} | changed
    return gateway.post("/api/v1/sales", json=body, headers={"Idempotency-Key": key})


def test_only_tls_1_3_is_spoken(site: SiteProcess) -> None:
    for version, works in ((ssl.TLSVersion.TLSv1_2, False), (ssl.TLSVersion.TLSv1_3, True)):
        context = ssl.create_default_context(cafile=str(site.config.keys_dir / "ca.pem"))
        context.minimum_version = context.maximum_version = version
        with socket.create_connection(("127.0.0.1", site.config.port)) as raw:
            try:
                with context.wrap_socket(raw, server_hostname="127.0.0.1"):
                    spoken = True
            except ssl.SSLError:
                spoken = False
        assert spoken is works


def test_a_sale_reaches_a_waiting_box_at_once(site: SiteProcess, box: SpeakingBox, gateway: httpx.Client) -> None:
    took: list[float] = []
    for number in range(5):
        reached: list[float] = []

        def wait(reached: list[float] = reached) -> None:
            with site.client() as wire:
                exchange(wire, box, 25)
                reached.append(time.monotonic())

        waiting = threading.Thread(target=wait)
        waiting.start()
        _until(lambda: _box(site)["in_reach"])
        time.sleep(0.3)
        before = time.monotonic()
        answer = sale(gateway, f"wake-{number}")
        assert answer.status_code == 201
        assert answer.json()["state"] == "sold"
        waiting.join(10)
        took.append(reached[0] - before)
        with site.client() as wire:
            box.seal()
            exchange(wire, box)
        assert gateway.get(f"/api/v1/sales/{answer.json()['id']}").json()["state"] == "on"
    assert sorted(took)[2] < 0.5, took


def _box(site: SiteProcess) -> dict[str, Any]:
    with site.provisioner() as api:
        found: dict[str, Any] = api.get("/api/v1/boxes").json()["items"][0]
        return found


def _until(holds: Any, within_s: float = 10) -> None:
    end = time.monotonic() + within_s
    while not holds():
        assert time.monotonic() < end
        time.sleep(0.02)


def test_the_newest_request_of_a_box_wins(site: SiteProcess, box: SpeakingBox) -> None:
    ended: list[float] = []

    def wait() -> None:
        with site.client() as wire:
            post(wire, "sync", [box.sync_line(25)])
            ended.append(time.monotonic())

    older = threading.Thread(target=wait)
    older.start()
    time.sleep(0.5)
    newer = threading.Thread(target=wait)
    began = time.monotonic()
    newer.start()
    older.join(10)
    assert len(ended) == 1
    assert ended[0] - began < 5
    with site.client() as wire:
        post(wire, "sync", [box.sync_line(1)])
    newer.join(10)
    assert len(ended) == 2


def test_points_and_accounts(gateway: httpx.Client, box: SpeakingBox, site: SiteProcess) -> None:
    box.use(meter_id(1, 3), 250)
    box.seal()
    with site.client() as wire:
        exchange(wire, box)
    page = gateway.get("/api/v1/points", params={"limit": 30}).json()
    rest = gateway.get("/api/v1/points", params={"after": page["next"], "limit": 30}).json()
    ids = [point["id"] for point in page["items"] + rest["items"]]
    assert ids == sorted(point_id(b, n) for b in (1, 2) for n in range(1, 21))
    assert rest["next"] is None
    point = next(point for point in page["items"] if point["id"] == point_id(1, 3))
    assert (point["state"], point["balance_micro"], point["relay"]) == ("normal", -200_000, "unknown")
    account = gateway.get(f"/api/v1/accounts/{account_id(1, 3)}").json()
    assert [wallet["balance_micro"] for wallet in account["wallets"]] == [-200_000]
    assert gateway.get(f"/api/v1/accounts/{'9' * 32}").status_code == 404


@pytest.mark.parametrize(
    ("amount", "code"),
    [
        ("0", "not_above_zero"),
        ("-1", "not_above_zero"),
        ("0.005", "too_many_decimals"),
        ("1000000000000", "too_great"),
        ("abc", "not_a_number"),
        ("", "required"),
    ],
)
def test_a_wrong_amount_is_refused_at_its_field(gateway: httpx.Client, amount: str, code: str) -> None:
    answer = sale(gateway, f"wrong-{amount}", amount=amount)
    assert answer.status_code == 422
    assert answer.headers["content-type"] == "application/problem+json"
    (error,) = answer.json()["errors"]
    assert (error["field"], error["value"], error["code"]) == ("amount", amount, code)
    assert error["message"]


@pytest.mark.parametrize("body", [{"amount": 100}, {"amount": None}, {"method": 3}, {"extra": 1}, {"parts": "x"}])
def test_a_body_of_the_wrong_shape_names_its_field(gateway: httpx.Client, body: dict[str, object]) -> None:
    answer = sale(gateway, "shape", **body)
    assert answer.status_code == 422
    assert [error["field"] for error in answer.json()["errors"]] == [next(iter(body))]


def test_the_same_key_gives_the_same_answer(gateway: httpx.Client) -> None:
    first = sale(gateway, "same", account=account_id(1, 4))
    assert first.status_code == 201
    for _ in range(3):
        again = sale(gateway, "same", account=account_id(1, 4), amount="100")
        assert (again.status_code, again.json()) == (201, first.json())
    other = sale(gateway, "same", account=account_id(1, 4), amount="101.00")
    assert other.status_code == 422
    assert other.json()["errors"][0]["field"] == "Idempotency-Key"
    keyless = gateway.post("/api/v1/sales", json={"account": account_id(1, 4), "amount": "1.00", "method": "cash"})
    assert keyless.status_code == 400


def test_tokens_open_only_what_their_scopes_say(site: SiteProcess, gateway: httpx.Client) -> None:
    with site.client() as nobody, site.client("tbx_guess") as guess, site.client(site.token("read")) as reader:
        for client in (nobody, guess):
            answer = client.get("/api/v1/points")
            assert (answer.status_code, answer.headers["www-authenticate"][:6]) == (401, "Bearer")
        assert reader.get("/api/v1/points").status_code == 200
        assert sale(reader, "reader").status_code == 403
    assert gateway.put("/api/v1/site/plan", content=b"{}").status_code == 403
    assert gateway.post("/api/v1/tokens", json={"name": "x", "scopes": ["read"]}).status_code == 403
    with site.provisioner() as provisioner:
        assert sale(provisioner, "provisioner").status_code == 403
        for scope in ("admin", "sell", "office", "confirm"):
            raised = provisioner.post("/api/v1/tokens", json={"name": "x", "scopes": ["read", scope]})
            assert raised.status_code == 403
            assert [error["value"] for error in raised.json()["errors"]] == [scope]
        assert provisioner.post("/api/v1/tokens", json={"name": "x", "scopes": ["read"]}).status_code == 201
        assert provisioner.get("/healthz").json() == {"status": "ok", "selling": True}


def test_a_plan_with_mistakes_names_them(site: SiteProcess) -> None:
    with site.provisioner() as api:
        answer = api.put("/api/v1/site/plan", content=b'{"site": 3}')
        assert answer.status_code == 422
        answer = api.put("/api/v1/site/plan", content=b"[")
        assert answer.status_code == 422


def test_orders_to_meters_and_their_progress(site: SiteProcess, box: SpeakingBox) -> None:
    with site.provisioner() as api, site.client() as wire:
        answer = api.post(f"/api/v1/meters/{meter_id(1, 5)}/mode", json={"mode": "protected"})
        assert answer.status_code == 202
        ordered = answer.json()
        address = f"/api/v1/boxes/{ordered['box']}/commands/{ordered['command']}"
        assert api.get(address).json()["state"] == "queued"
        exchange(wire, box)
        box.seal()
        exchange(wire, box)
        assert api.get(address).json()["state"] == "done"
        assert api.post(f"/api/v1/meters/{meter_id(2, 1)}/lock-out").status_code == 422
        assert api.post(f"/api/v1/meters/{'9' * 32}/in-service", json={"on": True}).status_code == 422
        assert api.post(f"/api/v1/meters/{meter_id(1, 5)}/in-service", json={"on": "yes"}).status_code == 422
        lock = api.post(f"/api/v1/meters/{meter_id(1, 5)}/lock-out", headers={"Idempotency-Key": "lock"})
        again = api.post(f"/api/v1/meters/{meter_id(1, 5)}/lock-out", headers={"Idempotency-Key": "lock"})
        assert lock.json() == again.json()
        assert api.delete(f"/api/v1/meters/{meter_id(1, 5)}/lock-out").status_code == 202


def test_people_are_added_with_words_for_what_is_wrong(site: SiteProcess) -> None:
    person = {"name": "li", "display_name": "李雷", "password": "long enough 7", "roles": ["cashier"]}
    with site.provisioner() as api:
        assert api.post("/api/v1/staff", json=person).status_code == 201
        answer = api.post("/api/v1/staff", json=person | {"password": "x"})
        assert answer.status_code == 422
        assert "password" in [error["field"] for error in answer.json()["errors"]]
        assert api.post("/api/v1/staff", json=person | {"roles": ["emperor"]}).status_code == 422


BODIES = {
    "not lines": (b"hello\n", "identity", 400),
    "nothing": (b"", "identity", 400),
    "another encoding": (b"x", "br", 415),
    "not what its encoding says": (b"x", "zstd", 415),
    "too large": (b"\0" * (PACKED_BODY_BYTES_MAX + 1), "zstd", 413),
}


@pytest.mark.parametrize("name", BODIES)
def test_bodies_that_are_no_lines(site: SiteProcess, name: str) -> None:
    body, encoding, status = BODIES[name]
    with site.client() as wire:
        answer = wire.post("/v1/box/sync", content=body, headers={"Content-Encoding": encoding})
    assert answer.status_code == status
    assert answer.headers["content-type"] == "application/problem+json"


def test_strangers_get_401_and_learn_nothing(site: SiteProcess, box: SpeakingBox) -> None:
    stranger = make_box(site.config.site.site, box_id(1), 0, "stranger")
    with site.client() as wire:
        for line in (stranger.sync_line(), make_box("9" * 32, box_id(1), 0).sync_line()):
            answer = post(wire, "sync", [line])
            assert answer.status_code == 401
            assert box.key.public.keyid not in answer.text
        assert post(wire, "enrol", [stranger.enrol_line("0" * 32)]).status_code == 401
        assert post(wire, "renew", [stranger.renew_line()]).status_code == 401
        assert post(wire, "renew", [box.renew_line()]).status_code == 200


@pytest.mark.parametrize("encoding", ["zstd", "gzip", "identity"])
def test_answers_come_in_the_encoding_asked_for(site: SiteProcess, box: SpeakingBox, encoding: str) -> None:
    # Commands that the box does not take yet make the answer worth packing.
    with site.provisioner() as api:
        for _ in range(3):
            assert api.post(f"/api/v1/meters/{meter_id(1, 6)}/mode", json={"mode": "protected"}).status_code == 202
    with site.client() as wire:
        body = write_body([box.sync_line()], encoding)
        headers = {"Content-Encoding": encoding, "Accept-Encoding": encoding}
        answer = wire.post("/v1/box/sync", content=body, headers=headers)
    assert answer.status_code == 200
    assert answer.headers.get("content-encoding", "identity") == encoding
    types = [line.type_name for line in lines_of(answer)]
    assert types == ["command"] * (len(types) - 1) + ["answer"]
    assert len(types) > 3


def test_the_openapi_document_names_the_addresses(gateway: httpx.Client) -> None:
    document = gateway.get("/api/v1/openapi.json").json()
    assert {"/api/v1/points", "/api/v1/accounts/{account}", "/api/v1/sales", "/api/v1/sales/{sale}"} <= set(
        document["paths"]
    )
    assert not any(path.startswith("/v1/box") for path in document["paths"])


def test_the_console_is_there(site: SiteProcess) -> None:
    with site.client() as browser:
        answer = browser.get("/", headers={"Accept-Language": "zh-CN"})
    assert answer.status_code in (200, 303)


def test_killed_and_started_again_nothing_is_lost_or_doubled(tmp_path: Path) -> None:
    with site_process(tmp_path) as site:
        site.plan()
        box = site.enrol(1)
        gateway = site.client(site.token("read", "sell"))
        with site.client() as wire:
            exchange(wire, box)
        first = sale(gateway, "k").json()
        site.process.kill()
        site.process.wait(10)
        site.process = run(site.config.path, log=tmp_path / "log")
        wait_until_up(site, tmp_path / "log")
        assert sale(gateway, "k").json() == first
        with site.client() as wire:
            exchange(wire, box)
            box.seal()
            exchange(wire, box)
        assert gateway.get(f"/api/v1/sales/{first['id']}").json()["state"] == "on"
        gateway.close()
        assert box.book[wallet_id(1, 2)] == 100 * YUAN
        assert site.stop() == 0
        assert main(["verify", "--config", str(site.config.path)]) == 0


def test_it_ends_in_order_with_a_request_held_open(tmp_path: Path) -> None:
    with site_process(tmp_path) as site:
        site.plan()
        box = site.enrol(1)
        with site.client() as wire:
            exchange(wire, box)
            held = threading.Thread(target=lambda: exchange(wire, box, 25))
            held.start()
            time.sleep(0.5)
            began = time.monotonic()
            site.process.terminate()
            held.join(30)
            assert time.monotonic() - began < 3 * busy()
        assert site.process.wait(60) == 0
        log = (tmp_path / "log").read_text()
        events = [json.loads(line)["event"] for line in log.splitlines()]
        assert "listening" in events
        assert "Traceback" not in log
