"""Second factors and fresh proofs as a browser meets them: set up, given, used once, lost, and asked again."""

import re
from collections.abc import Callable, Iterator
from dataclasses import replace

import pyotp
import pytest
from fastapi import FastAPI
from starlette.testclient import TestClient

from cloud_server.core.roles import Role
from cloud_server.flows.second_factor import FORM_HOLDS_MS, PROOF_HOLDS_MS, RECOVERY_CODES
from cloud_server.flows.sign_in import SignIn
from cloud_server.web.services import Services
from tests.cloud_server.web.conftest import ADDRESS, PASSWORD, Browser, console_app
from tests.fakes.centre_clock import FakeChance, FakeClock
from tests.fakes.centre_factors import FakeFactors, second_factor
from tests.fakes.centre_site import FakeSite

STEP_MS = 30_000


@pytest.fixture
def factors() -> FakeFactors:
    return FakeFactors()


@pytest.fixture
def strict_app(services: Services, sign_in: SignIn, clock: FakeClock, factors: FakeFactors) -> FastAPI:
    """A console of a site that demands second factors."""
    second = second_factor(sign_in, clock, FakeChance("strict"), demanded=True, factors=factors)
    return console_app(replace(services, second=second))


@pytest.fixture
def browser(strict_app: FastAPI) -> Iterator[Browser]:
    with TestClient(strict_app, base_url=ADDRESS, headers={"Accept-Language": "en"}) as client:
        yield Browser(client)


def code_of(browser: Browser, clock: FakeClock, away: int = 0) -> str:
    """What the phone shows, with the key that the page shows."""
    found = re.search(r'<code class="copy">([A-Z2-7 ]+)</code>', browser.text)
    assert found is not None, browser.text
    return code_for(found.group(1), clock, away)


