"""Tokens that are limited to buildings: what they may ask, what they see, and that every other address is closed."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any, get_args

import pytest
from fastapi.testclient import TestClient

from cloud_server.api.reports import WHOLE_SITE_KINDS
from cloud_server.api.sight import NARROWED
from cloud_server.core.report_table import ReportKind
from cloud_server.flows.bounds import JUDGED
from cloud_server.flows.issue_token import issue_token
from tests.cloud_server.api.programs_rig import Programs, open_programs
from tests.cloud_server.site_rig import open_rig
from tests.cloud_server.street import BUILDING, account_id, box_id, meter_id, point_id, wallet_id
from tests.cloud_server.territory_rig import (
    OTHER,
    OWN,
    OWN_TERRITORY,
    SHARED_ACCOUNT,
    Things,
    furnish,
)

World = tuple[Programs, TestClient, dict[int, Things]]


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    folder: Path = tmp_path_factory.mktemp("limited-tokens")
    with open_rig(folder) as rig:
        things = furnish(rig)
        with open_programs(rig) as programs:
            client = TestClient(programs.app, raise_server_exceptions=False)
            secret = issue_token(rig.centre, "east", ("admin",), 90, "test", OWN_TERRITORY).secret
            client.headers["Authorization"] = f"Bearer {secret}"
            with client:
                yield programs, client, things


def parts_of(things: Things, number: int) -> dict[str, str]:
    return things.parts | {"meter": meter_id(number, 2), "customer": "0" * 32, "wallet": wallet_id(number, 2)}


def test_a_foreign_object_is_answered_as_if_absent(world: World) -> None:
    programs, client, things = world
    mine, foreign = parts_of(things[OWN], OWN), parts_of(things[OTHER], OTHER)
    asked = 0
    for path, methods in programs.app.openapi()["paths"].items():
        names = [word.split("}")[0] for word in path.split("{")[1:]]
        if not path.startswith("/api/v1") or not any(name in JUDGED for name in names):
            continue
        for method in methods:
            there = path.format(**{name: foreign.get(name, "0" * 32) for name in names})
            answer = client.request(method, there, json={} if method != "get" else None)
            assert answer.status_code == 404, (method, there, answer.text)
            asked += 1
            if method == "get" and "customer" not in names and all(name in mine for name in names):
                here = path.format(**{name: mine[name] for name in names})
                assert client.get(here).status_code == 200, here
    assert asked >= 19


def test_an_address_of_the_whole_site_is_closed_to_it(world: World) -> None:
    programs, client, _ = world
    asked = 0
    for path, methods in programs.app.openapi()["paths"].items():
        names = [word.split("}")[0] for word in path.split("{")[1:]]
        if not path.startswith("/api/v1") or any(name in JUDGED for name in names):
            continue
        for method in methods:
            if (method.upper(), path) in NARROWED:
                continue
            asked += 1
            place = path.format(**dict.fromkeys(names, "sales"))
            answer = client.request(method, place, json={"x": 1} if method != "get" else None)
            assert answer.status_code in (403, 422), (method, path, answer.status_code)
    assert asked >= 10


@pytest.mark.parametrize(
    ("path", "own", "foreign"),
    [
        ("points", point_id(OWN, 2), point_id(OTHER, 2)),
        ("meters", meter_id(OWN, 2), meter_id(OTHER, 2)),
        ("accounts", account_id(OWN, 2), account_id(OTHER, 2)),
        ("balances", wallet_id(OWN, 2), wallet_id(OTHER, 2)),
        ("sales", account_id(OWN, 2), account_id(OTHER, 2)),
        ("alarms", meter_id(OWN, 4), meter_id(OTHER, 4)),
        ("refunds", account_id(OWN, 2), account_id(OTHER, 2)),
        ("commands", meter_id(OWN, 4), meter_id(OTHER, 4)),
    ],
)
def test_lists_hold_own_buildings_alone(world: World, path: str, own: str, foreign: str) -> None:
    programs, client, _ = world
    shown: list[dict[str, Any]] = programs.items(f"/api/v1/{path}", client)
    assert own in str(shown)
    assert foreign not in str(shown)
    assert foreign in str(programs.items(f"/api/v1/{path}"))


def test_pages_of_a_limited_token_are_full_and_end(world: World) -> None:
    """The store leaves the foreign rows out, so that no page is short and none is empty before the end."""
    programs, client, _ = world
    whole = programs.items("/api/v1/commands", client)
    foreign = [row for row in programs.items("/api/v1/commands") if row["box"] == box_id(OTHER)]
    assert foreign, "there is something to be left out"
    assert box_id(OTHER) not in {row["box"] for row in whole}
    seen: list[dict[str, Any]] = []
    after = ""
    while True:
        page = client.get("/api/v1/commands", params={"limit": 2, "after": after}).json()
        seen += page["items"]
        if page["next"] is None:
            break
        assert len(page["items"]) == 2
        after = page["next"]
    assert seen == whole
    assert client.get("/api/v1/commands", params={"subject": meter_id(OTHER, 4)}).json()["items"] == []
    assert client.get("/api/v1/alarms", params={"meter": meter_id(OTHER, 4)}).status_code == 404
    assert client.get("/api/v1/refunds", params={"account": account_id(OTHER, 2)}).status_code == 404


@pytest.mark.parametrize("kind", get_args(ReportKind))
def test_reports_are_of_own_buildings_or_closed(world: World, kind: str) -> None:
    _, client, things = world
    account = {"account": account_id(OWN, 2)} if kind in ("statement", "proof") else {}
    answer = client.get(f"/api/v1/reports/{kind}", params=account | {"from_day": "2026-11-01"})
    if kind in WHOLE_SITE_KINDS:
        assert answer.status_code == 403
        return
    assert answer.status_code == 200, answer.text
    assert things[OTHER].shop not in answer.text
    assert "西街" not in answer.text
    if kind in ("registers", "balances", "statement", "proof"):
        assert things[OWN].shop in answer.text
    if kind == "statement":
        foreign = {"account": account_id(OTHER, 2)}
        assert client.get(f"/api/v1/reports/{kind}", params=foreign).status_code == 404
        assert client.get(f"/api/v1/reports/{kind}", params={"account": SHARED_ACCOUNT}).status_code == 404


def test_readings_are_of_own_meters(world: World) -> None:
    _, client, _ = world
    stretch = "from_ms=0&to_ms=9000000000000"
    assert client.get(f"/api/v1/readings?{stretch}&meter={meter_id(OTHER, 2)}").status_code == 404
    assert client.get(f"/api/v1/readings?{stretch}").status_code == 200
    assert meter_id(OTHER, 2) not in client.get(f"/api/v1/readings.csv?{stretch}").text


def test_money_is_taken_for_own_accounts_alone(world: World) -> None:
    _, client, _ = world

    def sell(account: str, key: str) -> int:
        body = {"account": account, "amount": "10.00", "method": "cash"}
        return client.post("/api/v1/sales", json=body, headers={"Idempotency-Key": key}).status_code

    assert sell(account_id(OWN, 4), "own") == 201
    assert sell(account_id(OTHER, 4), "foreign") == 404
    assert sell(SHARED_ACCOUNT, "shared") == 403
    assert client.get(f"/api/v1/accounts/{SHARED_ACCOUNT}").status_code == 200
    assert box_id(OTHER) not in client.get(f"/api/v1/accounts/{SHARED_ACCOUNT}").text


def test_a_token_is_limited_when_it_is_made(world: World) -> None:
    programs, _, _ = world
    asked = {"name": "east-2", "scopes": ["read"], "buildings": [BUILDING]}
    secret = programs("admin").post("/api/v1/tokens", json=asked).json()["token"]
    answer = TestClient(programs.app).get(
        f"/api/v1/points/{point_id(OTHER, 2)}", headers={"Authorization": f"Bearer {secret}"}
    )
    assert answer.status_code == 404
    rows = {row["name"]: row["buildings"] for row in programs.items("/api/v1/tokens")}
    assert rows["east-2"] == [BUILDING]
    wrong = programs("admin").post("/api/v1/tokens", json=asked | {"buildings": ["nowhere"]})
    assert wrong.status_code == 422
