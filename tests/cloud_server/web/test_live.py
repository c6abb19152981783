"""The streams: what is new since a reader's last event, and nothing more; ends with the session."""

import json
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import httpx
import pytest
from starlette.testclient import TestClient

from cloud_server.core.roles import Role
from cloud_server.web import live
from cloud_server.web.live import MonitorHub, StreamSlots
from cloud_server.web.pages import streams
from tests.cloud_server.web.conftest import Browser
from tests.fakes.centre_clock import FakeClock
from tests.fakes.centre_people import FakePeople
from tests.fakes.centre_site import FakeSite
from tests.fakes.centre_street import made_id


def read(event: bytes | None) -> tuple[str, str, Any]:
    """Id, name and data of an event."""
    assert event is not None
    lines = dict(line.split(": ", 1) for line in event.decode().strip().splitlines())
    return lines.get("id", ""), lines["event"], json.loads(lines["data"])


def test_a_reader_gets_what_is_new_since_its_last_event(site: FakeSite) -> None:
    hub = MonitorHub(site, site.feed)
    first = hub.refresh()
    page = hub.id_of(first)
    assert hub.event_since(page, first) is None
    changed = [made_id("point 1"), made_id("point 2")]
    for point in changed:
        site.change(point, power_w=4321)
        hub.refresh()
    snapshot = hub.refresh()
    event_id, name, body = read(hub.event_since(page, snapshot))
    assert name == "monitor"
    assert event_id == hub.id_of(snapshot)
    assert sorted(row[0] for row in body["points"]) == sorted(changed)
    assert {row[7] for row in body["points"]} == {4321}
    assert len(body["boxes"]) == 3
    assert hub.event_since(event_id, snapshot) is None


def test_nothing_is_worked_out_twice(site: FakeSite) -> None:
    hub = MonitorHub(site, site.feed)
    assert hub.refresh() is hub.refresh()
    site.feed.announce()
    assert hub.refresh().number == 2
    assert hub.look_again().number == 3


def test_a_reader_from_long_ago_gets_everything(site: FakeSite, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(live, "HISTORY", 2)
    hub = MonitorHub(site, site.feed)
    page = hub.id_of(hub.refresh())
    for watts in range(4):
        site.change(made_id("point 1"), power_w=watts)
        hub.refresh()
    _, name, body = read(hub.event_since(page, hub.refresh()))
    assert name == "monitor"
    assert len(body["points"]) == 60


@pytest.mark.parametrize("after", ["", "x", "otherrun-1-1", "a-b-c", "-".join("123456"), "x" * 100])
def test_a_page_of_another_run_is_drawn_anew(after: str, site: FakeSite) -> None:
    hub = MonitorHub(site, site.feed)
    assert read(hub.event_since(after, hub.refresh()))[1] == "anew"


def test_a_page_is_drawn_anew_when_points_come_or_names_change(site: FakeSite) -> None:
    hub = MonitorHub(site, site.feed)
    page = hub.id_of(hub.refresh())
    site.change(made_id("point 1"), name="新名字")
    assert read(hub.event_since(page, hub.refresh()))[1] == "anew"


def test_a_lost_box_is_told(site: FakeSite, clock: FakeClock) -> None:
    hub = MonitorHub(site, site.feed)
    page = hub.id_of(hub.refresh())
    box = site.numbered("A101").box
    site.lose_box(box, clock.wall_ms())
    _, _, body = read(hub.event_since(page, hub.refresh()))
    assert [row[1] for row in body["boxes"] if row[0] == box] == [clock.wall_ms()]
    assert {row[2] for row in body["points"]} == {"box"}


def test_slots_are_counted_by_session_and_given_back() -> None:
    slots = StreamSlots()
    assert all(slots.take("a") for _ in range(live.STREAMS_OF_ONE))
    assert not slots.take("a")
    assert slots.take("b")
    slots.give_back("a")
    assert slots.take("a")


def events_of(client: TestClient | httpx.Client, path: str, most: int) -> list[tuple[str, Any]]:
    """The stream's events; the stream has to end by itself, since the client reads it whole."""
    found: list[tuple[str, Any]] = []
    with client.stream("GET", path) as answer:
        assert answer.status_code == 200
        assert answer.headers["content-type"].startswith("text/event-stream")
        for block in "".join(answer.iter_text()).split("\n\n"):
            if "event: " in block:
                lines = dict(line.split(": ", 1) for line in block.strip().splitlines())
                found.append((lines["event"], json.loads(lines["data"])))
    return found[:most]


def test_a_sales_stream_ends_when_the_light_is_on(cashier: Browser, site: FakeSite) -> None:
    account = made_id("account 11")
    cashier.get(f"/desk/{account}")
    cashier.post(f"/desk/{account}", key=cashier.hidden("key"), amount="10", method="cash", step="sell")
    sale = cashier.path.split("/")[-1]
    site.move_sale(sale, state="on", on_at_ms=site.clock.wall_ms())
    events = events_of(cashier.client, f"/live/sales/{sale}", 5)
    assert [name for name, _ in events] == ["piece", "over"]
    assert 'data-sale-state="on"' in events[0][1]["html"]


def test_a_stream_ends_with_its_session(
    browser_of: Callable[[Role], Browser],
    site: FakeSite,
    people: FakePeople,
    clock: FakeClock,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(streams, "CHECK_SESSION_S", 0.0)
    monkeypatch.setattr(streams, "REFRESH_S", 0.05)
    monkeypatch.setattr(streams, "SPACING_S", 0.0)
    auditor = browser_of("auditor")
    sessions = dict(people.sessions)
    looks = site.feed.looks
    original = people.session

    def gone_later(token_hash: str) -> Any:
        found = original(token_hash)
        if site.feed.looks > looks + 2:
            people.sessions.clear()
        return found

    monkeypatch.setattr(people, "session", gone_later)
    events = events_of(auditor.client, "/live/monitor", 50)
    assert sessions
    assert events[-1][0] == "signed-out"


def test_a_stream_ends_when_the_right_is_taken(
    cashier: Browser, people: FakePeople, site: FakeSite, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(streams, "CHECK_SESSION_S", 0.0)
    monkeypatch.setattr(streams, "REFRESH_S", 0.05)
    monkeypatch.setattr(streams, "SPACING_S", 0.0)
    account = made_id("account 11")
    cashier.get(f"/desk/{account}")
    cashier.post(f"/desk/{account}", key=cashier.hidden("key"), amount="10", method="cash", step="sell")
    sale = cashier.path.split("/")[-1]
    row = people.staff_named("cashier")
    assert row is not None
    looks = site.feed.looks
    original = people.session

    def weaker_later(token_hash: str) -> Any:
        if site.feed.looks > looks + 1:
            people.rows[row.staff] = replace(row, roles=frozenset({"technician"}))
        return original(token_hash)

    monkeypatch.setattr(people, "session", weaker_later)
    assert events_of(cashier.client, f"/live/sales/{sale}", 50)[-1][0] == "signed-out"
