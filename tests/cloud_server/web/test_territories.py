"""Permissions by building: every role at every address with an own and with a foreign object; and what lists hold."""

from collections.abc import Iterator
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path

import pytest
from python_calamine import CalamineWorkbook

from cloud_server.core.alarm_views import AlarmFilter
from cloud_server.core.roles import ROLES, Role, rights_of
from cloud_server.core.territory import Territory
from cloud_server.flows.bounds import EVERYBODYS, JUDGED
from cloud_server.web.addresses import LIVE_ROUTES, REPORTS, ROUTES
from tests.cloud_server.console_rig import ConsoleRig, open_console_rig
from tests.cloud_server.street import account_id, meter_id, point_id
from tests.cloud_server.territory_rig import (
    OTHER,
    OTHER_BUILDING,
    OWN,
    OWN_TERRITORY,
    SHARED_ACCOUNT,
    Things,
    add_limited,
    furnish,
)
from tests.cloud_server.web.conftest import PASSWORD, Browser
from tests.cloud_server.web.test_routes import PARTS

FOREIGN_WORDS = ("商铺2", "西街", "张记2", "K2001", "K2002", "M202")
LISTS = (
    "/", "/?view=rows", "/desk?q=K", "/desk?q=商铺", "/customers", "/customers?q=M2", "/customers/new", "/sales",
    "/refunds",
    "/tasks", "/alarms", "/alarms?state=all", "/operations", "/operations?q=商铺", "/states", "/messages", "/till",
    "/reports", "/exports/none",
)  # fmt: skip


@dataclass
class World:
    console: ConsoleRig
    things: dict[int, Things]
    browsers: dict[Role, Browser]

    def limited(self, role: Role) -> Browser:
        return self.browsers[role]


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    folder: Path = tmp_path_factory.mktemp("territories")
    with open_console_rig(folder) as console:
        made = World(console, furnish(console.rig), {})
        for role in ROLES:
            name = add_limited(console.rig, role)
            browser = console.browser(role)
            browser.client.cookies.clear()
            browser.sign_in(name)
            assert browser.path == "/", browser.text
            made.browsers[role] = browser
        yield made


def address(path: str, things: Things) -> str:
    kind = "in_service" if "/service/" in path else "lock_out" if "/lock-out/" in path else "prepaid"
    return path.format(**{**PARTS, "kind": kind, "draft": "none", "message": "0" * 32, **things.parts})


def names_a_thing(path: str, things: Things) -> bool:
    return any(f"{{{part}}}" in path for part in things.parts)


def test_every_part_of_every_address_is_judged_or_known_to_name_no_place() -> None:
    paths = [route.path for route in ROUTES] + [live.path for live in LIVE_ROUTES]
    parts = {word.split("}")[0] for path in paths for word in path.split("{")[1:]}
    assert parts <= JUDGED.keys() | EVERYBODYS
    assert not JUDGED.keys() & EVERYBODYS


@pytest.mark.parametrize("role", ROLES)
def test_a_foreign_object_is_answered_as_if_absent_and_an_own_one_is_there(role: Role, world: World) -> None:
    browser, rights = world.limited(role), rights_of({role}, OWN_TERRITORY)
    for route in ROUTES:
        if route.ask == "anyone" or not names_a_thing(route.path, world.things[OWN]):
            continue
        browser.get("/alarms")
        foreign = address(route.path, world.things[OTHER])
        _ = browser.get(foreign) if route.method == "GET" else browser.post(foreign)
        assert browser.status == (404 if route.ask in rights else 403), (role, route.method, foreign, browser.status)
        assert not any(word in browser.text for word in FOREIGN_WORDS), foreign
        if route.method == "GET":
            own = address(route.path, world.things[OWN])
            browser.get(own)
            expected = {200, 409, 422} if route.ask in rights else {403}
            assert browser.status in expected, (role, own, browser.status)
    for live in LIVE_ROUTES:
        if names_a_thing(live.path, world.things[OWN]) and "{batch}" not in live.path:
            browser.get(address(live.path, world.things[OTHER]))
            assert browser.status == (404 if live.ask in rights else 403), live.path


@pytest.mark.parametrize("role", ["cashier", "accountant", "technician"])
def test_lists_and_reports_hold_own_buildings_alone(role: Role, world: World) -> None:
    browser, rights = world.limited(role), rights_of({role}, OWN_TERRITORY)
    for path in LISTS:
        browser.get(path)
        assert not any(word in browser.text for word in FOREIGN_WORDS), path
    browser.get("/")
    assert "商铺12" in browser.text
    for kind, right in REPORTS.items():
        account = f"?account={account_id(OTHER, 2)}" if kind in ("statement", "proof") else ""
        browser.get(f"/reports/{kind}{account}")
        assert (browser.status == 403) == (right not in rights), kind
        assert not any(word in browser.text for word in FOREIGN_WORDS), kind
        answer = browser.client.get(f"/reports/{kind}.xlsx{account}")
        if answer.status_code == 200:
            book = CalamineWorkbook.from_filelike(BytesIO(answer.content))
            cells = "\n".join(str(book.get_sheet_by_name(name).to_python()) for name in book.sheet_names)
            assert not any(word in cells for word in FOREIGN_WORDS), kind


