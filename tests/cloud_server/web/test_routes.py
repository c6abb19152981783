"""Who may open and do what: every route against every role, and every form against those who did not get it from us."""

from collections.abc import Callable

import pytest

from cloud_server.core.roles import ROLES, TABLE, Role
from cloud_server.web.addresses import LIVE_ROUTES, ROUTES, Route
from tests.cloud_server.web.conftest import ADDRESS, Browser
from tests.fakes.centre_people import FakePeople
from tests.fakes.centre_site import FakeSite
from tests.fakes.centre_street import made_id

PARTS = {
    "point": made_id("point 1"),
    "account": made_id("account 1"),
    "sale": "0" * 32,
    "token": "no-such-link",
    "kind": "prepaid",
    "batch": "batch-none",
    "staff": made_id("nobody"),
    "refund": "0" * 32,
    "step": "pay",
    "shift": "0" * 32,
    "request": "0" * 32,
    "answer": "withdraw",
    "number": "none",
    "item": "customer",
    "section": "site",
    "job": "none",
    "closing": "0" * 32,
    "box": "0" * 32,
    "occasion": "alarm2",
    "language": "en",
    "message": "0" * 32,
    "draft": "0" * 32,
    "profile": "nx3",
    "version": "1",
    "mark": "none",
    "digest": "none",
    "question": "0",
    "session": "none",
}
OPEN = {"/sign-in", "/sign-out", "/setup/{token}", "/look", "/password/{token}", "/my/{token}"}
OPEN |= {"/look/{mark}/accent.css", "/look/{digest}/logo"}


def address(route: Route) -> str:
    kind = "in_service" if "/service/" in route.path else "lock_out" if "/lock-out/" in route.path else "prepaid"
    parts = {**PARTS, "kind": kind}
    return route.path.format(**parts)


@pytest.mark.parametrize("role", ROLES)
def test_each_route_opens_for_its_roles_and_for_nobody_else(role: Role, browser_of: Callable[[Role], Browser]) -> None:
    browser = browser_of(role)
    for route in ROUTES:
        if route.ask == "anyone":
            continue
        browser.get("/")
        if route.method == "GET":
            browser.get(address(route))
        elif route.upload:
            browser.send_file(address(route), b"")
        else:
            browser.post(address(route))
        allowed = route.ask == "signed_in" or role in TABLE[route.ask]
        assert (browser.status != 403) == allowed, (role, route.method, route.path, browser.status)


def test_open_to_everybody_is_only_what_has_to_be() -> None:
    assert {route.path for route in ROUTES if route.ask == "anyone"} == OPEN
    assert all(live.ask != "anyone" for live in LIVE_ROUTES)


def test_who_is_not_signed_in_is_sent_to_sign_in_and_back(stranger: Browser) -> None:
    for route in ROUTES:
        if route.ask != "anyone" and route.method == "GET":
            stranger.get(address(route))
            assert stranger.path == "/sign-in", route.path
    for live in LIVE_ROUTES:
        stranger.get(live.path.format(**PARTS))
        assert stranger.status == 401, live.path
    stranger.get("/sales")
    stranger.post("/sign-in", name="cashier", password="a short sentence", next=stranger.hidden("next"))
    assert stranger.path == "/sales"


@pytest.mark.parametrize(
    "headers",
    [
        {"Origin": "https://elsewhere.test"},
        {"Origin": "null"},
        {"Origin": "http://centre.test"},
        {"Sec-Fetch-Site": "cross-site"},
        {"Sec-Fetch-Site": "same-site"},
        {"Referer": "https://elsewhere.test/page"},
    ],
)
def test_a_form_from_elsewhere_does_nothing(headers: dict[str, str], supervisor: Browser, site: FakeSite) -> None:
    account = made_id("account 1")
    supervisor.get(f"/desk/{account}")
    data = {
        "form_token": supervisor.token(),
        "key": supervisor.hidden("key"),
        "amount": "10",
        "method": "cash",
        "step": "sell",
    }
    answer = supervisor.client.post(f"/desk/{account}", data=data, headers=headers)
    assert answer.status_code == 403
    assert not site.sales
    assert supervisor.client.post(f"/desk/{account}", data=data, headers={"Origin": ADDRESS}).status_code == 200
    assert len(site.sales) == 1


@pytest.mark.parametrize("token", ["", "x", "A" * 86, None])
def test_a_form_without_our_token_does_nothing(token: str | None, supervisor: Browser, site: FakeSite) -> None:
    data = {"key": "k", "amount": "10", "method": "cash", "step": "sell", "form_token": token or ""}
    if token is None:
        del data["form_token"]
    answer = supervisor.client.post(f"/desk/{made_id('account 1')}", data=data, headers={"Origin": ADDRESS})
    assert answer.status_code == 403
    assert not site.sales


