"""Signing in and out, languages, throttle, session ends and the first administrator's link, as a browser sees them."""

import logging

import pytest

from cloud_server.core.roles import ROLES, Role
from cloud_server.flows.sign_in import ABSOLUTE_MS, IDLE_MS, SETUP_LINK_MS, SignIn
from cloud_server.web.pages.sign_in import START_OF
from tests.cloud_server.web.conftest import PASSWORD, Browser
from tests.fakes.centre_clock import FakeClock
from tests.fakes.centre_people import FakePeople

FAILED = "Sign-in failed"


def test_in_and_out(stranger: Browser, people: FakePeople) -> None:
    stranger.sign_in("cashier")
    assert stranger.path == "/"
    assert "The cashier" in stranger.text
    assert len(people.sessions) == 1
    stranger.post("/sign-out")
    assert stranger.path == "/sign-in"
    assert not people.sessions
    stranger.get("/")
    assert stranger.path == "/sign-in"


def test_the_session_cookie_is_for_this_host_and_out_of_reach(stranger: Browser, people: FakePeople) -> None:
    stranger.get("/sign-in")
    answer = stranger.client.post(
        "/sign-in",
        data={"form_token": stranger.token(), "name": "cashier", "password": PASSWORD},
        headers={"Origin": "https://centre.test"},
        follow_redirects=False,
    )
    cookie = answer.headers["set-cookie"]
    assert cookie.startswith("__Host-tallybox=")
    for word in ("Secure", "HttpOnly", "SameSite=lax", "Path=/"):
        assert word in cookie
    assert "Domain" not in cookie
    token = cookie.split("=", 1)[1].split(";")[0]
    assert token not in str(people.sessions), "what is stored must not be what the browser holds"


def test_one_answer_for_every_failure(stranger: Browser) -> None:
    pages = []
    for name, password in (("cashier", "wrong password"), ("nobody", PASSWORD), ("", ""), ("cashier", "x" * 5000)):
        stranger.get("/sign-in")
        stranger.post("/sign-in", name=name, password=password[:1900])
        assert stranger.status == 401
        assert FAILED in stranger.text
        pages.append(stranger.text.count("<"))
    assert len(set(pages)) == 1


def test_after_too_many_failures_even_the_right_password_waits(stranger: Browser, clock: FakeClock) -> None:
    for _ in range(6):
        stranger.get("/sign-in")
        stranger.post("/sign-in", name="cashier", password="wrong password")
    stranger.sign_in("cashier")
    assert stranger.status == 401
    assert FAILED in stranger.text
    clock.advance(15 * 60_000)
    stranger.sign_in("cashier")
    assert stranger.path == "/"


