"""What other programs may look at and order: pages, filters, scopes, reports, bounds before anything is read."""

import csv
import io
from collections.abc import Iterator
from typing import Any, get_args

import pytest

from cloud_server.api import readings as readings_api
from cloud_server.api.door import JSON_BYTES_MAX, depth
from cloud_server.api.throttle import Rates
from cloud_server.core.api_token import SCOPES, Scope
from cloud_server.core.rate_limit import Rate
from cloud_server.core.report_table import ReportKind
from protocol.limits import DEPTH_MAX
from protocol.records import Alarm, Subject
from tests.cloud_server.api.programs_rig import Programs, open_programs
from tests.cloud_server.site_rig import SiteRig
from tests.cloud_server.speaking_box import SpeakingBox
from tests.cloud_server.street import YUAN, account_id, box_id, customer_id, meter_id, point_id, wallet_id

API = "/api/v1"


@pytest.fixture
def box(rig: SiteRig) -> SpeakingBox:
    """A street with sales, energy, an alarm and an order on its way."""
    rig.plan(shops=5)
    made = rig.enrol(1)
    for shop in (2, 3, 4):
        rig.sell("100.00", shop=shop)
    rig.settle(made)
    for meter in (2, 3):
        for _ in range(3):
            made.use(meter_id(1, meter), 250)
    subject = Subject(box=box_id(1), meter=meter_id(1, 2))
    made.pending.append(Alarm(at_ms=rig.clock.now_ms, alarm="overload", subject=subject, state="raised", value=9_000))
    made.seal()
    rig.settle(made)
    return made


@pytest.fixture
def programs(rig: SiteRig, box: SpeakingBox) -> Iterator[Programs]:
    with open_programs(rig) as made:
        yield made


def test_every_list_comes_page_by_page_without_a_gap(programs: Programs) -> None:
    client = programs("admin")
    span: dict[str, Any] = {"from_ms": 0, "to_ms": 2**52}
    lists: tuple[tuple[str, dict[str, Any]], ...] = (
        ("/points", {}),
        ("/meters", {}),
        ("/live", {}),
        ("/accounts", {}),
        ("/customers", {}),
        ("/balances", {}),
        ("/boxes", {}),
        ("/sales", {}),
        ("/refunds", {}),
        ("/commands", {}),
        ("/alarms", {"state": "all"}),
        ("/readings", span),
        ("/tokens", {}),
        ("/webhooks", {}),
        ("/settlements", {}),
    )
    for path, filters in lists:
        whole = client.get(API + path, params={"limit": 1_000} | filters).json()
        assert whole["next"] is None
        assert programs.items(API + path, **filters) == whole["items"], path
        wrong = client.get(API + path, params={"after": "bm90IGEgY3Vyc29y"} | filters)
        assert (wrong.status_code, wrong.json()["errors"][0]["field"]) == (422, "after"), path
    counts = {path: len(programs.items(API + path)) for path in ("/points", "/meters", "/accounts", "/sales")}
    assert counts == {"/points": 10, "/meters": 10, "/accounts": 10, "/sales": 3}


def test_every_list_of_the_document_is_in_the_table_above(programs: Programs) -> None:
    document = programs("admin").get(API + "/openapi.json").json()
    named = [
        path
        for path, methods in document["paths"].items()
        if "get" in methods and any(one["name"] == "after" for one in methods["get"].get("parameters", []))
    ]
    # The payments of one settlement are walked where one is made: tests/cloud_server/api/test_gateway.py.
    assert len(named) == 15 + 2, named


READS: dict[str, set[Scope]] = {
    "/points": {"read", "admin"},
    "/meters": {"read", "readings", "admin"},
    "/live": {"read", "admin"},
    "/accounts": {"read", "admin"},
    "/customers": {"read", "admin"},
    "/balances": {"read", "admin"},
    "/boxes": {"read", "admin"},
    "/sales": {"read", "sell", "admin"},
    "/refunds": {"read", "admin"},
    "/commands": {"read", "provision", "admin"},
    "/alarms": {"read", "acknowledge", "admin"},
    "/readings?from_ms=0&to_ms=1": {"read", "readings", "admin"},
    "/readings.csv?from_ms=0&to_ms=1": {"read", "readings", "admin"},
    "/reports": {"read", "admin"},
    "/reports/sales": {"read", "admin"},
    "/reports/audit": {"admin"},
    "/tokens": {"admin"},
    "/webhooks": {"admin"},
    f"/accounts/{account_id(1, 2)}/quote": {"sell", "admin"},
}


@pytest.mark.parametrize("path", READS)
def test_a_token_opens_what_its_scopes_say_and_nothing_else(programs: Programs, path: str) -> None:
    assert programs().get(API + path).status_code == 401
    opened = {scope for scope in SCOPES if programs(scope).get(API + path).status_code == 200}
    assert opened == READS[path]
    shut = next(scope for scope in SCOPES if scope not in READS[path]) if len(READS[path]) < len(SCOPES) else None
    assert shut is not None
    answer = programs(shut).get(API + path)
    assert (answer.status_code, answer.headers["content-type"]) == (403, "application/problem+json")