def test_alarms_of_other_buildings_are_neither_told_nor_acknowledged(world: World) -> None:
    browser = world.limited("technician")
    told = browser.client.get("/live/alarms").json()
    assert told["standing"] == 1
    assert [one["where"] for one in told["unseen"]] == ["A04 商铺14"]
    browser.get("/alarms")
    browser.post("/alarms", note="seen", **{f"a-{world.things[OTHER].alarm}": "yes"})
    with world.console.rig.store.read() as unit:
        seen = unit.alarm_book.alarms(AlarmFilter(unseen=True), None, 10)
    assert world.things[OTHER].alarm in {fact.alarm_id for fact in seen}


def test_an_order_to_many_reaches_own_meters_alone(world: World) -> None:
    browser = world.limited("technician")
    browser.get("/operations")
    browser.post("/operations/order/service/observe", **{f"p-{point_id(OTHER, 4)}": "yes"})
    assert browser.status == 422
    browser.post(
        "/operations/order/service/observe",
        **{f"p-{point_id(OTHER, 4)}": "yes", f"p-{point_id(OWN, 4)}": "yes"},
    )
    assert browser.status == 200
    assert "商铺14" in browser.text
    assert "商铺24" not in browser.text


def test_a_shared_account_is_looked_at_and_its_money_left_alone(world: World) -> None:
    browser = world.limited("supervisor")
    browser.get(f"/customers/{SHARED_ACCOUNT}")
    assert browser.status == 200
    assert "商铺11" in browser.text
    assert "商铺21" not in browser.text
    for path in (f"/desk/{SHARED_ACCOUNT}", f"/desk/{SHARED_ACCOUNT}/refund", f"/customers/{SHARED_ACCOUNT}/adjust"):
        browser.get(path)
        assert browser.status == 403, path
        assert "Somebody who may act in all of them" in browser.text
    assert world.console.browser("supervisor").get(f"/desk/{SHARED_ACCOUNT}")


def test_a_limited_cashier_sells_in_their_building(world: World) -> None:
    cashier, account = world.limited("cashier"), account_id(OWN, 5)
    cashier.get(f"/desk/{account}")
    cashier.post(f"/desk/{account}", key=cashier.hidden("key"), amount="10", method="cash", step="sell")
    assert cashier.path.startswith("/sales/"), cashier.text
    assert cashier.path.removeprefix("/sales/") in cashier.get("/sales")


def test_a_second_person_of_another_building_confirms_nothing(world: World) -> None:
    name = add_limited(world.console.rig, "supervisor", "west", Territory(frozenset({OTHER_BUILDING})))
    cashier, path = world.console.browser("cashier"), f"/desk/{account_id(OWN, 2)}/refund"
    cashier.get(path)
    if cashier.path == "/proof":
        cashier.post("/proof", next=path, password=PASSWORD)
    cashier.get(path)
    second = {"second_name": name, "second_password": PASSWORD}
    cashier.post(path, key=cashier.hidden("key"), amount="1", method="cash", reason="x", **second)
    assert cashier.status == 409
    assert "no permission for these buildings" in cashier.text


def test_who_is_limited_closes_no_till_but_their_own(world: World) -> None:
    supervisor = world.limited("supervisor")
    supervisor.get("/till")
    supervisor.post("/till/close", key="other-till", operator="cashier-east", **{"counted-cash": "0"})
    assert supervisor.status == 403
    assert "cashier-east" not in supervisor.get("/till/days")


def test_an_administrator_limits_a_person_and_their_sessions_end(world: World) -> None:
    administrator, person = world.console.browser("administrator"), add_limited(world.console.rig, "auditor", "new")
    theirs = world.console.browser("auditor")
    theirs.client.cookies.clear()
    theirs.sign_in(person)
    administrator.get("/staff")
    assert "东街" in administrator.text
    staff = administrator.text.split(f"<b>{person}</b>")[0].rsplit('href="', 1)[1].split('"')[0]
    roles = {"role-auditor": "yes", "active": "yes"}
    administrator.get(staff)
    if 'action="/proof"' in administrator.text:
        administrator.post("/proof", next=staff, password=PASSWORD)
    administrator.post(staff, buildings="some", **roles)
    assert administrator.status == 422
    assert "Tick at least one building" in administrator.text
    administrator.post(staff, buildings="some", **roles, **{f"building-{OTHER_BUILDING}": "yes"})
    assert administrator.path == staff
    assert administrator.status == 200
    theirs.get("/")
    assert theirs.path == "/sign-in", "who sees other buildings from now on signs in anew"
    theirs.sign_in(person)
    assert "商铺22" in theirs.get("/?view=rows")
    assert "商铺12" not in theirs.text
    theirs.get("/reports/audit")
    assert theirs.status == 403


def test_meters_of_other_buildings_are_unknown_to_who_orders(world: World) -> None:
    assert meter_id(OTHER, 4) not in world.limited("technician").get("/operations")
