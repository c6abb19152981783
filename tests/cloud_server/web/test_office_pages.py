"""Alarm centre, remote operation, reports and operators as their people use them."""

import re
from collections.abc import Callable
from dataclasses import replace
from io import BytesIO
from pathlib import Path

import pytest
import python_calamine

from cloud_server.core.alarm_views import AlarmEntry, fold_lost
from cloud_server.core.roles import Role
from cloud_server.flows import report_events
from cloud_server.flows.report_events import KINDS
from cloud_server.web import event_words, report_words
from cloud_server.web.addresses import REPORTS
from cloud_server.web.pages import reports as report_pages
from cloud_server.web.report_specs import SPECS
from tests.cloud_server.web.conftest import ADDRESS, PASSWORD, Browser
from tests.fakes.centre_clock import FakeClock
from tests.fakes.centre_office import FakeAlarms, FakeReports
from tests.fakes.centre_people import FakePeople
from tests.fakes.centre_site import FakeSite
from tests.fakes.centre_street import made_id

DAY_MS = 86_400_000


def tick(*points: int) -> dict[str, str]:
    return {f"p-{made_id(f'point {point}')}": "yes" for point in points}


# --- alarms -------------------------------------------------------------------------------------------------------


def test_alarms_are_counted_filtered_and_acknowledged(supervisor: Browser, alarms: FakeAlarms) -> None:
    text = supervisor.get("/alarms")
    assert "In arrears" in text
    assert "−¥0.35" in text
    dark = made_id(f"alarm {made_id('point 11')}")
    supervisor.post("/alarms", **{f"a-{dark}": "yes"}, note="called", back="state=standing")
    assert supervisor.path == "/alarms"
    assert "1 alarm acknowledged." in supervisor.text
    assert [(note.who, note.note) for note in alarms.notes[dark]] == [("supervisor", "called")]
    assert dark not in supervisor.get("/alarms?unseen=yes")
    assert "A202" not in supervisor.get("/alarms?kind=meter_lost")
    assert "No alarm fits." in supervisor.get("/alarms?state=past")


def test_who_may_not_acknowledge_is_not_offered_it(browser_of: Callable[[Role], Browser], alarms: FakeAlarms) -> None:
    auditor = browser_of("auditor")
    assert "Acknowledge the ticked" not in auditor.get("/alarms")
    auditor.post("/alarms", **{f"a-{made_id('alarm')}": "yes"})
    assert auditor.status == 403
    assert not alarms.notes


def test_the_way_back_leads_nowhere_else(supervisor: Browser) -> None:
    supervisor.get("/alarms")
    for bad in ("//evil.test", "x\r\nSet-Cookie: a=b", "a=<b>"):
        supervisor.post("/alarms", back=bad)
        assert supervisor.path == "/alarms"


def test_new_alarms_are_told_to_pages_and_asking_keeps_no_session_open(
    supervisor: Browser, alarms: FakeAlarms, people: FakePeople, clock: FakeClock
) -> None:
    seen = [row.seen_at_ms for row in people.sessions.values()]
    clock.advance(3_600_000)
    news = supervisor.client.get("/live/alarms").json()
    assert news["standing"] == len(news["unseen"]) == 5
    assert {one["clip"] for one in news["unseen"]} == {"arrears", "alarm2", "meter"}
    assert [row.seen_at_ms for row in people.sessions.values()] == seen


def entry(kind: str, at_ms: int, name: str, bus: str = "bus", cleared: int | None = None) -> AlarmEntry:
    return AlarmEntry(
        alarm=name,
        kind=kind,  # type: ignore[arg-type]  # literals by table
        raised_at_ms=at_ms,
        cleared_at_ms=cleared,
        value=None,
        box="box",
        bus=bus,
    )