def test_a_session_ends_when_idle_and_at_last(stranger: Browser, clock: FakeClock, people: FakePeople) -> None:
    stranger.sign_in("cashier")
    clock.advance(IDLE_MS - 1)
    stranger.get("/")
    assert stranger.path == "/"
    clock.advance(IDLE_MS + 1)
    stranger.get("/")
    assert stranger.path == "/sign-in"
    assert not people.sessions
    stranger.sign_in("cashier")
    for _ in range(ABSOLUTE_MS // (IDLE_MS // 2)):
        clock.advance(IDLE_MS // 2)
        stranger.get("/")
    assert stranger.path == "/sign-in"


def test_a_change_of_roles_or_password_ends_the_sessions_at_once(
    stranger: Browser, people: FakePeople, clock: FakeClock
) -> None:
    stranger.sign_in("cashier")
    row = people.staff_named("cashier")
    assert row is not None
    people.change_roles(row.staff, frozenset({"auditor"}), True, clock.wall_ms(), "administrator")
    stranger.get("/desk")
    assert stranger.path == "/sign-in"
    stranger.sign_in("cashier")
    stranger.get("/desk")
    assert stranger.status == 403


def test_somebody_switched_off_is_out(stranger: Browser, people: FakePeople, clock: FakeClock) -> None:
    row = people.staff_named("cashier")
    assert row is not None
    people.change_roles(row.staff, row.roles, False, clock.wall_ms(), "administrator")
    stranger.sign_in("cashier")
    assert stranger.status == 401


def test_after_sign_in_nobody_is_sent_to_another_host(stranger: Browser) -> None:
    for to in ("https://elsewhere.test/", "//elsewhere.test", "/\\elsewhere.test", "javascript:alert(1)", "/\n/x"):
        stranger.client.cookies.clear()
        stranger.get("/sign-in")
        stranger.post("/sign-in", name="cashier", password=PASSWORD, next=to)
        assert stranger.path == "/desk", to


@pytest.mark.parametrize("role", ROLES)
def test_each_role_lands_where_its_day_starts(role: Role, stranger: Browser) -> None:
    stranger.get("/")
    assert stranger.path == "/sign-in"
    stranger.post("/sign-in", name=role, password=PASSWORD, next=stranger.hidden("next"))
    assert (stranger.path, stranger.status) == (START_OF[role], 200)
    stranger.get("/sign-in")
    assert stranger.path == START_OF[role], "who is signed in already goes on there too"


def test_what_was_asked_for_comes_before_where_the_day_starts(stranger: Browser) -> None:
    stranger.get("/sales")
    stranger.post("/sign-in", name="cashier", password=PASSWORD, next=stranger.hidden("next"))
    assert stranger.path == "/sales"


def test_of_several_roles_the_first_in_the_table_leads(stranger: Browser, sign_in: SignIn) -> None:
    sign_in.add_staff("both", "Both", PASSWORD, frozenset({"administrator", "cashier"}), "test")
    stranger.get("/sign-in")
    stranger.post("/sign-in", name="both", password=PASSWORD)
    assert stranger.path == "/desk"


def test_the_language_changes_without_scripts_and_stays(stranger: Browser) -> None:
    stranger.get("/sign-in")
    assert "Password" in stranger.text
    stranger.post("/look", language="zh-CN", back="/sign-in")
    assert stranger.path == "/sign-in"
    assert '<html lang="zh-CN"' in stranger.text
    assert "密码" in stranger.text
    stranger.sign_in("cashier")
    assert "实时监控" in stranger.text
    stranger.post("/look", theme="dark", back="/")
    assert 'data-theme="dark"' in stranger.text


def test_the_first_administrators_link_works_once(stranger: Browser, sign_in: SignIn, people: FakePeople) -> None:
    link = f"/setup/{sign_in.offer_setup()}"
    stranger.get(link)
    fields = {"name": "boss", "display_name": "The Boss", "password": PASSWORD, "password_again": PASSWORD}
    stranger.post(link, **{**fields, "password_again": "something else"})
    assert stranger.status == 422
    assert "The two entries differ." in stranger.text
    stranger.post(link, **{**fields, "password": "short", "password_again": "short", "name": "two words"})
    assert stranger.status == 422
    assert "At least 10 characters." in stranger.text
    assert "No spaces" in stranger.text
    stranger.post(link, **{**fields, "name": "Cashier"})
    assert "This name is taken." in stranger.text
    stranger.post(link, **fields)
    assert stranger.path == "/"
    boss = people.staff_named("BOSS")
    assert boss is not None
    assert boss.roles == {"administrator"}
    stranger.get(link)
    assert stranger.status == 410


def test_the_link_ends_after_a_day_and_a_newer_one_replaces_it(
    stranger: Browser, sign_in: SignIn, clock: FakeClock
) -> None:
    first, second = sign_in.offer_setup(), sign_in.offer_setup()
    assert stranger.get(f"/setup/{first}")
    assert stranger.status == 410
    stranger.get(f"/setup/{second}")
    assert stranger.status == 200
    clock.advance(SETUP_LINK_MS)
    stranger.get(f"/setup/{second}")
    assert stranger.status == 410


def test_who_came_in_and_who_did_not_is_logged(stranger: Browser, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.INFO):
        stranger.sign_in("a password that slipped", "x" * 12)
        stranger.sign_in("cashier")
    said = [
        (record.message, record.__dict__.get("person"))
        for record in caplog.records
        if record.name.startswith("cloud_server.")
    ]
    assert said == [("sign_in_failed", None), ("signed_in", "cashier")]
    assert "a password that slipped" not in caplog.text