def code_for(secret: str, clock: FakeClock, away: int = 0) -> str:
    return pyotp.TOTP(secret.replace(" ", "")).at(clock.wall_ms() // 1_000 + 30 * away)


def set_up(browser: Browser, clock: FakeClock, name: str = "supervisor") -> str:
    """Sign in for the first time and set the factor up; the secret."""
    browser.sign_in(name, PASSWORD)
    assert browser.path == "/second-factor"
    secret = re.search(r'<code class="copy">([A-Z2-7 ]+)</code>', browser.text)
    assert secret is not None
    browser.post("/second-factor", code=code_of(browser, clock))
    assert browser.status == 200, browser.text
    return secret.group(1).replace(" ", "")


def test_who_can_move_money_sets_up_a_second_factor_first(browser: Browser, clock: FakeClock) -> None:
    browser.sign_in("supervisor", PASSWORD)
    assert browser.path == "/second-factor"
    for path in ("/", "/desk", "/staff", "/reports", "/proof"):
        browser.get(path)
        assert browser.path == "/second-factor", path
    browser.get("/second-factor")
    browser.post("/second-factor", code=code_of(browser, clock))
    assert browser.status == 200
    assert len(re.findall(r"<li><code>[a-z2-7]{4}(?:-[a-z2-7]{4}){5}</code>", browser.text)) == RECOVERY_CODES
    browser.get("/desk")
    assert browser.path == "/desk"


def test_live_streams_are_closed_before_the_second_factor(browser: Browser) -> None:
    browser.sign_in("supervisor", PASSWORD)
    assert browser.client.get("/live/monitor").status_code == 403


def test_a_cashier_may_go_without(browser: Browser) -> None:
    browser.sign_in("cashier", PASSWORD)
    assert browser.path == "/"


def test_the_next_sign_in_asks_a_code_and_takes_each_but_once(browser: Browser, clock: FakeClock) -> None:
    secret = set_up(browser, clock)
    used = code_for(secret, clock)
    browser.post("/sign-out")
    browser.sign_in("supervisor", PASSWORD)
    assert browser.path == "/second-factor"
    browser.post("/second-factor", code=used)
    assert (browser.status, browser.path) == (401, "/second-factor")
    clock.advance(STEP_MS)
    browser.post("/second-factor", code=code_for(secret, clock))
    assert browser.path == "/"


@pytest.mark.parametrize(("away", "taken"), [(-2, False), (-1, True), (0, True), (1, True), (2, False)])
def test_a_phone_may_be_half_a_minute_off(away: int, taken: bool, browser: Browser, clock: FakeClock) -> None:
    secret = set_up(browser, clock)
    browser.post("/sign-out")
    clock.advance(10 * STEP_MS)
    browser.sign_in("supervisor", PASSWORD)
    browser.post("/second-factor", code=code_for(secret, clock, away))
    assert (browser.path == "/") is taken


def test_the_session_gets_a_new_token_with_the_factor(browser: Browser, clock: FakeClock) -> None:
    browser.sign_in("supervisor", PASSWORD)
    before = browser.client.cookies["__Host-tallybox"]
    browser.post("/second-factor", code=code_of(browser, clock))
    assert browser.client.cookies["__Host-tallybox"] != before
    browser.client.cookies.clear()
    browser.client.cookies.set("__Host-tallybox", before)
    browser.get("/")
    assert browser.path == "/sign-in"


def test_a_recovery_code_is_good_once(browser: Browser, clock: FakeClock) -> None:
    set_up(browser, clock)
    recovery = re.findall(r"<li><code>([a-z2-7-]{29})</code>", browser.text)[0]
    for taken in (True, False):
        browser.post("/sign-out")
        browser.sign_in("supervisor", PASSWORD)
        browser.post("/second-factor", code=recovery.upper().replace("-", " "))
        assert (browser.path == "/") is taken


def test_guessing_codes_is_throttled_and_a_right_one_fails_then_too(browser: Browser, clock: FakeClock) -> None:
    secret = set_up(browser, clock)
    browser.post("/sign-out")
    clock.advance(10 * STEP_MS)
    browser.sign_in("supervisor", PASSWORD)
    for guess in range(6):
        browser.post("/second-factor", code=f"{guess:06}")
        assert browser.status == 401
    browser.post("/second-factor", code=code_for(secret, clock))
    assert browser.status == 401
    clock.advance(20 * 60_000)
    browser.post("/second-factor", code=code_for(secret, clock))
    assert browser.path == "/"


@pytest.fixture(params=["refund", "protected"])
def grave(request: pytest.FixtureRequest, browser_of: Callable[[Role], Browser], site: FakeSite) -> tuple[Browser, str]:
    """Somebody who may, and the page of a step that asks a fresh proof."""
    row = site.numbered("A101")
    steps: dict[str, tuple[Role, str]] = {
        "refund": ("supervisor", f"/desk/{row.account}/refund"),
        "protected": ("administrator", f"/points/{row.point}/mode/protected"),
    }
    role, path = steps[request.param]
    return browser_of(role), path


def test_grave_steps_ask_a_fresh_proof(grave: tuple[Browser, str], clock: FakeClock) -> None:
    browser, path = grave
    browser.get(path)
    assert browser.path == path, "just signed in"
    clock.advance(PROOF_HOLDS_MS + 1)
    browser.get(path)
    assert browser.path == "/proof"
    browser.post("/proof", next=path, password="not the one")
    assert browser.status == 401
    browser.post("/proof", next=path, password=PASSWORD)
    assert browser.path == path


def test_a_form_that_was_opened_in_time_may_be_filled_in(grave: tuple[Browser, str], clock: FakeClock) -> None:
    browser, path = grave
    browser.get(path)
    clock.advance(FORM_HOLDS_MS)
    browser.post(path)
    assert browser.path != "/proof"
    browser.get("/")
    clock.advance(1)
    browser.post(path)
    assert (browser.status, "Once more, please" in browser.text) == (403, True)


def test_a_proof_is_never_a_way_to_another_site(cashier: Browser) -> None:
    cashier.get("/proof?next=//evil.example/")
    cashier.post("/proof", next="//evil.example/", password=PASSWORD)
    assert cashier.path == "/desk"