def test_metrics_are_for_their_own_scope(programs: Programs) -> None:
    assert programs("sell").get("/metrics").status_code == 403
    assert programs().get("/metrics").status_code == 401
    text = programs("metrics").get("/metrics").text
    samples = dict(line.rsplit(" ", 1) for line in text.splitlines() if not line.startswith("#"))
    assert samples['tallybox_boxes{state="enrolled"}'] == "1"
    assert samples['tallybox_sales_total{method="cash"}'] == "3"
    assert samples['tallybox_sales_micro_total{method="cash"}'] == str(300 * YUAN)
    assert samples['tallybox_alarms_standing{kind="overload"}'] == "1"
    assert samples['tallybox_batches_waiting{state="parked"}'] == "0"
    assert samples["tallybox_selling"] == "1"
    assert int(samples["tallybox_database_bytes"]) > 100_000
    assert samples['tallybox_http_requests_total{method="GET",route="/metrics",status="403"}'] == "1"
    count = samples['tallybox_http_request_seconds_count{route="/metrics"}']
    assert samples['tallybox_http_request_seconds_bucket{route="/metrics",le="+Inf"}'] == count
    for number in (2, 3):
        assert account_id(1, number) not in text


def test_filters(programs: Programs) -> None:
    items = programs.items
    assert [one["account"] for one in items(f"{API}/sales", account=account_id(1, 3))] == [account_id(1, 3)]
    assert items(f"{API}/sales", method="wechat") == []
    assert items(f"{API}/sales", to_ms=1) == []
    assert [one["point"] for one in items(f"{API}/meters", point=point_id(2, 1))] == [point_id(2, 1)]
    assert {one["box"] for one in items(f"{API}/points", box=box_id(2))} == {box_id(2)}
    assert [one["id"] for one in items(f"{API}/accounts", customer=customer_id(1, 2))] == [account_id(1, 2)]
    assert [one["wallet"] for one in items(f"{API}/balances", box=box_id(1))] == [wallet_id(1, n) for n in range(1, 6)]
    assert [one["kind"] for one in items(f"{API}/alarms", kind="overload")] == ["overload"]
    assert items(f"{API}/alarms", kind="arrears") == []
    assert {one["subject"] for one in items(f"{API}/commands", subject=wallet_id(1, 2))} == {wallet_id(1, 2)}


def test_one_thing_by_its_name(programs: Programs) -> None:
    client = programs("read")
    for path, name in (
        ("points", point_id(1, 1)),
        ("meters", meter_id(1, 1)),
        ("accounts", account_id(1, 1)),
        ("customers", customer_id(1, 1)),
    ):
        assert client.get(f"{API}/{path}/{name}").json()["id"] == name
        missing = client.get(f"{API}/{path}/{'9' * 32}")
        assert (missing.status_code, missing.json()["status"]) == (404, 404)


def test_a_till_sees_its_own_sales(programs: Programs) -> None:
    gateway, other = programs("sell", name="one"), programs("sell", name="two")
    body = {"account": account_id(1, 2), "amount": "5.00", "method": "wechat"}
    sold = gateway.post(f"{API}/sales", json=body, headers={"Idempotency-Key": "k"}).json()
    assert [one["id"] for one in gateway.get(f"{API}/sales").json()["items"]] == [sold["id"]]
    assert gateway.get(f"{API}/sales/{sold['id']}").json()["key"] == "k"
    assert other.get(f"{API}/sales").json()["items"] == []
    assert other.get(f"{API}/sales/{sold['id']}").status_code == 404