def test_a_token_of_one_session_is_worth_nothing_in_another(
    browser_of: Callable[[Role], Browser], site: FakeSite
) -> None:
    mine, other = browser_of("cashier"), browser_of("supervisor")
    mine.get("/desk")
    data = {"form_token": mine.token(), "key": "k", "amount": "10", "method": "cash", "step": "sell"}
    path = f"/desk/{made_id('account 1')}"
    assert other.client.post(path, data=data, headers={"Origin": ADDRESS}).status_code == 403
    assert not site.sales


def test_an_unknown_address_answers_a_page_to_people_and_a_document_to_programs(
    cashier: Browser, stranger: Browser
) -> None:
    text = cashier.get("/no-such-page")
    assert cashier.status == 404
    assert "What you asked for is not there" in text
    cashier.get("/no-such-page/deeper")
    assert cashier.status == 404
    stranger.get("/no-such-page")
    assert stranger.path == "/sign-in"
    for path in ("/api/v1/nothing", "/v1/nothing"):
        answer = stranger.client.get(path)
        assert answer.status_code == 404
        assert "json" in answer.headers["content-type"]


def test_looking_changes_nothing(supervisor: Browser, site: FakeSite, people: FakePeople) -> None:
    supervisor.get(f"/desk/{made_id('account 1')}")
    supervisor.post(
        f"/desk/{made_id('account 1')}", key=supervisor.hidden("key"), amount="10", method="cash", step="sell"
    )
    before = (dict(site.rows), dict(site.sales), dict(site.commands), dict(people.rows), dict(people.sessions))
    sale = next(iter(site.sales))
    for route in ROUTES:
        if route.method == "GET":
            supervisor.get(
                address(route).replace("0" * 32, sale), **{"HX-Request": "true"} if "desk" in route.path else {}
            )
            mine = route.ask in {"anyone", "signed_in"} or "supervisor" in TABLE[route.ask]  # type: ignore[index]  # a right by now
            assert supervisor.status in ({200, 404, 410} if mine else {403}), route.path
    after = (dict(site.rows), dict(site.sales), dict(site.commands), dict(people.rows), dict(people.sessions))
    assert before == after


def test_headers_that_every_answer_carries(stranger: Browser, cashier: Browser) -> None:
    pages = [
        (stranger, "/sign-in"),
        (cashier, "/"),
        (cashier, "/desk"),
        (cashier, "/no-point"),
        (stranger, "/live/monitor"),
    ]
    for browser, path in pages[:3] + pages[4:]:
        browser.get(path)
        policy = browser.headers["content-security-policy"]
        assert "default-src 'self'" in policy
        assert "unsafe" not in policy
        assert "frame-ancestors 'none'" in policy
        assert browser.headers["x-frame-options"] == "DENY"
        assert browser.headers["x-content-type-options"] == "nosniff"
        assert browser.headers["cache-control"] == "no-store"
        assert browser.headers["strict-transport-security"]


@pytest.mark.parametrize("role", ROLES)
def test_pages_hold_no_inline_script_or_style_and_ask_nothing_elsewhere(
    role: Role, browser_of: Callable[[Role], Browser]
) -> None:
    browser = browser_of(role)
    for route in ROUTES:
        if route.method != "GET" or route.path.startswith("/sign-in"):
            continue
        text = browser.get(address(route))
        assert " style=" not in text, route.path
        assert "<style" not in text, route.path
        assert not [tag for tag in text.split("<script")[1:] if not tag.startswith(' src="/static/')], route.path
        assert "http://" not in text, route.path
        assert "https://" not in text, route.path
        assert " onclick=" not in text, route.path


def test_a_form_too_large_or_of_another_kind_is_refused(supervisor: Browser) -> None:
    path = f"/desk/{made_id('account 1')}"
    big = supervisor.client.post(path, data={"amount": "1" * 40_000}, headers={"Origin": ADDRESS})
    assert big.status_code == 413
    many = supervisor.client.post(path, data={f"f{n}": "1" for n in range(400)}, headers={"Origin": ADDRESS})
    assert many.status_code == 400
    other = supervisor.client.post(path, json={"amount": "1"}, headers={"Origin": ADDRESS})
    assert other.status_code == 415


def test_static_files_are_kept_for_ever_under_their_hash_and_not_under_another(stranger: Browser) -> None:
    stranger.get("/sign-in")
    path = stranger.text.split('rel="stylesheet" href="')[1].split('"')[0]
    assert "immutable" in stranger.client.get(path).headers["cache-control"]
    stale = "/".join(["/static", "000000000000", *path.split("/")[3:]])
    assert stranger.client.get(stale).headers["cache-control"] == "no-store"
    for bad in ("/static/x/../routes.py", "/static/x/%2e%2e/routes.py", "/static/x/css/none.css"):
        assert stranger.client.get(bad).status_code == 404