def test_a_lost_box_or_bus_is_one_thing() -> None:
    meters = [entry("meter_lost", 1_000_000 + n, f"m{n}") for n in range(3)]
    elsewhere = entry("meter_lost", 1_000_000, "other", bus="other")
    bus = entry("bus_lost", 1_000_500, "bus-alarm")
    shown = {one.alarm: one.covers for one in fold_lost([*meters, elsewhere, bus])}
    assert shown == {"other": 0, "bus-alarm": 3}
    box = entry("box_lost", 1_000_600, "box-alarm")
    assert [one.alarm for one in fold_lost([*meters, elsewhere, bus, box])] == ["box-alarm"]
    long_ago = replace(bus, raised_at_ms=9_000_000)
    assert len(fold_lost([*meters, long_ago])) == 4
    over = replace(bus, raised_at_ms=500, cleared_at_ms=900)
    assert len(fold_lost([*meters, over])) == 4


# --- remote operation ---------------------------------------------------------------------------------------------


def test_many_are_ordered_after_the_list_was_seen_and_the_count_typed(supervisor: Browser, site: FakeSite) -> None:
    supervisor.get("/operations")
    path = "/operations/order/mode/forced_off"
    text = supervisor.post(path, **tick(0, 1, 2))
    assert "Cut off: 3 meters" in text
    assert "A101" in text
    assert "1.06" in text, "the load together"
    key = supervisor.hidden("key")
    for typed in ("", "2", "three"):
        supervisor.post(path, **tick(0, 1, 2), step="order", key=key, count=typed)
        assert supervisor.status == 422
    assert not site.operations
    supervisor.post(path, **tick(0, 1, 2), step="order", key=key, count="3")
    assert supervisor.path == f"/operations/{key}"
    assert "Queued" in supervisor.text
    assert len(site.operations[key].meters) == 3
    assert key in supervisor.get("/operations")


def test_the_refused_are_offered_again(supervisor: Browser, site: FakeSite) -> None:
    supervisor.get("/operations")
    supervisor.post("/operations/order/service/in_service", **tick(0, 1))
    key = supervisor.hidden("key")
    supervisor.post("/operations/order/service/in_service", **tick(0, 1), step="order", key=key)
    meter = made_id("meter 1")
    site.commands[meter][-1] = replace(site.commands[meter][-1], state="refused", reason="not_tested")
    text = supervisor.get(f"/operations/{key}")
    assert "the relay test was not passed" in text
    assert f'name="p-{made_id("point 1")}" value="yes" checked' in text
    assert f'name="p-{made_id("point 0")}"' not in text


@pytest.mark.parametrize(
    ("role", "sees"),
    [
        ("supervisor", {"mode", "service", "lock-out"}),
        ("technician", {"mode", "service", "lock-out"}),
        ("provisioner", {"service", "lock-out"}),
    ],
)
def test_each_role_is_offered_its_own_orders(role: Role, sees: set[str], browser_of: Callable[[Role], Browser]) -> None:
    text = browser_of(role).get("/operations")
    assert set(re.findall(r'formaction="/operations/order/([a-z-]+)/', text)) == sees


def test_nothing_ticked_and_kinds_of_another_right_do_nothing(
    browser_of: Callable[[Role], Browser], site: FakeSite
) -> None:
    provisioner = browser_of("provisioner")
    provisioner.get("/operations")
    provisioner.post("/operations/order/service/in_service")
    assert provisioner.status == 422
    provisioner.post("/operations/order/service/forced_off", **tick(1), step="order", key="batch-1", count="1")
    assert provisioner.status == 404
    provisioner.get("/operations")
    provisioner.post("/operations/order/mode/forced_off", **tick(1), step="order", key="batch-1", count="1")
    assert provisioner.status == 403
    assert not site.operations


def test_a_whole_large_site_fits_into_one_form(supervisor: Browser) -> None:
    supervisor.get("/operations")
    supervisor.post("/operations/order/mode/protected", **{f"p-{made_id(str(n))}": "yes" for n in range(2_000)})
    assert supervisor.status == 422
    supervisor.get("/operations")
    data = {"form_token": supervisor.token(), **{f"p-{n}": "yes" for n in range(2_200)}}
    path = "/operations/order/mode/protected"
    assert supervisor.client.post(path, data=data, headers={"Origin": ADDRESS}).status_code == 400