def test_readings_as_csv_are_those_of_the_pages(programs: Programs, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(readings_api, "CSV_ROWS_AT_ONCE", 2)
    span = {"from_ms": 0, "to_ms": 2**52}
    client = programs("readings")
    intervals = client.get(f"{API}/readings", params=span).json()["items"]
    assert len(intervals) == 6
    answer = client.get(f"{API}/readings.csv", params=span)
    assert answer.headers["content-type"] == "text/csv; charset=utf-8"
    rows = list(csv.DictReader(io.StringIO(answer.text)))
    told = [(row["meter"], int(row["from_ms"]), int(row["energy_wh"])) for row in rows]
    assert told == [(one["meter"], rate["from_ms"], rate["energy_wh"]) for one in intervals for rate in one["rates"]]
    assert {row["point"] for row in rows} == {point_id(1, 2), point_id(1, 3)}
    one = client.get(f"{API}/readings", params=span | {"meter": meter_id(1, 3)}).json()["items"]
    assert {row["meter"] for row in one} == {meter_id(1, 3)}
    assert client.get(f"{API}/readings", params={"from_ms": 5, "to_ms": 5}).status_code == 422


@pytest.mark.parametrize("kind", get_args(ReportKind))
def test_every_report_in_every_form(programs: Programs, kind: str) -> None:
    client, filters = programs("admin"), {"account": account_id(1, 2)}
    told = client.get(f"{API}/reports/{kind}", params=filters)
    assert told.status_code == 200, told.text
    text = client.get(f"{API}/reports/{kind}", params=filters | {"format": "csv"}).text
    lines = sum(len(table["rows"]) + 1 for table in told.json()["tables"]) + max(len(told.json()["tables"]) - 1, 0)
    assert len(list(csv.reader(io.StringIO(text)))) == lines
    book = client.get(f"{API}/reports/{kind}", params=filters | {"format": "xlsx"})
    assert book.content[:2] == b"PK" or not told.json()["tables"]


def test_a_report_says_what_its_values_are(programs: Programs) -> None:
    report = programs("read").get(f"{API}/reports/balances").json()
    heads = [column["key"] for column in report["tables"][0]["columns"]]
    assert "balance_micro" in heads
    for wrong in ({"from_day": "2026-02-30"}, {"from_day": "2020-01-01", "to_day": "2026-01-01"}, {"step": "hour"}):
        assert programs("read").get(f"{API}/reports/sales", params=wrong).status_code == 422
    assert programs("read").get(f"{API}/reports/nothing").status_code == 422


def test_alarms_are_acknowledged_by_whoever_may(programs: Programs) -> None:
    watcher = programs("acknowledge")
    (alarm,) = watcher.get(f"{API}/alarms", params={"kind": "overload"}).json()["items"]
    assert (alarm["notes"], alarm["value"], alarm["cleared_at"]) == ([], 9_000, None)
    body = {"alarms": [alarm["id"]], "note": "on the way"}
    assert programs("read").post(f"{API}/alarms/acknowledgements", json=body).status_code == 403
    assert watcher.post(f"{API}/alarms/acknowledgements", json=body).json() == {"acknowledged": 1}
    (alarm,) = watcher.get(f"{API}/alarms", params={"kind": "overload"}).json()["items"]
    assert [(note["who"], note["note"]) for note in alarm["notes"]] == [("api:gateway", "on the way")]
    body["alarms"] = ["9" * 32]
    assert watcher.post(f"{API}/alarms/acknowledgements", json=body).status_code == 404


def test_tokens_are_ended(programs: Programs) -> None:
    admin, reader = programs("admin"), programs("read")
    assert reader.get(f"{API}/points").status_code == 200
    (known,) = [one for one in programs.items(f"{API}/tokens") if one["scopes"] == ["read"]]
    assert "secret" not in known
    assert admin.delete(f"{API}/tokens/{known['id']}").status_code == 204
    assert reader.get(f"{API}/points").status_code == 401
    assert admin.delete(f"{API}/tokens/{known['id']}").status_code == 404


# --- the door -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("body", "deep"),
    [
        (b"", 0),
        (b"{}", 1),
        (b'[{"a": [1]}]', 3),
        (b'"[[["', 0),
        (b'{"a\\"[[": [1]}', 2),
        (b"]]][", -2),
        (b"[" * 90, 90),
    ],
)
def test_how_deep_a_body_is(body: bytes, deep: int) -> None:
    assert depth(body) == max(deep, 0)


def test_what_is_too_deep_or_too_large_is_not_read(programs: Programs) -> None:
    gateway, headers = programs("sell"), {"Idempotency-Key": "k", "Content-Type": "application/json"}
    deep = b"[" * (DEPTH_MAX + 1) + b"]" * (DEPTH_MAX + 1)
    for body, status in ((deep, 400), (b" " * (JSON_BYTES_MAX + 1), 413), (b"[" * 100_000, 400), (b"{", 422)):
        answer = gateway.post(f"{API}/sales", content=body, headers=headers)
        assert (answer.status_code, answer.headers["content-type"]) == (status, "application/problem+json")


def test_whoever_asks_too_often_is_told_when_to_come_back(rig: SiteRig) -> None:
    rig.plan()
    rates = Rates(
        token=Rate(per_second=2, burst=3), address=Rate(per_second=10, burst=20), stranger=Rate(per_second=1, burst=2)
    )
    with open_programs(rig, rates) as programs:
        one, two = programs("read", name="one"), programs("read", name="two")
        assert [one.get(f"{API}/points").status_code for _ in range(5)] == [200, 200, 200, 429, 429]
        assert two.get(f"{API}/points").status_code == 200
        rig.clock.now_ms += 500
        assert [one.get(f"{API}/points").status_code for _ in range(2)] == [200, 429]
        late = one.get(f"{API}/points")
        assert (late.headers["retry-after"], late.json()["title"]) == ("1", "Too many requests")
        assert [programs().get(f"{API}/points").status_code for _ in range(3)] == [401, 401, 429]
        statuses: list[int] = [two.get(f"{API}/reports").status_code for _ in range(30)]
        assert statuses[-1] == 429
        rig.clock.now_ms += 60_000
        assert two.get(f"{API}/points").status_code == 200


def test_healthz_says_whether_it_is_ready(programs: Programs, rig: SiteRig, monkeypatch: pytest.MonkeyPatch) -> None:
    assert programs().get("/healthz").json() == {"status": "ok", "selling": True}

    def broken() -> Any:
        raise OSError("the disk is gone")

    monkeypatch.setattr(type(rig.store), "read", lambda self: broken())
    answer = programs().get("/healthz")
    assert (answer.status_code, answer.json()["status"]) == (503, "not_ready")
