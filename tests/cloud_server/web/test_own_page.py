"""One's own page: a new password by oneself, the sessions in one's name, and what is logged of what was refused."""

import logging
from collections.abc import Callable

import pytest

from cloud_server.core.roles import Role
from cloud_server.flows.second_factor import PROOF_HOLDS_MS
from tests.cloud_server.web.conftest import PASSWORD, Browser
from tests.fakes.centre_clock import FakeClock
from tests.fakes.centre_people import FakePeople

NEW = "another short sentence"


def change(browser: Browser, old: str = PASSWORD, new: str = NEW, again: str | None = None) -> None:
    browser.get("/me/password")
    browser.post("/me/password", old=old, password=new, password_again=new if again is None else again)


def test_a_person_changes_their_own_password_with_the_old_one(browser_of: Callable[[Role], Browser]) -> None:
    here, there = browser_of("cashier"), browser_of("cashier")
    change(here)
    assert here.path == "/sign-in", "every session has ended, this one too"
    there.get("/")
    assert there.path == "/sign-in"
    here.sign_in("cashier")
    assert here.status == 401
    here.sign_in("cashier", NEW)
    assert here.path == "/"


@pytest.mark.parametrize(
    ("fields", "status", "words"),
    [
        ({"old": "not this one"}, 401, "That is not right"),
        ({"again": "something else"}, 422, "The two entries differ"),
        ({"new": "short"}, 422, "At least 10 characters"),
        ({"new": "password1234"}, 422, "One of the first"),
        ({"new": "cashier-2026"}, 422, "Too much like the name"),
        ({"new": "tallybox 2026"}, 422, "words of the site"),
    ],
)
def test_a_new_password_that_may_not_be_changes_nothing(
    cashier: Browser, people: FakePeople, fields: dict[str, str], status: int, words: str
) -> None:
    before = dict(people.rows)
    change(cashier, **fields)
    assert cashier.status == status
    assert words in cashier.text
    assert people.rows == before
    cashier.get("/me")
    assert cashier.path == "/me"


def test_the_form_asks_a_fresh_proof_when_the_sign_in_is_long_ago(cashier: Browser, clock: FakeClock) -> None:
    clock.advance(PROOF_HOLDS_MS + 60_000)
    cashier.get("/me/password")
    assert cashier.path == "/proof"


def test_old_passwords_are_not_guessed_here_either(cashier: Browser, people: FakePeople) -> None:
    for _ in range(6):
        change(cashier, old="not this one")
    before = dict(people.rows)
    change(cashier)
    assert cashier.status == 401, "the right one fails too while the throttle waits"
    assert people.rows == before


def test_own_sessions_are_listed_and_ended(browser_of: Callable[[Role], Browser]) -> None:
    here, there, other = browser_of("cashier"), browser_of("cashier"), browser_of("supervisor")
    text = here.get("/me")
    assert text.count("End this session") == 1
    name = text.split('action="/me/sessions/')[1].split('"')[0]
    other.get("/me")
    other.post(f"/me/sessions/{name}")
    assert other.status == 404, "nobody ends a session of somebody else here"
    here.post(f"/me/sessions/{name}")
    assert "That session has ended." in here.text
    there.get("/")
    assert there.path == "/sign-in"
    third = browser_of("cashier")
    here.get("/me")
    here.post("/me/sessions")
    assert "All your other sessions have ended." in here.text
    third.get("/")
    assert third.path == "/sign-in"
    assert "End this session" not in here.get("/me")


def test_a_refused_right_is_logged(cashier: Browser, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.WARNING):
        cashier.get("/staff")
    assert cashier.status == 403
    (line,) = [record for record in caplog.records if record.getMessage() == "right_refused"]
    assert (vars(line)["person"], vars(line)["right"], vars(line)["path"]) == ("cashier", "manage_staff", "/staff")