# --- reports ------------------------------------------------------------------------------------------------------


def test_the_file_holds_what_the_page_shows(supervisor: Browser, reports: FakeReports) -> None:
    text = supervisor.get("/reports/sales?from=2026-11-01&to=2026-11-05&step=month&method=cash")
    for words in (
        "2026-11-01",
        "Cash",
        "12.34",
        "1,500.00",
        "26 h" if "26 h" in text else "1 d 2 h",
        "nothing after",
        "Filter: Cash",
    ):
        assert words in text, words
    link = re.search(r'href="(/reports/sales.xlsx[^"]*)"', text)
    assert link is not None
    answer = supervisor.client.get(link.group(1).replace("&amp;", "&"))
    assert reports.asked[-1] == reports.asked[-2]
    book = python_calamine.CalamineWorkbook.from_filelike(BytesIO(answer.content))
    rows = book.get_sheet_by_index(0).to_python(skip_empty_area=False)
    flat = [cell for row in rows for cell in row]
    assert "=SUM(A1)" in flat
    assert 500.0 in flat
    assert 12.34 in flat
    assert any("Filter: Cash" in str(cell) for cell in flat)
    assert any("nothing after" in str(cell) for cell in flat)


def test_a_long_table_shows_its_first_rows_and_more_at_a_click(
    supervisor: Browser, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = supervisor.get("/reports/sales?from=2026-11-01&to=2026-11-05")
    monkeypatch.setattr(report_pages, "ROWS_FIRST", 0)
    text = supervisor.get("/reports/sales?from=2026-11-01&to=2026-11-05")
    assert text.count("<tr>") < whole.count("<tr>")
    assert "1,500.00" in text, "the sum is of all rows"
    more = re.search(r'href="(/reports/sales\?[^"]*rows=more)">Show \d+ rows', text)
    assert more is not None
    assert supervisor.get(more.group(1).replace("&amp;", "&")).count("<tr>") == whole.count("<tr>")


def test_a_turned_or_endless_stretch_is_refused_beside_the_form(supervisor: Browser, reports: FakeReports) -> None:
    assert "The first day is after the last." in supervisor.get("/reports/sales?from=2026-11-05&to=2026-11-01")
    assert supervisor.status == 422
    assert "Too long a time" in supervisor.get("/reports/energy?from=2026-01-01&to=2026-11-01&step=day")
    assert not reports.asked
    supervisor.get("/reports/energy?from=2026-01-01&to=2026-11-01&step=month")
    assert supervisor.status == 200


def test_a_statement_begins_with_finding_the_account(cashier: Browser) -> None:
    text = cashier.get("/reports/statement?q=A202")
    link = re.search(r'href="(/reports/statement\?account=[^"]*)"', text)
    assert link is not None
    text = cashier.get(link.group(1).replace("&amp;", "&"))
    assert "Opening balance" in text
    assert "−5.00" in text
    cashier.get("/reports/statement?account=nobody")
    assert cashier.status == 404


@pytest.mark.parametrize(("role", "sees"), [("cashier", False), ("accountant", True), ("technician", False)])
def test_only_reports_that_one_may_see_are_offered(
    role: Role, sees: bool, browser_of: Callable[[Role], Browser]
) -> None:
    assert ('href="/reports/trial"' in browser_of(role).get("/reports")) is sees


# --- operators ----------------------------------------------------------------------------------------------------


def added(administrator: Browser) -> str:
    administrator.get("/staff")
    text = administrator.post("/staff", name="newhand", display_name="New Hand", **{"role-cashier": "yes"})
    assert administrator.status == 201
    found = re.search(rf"{ADDRESS}(/password/[^<]+)<", text)
    assert found is not None
    return found.group(1)


def test_a_new_person_sets_their_own_password_by_a_link_that_holds_once(
    browser_of: Callable[[Role], Browser], stranger: Browser
) -> None:
    link = added(browser_of("administrator"))
    assert "New Hand" in stranger.get(link)
    stranger.post(link, password="short", password_again="short")
    assert stranger.status == 422
    stranger.post(link, password="a long enough one", password_again="another one here")
    assert stranger.status == 422
    stranger.post(link, password="a long enough one", password_again="a long enough one")
    assert stranger.path == "/sign-in"
    stranger.get(link)
    assert stranger.status == 410
    stranger.sign_in("newhand", "a long enough one")
    assert stranger.path == "/"


def test_a_link_ends_after_a_day_and_with_the_next_one(
    browser_of: Callable[[Role], Browser], stranger: Browser, clock: FakeClock, people: FakePeople
) -> None:
    administrator = browser_of("administrator")
    first = added(administrator)
    person = people.staff_named("newhand")
    assert person is not None
    administrator.get(f"/staff/{person.staff}")
    text = administrator.post(f"/staff/{person.staff}/link")
    found = re.search(rf"{ADDRESS}(/password/[^<]+)<", text)
    assert found is not None
    stranger.get(first)
    assert stranger.status == 410
    stranger.get(found.group(1))
    assert stranger.status == 200
    clock.advance(DAY_MS)
    stranger.get(found.group(1))
    assert stranger.status == 410


def test_disabling_ends_sessions_and_the_house_is_never_locked_out(
    browser_of: Callable[[Role], Browser], people: FakePeople
) -> None:
    administrator, cashier = browser_of("administrator"), browser_of("cashier")
    row, own = people.staff_named("cashier"), people.staff_named("administrator")
    assert row is not None
    assert own is not None
    administrator.get(f"/staff/{row.staff}")
    administrator.post(f"/staff/{row.staff}", **{"role-cashier": "yes"})
    assert "Changed." in administrator.text
    cashier.get("/desk")
    assert cashier.path == "/sign-in"
    cashier.sign_in("cashier", PASSWORD)
    assert cashier.status == 401
    administrator.get(f"/staff/{own.staff}")
    administrator.post(f"/staff/{own.staff}", active="yes", **{"role-cashier": "yes"})
    assert administrator.status == 409
    assert "Nobody changes their own roles" in administrator.text
    assert people.rows[own.staff].roles == frozenset({"administrator"})


def test_sessions_are_ended_and_names_are_taken_once(browser_of: Callable[[Role], Browser], people: FakePeople) -> None:
    administrator, cashier = browser_of("administrator"), browser_of("cashier")
    row = people.staff_named("cashier")
    assert row is not None
    administrator.get(f"/staff/{row.staff}")
    administrator.post(f"/staff/{row.staff}/sessions")
    assert "All sessions of this person have ended." in administrator.text
    cashier.get("/desk")
    assert cashier.path == "/sign-in"
    administrator.get("/staff")
    administrator.post("/staff", name="Cashier", display_name="Again", **{"role-cashier": "yes"})
    assert "This name is taken." in administrator.text
    administrator.post("/staff", name="other", display_name="Other")
    assert "Tick at least one role." in administrator.text
    assert people.staff_named("other") is None


def test_every_column_title_and_fact_of_a_report_has_a_word() -> None:
    source = "".join(
        (Path(report_events.__file__).parent / f"report_{name}.py").read_text(encoding="utf-8")
        for name in (
            "money",
            "energy",
            "meters",
            "usage",
            "accounts",
            "events",
            "statement",
            "proof",
            "late",
            "replaced",
        )
    )
    columns = set(re.findall(r'Column\("(\w+)"', source))
    assert columns <= set(report_words.COLUMN), columns - set(report_words.COLUMN)
    titles = set(re.findall(r'(?:title=|_table\(basis, )"(\w+)"', source))
    assert titles == set(report_words.TABLE)
    assert set(re.findall(r'Fact\(key="(\w+)"', source)) == set(report_words.FACT)
    assert set(KINDS) == set(event_words.EVENT_CHOICE)
    assert set(KINDS.values()) == set(event_words.EVENT)
    assert set(report_words.TITLE) == set(REPORTS) == set(SPECS)
